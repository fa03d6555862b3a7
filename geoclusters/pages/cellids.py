"""Joins H3 cells into their coarser parents, for maps that cannot draw them all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from geoclusters.compiling import compiled
from geoclusters.hierarchy import parents, resolution_of

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["centres", "joined", "parents", "resolution_of"]

_Floats = npt.NDArray[np.float64]
_Integers = npt.NDArray[np.int64]
_BITS: Final = 63


def centres(
    key: npt.NDArray[np.int64], lat: _Floats, lon: _Floats, weight: _Floats
) -> tuple[_Integers, _Floats, _Floats, _Floats]:
    """
    Join points with equal keys: their mean position by weight, and the sum of their weights.

    Parameters
    ----------
    key : numpy.ndarray of int64, shape (n,)
        0 or more; quickest where it rises.
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
    order, rising = _sorted(key)
    return _means(rising, order, lat, lon, weight)


def _sorted(keys: _Integers) -> tuple[_Integers, _Integers]:
    """Give the order of keys, ties as they come, and the keys in it: far quicker with both in one number."""
    if (keys[1:] >= keys[:-1]).all():
        return np.arange(len(keys)), keys
    bits = len(keys).bit_length()
    if int(keys.max()).bit_length() + bits >= _BITS:
        order = np.argsort(keys, kind="stable")
        return order, keys[order]
    both = np.sort((keys << bits) | np.arange(len(keys)))
    return both & ((1 << bits) - 1), both >> bits


@compiled
def _means(
    key: _Integers, order: _Integers, lat: _Floats, lon: _Floats, weight: _Floats
) -> tuple[_Integers, _Floats, _Floats, _Floats]:
    found, n = np.empty(len(key), dtype=np.int64), 0
    north, east, heft = (np.empty(len(key)), np.empty(len(key)), np.empty(len(key)))
    for at in range(len(key)):
        row = order[at]
        if at == 0 or key[at] != key[at - 1]:
            found[n], north[n], east[n], heft[n] = key[at], 0.0, 0.0, 0.0
            n += 1
        north[n - 1] += lat[row] * weight[row]
        east[n - 1] += lon[row] * weight[row]
        heft[n - 1] += weight[row]
    return found[:n].copy(), north[:n] / heft[:n], east[:n] / heft[:n], heft[:n].copy()


def joined(cells: pd.DataFrame, how: Mapping[str, str]) -> pd.DataFrame:
    """
    Make one row of the rows of a cell, by cell.

    Parameters
    ----------
    cells : pandas.DataFrame
        `cell` and whatever is to be joined; quickest where it is in order of `cell` already.
    how : mapping of str to {"sum", "max", "mean"}
        What becomes of each column.

    Examples
    --------
    >>> cells = pd.DataFrame({"cell": [7, 7, 9], "weight": [1.0, 2.0, 4.0]})
    >>> joined(cells, {"weight": "sum"}).to_numpy().tolist()
    [[7.0, 3.0], [9.0, 4.0]]
    """
    if not cells["cell"].is_monotonic_increasing:
        cells = cells.sort_values("cell", kind="stable")
    cell = cells["cell"].to_numpy()
    starts = np.flatnonzero(
        np.append(np.ones(min(1, len(cell)), dtype=bool), cell[1:] != cell[:-1])
    )
    sizes = np.diff(starts, append=len(cell))
    columns = {"cell": cell[starts]}
    for name, aggregate in how.items():
        reduction = np.maximum if aggregate == "max" else np.add
        columns[name] = reduction.reduceat(cells[name].to_numpy(), starts)
        if aggregate == "mean":
            columns[name] = columns[name] / sizes
    return pd.DataFrame(columns, copy=False)
