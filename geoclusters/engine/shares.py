"""Weights of addresses in a byte each: nearly all are one of n equal shares of a document, and n is what is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from geoclusters.addresses.counting import SHARES
from geoclusters.compiling import compiled
from geoclusters.schema import WEIGHT_ONE

if TYPE_CHECKING:
    import numpy.typing as npt

    Ints = npt.NDArray[np.int64]
    Bytes = npt.NDArray[np.uint8]

_N_SHARES = min(len(SHARES), 1 << 8)
OTHER: Final = 0
"""Stands for a weight that is none of `SHARES`: of a count of documents, or one of very many shares."""


def shares_of(weight: Ints) -> tuple[Bytes, Ints]:
    """
    Give how many equal shares a document has of which each weight is one, and the weights that are no such share.

    Examples
    --------
    >>> shares, others = shares_of(np.array([WEIGHT_ONE, WEIGHT_ONE // 3, 41 * WEIGHT_ONE]))
    >>> shares.tolist(), (others // WEIGHT_ONE).tolist()
    ([1, 3, 0], [41])
    """
    shares = np.empty(len(weight), dtype=np.uint8)
    _find_shares(weight, shares)
    return shares, weight[shares == OTHER] if shares.min(initial=1) == OTHER else weight[:0]


def weights_of(shares: Bytes, others: Ints) -> Ints:
    """
    Give back the weights that `shares_of` took in.

    Examples
    --------
    >>> weight = np.array([1, 7 * WEIGHT_ONE, WEIGHT_ONE // 2, 3])
    >>> bool((weights_of(*shares_of(weight)) == weight).all())
    True
    """
    weight = np.empty(len(shares), dtype=np.int64)
    _find_weights(shares, weight)
    if len(others):
        weight[shares == OTHER] = others
    return weight


@compiled
def _find_shares(weight: Ints, shares: Bytes) -> None:
    for row in range(len(weight)):
        n = np.int64(WEIGHT_ONE / max(weight[row], 1) + 0.5)
        n = n if n < _N_SHARES else np.int64(OTHER)
        shares[row] = n if SHARES[n] == weight[row] else OTHER


@compiled
def _find_weights(shares: Bytes, weight: Ints) -> None:
    for row in range(len(shares)):
        weight[row] = SHARES[shares[row]]
