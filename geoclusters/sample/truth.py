"""What the sample holds, for checking what a run says: counts, faults, and the centres."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from geoclusters.sample.dirt import MISSING_YEAR_RATE, RATES
from geoclusters.sample.seats import METRICS
from geoclusters.sample.world import FIRST_YEAR, LAST_YEAR, World

if TYPE_CHECKING:
    import pandas as pd

FORMAT: Final = "geoclusters sample 1"
TOP_CENTRES: Final = 200
CROSS_BORDER_SHARE: Final = 0.01
NOTE: Final = (
    "Shares are those of the first address of a document, as the world was drawn up; the further "
    "addresses lie partly in other centres, so a run comes near them and not to them. A row has "
    "one fault at the most; the copy that makes a duplicate counts as a row."
)


def make_truth(
    world: World, counts: dict[str, dict[str, Any]], *, documents: int, seed: int
) -> dict[str, Any]:
    """
    Put together the content of ``truth.json``.

    Parameters
    ----------
    world : World
    counts : dict
        Per metric the sum of the counts of its blocks.
    documents, seed : int
        What was asked for.
    """
    return {
        "format": FORMAT,
        "note": NOTE,
        "documents": documents,
        "seed": seed,
        "first_year": FIRST_YEAR,
        "last_year": LAST_YEAR,
        "sources": counts,
        "fault_rates": RATES,
        "missing_year_rate": MISSING_YEAR_RATE,
        "centres": list_centres(world),
    }


def list_centres(world: World) -> list[dict[str, Any]]:
    """
    Describe the largest centres, the largest first.

    Returns
    -------
    list of dict
        `name`; `gii_rank_2023` or None; `economies`, the part of the score that each has;
        `cross_border`; `places`, the three that hold most; `lat`, `lon` of the first of them;
        `share_<metric>`, fractions of the world; `score`, their sum.
    """
    seats = _with_shares(world)
    score = np.bincount(world.centre, seats["score"])
    largest = np.argsort(-score, kind="stable")[:TOP_CENTRES]
    return [_describe(world, seats, int(number)) for number in largest]


def _with_shares(world: World) -> pd.DataFrame:
    seats = world.seats[["name", "country", "lat", "lon"]].copy()
    for metric in METRICS:
        seats[f"share_{metric}"] = world.seats[metric] / world.seats[metric].sum()
    seats["score"] = seats[[f"share_{m}" for m in METRICS]].sum(axis=1)
    return seats


def _describe(world: World, seats: pd.DataFrame, number: int) -> dict[str, Any]:
    part = seats.iloc[world.first[number] : world.first[number + 1]]
    part = part.sort_values("score", ascending=False, kind="stable")
    score = float(part["score"].sum())
    economies = part.groupby("country")["score"].sum().sort_values(ascending=False) / score
    listed = world.listed[number] if number < len(world.listed) else None
    first = part.iloc[0]
    return {
        "name": listed.name if listed else str(first["name"]),
        "gii_rank_2023": listed.gii_rank if listed else None,
        "economies": {str(c): round(float(v), 6) for c, v in economies.items()},
        "cross_border": bool((economies >= CROSS_BORDER_SHARE).sum() > 1),
        "places": [str(name) for name in part["name"].head(3)],
        "lat": float(first["lat"]),
        "lon": float(first["lon"]),
        **{f"share_{m}": round(float(part[f"share_{m}"].sum()), 9) for m in METRICS},
        "score": round(score, 9),
    }
