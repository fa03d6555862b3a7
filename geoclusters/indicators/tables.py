"""Exact sums by whole-number keys: in a plain array where keys are few, in a hash table where they are many."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from geoclusters.compiling import compiled

if TYPE_CHECKING:
    import numpy.typing as npt

    Ints = npt.NDArray[np.int64]
    Codes = npt.NDArray[np.int32]

DENSE_KEYS: Final = 1 << 21
NO_KEY: Final = -1
_FIRST_SLOTS: Final = 1 << 14
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


class KeySums:
    """
    Sums of weights by key.

    Parameters
    ----------
    n_keys : int
        Keys are 0 to `n_keys` - 1; a row with the key -1 is left out.

    Examples
    --------
    >>> sums = KeySums(10**9)
    >>> sums.add(np.array([7, -1, 3, 7]), np.array([1, 2, 4, 8]))
    >>> sums.result()
    (array([3, 7]), array([4, 9]))
    """

    def __init__(self, n_keys: int) -> None:
        self._dense = n_keys <= DENSE_KEYS
        self._known = 0
        size = n_keys if self._dense else _FIRST_SLOTS
        self._keys = np.full(0 if self._dense else size, NO_KEY, dtype=np.int64)
        self._sums = np.zeros(size, dtype=np.int64)

    @property
    def plain(self) -> Ints:
        """The sums by key where they are a plain array, to be added to in place; else an empty one."""
        return self._sums if self._dense else self._sums[:0]

    def add(self, keys: Ints, weights: Ints) -> None:
        """Add weights to the sums of their keys."""
        if self._dense:
            _add_dense(keys, weights, self._sums)
            return
        self._make_room(len(keys))
        self._known = _add_hashed(keys, weights, self._keys, self._sums, self._known)

    def add_codes(self, groups: Codes, codes: Codes, n_codes: int, weights: Ints) -> None:
        """
        Add weights to the sums of the keys `group * n_codes + code`; a row with a code below 0 is left out.

        Parameters
        ----------
        groups, codes : numpy.ndarray of int32, shape (n,)
        weights : numpy.ndarray of int64, shape (n,)
        """
        keys = groups.astype(np.int64) * n_codes + codes
        keys[codes < 0] = NO_KEY
        self.add(keys, weights)

    def _make_room(self, more: int) -> None:
        size = len(self._keys)
        if 2 * (self._known + more) <= size:
            return
        keys, sums = self.result()
        while 2 * (self._known + more) > size:
            size *= 2
        self._keys = np.full(size, NO_KEY, dtype=np.int64)
        self._sums = np.zeros(size, dtype=np.int64)
        self._known = _add_hashed(keys, sums, self._keys, self._sums, 0)

    def result(self) -> tuple[Ints, Ints]:
        """Give the keys that were seen with weight, in order, and their sums."""
        if self._dense:
            keys = np.flatnonzero(self._sums)
            return keys, self._sums[keys]
        used = np.flatnonzero(self._keys != NO_KEY)
        order = used[np.argsort(self._keys[used], kind="stable")]
        return self._keys[order], self._sums[order]


@compiled
def _add_dense(keys: Ints, weights: Ints, sums: Ints) -> None:
    for row in range(len(keys)):
        if keys[row] >= 0:
            sums[keys[row]] += weights[row]


@compiled
def _add_hashed(keys: Ints, weights: Ints, slot_keys: Ints, slot_sums: Ints, known: int) -> int:
    mask = np.uint64(len(slot_keys) - 1)
    for row in range(len(keys)):
        key = keys[row]
        if key < 0:
            continue
        slot = (np.uint64(key) * _GOLDEN >> np.uint64(22)) & mask
        while slot_keys[slot] not in (NO_KEY, key):
            slot = (slot + np.uint64(1)) & mask
        if slot_keys[slot] == NO_KEY:
            slot_keys[slot] = key
            known += 1
        slot_sums[slot] += weights[row]
    return known
