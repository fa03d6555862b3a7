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
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar, cast

import numba
import numpy as np
import numpy.typing as npt

from geoclusters.earth import EARTH_RADIUS_KM, chord_of

if TYPE_CHECKING:
    from collections.abc import Callable

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int32]
Longs = npt.NDArray[np.int64]
Flags = npt.NDArray[np.uint8]
Weights = npt.NDArray[np.int64 | np.float64]

_Function = TypeVar("_Function", bound="Callable[..., Any]")

LEAF_SIZE = 32
"""Nodes of more points than this are halved."""

_EVERYWHERE = 8.0
_NOWHERE = -1


def kernel(function: _Function) -> _Function:
    """
    Compile `function` at its first call, and let it run outside the interpreter's lock.

    The machine code is kept on disk, and renewed when the file of the function changes. Whoever
    changes a kernel or a constant that other files use has to touch those files as well, or to
    delete the kept code (``*.nbi`` in ``__pycache__``).
    """
    return _compiled(function)


def query(function: _Function) -> _Function:
    """
    Compile a kernel that allocates nothing, without reference counts.

    Counting the references to a grid's arrays at every call takes ten times longer than looking
    into them.
    """
    return _compiled(function, _nrt=False)


def _compiled(function: _Function, **options: bool) -> _Function:
    try:
        return cast("_Function", numba.njit(cache=True, nogil=True, **options)(function))
    except RuntimeError:  # neither the package's folder nor the user's cache can be written
        return cast("_Function", numba.njit(nogil=True, **options)(function))


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


def count_cubes(lat: Floats, lon: Floats, side: float) -> int:
    """Tell how many cubes of edge `side`, in radii of the sphere, hold a point."""
    return len(_assign_cubes(lat, lon, 1.0 / side)[1])


def build_grid(
    lat: Floats,
    lon: Floats,
    weight: Weights | None,
    *,
    side: float,
    scale: Scale,
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

    Returns
    -------
    Grid
        The points in the order of their cubes.
    """
    cube_of, column, level = _assign_cubes(lat, lon, 1.0 / side)
    order = np.lexsort((level, column)).astype(np.int32)
    column, level = column[order], level[order]
    start, row, point = _sort_by_cube(cube_of, order, lat, lon)
    del cube_of, order
    if weight is None:
        units = np.ones(len(row), dtype=np.int64)
    elif weight.dtype.kind == "i":
        units = _sort_weights(row, weight, scale.cap)
    else:
        units = _sort_scaled_weights(row, weight, scale.exponent, scale.cap)
    nodes = _grow_trees(start, row, point, units, scale.cap)
    return Grid(side, column, level, row, point, units, *nodes)


@query
def _unit_vector(lat: float, lon: float) -> tuple[float, float, float]:
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
def _assign_cubes(lat: Floats, lon: Floats, cubes_per_radius: float) -> tuple[Ints, Longs, Longs]:
    """Give the cube of every row, and the places of the cubes, numbered as rows meet them."""
    cube_of = np.empty(len(lat), dtype=np.int32)
    table = np.full(1024, _NOWHERE, dtype=np.int32)
    columns = np.empty(512, dtype=np.int64)
    levels = np.empty(512, dtype=np.int64)
    n_cubes = 0
    for r in range(len(lat)):
        x, y, z = _unit_vector(lat[r], lon[r])
        column = column_of(int((x + 1.0) * cubes_per_radius), int((y + 1.0) * cubes_per_radius))
        level = int((z + 1.0) * cubes_per_radius)
        slot = find_slot(table, columns, levels, column, level)
        if table[slot] < 0:
            if n_cubes == len(columns):
                table, columns, levels = widen_table(table, columns, levels)
                slot = find_slot(table, columns, levels, column, level)
            table[slot] = n_cubes
            columns[n_cubes] = column
            levels[n_cubes] = level
            n_cubes += 1
        cube_of[r] = table[slot]
    return cube_of, columns[:n_cubes].copy(), levels[:n_cubes].copy()


@kernel
def _sort_by_cube(
    cube_of: Ints, order: Ints, lat: Floats, lon: Floats
) -> tuple[Ints, Ints, Floats]:
    """Count and sort: where every cube starts; rows and unit vectors in the cubes' order."""
    free = np.zeros(len(order), dtype=np.int32)
    for r in range(len(cube_of)):
        free[cube_of[r]] += 1
    start = np.zeros(len(order) + 1, dtype=np.int32)
    for place, c in enumerate(order):
        start[place + 1] = start[place] + free[c]
        free[c] = start[place]
    row = np.empty(len(cube_of), dtype=np.int32)
    point = np.empty((3, len(cube_of)), dtype=np.float64)
    for r in range(len(cube_of)):
        p = free[cube_of[r]]
        free[cube_of[r]] += 1
        row[p] = r
        point[0, p], point[1, p], point[2, p] = _unit_vector(lat[r], lon[r])
    return start, row, point


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


@kernel
def _grow_trees(
    start: Ints, row: Ints, point: Floats, weight: Longs, cap: int
) -> tuple[Ints, Ints, Ints, Floats, Longs]:
    """Make every cube a root and halve what is crowded; points move within their cube only."""
    n_cubes = len(start) - 1
    n_nodes = n_cubes
    for c in range(n_cubes):
        count = start[c + 1] - start[c]
        if count > LEAF_SIZE:
            n_nodes += 2 * (count // (LEAF_SIZE // 2))
    first = np.empty(n_nodes, dtype=np.int32)
    last = np.empty(n_nodes, dtype=np.int32)
    child = np.empty(n_nodes, dtype=np.int32)
    box = np.empty((n_nodes, 6), dtype=np.float64)
    total = np.empty(n_nodes, dtype=np.int64)
    first[:n_cubes] = start[:-1]
    last[:n_cubes] = start[1:]
    n_nodes = n_cubes
    node = 0
    while node < n_nodes:
        _measure(node, first, last, point, weight, cap, box, total)
        child[node] = _NOWHERE
        axis = _widest_axis(box, node)
        if box[node, axis] == box[node, axis + 3]:
            _put_smallest_row_first(row, weight, first[node], last[node])
        elif last[node] - first[node] > LEAF_SIZE:
            middle = (first[node] + last[node]) // 2
            _halve(row, point, weight, first[node], last[node], axis)
            child[node] = n_nodes
            first[n_nodes] = first[node]
            last[n_nodes] = middle
            first[n_nodes + 1] = middle
            last[n_nodes + 1] = last[node]
            n_nodes += 2
        node += 1
    return first[:n_nodes], last[:n_nodes], child[:n_nodes], box[:n_nodes], total[:n_nodes]


@query
def _measure(
    node: int,
    first: Ints,
    last: Ints,
    point: Floats,
    weight: Longs,
    cap: int,
    box: Floats,
    total: Longs,
) -> None:
    for axis in range(3):
        low = np.inf
        high = -np.inf
        for p in range(first[node], last[node]):
            low = min(low, point[axis, p])
            high = max(high, point[axis, p])
        box[node, axis] = low
        box[node, axis + 3] = high
    weight_sum = 0
    for p in range(first[node], last[node]):
        weight_sum = min(weight_sum + weight[p], cap)
    total[node] = weight_sum


@query
def _widest_axis(box: Floats, node: int) -> int:
    widest = 0
    for axis in range(1, 3):
        if box[node, axis + 3] - box[node, axis] > box[node, widest + 3] - box[node, widest]:
            widest = axis
    return widest


@query
def _put_smallest_row_first(row: Ints, weight: Longs, first: int, last: int) -> None:
    """On one spot the first point can then stand for all: nearest, and of the smallest row."""
    smallest = first
    for p in range(first + 1, last):
        if row[p] < row[smallest]:
            smallest = p
    row[first], row[smallest] = row[smallest], row[first]
    weight[first], weight[smallest] = weight[smallest], weight[first]


@query
def _halve(row: Ints, point: Floats, weight: Longs, first: int, last: int, axis: int) -> None:
    """Quickselect: no point before the middle lies further along the axis than one after."""
    middle = (first + last) // 2
    low = first
    high = last - 1
    while low < high:
        pivot = point[axis, (low + high) // 2]
        left = low
        right = high
        while left <= right:
            while point[axis, left] < pivot:
                left += 1
            while point[axis, right] > pivot:
                right -= 1
            if left <= right:
                _swap(row, point, weight, left, right)
                left += 1
                right -= 1
        if middle <= right:
            high = right
        elif middle >= left:
            low = left
        else:
            return


@query
def _swap(row: Ints, point: Floats, weight: Longs, p: int, q: int) -> None:
    row[p], row[q] = row[q], row[p]
    weight[p], weight[q] = weight[q], weight[p]
    for axis in range(3):
        point[axis, p], point[axis, q] = point[axis, q], point[axis, p]
