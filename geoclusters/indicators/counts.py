"""What each cluster holds: documents per metric, shares of the world, score, rates by population."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from geoclusters.schema import WEIGHT_ONE

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt
    import pandas as pd

    Ints = npt.NDArray[np.int64]
    Floats = npt.NDArray[np.float64]

PERCENTAGE_POINTS: Final = 100.0
PER_MILLION: Final = 1e6


def summed_by_label(values: Ints, labels: Ints, n_labels: int) -> Ints:
    """
    Exact integer sums of `values` over each label 0..n_labels-1; label -1 is left out.

    Examples
    --------
    >>> summed_by_label(np.array([1, 2, 4]), np.array([0, -1, 0]), 2)
    array([5, 0])
    """
    total = np.zeros(n_labels, dtype=np.int64)
    member = np.flatnonzero(labels >= 0)
    np.add.at(total, labels[member], values[member])
    return total


def as_documents(weight: Ints) -> npt.NDArray[np.float64]:
    """Fixed-point sums as documents."""
    return np.true_divide(weight, WEIGHT_ONE, dtype=np.float64)


def scored(
    counts: Mapping[str, Floats], *, totals: Mapping[str, float], weights: Mapping[str, float]
) -> dict[str, Floats]:
    """
    Add shares of the world and the score to the documents of each cluster.

    Parameters
    ----------
    counts : mapping of str to numpy.ndarray of float64, shape (n,)
        Documents of each cluster, per metric.
    totals : mapping of str to float
        Documents of the world, per metric.
    weights : mapping of str to float
        Weight of each metric in the score.

    Returns
    -------
    dict of str to numpy.ndarray of float64, shape (n,)
        The metrics, `share_<metric>` (fractions of 1) and `score`, their weighted sum.

    Notes
    -----
    The score is the unweighted sum of shares of the Global Innovation Index (WIPO) when every weight is 1.

    Examples
    --------
    >>> scored({"patents": np.array([10.0]), "articles": np.array([5.0])}, totals={"patents": 100, "articles": 100},
    ...        weights={"patents": 1, "articles": 1})["score"].round(6).tolist()
    [0.15]
    """
    shares = {
        f"share_{metric}": counts[metric] / total if total else counts[metric] * 0.0
        for metric, total in totals.items()
    }
    score = sum(shares[f"share_{metric}"] * weights[metric] for metric in totals)
    return {**counts, **shares, "score": np.asarray(score)}


def with_rates(table: pd.DataFrame, *, metrics: list[str]) -> pd.DataFrame:
    """
    Add documents and score per million inhabitants; without a population they are missing.

    `intensity` is the score in percentage points per million inhabitants.
    """
    table = table.copy()
    millions = table["population"].where(table["population"] > 0) / PER_MILLION
    for metric in metrics:
        table[f"{metric}_per_million"] = table[metric] / millions
    table["intensity"] = table["score"] * PERCENTAGE_POINTS / millions
    return table
