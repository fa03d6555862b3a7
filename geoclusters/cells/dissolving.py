"""Dissolves H3 cells into the rings around them, compiled, but for those at the edges of the icosahedron's faces.

On the plane of its face a cell is a hexagon of a lattice, and the corner where three cells meet is named by the sum of
their three centres, in whole numbers. A side that has no neighbour is a piece of the rim. At a corner of the rim
exactly one piece ends and one begins, so rings follow without a choice, and rings of one group of neighbours are one
outer ring, which turns left, and its holes. A group with a cell that lies across an edge is left to the library.
"""

from __future__ import annotations

import math
from functools import cache
from itertools import chain
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from h3.api import numpy_int

from geoclusters.cells import kernel_lattice as lattice
from geoclusters.cells.corners import A_HAIR
from geoclusters.cells.kernel_forward import turned
from geoclusters.cells.kernel_inverse import (
    DEGREES,
    digits_of,
    inside_face,
    leading_digit,
    place_on_chart,
)
from geoclusters.compiling import compiled

Cells = npt.NDArray[np.uint64]
Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

N_SIDES = 6
NOTHING = -1
CHART_SHIFT = 32
"""A place is known by its i, with the number of its chart above it, and its j."""
SIXTH = (1, 1)
"""A sixth of a turn to the left, as a lattice integer."""
_HALF = 32
_MIX = np.uint64(0x9E3779B97F4A7C15)


class Rings(NamedTuple):
    """
    Rings around cells.

    Attributes
    ----------
    points : numpy.ndarray of float64, shape (n, 2)
        Longitude and latitude, WGS 84 degrees, ring after ring, without the first point again at the end.
    sizes : numpy.ndarray of int64, shape (k,)
        Points of each ring.
    group : numpy.ndarray of int64, shape (k,)
        Number of the polygon that each ring belongs to, rising; the first ring of each is the outer one.
    """

    points: Floats
    sizes: Integers
    group: Integers


def rings_around(cells: Cells) -> Rings:
    """
    Dissolve cells of one resolution.

    Parameters
    ----------
    cells : numpy.ndarray of uint64, shape (n,)
        Distinct H3 cells of one resolution, one or more.

    Returns
    -------
    Rings
        Those of groups that lie whole on one face, by their first cells, before those that the library finds.

    Examples
    --------
    >>> rings = rings_around(np.array([0x88283082B9FFFFF], dtype=np.uint64))
    >>> rings.sizes.tolist(), rings.group.tolist()
    ([6], [0])
    """
    index = np.ascontiguousarray(cells, dtype=np.uint64).view(np.int64)
    sides = _sides()[int(index[0]) >> 52 & 15]
    places, whole = np.empty((len(index), 2), dtype=np.int64), np.empty(len(index), dtype=np.bool_)
    _lay_out(index, places, whole, sides, lattice.candidates(), lattice.places_by_digits())
    beside = np.empty((len(index), N_SIDES), dtype=np.int64)
    _find_neighbours(places, sides, beside)
    group = _groups(beside)
    left = _are_left(group, whole)
    if left.all():
        return _by_library(cells)
    own = _traced(places, beside, group, left, sides)
    if not left.any():
        return own
    others = _by_library(cells[left])
    numbers = [own.group, others.group + own.group[-1] + 1]
    return Rings(
        np.concatenate([own.points, others.points]),
        np.concatenate([own.sizes, others.sizes]),
        np.concatenate(numbers),
    )


def _traced(
    places: Integers, beside: Integers, group: Integers, left: Flags, sides: Integers
) -> Rings:
    """Follow the rings of the groups that are not left to the library."""
    n_pieces = int((beside[~left] == NOTHING).sum())
    starts = np.empty((n_pieces, 2), dtype=np.int64)
    owner, side = np.empty(n_pieces, dtype=np.int64), np.empty(n_pieces, dtype=np.int64)
    _rim(places, beside, left, sides, starts, owner, side)
    order, sizes = np.empty(n_pieces, dtype=np.int64), np.empty(n_pieces, dtype=np.int64)
    sizes = sizes[: _follow(places, sides, starts, owner, side, order, sizes)].copy()
    points, is_outer = np.empty((n_pieces, 2)), np.empty(len(sizes), dtype=np.bool_)
    of_ring = group[owner[order[np.cumsum(sizes) - sizes]]]
    _mark_outer(starts, order, sizes, is_outer)
    # Rings of a group come together, the outer one first.
    rings = np.lexsort((~is_outer, of_ring))
    _place_points(starts, order, sizes, rings, lattice.chart_axes(), points)
    numbers = np.cumsum(np.diff(of_ring[rings], prepend=-1) != 0) - 1
    return Rings(points, sizes[rings], numbers)


def _by_library(cells: Cells) -> Rings:
    """Rings as the h3 library finds them, on any faces."""
    shape = numpy_int.cells_to_h3shape(cells, tight=False)
    polygons = [(polygon.outer, *polygon.holes) for polygon in shape]
    loops = [loop for polygon in polygons for loop in polygon]
    flat = np.fromiter(chain.from_iterable(chain.from_iterable(loops)), dtype=np.float64)
    return Rings(
        flat.reshape(-1, 2)[:, ::-1],
        np.array([len(loop) for loop in loops]),
        np.repeat(np.arange(len(polygons)), [len(polygon) for polygon in polygons]),
    )


@cache
def _sides() -> list[Integers]:
    """For each resolution, the ways to the six neighbours, turning left, in steps of the finest lattice."""
    found = []
    way = (1, 0)
    for resolution in range(15, -1, -1):
        way = lattice.times(way, lattice.ratio(resolution + 1))
        six = [way]
        for _ in range(N_SIDES - 1):
            six.append(lattice.times(six[-1], SIXTH))
        found.append(np.array(six, dtype=np.int64))
    return found[::-1]


@compiled
def _lay_out(
    cells: Integers,
    places: Integers,
    whole: Flags,
    sides: Integers,
    candidates: Integers,
    offsets: Integers,
) -> None:
    """
    Give each cell its place on the chart of the face that its centre lies on, and tell whether it lies whole on it.

    A cell without such a place gets one of its own, on a chart that is none, beside nothing.
    """
    for k in range(len(cells)):
        places[k, 0], places[k, 1], whole[k] = NOTHING << CHART_SHIFT, k << CHART_SHIFT, False
        digits = digits_of(cells[k])
        if digits < 0:
            continue
        base_cell = cells[k] >> 45 & 127
        is_pentagon = candidates[base_cell, len(candidates[0]) - 1, 0] >= 0
        leading = leading_digit(digits) if is_pentagon else 1
        if leading == 0:
            continue
        for n in range(len(candidates[0])):
            row = candidates[base_cell, n]
            if row[0] < 0 or row[3 + leading] == lattice.UNKNOWN_TURN:
                continue
            i, j = place_on_chart(turned(digits, row[3 + leading]), row[1], row[2], offsets)
            if inside_face(i - 0.5 * j, math.sqrt(0.75) * j):
                places[k, 0], places[k, 1] = (row[0] << CHART_SHIFT) + i, j
                whole[k] = _is_inside(i, j, sides)
                break


@compiled
def _is_inside(i: int, j: int, sides: Integers) -> bool:
    """Tell whether a hexagon lies within its face, with the centres of its neighbours, and by more than a hair."""
    for side in range(N_SIDES):
        a, b = i + sides[side, 0], j + sides[side, 1]
        if not inside_face(A_HAIR * (a - 0.5 * b), A_HAIR * math.sqrt(0.75) * b):
            return False
    return True


@compiled
def _slot(i: int, j: int, mask: int) -> int:
    mixed = (np.uint64(i) * _MIX ^ np.uint64(j)) * _MIX
    return int(np.int64(mixed >> np.uint64(_HALF)) & mask)


@compiled
def _entered(pairs: Integers) -> Integers:
    """Put pairs of numbers, all different, into a table of open addresses: the row of each, or `NOTHING`."""
    size = 16
    while size < 2 * len(pairs):
        size *= 2
    table = np.full(size, NOTHING, dtype=np.int64)
    for row in range(len(pairs)):
        slot = _slot(pairs[row, 0], pairs[row, 1], size - 1)
        while table[slot] != NOTHING:
            slot = slot + 1 & size - 1
        table[slot] = row
    return table


@compiled
def _row_of(i: int, j: int, pairs: Integers, table: Integers) -> int:
    slot = _slot(i, j, len(table) - 1)
    while table[slot] != NOTHING:
        row = table[slot]
        if pairs[row, 0] == i and pairs[row, 1] == j:
            return int(row)
        slot = slot + 1 & len(table) - 1
    return NOTHING


@compiled
def _find_neighbours(places: Integers, sides: Integers, beside: Integers) -> None:
    table = _entered(places)
    for row in range(len(places)):
        for side in range(N_SIDES):
            i, j = places[row, 0] + sides[side, 0], places[row, 1] + sides[side, 1]
            beside[row, side] = _row_of(i, j, places, table)


@compiled
def _rim(
    places: Integers,
    beside: Integers,
    left: Flags,
    sides: Integers,
    starts: Integers,
    owner: Integers,
    side_of: Integers,
) -> None:
    """Name the corner where each side without a neighbour begins: the sum of three centres."""
    n = 0
    for row in range(len(places)):
        if left[row]:
            continue
        for side in range(N_SIDES):
            if beside[row, side] == NOTHING:
                before = (side + N_SIDES - 1) % N_SIDES
                for axis in range(2):
                    way = sides[before, axis] + sides[side, axis]
                    starts[n, axis] = 3 * places[row, axis] + way
                owner[n], side_of[n] = row, side
                n += 1


@compiled
def _follow(
    places: Integers,
    sides: Integers,
    starts: Integers,
    owner: Integers,
    side_of: Integers,
    order: Integers,
    sizes: Integers,
) -> int:
    """Follow every ring; give the order of the pieces, the pieces of each ring, and how many rings there are."""
    table = _entered(starts)
    done = np.zeros(len(starts), dtype=np.bool_)
    n, rings = 0, 0
    for first in range(len(starts)):
        if done[first]:
            continue
        begin, piece = n, first
        while not done[piece]:
            done[piece] = True
            order[n] = piece
            n += 1
            row, side = owner[piece], side_of[piece]
            after = (side + 1) % N_SIDES
            i = 3 * places[row, 0] + sides[side, 0] + sides[after, 0]
            j = 3 * places[row, 1] + sides[side, 1] + sides[after, 1]
            piece = _row_of(i, j, starts, table)
        sizes[rings] = n - begin
        rings += 1
    return rings


@compiled
def _groups(beside: Integers) -> Integers:
    """Give the group of neighbours that each cell belongs to: the number of its first row."""
    group = np.full(len(beside), NOTHING, dtype=np.int64)
    waiting = np.empty(len(beside), dtype=np.int64)
    for first in range(len(beside)):
        if group[first] != NOTHING:
            continue
        group[first], waiting[0], n = first, first, 1
        while n:
            n -= 1
            row = waiting[n]
            for other in beside[row]:
                if other != NOTHING and group[other] == NOTHING:
                    group[other], waiting[n] = first, other
                    n += 1
    return group


@compiled
def _are_left(group: Integers, whole: Flags) -> Flags:
    """Tell which cells are of a group with one that does not lie whole on a face."""
    is_left = np.zeros(len(group), dtype=np.bool_)
    for row in range(len(group)):
        is_left[group[row]] |= not whole[row]
    return is_left[group]


@compiled
def _mark_outer(starts: Integers, order: Integers, sizes: Integers, is_outer: Flags) -> None:
    """Tell which rings turn left, by their area on the plane, in whole numbers."""
    begin = 0
    for ring in range(len(sizes)):
        end, area = begin + sizes[ring], np.int64(0)
        a, b = starts[order[begin], 0], starts[order[begin], 1]
        for k in range(begin, end):
            here, after = order[k], order[k + 1 if k + 1 < end else begin]
            area += (starts[here, 0] - a) * (starts[after, 1] - b)
            area -= (starts[after, 0] - a) * (starts[here, 1] - b)
        is_outer[ring] = area > 0
        begin = end


@compiled
def _place_points(
    starts: Integers,
    order: Integers,
    sizes: Integers,
    rings: Integers,
    axes: Floats,
    points: Floats,
) -> None:
    """Fill in the longitude and latitude of the corners of each ring, in the order of `rings`."""
    begins = np.cumsum(sizes) - sizes
    n = 0
    for ring in rings:
        for k in range(begins[ring], begins[ring] + sizes[ring]):
            _to_degrees(starts[order[k]], axes, points[n])
            n += 1


@compiled
def _to_degrees(corner: Integers, axes: Floats, point: Floats) -> None:
    """Give longitude and latitude of the corner that the sum of three places names."""
    # Half a chart more, since i may be less than nothing.
    chart = (corner[0] // 3 + (1 << CHART_SHIFT - 1)) >> CHART_SHIFT
    face = axes[chart]
    i, j = (corner[0] - 3 * (chart << CHART_SHIFT)) / 3.0, corner[1] / 3.0
    x, y = i - 0.5 * j, math.sqrt(0.75) * j
    east = face[0, 0] + x * face[1, 0] + y * face[2, 0]
    north = face[0, 1] + x * face[1, 1] + y * face[2, 1]
    up = face[0, 2] + x * face[1, 2] + y * face[2, 2]
    point[0] = math.atan2(north, east) * DEGREES
    point[1] = math.atan2(up, math.sqrt(east * east + north * north)) * DEGREES
