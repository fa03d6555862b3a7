"""H3 cells to their centres, compiled: digits to (i, j), to a face's plane, and to the Earth.

A cell is the central child of itself at every finer level, so all are taken 16 levels down: four
steps of four digits. A base cell that lies across an edge or a corner of the icosahedron is tried
on each of its faces until the place falls inside that face.
"""

from __future__ import annotations

import math

import numpy as np

from geoclusters.cells.kernel_forward import ONES, turned
from geoclusters.cells.kernel_lattice import (
    N_BASE_CELLS,
    N_CANDIDATES,
    STEP,
    UNKNOWN_TURN,
    FloatArray,
    IntArray,
)
from geoclusters.compiling import compiled

HALF_FACE = STEP**4 * (1 + 1e-12)
"""From a face's centre to its edges, in steps of the lattice 16 levels down, and a hair more."""

DEGREES = 180 / math.pi


@compiled
def digits_of(index: int) -> int:
    """Return the 16 octal digits of a valid index (0 below its resolution), or -1 for any other."""
    res = index >> 52 & 15
    unused = 3 * (15 - res)
    if index >> 56 != 0b1000 or index >> 45 & 127 >= N_BASE_CELLS:
        return -1
    if index & ((1 << unused) - 1) != (1 << unused) - 1:
        return -1
    digits = (index & ((1 << 45) - 1)) >> unused << unused
    if digits & digits >> 1 & digits >> 2 & ONES:
        return -1
    return digits << 3


@compiled
def leading_digit(digits: int) -> int:
    """Return the first digit that is not 0, or 0."""
    place = 45
    while place > 0 and digits >> place == 0:
        place -= 3
    return digits >> place & 7


@compiled
def place_on_chart(digits: int, i: int, j: int, places: IntArray) -> tuple[int, int]:
    """Climb down from a coarsest hexagon at (i, j) to the finest lattice, by the digits that its chart has."""
    for shift in (36, 24, 12, 0):
        four = digits >> shift & 0o7777
        i, j = STEP * i + places[four, 0], STEP * j + places[four, 1]
    return i, j


@compiled
def inside_face(x: float, y: float) -> bool:
    """Whether a place of the plane belongs to its face, whose corner lies on the first axis."""
    slant = math.sqrt(0.75) * y
    return -x <= HALF_FACE and 0.5 * x + slant <= HALF_FACE and 0.5 * x - slant <= HALF_FACE


@compiled
def center(
    index: int, candidates: IntArray, places: IntArray, axes: FloatArray
) -> tuple[float, float]:
    """Return latitude and longitude in degrees, NaN for what is no cell."""
    digits = digits_of(index)
    if digits < 0:
        return np.nan, np.nan
    base_cell = index >> 45 & 127
    # Only around the icosahedron's corners, on five faces, does the leading digit matter.
    is_pentagon = candidates[base_cell, N_CANDIDATES - 1, 0] >= 0
    leading = leading_digit(digits) if is_pentagon else 1
    for n in range(N_CANDIDATES):
        row = candidates[base_cell, n]
        if row[0] < 0 or row[3 + leading] == UNKNOWN_TURN:
            continue
        i, j = place_on_chart(turned(digits, row[3 + leading]), row[1], row[2], places)
        x, y = i - 0.5 * j, math.sqrt(0.75) * j
        if inside_face(x, y):
            face = axes[row[0]]
            east = face[0, 0] + x * face[1, 0] + y * face[2, 0]
            north = face[0, 1] + x * face[1, 1] + y * face[2, 1]
            up = face[0, 2] + x * face[1, 2] + y * face[2, 2]
            lat = math.atan2(up, math.sqrt(east * east + north * north))
            return lat * DEGREES, math.atan2(north, east) * DEGREES
    return np.nan, np.nan


@compiled
def cells_to_points(
    cells: IntArray,
    lat: FloatArray,
    lng: FloatArray,
    candidates: IntArray,
    places: IntArray,
    axes: FloatArray,
) -> None:
    """Fill `lat` and `lng`."""
    for k in range(len(cells)):
        lat[k], lng[k] = center(cells[k], candidates, places, axes)
