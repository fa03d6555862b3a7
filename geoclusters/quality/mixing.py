"""Numbers that look random and hang on nothing but their key: the same in any order and on any machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from geoclusters.compiling import compiled

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
    keys = np.asarray(keys, dtype=np.uint64)
    found = np.empty(keys.shape, dtype=np.uint64)
    _mix_all(np.ascontiguousarray(keys).reshape(-1), offset_of(seed), found.reshape(-1))
    return found


def offset_of(seed: int) -> np.uint64:
    """Give what a seed adds to keys before they are mixed."""
    return np.uint64(int(_GOLDEN) * (seed + 1) % (1 << 64))


@compiled
def mix(key: np.uint64, offset: np.uint64) -> np.uint64:
    """Scatter one key, in compiled code."""
    h = key + offset
    h = (h ^ (h >> np.uint64(30))) * _FIRST
    h = (h ^ (h >> np.uint64(27))) * _SECOND
    return h ^ (h >> np.uint64(31))


@compiled
def _mix_all(keys: Keys, offset: np.uint64, found: Keys) -> None:
    for at in range(len(keys)):
        found[at] = mix(keys[at], offset)


def unit_interval(keys: Keys) -> npt.NDArray[np.float64]:
    """
    Bring mixed keys to numbers from 0 to 1, 1 left out, by their upper 53 bits.

    Examples
    --------
    >>> unit_interval(np.array([0, 1 << 63], dtype=np.uint64))
    array([0. , 0.5])
    """
    return (keys >> np.uint64(11)).astype(np.float64) / float(1 << 53)
