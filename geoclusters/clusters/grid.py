"""A grid of cubes around the points of the sphere, with a small tree in every crowded cube.

Points become unit vectors, so that the poles and the date line are places like any other. A hash
table finds the cube of a place; a cube of many points is halved again and again at the median of
its widest side. Every node knows the tight box around its points and their summed weight, and so
answers for all of them at once when it lies wholly inside or outside a ball.

Every comparison of boxes is safe to the last bit: rounding keeps order, and a box is compared by
the same sequence of operations as a pair of points, so no box says "outside" of a pair that the
direct comparison would call "inside".
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from geoclusters.clusters.kernels import kernel, query
from geoclusters.clusters.pieces import in_pieces
from geoclusters.clusters.trees import grow_trees
from geoclusters.earth import EARTH_RADIUS_KM, chord_of

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int32]
Longs = npt.NDArray[np.int64]
Flags = npt.NDArray[np.uint8]
Weights = npt.NDArray[np.int64 | np.float64]

_EVERYWHERE = 8.0
_NOWHERE = -1


class Scale(NamedTuple):
    """
    How weights become integers, whose sums do not depend on their order.

    Attributes
    ----------
    exponent : int
        A weight counts as the nearest multiple of 2**exponent; 0 is for whole weights.
    cap : int
        Weights, and the sums of nodes, stop growing here; at most 2**62.
    """

    exponent: int
    cap: int


class Grid(NamedTuple):
    """
    Points sorted by cube.

    Node `c` is the root of cube `c`; the other nodes come after the last cube.

    Attributes
    ----------
    side : float
        Edge of a cube, in radii of the sphere.
    column : numpy.ndarray of int64, shape (n_cubes,)
        Column of every cube, see `column_of`. Cubes are sorted by column and level.
    level : numpy.ndarray of int64, shape (n_cubes,)
        Place of every cube in its column, from the South Pole up.
    row : numpy.ndarray of int32, shape (n,)
        Row of the caller's input at every sorted position.
    point : numpy.ndarray of float64, shape (3, n)
        Unit vectors, axis by axis.
    weight : numpy.ndarray of int64, shape (n,)
        Weights.
    first, last : numpy.ndarray of int32, shape (n_nodes,)
        The sorted positions `first:last` of every node.
    child : numpy.ndarray of int32, shape (n_nodes,)
        The first of a node's two children, which follow each other; -1 is a leaf.
    box : numpy.ndarray of float64, shape (n_nodes, 6)
        Smallest x, y, z and largest x, y, z of every node.
    total : numpy.ndarray of int64, shape (n_nodes,)
        Weight of every node, or the cap given to `build_grid` where it is more.
    """

    side: float
    column: npt.NDArray[np.int64]
    level: npt.NDArray[np.int64]
    row: npt.NDArray[np.int32]
    point: npt.NDArray[np.float64]
    weight: npt.NDArray[np.int64]
    first: npt.NDArray[np.int32]
    last: npt.NDArray[np.int32]
    child: npt.NDArray[np.int32]
    box: npt.NDArray[np.float64]
    total: npt.NDArray[np.int64]


def squared_chord_limit(radius_km: float) -> float:
    """
    Squared distance between unit vectors up to which points are within `radius_km` of each other.

    Half the globe's circumference and more takes in everything, antipodes and their rounding
    included.
    """
    if radius_km >= math.pi * EARTH_RADIUS_KM:
        return _EVERYWHERE
    return chord_of(radius_km) ** 2


def build_grid(
    lat: Floats,
    lon: Floats,
    weight: Weights | None,
    *,
    side: float,
    scale: Scale,
    threads: int = 1,
) -> Grid:
    """
    Sort points into cubes and trees.

    Parameters
    ----------
    lat, lon : numpy.ndarray of float64, shape (n,)
        WGS 84 degrees, finite.
    weight : numpy.ndarray of int64 or float64, shape (n,), optional
        Not negative. Without weights every point counts 1.
    side : float
        Edge of a cube in radii of the sphere, at least 1e-9.
    scale : Scale
        How weights become integers.
    threads : int
        How many threads may work; the grid does not depend on it.

    Returns
    -------
    Grid
        The points in the order of their cubes.
    """
    place, start, column, level = _sorted_places(lat, lon, 1.0 / side, threads)
    row = np.empty(len(lat), dtype=np.int32)
    point = np.empty((3, len(lat)), dtype=np.float64)
    in_pieces(threads, len(lat), _put_in_place, place, lat, lon, row, point)
    del place
    if weight is None:
        units = np.ones(len(row), dtype=np.int64)
    elif weight.dtype.kind == "i":
        units = _sort_weights(row, weight, scale.cap)
    else:
        units = _sort_scaled_weights(row, weight, scale.exponent, scale.cap)
    nodes = grow_trees(start, row, point, units, scale.cap)
    return Grid(side, column, level, row, point, units, *nodes)


def _sorted_places(
    lat: Floats, lon: Floats, cubes_per_radius: float, threads: int
) -> tuple[Ints, Ints, Longs, Longs]:
    """Give the sorted position of every row, the first of every cube, and the places of the cubes."""
    cube_of = np.empty(len(lat), dtype=np.int32)
    parts = in_pieces(
        *(threads, len(lat), _assign_cubes, lat, lon, cubes_per_radius, cube_of),
        pieces_per_thread=1,
    )
    column, level = (np.concatenate([part[axis] for part in parts]) for axis in range(2))
    order = np.lexsort((level, column))
    column, level = column[order], level[order]
    # What pieces have in common is one cube.
    begins = np.ones(len(order), dtype=np.bool_)
    begins[1:] = (column[1:] != column[:-1]) | (level[1:] != level[:-1])
    number = np.empty(len(order), dtype=np.int32)
    number[order] = np.cumsum(begins) - 1
    n_numbers = np.array([len(part[0]) for part in parts])
    n_rows = np.array([part[2] for part in parts])
    start = _count_and_place(cube_of, n_rows, n_numbers, number, int(begins.sum()))
    return cube_of, start, column[begins], level[begins]


@query
def unit_vector(lat: float, lon: float) -> tuple[float, float, float]:
    """Point of the sphere, as `geoclusters.earth.unit_vectors` has it."""
    phi = math.radians(lat)
    lam = math.radians(lon)
    flat = math.cos(phi)
    return flat * math.cos(lam), flat * math.sin(lam), math.sin(phi)


@query
def column_of(i: int, j: int) -> int:
    """Give the number of the column of cubes at (i, j), counted in edges from (-1, -1)."""
    return (i << 31) + j


@query
def find_slot(table: Ints, columns: Longs, levels: Longs, column: int, level: int) -> int:
    """Give the slot of the table that holds a cube, or the empty one where it belongs."""
    mask = len(table) - 1
    mixed = column * 1640531527 ^ level * 2654435761
    slot = (mixed ^ (mixed >> 23)) & mask
    while table[slot] >= 0:
        c = table[slot]
        if columns[c] == column and levels[c] == level:
            break
        slot = (slot + 1) & mask
    return slot


@kernel
def widen_table(table: Ints, columns: Longs, levels: Longs) -> tuple[Ints, Longs, Longs]:
    """Give a table of twice the size and room for twice as many cubes."""
    n_cubes = len(columns)
    wider = np.full(2 * len(table), _NOWHERE, dtype=np.int32)
    for c in range(n_cubes):
        wider[find_slot(wider, columns, levels, columns[c], levels[c])] = c
    room = np.empty(n_cubes, dtype=np.int64)
    return wider, np.concatenate((columns, room)), np.concatenate((levels, room))


@kernel
def _assign_cubes(
    begin: int, end: int, lat: Floats, lon: Floats, cubes_per_radius: float, cube_of: Ints
) -> tuple[Longs, Longs, int]:
    """Set the cube of the rows `begin:end`; give places of the cubes, numbered as rows meet them."""
    table = np.full(1024, _NOWHERE, dtype=np.int32)
    columns = np.empty(512, dtype=np.int64)
    levels = np.empty(512, dtype=np.int64)
    n_cubes = 0
    cube, last_column, last_level = 0, -1, -1
    for r in range(begin, end):
        x, y, z = unit_vector(lat[r], lon[r])
        column = column_of(int((x + 1.0) * cubes_per_radius), int((y + 1.0) * cubes_per_radius))
        level = int((z + 1.0) * cubes_per_radius)
        if column != last_column or level != last_level:
            slot = find_slot(table, columns, levels, column, level)
            if table[slot] < 0:
                if n_cubes == len(columns):
                    table, columns, levels = widen_table(table, columns, levels)
                    slot = find_slot(table, columns, levels, column, level)
                table[slot] = n_cubes
                columns[n_cubes] = column
                levels[n_cubes] = level
                n_cubes += 1
            cube, last_column, last_level = table[slot], column, level
        cube_of[r] = cube
    return columns[:n_cubes].copy(), levels[:n_cubes].copy(), end - begin


@kernel
def _count_and_place(
    cube_of: Ints, n_rows: Longs, n_numbers: Longs, number: Ints, n_cubes: int
) -> Ints:
    """
    Give where every cube starts, and turn the cubes of the rows into their sorted positions.

    Pieces of `n_rows` rows have numbered their cubes for themselves; `number` has what each of a
    piece's `n_numbers` is in the order of the grid.
    """
    start = np.zeros(n_cubes + 1, dtype=np.int32)
    first_row, first_number = 0, 0
    for piece in range(len(n_rows)):
        for r in range(first_row, first_row + n_rows[piece]):
            cube_of[r] = number[first_number + cube_of[r]]
            start[cube_of[r] + 1] += 1
        first_row += n_rows[piece]
        first_number += n_numbers[piece]
    for c in range(n_cubes):
        start[c + 1] += start[c]
    free = start[:-1].copy()
    for r in range(len(cube_of)):
        c = cube_of[r]
        cube_of[r] = free[c]
        free[c] += 1
    return start


@kernel
def _put_in_place(
    begin: int, end: int, place: Ints, lat: Floats, lon: Floats, row: Ints, point: Floats
) -> None:
    """Put the rows `begin:end` and their unit vectors at their sorted positions."""
    for r in range(begin, end):
        p = place[r]
        row[p] = r
        point[0, p], point[1, p], point[2, p] = unit_vector(lat[r], lon[r])


@kernel
def _sort_weights(row: Ints, weight: Weights, cap: int) -> Longs:
    """Integer weights in the cubes' order."""
    result = np.empty(len(row), dtype=np.int64)
    for p in range(len(row)):
        result[p] = min(weight[row[p]], cap)
    return result


@kernel
def _sort_scaled_weights(row: Ints, weight: Weights, exponent: int, cap: int) -> Longs:
    """Weights as the nearest multiples of 2**exponent, in the cubes' order."""
    result = np.empty(len(row), dtype=np.int64)
    for p in range(len(row)):
        steps = math.ldexp(weight[row[p]], -exponent)
        result[p] = np.int64(np.rint(steps)) if steps < cap else cap
    return result
