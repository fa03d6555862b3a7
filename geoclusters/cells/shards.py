"""A table of sums by key that several threads fill at once: the bare hash table under `sums` and `sites`.

A row is some whole numbers that are the key, followed by the sums. Keys fall to shards, each with a lock of its own.
Rows are packed in the order of their shards, so that a shard is held but once for each lot of rows.
"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

import numpy as np

from geoclusters.compiling import compiled
from geoclusters.machine import processors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy.typing as npt

    Hashes = npt.NDArray[np.uint64]
    Ints = npt.NDArray[np.int64]
    Codes = npt.NDArray[np.int32]

N_SHARDS: Final = 16
NO_ENTRY: Final = -1
ROWS_AT_ONCE: Final = 1 << 16
_FIRST_ROOM = 1 << 10
_AT_ONCE = 128
_LINE_BYTES = 64
_CELLS = 8
"""Words of a row of the sums of cells: one key and seven sums."""
_SHARD_SHIFT = np.uint64(60)
_LOW = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)
_ONE = np.uint64(1)


def _lots(n: int) -> list[slice]:
    """Part rows into lots that stay in the processor's own memory on their way through."""
    return [slice(at, at + ROWS_AT_ONCE) for at in range(0, n, ROWS_AT_ONCE)]


@compiled
def _places(hashes: Hashes, bounds: Ints, place: Codes, in_order: Hashes) -> None:
    """Say where each row stands in the order of the shards, and between which `bounds` those of each shard."""
    bounds[:] = 0
    for row in range(len(hashes)):
        bounds[np.int64(hashes[row] >> _SHARD_SHIFT) + 1] += 1
    for before in range(N_SHARDS):
        bounds[before + 1] += bounds[before]
    free = bounds.copy()
    for row in range(len(hashes)):
        shard = np.int64(hashes[row] >> _SHARD_SHIFT)
        place[row] = np.int32(free[shard])
        in_order[free[shard]] = hashes[row]
        free[shard] += 1


@compiled
def _entry_of(
    packed: Ints, at: int, hashed: np.uint64, slots: Hashes, rows: Ints, n_entries: int, n_keys: int
) -> int:
    """Give the entry of a key by comparing keys in full, and put it into the table if it is new (`n_entries`)."""
    mask = np.uint64(len(slots) - 1)
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
    rows[n_entries, :n_keys] = packed[at, :n_keys]
    rows[n_entries, n_keys:] = 0
    return n_entries


@compiled
def _guess(hashes: Hashes, slots: Hashes, rows: Ints, likely: Ints) -> None:
    """
    Find the entry that has the upper half of each hash, which is nearly always the right one; -1 if none has it.

    Every place of memory is touched before it is used, in loops without a branch, so that the processor waits for
    many of them at once.
    """
    mask = np.uint64(len(slots) - 1)
    touched = np.uint64(0)
    for i in range(len(hashes)):
        touched ^= slots[hashes[i] & mask]
    for i in range(len(hashes)):
        slot = hashes[i] & mask
        while slots[slot] != 0 and (slots[slot] ^ hashes[i]) >> _HALF != 0:
            slot = slot + _ONE & mask
        likely[i] = np.int64(slots[slot] & _LOW) - 1
        touched ^= np.uint64(rows[likely[i], 0])
    if touched == _ONE and len(hashes) == 0:  # never; what was touched counts as used
        likely[0] = 0


@compiled
def _add(
    packed: Ints,
    hashes: Hashes,
    slots: Hashes,
    rows: Ints,
    entry_hashes: Hashes,
    n_entries: int,
    n_keys: int,
    found: Codes,
) -> int:
    """
    Add rows to the sums of one shard, a few at a time; there is room for all of them.

    A slot holds the upper 32 bits of the hash and the entry + 1; 0 is an empty slot.
    """
    n_words = rows.shape[1]
    likely = np.empty(_AT_ONCE, dtype=np.int64)
    for begin in range(0, len(packed), _AT_ONCE):
        end = min(begin + _AT_ONCE, len(packed))
        _guess(hashes[begin:end], slots, rows, likely)
        for at in range(begin, end):
            entry = likely[at - begin]
            same = bool(entry >= 0 and rows[entry, 0] == packed[at, 0])
            for word in range(1, n_keys):
                same &= rows[entry, word] == packed[at, word]
            if not same:
                entry = np.int64(_entry_of(packed, at, hashes[at], slots, rows, n_entries, n_keys))
                entry_hashes[entry] = hashes[at]
                n_entries += int(entry == n_entries)
            found[at] = np.int32(entry)
            if n_words == _CELLS:  # written out, since the processor then adds them in one step
                a, b, c = rows[entry, 1], rows[entry, 2], rows[entry, 3]
                d, e, f, g = rows[entry, 4], rows[entry, 5], rows[entry, 6], rows[entry, 7]
                a, b, c = a + packed[at, 1], b + packed[at, 2], c + packed[at, 3]
                d, e = d + packed[at, 4], e + packed[at, 5]
                f, g = f + packed[at, 6], g + packed[at, 7]
                rows[entry, 1], rows[entry, 2], rows[entry, 3] = a, b, c
                rows[entry, 4], rows[entry, 5], rows[entry, 6], rows[entry, 7] = d, e, f, g
            else:
                for word in range(n_keys, n_words):
                    rows[entry, word] += packed[at, word]
    return n_entries


@compiled
def _fill_slots(hashes: Hashes, slots: Hashes) -> None:
    """Put entries into empty slots, by their hashes."""
    mask = np.uint64(len(slots) - 1)
    for entry in range(len(hashes)):
        slot = hashes[entry] & mask
        while slots[slot] != 0:
            slot = slot + _ONE & mask
        slots[slot] = hashes[entry] & ~_LOW | np.uint64(entry + 1)


class _Shard:
    """
    Sums of the keys that fall to one shard, in an open-addressed table.

    Attributes
    ----------
    rows : numpy.ndarray of int64, shape (room, width)
        Keys and sums of the entries.
    hashes : numpy.ndarray of uint64, shape (room,)
    slots : numpy.ndarray of uint64
        At least half of them are empty.
    """

    def __init__(self, width: int) -> None:
        self.lock = threading.Lock()
        self.n_entries = 0
        self.rows = _aligned(_FIRST_ROOM, width)
        self.rows[0] = 0
        self.hashes = np.empty(_FIRST_ROOM, dtype=np.uint64)
        self.slots = np.zeros(2 * _FIRST_ROOM, dtype=np.uint64)

    def add(self, packed: Ints, hashes: Hashes, n_keys: int, found: Codes) -> None:
        """Add rows; the lock must be held."""
        self._make_room(self.n_entries + len(packed))
        self.n_entries = _add(
            packed, hashes, self.slots, self.rows, self.hashes, self.n_entries, n_keys, found
        )

    def _make_room(self, wanted: int) -> None:
        n, room = self.n_entries, len(self.hashes)
        if wanted > room:
            room = max(wanted, 2 * room)
            rows, hashes = _aligned(room, self.rows.shape[1]), np.empty(room, dtype=np.uint64)
            rows[:n], hashes[:n] = self.rows[:n], self.hashes[:n]
            self.rows, self.hashes = rows, hashes
        size = len(self.slots)
        if 2 * wanted > size:
            while 2 * wanted > size:
                size *= 2
            self.slots = np.zeros(size, dtype=np.uint64)
            _fill_slots(self.hashes[:n], self.slots)


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
        How many of them, from the first on, are the key.
    """

    def __init__(self, width: int, *, n_keys: int) -> None:
        self._width = width
        self._n_keys = n_keys
        self._shards = [_Shard(width) for _ in range(N_SHARDS)]

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
            ``pack(*columns, place, packed)`` writes the key and what is added of each row at its place in `packed`, of
            shape (m, width), for some of the rows at a time.
        *columns : numpy.ndarray, first axis n
            What rows are packed from.

        Returns
        -------
        numpy.ndarray of int32, shape (n,)
            Entry of each row.
        """
        found = np.empty(len(hashes), dtype=np.int32)
        for at in _lots(len(hashes)):
            n = len(hashes[at])
            bounds, place = np.empty(N_SHARDS + 1, dtype=np.int64), np.empty(n, dtype=np.int32)
            in_order, packed = np.empty(n, dtype=np.uint64), np.empty((n, self._width), np.int64)
            _places(hashes[at], bounds, place, in_order)
            pack(*(column[at] for column in columns), place, packed)
            found[at] = self._add(packed, in_order, bounds)[place]
        return found

    def _add(self, packed: Ints, hashes: Hashes, bounds: Ints) -> Codes:
        """Add rows that stand in the order of their shards."""
        found = np.empty(len(packed), dtype=np.int32)
        for number, shard in self._as_they_are_free():
            of_shard = slice(bounds[number], bounds[number + 1])
            shard.add(packed[of_shard], hashes[of_shard], self._n_keys, found[of_shard])
            found[of_shard] *= N_SHARDS
            found[of_shard] += number
        return found

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
