"""The steps of DBSCAN that join core points: flags of nodes, connections between cubes, numbers of clusters."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from geoclusters.clusters.balls import (
    STACK_SIZE,
    advance,
    farthest_of_nodes,
    last_distinct,
    nearest_of_nodes,
    nearest_to_node,
    squared_chord,
)
from geoclusters.clusters.grid import column_of
from geoclusters.clusters.kernels import kernel, query

if TYPE_CHECKING:
    import numpy.typing as npt

    from geoclusters.clusters.grid import Flags, Grid, Ints, Longs

_NONE = -1
_NO_ROW = 2**31 - 1
_SOME, _ALL = 1, 2


@kernel
def flag_nodes(grid: Grid, core: Flags) -> Flags:
    """For every node: 0 no core point, 1 some, 2 all."""
    flag = np.empty(len(grid.first), dtype=np.uint8)
    for node in range(len(flag) - 1, -1, -1):
        child = grid.child[node]
        if child >= 0:
            same = flag[child] == flag[child + 1]
            flag[node] = flag[child] if same else _SOME
            continue
        n_core = 0
        for p in range(grid.first[node], grid.last[node]):
            n_core += core[p]
        if n_core == grid.last[node] - grid.first[node]:
            flag[node] = _ALL
        else:
            flag[node] = _SOME if n_core > 0 else 0
    return flag


@kernel
def link_cubes(grid: Grid, limit: float, core: Flags, flag: Flags, offset: Ints) -> Ints:
    """
    Join cubes whose core points touch; gives the parent of every cube in a forest.

    All pairs at one offset come before those at the next, the near ones first: most of the far
    pairs are then joined already and need no test.
    """
    n_cubes = len(grid.column)
    parent = np.empty(n_cubes, dtype=np.int32)
    for c in range(n_cubes):
        parent[c] = c
    stack = np.empty(2 * STACK_SIZE, dtype=np.int32)
    for step in range(len(offset)):
        shift = column_of(offset[step, 0], offset[step, 1])
        cursor = 0
        for c in range(n_cubes):
            if flag[c] == 0:
                continue
            column = grid.column[c] + shift
            level = grid.level[c] + offset[step, 2]
            cursor = advance(grid, cursor, column, level)
            if cursor == n_cubes:
                break
            other = cursor
            if grid.column[other] != column or grid.level[other] != level or flag[other] == 0:
                continue
            a, b = find_root(parent, c), find_root(parent, other)
            if a != b and _touch(grid, limit, core, flag, c, other, stack):
                parent[max(a, b)] = min(a, b)
    return parent


@query
def find_root(parent: Ints, c: int) -> int:
    """Root of `c`; halves the path on the way."""
    while parent[c] != c:
        parent[c] = parent[parent[c]]
        c = parent[c]
    return c


@query
def _touch(grid: Grid, limit: float, core: Flags, flag: Flags, a: int, b: int, stack: Ints) -> bool:
    """Tell whether a core point of node `a` is within the limit of one of node `b`."""
    stack[0], stack[1] = a, b
    depth = 2
    while depth > 0:
        depth -= 2
        a, b = stack[depth], stack[depth + 1]
        if flag[a] == 0 or flag[b] == 0 or nearest_of_nodes(grid, a, b) > limit:
            continue
        if farthest_of_nodes(grid, a, b) <= limit:
            return True
        if grid.child[a] < 0 and grid.child[b] < 0:
            if _leaves_touch(grid, limit, core, a, b):
                return True
            continue
        depth = _push_halves(grid, a, b, stack, depth)
    return False


@query
def _push_halves(grid: Grid, a: int, b: int, stack: Ints, depth: int) -> int:
    """Put the pairs of the larger node's halves with the other node on the stack."""
    wide_a = grid.last[a] - grid.first[a] >= grid.last[b] - grid.first[b]
    halve_a = grid.child[b] < 0 or (grid.child[a] >= 0 and wide_a)
    for half in range(2):
        stack[depth] = grid.child[a] + half if halve_a else a
        stack[depth + 1] = b if halve_a else grid.child[b] + half
        depth += 2
    return depth


@query
def _leaves_touch(grid: Grid, limit: float, core: Flags, a: int, b: int) -> bool:
    end = last_distinct(grid, b)
    for p in range(grid.first[a], last_distinct(grid, a)):
        if core[p] and nearest_to_node(grid, p, b) <= limit:
            for q in range(grid.first[b], end):
                if core[q] and squared_chord(grid, p, q) <= limit:
                    return True
    return False


def number_clusters(grid: Grid, core: Flags, flag: Flags, parent: Ints) -> Ints:
    """
    Give the cluster of every cube's core points.

    Clusters are numbered by the smallest row of a core point; -1 stands for a cube without core
    points.
    """
    smallest = np.full(len(parent), _NO_ROW, dtype=np.int32)
    _find_smallest_rows(grid, core, flag, parent, smallest)
    roots = np.flatnonzero(smallest != _NO_ROW)
    number = np.full(len(parent), _NONE, dtype=np.int32)
    number[roots[np.argsort(smallest[roots])]] = np.arange(len(roots))
    _number_from_roots(flag, parent, number)
    return number


@kernel
def _find_smallest_rows(grid: Grid, core: Flags, flag: Flags, parent: Ints, smallest: Ints) -> None:
    """Put the smallest row of a core point of each cluster at its root."""
    for c in range(len(parent)):
        if flag[c] == 0:
            continue
        root = find_root(parent, c)
        for p in range(grid.first[c], grid.last[c]):
            if core[p] and grid.row[p] < smallest[root]:
                smallest[root] = grid.row[p]


@kernel
def _number_from_roots(flag: Flags, parent: Ints, number: Ints) -> None:
    for c in range(len(parent)):
        if flag[c] > 0:
            number[c] = number[find_root(parent, c)]


@kernel
def put_back(
    begin: int,
    end: int,
    row: Ints,
    label: Ints,
    core: Flags,
    label_of_row: Longs,
    is_core: npt.NDArray[np.bool_],
) -> None:
    """Give labels and core flags of the positions `begin:end`, in the order of the grid, back to their rows."""
    for p in range(begin, end):
        label_of_row[row[p]] = label[p]
        is_core[row[p]] = core[p] != 0
