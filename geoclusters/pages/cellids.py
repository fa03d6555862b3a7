"""Joins H3 cells into their coarser parents, for maps that cannot draw them all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from geoclusters.compiling import compiled
from geoclusters.hierarchy import parents, resolution_of

__all__ = ["Columns", "centres", "joined", "parents", "resolution_of"]

Columns = Mapping[str, npt.NDArray[Any]]
"""Columns of cells, all of one length."""

_Floats = npt.NDArray[np.float64]
_Integers = npt.NDArray[np.int64]
_BITS: Final = 63
_GOLDEN: Final = 0x9E3779B97F4A7C15


def centres(
    key: npt.NDArray[np.int64], lat: _Floats, lon: _Floats, weight: _Floats
) -> tuple[_Integers, _Floats, _Floats, _Floats]:
    """
    Join points with equal keys: their mean position by weight, and the sum of their weights.

    Parameters
    ----------
    key : numpy.ndarray of int64, shape (n,)
        From 0 to 2^62; quickest where equal ones stand together.
    lat, lon, weight : numpy.ndarray of float64, shape (n,)
        Weights above 0.

    Returns
    -------
    key, lat, lon, weight : numpy.ndarray
        By rising key, each once.

    Examples
    --------
    >>> points = np.array([[0.0, 1.0, 5.0], [2.0, 6.0, 7.0]])
    >>> found = centres(np.array([3, 3, 1]), *points, np.array([3.0, 1.0, 2.0]))
    >>> [column.tolist() for column in found]
    [[1, 3], [5.0, 0.25], [7.0, 3.0], [2.0, 4.0]]
    """
    found, north, east, heft = _sums(key, lat, lon, weight)
    if (found[1:] > found[:-1]).all():
        return found, north, east, heft
    order = _order(found)
    return found[order], north[order], east[order], heft[order]


def _order(keys: _Integers) -> _Integers:
    """Give the order of keys that are all different: far quicker with key and place in one number."""
    bits = len(keys).bit_length()
    if int(keys.max()).bit_length() + bits >= _BITS:
        return np.argsort(keys)
    return np.sort((keys << bits) | np.arange(len(keys))) & ((1 << bits) - 1)


@compiled
def _sums(
    key: _Integers, lat: _Floats, lon: _Floats, weight: _Floats
) -> tuple[_Integers, _Floats, _Floats, _Floats]:
    """Add up the points of each key in their order; keys come as they are first met."""
    rising = True
    for at in range(1, len(key)):
        rising &= key[at] >= key[at - 1]
    bits = 1
    while not rising and (1 << bits) < 2 * len(key):
        bits += 1
    table = np.full(1 << bits, -1, dtype=np.int32)
    found, n, own = np.empty(len(key), dtype=np.int64), 0, 0
    north, east, heft = (np.empty(len(key)), np.empty(len(key)), np.empty(len(key)))
    for at in range(len(key)):
        if at == 0 or key[at] != key[at - 1]:
            slot = 0 if rising else _slot(table, bits, found, key[at])
            own = -1 if rising else table[slot]
            if own < 0:
                table[slot] = own = n
                found[n], north[n], east[n], heft[n] = key[at], 0.0, 0.0, 0.0
                n += 1
        north[own] += lat[at] * weight[at]
        east[own] += lon[at] * weight[at]
        heft[own] += weight[at]
    for own in range(n):
        north[own] /= heft[own]
        east[own] /= heft[own]
    return found[:n].copy(), north[:n].copy(), east[:n].copy(), heft[:n].copy()


@compiled
def _slot(table: npt.NDArray[np.int32], bits: int, found: _Integers, key: int) -> int:
    """Find the place of a key in a table of hashes, or that where it may go (Knuth, TAOCP 3, 6.4)."""
    slot = np.int64((np.uint64(key) * np.uint64(_GOLDEN)) >> np.uint64(64 - bits))
    while table[slot] >= 0 and found[table[slot]] != key:
        slot = (slot + 1) & ((1 << bits) - 1)
    return int(slot)


def joined(cells: Columns, how: Mapping[str, str]) -> Columns:
    """
    Make one row of the rows of a cell, by cell.

    Parameters
    ----------
    cells : mapping of str to numpy.ndarray
        Columns `cell` and whatever is to be joined; quickest where it is in order of `cell` already.
    how : mapping of str to {"sum", "max", "mean"}
        What becomes of each column.

    Examples
    --------
    >>> cells = {"cell": np.array([7, 7, 9]), "weight": np.array([1.0, 2.0, 4.0])}
    >>> {name: column.tolist() for name, column in joined(cells, {"weight": "sum"}).items()}
    {'cell': [7, 9], 'weight': [3.0, 4.0]}
    """
    cell = cells["cell"]
    given = {name: cells[name] for name in how}
    if (cell[1:] < cell[:-1]).any():
        order = np.argsort(cell, kind="stable")
        cell, given = cell[order], {name: column[order] for name, column in given.items()}
    first = np.ones(len(cell), dtype=bool)
    np.not_equal(cell[1:], cell[:-1], out=first[1:])
    starts = np.flatnonzero(first)
    columns = {"cell": cell[starts]}
    for name, aggregate in how.items():
        reduction = np.maximum if aggregate == "max" else np.add
        columns[name] = reduction.reduceat(given[name], starts)
        if aggregate == "mean":
            columns[name] = columns[name] / np.diff(starts, append=len(cell))
    return columns
