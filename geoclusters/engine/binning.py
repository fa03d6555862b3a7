"""Bins addresses while they are added up: where they are, or spread over their cities and also where they were."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from geoclusters import schema
from geoclusters.cells import NO_ENTRY, new_table
from geoclusters.quality import address_keys, radius_of_places, spread_over_places

if TYPE_CHECKING:
    from typing import Literal

    import numpy.typing as npt

    from geoclusters.addresses import Rows, WeighedRows
    from geoclusters.cells import Sums

    Keys = npt.NDArray[np.uint64]
    Ints = npt.NDArray[np.int64]
    Floats = npt.NDArray[np.float64]
    Flags = npt.NDArray[np.bool_]
    Codes = npt.NDArray[np.int32]

CITY: Final = schema.LEVELS.index("place")


@dataclass(frozen=True)
class Entries:
    """
    Entries of some addresses in the sums, -1 = not placed.

    Attributes
    ----------
    found : numpy.ndarray of int32
        Where the addresses count.
    unspread : numpy.ndarray of int32 or None
        Where they would count had they not been spread; None where nothing is spread.
    """

    found: Codes
    unspread: Codes | None

    def of(self, which: slice | Flags) -> Entries:
        """Give those of some rows."""
        return Entries(self.found[which], None if self.unspread is None else self.unspread[which])


class Binning:
    """
    Adds addresses up by cell and metric; several threads may add at once.

    Parameters
    ----------
    resolution : int or 'exact'
        H3 resolution of the cells.
    spread_seed : int, optional
        Spread the addresses that are known to a city only (`quality.spread_over_places`), and count them also where
        they were.
    """

    def __init__(
        self, resolution: int | Literal["exact"], *, spread_seed: int | None = None
    ) -> None:
        self._seed = spread_seed
        self._table = new_table(resolution)
        self._unspread = None if spread_seed is None else new_table(resolution)

    @property
    def spreads(self) -> bool:
        """Whether addresses are spread, and every one has two entries."""
        return self._unspread is not None

    def add(
        self, rows: Rows, weighed: WeighedRows, placed: slice | Flags, *, keys: Keys, number: Ints
    ) -> Entries:
        """
        Bin the addresses of whole documents and give the entry of each.

        Parameters
        ----------
        placed : slice or numpy.ndarray of bool
            Rows that count in a cell.
        keys : numpy.ndarray of uint64
            Key of the document of each row, the same in all volumes; 0 where a row stands for a count of documents.
        number : numpy.ndarray of int64
            Number of the document of each row, another one for each document ever added.
        """
        given: dict[str, Any] = {
            "metric": rows.metric[placed],
            "document": number[placed],
            "weight": weighed.weight[placed],
            "count": rows.count[placed],
        }
        lat, lon = weighed.lat[placed], weighed.lon[placed]
        unspread = None
        if self._unspread is not None:
            unspread = _entries(rows, placed, self._unspread.add(lat=lat, lon=lon, **given))
            lat, lon = self._spread(lat, lon, rows.taken(placed), keys[placed])
        return Entries(_entries(rows, placed, self._table.add(lat=lat, lon=lon, **given)), unspread)

    def _spread(self, lat: Floats, lon: Floats, rows: Rows, keys: Keys) -> tuple[Floats, Floats]:
        """Move the addresses that are known to a city; a row that stands for many documents stays where it is."""
        at = np.flatnonzero((rows.accuracy == CITY) & (keys != 0))
        if not len(at):
            return lat, lon
        lat, lon = lat.copy(), lon.copy()
        lat[at], lon[at] = spread_over_places(
            lat[at],
            lon[at],
            address_keys(keys[at], rows.person[at], lat[at], lon[at]),
            radius_km=radius_of_places(lat[at], lon[at]),
            seed=self._seed or 0,
        )
        return lat, lon

    def finish(self) -> list[tuple[Sums, Codes]]:
        """Give the sums and the row of the sums of each entry; second those of unspread addresses, if any."""
        tables = (self._table, self._unspread)
        return [table.finish() for table in tables if table is not None]


def _entries(rows: Rows, placed: slice | Flags, found: Codes) -> Codes:
    if isinstance(placed, slice):
        return found
    entries = np.full(len(rows), NO_ENTRY, dtype=np.int32)
    entries[placed] = found
    return entries
