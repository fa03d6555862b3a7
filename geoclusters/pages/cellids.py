"""Joins H3 cells into their coarser parents, for maps that cannot draw them all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from geoclusters.hierarchy import parents, resolution_of

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["joined", "parents", "resolution_of"]


def joined(cells: pd.DataFrame, how: Mapping[str, str]) -> pd.DataFrame:
    """
    Make one row of the rows of a cell, by cell.

    Parameters
    ----------
    cells : pandas.DataFrame
        `cell` and whatever is to be joined; quickest where it is in order of `cell` already.
    how : mapping of str to {"sum", "max", "mean"}
        What becomes of each column.

    Examples
    --------
    >>> cells = pd.DataFrame({"cell": [7, 7, 9], "weight": [1.0, 2.0, 4.0]})
    >>> joined(cells, {"weight": "sum"}).to_numpy().tolist()
    [[7.0, 3.0], [9.0, 4.0]]
    """
    if not cells["cell"].is_monotonic_increasing:
        cells = cells.sort_values("cell", kind="stable")
    cell = cells["cell"].to_numpy()
    starts = np.flatnonzero(
        np.append(np.ones(min(1, len(cell)), dtype=bool), cell[1:] != cell[:-1])
    )
    sizes = np.diff(starts, append=len(cell))
    columns = {"cell": cell[starts]}
    for name, aggregate in how.items():
        reduction = np.maximum if aggregate == "max" else np.add
        columns[name] = reduction.reduceat(cells[name].to_numpy(), starts)
        if aggregate == "mean":
            columns[name] = columns[name] / sizes
    return pd.DataFrame(columns, copy=False)
