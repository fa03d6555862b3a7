"""Points to H3 cells, compiled: a few simple passes over blocks of points that become vector code.

A block's values live in two small arrays, one row of `BLOCK` values after the other: rows at fixed
distances let the compiler see that nothing overlaps. Choices are selections between values already
computed, never branches. A point too close to a boundary to be sure of is marked `ASK`.
"""

from __future__ import annotations

import math

import numpy as np

from geoclusters.cells.kernel_lattice import (
    ASK,
    GOLDEN,
    MARGIN,
    PENTAGON,
    STEP,
    UNKNOWN_TURN,
    FloatArray,
    IntArray,
    Plan,
)
from geoclusters.compiling import compiled

BLOCK = 512
NO_CELL = 0
LARGEST_LONGITUDE = 720.0
FACE_ERROR = 3e-14
"""How much nearer the nearest face must be than the next one, as a difference of cosines."""

# Rows of the block of floats; a row is used again once its first content has had its use.
LAT = X = U = 0
LNG = Y = V = BLOCK
Z = ROOM = 2 * BLOCK
STATE = 3 * BLOCK
CHART = 4 * BLOCK
LATTICE_I = 5 * BLOCK
LATTICE_J = 6 * BLOCK
N_FLOAT_ROWS = 7
# Rows of the block of integers.
DIGITS = 0
WORD = BLOCK
N_INTEGER_ROWS = 2

SURE, UNSURE, INVALID = 1.0, 0.0, -1.0

S3, S5, S7, S9, S11, S13, S15 = ((-1) ** k / math.factorial(2 * k + 1) for k in range(1, 8))
C2, C4, C6, C8, C10, C12, C14, C16 = ((-1) ** k / math.factorial(2 * k) for k in range(1, 9))
RADIANS = math.pi / 180

SHORT = 1 / GOLDEN
SQRT3 = 3**0.5
# Axes of the face around (1, 1, 1), of length sqrt 3: towards the corner (GOLDEN, 0, 1), and a
# quarter turn to the left of that. The other faces' axes need no more than GOLDEN and SHORT.
_MIDDLE = (GOLDEN + 1) / 3
_LENGTH = (GOLDEN**2 + 1 - 3 * _MIDDLE**2) ** 0.5
ALONG_X, ALONG_Y, ALONG_Z = (SQRT3 * (c - _MIDDLE) / _LENGTH for c in (GOLDEN, 0.0, 1.0))
ACROSS_X = (ALONG_Z - ALONG_Y) / SQRT3
ACROSS_Y = (ALONG_X - ALONG_Z) / SQRT3
ACROSS_Z = (ALONG_Y - ALONG_X) / SQRT3

# The lowest bit, and the two lower bits, of each of the 16 octal digits of an index.
ONES = 0o1111111111111111
THREES = 0o3333333333333333


@compiled
def sine_cosine(degrees: float) -> tuple[float, float]:
    """Sine and cosine by their series on -45 to 45 degrees, to the last bit or two."""
    quarters = np.floor(degrees * (1 / 90) + 0.5)
    t = (degrees - quarters * 90.0) * RADIANS
    q = t * t
    s = t + t * q * (S3 + q * (S5 + q * (S7 + q * (S9 + q * (S11 + q * (S13 + q * S15))))))
    c = C6 + q * (C8 + q * (C10 + q * (C12 + q * (C14 + q * C16))))
    c = 1.0 + q * (C2 + q * (C4 + q * c))
    turn = quarters - 4.0 * np.floor(quarters * 0.25)
    odd = (turn == 1.0) | (turn == 3.0)
    sine = c if odd else s
    cosine = s if odd else c
    sine = -sine if turn >= 2.0 else sine
    cosine = -cosine if (turn == 1.0) | (turn == 2.0) else cosine
    return sine, cosine


@compiled
def load(lat: FloatArray, lng: FloatArray, start: int, n: int, block: FloatArray) -> None:
    """Copy `n` points into the block; what cannot be computed becomes (0, 0) and is marked."""
    for k in range(n):
        phi, lam = lat[start + k], lng[start + k]
        on_earth = (abs(phi) <= 90.0) & (abs(lam) < np.inf)
        near = on_earth & (abs(lam) <= LARGEST_LONGITUDE)
        block[LAT + k] = phi if near else 0.0
        block[LNG + k] = lam if near else 0.0
        state = UNSURE if on_earth else INVALID
        block[STATE + k] = SURE if near else state


@compiled
def to_vectors(block: FloatArray, frame: FloatArray) -> None:
    """Degrees to unit vectors in the icosahedron's own frame."""
    for k in range(BLOCK):
        sin_lat, cos_lat = sine_cosine(block[LAT + k])
        sin_lng, cos_lng = sine_cosine(block[LNG + k])
        x, y = cos_lat * cos_lng, cos_lat * sin_lng
        block[X + k] = frame[0, 0] * x + frame[0, 1] * y + frame[0, 2] * sin_lat
        block[Y + k] = frame[1, 0] * x + frame[1, 1] * y + frame[1, 2] * sin_lat
        block[Z + k] = frame[2, 0] * x + frame[2, 1] * y + frame[2, 2] * sin_lat


@compiled
def to_faces(block: FloatArray) -> None:
    """
    Find each unit vector's nearest face, and the place (u, v) on the plane that touches it.

    In its own frame the icosahedron is its own mirror image in x, y and z, so that the octant of
    positive coordinates, which meets four faces, stands for all twenty.
    """
    for k in range(BLOCK):
        x, y, z = block[X + k], block[Y + k], block[Z + k]
        ax, ay, az = abs(x), abs(y), abs(z)
        d0 = ax + ay + az
        d1 = SHORT * ax + GOLDEN * az
        d2 = SHORT * ay + GOLDEN * ax
        d3 = SHORT * az + GOLDEN * ay
        u0 = ALONG_X * ax + ALONG_Y * ay + ALONG_Z * az
        v0 = ACROSS_X * ax + ACROSS_Y * ay + ACROSS_Z * az

        second = d2 > d1
        best = d2 if second else d1
        rest = d1 if second else d2
        a = ay if second else ax
        b = az if second else ay
        c = ax if second else az
        kind = 16.0 if second else 8.0

        third = d3 > best
        loser = best if third else d3
        best = d3 if third else best
        rest = max(rest, loser)
        a = az if third else a
        b = ax if third else b
        c = ay if third else c
        kind = 24.0 if third else kind

        u = GOLDEN * a - SHORT * c
        v = SQRT3 * b
        octant_face = d0 > best
        loser = best if octant_face else d0
        best = d0 if octant_face else best
        rest = max(rest, loser)
        u = u0 if octant_face else u
        v = v0 if octant_face else v
        kind = 0.0 if octant_face else kind

        mirrored = -v
        v = mirrored if x * y * z < 0 else v
        kind += 1.0 if x < 0 else 0.0
        kind += 2.0 if y < 0 else 0.0
        kind += 4.0 if z < 0 else 0.0
        block[U + k] = u / best
        block[V + k] = v / best
        block[CHART + k] = kind
        nearest_mirror = min(ax, ay, az)
        lead = best - rest
        block[ROOM + k] = min(nearest_mirror, lead)


@compiled
def to_lattice(block: FloatArray, plan: Plan) -> None:
    """Places on a face's plane to the nearest hexagon's (i, j), and whether it is surely that."""
    for k in range(BLOCK):
        u, v = block[U + k], block[V + k]
        i = plan.i_from_u * u + plan.i_from_v * v
        j = plan.j_from_u * u + plan.j_from_v * v
        s = j - i
        near_i, near_j, near_s = np.floor(i + 0.5), np.floor(j + 0.5), np.floor(s + 0.5)
        off_i, off_j, off_s = abs(near_i - i), abs(near_j - j), abs(near_s - s)
        # The three rounded values need not agree: the one that was rounded most gives way.
        i_from_others, j_from_others = near_j - near_s, near_s + near_i
        worst_i = (off_i >= off_j) & (off_i >= off_s)
        worst_j = (off_j >= off_s) & (off_j > off_i)
        near_i = i_from_others if worst_i else near_i
        near_j = j_from_others if worst_j else near_j

        i -= near_i
        j -= near_j
        reach = max(abs(i - 0.5 * j), abs(j - 0.5 * i), 0.5 * abs(i + j))
        room = 0.5 - reach - plan.tolerance
        sure = (room > 0) & (room * room * (u * u + v * v) > plan.centre_tolerance_squared)
        sure &= block[ROOM + k] > FACE_ERROR
        block[STATE + k] = block[STATE + k] if sure | (block[STATE + k] < 0) else UNSURE
        block[LATTICE_I + k] = plan.pad_ii * near_i + plan.pad_ij * near_j + plan.offset
        block[LATTICE_J + k] = plan.pad_ji * near_i + plan.pad_jj * near_j + plan.offset


@compiled
def look_up(words: IntArray, table: IntArray) -> None:
    """Replace the places in the row `WORD` by what the table holds there."""
    for k in range(BLOCK):
        words[WORD + k] = table[words[WORD + k]]


@compiled
def to_digits(block: FloatArray, words: IntArray, steps: int, digits: IntArray) -> None:
    """Climb from (i, j) to the coarsest hexagon, four levels a step, collecting the digits."""
    for k in range(BLOCK):
        words[DIGITS + k] = 0
    for step in range(steps):
        for k in range(BLOCK):
            i, j = block[LATTICE_I + k], block[LATTICE_J + k]
            up_i = np.floor((i + 0.5) * (1 / STEP))
            up_j = np.floor((j + 0.5) * (1 / STEP))
            words[WORD + k] = np.int64((i - STEP * up_i) * STEP + (j - STEP * up_j))
            block[LATTICE_I + k] = up_i
            block[LATTICE_J + k] = up_j
        look_up(words, digits)
        for k in range(BLOCK):
            word = words[WORD + k]
            words[DIGITS + k] |= (word & 0o7777) << 12 * step
            block[LATTICE_I + k] += np.float64(word >> 12 & 15)
            block[LATTICE_J + k] += np.float64(word >> 16 & 15)


@compiled
def to_places(block: FloatArray, words: IntArray, base_cells: IntArray) -> None:
    """Chart and coarsest hexagon to the word of `kernel_lattice.base_cells_by_place`."""
    for k in range(BLOCK):
        i = block[LATTICE_I + k] - (MARGIN - 2)
        j = block[LATTICE_J + k] - (MARGIN - 2)
        known = (i >= 0) & (i <= 4) & (j >= 0) & (j <= 4) & (block[STATE + k] > 0)
        place = 25.0 * block[CHART + k] + 5.0 * i + j
        place = place if known else 800.0
        words[WORD + k] = np.int64(place)
    look_up(words, base_cells)


@compiled
def turned(digits: int, code: int) -> int:
    """Turn every digit at once: a third of a turn moves its three bits round, a half flips them."""
    right = (digits >> 1 & THREES) | (digits & ONES) << 2
    left = (digits >> 2 & ONES) | (digits & THREES) << 1
    thirds = code >> 1
    third = right if thirds == 1 else digits
    third = left if thirds == 2 else third
    not_zero = (third | third >> 1 | third >> 2) & ONES
    return third ^ not_zero * (7 * (code & 1))


@compiled
def to_indices(words: IntArray, plan: Plan) -> int:
    """Write the indices over the digits; return how many places are `ASK` or `PENTAGON`."""
    special = 0
    for k in range(BLOCK):
        word, digits = words[WORD + k], words[DIGITS + k] >> plan.pad_shift
        index = turned(digits, word >> 7 & 7) << plan.digit_shift
        index |= plan.fixed_bits | (word & 127) << 45
        plain = word >> 10 & 3 == 0
        words[DIGITS + k] = index if plain else digits
        special += 0 if plain else 1
    return special


@compiled
def pentagon_index(digits: int, word: int, plan: Plan) -> int:
    """Index below a pentagon, where the leading digit decides how far the digits are turned."""
    leading, rest = 0, digits
    while rest > 0:
        leading = (rest & 7) or leading
        rest >>= 3
    code = word >> 12 + 3 * (leading - 1) & 7 if leading else 0
    if code == UNKNOWN_TURN:
        return ASK
    return turned(digits, code) << plan.digit_shift | plan.fixed_bits | (word & 127) << 45


@compiled
def mend(words: IntArray, block: FloatArray, plan: Plan) -> int:
    """Finish what `to_indices` left; return the number of `ASK`."""
    asked = 0
    for k in range(BLOCK):
        kind = words[WORD + k] >> 10 & 3
        if kind == PENTAGON:
            words[DIGITS + k] = pentagon_index(words[DIGITS + k], words[WORD + k], plan)
        elif kind == ASK:
            words[DIGITS + k] = NO_CELL if block[STATE + k] < 0 else ASK
        asked += words[DIGITS + k] == ASK
    return asked


@compiled
def keep_vectors(block: FloatArray, start: int, n: int, scale: float, vectors: IntArray) -> None:
    """Copy the unit vectors, in whole numbers of 1/`scale`."""
    for axis in range(3):
        for k in range(n):
            vectors[axis, start + k] = np.int64(np.rint(scale * block[axis * BLOCK + k]))


@compiled
def points_to_cells(
    lat: FloatArray,
    lng: FloatArray,
    cells: IntArray,
    plan: Plan,
    frame: FloatArray,
    digits: IntArray,
    base_cells: IntArray,
    scale: float,
    vectors: IntArray,
) -> int:
    """
    Fill `cells`; return how many may be `ASK`: 0 means none.

    Unless `vectors`, of shape (3, n), is empty, it gets each point's unit vector in the icosahedron's own frame, in
    1/`scale`.
    """
    block, words = np.zeros(N_FLOAT_ROWS * BLOCK), np.zeros(N_INTEGER_ROWS * BLOCK, np.int64)
    asked = 0
    for start in range(0, len(lat), BLOCK):
        n = min(BLOCK, len(lat) - start)
        load(lat, lng, start, n, block)
        to_vectors(block, frame)
        if vectors.shape[1]:
            keep_vectors(block, start, n, scale, vectors)
        to_faces(block)
        to_lattice(block, plan)
        to_digits(block, words, plan.steps, digits)
        to_places(block, words, base_cells)
        if to_indices(words, plan):
            asked += mend(words, block, plan)
        for k in range(n):
            cells[start + k] = words[DIGITS + k]
    return asked
