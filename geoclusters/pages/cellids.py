"""Joins H3 cells into their coarser parents, for maps that cannot draw them all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import pandas as pd


def resolution_of(cell: int) -> int:
    """
    Give the resolution of an H3 cell.

    Examples
    --------
    >>> resolution_of(0x88283082B9FFFFF)
    8
    """
    return (cell >> 52) & 0xF


def parents(cells: npt.NDArray[np.uint64], resolution: int) -> npt.NDArray[np.uint64]:
    """
    Give the ancestors of H3 cells at a coarser resolution: the finer digits of the index become 7.

    Examples
    --------
    >>> hex(int(parents(np.array([0x88283082B9FFFFF], dtype=np.uint64), 5)[0]))
    '0x85283083fffffff'
    """
    finer_digits = np.uint64((1 << 3 * (15 - resolution)) - 1)
    level = np.uint64(0xF << 52)
    return (cells & ~level) | np.uint64(resolution << 52) | finer_digits


def joined(cells: pd.DataFrame, how: dict[str, str]) -> pd.DataFrame:
    """Make one row of the rows of a cell, by cell; `how` names the aggregate of each column."""
    return cells.groupby("cell", as_index=False, sort=True).agg(how)
