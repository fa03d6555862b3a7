"""What the card of a cluster names: partners, organisations, fields; packed for all clusters at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from geoclusters.pages.packing import pack_integers
from geoclusters.pages.partners import both_ways
from geoclusters.pages.wording import shortened

if TYPE_CHECKING:
    from geoclusters.results import Result

_Integers = npt.NDArray[np.int64]

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
    place = pd.Index(result.clusters["cluster_id"])
    ends = np.sort(
        [place.get_indexer(result.pairs[end]) for end in ("cluster_a", "cluster_b")], axis=0
    )
    pairs = result.pairs[ends[0] >= 0]
    first, second = ends[:, ends[0] >= 0]
    kept = _strongest(first, second, pairs["documents"].to_numpy())
    kept = kept[np.lexsort((second[kept], first[kept]))]
    counts = pairs[result.metrics].to_numpy()[kept]
    rows = np.column_stack([np.diff(first[kept], prepend=0), second[kept], counts])
    return {"rows": pack_integers(rows.ravel()), "count": len(rows)}


def _strongest(first: _Integers, second: _Integers, documents: _Integers) -> _Integers:
    """Keep what is among the strongest links of one of its ends; ties go by rank."""
    partners = both_ways(first, second, documents)
    return np.unique(partners.pair[partners.place < MOST_PARTNERS])


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
