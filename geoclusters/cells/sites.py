"""Adds addresses up to one row a distinct point and metric, for runs that do without binning.

The table is that of `sums`, keyed by the point in place of the cell. No position is summed; the point is the
position.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from geoclusters.cells.kernel import latlng_to_cells
from geoclusters.cells.shards import ShardedTable
from geoclusters.cells.sums import documents_of
from geoclusters.compiling import compiled
from geoclusters.hierarchy import DISPLAY_RESOLUTION

if TYPE_CHECKING:
    import numpy.typing as npt

    Keys = npt.NDArray[np.uint64]
    Ints = npt.NDArray[np.int64]
    Floats = npt.NDArray[np.float64]
    Codes = npt.NDArray[np.int32]
    Metrics = npt.NDArray[np.uint8]

SUMS: Final = ("weight", "addresses", "documents")
_N_KEYS = 4
"""Hash, latitude, longitude and metric."""
_ONE = np.uint64(1)


@dataclass(frozen=True)
class SiteSums:
    """
    Sums of each point and metric, ordered by cell, latitude, longitude and metric.

    Attributes
    ----------
    cell : numpy.ndarray of uint64, shape (n,)
        H3 cell of the point at `hierarchy.DISPLAY_RESOLUTION`.
    lat, lon : numpy.ndarray of float64, shape (n,)
        The point, WGS 84 degrees.
    metric : numpy.ndarray of uint8, shape (n,)
        Position of the metric in the study.
    sums : numpy.ndarray of int64, shape (n, 3)
        `SUMS`: weight (1/`schema.WEIGHT_ONE` document), number of addresses, distinct documents.
    """

    cell: Keys
    lat: Floats
    lon: Floats
    metric: Metrics
    sums: Ints

    def column(self, name: str) -> Ints:
        """Give one of `SUMS`."""
        return self.sums[:, SUMS.index(name)]

    def begins(self) -> npt.NDArray[np.bool_]:
        """Tell the rows with which another point begins."""
        first = np.ones(len(self.cell), dtype=bool)
        first[1:] = (self.lat[1:] != self.lat[:-1]) | (self.lon[1:] != self.lon[:-1])
        return first

    def rows_of(self, part: SiteSums) -> Ints:
        """Give the row of each row of a part that was added into these sums."""
        rows = np.arange(len(part.cell), dtype=np.int64)
        if part is not self:
            _walk(*_keys(self), *_keys(part), rows)
        return rows

    @classmethod
    def added(cls, parts: list[SiteSums]) -> SiteSums:
        """Add sums up; points and metrics that several parts have become one row."""
        cell, lat, lon, metric = (
            np.concatenate(columns) for columns in zip(*map(_keys, parts), strict=True)
        )
        order = site_order(cell, lat, lon, metric)
        cell, lat, lon, metric = cell[order], lat[order], lon[order], metric[order]
        first = np.ones(len(cell), dtype=bool)
        first[1:] = (lat[1:] != lat[:-1]) | (lon[1:] != lon[:-1]) | (metric[1:] != metric[:-1])
        sums = np.concatenate([part.sums for part in parts])[order]
        starts = np.flatnonzero(first)
        total = np.add.reduceat(sums, starts, axis=0) if len(starts) else sums
        return cls(cell[first], lat[first], lon[first], metric[first], total)


def _keys(sums: SiteSums) -> tuple[Keys, Floats, Floats, Metrics]:
    return sums.cell, sums.lat, sums.lon, sums.metric


def site_order(cell: Keys, lat: Floats, lon: Floats, metric: Metrics) -> Ints:
    """Order points by cell, latitude, longitude and metric."""
    order = np.argsort(cell)
    _order_runs(cell, lat, lon, metric, order)
    return order


@compiled
def _is_after(lat: Floats, lon: Floats, metric: Metrics, one: int, other: int) -> bool:
    if lat[one] != lat[other]:
        return bool(lat[one] > lat[other])
    if lon[one] != lon[other]:
        return bool(lon[one] > lon[other])
    return bool(metric[one] > metric[other])


@compiled
def _sift(lat: Floats, lon: Floats, metric: Metrics, run: Ints, root: int, size: int) -> None:
    """Let a row sink in a heap until no child comes after it."""
    while 2 * root + 1 < size:
        child = 2 * root + 1
        if child + 1 < size and _is_after(lat, lon, metric, run[child + 1], run[child]):
            child += 1
        if not _is_after(lat, lon, metric, run[child], run[root]):
            return
        run[root], run[child] = run[child], run[root]
        root = child


@compiled
def _order_runs(cell: Keys, lat: Floats, lon: Floats, metric: Metrics, order: Ints) -> None:
    """Order the rows of each cell, which stand together already, in place (heapsort)."""
    begin = 0
    for end in range(1, len(order) + 1):
        if end < len(order) and cell[order[end]] == cell[order[begin]]:
            continue
        run = order[begin:end]
        for root in range(len(run) // 2 - 1, -1, -1):
            _sift(lat, lon, metric, run, root, len(run))
        for size in range(len(run) - 1, 0, -1):
            run[0], run[size] = run[size], run[0]
            _sift(lat, lon, metric, run, 0, size)
        begin = end


@compiled
def _walk(
    cell: Keys,
    lat: Floats,
    lon: Floats,
    metric: Metrics,
    part_cell: Keys,
    part_lat: Floats,
    part_lon: Floats,
    part_metric: Metrics,
    rows: Ints,
) -> None:
    """Find the rows of a part in the whole; both are in the same order, so one pass will do."""
    at = 0
    for row in range(len(rows)):
        while (
            cell[at] != part_cell[row]
            or lat[at] != part_lat[row]
            or lon[at] != part_lon[row]
            or metric[at] != part_metric[row]
        ):
            at += 1
        rows[row] = at


def site_keys(lat: Ints, lon: Ints, metric: Metrics) -> Keys:
    """
    Mix the bits of points and their metric; equal ones have equal keys, and others hardly ever.

    Parameters
    ----------
    lat, lon : numpy.ndarray of int64
        The bits of the coordinates.

    Notes
    -----
    The finishing steps of SplitMix64: G. Steele, D. Lea, C. Flood, Fast splittable pseudorandom number generators,
    OOPSLA 2014.
    """
    keys = np.empty(len(lat), dtype=np.uint64)
    _mix(lat, lon, metric, keys)
    return keys


@compiled
def _mix(lat: Ints, lon: Ints, metric: Metrics, keys: Keys) -> None:
    for row in range(len(keys)):
        h = np.uint64(lat[row]) + np.uint64(0x9E3779B97F4A7C15) * (np.uint64(metric[row]) + _ONE)
        h = (h ^ (h >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        h = (h ^ (h >> np.uint64(27))) + np.uint64(lon[row])
        h = (h ^ (h >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        h = (h ^ (h >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        keys[row] = h ^ (h >> np.uint64(31))


@compiled
def _pack(
    hashes: Keys,
    key: Ints,
    weight: Ints,
    documents: Ints,
    count: Floats,
    place: Codes,
    packed: Ints,
) -> None:
    """Write the hash and key of each row and what it adds to `SUMS` side by side, in the order of the shards."""
    for row in range(len(hashes)):
        at = place[row]
        packed[at, 0] = np.int64(hashes[row])
        packed[at, 1], packed[at, 2], packed[at, 3] = key[0, row], key[1, row], key[2, row]
        packed[at, 4] = weight[row]
        packed[at, 5] = 1 if np.isnan(count[row]) else documents[row]
        packed[at, 6] = documents[row]


class SiteTable:
    """
    Adds whole documents up by point and metric, as `SumTable` does by cell; several threads may add at once.

    Examples
    --------
    >>> table = SiteTable()
    >>> _ = table.add(lat=np.array([48.1, 48.2, 48.1]), lon=np.array([0.0, 11.6, -0.0]), metric=np.zeros(3, np.uint8),
    ...               document=np.array([1, 1, 2]), weight=np.array([3, 4, 5]), count=np.full(3, np.nan))
    >>> sums, rows = table.finish()
    >>> sums.lat.tolist(), sums.column("weight").tolist(), sums.column("documents").tolist()
    ([48.1, 48.2], [8, 4], [2, 1])
    """

    def __init__(self) -> None:
        self._table = ShardedTable(_N_KEYS + len(SUMS), n_keys=_N_KEYS)

    def add(
        self,
        *,
        lat: Floats,
        lon: Floats,
        metric: Metrics,
        document: Ints,
        weight: Ints,
        count: Floats,
    ) -> Codes:
        """
        Add placed addresses of whole documents; parameters and result are those of `SumTable.add`.

        Returns
        -------
        numpy.ndarray of int32, shape (n,)
            Entry of each row; `finish` says which row of the sums an entry is.
        """
        # Adding 0.0 makes 0.0 of -0.0, which is the same place.
        lat_bits, lon_bits = (lat + 0.0).view(np.int64), (lon + 0.0).view(np.int64)
        key = np.stack([lat_bits, lon_bits, metric.astype(np.int64)])
        hashes = site_keys(lat_bits, lon_bits, metric)
        documents = documents_of(document, hashes, key, count)
        return self._table.add(hashes, _pack, key, weight, documents, count)

    def finish(self) -> tuple[SiteSums, Codes]:
        """
        Give the sums, and the row of the sums that each entry is; the table is empty afterwards.

        Returns
        -------
        sums : SiteSums
        rows : numpy.ndarray of int32
            Indexed by the entries that `add` gave.
        """
        table = self._table
        lat, lon = (table.word(at).view(np.float64) for at in (1, 2))
        metric = table.word(3).astype(np.uint8)
        cell = latlng_to_cells(lat, lon, DISPLAY_RESOLUTION)
        order = site_order(cell, lat, lon, metric)
        cell, lat, lon, metric = cell[order], lat[order], lon[order], metric[order]
        sums, rows = table.take(order)
        return SiteSums(cell, lat, lon, metric, sums), rows
