"""The links of a run both ways: which clusters are the partners of each, the strongest first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

if TYPE_CHECKING:
    from geoclusters.results import Result

_Integers = npt.NDArray[np.int64]


class Partners(NamedTuple):
    """
    Links of each cluster, its strongest first; each link is there twice.

    Attributes
    ----------
    one, other : numpy.ndarray of int64, shape (n,)
        The cluster and its partner, as the numbers that were given for the ends; `one` rises.
    pair : numpy.ndarray of int64, shape (n,)
        Row of the link.
    documents : numpy.ndarray of int64, shape (n,)
        Documents of the link.
    place : numpy.ndarray of int64, shape (n,)
        Place of the partner among those of the cluster, from 0; equal ones follow the order of `other`.
    rank : numpy.ndarray of int64, shape (n,)
        The same from 1; equal ones share the best.
    """

    one: _Integers
    other: _Integers
    pair: _Integers
    documents: _Integers
    place: _Integers
    rank: _Integers


def both_ways(first: _Integers, second: _Integers, documents: _Integers) -> Partners:
    """
    Turn links both ways and order those of each cluster by their documents.

    Examples
    --------
    >>> found = both_ways(np.array([0, 0, 1]), np.array([1, 2, 2]), np.array([5, 7, 9]))
    >>> list(zip(found.one.tolist(), found.other.tolist(), found.rank.tolist()))
    [(0, 2, 1), (0, 1, 2), (1, 2, 1), (1, 0, 2), (2, 1, 1), (2, 0, 2)]
    """
    one, other = np.concatenate([first, second]), np.concatenate([second, first])
    order = np.lexsort((other, np.tile(-documents, 2), one))
    pair = order % max(len(first), 1)
    one, other, documents = one[order], other[order], documents[pair]
    begins = np.diff(one, prepend=-1) != 0
    place = _since(begins)
    alike = np.diff(documents, prepend=0) == 0
    rank = place - _since(begins | ~alike) + 1
    return Partners(one, other, pair, documents, place, rank)


def _since(begins: npt.NDArray[np.bool_]) -> _Integers:
    """Count from each beginning on."""
    starts = np.flatnonzero(begins)
    return np.arange(len(begins)) - np.repeat(starts, np.diff(starts, append=len(begins)))


def partners_by_identifier(result: Result) -> tuple[npt.NDArray[Any], Partners]:
    """Give the clusters that have links, in order of their identifiers, and their partners by their places in it."""
    pairs = result.pairs
    codes, identifiers = pd.factorize(
        np.concatenate([pairs[end].to_numpy(object) for end in ("cluster_a", "cluster_b")]),
        sort=True,
    )
    first, second = codes.reshape(2, -1)
    return identifiers, both_ways(first, second, pairs["documents"].to_numpy())
