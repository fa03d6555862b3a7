"""Questions to a grid: what lies within a distance of a point or of a cube."""

from __future__ import annotations

import numpy as np

from geoclusters.clusters.grid import Flags, Grid, Ints, Longs, column_of
from geoclusters.clusters.kernels import kernel, query
from geoclusters.clusters.trees import LEAF_SIZE

REACH = 2
"""Cubes of side radius / √3 have every ball of their points within two cubes in each direction."""

NEAR_SIZE = (2 * REACH + 1) ** 3
CURSOR_SIZE = (2 * REACH + 1) ** 2
"""Room for the cubes around a cube, that one included, and for the columns that they stand in."""

ROOM = 4 * NEAR_SIZE
"""How many nodes may be looked at together, halves of cubes among them."""

STACK_SIZE = 128
"""Scratch space of a walk down one tree of up to 2**31 points; twice that for two trees."""


@query
def is_spot(grid: Grid, node: int) -> bool:
    """Tell whether all points of a node share one place."""
    extent = 0.0
    for axis in range(3):
        extent += grid.box[node, axis + 3] - grid.box[node, axis]
    return extent == 0.0


@query
def last_distinct(grid: Grid, node: int) -> int:
    """End of the positions to look at in a leaf: on one spot, its first point stands for all."""
    return int(grid.first[node] + 1 if is_spot(grid, node) else grid.last[node])


@query
def squared_chord(grid: Grid, p: int, q: int) -> float:
    """Squared distance of two points, by sorted position."""
    x = grid.point[0, p] - grid.point[0, q]
    y = grid.point[1, p] - grid.point[1, q]
    z = grid.point[2, p] - grid.point[2, q]
    return float(x * x + y * y + z * z)


@query
def nearest_to_node(grid: Grid, p: int, node: int) -> float:
    """Least squared distance from a point that the box of a node allows."""
    point = grid.point
    return nearest_to_vector(grid, point[0, p], point[1, p], point[2, p], node)


@query
def nearest_to_vector(grid: Grid, x: float, y: float, z: float, node: int) -> float:
    """Least squared distance from any place that the box of a node allows."""
    box = grid.box
    dx = max(0.0, box[node, 0] - x, x - box[node, 3])
    dy = max(0.0, box[node, 1] - y, y - box[node, 4])
    dz = max(0.0, box[node, 2] - z, z - box[node, 5])
    return float(dx * dx + dy * dy + dz * dz)


@query
def farthest_in_node(grid: Grid, p: int, node: int) -> float:
    """Greatest squared distance from a point that the box of a node allows."""
    result = 0.0
    for axis in range(3):
        x = grid.point[axis, p]
        span = max(x - grid.box[node, axis], grid.box[node, axis + 3] - x)
        result += span * span
    return result


@query
def nearest_of_nodes(grid: Grid, a: int, b: int) -> float:
    """Least squared distance of points that the boxes of two nodes allow."""
    box = grid.box
    result = 0.0
    for axis in range(3):
        gap = max(0.0, box[a, axis] - box[b, axis + 3], box[b, axis] - box[a, axis + 3])
        result += gap * gap
    return result


@query
def farthest_of_nodes(grid: Grid, a: int, b: int) -> float:
    """Greatest squared distance of points that the boxes of two nodes allow."""
    box = grid.box
    result = 0.0
    for axis in range(3):
        span = max(box[a, axis + 3] - box[b, axis], box[b, axis + 3] - box[a, axis])
        result += span * span
    return result


@query
def find_cube(grid: Grid, column: int, level: int) -> int:
    """Give the first cube that does not stand before this place in the order of the grid."""
    low = 0
    high = len(grid.column)
    while low < high:
        middle = (low + high) // 2
        if _is_before(grid, middle, column, level):
            low = middle + 1
        else:
            high = middle
    return low


@query
def _is_before(grid: Grid, c: int, column: int, level: int) -> bool:
    if grid.column[c] == column:
        return bool(grid.level[c] < level)
    return bool(grid.column[c] < column)


@query
def advance(grid: Grid, c: int, column: int, level: int) -> int:
    """Give the first cube from `c` on that does not stand before this place."""
    while c < len(grid.column) and _is_before(grid, c, column, level):
        c += 1
    return c


@query
def set_cursors(grid: Grid, c: int, reach: int, cursor: Ints) -> None:
    """Point the (2 reach + 1) ** 2 cursors at the columns around cube `c`, for `neighbours`."""
    for i in range(-reach, reach + 1):
        for j in range(-reach, reach + 1):
            column = grid.column[c] + column_of(i, j)
            t = (i + reach) * (2 * reach + 1) + j + reach
            cursor[t] = find_cube(grid, column, grid.level[c] - reach)


@query
def neighbours(grid: Grid, c: int, reach: int, limit: float, cursor: Ints, found: Ints) -> int:
    """
    Collect the other cubes that may hold points within the limit of a point of cube `c`.

    Looks `reach` cubes far in each direction. Fills `found`, which has room for (2 reach + 1) **
    3, and returns how many there are. The cursors only move forwards: set them once, then ask for
    cubes in rising order.
    """
    count = 0
    for i in range(-reach, reach + 1):
        for j in range(-reach, reach + 1):
            column = grid.column[c] + column_of(i, j)
            t = (i + reach) * (2 * reach + 1) + j + reach
            other = advance(grid, cursor[t], column, grid.level[c] - reach)
            cursor[t] = other
            while other < len(grid.column) and grid.column[other] == column:
                if grid.level[other] > grid.level[c] + reach:
                    break
                if other != c and nearest_of_nodes(grid, c, other) <= limit:
                    found[count] = other
                    count += 1
                other += 1
    return count


@query
def sum_around(grid: Grid, value: Longs | Flags, c: int, reach: int, cursor: Ints) -> int:
    """Add up a value of the cubes up to `reach` from cube `c` in each direction, that one included (`neighbours`)."""
    result = 0
    for i in range(-reach, reach + 1):
        for j in range(-reach, reach + 1):
            column = grid.column[c] + column_of(i, j)
            t = (i + reach) * (2 * reach + 1) + j + reach
            other = advance(grid, cursor[t], column, grid.level[c] - reach)
            cursor[t] = other
            while other < len(grid.column) and grid.column[other] == column:
                if grid.level[other] > grid.level[c] + reach:
                    break
                result += value[other]
                other += 1
    return result


@query
def ball_weight(grid: Grid, p: int, node: int, limit: float, enough: int, stack: Ints) -> int:
    """
    Weight of a node's points within the limit of point `p`.

    Stops when the sum reaches `enough`; what it returns then is at least that. `stack` is scratch
    space.
    """
    if grid.last[node] - grid.first[node] <= LEAF_SIZE:
        return _span_weight(grid, p, grid.first[node], grid.last[node], limit)
    weight_sum = 0
    stack[0] = node
    depth = 1
    while depth > 0 and weight_sum < enough:
        depth -= 1
        node = stack[depth]
        if nearest_to_node(grid, p, node) > limit:
            continue
        if farthest_in_node(grid, p, node) <= limit:
            weight_sum += grid.total[node]
        elif grid.child[node] < 0:
            weight_sum += _span_weight(grid, p, grid.first[node], grid.last[node], limit)
        else:
            stack[depth] = grid.child[node]
            stack[depth + 1] = grid.child[node] + 1
            depth += 2
    return weight_sum


@query
def _span_weight(grid: Grid, p: int, first: int, last: int, limit: float) -> int:
    """Weight within the limit of `p` among `first:last`; has no branch, so that it runs wide."""
    point = grid.point
    x, y, z = point[0, p], point[1, p], point[2, p]
    weight_sum = 0
    for q in range(np.uint64(first), np.uint64(last)):
        dx, dy, dz = x - point[0, q], y - point[1, q], z - point[2, q]
        weight_sum += grid.weight[q] if dx * dx + dy * dy + dz * dz <= limit else 0
    return weight_sum


@kernel
def scratch_space() -> tuple[Ints, Ints, Ints]:
    """Room for the leaves of a cube, for the cubes around a leaf, and for a walk down the tree of one of these."""
    leaves = np.empty(STACK_SIZE, dtype=np.int32)
    return leaves, np.empty(ROOM, dtype=np.int32), np.empty(STACK_SIZE, dtype=np.int32)
