"""Holds a ranking of clusters against ranks 1-35 of the Global Innovation Index 2023 (WIPO).

How a published cluster is matched: one of ours is a candidate if one of its cells lies within 25 km
of a city in the published name, and the two have an economy in common. In the order of the
published ranks, each takes the best ranked candidate that is still free. Nothing else is looked at,
and above all not the values.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, Final

import pandas as pd
from scipy.stats import spearmanr

from geoclusters.earth import distance_km, unit_vectors
from geoclusters.places import read_places

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np
    import numpy.typing as npt

    from geoclusters.results import Result

EDITION: Final = 2023
LAST_RANK: Final = 35
FIRST_OURS: Final = 50
MATCH_KM: Final = 25.0

EN_DASH: Final = "\N{EN DASH}"
"""Stands between the cities of a published name."""

ENGLISH_NAMES: Final = {"Cologne": "Köln"}
"""English names of cities that the places table has under their own name only."""


@dataclass(frozen=True)
class Agreement:
    """
    How a ranking of ours agrees with the published one.

    Attributes
    ----------
    table : pandas.DataFrame
        The published clusters in order, with the cluster of ours that each one matches and its rank.
    found : int
        Those that match one of our first 50.
    matched : int
        Those that match one at any rank.
    correlation : float
        Spearman's, over the ones that match.
    """

    table: pd.DataFrame
    found: int
    matched: int
    correlation: float

    def __str__(self) -> str:
        """Give the three figures."""
        return f"{self.found:5d} {self.matched:7d} {self.correlation:5.2f}"


def read_reference() -> pd.DataFrame:
    """Give the published ranks that are complete, with the points of the cities in the names."""
    with (files("geoclusters") / "tables" / "gii_reference.csv").open("rb") as file:
        table = pd.read_csv(file)
    table = table[(table["edition"] == EDITION) & (table["rank"] <= LAST_RANK)]
    places = read_places()
    economies = [economy.split("/") for economy in table["economies"]]
    cities = [
        list(_points(name, among, places))
        for name, among in zip(table["cluster"], economies, strict=True)
    ]
    return table.assign(economies=economies, cities=cities).reset_index(drop=True)


def cities_of(cluster: str) -> list[tuple[str, str]]:
    """
    Give the cities of a published name, each with the state that follows its comma.

    Examples
    --------
    >>> cities_of("Washington, DC\N{EN DASH}Baltimore, MD")
    [('Washington', 'DC'), ('Baltimore', 'MD')]
    """
    parts = [part.partition(", ") for part in cluster.split(EN_DASH)]
    return [(name, state) for name, _, state in parts]


def _points(
    cluster: str, economies: list[str], places: pd.DataFrame
) -> Iterator[tuple[float, float]]:
    """Give the points of the cities that a published name lists, with their states in America."""
    here = places[places["country"].isin(economies)].sort_values("population", ascending=False)
    for written, state in cities_of(cluster):
        name = ENGLISH_NAMES.get(written, written)
        same = here[(here["name"] == name) | (here["ascii_name"] == name)]
        same = same[same["region_code"] == state] if state in set(same["region_code"]) else same
        if same.empty:
            message = f"{cluster}: no place is called {name!r} in {'/'.join(economies)}"
            raise LookupError(message)
        yield float(same["lat"].iloc[0]), float(same["lon"].iloc[0])


def agreement(result: Result, reference: pd.DataFrame, metrics: Sequence[str]) -> Agreement:
    """Match the published clusters to ours, ranked by the sum of the shares of some metrics."""
    ours = result.clusters.assign(
        score_now=lambda c: sum(c[f"share_{metric}"] for metric in metrics),
    )
    ours["rank_now"] = ours["score_now"].rank(ascending=False, method="first").astype(int)
    ours = ours.set_index("cluster_id")
    cells = result.cells.dropna(subset=["cluster_id"])
    vectors, owners = unit_vectors(cells["lat"], cells["lon"]), cells["cluster_id"].to_numpy()
    taken: set[str] = set()
    rows = []
    for published in reference.itertuples():
        near = sorted(
            (
                c
                for c in set(owners[km_from(published.cities, vectors) <= MATCH_KM])
                if set(ours.loc[c, "economies"].split("/")) & set(published.economies)
            ),
            key=lambda c: ours.loc[c, "rank_now"],
        )
        best = next((c for c in near if c not in taken), None)
        taken |= {best} if best else set()
        rows.append(_row(published, ours, best, near))
    table = pd.DataFrame(rows)
    matched = table.dropna(subset=["rank"])
    return Agreement(
        table=table,
        found=int((matched["rank"] <= FIRST_OURS).sum()),
        matched=len(matched),
        correlation=float(spearmanr(matched["gii"], matched["rank"]).statistic),
    )


def km_from(
    cities: list[tuple[float, float]], vectors: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Give the kilometres from each point (unit vectors, shape (n, 3)) to the nearest of some cities."""
    points = unit_vectors([c[0] for c in cities], [c[1] for c in cities])
    return distance_km(points[:, None], vectors[None]).min(axis=0)


def _row(
    published: object, ours: pd.DataFrame, best: str | None, near: list[str]
) -> dict[str, object]:
    row: dict[str, object] = {
        "gii": published.rank,
        "published": published.cluster,
        "gii_patents": published.share_patents_percent,
        "gii_publications": published.share_publications_percent,
        "rank": ours.loc[best, "rank_now"] if best else None,
        "ours": ours.loc[best, "name"] if best else None,
        "taken_by_another": ours.loc[near[0], "name"] if near and not best else None,
    }
    for metric in ("patents", "publications", "vc_deals"):
        row[metric] = 100 * ours.loc[best, f"share_{metric}"] if best else None
    return row
