"""Adds addresses up to one row a cell and metric, in whole numbers, so that their order leaves no trace.

Positions are summed as unit vectors in whole numbers, weighted, and may run over the 64 bits: what counts is the
sum of the offsets from the cell's centre, which is small, and comes back right when the centre's part is taken off
again (all modulo 2^64). So nothing need be known of a cell while its addresses come in.
"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import h3
import numpy as np

from geoclusters import schema
from geoclusters.cells.kernel import cells_and_vectors
from geoclusters.cells.shards import ShardedTable
from geoclusters.compiling import compiled, prefetch
from geoclusters.earth import EARTH_RADIUS_KM
from geoclusters.hierarchy import FINEST_RESOLUTION
from geoclusters.machine import processors
from geoclusters.ordering import order_rows

if TYPE_CHECKING:
    import numpy.typing as npt

    Cells = npt.NDArray[np.uint64]
    Keys = npt.NDArray[np.uint64]
    Ints = npt.NDArray[np.int64]
    Floats = npt.NDArray[np.float64]
    Codes = npt.NDArray[np.int32]

OFFSETS_PER_RADIUS: Final = 1 << 15
SUMS: Final = ("weight", "addresses", "documents", "position_weight", "x", "y", "z")
_NEAR = 7
"""Rows back to which rows of a document are compared all at once."""
_FEW_ROWS = 24
"""Documents of no more rows are looked through pair by pair, larger ones are sorted."""
_AHEAD = 48
"""Rows between asking for the memory of a packed row and writing it."""
_POSITION_UNIT = schema.WEIGHT_ONE >> 16
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_OTHER = np.uint64(0xD6E8FEB86659FD93)
_GOLDEN_UNDONE = np.uint64(pow(0x9E3779B97F4A7C15, -1, 1 << 64))
_OTHER_UNDONE = np.uint64(pow(0xD6E8FEB86659FD93, -1, 1 << 64))
_HALF = np.uint64(32)
_ONE = np.uint64(1)
_METRIC_SHIFT = np.uint64(56)
_CELL_MASK = np.uint64((1 << 56) - 1)
_CELL_TOP = np.uint64(0x08 << 56)
_METRIC_BITS = np.uint64(8)
_METRIC_MASK = np.uint64(0xFF)
_BASE_CELL_BITS = 7


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
        return np.searchsorted(_ordered(self), _ordered(part))

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


def _ordered(sums: CellSums) -> Cells:
    """Cell and metric as one number in their order; the top byte of an H3 cell is always the same."""
    return (sums.cell << _METRIC_BITS) | sums.metric.astype(np.uint64)


def documents_of(document: Ints, hashes: Keys, rest: Ints, count: Floats) -> Ints:
    """
    Give how many documents each row adds to its key: 1 for the first of a document there, otherwise 0.

    Parameters
    ----------
    document : numpy.ndarray of int64, shape (n,)
        Number of the document of each row; its rows stand together.
    hashes : numpy.ndarray of uint64, shape (n,)
        Of the key of each row.
    rest : numpy.ndarray of int64, shape (k, n)
        What tells keys of the same hash apart; nothing (k = 0) where no two keys have the same.
    count : numpy.ndarray of float64, shape (n,)
        Documents that a row stands for, which it adds, rounded; NaN for an ordinary address.

    Examples
    --------
    >>> hashes = np.array([7, 8, 7, 7], dtype=np.uint64)
    >>> documents_of(np.array([1, 1, 1, 2]), hashes, np.empty((0, 4), np.int64), np.array([np.nan] * 3 + [41.0]))
    array([ 1,  1,  0, 41])
    """
    added = np.empty(len(document), dtype=np.int64)
    _count_documents(document, hashes, rest, count, added)
    return added


@compiled
def _count_documents(document: Ints, hashes: Keys, rest: Ints, count: Floats, added: Ints) -> None:
    """Compare each row with the few before it, many rows at once, then the rest of each longer document."""
    _compare_near(document, hashes, added)
    for row in range(len(document)):
        if row < _NEAR or (len(rest) and added[row] == 0):
            added[row] = not _is_near(document, hashes, rest, row)
    row = _NEAR + 1
    while row < len(document):
        if document[row] != document[row - _NEAR - 1]:
            row += 1
            continue
        begin, end = row - _NEAR - 1, row + 1
        while end < len(document) and document[end] == document[begin]:
            end += 1
        if end - begin > _FEW_ROWS:
            _first_of_many(hashes[begin:end], rest[:, begin:end], added[begin:end])
        else:
            for later in range(row, end):
                added[later] = not _is_among(hashes, rest, begin, later, later)
        row = end + _NEAR + 1
    for row in range(len(document)):
        if count[row] == count[row]:
            added[row] = np.int64(np.rint(count[row]))


@compiled
def _compare_near(document: Ints, hashes: Keys, added: Ints) -> None:
    """From row `_NEAR` on, write 0 where one of as many rows before has the row's document and hash, else 1."""
    for row in range(len(added) - _NEAR):
        known = False
        for before in range(_NEAR):
            known |= (document[row + before] == document[row + _NEAR]) & (
                hashes[row + before] == hashes[row + _NEAR]
            )
        added[row + _NEAR] = not known


@compiled
def _is_near(document: Ints, hashes: Keys, rest: Ints, row: int) -> bool:
    found = False
    for before in range(max(row - _NEAR, 0), row):
        found |= document[before] == document[row] and _is_among(
            hashes, rest, before, before + 1, row
        )
    return found


@compiled
def _is_among(hashes: Keys, rest: Ints, begin: int, end: int, row: int) -> bool:
    found = False
    for before in range(begin, end):
        found |= hashes[before] == hashes[row] and _same(rest, before, row)
    return found


@compiled
def _same(rest: Ints, one: int, other: int) -> bool:
    same = True
    for word in range(len(rest)):
        same &= rest[word, one] == rest[word, other]
    return same


@compiled
def _first_of_many(hashes: Keys, rest: Ints, first: Ints) -> None:
    keys = np.empty((1 + len(rest), len(hashes)), dtype=np.uint64)
    for row in range(len(hashes)):
        keys[0, row] = hashes[row]
        for word in range(len(rest)):
            keys[1 + word, row] = np.uint64(rest[word, row])
    order = order_rows(keys)
    first[order[0]] = 1
    for at in range(1, len(order)):
        row, before = order[at], order[at - 1]
        first[row] = hashes[row] != hashes[before] or not _same(rest, row, before)


@compiled
def _hash(cell: Cells, metric: npt.NDArray[np.uint8], hashes: Keys) -> None:
    """
    Mix the bits of cell and metric, so that no two pairs have the same hash (`_unmix` gives them back).

    Multiplications after Knuth; the upper half goes back into the lower.
    """
    for row in range(len(cell)):
        of_metric = (np.uint64(metric[row]) + _ONE) << _METRIC_SHIFT
        h = ((cell[row] & _CELL_MASK) | of_metric) * _GOLDEN
        hashes[row] = (h ^ (h >> _HALF)) * _OTHER


@compiled
def _unmix(hashes: Keys) -> None:
    """Make of each hash cell and metric as one number, in the order of cells first and metrics second."""
    for row in range(len(hashes)):
        h = hashes[row] * _OTHER_UNDONE
        key = (h ^ (h >> _HALF)) * _GOLDEN_UNDONE
        hashes[row] = (key << _METRIC_BITS) | (key >> _METRIC_SHIFT)


def _order(keys: Keys, resolution: int) -> Ints:
    """
    Order cells of one resolution with their metrics (`_unmix`), no two of which are alike.

    Numpy sorts numbers several times as fast as positions, so each gets its position into its lower bits where cell,
    metric and position have room in 64.
    """
    same_digits = np.uint64(3 * (FINEST_RESOLUTION - resolution)) + _METRIC_BITS
    position_bits = max(len(keys) - 1, 1).bit_length()
    cell_bits = _BASE_CELL_BITS + 3 * resolution
    if cell_bits + int(_METRIC_BITS) + position_bits > 64:
        return np.argsort(keys)
    cell = (keys >> same_digits) & np.uint64((1 << cell_bits) - 1)
    sorted_keys = (cell << _METRIC_BITS) | (keys & _METRIC_MASK)
    sorted_keys <<= np.uint64(position_bits)
    sorted_keys |= np.arange(len(keys), dtype=np.uint64)
    _sort(sorted_keys)
    return (sorted_keys & np.uint64((1 << position_bits) - 1)).astype(np.int64)


def _sort(keys: Keys) -> None:
    """Sort in place: a part in each thread, then the whole by merging what stands in order already."""
    parts = np.array_split(keys, processors())
    with ThreadPoolExecutor(len(parts)) as pool:
        list(pool.map(np.ndarray.sort, parts))
    keys.sort(kind="stable")


@compiled
def _pack(
    hashes: Keys,
    weight: Ints,
    documents: Ints,
    count: Floats,
    vectors: Ints,
    place: Codes,
    packed: Ints,
) -> None:
    """Write the hash of each row and what it adds to `SUMS` side by side, in the order of the shards."""
    for row in range(len(hashes)):
        prefetch(packed, np.int64(place[min(row + _AHEAD, len(hashes) - 1)]))
        at = place[row]
        heft = max(weight[row] // _POSITION_UNIT, 1)
        packed[at, 0] = np.int64(hashes[row])
        packed[at, 1] = weight[row]
        packed[at, 2] = 1 if np.isnan(count[row]) else documents[row]
        packed[at, 3] = documents[row]
        packed[at, 4] = heft
        packed[at, 5] = heft * vectors[0, row]
        packed[at, 6] = heft * vectors[1, row]
        packed[at, 7] = heft * vectors[2, row]


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
        self._table = ShardedTable(1 + len(SUMS), n_keys=1)
        self._own = threading.local()

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
        vectors = self._room_for_vectors(len(lat))
        cell = cells_and_vectors(lat, lon, self.resolution, scale=self._scale, vectors=vectors)
        hashes = np.empty(len(cell), dtype=np.uint64)
        _hash(cell, metric, hashes)
        documents = documents_of(document, hashes, np.empty((0, len(cell)), np.int64), count)
        return self._table.add(hashes, _pack, weight, documents, count, vectors)

    def _room_for_vectors(self, n: int) -> Ints:
        """Give this thread's room for the vectors of so many rows, which is used again and again."""
        room: Ints = getattr(self._own, "room", np.empty(0, dtype=np.int64))
        if len(room) < 3 * n:
            self._own.room = room = np.empty(3 * n, dtype=np.int64)
        return room[: 3 * n].reshape(3, n)

    def finish(self) -> tuple[CellSums, Codes]:
        """
        Give the sums, and the row of the sums that each entry is; the table is empty afterwards.

        Returns
        -------
        sums : CellSums
        rows : numpy.ndarray of int32
            Indexed by the entries that `add` gave.
        """
        key = self._table.word(0).view(np.uint64)
        _unmix(key)
        order = _order(key, self.resolution)
        key = key[order]
        sums, rows = self._table.take(order)
        cell = (key >> _METRIC_BITS) | _CELL_TOP
        return CellSums(cell, key.astype(np.uint8) - np.uint8(1), sums), rows
