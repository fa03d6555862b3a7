"""Corners of many H3 cells at once: on the plane of a face, compiled, and by the library at the edges of faces.

On the plane of its face a cell is a regular hexagon around its centre. Which corner the library names first depends
on the base cell and on the face alone, so it is asked once for each of these.
"""

from __future__ import annotations

import math
from itertools import chain
from typing import Final

import h3.api.basic_int as h3
import numpy as np
import numpy.typing as npt

from geoclusters.cells import kernel_lattice as lattice
from geoclusters.cells.kernel_forward import turned
from geoclusters.cells.kernel_inverse import (
    DEGREES,
    digits_of,
    inside_face,
    leading_digit,
    place_on_chart,
)
from geoclusters.compiling import compiled

FINEST: Final = 16
N_CORNERS: Final = 6
A_HAIR: Final = 1 + 1e-8
"""A corner nearer to the edge of its face than this part of the way is left to the library."""
TOLERANCE: Final = 1e-9
LEFT: Final = -1
"""Group of a cell that is left to the library."""

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


def cell_corners(cells: npt.NDArray[np.uint64]) -> tuple[Floats, Integers]:
    """
    Give the corners of H3 cells, as `h3.cell_to_boundary` does one by one.

    Parameters
    ----------
    cells : numpy.ndarray of uint64, shape (n,)
        H3 indices, of any resolutions.

    Returns
    -------
    corners : numpy.ndarray of float64, shape (m, 2)
        Longitude and latitude, WGS 84 degrees, within 1e-9 of the library's (less than a kilometre from a pole,
        where arc sines cost it digits, within 1e-7): the corners of the first cell, in its order, then those of the
        next.
    sizes : numpy.ndarray of int64, shape (n,)
        Corners of each cell: 6 as a rule, 5 of a pentagon, more where it lies across an edge of the icosahedron.

    Examples
    --------
    >>> corners, sizes = cell_corners(np.array([0x88283082B9FFFFF], dtype=np.uint64))
    >>> corners.shape, sizes.tolist()
    ((6, 2), [6])
    """
    index = np.ascontiguousarray(cells, dtype=np.uint64).view(np.int64)
    corners, group = np.empty((len(index), N_CORNERS, 2)), np.empty(len(index), dtype=np.int64)
    tables = lattice.candidates(), lattice.places_by_digits(), lattice.chart_axes()
    _hexagons(index, corners, group, _arms(), *tables)
    _turn_to_first(index, corners, group)
    sizes = np.full(len(index), N_CORNERS, dtype=np.int64)
    left = np.flatnonzero(group == LEFT)
    if not len(left):
        return corners.reshape(-1, 2), sizes
    loops = [h3.cell_to_boundary(cell) for cell in index[left].tolist()]
    sizes[left] = [len(loop) for loop in loops]
    found = np.empty((int(sizes.sum()), 2))
    mine = np.repeat(group == LEFT, sizes)
    flat = chain.from_iterable(chain.from_iterable(loops))
    found[mine] = np.fromiter(flat, np.float64).reshape(-1, 2)[:, ::-1]
    found[~mine] = corners[group != LEFT].reshape(-1, 2)
    return found, sizes


def _arms() -> Floats:
    """For each resolution, way from the centre to a corner on the plane of a face, in steps of the finest lattice."""
    arms = np.empty((FINEST, 2))
    step = (1, 0)
    for resolution in range(FINEST - 1, -1, -1):
        step = lattice.times(step, lattice.ratio(resolution + 1))
        x, y = step[0] - 0.5 * step[1], math.sqrt(0.75) * step[1]
        # A corner lies half way, by angle, between two neighbours, and nearer by the root of three.
        arms[resolution] = (x - y / 3**0.5) / 2, (y + x / 3**0.5) / 2
    return arms


def _turn_to_first(index: Integers, corners: Floats, group: Integers) -> None:
    """Begin with the corner that the library begins with; groups that do not fit are left to it."""
    groups, first, member = np.unique(group, return_index=True, return_inverse=True)
    turns = np.zeros(len(groups), dtype=np.int64)
    for place, row in enumerate(first.tolist()):
        if groups[place] == LEFT:
            continue
        given = np.array(h3.cell_to_boundary(int(index[row])))[:, ::-1]
        turns[place] = np.abs(corners[row] - given[0]).sum(axis=1).argmin()
        ours = np.roll(corners[row], -turns[place], axis=0)
        if given.shape != ours.shape or np.abs(ours - given).max() > TOLERANCE:
            group[member == place] = LEFT
    order = (turns[member][:, None] + np.arange(N_CORNERS)) % N_CORNERS
    corners[:] = np.take_along_axis(corners, order[:, :, None], axis=1)


@compiled
def _hexagons(
    cells: Integers,
    corners: Floats,
    group: Integers,
    arms: Floats,
    candidates: Integers,
    places: Integers,
    axes: Floats,
) -> None:
    """Fill `corners` (longitude, latitude) and `group` where a cell lies whole on a face."""
    for k in range(len(cells)):
        group[k] = -1
        digits = digits_of(cells[k])
        if digits < 0:
            continue
        base_cell, resolution = cells[k] >> 45 & 127, cells[k] >> 52 & 15
        is_pentagon = candidates[base_cell, len(candidates[0]) - 1, 0] >= 0
        leading = leading_digit(digits) if is_pentagon else 1
        for n in range(len(candidates[0])):
            row = candidates[base_cell, n]
            if leading == 0 or row[0] < 0 or row[3 + leading] == lattice.UNKNOWN_TURN:
                continue
            i, j = place_on_chart(turned(digits, row[3 + leading]), row[1], row[2], places)
            if _on_face(i, j, arms[resolution], axes[row[0]], corners[k]):
                group[k] = ((base_cell * 8 + n) * 8 + leading) * 16 + resolution
                break


@compiled
def _on_face(i: int, j: int, arm: Floats, face: Floats, corners: Floats) -> bool:
    """Fill the corners of a hexagon around a place of the lattice, and tell whether all lie within the face."""
    x, y = i - 0.5 * j, math.sqrt(0.75) * j
    across, along = arm[0], arm[1]
    for corner in range(6):
        u, v = x + across, y + along
        if not inside_face(A_HAIR * u, A_HAIR * v):
            return False
        east = face[0, 0] + u * face[1, 0] + v * face[2, 0]
        north = face[0, 1] + u * face[1, 1] + v * face[2, 1]
        up = face[0, 2] + u * face[1, 2] + v * face[2, 2]
        corners[corner, 0] = math.atan2(north, east) * DEGREES
        corners[corner, 1] = math.atan2(up, math.sqrt(east * east + north * north)) * DEGREES
        # A sixth of a turn.
        across, along = (
            0.5 * across - math.sqrt(0.75) * along,
            math.sqrt(0.75) * across + 0.5 * along,
        )
    return True
