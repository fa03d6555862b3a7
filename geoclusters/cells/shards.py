"""A table of sums by key that several threads fill at once: the bare hash table under `sums` and `sites`.

A row is some whole numbers: the hash of its key, what else it takes to tell keys apart, and the sums. Keys fall to
shards by their hashes, each with a lock of its own. Rows are packed in the order of their shards, so that a shard is
held but once for each lot of rows, and what it needs of a row's memory is asked for well before it is used.
"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

import numpy as np

from geoclusters.compiling import compiled, prefetch
from geoclusters.machine import processors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy.typing as npt

    Hashes = npt.NDArray[np.uint64]
    Ints = npt.NDArray[np.int64]
    Codes = npt.NDArray[np.int32]

N_SHARDS: Final = 16
NO_ENTRY: Final = -1
ROWS_AT_ONCE: Final = 1 << 18
"""The more rows a lot has, the more of them find their shard's memory near; a lot of the sums of cells is 16 MiB."""
_FIRST_ROOM = 1 << 10
_AHEAD = 32
"""Rows between asking for memory and using it."""
_RING = 2 * _AHEAD
"""A power of two above `_AHEAD`."""
_LINE_BYTES = 64
_CELLS = 8
"""Words of a row of the sums of cells: a hash and seven sums."""
_SHARD_SHIFT = np.uint64(60)
_LOW = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)
_ONE = np.uint64(1)


def _lots(n: int) -> list[slice]:
    """Part rows into lots."""
    return [slice(at, at + ROWS_AT_ONCE) for at in range(0, n, ROWS_AT_ONCE)]


@compiled
def _places(hashes: Hashes, bounds: Ints, place: Codes, origin: Codes) -> None:
    """Say where each row stands in the order of the shards, which row stands where, and where each shard begins."""
    bounds[:] = 0
    for row in range(len(hashes)):
        bounds[np.int64(hashes[row] >> _SHARD_SHIFT) + 1] += 1
    for before in range(N_SHARDS):
        bounds[before + 1] += bounds[before]
    free = bounds.copy()
    for row in range(len(hashes)):
        shard = np.int64(hashes[row] >> _SHARD_SHIFT)
        place[row] = np.int32(free[shard])
        origin[free[shard]] = np.int32(row)
        free[shard] += 1


@compiled
def _entry_of(packed: Ints, at: int, slots: Hashes, rows: Ints, n_entries: int, n_keys: int) -> int:
    """Give the entry of a key by comparing keys in full, and put it into the table if it is new (`n_entries`)."""
    mask = np.uint64(len(slots) - 1)
    hashed = np.uint64(packed[at, 0])
    slot = hashed & mask
    while slots[slot] != 0:
        entry = np.int64(slots[slot] & _LOW) - 1
        same = True
        for word in range(n_keys):
            same &= rows[entry, word] == packed[at, word]
        if same:
            return int(entry)
        slot = slot + _ONE & mask
    slots[slot] = hashed & ~_LOW | np.uint64(n_entries + 1)
    for word in range(rows.shape[1]):
        rows[n_entries, word] = packed[at, word] if word < n_keys else 0
    return n_entries


@compiled
def _add(
    packed: Ints,
    origin: Codes,
    slots: Hashes,
    rows: Ints,
    n_entries: int,
    n_keys: int,
    shard: int,
    found: Codes,
) -> int:
    """
    Add rows to the sums of one shard, in which there is room for all of them; give the number of entries.

    A slot holds the upper 32 bits of the hash and the entry + 1; 0 is an empty slot. The memory of a slot is asked
    for; some rows later the slot says which entry is likely to be the row's, whose memory is asked for; and again some
    rows later the row is added. All stands in one loop, since calls from it would cost as much as the work.
    """
    n, mask = len(packed), np.uint64(len(slots) - 1)
    likely = np.empty(_RING, dtype=np.int64)
    for step in range(n + 2 * _AHEAD):
        if step < n:
            prefetch(slots, np.int64(np.uint64(packed[step, 0]) & mask))
        seen = step - _AHEAD
        if 0 <= seen < n:
            hashed = np.uint64(packed[seen, 0])
            slot = hashed & mask
            while slots[slot] != 0 and (slots[slot] ^ hashed) >> _HALF != 0:
                slot = slot + _ONE & mask
            entry = np.int64(slots[slot] & _LOW) - 1
            likely[seen & _RING - 1] = entry
            prefetch(rows, max(entry, 0))
        at = seen - _AHEAD
        if at < 0:
            continue
        entry = likely[at & _RING - 1]
        same = bool(entry >= 0 and rows[entry, 0] == packed[at, 0])
        for word in range(1, n_keys):
            same &= rows[entry, word] == packed[at, word]
        if not same:
            entry = np.int64(_entry_of(packed, at, slots, rows, n_entries, n_keys))
            n_entries += int(entry == n_entries)
        found[origin[at]] = np.int32(entry * N_SHARDS + shard)
        if rows.shape[1] == _CELLS:  # written out, since the processor then adds them in one step
            a, b, c = rows[entry, 1], rows[entry, 2], rows[entry, 3]
            d, e, f, g = rows[entry, 4], rows[entry, 5], rows[entry, 6], rows[entry, 7]
            a, b, c = a + packed[at, 1], b + packed[at, 2], c + packed[at, 3]
            d, e = d + packed[at, 4], e + packed[at, 5]
            f, g = f + packed[at, 6], g + packed[at, 7]
            rows[entry, 1], rows[entry, 2], rows[entry, 3] = a, b, c
            rows[entry, 4], rows[entry, 5], rows[entry, 6], rows[entry, 7] = d, e, f, g
        else:
            for word in range(n_keys, rows.shape[1]):
                rows[entry, word] += packed[at, word]
    return n_entries


@compiled
def _fill_slots(rows: Ints, slots: Hashes) -> None:
    """Put entries into empty slots, by their hashes."""
    mask = np.uint64(len(slots) - 1)
    for entry in range(len(rows)):
        hashed = np.uint64(rows[entry, 0])
        slot = hashed & mask
        while slots[slot] != 0:
            slot = slot + _ONE & mask
        slots[slot] = hashed & ~_LOW | np.uint64(entry + 1)


class _Shard:
    """
    Sums of the keys that fall to one shard, in an open-addressed table.

    Attributes
    ----------
    rows : numpy.ndarray of int64, shape (room, width)
        Keys and sums of the entries.
    slots : numpy.ndarray of uint64
        At least half of them are empty.
    """

    def __init__(self, width: int) -> None:
        self.lock = threading.Lock()
        self.n_entries = 0
        self.rows = _aligned(_FIRST_ROOM, width)
        self.slots = np.zeros(2 * _FIRST_ROOM, dtype=np.uint64)

    def add(self, packed: Ints, origin: Codes, n_keys: int, number: int, found: Codes) -> None:
        """Add rows; the lock must be held."""
        self._make_room(self.n_entries + len(packed))
        self.n_entries = _add(
            packed, origin, self.slots, self.rows, self.n_entries, n_keys, number, found
        )

    def _make_room(self, wanted: int) -> None:
        n, room = self.n_entries, len(self.rows)
        if wanted > room:
            rows = _aligned(max(wanted, 2 * room), self.rows.shape[1])
            rows[:n] = self.rows[:n]
            self.rows = rows
        size = len(self.slots)
        if 2 * wanted > size:
            while 2 * wanted > size:
                size *= 2
            self.slots = np.zeros(size, dtype=np.uint64)
            _fill_slots(self.rows[:n], self.slots)


def _aligned(n: int, width: int) -> Ints:
    """Give room that starts with a line of the processor's memory, so that a row of eight numbers is one line."""
    room = np.empty(n * width + _LINE_BYTES // 8, dtype=np.int64)
    first = -room.ctypes.data % _LINE_BYTES // 8
    return room[first : first + n * width].reshape(n, width)


class ShardedTable:
    """
    Sums by key; several threads may add at once.

    Parameters
    ----------
    width : int
        Whole numbers in a row.
    n_keys : int
        How many of them, from the first on, tell keys apart; the first one is the hash of the key.
    """

    def __init__(self, width: int, *, n_keys: int) -> None:
        self._width = width
        self._n_keys = n_keys
        self._shards = [_Shard(width) for _ in range(N_SHARDS)]
        self._own = threading.local()

    def add(
        self, hashes: Hashes, pack: Callable[..., None], *columns: npt.NDArray[np.generic]
    ) -> Codes:
        """
        Add rows.

        Parameters
        ----------
        hashes : numpy.ndarray of uint64, shape (n,)
            Of the key of each row, all 64 bits well mixed.
        pack : callable
            ``pack(hashes, *columns, place, packed)`` writes the hash, the rest of the key and what is added of each row
            at its place in `packed`, of shape (m, width), for some of the rows at a time.
        *columns : numpy.ndarray, last axis n
            What rows are packed from.

        Returns
        -------
        numpy.ndarray of int32, shape (n,)
            Entry of each row.
        """
        found = np.empty(len(hashes), dtype=np.int32)
        for at in _lots(len(hashes)):
            n = len(hashes[at])
            bounds = np.empty(N_SHARDS + 1, dtype=np.int64)
            place, origin = np.empty(n, dtype=np.int32), np.empty(n, dtype=np.int32)
            packed = self._room()[:n]
            _places(hashes[at], bounds, place, origin)
            pack(hashes[at], *(column[..., at] for column in columns), place, packed)
            for number, shard in self._as_they_are_free():
                of_shard = slice(bounds[number], bounds[number + 1])
                shard.add(packed[of_shard], origin[of_shard], self._n_keys, number, found[at])
        return found

    def _room(self) -> Ints:
        """Give this thread's room for a lot of rows, which is used again and again."""
        if not hasattr(self._own, "room"):
            self._own.room = _aligned(ROWS_AT_ONCE, self._width)
        room: Ints = self._own.room
        return room

    def _as_they_are_free(self) -> Iterator[tuple[int, _Shard]]:
        """Give every shard, held; those that another thread holds come last."""
        waiting = []
        for number, shard in enumerate(self._shards):
            if shard.lock.acquire(blocking=False):
                try:
                    yield number, shard
                finally:
                    shard.lock.release()
            else:
                waiting.append((number, shard))
        for number, shard in waiting:
            with shard.lock:
                yield number, shard

    def __len__(self) -> int:
        """Count the entries."""
        return sum(shard.n_entries for shard in self._shards)

    def word(self, at: int) -> Ints:
        """Give one number of every row, in the order of `entries`."""
        return np.concatenate([s.rows[: s.n_entries, at] for s in self._shards])

    def entries(self) -> Codes:
        """Give the entry of every row."""
        numbers = enumerate(s.n_entries for s in self._shards)
        return np.concatenate(
            [np.arange(n, dtype=np.int32) * N_SHARDS + number for number, n in numbers]
        )

    def take(self, order: Ints) -> tuple[Ints, Codes]:
        """
        Give the sums in an order of the rows, and where each entry is in it; the table is empty afterwards.

        Parameters
        ----------
        order : numpy.ndarray of int, shape (n,)
            Positions in `entries`.

        Returns
        -------
        sums : numpy.ndarray of int64, shape (n, width - n_keys)
        row : numpy.ndarray of int32
            Indexed by entry; `NO_ENTRY` where there is none.
        """
        entries = self.entries()
        row = np.full(int(entries.max(initial=-1)) + 1, NO_ENTRY, dtype=np.int32)
        row[entries[order]] = np.arange(len(order), dtype=np.int32)
        sums = np.empty((len(order), self._width - self._n_keys), dtype=np.int64)
        shards, self._shards = self._shards, [_Shard(self._width) for _ in range(N_SHARDS)]

        def give(number: int) -> None:
            held, n = shards[number].rows, shards[number].n_entries
            _scatter(held[:n], row, number, sums)
            shards[number].rows = held[:0].copy()

        with ThreadPoolExecutor(processors()) as pool:
            list(pool.map(give, range(N_SHARDS)))
        return sums, row


@compiled
def _scatter(rows: Ints, row_of_entry: Codes, shard: int, sums: Ints) -> None:
    n_keys = rows.shape[1] - sums.shape[1]
    for entry in range(len(rows)):
        at = row_of_entry[entry * N_SHARDS + shard]
        for word in range(sums.shape[1]):
            sums[at, word] = rows[entry, n_keys + word]
