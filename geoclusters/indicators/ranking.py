"""Ranks, and how much of the world the first of them hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Sequence

TOPS = (10, 100)


def by_score(table: pd.DataFrame) -> pd.DataFrame:
    """
    Order clusters by score and number them.

    Equal scores are ordered by `cluster_id`, so that the order does not depend on that of the rows.

    Examples
    --------
    >>> by_score(pd.DataFrame({"cluster_id": ["b", "a"], "score": [1.0, 1.0]})).to_numpy().tolist()
    [['a', 1.0, 1], ['b', 1.0, 2]]
    """
    order = table.sort_values(["score", "cluster_id"], ascending=[False, True])
    return order.reset_index(drop=True).assign(rank=np.arange(1, len(table) + 1, dtype=np.int64))


def ranked(table: pd.DataFrame) -> pd.DataFrame:
    """
    Order clusters by score and number them (`by_score`); add their place by intensity.

    Examples
    --------
    >>> ranked(pd.DataFrame({"cluster_id": ["b", "a"], "score": [1.0, 1.0], "intensity": [2.0, np.nan]}))[
    ...     ["cluster_id", "rank", "intensity_rank"]].values.tolist()
    [['a', 1, <NA>], ['b', 2, 1]]
    """
    table = by_score(table)
    by_intensity = table.sort_values(
        ["intensity", "cluster_id"], ascending=[False, True], na_position="last"
    ).index
    place = pd.Series(np.arange(1, len(table) + 1), index=by_intensity, dtype="Int64")
    table["intensity_rank"] = place.where(table["intensity"].notna())
    return table


def concentration(table: pd.DataFrame, *, metrics: Sequence[str]) -> dict[str, dict[str, float]]:
    """Give the shares of the world that the first 10 and the first 100 clusters hold, per metric."""
    return {
        f"top_{n}": {m: float(table.loc[table["rank"] <= n, f"share_{m}"].sum()) for m in metrics}
        for n in TOPS
    }
