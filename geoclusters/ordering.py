"""Puts rows into order inside compiled loops, for which numpy's sort takes seconds to compile for each type."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from geoclusters.compiling import compiled

if TYPE_CHECKING:
    import numpy.typing as npt

    Ints = npt.NDArray[np.int64]
    Keys = npt.NDArray[np.uint64]


@compiled
def order_rows(keys: Keys) -> Ints:
    """
    Order rows by several keys, the first of them first; rows that are alike stay in their order.

    Heap sort (Williams, 1964): takes no memory but the order, and no input makes it slow.

    Parameters
    ----------
    keys : numpy.ndarray of uint64, shape (n_keys, n)
        One row of the array for each key.

    Returns
    -------
    numpy.ndarray of int64, shape (n,)
        The positions 0 to n - 1 in rising order of their keys.

    Examples
    --------
    >>> order_rows(np.array([[2, 1, 1, 2], [0, 9, 8, 0]], dtype=np.uint64)).tolist()
    [2, 1, 0, 3]
    """
    n = keys.shape[1]
    order = np.empty(n, dtype=np.int64)
    for row in range(n):
        order[row] = row
    for top in range(n // 2 - 1, -1, -1):
        _sink(keys, order, top, n)
    for end in range(n - 1, 0, -1):
        order[0], order[end] = order[end], order[0]
        _sink(keys, order, 0, end)
    return order


@compiled
def _sink(keys: Keys, order: Ints, top: int, end: int) -> None:
    """Let what is at the top of a heap sink to where nothing below it comes later."""
    while 2 * top + 1 < end:
        below = 2 * top + 1
        if below + 1 < end and _is_before(keys, order[below], order[below + 1]):
            below += 1
        if not _is_before(keys, order[top], order[below]):
            return
        order[top], order[below] = order[below], order[top]
        top = below


@compiled
def _is_before(keys: Keys, one: int, other: int) -> bool:
    for key in range(len(keys)):
        if keys[key, one] != keys[key, other]:
            return bool(keys[key, one] < keys[key, other])
    return one < other
