"""What the card of a cluster names: partners, organisations, fields; packed for all clusters at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from geoclusters.pages.packing import pack_integers
from geoclusters.pages.wording import shortened

if TYPE_CHECKING:
    from collections.abc import Sequence

    from geoclusters.results import Result

MOST_PARTNERS: Final = 25
"""A link is kept if it is among so many strongest of either of its clusters."""
MOST_NAMES: Final = 4
"""Organisations and fields that a card names."""
LONGEST: Final = 80


def links(result: Result) -> dict[str, Any]:
    """
    Pack the links between clusters.

    Returns
    -------
    dict
        `rows`: for each link the position of its first cluster in the ranking, as the difference from
        the link before it, that of its second cluster, and its documents for each metric; `count`: links
        packed.
    """
    metrics = result.metrics
    place = {i: at for at, i in enumerate(result.clusters["cluster_id"])}
    table = _between(result.links, metrics)
    ends = table[["cluster_a", "cluster_b"]].apply(lambda ids: ids.map(place)).dropna()
    table = table.loc[ends.index].assign(
        first=ends.min(axis=1).astype(int), second=ends.max(axis=1).astype(int)
    )
    table = _strongest(table).sort_values(["first", "second"])
    rows = table[["first", "second", *metrics]].to_numpy(np.int64)
    rows[:, 0] = np.diff(rows[:, 0], prepend=0)
    return {"rows": pack_integers(rows.ravel()), "count": len(rows)}


def _between(given: pd.DataFrame, metrics: Sequence[str]) -> pd.DataFrame:
    """Give a row a pair of clusters, a column a metric, and the documents of all metrics."""
    known = given[given["cluster_a"].notna() & given["cluster_b"].notna()]
    table = known.pivot_table(
        index=["cluster_a", "cluster_b"], columns="metric", values="documents", aggfunc="sum"
    )
    table = table.reindex(columns=list(metrics)).fillna(0)
    return table.assign(all=table.sum(axis=1)).reset_index()


def _strongest(table: pd.DataFrame) -> pd.DataFrame:
    """Keep what is among the strongest links of one of its ends; ties go by rank."""
    ordered = table.sort_values(["all", "first", "second"], ascending=[False, True, True])
    ways = pd.concat(
        [
            ordered[["first", "second", "all"]],
            ordered.rename(columns={"first": "second", "second": "first"})[
                ["first", "second", "all"]
            ],
        ]
    ).sort_values(["all", "second"], ascending=[False, True], kind="stable")
    kept = ways.groupby("first", sort=False).head(MOST_PARTNERS).index
    return table.loc[kept.unique()]


def names(result: Result, by: str, column: str) -> dict[str, Any]:
    """
    Name the largest organisations or fields of the clusters of the printed top.

    Parameters
    ----------
    by : str
        A breakdown of the run, 'organisations' or 'fields'.
    column : str
        What it is broken down by.

    Returns
    -------
    dict
        `names`: each once. `of`: for each cluster in order of rank, rows of the name's position and its
        documents for each metric, by falling part in the score.
    """
    top, metrics = result.clusters.head(int(result.run["settings"]["top"])), result.metrics
    given = result.breakdown(by)
    given = given[given["cluster_id"].isin(top["cluster_id"]) & given[column].fillna("").ne("")]
    table = given.pivot_table(
        index=["cluster_id", column], columns="metric", values="documents", aggfunc="sum"
    )
    table = table.reindex(columns=metrics).fillna(0).reset_index()
    table["part"] = _parts(table, top, result)
    table = table.sort_values(["part", column], ascending=[False, True], kind="stable")
    table = table.groupby("cluster_id", sort=False).head(MOST_NAMES)
    known = {name: at for at, name in enumerate(dict.fromkeys(table[column]))}
    rows = dict(iter(table.groupby("cluster_id", sort=False)))
    return {
        "names": [shortened(name, LONGEST) for name in known],
        "of": [
            [
                [known[name], *counts]
                for name, counts in zip(rows[i][column], _counts(rows[i][metrics]), strict=True)
            ]
            if i in rows
            else []
            for i in top["cluster_id"]
        ],
    }


def _parts(table: pd.DataFrame, top: pd.DataFrame, result: Result) -> pd.Series:
    """Say what the documents of each row add to the score of its cluster."""
    clusters = top.set_index("cluster_id")
    part = pd.Series(0.0, index=table.index)
    for metric in result.metrics:
        worth = clusters[f"share_{metric}"] / clusters[metric].where(clusters[metric] > 0)
        weight = float(result.run["weights"].get(metric, 1))
        each = table["cluster_id"].map(worth).astype(float).fillna(0.0)
        part += table[metric].astype(float) * each * weight
    return part


def _counts(table: pd.DataFrame) -> list[list[int]]:
    counts: list[list[int]] = np.rint(table.to_numpy(np.float64)).astype(int).tolist()
    return counts
