"""Adds addresses up to one row a cell and metric, in whole numbers, so that their order leaves no trace.

Positions are summed as unit vectors in whole numbers, weighted, and may run over the 64 bits: what counts is the
sum of the offsets from the cell's centre, which is small, and comes back right when the centre's part is taken off
again (all modulo 2^64). So nothing need be known of a cell while its addresses come in.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

import h3
import numpy as np

from geoclusters import schema
from geoclusters.cells.kernel import cells_and_vectors
from geoclusters.compiling import compiled
from geoclusters.earth import EARTH_RADIUS_KM

if TYPE_CHECKING:
    import numpy.typing as npt

    Cells = npt.NDArray[np.uint64]
    Ints = npt.NDArray[np.int64]
    Floats = npt.NDArray[np.float64]
    Codes = npt.NDArray[np.int32]

N_SHARDS: Final = 16
NO_ENTRY: Final = -1
OFFSETS_PER_RADIUS: Final = 1 << 15
SUMS: Final = ("weight", "addresses", "documents", "position_weight", "x", "y", "z")
_N_SUMS = len(SUMS)
_LAST = _N_SUMS
_FIRST_ROOM = 1 << 10
_AT_ONCE = 128
_WEIGHT_ONE = schema.WEIGHT_ONE
_POSITION_UNIT = schema.WEIGHT_ONE >> 16
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_METRIC_SHIFT = np.uint64(56)
_CELL_MASK = np.uint64((1 << 56) - 1)
_CELL_TOP = np.uint64(0x08 << 56)


def position_scale(resolution: int) -> float:
    """Say what a length of one Earth radius is in the whole numbers of the positions of cells of a resolution."""
    radius = float(h3.average_hexagon_edge_length(resolution, unit="km")) / EARTH_RADIUS_KM
    return OFFSETS_PER_RADIUS / radius


@dataclass(frozen=True)
class CellSums:
    """
    Sums of each cell and metric, ordered by cell and metric.

    Attributes
    ----------
    cell : numpy.ndarray of uint64, shape (n,)
        H3 indices, all of one resolution.
    metric : numpy.ndarray of uint8, shape (n,)
        Position of the metric in the study.
    sums : numpy.ndarray of int64, shape (n, 7)
        `SUMS`: weight (1/`schema.WEIGHT_ONE` document), number of addresses, distinct documents, weight of the
        positions (1/65536 document) and the weighted unit vectors (modulo 2^64).
    """

    cell: Cells
    metric: npt.NDArray[np.uint8]
    sums: Ints

    def column(self, name: str) -> Ints:
        """Give one of `SUMS`."""
        return self.sums[:, SUMS.index(name)]

    def begins(self) -> npt.NDArray[np.bool_]:
        """Tell the rows with which another cell begins."""
        return np.asarray(np.diff(self.cell, prepend=np.uint64(0)) != 0)

    def rows_of(self, part: CellSums) -> Ints:
        """Give the row of each row of a part that was added into these sums."""
        return np.searchsorted(_keys(self), _keys(part))

    @classmethod
    def added(cls, parts: list[CellSums]) -> CellSums:
        """Add sums up; cells and metrics that several parts have become one row."""
        cell = np.concatenate([p.cell for p in parts])
        metric = np.concatenate([p.metric for p in parts])
        sums = np.concatenate([p.sums for p in parts])
        order = np.lexsort((metric, cell))
        cell, metric = cell[order], metric[order]
        first = np.ones(len(cell), dtype=bool)
        first[1:] = (cell[1:] != cell[:-1]) | (metric[1:] != metric[:-1])
        starts = np.flatnonzero(first)
        total = np.add.reduceat(sums[order], starts, axis=0) if len(starts) else sums
        return cls(cell[first], metric[first], total)


def _keys(sums: CellSums) -> Cells:
    """Cell and metric as one number in their order; the top byte of an H3 cell is always the same."""
    return (sums.cell << np.uint64(8)) | sums.metric.astype(np.uint64)


@compiled
def _shard_bounds(key: Cells) -> Ints:
    """Give where the rows of each shard begin once they are in the order of the shards."""
    bounds = np.zeros(N_SHARDS + 1, dtype=np.int64)
    shift = np.uint64(60)
    for row in range(len(key)):
        bounds[np.int64(key[row] * _GOLDEN >> shift) + 1] += 1
    for before in range(N_SHARDS):
        bounds[before + 1] += bounds[before]
    return bounds


@compiled
def _pack(
    key: Cells,
    weight: Ints,
    several: Ints,
    document: Ints,
    vectors: Ints,
    bounds: Ints,
    packed: Ints,
) -> None:
    """Write all that is needed of each row side by side, in the order of the shards (`_shard_bounds`)."""
    place = bounds.copy()
    shift = np.uint64(60)
    for row in range(len(key)):
        shard = np.int64(key[row] * _GOLDEN >> shift)
        at = place[shard]
        place[shard] += 1
        packed[at, 0] = np.int64(key[row])
        packed[at, 1] = weight[row]
        packed[at, 2] = several[row]
        packed[at, 3] = document[row]
        packed[at, 4] = vectors[row, 0]
        packed[at, 5] = vectors[row, 1]
        packed[at, 6] = vectors[row, 2]
        packed[at, 7] = row


@compiled
def _add(
    packed: Ints,
    slots: Cells,
    entry_keys: Cells,
    sums: Ints,
    n_entries: int,
    shard: int,
    entries: Codes,
) -> int:
    """
    Add rows to the sums of one shard; `several` is 1, or minus the documents that a row stands for.

    A few rows at a time, every place of memory is touched before it is used, in loops without a branch, so that the
    processor waits for many of them at once.
    """
    mask = np.uint64(len(slots) // 2 - 1)
    shift, two = np.uint64(24), np.uint64(2)
    touched = np.uint64(0)
    found = np.empty(_AT_ONCE, dtype=np.int64)
    for begin in range(0, len(packed), _AT_ONCE):
        n = min(_AT_ONCE, len(packed) - begin)
        for i in range(n):
            touched ^= slots[two * (np.uint64(packed[begin + i, 0]) * _GOLDEN >> shift & mask)]
        for i in range(n):
            k = np.uint64(packed[begin + i, 0])
            slot = k * _GOLDEN >> shift & mask
            while slots[two * slot] != k and slots[two * slot] != 0:
                slot = slot + np.uint64(1) & mask
            if slots[two * slot] == 0:
                slots[two * slot] = k
                slots[two * slot + np.uint64(1)] = np.uint64(n_entries)
                entry_keys[n_entries] = k
                sums[n_entries, :] = 0
                sums[n_entries, _LAST] = -1
                n_entries += 1
            found[i] = np.int64(slots[two * slot + np.uint64(1)])
        for i in range(n):
            touched ^= np.uint64(sums[found[i], 0])
        for i in range(n):
            row, entry = begin + i, found[i]
            weight, times, document = packed[row, 1], packed[row, 2], packed[row, 3]
            heft = max(weight // _POSITION_UNIT, 1)
            sums[entry, 0] += weight
            sums[entry, 1] += abs(times)
            sums[entry, 2] += -times if times < 0 else np.int64(sums[entry, _LAST] != document)
            sums[entry, 3] += heft
            sums[entry, 4] += heft * packed[row, 4]
            sums[entry, 5] += heft * packed[row, 5]
            sums[entry, 6] += heft * packed[row, 6]
            sums[entry, _LAST] = document
            entries[packed[row, 7]] = np.int32(entry * N_SHARDS + shard)
    if touched == np.uint64(1) and len(packed) == 0:  # never; what was touched counts as used
        return -1
    return n_entries


@compiled
def _insert_all(keys: Cells, slots: Cells) -> None:
    mask = np.uint64(len(slots) // 2 - 1)
    for entry in range(len(keys)):
        slot = keys[entry] * _GOLDEN >> np.uint64(24) & mask
        while slots[np.uint64(2) * slot] != 0:
            slot = slot + np.uint64(1) & mask
        slots[np.uint64(2) * slot] = keys[entry]
        slots[np.uint64(2) * slot + np.uint64(1)] = np.uint64(entry)


Number = TypeVar("Number", bound=np.generic)


class _Shard:
    """
    Sums of the cells whose keys fall to one shard, in an open-addressed table.

    Attributes
    ----------
    slots : numpy.ndarray of uint64
        Key and entry of each slot, side by side; at least half of them are empty.
    """

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.n_entries = 0
        self.entry_keys = np.empty(_FIRST_ROOM, dtype=np.uint64)
        self.sums = np.empty((_FIRST_ROOM, _N_SUMS + 1), dtype=np.int64)
        self.slots = np.zeros(4 * _FIRST_ROOM, dtype=np.uint64)

    def make_room(self, more: int) -> None:
        """Have room for so many further entries."""
        wanted = self.n_entries + more
        if wanted > len(self.entry_keys):
            room = max(wanted, 2 * len(self.entry_keys))
            self.entry_keys = grown(self.entry_keys, room, self.n_entries)
            self.sums = grown(self.sums, room, self.n_entries)
        size = len(self.slots)
        if 4 * wanted > size:
            while 4 * wanted > size:
                size *= 2
            self.slots = np.zeros(size, dtype=np.uint64)
            _insert_all(self.entry_keys[: self.n_entries], self.slots)


def grown(array: npt.NDArray[Number], room: int, used: int) -> npt.NDArray[Number]:
    """Give a larger array that begins with the used rows of this one."""
    larger = np.empty((room, *array.shape[1:]), dtype=array.dtype)
    larger[:used] = array[:used]
    return larger


def several_documents(count: Floats) -> Ints:
    """Give 1 for an ordinary address (NaN), and minus the documents that a row stands for."""
    counted = ~np.isnan(count)
    several = np.ones(len(count), dtype=np.int64)
    if counted.any():
        several[counted] = -np.rint(count[counted]).astype(np.int64)
    return several


class SumTable:
    """
    Adds whole documents up by cell and metric; several threads may add at once.

    Parameters
    ----------
    resolution : int
        H3 resolution of the cells.

    Examples
    --------
    >>> table = SumTable(8)
    >>> _ = table.add(lat=np.array([48.1, 48.1]), lon=np.array([11.6, 11.6]), metric=np.zeros(2, np.uint8),
    ...               document=np.array([1, 1]), weight=np.array([3, 4]), count=np.full(2, np.nan))
    >>> table.finish()[0].sums[0, :3].tolist()  # weight, addresses, documents
    [7, 2, 1]
    """

    def __init__(self, resolution: int) -> None:
        self.resolution = resolution
        self._scale = position_scale(resolution)
        self._shards = [_Shard() for _ in range(N_SHARDS)]

    def add(
        self,
        *,
        lat: Floats,
        lon: Floats,
        metric: npt.NDArray[np.uint8],
        document: Ints,
        weight: Ints,
        count: Floats,
    ) -> Codes:
        """
        Add placed addresses of whole documents.

        Parameters
        ----------
        document : numpy.ndarray of int64, shape (n,)
            Number of the document of each row, another one for each document ever added; its rows stand together.
        weight : numpy.ndarray of int64, shape (n,)
            Fraction of the document, in 1/`schema.WEIGHT_ONE`.
        count : numpy.ndarray of float64, shape (n,)
            Documents that the row stands for; NaN for an ordinary address.

        Returns
        -------
        numpy.ndarray of int32, shape (n,)
            Entry of each row; `finish` says which row of the sums an entry is.
        """
        cell, vectors = cells_and_vectors(lat, lon, self.resolution, scale=self._scale)
        key = (cell & _CELL_MASK) | ((metric.astype(np.uint64) + np.uint64(1)) << _METRIC_SHIFT)
        several = several_documents(count)
        bounds = _shard_bounds(key)
        packed = np.empty((len(key), 8), dtype=np.int64)
        _pack(key, weight, several, document, vectors, bounds, packed)
        entries = np.empty(len(key), dtype=np.int32)
        for number, shard in enumerate(self._shards):
            rows = packed[bounds[number] : bounds[number + 1]]
            if not len(rows):
                continue
            with shard.lock:
                shard.make_room(len(rows))
                shard.n_entries = _add(
                    rows,
                    shard.slots,
                    shard.entry_keys,
                    shard.sums,
                    shard.n_entries,
                    number,
                    entries,
                )
        return entries

    def finish(self) -> tuple[CellSums, Codes]:
        """
        Give the sums, and the row of the sums that each entry is; the table is empty afterwards.

        Returns
        -------
        sums : CellSums
        rows : numpy.ndarray of int32
            Indexed by the entries that `add` gave.
        """
        shards, self._shards = self._shards, [_Shard() for _ in range(N_SHARDS)]
        keys = np.concatenate([s.entry_keys[: s.n_entries] for s in shards])
        entries = np.concatenate(
            [np.arange(s.n_entries, dtype=np.int32) * N_SHARDS + i for i, s in enumerate(shards)]
        )
        # Cells first, metrics second: the metric moves from the top of the key to below the cell.
        order = np.argsort((keys << np.uint64(8)) | (keys >> _METRIC_SHIFT))
        rows = np.full(int(entries.max(initial=-1)) + 1, NO_ENTRY, dtype=np.int32)
        rows[entries[order]] = np.arange(len(order), dtype=np.int32)
        sums = np.empty((len(keys), _N_SUMS), dtype=np.int64)
        start = 0
        for shard in shards:
            sums[rows[entries[start : start + shard.n_entries]]] = shard.sums[
                : shard.n_entries, :_N_SUMS
            ]
            start += shard.n_entries
            shard.sums = shard.sums[:0]
        keys = keys[order]
        metric = (keys >> _METRIC_SHIFT).astype(np.uint8) - np.uint8(1)
        return CellSums((keys & _CELL_MASK) | _CELL_TOP, metric, sums), rows
