"""Which of the places an address means, how sure that is, and when it must be left open.

A noisy channel: the weight of a place is the chance that it is meant, which grows with its people, times
the chance that its name came out as it was written. Beside the places stands the chance that none of
them is meant, which falls with the number of letters that agree.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from geoclusters.earth import chord_of

if TYPE_CHECKING:
    import numpy.typing as npt
    import pandas as pd

    Ints = npt.NDArray[np.int64]
    Floats = npt.NDArray[np.float64]

SAME_KM: Final = 20.0
"""Candidates within this distance of the likeliest one are the same answer."""


@dataclass(frozen=True)
class Weights:
    """
    Natural logarithms that make up the weight of a candidate; chosen on half of the labelled names (docs/geocoding.md).

    Attributes
    ----------
    people : float
        Power of the population with which the chance grows that a place is meant.
    few : float
        Inhabitants that every place has on top of those that are known.
    kind : tuple of float
        Cost of the ways to read a name, in the order of `candidates.KINDS`.
    dropped : float
        Cost of each word that is left out.
    other : float
        Cost of a name that is not the first of a place.
    edit, folded, cut : float
        Cost of each unit of distance of a misspelling, of agreeing only when folded, of a name cut off.
    wrong_region : float
        Cost of lying elsewhere than in the stated region.
    unknown, letter : float
        Weight of "none of them" for a name of no letters, and what each letter of it takes off.
    """

    people: float = 0.75
    few: float = 1000.0
    kind: tuple[float, ...] = (0.0, 1.0, 1.5, 1.0, 1.3, 0.2, 8.5)
    dropped: float = 0.8
    other: float = 2.2
    edit: float = 3.1
    folded: float = 0.1
    cut: float = 2.0
    wrong_region: float = 7.0
    unknown: float = 5.2
    letter: float = 0.56


WEIGHTS: Final = Weights()


def log_weights(
    table: pd.DataFrame, population: Floats, weights: Weights = WEIGHTS
) -> tuple[Floats, Floats]:
    """
    Weigh candidates.

    Returns
    -------
    weight, unknown : numpy.ndarray of float64, one entry a candidate
        Logarithm of its weight, and of that of "none of them" had its reading of the name been the only one.
    """
    w = weights
    distance = table["distance"].to_numpy(np.float64)
    cut = table["cut"].to_numpy(np.float64)
    kind = table["kind"].to_numpy(np.int64)
    weight = w.people * np.log(population + w.few)
    weight -= np.array(w.kind)[kind] + w.dropped * table["dropped"].to_numpy(np.float64)
    weight -= w.other * table["other"].to_numpy(np.float64)
    weight -= w.edit * distance
    weight -= w.folded * (table["folded"].to_numpy(np.bool_) & (distance == 0) & (cut == 0))
    weight -= w.cut * (cut > 0)
    weight -= w.wrong_region * table["wrong_region"].to_numpy(np.float64)
    return weight, w.unknown - w.letter * table["length"].to_numpy(np.float64)


@dataclass(frozen=True)
class Choice:
    """
    The likeliest candidate of each address that has any, one entry an address.

    Attributes
    ----------
    statement : numpy.ndarray of int64
        Position of the address.
    row : numpy.ndarray of int64
        Row of the table of candidates.
    chance : numpy.ndarray of float64
        That it, or a candidate within `SAME_KM` of it, is meant.
    share : numpy.ndarray of float64
        The same if one of the candidates is meant at all.
    order, start : numpy.ndarray of int64
        Rows of the table by address and falling weight, each place once per address at the front, and where in it
        each address begins.
    """

    statement: Ints
    row: Ints
    chance: Floats
    share: Floats
    order: Ints
    start: Ints


def likeliest(
    statement: Ints, vectors: Floats, weight: Floats, unknown: Floats, place: Ints
) -> Choice:
    """
    Choose the likeliest candidate of each address.

    Parameters
    ----------
    statement : numpy.ndarray of int64, shape (n,), rising
        Address of each candidate.
    vectors : numpy.ndarray of float64, shape (n, 3)
        Points of the candidates on the unit sphere.
    weight, unknown : numpy.ndarray of float64, shape (n,)
        As `log_weights` gives them.
    place : numpy.ndarray of int64, shape (n,)
        Number of the candidate; the same place under several names counts once, at its best.
    """
    # Ties go to the lowest number of the gazetteer, so that no order of rows matters.
    order = np.lexsort((place, -weight, statement))
    statement, weight, unknown = statement[order], weight[order], unknown[order]
    vectors, place = vectors[order], place[order]
    starts = (
        np.flatnonzero(np.r_[True, statement[1:] != statement[:-1]]) if len(statement) else order
    )
    group = np.cumsum(np.r_[False, statement[1:] != statement[:-1]]) if len(statement) else order
    relative = np.exp(weight - weight[starts][group])
    relative[_repeated(group, place)] = 0.0
    near = np.linalg.norm(vectors - vectors[starts][group], axis=1) <= chord_of(SAME_KM)
    everything = np.add.reduceat(relative, starts) if len(starts) else relative
    together = np.add.reduceat(relative * near, starts) if len(starts) else relative
    nothing = np.exp(np.clip(unknown[starts] - weight[starts], -60, 60))
    return Choice(
        statement=statement[starts],
        row=order[starts],
        chance=together / (everything + nothing),
        share=together / everything,
        order=order,
        start=starts,
    )


def _repeated(group: Ints, place: Ints) -> npt.NDArray[np.bool_]:
    """Tell which rows repeat a place of their group that stands before them."""
    order = np.lexsort((np.arange(len(group)), place, group))
    same = (group[order][1:] == group[order][:-1]) & (place[order][1:] == place[order][:-1])
    repeated = np.zeros(len(group), dtype=np.bool_)
    repeated[order[1:]] = same
    return repeated
