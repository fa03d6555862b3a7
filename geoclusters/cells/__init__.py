"""Cells: addresses are binned into H3 cells and added up, one row a cell."""

from geoclusters.cells.aggregate import finish, merge, partial

__all__ = ["finish", "merge", "partial"]
