"""Numbers that look random and hang on nothing but their key: the same in any order and on any machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Keys = npt.NDArray[np.uint64]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)


def mixed(keys: Keys, *, seed: int = 0) -> Keys:
    """
    Scatter keys over all 64-bit numbers, one to one.

    Source: G. Steele, D. Lea, C. Flood, Fast splittable pseudorandom number generators, OOPSLA 2014 (SplitMix64).

    Examples
    --------
    >>> f"{int(mixed(np.array([0], dtype=np.uint64))[0]):x}"
    'e220a8397b1dcdaf'
    """
    with np.errstate(over="ignore"):
        h = np.asarray(keys, dtype=np.uint64) + _GOLDEN * np.uint64(seed + 1)
        h = (h ^ (h >> np.uint64(30))) * _FIRST
        h = (h ^ (h >> np.uint64(27))) * _SECOND
    return np.asarray(h ^ (h >> np.uint64(31)), dtype=np.uint64)


def unit_interval(keys: Keys) -> npt.NDArray[np.float64]:
    """
    Bring mixed keys to numbers from 0 to 1, 1 left out, by their upper 53 bits.

    Examples
    --------
    >>> unit_interval(np.array([0, 1 << 63], dtype=np.uint64))
    array([0. , 0.5])
    """
    return (keys >> np.uint64(11)).astype(np.float64) / float(1 << 53)
