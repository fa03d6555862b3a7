"""The closest members of neighbouring clusters, by walking two trees at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from geoclusters.clusters.balls import (
    STACK_SIZE,
    last_distinct,
    nearest_of_nodes,
    neighbours,
    set_cursors,
    squared_chord,
)
from geoclusters.clusters.grid import find_slot, widen_table
from geoclusters.clusters.kernels import kernel, query

if TYPE_CHECKING:
    from geoclusters.clusters.grid import Floats, Grid, Ints, Longs

_MIXED = -1


@kernel
def closest_members(
    grid: Grid, label: Longs, limit: float, reach: int
) -> tuple[Longs, Longs, Floats]:
    """
    Give the pairs of labels with points within the limit, and their least squared distance.

    `label`, in the grid's order, is not negative. Of each pair the smaller label comes first.
    """
    node_label = _label_nodes(grid, label)
    table = np.full(256, -1, dtype=np.int32)
    small = np.empty(128, dtype=np.int64)
    large = np.empty(128, dtype=np.int64)
    best = np.empty(128, dtype=np.float64)
    n_pairs = np.zeros(1, dtype=np.int64)
    near = np.empty((2 * reach + 1) ** 3, dtype=np.int32)
    cursor = np.empty((2 * reach + 1) ** 2, dtype=np.int32)
    stack = np.empty(3 * STACK_SIZE, dtype=np.int32)
    set_cursors(grid, 0, reach, cursor)
    for c in range(len(grid.column)):
        count = neighbours(grid, c, reach, limit, cursor, near)
        near[count] = c
        pairs = (table, small, large, best, n_pairs)
        while not _compare_cubes(grid, label, node_label, limit, c, near, count + 1, stack, pairs):
            table, small, large = widen_table(table, small, large)
            best = np.concatenate((best, np.empty_like(best)))
            pairs = (table, small, large, best, n_pairs)
    n = n_pairs[0]
    return small[:n].copy(), large[:n].copy(), best[:n].copy()


@kernel
def _label_nodes(grid: Grid, label: Longs) -> Longs:
    """Label of all points of a node, or -1 where they differ."""
    node_label = np.empty(len(grid.first), dtype=np.int64)
    for node in range(len(node_label) - 1, -1, -1):
        child = grid.child[node]
        common = node_label[child] if child >= 0 else label[grid.first[node]]
        if child >= 0:
            if node_label[child + 1] != common:
                common = _MIXED
        else:
            for p in range(grid.first[node], grid.last[node]):
                if label[p] != common:
                    common = _MIXED
        node_label[node] = common
    return node_label


@query
def _compare_cubes(
    grid: Grid,
    label: Longs,
    node_label: Longs,
    limit: float,
    c: int,
    near: Ints,
    count: int,
    stack: Ints,
    pairs: tuple[Ints, Longs, Longs, Floats, Longs],
) -> bool:
    """Compare a cube with itself and those after it; False when the table of pairs is full."""
    for t in range(count):
        if near[t] >= c and not _compare_nodes(
            grid, label, node_label, limit, c, near[t], stack, pairs
        ):
            return False
    return True


@query
def _compare_nodes(
    grid: Grid,
    label: Longs,
    node_label: Longs,
    limit: float,
    a: int,
    b: int,
    stack: Ints,
    pairs: tuple[Ints, Longs, Longs, Floats, Longs],
) -> bool:
    stack[0], stack[1] = a, b
    depth = 2
    while depth > 0:
        depth -= 2
        a, b = stack[depth], stack[depth + 1]
        if _is_settled(grid, node_label, limit, a, b, pairs):
            continue
        if grid.child[a] >= 0 or grid.child[b] >= 0:
            depth = _push_halves(grid, a, b, stack, depth)
        elif not _compare_leaves(grid, label, node_label, limit, a, b, pairs):
            return False
    return True


@query
def _is_settled(
    grid: Grid,
    node_label: Longs,
    limit: float,
    a: int,
    b: int,
    pairs: tuple[Ints, Longs, Longs, Floats, Longs],
) -> bool:
    """Tell whether two nodes cannot hold a closer pair than is known."""
    distance = nearest_of_nodes(grid, a, b)
    label_a, label_b = node_label[a], node_label[b]
    if distance > limit:
        return True
    if label_a == _MIXED or label_b == _MIXED:  # noqa: PLR1714
        return False
    if label_a == label_b:
        return True
    table, small, large, best, _ = pairs
    pair = table[find_slot(table, small, large, min(label_a, label_b), max(label_a, label_b))]
    return bool(pair >= 0 and best[pair] <= distance)


@query
def _push_halves(grid: Grid, a: int, b: int, stack: Ints, depth: int) -> int:
    """Put the pairs of halves on the stack; of a node with itself, three."""
    if a == b:
        child = grid.child[a]
        stack[depth], stack[depth + 1] = child, child
        stack[depth + 2], stack[depth + 3] = child + 1, child + 1
        stack[depth + 4], stack[depth + 5] = child, child + 1
        return depth + 6
    wide_a = grid.last[a] - grid.first[a] >= grid.last[b] - grid.first[b]
    halve_a = grid.child[b] < 0 or (grid.child[a] >= 0 and wide_a)
    for half in range(2):
        stack[depth] = grid.child[a] + half if halve_a else a
        stack[depth + 1] = b if halve_a else grid.child[b] + half
        depth += 2
    return depth


@query
def _compare_leaves(
    grid: Grid,
    label: Longs,
    node_label: Longs,
    limit: float,
    a: int,
    b: int,
    pairs: tuple[Ints, Longs, Longs, Floats, Longs],
) -> bool:
    end_a = last_distinct(grid, a) if node_label[a] != _MIXED else grid.last[a]
    end_b = last_distinct(grid, b) if node_label[b] != _MIXED else grid.last[b]
    for p in range(grid.first[a], end_a):
        for q in range(p + 1 if a == b else grid.first[b], end_b):
            if label[p] == label[q]:
                continue
            distance = squared_chord(grid, p, q)
            if distance <= limit and not _keep_least(label[p], label[q], distance, pairs):
                return False
    return True


@query
def _keep_least(
    label_p: int,
    label_q: int,
    distance: float,
    pairs: tuple[Ints, Longs, Longs, Floats, Longs],
) -> bool:
    """Note the distance of a pair of labels where it is less; False when there is no room."""
    table, small, large, best, n_pairs = pairs
    low, high = min(label_p, label_q), max(label_p, label_q)
    slot = find_slot(table, small, large, low, high)
    pair = table[slot]
    if pair < 0:
        pair = n_pairs[0]
        if pair == len(small):
            return False
        table[slot] = pair
        small[pair], large[pair], best[pair] = low, high, distance
        n_pairs[0] += 1
    best[pair] = min(best[pair], distance)
    return True
