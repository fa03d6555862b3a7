"""Which points are core points: cube by cube where that can be told, else leaf by leaf, else one by one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from geoclusters.clusters.balls import (
    CURSOR_SIZE,
    NEAR_SIZE,
    REACH,
    ball_weight,
    farthest_of_nodes,
    nearest_of_nodes,
    neighbours,
    scratch_space,
    set_cursors,
    squared_chord,
    sum_around,
)
from geoclusters.clusters.kernels import kernel, query

if TYPE_CHECKING:
    from geoclusters.clusters.grid import Flags, Grid, Ints


@kernel
def mark_cores(begin: int, end: int, grid: Grid, limit: float, need: int, core: Flags) -> None:
    """Set `core` for the points of the cubes `begin:end` whose ball weighs `need` or more."""
    near = np.empty(NEAR_SIZE, dtype=np.int32)
    scratch = scratch_space()
    cursor = np.empty(CURSOR_SIZE, dtype=np.int32)
    set_cursors(grid, begin, REACH, cursor)
    for c in range(begin, end):
        first, last = grid.first[c], grid.last[c]
        sure = grid.total[c]
        if sure >= need:
            core[first:last] = 1
            continue
        # Where all around is too light, as in most of the world, nothing need be measured.
        if sum_around(grid, grid.total, c, REACH, cursor) < need:
            core[first:last] = 0
            continue
        count = neighbours(grid, c, REACH, limit, cursor, near)
        inside, open_weight, count = _split_near(grid, c, limit, near, count, near)
        sure += inside
        if sure >= need:
            core[first:last] = 1
        elif sure + open_weight < need:
            core[first:last] = 0
        else:
            _mark_leaves(grid, c, limit, need - sure, near, count, scratch, core)


@query
def _split_near(
    grid: Grid, node: int, limit: float, near: Ints, count: int, still_open: Ints
) -> tuple[int, int, int]:
    """Give the weight of the cubes in every ball of a node, that of those in some, and how many these are."""
    sure = 0
    open_weight = 0
    n_open = 0
    for t in range(count):
        other = near[t]
        if nearest_of_nodes(grid, node, other) > limit:
            continue
        if farthest_of_nodes(grid, node, other) <= limit:
            sure += grid.total[other]
        else:
            open_weight += grid.total[other]
            still_open[n_open] = other
            n_open += 1
    return sure, open_weight, n_open


@query
def _mark_leaves(
    grid: Grid,
    c: int,
    limit: float,
    need: int,
    near: Ints,
    count: int,
    scratch: tuple[Ints, Ints, Ints],
    core: Flags,
) -> None:
    """Mark the points of a cube leaf by leaf: of the cubes around it, most lie in every ball of a leaf or in none."""
    leaves, around, stack = scratch
    leaves[0] = c
    depth = 1
    while depth > 0:
        depth -= 1
        node = leaves[depth]
        if grid.child[node] >= 0:
            leaves[depth] = grid.child[node]
            leaves[depth + 1] = grid.child[node] + 1
            depth += 2
            continue
        sure, open_weight, n_open = _split_near(grid, node, limit, near, count, around)
        if sure < need <= sure + open_weight:
            inside, open_weight, n_open = _split_halves(grid, node, limit, around, n_open)
            sure += inside
        if sure >= need:
            core[grid.first[node] : grid.last[node]] = 1
        elif sure + open_weight < need:
            core[grid.first[node] : grid.last[node]] = 0
        else:
            _put_heaviest_first(grid, around, n_open)
            _mark_one_by_one(
                grid, node, limit, need - sure, open_weight, around, n_open, stack, core
            )


@query
def _split_halves(
    grid: Grid, node: int, limit: float, around: Ints, count: int
) -> tuple[int, int, int]:
    """Do what `_split_near` does, with halves and their halves in place of cubes, as long as there is room."""
    sure = 0
    t = 0
    while t < count:
        child = grid.child[around[t]]
        if child < 0 or count == len(around):
            t += 1
            continue
        count -= 1
        around[t] = around[count]
        for half in range(child, child + 2):
            if nearest_of_nodes(grid, node, half) > limit:
                continue
            if farthest_of_nodes(grid, node, half) <= limit:
                sure += grid.total[half]
            else:
                around[count] = half
                count += 1
    open_weight = 0
    for t in range(count):
        open_weight += grid.total[around[t]]
    return sure, open_weight, count


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
    node: int,
    limit: float,
    need: int,
    open_weight: int,
    near: Ints,
    count: int,
    stack: Ints,
    core: Flags,
) -> None:
    first, last = grid.first[node], grid.last[node]
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
