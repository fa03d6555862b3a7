"""Texts as numbers: 64-bit keys of the texts of a column, and codes of its distinct texts.

Keys depend on the text alone, so they are the same in every file, order and process. Blanks around a text
do not count, and an empty text is none: the key 0.
"""

from __future__ import annotations

import threading
from functools import cache
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from geoclusters.addresses.constant import constant
from geoclusters.addresses.stored import as_texts, is_int64
from geoclusters.compiling import compiled

if TYPE_CHECKING:
    import numpy.typing as npt

    Keys = npt.NDArray[np.uint64]
    Codes = npt.NDArray[np.int32]

SEED: Final = 0
OTHER_SEED: Final = 0x5BD1E995
"""Seed of a second key: two texts that agree in both are the same (by chance one time in 1e38)."""
NO_KEY: Final = np.uint64(0)
_BLANK = 32
_C1 = np.uint64(0x87C37B91114253D5)
_C2 = np.uint64(0x4CF5AD432745937F)
_C3 = np.uint64(0xFF51AFD7ED558CCD)
_C4 = np.uint64(0xC4CEB9FE1A85EC53)
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


@compiled
def _mixed(h: np.uint64, word: np.uint64) -> np.uint64:
    k = word * _C1
    k = (k << np.uint64(31)) | (k >> np.uint64(33))
    h ^= k * _C2
    h = (h << np.uint64(27)) | (h >> np.uint64(37))
    return h * np.uint64(5) + np.uint64(0x52DCE729)


@compiled
def _ended(h: np.uint64, length: int) -> np.uint64:
    h ^= np.uint64(length)
    h = (h ^ (h >> np.uint64(33))) * _C3
    h = (h ^ (h >> np.uint64(33))) * _C4
    h ^= h >> np.uint64(33)
    return h if h != 0 else np.uint64(1)


@compiled
def _hash_texts(
    starts: npt.NDArray[np.int64],
    data: npt.NDArray[np.uint8],
    words: Keys,
    seed: np.uint64,
    keys: Keys,
) -> None:
    """Take eight bytes at once, the first one lowest, out of the two aligned words that hold them."""
    for row in range(len(keys)):
        a, b = starts[row], starts[row + 1]
        while a < b and data[a] <= _BLANK:
            a += 1
        while a < b and data[b - 1] <= _BLANK:
            b -= 1
        h = seed
        for at in range(a, b, 8):
            n = min(8, b - at)
            place = at >> 3
            word = np.uint64(0)
            if place + 1 < len(words):
                shift = np.uint64(8 * (at & 7))
                word = words[place] >> shift
                if shift != 0:
                    word |= words[place + 1] << (np.uint64(64) - shift)
                if n < 8:
                    word &= (np.uint64(1) << np.uint64(8 * n)) - np.uint64(1)
            else:
                for i in range(n):
                    word |= np.uint64(data[at + i]) << np.uint64(8 * i)
            h = _mixed(h, word)
        keys[row] = _ended(h, b - a) if b > a else np.uint64(0)


@compiled
def _hash_integers(values: npt.NDArray[np.int64], seed: np.uint64, fours: Keys, keys: Keys) -> None:
    """Give whole numbers the keys of their decimal digits; equal neighbours are computed once."""
    if len(values) == 0:
        return
    distinct = np.empty(len(values), dtype=np.int64)
    distinct[0], n_distinct = values[0], 1
    # Without a branch, since nobody can foretell where the next one begins.
    for row in range(len(values) - 1):
        distinct[n_distinct] = values[row + 1]
        n_distinct += values[row + 1] != values[row]
    keys_of_distinct = np.empty(n_distinct, dtype=np.uint64)
    _hash_digits(distinct[:n_distinct], seed, fours, keys_of_distinct)
    keys[0], at = keys_of_distinct[0], 0
    for row in range(len(values) - 1):
        at += values[row + 1] != values[row]
        keys[row + 1] = keys_of_distinct[at]


@compiled
def _hash_digits(values: npt.NDArray[np.int64], seed: np.uint64, fours: Keys, keys: Keys) -> None:
    block = np.uint64(100_000_000)
    for row in range(len(values)):
        value = values[row]
        if value < 0 or value >= 10**16:
            keys[row] = _key_of_digits(value, seed)
            continue
        high, low = np.uint64(value) // block, np.uint64(value) % block
        first = high if high != 0 else low
        word = _eight_digits(first, fours)
        zeros = np.uint64(0)
        while zeros < 7 and word >> np.uint64(8) * zeros & np.uint64(0xFF) == 48:
            zeros += np.uint64(1)
        word >>= np.uint64(8) * zeros
        n = 8 - np.int64(zeros)
        h = seed
        if high != 0:
            rest = _eight_digits(low, fours)
            if n < 8:
                word |= rest << np.uint64(8 * n)
                h = _mixed(h, word)
                word = rest >> np.uint64(8 * (8 - n))
            else:
                h = _mixed(h, word)
                word = rest
            n += 8
        keys[row] = _ended(_mixed(h, word), int(n))


@compiled
def _eight_digits(value: np.uint64, fours: Keys) -> np.uint64:
    """Eight digits as eight bytes, the first one lowest."""
    first, second = fours[value // np.uint64(10_000)], fours[value % np.uint64(10_000)]
    return np.uint64(first | second << np.uint64(32))


@cache
def _fours() -> Keys:
    """Four digits of each number below 10,000, as four bytes."""
    number = np.arange(10_000, dtype=np.uint64)
    digits = [number // np.uint64(10**k) % np.uint64(10) + np.uint64(48) for k in (3, 2, 1, 0)]
    word = np.zeros(len(number), dtype=np.uint64)
    for place, digit in enumerate(digits):
        word |= digit << np.uint64(8 * place)
    return word


@compiled
def _key_of_digits(value: int, seed: np.uint64) -> np.uint64:
    """Key of a number that is negative or has more than sixteen digits."""
    digits = np.zeros(20, dtype=np.uint8)
    rest = np.uint64(-value) if value < 0 else np.uint64(value)
    n = 0
    while n == 0 or rest > 0:
        digits[19 - n] = np.uint8(48) + np.uint8(rest % np.uint64(10))
        rest //= np.uint64(10)
        n += 1
    if value < 0:
        digits[19 - n] = np.uint8(45)
        n += 1
    h = seed
    for first in range(0, n, 8):
        word = np.uint64(0)
        for i in range(min(8, n - first)):
            word |= np.uint64(digits[20 - n + first + i]) << np.uint64(8 * i)
        h = _mixed(h, word)
    return _ended(h, n)


def text_keys(column: pa.Array, *, seed: int = SEED) -> Keys:
    """
    Give a 64-bit key for the text of each row.

    Parameters
    ----------
    column : pyarrow.Array
        Texts, dictionaries of texts, or numbers; whole ones have the keys of their decimal digits.
    seed : int
        Another seed gives other keys.

    Returns
    -------
    numpy.ndarray of uint64
        0 where the text is missing, empty or blank.

    Examples
    --------
    >>> a, b = text_keys(pa.array(["17", " x ", None])), text_keys(pa.array([17, 3, None]))
    >>> bool(a[0] == b[0]), int(a[2]), int(b[2])
    (True, 0, 0)
    """
    if pa.types.is_dictionary(column.type):
        codes = pc.fill_null(column.indices, -1).to_numpy(zero_copy_only=False)
        return np.asarray(np.append(text_keys(column.dictionary, seed=seed), NO_KEY)[codes])
    if pa.types.is_null(column.type):
        return constant(0, len(column), np.uint64)
    keys = np.empty(len(column), dtype=np.uint64)
    if is_int64(column):
        filled = pc.fill_null(column, 0) if column.null_count else column
        values = filled.to_numpy(zero_copy_only=False)
        _hash_integers(values.astype(np.int64, copy=False), np.uint64(seed), _fours(), keys)
    else:
        starts, data = _text_buffers(column)
        words = np.frombuffer(data, dtype=np.uint64, count=len(data) // 8)
        _hash_texts(starts, np.frombuffer(data, np.uint8), words, np.uint64(seed), keys)
    if column.null_count:
        keys[column.is_null().to_numpy(zero_copy_only=False)] = NO_KEY
    return keys


def _text_buffers(column: pa.Array) -> tuple[npt.NDArray[np.int64], pa.Buffer]:
    if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
        column = as_texts(column)
    kind = np.int64 if pa.types.is_large_string(column.type) else np.int32
    _, offsets, data = column.buffers()
    starts = np.frombuffer(offsets, dtype=kind)[column.offset : column.offset + len(column) + 1]
    return starts.astype(np.int64, copy=False), data if data is not None else pa.py_buffer(b"")


@compiled
def _find_or_add(
    keys: Keys, slot_keys: Keys, slot_codes: Codes, known: int, new_rows: Codes, codes: Codes
) -> int:
    """Look keys up in an open-addressed table; unknown ones get the next codes. Give how many are known then."""
    mask = np.uint64(len(slot_keys) - 1)
    first_new = known
    for row in range(len(keys)):
        key = keys[row]
        if key == 0:
            codes[row] = -1
            continue
        slot = (key * _GOLDEN >> np.uint64(20)) & mask
        while slot_keys[slot] != 0 and slot_keys[slot] != key:
            slot = (slot + np.uint64(1)) & mask
        if slot_keys[slot] == 0:
            slot_keys[slot] = key
            slot_codes[slot] = known
            new_rows[known - first_new] = row
            known += 1
        codes[row] = slot_codes[slot]
    return known


class Names:
    """
    Distinct texts with a code for each, in the order in which they are seen; threads may share one.

    Examples
    --------
    >>> names = Names()
    >>> names.codes(pa.array(["b", None, "a", " b"])), names.texts().to_pylist()
    (array([ 0, -1,  1,  0], dtype=int32), ['b', 'a'])
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._slot_keys = np.zeros(1 << 12, dtype=np.uint64)
        self._slot_codes = np.zeros(1 << 12, dtype=np.int32)
        self._known = 0
        self._texts: list[pa.Array] = []
        self._keys: list[Keys] = []
        self._all_keys = np.zeros(0, dtype=np.uint64)
        self._last: tuple[pa.Array, Codes] | None = None

    def __len__(self) -> int:
        """Count the distinct texts."""
        return self._known

    def codes(self, column: pa.Array) -> Codes:
        """Give the code of each row's text, -1 where there is none."""
        if pa.types.is_null(column.type):
            return constant(-1, len(column), np.int32)
        if pa.types.is_dictionary(column.type):
            of_entry = np.append(self._codes_of_dictionary(column.dictionary), np.int32(-1))
            rows = pc.fill_null(column.indices, -1).to_numpy(zero_copy_only=False)
            return np.asarray(of_entry[rows], dtype=np.int32)
        return self._codes(column)

    def _codes_of_dictionary(self, dictionary: pa.Array) -> Codes:
        """Files repeat their dictionary with every batch: the last one's codes are kept."""
        last = self._last
        if last is not None and last[0].equals(dictionary):
            return last[1]
        codes = self._codes(dictionary)
        self._last = (dictionary, codes)
        return codes

    def _codes(self, column: pa.Array) -> Codes:
        keys = text_keys(column)
        codes = np.empty(len(keys), dtype=np.int32)
        new_rows = np.empty(len(keys), dtype=np.int32)
        with self._lock:
            self._make_room(len(keys))
            before = self._known
            self._known = _find_or_add(
                keys, self._slot_keys, self._slot_codes, before, new_rows, codes
            )
            if self._known > before:
                rows = new_rows[: self._known - before]
                texts = as_texts(column.take(pa.array(rows)))
                self._texts.append(pc.utf8_trim_whitespace(texts))
                self._keys.append(keys[rows])
        return codes

    def _make_room(self, more: int) -> None:
        size = len(self._slot_keys)
        if 2 * (self._known + more) <= size:
            return
        while 2 * (self._known + more) > size:
            size *= 2
        self._slot_keys = np.zeros(size, dtype=np.uint64)
        self._slot_codes = np.zeros(size, dtype=np.int32)
        old = np.concatenate([*self._keys, np.zeros(0, dtype=np.uint64)])
        room = np.empty(len(old), dtype=np.int32)
        _find_or_add(old, self._slot_keys, self._slot_codes, 0, room, room.copy())

    def texts(self) -> pa.Array:
        """Give the distinct texts in order of their codes."""
        return pa.concat_arrays([*self._texts, pa.array([], pa.string())])

    def keys(self) -> Keys:
        """Give the keys of the distinct texts in order of their codes."""
        with self._lock:
            if len(self._all_keys) < self._known:
                self._all_keys = np.concatenate(self._keys)
            return self._all_keys
