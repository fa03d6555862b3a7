"""How sure a rank is: under other parameters, and under the chance of which documents there are."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from geoclusters import engine, indicators, schema, stages
from geoclusters.assembly import Cells, find_clusters
from geoclusters.comparison import shared_weight
from geoclusters.errors import RunError
from geoclusters.results import write_csv
from geoclusters.settings import Method

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from geoclusters.results import Result

RADIUS_FACTORS: Final = (0.8, 1.0, 1.25)
DENSITY_FACTORS: Final = (0.5, 1.0, 2.0)
REPLICATES: Final = 200
MARGIN: Final = (2.5, 97.5)
SAME_PART: Final = 0.5
FILE: Final = "sensitivity.csv"


def sensitivity(
    result: Result,
    *,
    radius_factors: Sequence[float] = RADIUS_FACTORS,
    density_factors: Sequence[float] = DENSITY_FACTORS,
    replicates: int = REPLICATES,
    seed: int = 1,
) -> pd.DataFrame:
    """
    Rank of every cluster over a grid of parameters, and the margins of its score and rank.

    Parameters
    ----------
    result : Result
        A finished run with its addresses.
    radius_factors, density_factors : sequence of float
        The run's `radius_km` and `min_density` times each of these make the grid.
    replicates : int
        Bootstrap replicates of the documents, within the clusters as they are.
    seed : int
        Of the bootstrap.

    Returns
    -------
    pandas.DataFrame
        One row a cluster in order of rank: `rank`, `name`, `score`; `rank_low`, `rank_high`, `score_low`,
        `score_high` (the middle 95 % of the replicates); `grid_rank_best`, `grid_rank_worst`, `grid_found`
        (part of the grid in which a cluster holds at least half of its weight); `cluster_id`. Also
        written to `sensitivity.csv`.

    Notes
    -----
    Poisson bootstrap: every document counts a Poisson(1) number of times, with all its addresses.
    B. Efron, Bootstrap methods, Annals of Statistics 7 (1979).
    """
    origin = stages.Stages(result.folder)
    facts = origin.facts("addresses")
    if facts is None:
        raise RunError(f"{result.folder}: the addresses of the run are gone; run the study again")
    store = engine.AddressStore(origin.path("addresses"))
    base = result.clusters[["rank", "name", "score", "cluster_id"]].copy()
    margins = _margins(result, store, replicates=replicates, seed=seed)
    grid = _grid(result, store, facts, list(product(radius_factors, density_factors)))
    found = pd.DataFrame(base).merge(margins, on="cluster_id").merge(grid, on="cluster_id")
    write_csv(result.folder / FILE, found)
    return found


def _grid(
    result: Result,
    store: engine.AddressStore,
    facts: dict[str, Any],
    factors: list[tuple[float, float]],
) -> pd.DataFrame:
    """Rank of each cluster's successor for each pair of parameters."""
    settings = Method.model_validate(result.run["settings"])
    weights = result.run["weights"]
    cells = Cells.from_frame(
        store.load_cells(), metrics=result.metrics, method=settings, facts=facts
    )
    score = cells.score(weights)
    base = _side(cells, result.cells["cluster_id"].to_numpy(), score)
    ranks: dict[str, list[int]] = {c: [] for c in result.clusters["cluster_id"]}
    for radius, density in factors:
        method = settings.model_copy(
            update={
                "radius_km": settings.radius_km * radius,
                "min_density": settings.min_density_value * density,
            }
        )
        labels = find_clusters(cells, method=method, store=store, doubting=False).labels
        for cluster_id, rank in _successor_ranks(cells, base, labels, score).items():
            ranks[cluster_id].append(rank)
    return pd.DataFrame(
        {
            "cluster_id": list(ranks),
            "grid_rank_best": pd.array(
                [min(r, default=None) for r in ranks.values()], dtype="Int64"
            ),
            "grid_rank_worst": pd.array(
                [max(r, default=None) for r in ranks.values()], dtype="Int64"
            ),
            "grid_found": [len(r) / len(factors) for r in ranks.values()],
        }
    )


def _side(
    cells: Cells, cluster_id: npt.NDArray[np.object_], score: npt.NDArray[np.float64]
) -> pd.DataFrame:
    # Rows stand for themselves: in an exact run a cell has many.
    frame = pd.DataFrame(
        {"cell": np.arange(len(cells.cell)), "cluster_id": cluster_id, "weight": score}
    )
    return frame[frame["cluster_id"].notna()]


def _successor_ranks(
    cells: Cells,
    base: pd.DataFrame,
    labels: npt.NDArray[np.int64],
    score: npt.NDArray[np.float64],
) -> dict[str, int]:
    member = labels >= 0
    totals = np.bincount(labels[member], weights=score[member])
    rank = np.empty(len(totals), dtype=np.int64)
    rank[np.argsort(-totals, kind="stable")] = np.arange(1, len(totals) + 1)
    names = labels.astype(object)
    names[~member] = None
    other = _side(cells, names, score)
    pairs = shared_weight(base, other)
    pairs = pairs[pairs["part_of_old"] >= SAME_PART]
    best = (
        pairs.sort_values("part_of_old", kind="stable")
        .groupby("cluster_id_old")["cluster_id_new"]
        .last()
    )
    return {str(old): int(rank[int(new)]) for old, new in best.items()}


def _margins(
    result: Result,
    store: engine.AddressStore,
    *,
    replicates: int,
    seed: int,
) -> pd.DataFrame:
    """Middle 95 % of score and rank of each cluster over the replicates."""
    ids = result.clusters["cluster_id"].tolist()
    label_of = {cluster_id: label for label, cluster_id in enumerate(ids)}
    cells = result.cells
    labels = np.array([label_of.get(c, -1) for c in cells["cluster_id"]], dtype=np.int64)
    nowhere = np.full(len(labels), -1, dtype=np.int16)
    members = indicators.Members(labels.astype(np.int32), len(ids), result.metrics, nowhere)
    scores = np.zeros((replicates, len(ids)))
    for number, metric in enumerate(result.metrics):
        parts = indicators.document_parts(store.volumes, members, metric=number)
        random = np.random.default_rng([seed, number])
        scores += result.run["weights"][metric] * _resampled(parts, len(ids), replicates, random)
    ranks = (-scores).argsort(axis=1, kind="stable").argsort(axis=1) + 1
    low, high = (np.percentile(scores, q, axis=0) for q in MARGIN)
    rank_low, rank_high = (np.percentile(ranks, q, axis=0).round().astype(int) for q in MARGIN)
    return pd.DataFrame(
        {
            "cluster_id": ids,
            "rank_low": rank_low,
            "rank_high": rank_high,
            "score_low": low,
            "score_high": high,
        }
    )


def _resampled(
    parts: indicators.DocumentParts, n_clusters: int, replicates: int, random: np.random.Generator
) -> npt.NDArray[np.float64]:
    """Share of the world of each cluster, per replicate; rows of counts are so many documents at one address."""
    document, counted = parts.document, parts.counted
    weight = parts.weight / schema.WEIGHT_ONE
    label = parts.label + 1
    size = int(document.max(initial=-1)) + 1
    shares = np.empty((replicates, n_clusters))
    for row in range(replicates):
        times = random.poisson(1.0, size)[document] * weight
        times[counted] = random.poisson(weight[counted])
        total = np.bincount(label, weights=times, minlength=n_clusters + 1)
        shares[row] = total[1:] / max(total.sum(), 1.0)
    return shares
