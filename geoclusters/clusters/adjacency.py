"""Neighbours of many H3 cells at once, by the arithmetic of their digits.

A cell's place is an integer i + j w of a lattice, w a third of a turn: that of its parent times 2 - w or 3 + w, at odd
and at even resolutions, plus one of seven steps that the digit names. A step to a neighbour is added like a one in a
sum: digit by digit from the finest, with a carry that is itself one of the seven steps. What is carried out of the
base cell, or into the part that a pentagon has not, is left to the library.
"""

from __future__ import annotations

from functools import cache
from typing import Final

import h3.api.basic_int as h3
import numpy as np
import numpy.typing as npt

from geoclusters.compiling import compiled

Cells = npt.NDArray[np.uint64]
Table = npt.NDArray[np.int64]

N_NEIGHBOURS: Final = 6
N_BASE_CELLS: Final = 122
UNKNOWN: Final = 0
_STEPS: Final = ((0, 0), (-1, -1), (0, 1), (-1, 0), (1, 0), (0, -1), (1, 1))
"""Step (i, j) from a cell's central child to the child of each digit."""


def neighbours(cells: Cells) -> Cells:
    """
    Give the neighbours of each cell.

    Parameters
    ----------
    cells : numpy.ndarray of uint64, shape (n,)
        H3 cells.

    Returns
    -------
    numpy.ndarray of uint64, shape (n, 6)
        In no particular order; a pentagon has itself in place of the sixth.

    Examples
    --------
    >>> cell = np.array([0x88283082B9FFFFF], dtype=np.uint64)
    >>> sorted(neighbours(cell)[0].tolist() + cell.tolist()) == sorted(h3.grid_disk(int(cell[0]), 1))
    True
    """
    found = np.empty((len(cells), N_NEIGHBOURS), dtype=np.int64)
    _step(np.ascontiguousarray(cells).view(np.int64), found, *_sums(), _is_pentagon())
    beside = found.view(np.uint64)
    for row in np.flatnonzero((found == UNKNOWN).any(axis=1)).tolist():
        around = [c for c in h3.grid_disk(int(cells[row]), 1) if c != cells[row]]
        beside[row] = [*around, int(cells[row])][:N_NEIGHBOURS]
    return beside


@cache
def _sums() -> tuple[Table, Table]:
    """Digit of the sum of a digit and a step, and what is carried; by resolution modulo 2, digit, step."""
    digits, carries = (np.zeros((2, 7, 7), dtype=np.int64) for _ in range(2))
    for odd, (a, b) in enumerate(((3, 1), (2, -1))):
        grown = [(a * i - b * j, b * i + (a - b) * j) for i, j in _STEPS]
        of = {
            (g[0] + s[0], g[1] + s[1]): (digit, carry)
            for carry, g in enumerate(grown)
            for digit, s in enumerate(_STEPS)
        }
        for digit, (i, j) in enumerate(_STEPS):
            for step, (di, dj) in enumerate(_STEPS):
                digits[odd, digit, step], carries[odd, digit, step] = of[i + di, j + dj]
    return digits, carries


@cache
def _is_pentagon() -> npt.NDArray[np.bool_]:
    found = np.zeros(N_BASE_CELLS, dtype=np.bool_)
    found[[h3.get_base_cell_number(c) for c in h3.get_pentagons(0)]] = True
    return found


@compiled
def _step(
    cells: Table,
    found: Table,
    digits: Table,
    carries: Table,
    is_pentagon: npt.NDArray[np.bool_],
) -> None:
    """Fill `found`; `UNKNOWN` is what is left to the library."""
    for k in range(len(cells)):
        resolution = cells[k] >> 52 & 15
        for direction in range(1, 7):
            cell, carry = cells[k], direction
            for level in range(resolution, 0, -1):
                shift = 3 * (15 - level)
                digit = cell >> shift & 7
                cell ^= (digit ^ digits[level % 2, digit, carry]) << shift
                carry = carries[level % 2, digit, carry]
                if carry == 0:
                    break
            if carry != 0 or (is_pentagon[cell >> 45 & 127] and _is_missing(cell, resolution)):
                cell = UNKNOWN
            found[k, direction - 1] = cell


@compiled
def _is_missing(cell: int, resolution: int) -> bool:
    """Tell whether the first digit other than 0 is 1; a pentagon has no such children."""
    for level in range(1, resolution + 1):
        digit = cell >> 3 * (15 - level) & 7
        if digit != 0:
            return digit == 1
    return False
