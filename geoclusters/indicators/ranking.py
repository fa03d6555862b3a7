"""Ranks, and how much of the world the first of them hold."""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt
    import pandas as pd

    Column = npt.NDArray[Any]

TOPS = (10, 100)


def by_score(columns: Mapping[str, Column]) -> dict[str, Column]:
    """
    Order clusters by score and number them.

    Equal scores are ordered by `cluster_id`, so that the order does not depend on that of the rows.

    Parameters
    ----------
    columns : mapping of str to numpy.ndarray, shape (n,)
        `score`, `cluster_id` and any others.

    Returns
    -------
    dict of str to numpy.ndarray, shape (n,)
        The same in order, and `rank`, int64, from 1.

    Examples
    --------
    >>> found = by_score({"cluster_id": np.array(["b", "a"]), "score": np.array([1.0, 1.0])})
    >>> {name: column.tolist() for name, column in found.items()}
    {'cluster_id': ['a', 'b'], 'score': [1.0, 1.0], 'rank': [1, 2]}
    """
    order = _order(columns["score"], columns["cluster_id"])
    rank = np.arange(1, len(order) + 1, dtype=np.int64)
    return {**{name: column[order] for name, column in columns.items()}, "rank": rank}


def _order(score: Column, cluster_id: Column) -> list[int]:
    keys = zip((-score).tolist(), cluster_id.tolist(), strict=True)
    return [row for row, _ in sorted(enumerate(keys), key=itemgetter(1))]


def ranked(table: pd.DataFrame) -> pd.DataFrame:
    """
    Order clusters by score and number them (`by_score`); add their place by intensity.

    Examples
    --------
    >>> import pandas as pd
    >>> ranked(pd.DataFrame({"cluster_id": ["b", "a"], "score": [1.0, 1.0], "intensity": [2.0, np.nan]}))[
    ...     ["cluster_id", "rank", "intensity_rank"]].values.tolist()
    [['a', 1, <NA>], ['b', 2, 1]]
    """
    import pandas as pd  # noqa: PLC0415 - slow, and clusters are put in order without it

    order = _order(table["score"].to_numpy(), table["cluster_id"].to_numpy())
    table = table.iloc[order].reset_index(drop=True)
    table["rank"] = np.arange(1, len(table) + 1, dtype=np.int64)
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
