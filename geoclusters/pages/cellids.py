"""Joins H3 cells into their coarser parents, for maps that cannot draw them all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from geoclusters.hierarchy import parents, resolution_of

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["joined", "parents", "resolution_of"]


def joined(cells: pd.DataFrame, how: dict[str, str]) -> pd.DataFrame:
    """Make one row of the rows of a cell, by cell; `how` names the aggregate of each column."""
    return cells.groupby("cell", as_index=False, sort=True).agg(how)
