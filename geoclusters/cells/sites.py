"""Adds addresses up to one row a distinct point and metric, for runs that do without binning.

The table is that of `sums`, keyed by the point in place of the cell. A point is never taken for another: where the
mixed keys of two agree, their coordinates are compared. No position is summed; the point is the position.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from geoclusters.cells.kernel import latlng_to_cells
from geoclusters.cells.sums import N_SHARDS, NO_ENTRY, grown, several_documents
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
_LAT, _LON, _WEIGHT, _ADDRESSES, _DOCUMENTS, _LAST = range(6)
_FIRST_ROOM = 1 << 10
_AT_ONCE = 128
_SHARD_SHIFT = np.uint64(60)
_TAG_SHIFT = np.uint64(28)
_LOW = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)
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
def _shard_order(key: Keys, bounds: Ints, order: Ints) -> None:
    """Order the rows by shard, stable."""
    for i in range(len(key)):
        bounds[np.int64(key[i] >> _SHARD_SHIFT) + 1] += 1
    for before in range(N_SHARDS):
        bounds[before + 1] += bounds[before]
    place = bounds.copy()
    for row in range(len(key)):
        shard = np.int64(key[row] >> _SHARD_SHIFT)
        order[place[shard]] = row
        place[shard] += 1


@compiled
def _add(
    rows: Ints,
    key: Keys,
    lat: Ints,
    lon: Ints,
    metric: Metrics,
    weight: Ints,
    several: Ints,
    document: Ints,
    slots: Keys,
    sites: Ints,
    site_metric: Metrics,
    n_entries: int,
    entries: Codes,
) -> int:
    """
    Add rows to the sums of one shard; `several` is 1, or minus the documents that a row stands for.

    A slot holds 32 bits of the key and the entry + 1; 0 is an empty slot. Memory is touched ahead of its use, as in
    `sums`.
    """
    mask = np.uint64(len(slots) - 1)
    touched = np.uint64(0)
    for begin in range(0, len(rows), _AT_ONCE):
        end = min(begin + _AT_ONCE, len(rows))
        for i in range(begin, end):
            touched ^= slots[key[rows[i]] & mask]
        for i in range(begin, end):
            slot = slots[key[rows[i]] & mask]
            known = np.int64(slot & _LOW) - np.int64(slot != 0)
            touched ^= np.uint64(sites[known, _LAT])
        for i in range(begin, end):
            row = rows[i]
            tag = key[row] >> _TAG_SHIFT & _LOW
            slot = key[row] & mask
            entry = np.int64(-1)
            while slots[slot] != 0:
                known = np.int64(slots[slot] & _LOW) - 1
                if (
                    slots[slot] >> _HALF == tag
                    and sites[known, _LAT] == lat[row]
                    and sites[known, _LON] == lon[row]
                    and site_metric[known] == metric[row]
                ):
                    entry = known
                    break
                slot = slot + _ONE & mask
            if entry < 0:
                entry = np.int64(n_entries)
                slots[slot] = tag << _HALF | np.uint64(entry + 1)
                sites[entry, _LAT], sites[entry, _LON] = lat[row], lon[row]
                sites[entry, _WEIGHT : _DOCUMENTS + 1] = 0
                sites[entry, _LAST] = -1
                site_metric[entry] = metric[row]
                n_entries += 1
            times = several[row]
            other = np.int64(sites[entry, _LAST] != document[row])
            sites[entry, _WEIGHT] += weight[row]
            sites[entry, _ADDRESSES] += abs(times)
            sites[entry, _DOCUMENTS] += -times if times < 0 else other
            sites[entry, _LAST] = document[row]
            entries[row] = np.int32(entry)
    if touched == _ONE and len(rows) == 0:  # never; what was touched counts as used
        return -1
    return n_entries


@compiled
def _insert_all(keys: Keys, slots: Keys) -> None:
    mask = np.uint64(len(slots) - 1)
    for entry in range(len(keys)):
        slot = keys[entry] & mask
        while slots[slot] != 0:
            slot = slot + _ONE & mask
        slots[slot] = (keys[entry] >> _TAG_SHIFT & _LOW) << _HALF | np.uint64(entry + 1)


class _Shard:
    """
    Sums of the points whose keys fall to one shard, in an open-addressed table.

    Attributes
    ----------
    slots : numpy.ndarray of uint64
        At least half of them are empty.
    sites : numpy.ndarray of int64, shape (n, 6)
        Bits of latitude and longitude, `SUMS`, and the document that came last.
    """

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.n_entries = 0
        self.sites = np.zeros((_FIRST_ROOM, 6), dtype=np.int64)
        self.metric = np.empty(_FIRST_ROOM, dtype=np.uint8)
        self.slots = np.zeros(2 * _FIRST_ROOM, dtype=np.uint64)

    def make_room(self, more: int) -> None:
        """Have room for so many further entries."""
        wanted = self.n_entries + more
        if wanted > len(self.metric):
            room = max(wanted, 2 * len(self.metric))
            self.sites = grown(self.sites, room, self.n_entries)
            self.metric = grown(self.metric, room, self.n_entries)
        if 2 * wanted > len(self.slots):
            size = len(self.slots)
            while 2 * wanted > size:
                size *= 2
            n, sites = self.n_entries, self.sites
            keys = site_keys(sites[:n, _LAT].copy(), sites[:n, _LON].copy(), self.metric[:n])
            self.slots = np.zeros(size, dtype=np.uint64)
            _insert_all(keys, self.slots)


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
        self._shards = [_Shard() for _ in range(N_SHARDS)]

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
        several = several_documents(count)
        key = site_keys(lat_bits, lon_bits, metric)
        bounds, order = np.zeros(N_SHARDS + 1, dtype=np.int64), np.empty(len(key), dtype=np.int64)
        _shard_order(key, bounds, order)
        entries = np.empty(len(key), dtype=np.int32)
        for number, shard in enumerate(self._shards):
            rows = order[bounds[number] : bounds[number + 1]]
            if not len(rows):
                continue
            with shard.lock:
                shard.make_room(len(rows))
                shard.n_entries = _add(
                    rows,
                    key,
                    lat_bits,
                    lon_bits,
                    metric,
                    weight,
                    several,
                    document,
                    shard.slots,
                    shard.sites,
                    shard.metric,
                    shard.n_entries,
                    entries,
                )
            entries[rows] = entries[rows] * N_SHARDS + number
        return entries

    def finish(self) -> tuple[SiteSums, Codes]:
        """
        Give the sums, and the row of the sums that each entry is; the table is empty afterwards.

        Returns
        -------
        sums : SiteSums
        rows : numpy.ndarray of int32
            Indexed by the entries that `add` gave.
        """
        shards, self._shards = self._shards, [_Shard() for _ in range(N_SHARDS)]
        for shard in shards:
            shard.slots = shard.slots[:0].copy()
        lat, lon = (_joined(shards, column).view(np.float64) for column in (_LAT, _LON))
        metric = np.concatenate([s.metric[: s.n_entries] for s in shards])
        cell = latlng_to_cells(lat, lon, DISPLAY_RESOLUTION)
        order = site_order(cell, lat, lon, metric)
        cell, lat, lon, metric = cell[order], lat[order], lon[order], metric[order]
        entries = np.concatenate(
            [np.arange(s.n_entries, dtype=np.int32) * N_SHARDS + i for i, s in enumerate(shards)]
        )
        rows = np.full(int(entries.max(initial=-1)) + 1, NO_ENTRY, dtype=np.int32)
        rows[entries[order]] = np.arange(len(order), dtype=np.int32)
        del order
        sums, start = np.empty((len(entries), len(SUMS)), dtype=np.int64), 0
        for shard in shards:
            stop = start + shard.n_entries
            sums[rows[entries[start:stop]]] = shard.sites[: shard.n_entries, _WEIGHT:_LAST]
            start, shard.sites = stop, shard.sites[:0].copy()
        return SiteSums(cell, lat, lon, metric, sums), rows


def _joined(shards: list[_Shard], column: int) -> Ints:
    return np.concatenate([s.sites[: s.n_entries, column] for s in shards])
