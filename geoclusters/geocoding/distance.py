"""How far a misspelt name is from the names there are: letters put in, left out, changed or swapped."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from geoclusters.compiling import compiled

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    Array = npt.NDArray[Any]
    Ints = npt.NDArray[np.int64]

LONGEST: Final = 32
"""Letters of a name that are compared; the rest is cut off."""
MOST_HITS: Final = 64
"""Names that are kept for one misspelt name, the nearest ones."""
LETTERS: Final = "abcdefghijklmnopqrstuvwxyz0123456789"

SWAP: Final = 0.6
GAP: Final = 0.8
FAINT_GAP: Final = 0.5
FAINT: Final = "h"
FIRST_LETTER: Final = 0.3
LIKE: Final = 0.6
VOWEL: Final = 0.7
_ALIKE: Final = (
    "bp dt gk gc ck cs sz xs kq vw vf fp ij iy uv uw mn lr jy gj eo ou zj cz "  # by sound
    "bv bn bh gh fg df ds as er rt ty yu ui io op kl jk hj cv xc xz nm we qw gt fr"  # by keyboard
)
_VOWELS: Final = "aeiouy"


@dataclass(frozen=True)
class Letters:
    """
    Names as numbers of letters, ordered by length.

    Attributes
    ----------
    codes : numpy.ndarray of uint8, shape (n, LONGEST)
    length : numpy.ndarray of int64, shape (n,)
        In rising order.
    marks : numpy.ndarray of uint64, shape (n,)
        One bit a letter that occurs, another one if it occurs again.
    row : numpy.ndarray of int64, shape (n,)
        Position of each name in the list as it was given.
    """

    codes: npt.NDArray[np.uint8]
    length: Ints
    marks: npt.NDArray[np.uint64]
    row: Ints

    @classmethod
    def of(cls, names: Sequence[str] | npt.NDArray[np.object_]) -> Letters:
        """Take up names in ASCII; what is neither a letter nor a digit counts as one more letter."""
        width = f"S{LONGEST}"
        packed = np.array([n.encode("ascii", "replace") for n in names], dtype=width)
        raw = packed.view(np.uint8).reshape(len(packed), LONGEST)
        codes = _CODE_OF_BYTE[raw]
        length = (raw != 0).sum(axis=1)
        row = np.argsort(length, kind="stable")
        codes = np.ascontiguousarray(codes[row])
        return cls(codes, length[row].astype(np.int64), _marks(codes, length[row]), row)


def edits_allowed(length: int) -> int:
    """
    Letters of a name that may be wrong.

    Examples
    --------
    >>> [edits_allowed(n) for n in (3, 5, 8, 12)]
    [0, 1, 2, 3]
    """
    return (length >= 4) + (length >= 6) + (length >= 10)


def nearest_names(asked: Letters, known: Letters) -> tuple[Ints, Ints, npt.NDArray[np.float64]]:
    """
    Known names that differ from each asked one by a few letters.

    Two names are compared if no more than `edits_allowed` letters of the asked one would have to be
    changed as far as their lengths and the letters in them tell. The distance then adds up the
    cheapest changes: a letter put in or left out 0.8 (an h 0.5), changed 1 (0.6 if the two sound alike
    or are neighbours on a keyboard, 0.7 among vowels), two neighbours swapped 0.6; 0.3 more for the
    first letter. Nearer than the allowed number of edits, at most `MOST_HITS`.

    Returns
    -------
    asked_row, known_row : numpy.ndarray of int64
        Rows of the two lists as they were given, ordered by the first and by distance.
    distance : numpy.ndarray of float64

    Examples
    --------
    >>> a, k, d = nearest_names(Letters.of(["bostn"]), Letters.of(["austin", "boston", "easton"]))
    >>> a.tolist(), k.tolist(), d.round(2).tolist()
    ([0], [1], [0.8])
    """
    n = len(asked.length)
    hits = np.full((n, MOST_HITS), -1, dtype=np.int64)
    distances = np.full((n, MOST_HITS), np.inf)
    limits = np.array([edits_allowed(int(length)) for length in asked.length], dtype=np.int64)
    first = np.searchsorted(known.length, asked.length - limits, side="left")
    last = np.searchsorted(known.length, asked.length + limits, side="right")
    _search(
        asked.codes, asked.length, asked.marks, limits, first, last,
        known.codes, known.length, known.marks, hits, distances, _CHANGE, _GAPS,
    )  # fmt: skip
    which, at = np.nonzero(hits >= 0)
    found = np.column_stack([asked.row[which], known.row[hits[which, at]]])
    order = np.lexsort((found[:, 1], distances[which, at], found[:, 0]))
    return found[order, 0], found[order, 1], distances[which, at][order]


def _marks(codes: npt.NDArray[np.uint8], length: Ints) -> npt.NDArray[np.uint64]:
    marks = np.zeros(len(codes), dtype=np.uint64)
    _mark(codes, length, marks)
    return marks


def _code_table() -> npt.NDArray[np.uint8]:
    table = np.full(256, len(LETTERS), dtype=np.uint8)
    for code, letter in enumerate(LETTERS):
        table[ord(letter)] = code
    return table


def _change_table() -> npt.NDArray[np.float64]:
    change = np.ones((len(LETTERS) + 1, len(LETTERS) + 1))
    at = {letter: i for i, letter in enumerate(LETTERS)}
    for a in _VOWELS:
        for b in _VOWELS:
            change[at[a], at[b]] = VOWEL
    for pair in _ALIKE.split():
        change[at[pair[0]], at[pair[1]]] = change[at[pair[1]], at[pair[0]]] = LIKE
    np.fill_diagonal(change, 0.0)
    return change


def _gap_table() -> npt.NDArray[np.float64]:
    gaps = np.full(len(LETTERS) + 1, GAP)
    gaps[[LETTERS.index(letter) for letter in FAINT]] = FAINT_GAP
    return gaps


_CODE_OF_BYTE: Final = _code_table()
_CHANGE: Final = _change_table()
_GAPS: Final = _gap_table()


@compiled
def _mark(codes: Array, length: Array, marks: Array) -> None:
    for i in range(len(codes)):
        seen = np.uint64(0)
        for j in range(length[i]):
            code = np.uint64(min(codes[i, j], 31))
            bit = np.uint64(1) << code
            seen |= (bit << np.uint64(32)) if seen & bit else bit
        marks[i] = seen


@compiled
def _bits(x: np.uint64) -> np.uint64:
    x -= (x >> np.uint64(1)) & np.uint64(0x5555555555555555)
    x = (x & np.uint64(0x3333333333333333)) + ((x >> np.uint64(2)) & np.uint64(0x3333333333333333))
    x = (x + (x >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return (x * np.uint64(0x0101010101010101)) >> np.uint64(56)


@compiled
def _distance(
    a: Array, n: int, b: Array, m: int, limit: float, change: Array, gaps: Array, rows: Array
) -> float:
    """Optimal string alignment with weights; infinite once it is sure to be above the limit."""
    before, above, here = rows[0], rows[1], rows[2]
    above[0] = 0.0
    least = 0.0
    for j in range(1, m + 1):
        above[j] = above[j - 1] + gaps[b[j - 1]] + (FIRST_LETTER if j == 1 else 0.0)
    for i in range(1, n + 1):
        gap = gaps[a[i - 1]]
        here[0] = above[0] + gap + (FIRST_LETTER if i == 1 else 0.0)
        best = here[0]
        for j in range(1, m + 1):
            changed = change[a[i - 1], b[j - 1]]
            if i == 1 and j == 1 and changed > 0.0:
                changed += FIRST_LETTER
            d = min(above[j - 1] + changed, above[j] + gap, here[j - 1] + gaps[b[j - 1]])
            if i > 1 and j > 1 and a[i - 1] == b[j - 2] and a[i - 2] == b[j - 1]:
                d = min(d, before[j - 2] + SWAP + (FIRST_LETTER if i == 2 and j == 2 else 0.0))
            here[j] = d
            best = min(best, d)
        # A swap reaches back two rows, so both must be beyond the limit.
        if best > limit and least > limit:
            return np.inf
        least = best
        before, above, here = above, here, before
    return float(above[m])


@compiled
def _search(
    asked: Array, asked_length: Array, asked_marks: Array, limits: Array, first: Array, last: Array,
    known: Array, known_length: Array, known_marks: Array, hits: Array, distances: Array, change: Array, gaps: Array,
) -> None:  # fmt: skip
    rows = np.zeros((3, known.shape[1] + 1))
    for q in range(len(asked)):
        most = np.uint64(2 * limits[q])
        kept = 0
        for k in range(first[q], last[q]):
            if _bits(asked_marks[q] ^ known_marks[k]) > most:
                continue
            limit = min(float(limits[q]), distances[q, MOST_HITS - 1])
            d = _distance(
                asked[q], asked_length[q], known[k], known_length[k], limit, change, gaps, rows
            )
            if d < limit or (d == limit and kept < MOST_HITS):
                at = min(kept, MOST_HITS - 1)
                while at > 0 and distances[q, at - 1] > d:
                    distances[q, at], hits[q, at] = distances[q, at - 1], hits[q, at - 1]
                    at -= 1
                distances[q, at], hits[q, at] = d, k
                kept = min(kept + 1, MOST_HITS)
