"""Weight around every point, for the points of a leaf at once.

Most points of the world are far from all points of a leaf or near to all of them; whole nodes are left out or added
for this reason. What is left is a band around the rim of the leaf's balls. It is copied side by side and compared with
each point of the leaf in loops without a branch, which run wide.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from geoclusters.clusters.balls import (
    CURSOR_SIZE,
    NEAR_SIZE,
    REACH,
    STACK_SIZE,
    is_spot,
    neighbours,
    set_cursors,
)
from geoclusters.clusters.kernels import kernel, query
from geoclusters.clusters.trees import LEAF_SIZE

if TYPE_CHECKING:
    from geoclusters.clusters.grid import Floats, Grid, Ints, Longs

_ROOM = 2048
_AT_ONCE = 4
_HAIR = 1e-9
"""Points so near to an edge of the band, as a part of the radius, count as in it."""


@kernel
def sum_surroundings(begin: int, end: int, grid: Grid, limit: float, result: Longs) -> None:
    """Weight within the limit of every point of the cubes `begin:end`, put at the points' rows."""
    near = np.empty(NEAR_SIZE, dtype=np.int32)
    cursor = np.empty(CURSOR_SIZE, dtype=np.int32)
    leaves = np.empty(STACK_SIZE, dtype=np.int32)
    stack = np.empty(STACK_SIZE, dtype=np.int32)
    band = np.empty((3, _ROOM), dtype=np.float64)
    weight = np.empty(_ROOM, dtype=np.int64)
    square = np.empty(LEAF_SIZE, dtype=np.float64)
    found = np.empty(LEAF_SIZE + _AT_ONCE, dtype=np.int64)
    set_cursors(grid, begin, REACH, cursor)
    for c in range(begin, end):
        count = neighbours(grid, c, REACH, limit, cursor, near)
        near[count] = c
        leaves[0] = c
        depth = 1
        while depth > 0:
            depth -= 1
            leaf = leaves[depth]
            if grid.child[leaf] >= 0:
                leaves[depth] = grid.child[leaf]
                leaves[depth + 1] = grid.child[leaf] + 1
                depth += 2
                continue
            n = 1 if is_spot(grid, leaf) else grid.last[leaf] - grid.first[leaf]
            _sum_of_leaf(grid, leaf, n, limit, near, count + 1, stack, band, weight, square, found)
            for place in range(grid.last[leaf] - grid.first[leaf]):
                result[grid.row[grid.first[leaf] + place]] = found[min(place, n - 1)]


@query
def _sum_of_leaf(
    grid: Grid,
    leaf: int,
    n_points: int,
    limit: float,
    near: Ints,
    count: int,
    stack: Ints,
    band: Floats,
    weight: Longs,
    square: Floats,
    found: Longs,
) -> None:
    """Put the weight around each of the first `n_points` points of a leaf into `found`."""
    x, y, z, inner, outer = _band_around(grid, leaf, limit)
    for place in range(len(found)):
        found[place] = 0
    sure, n = 0, 0
    for t in range(count):
        stack[0] = near[t]
        depth = 1
        while depth > 0:
            depth -= 1
            node = stack[depth]
            nearest, farthest = _reach_of_node(grid, node, x, y, z)
            if nearest > outer:
                continue
            if farthest < inner:
                sure += grid.total[node]
            elif grid.child[node] >= 0:
                stack[depth] = grid.child[node]
                stack[depth + 1] = grid.child[node] + 1
                depth += 2
            else:
                if n + LEAF_SIZE > _ROOM:
                    _compare(grid, grid.first[leaf], n_points, limit, band, weight, n, found)
                    n = 0
                more, n = _take(grid, node, x, y, z, inner, outer, band, weight, square, n)
                sure += more
    _compare(grid, grid.first[leaf], n_points, limit, band, weight, n, found)
    for place in range(n_points):
        found[place] += sure


@query
def _band_around(grid: Grid, leaf: int, limit: float) -> tuple[float, float, float, float, float]:
    """
    Give the middle of a leaf, and two squared distances from it.

    Below the first a point is within the limit of all points of the leaf, beyond the second of
    none.
    """
    box = grid.box
    x = 0.5 * (box[leaf, 0] + box[leaf, 3])
    y = 0.5 * (box[leaf, 1] + box[leaf, 4])
    z = 0.5 * (box[leaf, 2] + box[leaf, 5])
    square = 0.0
    for p in range(grid.first[leaf], grid.last[leaf]):
        dx, dy, dz = grid.point[0, p] - x, grid.point[1, p] - y, grid.point[2, p] - z
        square = max(square, dx * dx + dy * dy + dz * dz)
    wide, radius = math.sqrt(square), math.sqrt(limit)
    inner = radius * (1.0 - _HAIR) - wide * (1.0 + _HAIR)
    outer = (radius + wide) * (1.0 + _HAIR)
    return x, y, z, inner * inner if inner > 0.0 else -1.0, outer * outer


@query
def _reach_of_node(grid: Grid, node: int, x: float, y: float, z: float) -> tuple[float, float]:
    """Least and greatest squared distance from a place that the box of a node allows."""
    box = grid.box
    ax, bx = box[node, 0] - x, x - box[node, 3]
    ay, by = box[node, 1] - y, y - box[node, 4]
    az, bz = box[node, 2] - z, z - box[node, 5]
    gap_x, gap_y, gap_z = max(0.0, ax, bx), max(0.0, ay, by), max(0.0, az, bz)
    span_x, span_y, span_z = max(-ax, -bx), max(-ay, -by), max(-az, -bz)
    return (
        gap_x * gap_x + gap_y * gap_y + gap_z * gap_z,
        span_x * span_x + span_y * span_y + span_z * span_z,
    )


@query
def _take(
    grid: Grid,
    node: int,
    x: float,
    y: float,
    z: float,
    inner: float,
    outer: float,
    band: Floats,
    weight: Longs,
    square: Floats,
    n: int,
) -> tuple[int, int]:
    """Copy the points of a leaf that lie in the band; give the weight of those within, and how many there are now."""
    first = grid.first[node]
    spot = is_spot(grid, node)
    size = 1 if spot else grid.last[node] - first
    point = grid.point
    for k in range(np.uint64(size)):
        q = np.uint64(first) + k
        dx, dy, dz = point[0, q] - x, point[1, q] - y, point[2, q] - z
        square[k] = dx * dx + dy * dy + dz * dz
    sure = 0
    for k in range(size):
        q = first + k
        # Written in any case, kept if it is in the band: a branch would cost more.
        band[0, n], band[1, n], band[2, n] = point[0, q], point[1, q], point[2, q]
        weight[n] = grid.total[node] if spot else grid.weight[q]
        sure += weight[n] if square[k] < inner else 0
        n += 1 if inner <= square[k] <= outer else 0
    return sure, n


@query
def _compare(
    grid: Grid,
    first: int,
    n_points: int,
    limit: float,
    band: Floats,
    weight: Longs,
    n: int,
    found: Longs,
) -> None:
    """Add the weight of what of the band is within the limit of each point, four points at a time."""
    point, last = grid.point, first + n_points - 1
    for k in range(0, n_points, _AT_ONCE):
        a, b = first + k, min(first + k + 1, last)
        c, d = min(first + k + 2, last), min(first + k + 3, last)
        ax, ay, az = point[0, a], point[1, a], point[2, a]
        bx, by, bz = point[0, b], point[1, b], point[2, b]
        cx, cy, cz = point[0, c], point[1, c], point[2, c]
        dx, dy, dz = point[0, d], point[1, d], point[2, d]
        of_a, of_b, of_c, of_d = 0, 0, 0, 0
        for q in range(np.uint64(n)):
            x, y, z, heft = band[0, q], band[1, q], band[2, q], weight[q]
            of_a += heft if _is_within(ax - x, ay - y, az - z, limit) else 0
            of_b += heft if _is_within(bx - x, by - y, bz - z, limit) else 0
            of_c += heft if _is_within(cx - x, cy - y, cz - z, limit) else 0
            of_d += heft if _is_within(dx - x, dy - y, dz - z, limit) else 0
        found[k] += of_a
        found[k + 1] += of_b
        found[k + 2] += of_c
        found[k + 3] += of_d


@query
def _is_within(x: float, y: float, z: float, limit: float) -> bool:
    return x * x + y * y + z * z <= limit
