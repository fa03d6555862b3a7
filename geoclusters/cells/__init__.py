"""Cells: points are binned into H3 cells, and addresses added up to one row a cell."""

from geoclusters.cells.aggregate import cell_rows, finish
from geoclusters.cells.sums import NO_ENTRY, CellSums, SumTable, added_up

__all__ = ["NO_ENTRY", "CellSums", "SumTable", "added_up", "cell_rows", "finish"]
