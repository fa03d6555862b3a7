"""Cells: points are binned into H3 cells, and addresses added up to one row a cell; or, exactly, to one a point."""

from typing import TYPE_CHECKING, Final

from geoclusters.loading import loaded_when_asked

if TYPE_CHECKING:
    from geoclusters.cells.aggregate import Sums, added_up, cell_rows, finish, new_table, rows_in
    from geoclusters.cells.shards import NO_ENTRY
    from geoclusters.cells.sites import SiteSums, SiteTable
    from geoclusters.cells.sums import CellSums, SumTable

_HOMES: Final = {
    "NO_ENTRY": ".shards",
    "CellSums": ".sums",
    "SiteSums": ".sites",
    "SiteTable": ".sites",
    "SumTable": ".sums",
    "Sums": ".aggregate",
    "added_up": ".aggregate",
    "cell_rows": ".aggregate",
    "finish": ".aggregate",
    "new_table": ".aggregate",
    "rows_in": ".aggregate",
}

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

__getattr__ = loaded_when_asked(__name__, _HOMES)
