"""Fractional counting: a document is worth 1, shared by its persons, and theirs by their addresses.

Each of the n persons of a document has 1/n, and each of the m addresses of a person 1/m of that. A row
without a person is a person of its own. A row with a count stands for that many whole documents at one
address. The Global Innovation Index (WIPO) counts by the addresses of inventors and authors as well.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from geoclusters.compiling import compiled
from geoclusters.ordering import order_rows
from geoclusters.schema import WEIGHT_ONE

if TYPE_CHECKING:
    import numpy.typing as npt

    Ints = npt.NDArray[np.int64]
    Keys = npt.NDArray[np.uint64]
    Floats = npt.NDArray[np.float64]
    Flags = npt.NDArray[np.bool_]

_N_SHARES: Final = 256
SHARES: Final = np.array([0, *((WEIGHT_ONE + n // 2) // n for n in range(1, _N_SHARES))])
"""What one of n equal shares of a document is, rounded, in 1/`WEIGHT_ONE`."""
FEW_ROWS: Final = 40
"""Documents of no more rows than this are looked through pair by pair, larger ones are sorted."""


@dataclass(frozen=True)
class Weighed:
    """
    Fractions of a set of whole documents, one entry an address.

    Attributes
    ----------
    weight : numpy.ndarray of int64
        Fraction in units of 1/`WEIGHT_ONE` document; 0 for a duplicate and for a row without a document.
    duplicate : numpy.ndarray of bool
        Another row says the same of the same document and person.
    """

    weight: Ints
    duplicate: Flags


def weigh(
    *,
    document: Keys,
    count: Floats,
    person: Keys | None = None,
    place: Keys | None = None,
    tie_break: Keys | None = None,
) -> Weighed:
    """
    Give each address its fraction; the rows of a document must all be there and stand together.

    Parameters
    ----------
    document : numpy.ndarray of uint64, shape (n,)
        Key of the document; 0 for a row that belongs to none.
    count : numpy.ndarray of float64, shape (n,)
        Documents that a row without a document stands for; NaN for none.
    person : numpy.ndarray of uint64, shape (n,), optional
        Key of the person, 0 where none is given; without it no row has one, and `place` and `tie_break` say nothing.
    place : numpy.ndarray of uint64, shape (n,)
        Key of point and organisation, 0 where there is no point: such rows are never duplicates.
    tie_break : numpy.ndarray of uint64, shape (n, 2)
        Of duplicates the one with the smallest pair is kept.

    Examples
    --------
    Two inventors, the second with two addresses, one of which stands there twice:

    >>> keys = np.array([[5, 1, 5], [5, 2, 5], [5, 2, 6], [5, 2, 6]], dtype=np.uint64).T
    >>> ties = np.arange(8, dtype=np.uint64).reshape(4, 2)
    >>> found = weigh(document=keys[0], person=keys[1], place=keys[2], tie_break=ties, count=np.full(4, np.nan))
    >>> found.weight / WEIGHT_ONE, found.duplicate
    (array([0.5 , 0.25, 0.25, 0.  ]), array([False, False, False,  True]))
    """
    duplicate = np.zeros(len(document), dtype=np.bool_)
    if person is None or place is None or tie_break is None:
        weight = np.empty(len(document), dtype=np.int64)
        without_document = _share_equally(np.ascontiguousarray(document), weight)
    else:
        weight = np.zeros(len(document), dtype=np.int64)
        keys = tuple(np.ascontiguousarray(k) for k in (document, person, place, tie_break))
        _weigh(keys[0], keys[1], keys[2], keys[3], weight, duplicate)
        without_document = int((document == 0).sum())
    if without_document:
        counted = (document == 0) & ~np.isnan(count)
        weight[counted] = np.rint(count[counted] * WEIGHT_ONE).astype(np.int64)
    return Weighed(weight=weight, duplicate=duplicate)


@compiled
def _share_equally(document: Keys, weight: Ints) -> int:
    """
    Give each row of a document the same; say how many rows belong to none, which have nothing.

    Once forwards for where the document of each row begins, once backwards for where it ends: choices between values
    and no branches, since nobody can foretell how many rows a document has.
    """
    begin, end, without_document = 0, len(document), 0
    for row in range(len(document)):
        begin = begin if row > 0 and document[row] == document[row - 1] else row
        weight[row] = begin
    for row in range(len(document) - 1, -1, -1):
        begin = weight[row]
        size = end - begin
        share = SHARES[size] if size < _N_SHARES else (WEIGHT_ONE + size // 2) // size
        weight[row] = share if document[row] != 0 else 0
        without_document += document[row] == 0
        end = row if begin == row else end
    return without_document


@compiled
def _weigh(
    document: Keys, person: Keys, place: Keys, tie: Keys, weight: Ints, duplicate: Flags
) -> None:
    a, n = 0, len(document)
    while a < n:
        b = a + 1
        while b < n and document[b] == document[a]:
            b += 1
        if document[a] != 0:
            if not _names_persons(person, a, b):
                weight[a:b] = (WEIGHT_ONE + (b - a) // 2) // (b - a)
            elif b - a <= FEW_ROWS:
                _share_few(a, b, person, place, tie, weight, duplicate)
            else:
                _share_many(a, b, person, place, tie, weight, duplicate)
        a = b


@compiled
def _names_persons(person: Keys, a: int, b: int) -> bool:
    named = np.uint64(0)
    for row in range(a, b):
        named |= person[row]
    return bool(named != 0)


@compiled
def _share_few(
    a: int, b: int, person: Keys, place: Keys, tie: Keys, weight: Ints, duplicate: Flags
) -> None:
    """Share one document among its rows a..b, comparing each with those before it."""
    persons = 0
    for i in range(a, b):
        known = False
        if person[i] != 0:
            for j in range(a, i):
                if person[j] == person[i]:
                    known = True
                    if place[i] != 0 and place[j] == place[i] and not duplicate[j]:
                        later = tie[i, 0] > tie[j, 0] or (
                            tie[i, 0] == tie[j, 0] and tie[i, 1] >= tie[j, 1]
                        )
                        duplicate[i if later else j] = True
                        break
        persons += 0 if known else 1
    for i in range(a, b):
        if duplicate[i]:
            continue
        addresses = 1
        if person[i] != 0:
            addresses = 0
            for j in range(a, b):
                addresses += person[j] == person[i] and not duplicate[j]
        shares = persons * addresses
        weight[i] = (WEIGHT_ONE + shares // 2) // shares


@compiled
def _share_many(
    a: int, b: int, person: Keys, place: Keys, tie: Keys, weight: Ints, duplicate: Flags
) -> None:
    """Share one document among its rows a..b, sorted by person, place and tie break."""
    keys = np.empty((4, b - a), dtype=np.uint64)
    for row in range(b - a):
        keys[0, row], keys[1, row] = person[a + row], place[a + row]
        keys[2, row], keys[3, row] = tie[a + row, 0], tie[a + row, 1]
    order = order_rows(keys)
    for k in range(len(order)):
        order[k] += a
    persons = 0
    for k in range(len(order)):
        i, before = order[k], order[k - 1]
        same = k > 0 and person[i] != 0 and person[before] == person[i]
        persons += 0 if same else 1
        duplicate[i] = same and place[i] != 0 and place[before] == place[i]
    first = 0
    while first < len(order):
        last, addresses = first, 0
        while last < len(order) and person[order[last]] == person[order[first]]:
            addresses += not duplicate[order[last]]
            last += 1
        shares = persons * (addresses if person[order[first]] != 0 else 1)
        for k in range(first, last):
            if not duplicate[order[k]]:
                weight[order[k]] = (WEIGHT_ONE + shares // 2) // shares
        first = last
