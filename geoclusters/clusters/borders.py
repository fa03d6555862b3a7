"""The clusters of border points: of the nearest core point, or the first cluster within reach."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from geoclusters.clusters.balls import (
    CURSOR_SIZE,
    NEAR_SIZE,
    REACH,
    farthest_in_node,
    farthest_of_nodes,
    last_distinct,
    nearest_of_nodes,
    nearest_to_node,
    neighbours,
    scratch_space,
    set_cursors,
    squared_chord,
    sum_around,
)
from geoclusters.clusters.kernels import kernel, query

if TYPE_CHECKING:
    from geoclusters.clusters.grid import Flags, Grid, Ints

_NONE = -1
_ALL = 2


@kernel
def label_points(
    begin: int,
    end: int,
    grid: Grid,
    limit: float,
    core: Flags,
    flag: Flags,
    number: Ints,
    nearest: bool,  # noqa: FBT001
    label: Ints,
) -> None:
    """Label the points of the cubes `begin:end`: their own cluster, a neighbour's, or -1."""
    near = np.empty(NEAR_SIZE, dtype=np.int32)
    scratch = scratch_space()
    cursor = np.empty(CURSOR_SIZE, dtype=np.int32)
    set_cursors(grid, begin, REACH, cursor)
    for c in range(begin, end):
        first, last = grid.first[c], grid.last[c]
        if flag[c] == _ALL:
            label[first:last] = number[c]
            continue
        count = 0
        if sum_around(grid, flag, c, REACH, cursor) > 0:
            count = _core_neighbours(grid, c, limit, flag, cursor, near)
        if count == 0:
            label[first:last] = _NONE
        else:
            _label_leaves(grid, c, limit, core, flag, number, nearest, near, count, scratch, label)


@query
def _label_leaves(
    grid: Grid,
    c: int,
    limit: float,
    core: Flags,
    flag: Flags,
    number: Ints,
    nearest: bool,  # noqa: FBT001
    near: Ints,
    count: int,
    scratch: tuple[Ints, Ints, Ints],
    label: Ints,
) -> None:
    """Label the points of a cube leaf by leaf: few of the cubes around it can hold what is nearest to one's points."""
    leaves, around, stack = scratch
    leaves[0] = c
    depth = 1
    while depth > 0:
        depth -= 1
        node = leaves[depth]
        first, last = grid.first[node], grid.last[node]
        if flag[node] == _ALL:
            label[first:last] = number[c]
            continue
        if grid.child[node] >= 0:
            leaves[depth] = grid.child[node]
            leaves[depth + 1] = grid.child[node] + 1
            depth += 2
            continue
        sure, n_around = _nodes_to_ask(grid, node, limit, nearest, near, count, around)
        alone = _is_one_cluster(number, around, n_around)
        if sure and alone:
            label[first:last] = number[around[0]]
            continue
        for p in range(first, last):
            if core[p]:
                label[p] = number[c]
            elif p > first and squared_chord(grid, p, p - 1) == 0.0:
                label[p] = label[p - 1]
            elif nearest and not alone:
                label[p] = _label_of_nearest(
                    grid, p, limit, core, flag, number, around, n_around, stack
                )
            else:
                label[p] = _smallest_label(
                    grid, p, limit, core, flag, number, around, n_around, stack
                )


@query
def _nodes_to_ask(
    grid: Grid,
    node: int,
    limit: float,
    nearest: bool,  # noqa: FBT001
    near: Ints,
    count: int,
    around: Ints,
) -> tuple[bool, int]:
    """
    Collect the cubes that may hold a core point in reach, or the nearest one, of points of a node.

    All of `near` have core points. Tells first whether every point of the node has one in reach.
    """
    least = limit
    sure = False
    for t in range(count):
        farthest = farthest_of_nodes(grid, node, near[t])
        sure |= farthest <= limit
        least = min(least, farthest)
    n_around = 0
    for t in range(count):
        if nearest_of_nodes(grid, node, near[t]) <= (least if nearest else limit):
            around[n_around] = near[t]
            n_around += 1
    return sure and nearest, n_around


@query
def _is_one_cluster(number: Ints, around: Ints, count: int) -> bool:
    """Tell whether all cubes are of one cluster, so that it does not matter which is nearest."""
    for t in range(1, count):
        if number[around[t]] != number[around[0]]:
            return False
    return count > 0


@query
def _core_neighbours(
    grid: Grid, c: int, limit: float, flag: Flags, cursor: Ints, near: Ints
) -> int:
    """Keep cube `c` and its neighbours where they have core points."""
    n_found = neighbours(grid, c, REACH, limit, cursor, near)
    near[n_found] = c
    count = 0
    for t in range(n_found + 1):
        if flag[near[t]] > 0:
            near[count] = near[t]
            count += 1
    return count


@query
def _label_of_nearest(
    grid: Grid,
    p: int,
    limit: float,
    core: Flags,
    flag: Flags,
    number: Ints,
    near: Ints,
    count: int,
    stack: Ints,
) -> int:
    label = _NONE
    best = limit
    best_row = 2**31 - 1
    for t in range(count):
        distance, row = _nearest_core(grid, p, near[t], best, best_row, core, flag, stack)
        if distance < best or row < best_row:
            best, best_row, label = distance, row, number[near[t]]
    return label


@query
def _nearest_core(
    grid: Grid,
    p: int,
    node: int,
    best: float,
    best_row: int,
    core: Flags,
    flag: Flags,
    stack: Ints,
) -> tuple[float, int]:
    """Squared distance and row of a node's core point that beats `best` or, at par, its row."""
    stack[0] = node
    depth = 1
    while depth > 0:
        depth -= 1
        node = stack[depth]
        if flag[node] == 0 or nearest_to_node(grid, p, node) > best:
            continue
        if grid.child[node] >= 0:
            stack[depth] = grid.child[node]
            stack[depth + 1] = grid.child[node] + 1
            depth += 2
            continue
        for q in range(grid.first[node], last_distinct(grid, node)):
            distance = squared_chord(grid, p, q)
            if core[q] and (distance < best or (distance == best and grid.row[q] < best_row)):
                best, best_row = distance, grid.row[q]
    return best, best_row


@query
def _smallest_label(
    grid: Grid,
    p: int,
    limit: float,
    core: Flags,
    flag: Flags,
    number: Ints,
    near: Ints,
    count: int,
    stack: Ints,
) -> int:
    label = _NONE
    for t in range(count):
        candidate = number[near[t]]
        if (label == _NONE or candidate < label) and _has_core(
            grid, p, near[t], limit, core, flag, stack
        ):
            label = candidate
    return label


@query
def _has_core(
    grid: Grid, p: int, node: int, limit: float, core: Flags, flag: Flags, stack: Ints
) -> bool:
    """Tell whether a core point of the node is within the limit of `p`."""
    stack[0] = node
    depth = 1
    while depth > 0:
        depth -= 1
        node = stack[depth]
        if flag[node] == 0 or nearest_to_node(grid, p, node) > limit:
            continue
        if farthest_in_node(grid, p, node) <= limit:
            return True
        if grid.child[node] >= 0:
            stack[depth] = grid.child[node]
            stack[depth + 1] = grid.child[node] + 1
            depth += 2
            continue
        for q in range(grid.first[node], last_distinct(grid, node)):
            if core[q] and squared_chord(grid, p, q) <= limit:
                return True
    return False
