"""The numbers the H3 kernel works with, from the generated tables and from plain arithmetic.

A hexagon's centre is an integer of the form i + j w, where w is a third of a turn. H3's grids nest
by multiplying with 2 - w and with 3 + w in turn (each of length sqrt 7, their product is 7), and a
digit says which of the seven children is meant. Four levels together are a factor of 49, so four
digits follow from the remainders of i and j by 49 alone: one small table replaces the descent level
by level. Grid systems: https://h3geo.org/docs/core-library/overview.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from geoclusters.cells.kernel_tables import CHARTS, FRAME

GOLDEN = (1 + 5**0.5) / 2
FACE_CORNER = 3 - 5**0.5
"""From the centre of a face to its corner, on the plane that touches the unit sphere there."""

SPOKES = ((0, 0), (-1, -1), (0, 1), (-1, 0), (1, 0), (0, -1), (1, 1))
"""Step (i, j) from a hexagon's centre to that of its child, by digit."""

ASK, PENTAGON = 1, 2
UNKNOWN_TURN = 7
N_CHARTS = 32
LEVELS_PER_STEP = 4
STEP = 49
MARGIN = 8

# The library finds a point's place within a few 1e-16 of the Earth's radius and, as it takes an arc
# cosine of a number close to 1, within about 1e-16 / r at the distance r from the centre of a face.
# No difference has been seen beyond a third of the first and a tenth of the second of these bounds.
PLACE_ERROR = 1e-14
CENTRE_ERROR = 1e-15

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


class Plan(NamedTuple):
    """What changes with the resolution: from a face's plane to lattice integers to index bits."""

    i_from_u: float
    i_from_v: float
    j_from_u: float
    j_from_v: float
    pad_ii: float
    pad_ij: float
    pad_ji: float
    pad_jj: float
    offset: float
    tolerance: float
    centre_tolerance_squared: float
    steps: int
    pad_shift: int
    digit_shift: int
    fixed_bits: int


def times(a: tuple[int, int], b: tuple[int, int]) -> tuple[int, int]:
    """
    Product of two lattice integers i + j w.

    Examples
    --------
    >>> times((2, -1), (3, 1))
    (7, 0)
    """
    return a[0] * b[0] - a[1] * b[1], a[1] * b[0] + a[0] * b[1] - a[1] * b[1]


def ratio(res: int) -> tuple[int, int]:
    """Lattice integer that takes the grid of `res` - 1 to that of `res`."""
    return (2, -1) if res % 2 else (3, 1)


@cache
def plan(res: int) -> Plan:
    """Return the constants of one resolution."""
    steps = -(-res // LEVELS_PER_STEP)
    factor, pad = (1, 0), (1, 0)
    for level in range(1, res + 1):
        factor = times(factor, ratio(level))
    for level in range(res + 1, steps * LEVELS_PER_STEP + 1):
        pad = times(pad, ratio(level))
    unit = 2 / FACE_CORNER
    # The point u + v sqrt(-1) of the plane is i + j w with j = 2 v / sqrt 3 and i = u + j / 2.
    from_v = 2 / 3**0.5
    a, b = factor
    scale = unit * 7 ** (res / 2)
    return Plan(
        i_from_u=unit * a,
        i_from_v=unit * from_v * (a / 2 - b),
        j_from_u=unit * b,
        j_from_v=unit * from_v * (b / 2 + a - b),
        pad_ii=float(pad[0]),
        pad_ij=float(-pad[1]),
        pad_ji=float(pad[1]),
        pad_jj=float(pad[0] - pad[1]),
        offset=float(MARGIN * STEP**steps),
        tolerance=1e-9 + scale * PLACE_ERROR,
        centre_tolerance_squared=(scale * CENTRE_ERROR) ** 2,
        steps=steps,
        pad_shift=3 * (steps * LEVELS_PER_STEP - res),
        digit_shift=3 * (15 - res),
        fixed_bits=1 << 59 | res << 52 | (1 << 3 * (15 - res)) - 1,
    )


@cache
def digits_by_remainder() -> IntArray:
    """
    Four digits, and what is carried to the next four levels, by the remainders of i and j.

    Returns
    -------
    numpy.ndarray of int64, shape (2401,)
        At 49 (i mod 49) + (j mod 49): 12 bits of digits, the finest lowest, then 4 bits each of
        carry to i and to j.
    """
    i, j = np.divmod(np.arange(STEP * STEP, dtype=np.int64), STEP)
    packed = np.zeros(STEP * STEP, dtype=np.int64)
    spoke_i, spoke_j = np.transpose(SPOKES)[:, :, None]
    for level in range(LEVELS_PER_STEP):
        a, b = ratio(LEVELS_PER_STEP - level)
        # Dividing by a + b w is multiplying by its conjugate, (a - b) - b w, and dividing by 7.
        up_i = (a - b) * (i - spoke_i) + b * (j - spoke_j)
        up_j = a * (j - spoke_j) - b * (i - spoke_i)
        digit = np.argmax((up_i % 7 == 0) & (up_j % 7 == 0), axis=0)
        packed |= digit << 3 * level
        i, j = (np.take_along_axis(up, digit[None], axis=0)[0] // 7 for up in (up_i, up_j))
    return packed | i << 12 | j << 16


@cache
def places_by_digits() -> IntArray:
    """
    Where four digits lead, the other way round of `digits_by_remainder`.

    Returns
    -------
    numpy.ndarray of int64, shape (4096, 2)
        Steps in i and in j on the finest of the four levels; digits of 7 mean nothing.
    """
    place = np.zeros((4096, 2), dtype=np.int64)
    code = np.arange(4096)
    spokes = np.array([*SPOKES, (0, 0)])
    for level in range(1, LEVELS_PER_STEP + 1):
        a, b = ratio(level)
        i, j = place.T
        grown = np.stack([a * i - b * j, b * i + (a - b) * j], axis=1)
        place = grown + spokes[code >> 3 * (LEVELS_PER_STEP - level) & 7]
    return place


class Entry(NamedTuple):
    """One coarsest hexagon on one chart: its base cell, and its turns by leading digit 1 to 6."""

    chart: int
    i: int
    j: int
    base_cell: int
    turns: tuple[int, ...]

    @property
    def is_pentagon(self) -> bool:
        """Whether the turns depend on the leading digit: there a sixth of the cell is missing."""
        return UNKNOWN_TURN in self.turns or len(set(self.turns)) > 1


@cache
def entries() -> tuple[Entry, ...]:
    """Return the generated table, entry by entry."""
    found = []
    for place, word in enumerate(CHARTS.split()):
        if word != ".":
            base_cell, turns = word.split("/")
            chart, i, j = place // 25, place // 5 % 5 - 2, place % 5 - 2
            by_digit = tuple(UNKNOWN_TURN if t == "." else int(t) for t in turns)
            found.append(Entry(chart, i, j, int(base_cell), by_digit))
    return tuple(found)


def turn_code(turns: int) -> int:
    """
    Write sixths of a turn as what is done to digits: bit 0 a half turn, the rest thirds.

    Examples
    --------
    >>> [turn_code(turns) for turns in range(6)]
    [0, 5, 2, 1, 4, 3]
    """
    if turns == UNKNOWN_TURN:
        return UNKNOWN_TURN
    thirds = (turns - 3 * (turns % 2)) // 2 % 3
    return turns % 2 | thirds << 1


@cache
def base_cells_by_place() -> IntArray:
    """
    List base cell and turns of each coarsest hexagon of each chart.

    Returns
    -------
    numpy.ndarray of int64, shape (801,)
        At 25 chart + 5 (i + 2) + (j + 2): 7 bits of base cell, 3 bits of turn code, 2 bits of
        `ASK` (no such place; also the last entry) or `PENTAGON`, and for pentagons six turn codes
        of 3 bits, one for each leading digit.
    """
    table = np.full(25 * N_CHARTS + 1, ASK << 10, dtype=np.int64)
    for entry in entries():
        codes = [turn_code(turns) for turns in entry.turns]
        packed = entry.base_cell | codes[0] << 7
        if entry.is_pentagon:
            by_digit = sum(code << 12 + 3 * n for n, code in enumerate(codes))
            packed = entry.base_cell | PENTAGON << 10 | by_digit
        table[25 * entry.chart + 5 * (entry.i + 2) + entry.j + 2] = packed
    return table


def frame() -> FloatArray:
    """Rotation from Earth to the icosahedron's own frame, shape (3, 3)."""
    return np.array(FRAME)


N_BASE_CELLS = 122
N_CANDIDATES = 5


@cache
def candidates() -> IntArray:
    """
    Where each base cell lies: on one face, on the two beside an edge, on the five around a corner.

    Returns
    -------
    numpy.ndarray of int64, shape (122, 5, 10)
        Chart, i, j, and by leading digit 0 to 6 of the index the turn code that leads back to the
        digits of that chart; chart -1 fills up the rows.
    """
    table = np.full((N_BASE_CELLS, N_CANDIDATES, 10), UNKNOWN_TURN, dtype=np.int64)
    table[:, :, 0] = -1
    # Nearest to the middle of its face first: there nearly all of the base cell lies.
    for entry in sorted(entries(), key=lambda e: (e.i * e.i - e.i * e.j + e.j * e.j, e)):
        # A face that is its own mirror image has two charts, each of one half: they are joined.
        kind = entry.chart // 8
        chart = entry.chart & ~(1 << kind % 3) if kind else entry.chart
        rows = table[entry.base_cell]
        row = rows[int(np.argmax((rows[:, 0] == chart) | (rows[:, 0] < 0)))]
        row[:4] = chart, entry.i, entry.j, 0
        for digit, turns in enumerate(entry.turns, start=1):
            if turns != UNKNOWN_TURN:
                row[3 + turned_digit(digit, turns)] = turn_code(-turns % 6)
    return table


def turned_digit(digit: int, turns: int) -> int:
    """
    Turn a digit counter-clockwise by sixths.

    Examples
    --------
    >>> turned_digit(4, 1)
    6
    """
    around = (4, 6, 2, 3, 1, 5)
    return around[(around.index(digit) + turns) % 6]


@cache
def chart_axes() -> FloatArray:
    """
    Centre and axes of the charts, on the Earth.

    Returns
    -------
    numpy.ndarray of float64, shape (32, 3, 3)
        For each chart the unit vectors of the face's centre, of its first and of its second axis,
        the latter two scaled so that they count steps of the lattice below resolution 15.
    """
    short = 1 / GOLDEN
    centres = np.array([(1, 1, 1), (short, 0, GOLDEN), (GOLDEN, short, 0), (0, GOLDEN, short)])
    corners = np.array([(GOLDEN, 0, 1), (GOLDEN, 0, 1), (1, GOLDEN, 0), (0, 1, GOLDEN)])
    chart = np.arange(N_CHARTS)
    signs = 1.0 - 2.0 * (chart[:, None] >> np.arange(3) & 1)
    centre = centres[chart // 8] * signs / 3**0.5
    along = corners[chart // 8] * signs
    along -= (along * centre).sum(axis=1, keepdims=True) * centre
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    step = FACE_CORNER / 2 / STEP**4
    return np.stack([centre, along * step, np.cross(centre, along) * step], axis=1) @ frame()
