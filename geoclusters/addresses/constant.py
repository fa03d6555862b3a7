"""Columns in which every row says the same, most often that nothing is known."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt


def constant(value: float, n: int, kind: npt.DTypeLike) -> npt.NDArray[Any]:
    """
    Give a column of one value.

    Columns of the same value share their memory, so that sources that lack a column cost nothing for it: nobody may
    write into them. They are not marked as read-only, for which compiled code would be compiled once more.

    Examples
    --------
    >>> constant(-1, 3, np.int16)
    array([-1, -1, -1], dtype=int16)
    """
    return _room(value, 1 << max(n - 1, 1).bit_length(), np.dtype(kind))[:n]


@cache
def _room(value: float, n: int, kind: np.dtype[Any]) -> npt.NDArray[Any]:
    return np.full(n, value, dtype=kind)
