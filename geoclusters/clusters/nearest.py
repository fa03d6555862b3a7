"""The nearest of many places for each of many points, and what lies around a place, by the cubes of a grid."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from geoclusters.clusters.balls import STACK_SIZE, find_cube, nearest_to_vector
from geoclusters.clusters.grid import Scale, build_grid, column_of, squared_chord_limit, unit_vector
from geoclusters.clusters.kernels import kernel, query
from geoclusters.clusters.pieces import in_pieces
from geoclusters.earth import EARTH_RADIUS_KM, chord_of

if TYPE_CHECKING:
    import numpy.typing as npt

    from geoclusters.clusters.grid import Flags, Floats, Grid, Ints, Longs

_NONE = -1
_N_AROUND = 27
"""Cubes side by side with one, that one included."""
_FIRST_PART = 4.0
_WIDER = 1.0 + 1e-6
"""A cube is wider than the distance by this part, so that rounding takes nothing out of the cubes around a point."""


def nearest_within(
    lat: Floats, lon: Floats, place_lat: Floats, place_lon: Floats, *, max_km: float, threads: int
) -> tuple[Ints, Floats]:
    """
    Find the nearest place of each point, if there is one within a distance.

    Parameters
    ----------
    lat, lon : numpy.ndarray of float64, shape (n,)
        Points, WGS 84 degrees; it is quickest when those that follow each other are near each other.
    place_lat, place_lon : numpy.ndarray of float64, shape (k,)
        Places, one or more.
    max_km : float
        Great-circle distance up to which a place counts.
    threads : int
        How many threads may work; the result does not depend on it.

    Returns
    -------
    row : numpy.ndarray of int32, shape (n,)
        The place, of several at the same distance the first; -1 where none is within the distance.
    square : numpy.ndarray of float64, shape (n,)
        Squared chord to it; infinite where there is none.

    Examples
    --------
    >>> lat, lon = np.array([48.1, 0.0]), np.array([11.5, 0.0])
    >>> places = np.array([52.5, 48.0]), np.array([13.4, 11.0])
    >>> nearest_within(lat, lon, *places, max_km=100, threads=1)[0].tolist()
    [1, -1]
    """
    row, square = np.full(len(lat), _NONE, dtype=np.int32), np.full(len(lat), np.inf)
    # Most have one much nearer, which a grid of small cubes finds by looking at few.
    left = np.arange(len(lat))
    for km in (max_km / _FIRST_PART, max_km):
        side = chord_of(km) * _WIDER
        grid = build_grid(place_lat, place_lon, None, side=side, scale=Scale(0, 1))
        limit = squared_chord_limit(km)
        in_pieces(threads, len(left), _find_nearest, left, lat, lon, grid, limit, row, square)
        left = left[row[left] < 0]
    return row, square


@kernel
def _find_nearest(
    begin: int,
    end: int,
    left: Longs,
    lat: Floats,
    lon: Floats,
    grid: Grid,
    limit: float,
    row: Ints,
    square: Floats,
) -> None:
    """Fill `row` and `square` of the points `left[begin:end]`."""
    around = np.empty(_N_AROUND, dtype=np.int32)
    stack = np.empty(STACK_SIZE, dtype=np.int32)
    count, last_column, last_level, found = 0, -1, -1, _NONE
    for k in left[begin:end]:
        x, y, z = unit_vector(lat[k], lon[k])
        column, level = _cube_of(grid, x, y, z)
        if column != last_column or level != last_level:
            count = _cubes_around(grid, column, level, around)
            last_column, last_level = column, level
        # What was nearest to the point before is near this one as a rule, and most of the rest farther.
        distance = limit if found < 0 else _square_to(grid, x, y, z, found)
        found = found if distance <= limit and found >= 0 else _NONE
        best = min(distance, limit)
        for t in range(count):
            found, best = _nearer(grid, x, y, z, around[t], found, best, stack)
        row[k] = grid.row[found] if found >= 0 else _NONE
        square[k] = best if found >= 0 else np.inf


@query
def _cube_of(grid: Grid, x: float, y: float, z: float) -> tuple[int, int]:
    column = column_of(int((x + 1.0) / grid.side), int((y + 1.0) / grid.side))
    return column, int((z + 1.0) / grid.side)


@query
def _cubes_around(grid: Grid, column: int, level: int, around: Ints) -> int:
    """Collect the cubes at a place and side by side with it."""
    count = 0
    for i in range(-1, 2):
        for j in range(-1, 2):
            beside = column + column_of(i, j)
            c = find_cube(grid, beside, level - 1)
            while c < len(grid.column) and grid.column[c] == beside and grid.level[c] <= level + 1:
                around[count] = c
                count += 1
                c += 1
    return count


@query
def _square_to(grid: Grid, x: float, y: float, z: float, p: int) -> float:
    dx, dy, dz = x - grid.point[0, p], y - grid.point[1, p], z - grid.point[2, p]
    return float(dx * dx + dy * dy + dz * dz)


@query
def _nearer(
    grid: Grid, x: float, y: float, z: float, node: int, found: int, best: float, stack: Ints
) -> tuple[int, float]:
    """Give the point of a node that beats what is found, by distance or, at par, by its row; or what is found."""
    stack[0] = node
    depth = 1
    while depth > 0:
        depth -= 1
        node = stack[depth]
        if nearest_to_vector(grid, x, y, z, node) > best:
            continue
        if grid.child[node] >= 0:
            stack[depth] = grid.child[node]
            stack[depth + 1] = grid.child[node] + 1
            depth += 2
            continue
        for p in range(grid.first[node], grid.last[node]):
            square = _square_to(grid, x, y, z, p)
            if square < best or (square == best and (found < 0 or grid.row[p] < grid.row[found])):
                found, best = p, square
    return found, best


def parts_of_larger(
    lat: Floats, lon: Floats, group: Longs, reach_km: Floats
) -> npt.NDArray[np.bool_]:
    """
    Tell which places lie within the reach of one of their group that comes before them and is no part itself.

    Parameters
    ----------
    lat, lon : numpy.ndarray of float64, shape (n,)
        Places, WGS 84 degrees, by falling reach.
    group : numpy.ndarray of int64, shape (n,)
        A place is part of none of another group.
    reach_km : numpy.ndarray of float64, shape (n,)
        Great-circle distances.

    Examples
    --------
    >>> lat, lon = np.array([0.0, 0.1, 0.2]), np.zeros(3)
    >>> parts_of_larger(lat, lon, np.zeros(3, np.int64), np.array([15.0, 15.0, 1.0])).tolist()
    [False, True, False]
    """
    part = np.zeros(len(lat), dtype=np.uint8)
    if len(lat):
        side = max(chord_of(float(reach_km.max())), 1e-3) * _WIDER
        grid = build_grid(lat, lon, None, side=side, scale=Scale(0, 1))
        chord = 2.0 * np.sin(reach_km / EARTH_RADIUS_KM / 2.0)
        _mark_parts(lat, lon, group, chord, grid, part)
    return part.view(np.bool_)


@kernel
def _mark_parts(
    lat: Floats, lon: Floats, group: Longs, chord: Floats, grid: Grid, part: Flags
) -> None:
    """Set `part` for what lies around the places, in their order."""
    for k in range(len(lat)):
        if part[k]:
            continue
        x, y, z = unit_vector(lat[k], lon[k])
        reach = chord[k] * _WIDER
        first_i, last_i = _span(grid, x, reach)
        first_j, last_j = _span(grid, y, reach)
        low, high = _span(grid, z, reach)
        for i in range(first_i, last_i + 1):
            for j in range(first_j, last_j + 1):
                column = column_of(i, j)
                c = find_cube(grid, column, low)
                while c < len(grid.column) and grid.column[c] == column and grid.level[c] <= high:
                    _mark_in_cube(grid, c, k, x, y, z, chord[k], group, part)
                    c += 1


@query
def _span(grid: Grid, x: float, reach: float) -> tuple[int, int]:
    """First and last place of the cubes within a reach, along one axis."""
    return int((x + 1.0 - reach) / grid.side), int((x + 1.0 + reach) / grid.side)


@query
def _mark_in_cube(
    grid: Grid,
    c: int,
    k: int,
    x: float,
    y: float,
    z: float,
    chord: float,
    group: Longs,
    part: Flags,
) -> None:
    for p in range(grid.first[c], grid.last[c]):
        other = grid.row[p]
        if other > k and group[other] == group[k]:
            part[other] |= _square_to(grid, x, y, z, p) <= chord * chord
