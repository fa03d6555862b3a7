"""Cells: points are binned into H3 cells, and addresses added up to one row a cell; or, exactly, to one a point."""

from geoclusters.cells.aggregate import Sums, added_up, cell_rows, finish, new_table, rows_in
from geoclusters.cells.shards import NO_ENTRY
from geoclusters.cells.sites import SiteSums, SiteTable
from geoclusters.cells.sums import CellSums, SumTable

__all__ = [
    "NO_ENTRY",
    "CellSums",
    "SiteSums",
    "SiteTable",
    "SumTable",
    "Sums",
    "added_up",
    "cell_rows",
    "finish",
    "new_table",
    "rows_in",
]
