"""Which economies a cluster lies in, and what each economy holds."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from geoclusters import countries

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def economy_scores(
    by_economy: pd.DataFrame, *, totals: Mapping[str, float], weights: Mapping[str, float]
) -> pd.DataFrame:
    """
    Part of the score that each economy brings to each cluster.

    Parameters
    ----------
    by_economy : pandas.DataFrame
        `label`, `metric`, `economy`, `documents` (`members.documents_by`).

    Returns
    -------
    pandas.DataFrame
        Index `label`, `economy`; one `share_<metric>` column a metric, and `score`.
    """
    wide = by_economy[by_economy["label"] >= 0].pivot_table(
        index=["label", "economy"],
        columns="metric",
        values="documents",
        aggfunc="sum",
        fill_value=0.0,
    )
    shares = pd.DataFrame(index=wide.index)
    for metric, total in totals.items():
        documents = wide[metric] if metric in wide else pd.Series(0.0, index=wide.index)
        shares[f"share_{metric}"] = documents / total if total else documents
    score = sum(shares[f"share_{m}"] * weights[m] for m in totals)
    return shares.assign(score=score)


def economies_of_clusters(
    scores: pd.DataFrame, *, n_clusters: int, cross_border_share: float
) -> pd.DataFrame:
    """
    Economies of each cluster by falling share, those with at least `cross_border_share` of its score.

    Returns
    -------
    pandas.DataFrame
        One row a label: `economies` ('CH/DE/FR'), `economy_shares` (JSON of the share of each), `cross_border`.
    """
    found: dict[int, dict[str, float]] = {label: {} for label in range(n_clusters)}
    labels, names = (scores.index.get_level_values(level) for level in ("label", "economy"))
    for label, economy, score in zip(labels, names, scores["score"], strict=True):
        found[int(label)][str(economy)] = float(score)
    parts = [_parts(found[label], cross_border_share) for label in range(n_clusters)]
    return pd.DataFrame(
        {
            "economies": ["/".join(p) for p in parts],
            "economy_shares": [json.dumps({k: round(v, 6) for k, v in p.items()}) for p in parts],
            "cross_border": np.array([len(p) > 1 for p in parts], dtype=bool),
        }
    )


def _parts(scores: dict[str, float], least: float) -> dict[str, float]:
    """Shares of the economies that hold at least `least`, largest first, ties by code; always one."""
    total = math.fsum(scores.values())
    ordered = sorted(((-v / total if total else 0.0), k) for k, v in scores.items())
    return {k: -v for place, (v, k) in enumerate(ordered) if -v >= least or place == 0}


def league(
    scores: pd.DataFrame, clusters: pd.DataFrame, *, metrics: Sequence[str], top: int
) -> pd.DataFrame:
    """
    League table of economies (`schema.ECONOMIES`), by falling score.

    Parameters
    ----------
    scores : pandas.DataFrame
        From `economy_scores`.
    clusters : pandas.DataFrame
        `economies` and `rank`, one row a cluster.
    """
    listed = clusters["economies"].astype("str").str.split("/")
    first = listed.str[0]
    table = scores.groupby(level="economy").sum()
    table = table.rename_axis("economy").reset_index()
    names = countries.read_countries().set_index("iso2")["name"]
    table["name"] = table["economy"].map(names).fillna(table["economy"])
    table["clusters"] = table["economy"].map(first.value_counts()).fillna(0).astype("int64")
    top_first = first[clusters["rank"] <= top]
    table["clusters_top"] = table["economy"].map(top_first.value_counts()).fillna(0).astype("int64")
    shared = listed.explode().value_counts()
    table["clusters_shared"] = table["economy"].map(shared).fillna(0).astype("int64")
    table = table.sort_values(["score", "economy"], ascending=[False, True]).reset_index(drop=True)
    return table[
        [
            "economy",
            "name",
            "clusters",
            "clusters_top",
            "clusters_shared",
            *(f"share_{m}" for m in metrics),
            "score",
        ]
    ]
