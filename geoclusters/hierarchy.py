"""The hierarchy of H3 cells, read off their indices for many cells at once."""

from __future__ import annotations

from typing import Final, Literal

import numpy as np
import numpy.typing as npt

Cells = npt.NDArray[np.uint64]

FINEST_RESOLUTION: Final = 15
EXACT: Final = "exact"
"""The setting `resolution` of a run that does without binning."""
DISPLAY_RESOLUTION: Final = 8
"""Resolution of the cells in which the points of an exact run are drawn and outlined; its clusters hang on none."""


def cell_resolution(setting: int | Literal["exact"]) -> int:
    """
    Give the resolution of the cells in the tables of a run, from its setting `resolution`.

    Examples
    --------
    >>> cell_resolution(7), cell_resolution("exact")
    (7, 8)
    """
    return DISPLAY_RESOLUTION if setting == EXACT else int(setting)


def resolution_of(cell: int) -> int:
    """
    Give the resolution of an H3 cell.

    Examples
    --------
    >>> resolution_of(0x88283082B9FFFFF)
    8
    """
    return (cell >> 52) & 0xF


def parents(cells: Cells, resolution: int) -> Cells:
    """
    Give the ancestors of H3 cells at a resolution no finer than theirs: the finer digits of the index become 7.

    Examples
    --------
    >>> hex(int(parents(np.array([0x88283082B9FFFFF], dtype=np.uint64), 5)[0]))
    '0x85283083fffffff'
    """
    finer_digits = np.uint64((1 << 3 * (15 - resolution)) - 1)
    level = np.uint64(0xF << 52)
    return (cells & ~level) | np.uint64(resolution << 52) | finer_digits
