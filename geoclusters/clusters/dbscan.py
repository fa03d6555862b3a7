"""The steps of DBSCAN on a grid: core points, connections between cubes, border points."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from geoclusters.clusters.balls import (
    REACH,
    STACK_SIZE,
    advance,
    ball_weight,
    farthest_of_nodes,
    last_distinct,
    nearest_of_nodes,
    nearest_to_node,
    neighbours,
    set_cursors,
    squared_chord,
)
from geoclusters.clusters.grid import Flags, Grid, Ints, Longs, column_of
from geoclusters.clusters.kernels import kernel, query

if TYPE_CHECKING:
    import numpy.typing as npt

_NEAR_SIZE = (2 * REACH + 1) ** 3
_CURSOR_SIZE = (2 * REACH + 1) ** 2
_NONE = -1
_SOME, _ALL = 1, 2


@kernel
def mark_cores(begin: int, end: int, grid: Grid, limit: float, need: int, core: Flags) -> None:
    """Set `core` for the points of the cubes `begin:end` whose ball weighs `need` or more."""
    near = np.empty(_NEAR_SIZE, dtype=np.int32)
    stack = np.empty(STACK_SIZE, dtype=np.int32)
    cursor = np.empty(_CURSOR_SIZE, dtype=np.int32)
    set_cursors(grid, begin, REACH, cursor)
    for c in range(begin, end):
        first, last = grid.first[c], grid.last[c]
        sure = grid.total[c]
        if sure >= need:
            core[first:last] = 1
            continue
        count = neighbours(grid, c, REACH, limit, cursor, near)
        sure, open_weight, count = _split_near(grid, c, limit, near, count)
        if sure >= need:
            core[first:last] = 1
        elif sure + open_weight < need:
            core[first:last] = 0
        else:
            _put_heaviest_first(grid, near, count)
            _mark_one_by_one(grid, c, limit, need - sure, open_weight, near, count, stack, core)


@query
def _split_near(grid: Grid, c: int, limit: float, near: Ints, count: int) -> tuple[int, int, int]:
    """Give the weight in every ball of cube `c`, that in some, and how many cubes hold it."""
    sure = grid.total[c]
    open_weight = 0
    n_open = 0
    for t in range(count):
        other = near[t]
        if farthest_of_nodes(grid, c, other) <= limit:
            sure += grid.total[other]
        else:
            open_weight += grid.total[other]
            near[n_open] = other
            n_open += 1
    return sure, open_weight, n_open


@query
def _put_heaviest_first(grid: Grid, near: Ints, count: int) -> None:
    """Sort cubes by falling weight: the sooner much is known, the sooner the rest can be left."""
    for t in range(1, count):
        node = near[t]
        place = t
        while place > 0 and grid.total[near[place - 1]] < grid.total[node]:
            near[place] = near[place - 1]
            place -= 1
        near[place] = node


@query
def _mark_one_by_one(
    grid: Grid,
    c: int,
    limit: float,
    need: int,
    open_weight: int,
    near: Ints,
    count: int,
    stack: Ints,
    core: Flags,
) -> None:
    first, last = grid.first[c], grid.last[c]
    for p in range(first, last):
        if p > first and squared_chord(grid, p, p - 1) == 0.0:
            core[p] = core[p - 1]
        else:
            core[p] = _reaches(grid, p, limit, need, open_weight, near, count, stack)


@query
def _reaches(
    grid: Grid,
    p: int,
    limit: float,
    need: int,
    open_weight: int,
    near: Ints,
    count: int,
    stack: Ints,
) -> bool:
    """Tell whether the cubes of `near` bring `need` into the ball of `p`."""
    for t in range(count):
        inside = ball_weight(grid, p, near[t], limit, need, stack)
        need -= inside
        open_weight -= grid.total[near[t]]
        if need <= 0:
            return True
        if open_weight < need:
            return False
    return False


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
    parent = np.arange(n_cubes).astype(np.int32)
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


@kernel
def number_clusters(grid: Grid, core: Flags, flag: Flags, parent: Ints) -> Ints:
    """
    Give the cluster of every cube's core points.

    Clusters are numbered by the smallest row of a core point; -1 stands for a cube without core
    points.
    """
    smallest = np.full(len(parent), 2**31 - 1, dtype=np.int32)
    n_clusters = 0
    for c in range(len(parent)):
        if flag[c] == 0:
            continue
        root = find_root(parent, c)
        n_clusters += root == c
        for p in range(grid.first[c], grid.last[c]):
            if core[p] and grid.row[p] < smallest[root]:
                smallest[root] = grid.row[p]
    number = np.full(len(parent), _NONE, dtype=np.int32)
    for place, root in enumerate(np.argsort(smallest)[:n_clusters]):
        number[root] = place
    for c in range(len(parent)):
        if flag[c] > 0:
            number[c] = number[find_root(parent, c)]
    return number


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
    near = np.empty(_NEAR_SIZE, dtype=np.int32)
    stack = np.empty(STACK_SIZE, dtype=np.int32)
    cursor = np.empty(_CURSOR_SIZE, dtype=np.int32)
    set_cursors(grid, begin, REACH, cursor)
    for c in range(begin, end):
        first, last = grid.first[c], grid.last[c]
        if flag[c] == _ALL:
            label[first:last] = number[c]
            continue
        count = _core_neighbours(grid, c, limit, flag, cursor, near)
        if count == 0:
            label[first:last] = _NONE
            continue
        for p in range(first, last):
            if core[p]:
                label[p] = number[c]
            elif p > first and squared_chord(grid, p, p - 1) == 0.0:
                label[p] = label[p - 1]
            elif nearest:
                label[p] = _label_of_nearest(grid, p, limit, core, flag, number, near, count, stack)
            else:
                label[p] = _smallest_label(grid, p, limit, core, flag, number, near, count, stack)


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
    return _nearest_core(grid, p, node, limit, 2**31 - 1, core, flag, stack)[1] < 2**31 - 1


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
