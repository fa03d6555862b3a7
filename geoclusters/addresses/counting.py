"""Fractional counting: a document is worth 1, shared by its persons, and theirs by their addresses.

Each of the n persons of a document has 1/n, and each of the m addresses of a person 1/m of that. A row
without a person is a person of its own. A row with a count stands for that many whole documents at one
address. The Global Innovation Index (WIPO) counts by the addresses of inventors and authors as well.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from geoclusters.schema import WEIGHT_ONE

if TYPE_CHECKING:
    import numpy.typing as npt

    Ints = npt.NDArray[np.int64]
    Floats = npt.NDArray[np.float64]
    Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Weighed:
    """
    Fractions of a set of whole documents, one entry an address.

    Attributes
    ----------
    weight : numpy.ndarray of int64
        Fraction in units of 1/`WEIGHT_ONE` document; 0 for a duplicate.
    duplicate : numpy.ndarray of bool
        Another row says the same of the same document and person.
    """

    weight: Ints
    duplicate: Flags


def weigh(
    *,
    document: Ints,
    person: Ints,
    place: Ints,
    tie_break: Ints,
    count: Floats,
) -> Weighed:
    """
    Give each address its fraction; every document must be there with all its rows.

    Parameters
    ----------
    document : numpy.ndarray of int64, shape (n,)
        Code of the document.
    person : numpy.ndarray of int64, shape (n,)
        Code of the person within the data, -1 where none is given.
    place : numpy.ndarray of int64, shape (n,)
        Code of point and organisation, -1 where there is no point: such rows are never duplicates.
    tie_break : numpy.ndarray of int64, shape (n,)
        Of duplicates the one with the smallest value is kept.
    count : numpy.ndarray of float64, shape (n,)
        Documents that the row stands for; NaN for an ordinary address.

    Examples
    --------
    Two inventors, the second with two addresses, one of which stands there twice:

    >>> found = weigh(document=np.zeros(4, int), person=np.array([0, 1, 1, 1]), place=np.array([5, 5, 6, 6]),
    ...               tie_break=np.arange(4), count=np.full(4, np.nan))
    >>> found.weight / WEIGHT_ONE, found.duplicate
    (array([0.5 , 0.25, 0.25, 0.  ]), array([False, False, False,  True]))
    """
    counted = ~np.isnan(count)
    place = np.where(counted, -1, place)
    order = np.lexsort((tie_break, place, person, document))
    ordered_document, ordered_person = document[order], person[order]
    duplicate = np.zeros(len(order), dtype=bool)
    duplicate[order] = _repeats(ordered_document, ordered_person, place[order])

    kept = ~duplicate[order] & ~counted[order]
    new_document = _starts(ordered_document)
    new_person = new_document | _starts(ordered_person) | (ordered_person < 0)
    persons = _per_group(new_document, new_person & _any_kept(new_person, kept))
    addresses = _per_group(new_person, kept)
    shares = persons * addresses

    weight = np.zeros(len(order), dtype=np.int64)
    fair = (WEIGHT_ONE + shares // 2) // np.maximum(shares, 1)
    weight[order] = np.where(kept, fair, 0)
    weight[counted] = np.rint(count[counted] * WEIGHT_ONE).astype(np.int64)
    return Weighed(weight=weight, duplicate=duplicate)


def _starts(codes: Ints) -> Flags:
    """Mark the first of each run of equal codes."""
    first = np.ones(len(codes), dtype=bool)
    first[1:] = codes[1:] != codes[:-1]
    return first


def _repeats(document: Ints, person: Ints, place: Ints) -> Flags:
    """Mark rows that say the same as the row before; only where a person and a point are given."""
    same = ~(_starts(document) | _starts(person) | _starts(place))
    same[:1] = False
    return same & (person >= 0) & (place >= 0)


def _per_group(starts: Flags, values: npt.NDArray[np.generic]) -> Ints:
    """Sum `values` over each group and give the sum to every member."""
    if not len(starts):
        return np.zeros(0, dtype=np.int64)
    first = np.flatnonzero(starts)
    sums = np.add.reduceat(values.astype(np.int64), first)
    return np.repeat(sums, np.diff(np.append(first, len(starts))))


def _any_kept(starts: Flags, kept: Flags) -> Flags:
    return _per_group(starts, kept) > 0
