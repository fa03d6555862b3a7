"""Which cluster of one run became which of another, and how ranks moved."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from geoclusters.errors import RunError
from geoclusters.hierarchy import EXACT, cell_resolution, parents

if TYPE_CHECKING:
    import numpy.typing as npt

    from geoclusters.results import Result

LEAST_PART: Final = 0.1
"""Part of a cluster's weight that has to move for a second successor or predecessor to be named."""


def compare(old: Result, new: Result) -> pd.DataFrame:
    """
    Follow every cluster from one run to another by the weight of the cells they share.

    Parameters
    ----------
    old, new : Result
        Finished runs; where their resolutions differ the finer cells are taken by their parents. Points of exact
        runs are followed themselves.

    Returns
    -------
    pandas.DataFrame
        One row a pair of clusters that share at least a tenth of the weight of one of them, ordered by
        the old rank, and one row for each cluster without a counterpart: `rank_old`, `name_old`, `rank_new`,
        `name_new`, `rank_change` (positive = up), `score_old`, `score_new`, `part_of_old`,
        `part_of_new` (parts of the pair's weights that they share), `fate` ('same', 'split', 'merged',
        'gone', 'new'), `cluster_id_old`, `cluster_id_new`.
    """
    sides = _cells_of(old, new), _cells_of(new, old)
    if all(run.run["settings"]["resolution"] == EXACT for run in (old, new)):
        _number_points(*sides)
    pairs = shared_weight(*sides)
    table = _named(pairs, old.clusters, new.clusters)
    table["rank_change"] = table["rank_old"] - table["rank_new"]
    return table[
        [
            "rank_old",
            "name_old",
            "rank_new",
            "name_new",
            "rank_change",
            "score_old",
            "score_new",
            "part_of_old",
            "part_of_new",
            "fate",
            "cluster_id_old",
            "cluster_id_new",
        ]
    ]


def _cells_of(run: Result, other: Result) -> pd.DataFrame:
    """Cells of clusters with their score, at the coarser of the two resolutions."""
    cells = run.cells[run.cells["cluster_id"].notna()]
    resolution = min(cell_resolution(r.run["settings"]["resolution"]) for r in (run, other))
    score = np.zeros(len(cells))
    for metric in run.metrics:
        total = run.run["documents"][metric]["window"]
        score += cells[metric].to_numpy() / total * run.run["weights"][metric] if total else 0.0
    return pd.DataFrame(
        {
            "cell": parents(cells["cell"].to_numpy(np.uint64), resolution),
            "lat": cells["lat"].to_numpy(),
            "lon": cells["lon"].to_numpy(),
            "cluster_id": cells["cluster_id"].to_numpy(),
            "weight": score,
        }
    )


def _number_points(old: pd.DataFrame, new: pd.DataFrame) -> None:
    """Put the number of its point in place of each row's cell, in which there may be many."""
    points = pd.concat([old[["lat", "lon"]], new[["lat", "lon"]]])
    number = points.groupby(["lat", "lon"], sort=False).ngroup().to_numpy()
    old["cell"], new["cell"] = number[: len(old)], number[len(old) :]


def shared_weight(old: pd.DataFrame, new: pd.DataFrame) -> pd.DataFrame:
    """
    Parts of the weight that each pair of clusters shares.

    Parameters
    ----------
    old, new : pandas.DataFrame
        `cell`, `cluster_id`, `weight`.

    Returns
    -------
    pandas.DataFrame
        `cluster_id_old`, `cluster_id_new`, `part_of_old`, `part_of_new`.
    """
    sides = [f.groupby(["cell", "cluster_id"], as_index=False)["weight"].sum() for f in (old, new)]
    both = sides[0].merge(sides[1], on="cell", suffixes=("_old", "_new"))
    shared: pd.DataFrame = both.groupby(["cluster_id_old", "cluster_id_new"], as_index=False)[
        ["weight_old", "weight_new"]
    ].sum()
    for name, side in (("old", old), ("new", new)):
        whole = side.groupby("cluster_id")["weight"].sum()
        mine = shared[f"cluster_id_{name}"].map(whole).astype("float64")
        shared[f"part_of_{name}"] = shared.pop(f"weight_{name}") / mine
    return pd.DataFrame(shared)


def _named(pairs: pd.DataFrame, old: pd.DataFrame, new: pd.DataFrame) -> pd.DataFrame:
    pairs = pairs[(pairs["part_of_old"] >= LEAST_PART) | (pairs["part_of_new"] >= LEAST_PART)]
    columns = ["cluster_id", "rank", "name", "score"]
    sides = {
        name: pd.DataFrame(side[columns]).rename(columns=lambda c: f"{c}_{name}")  # noqa: B023
        for name, side in (("old", old), ("new", new))
    }
    table = pairs.merge(sides["old"], on="cluster_id_old", how="outer").merge(
        sides["new"], on="cluster_id_new", how="outer"
    )
    for name in ("old", "new"):
        table[f"rank_{name}"] = table[f"rank_{name}"].astype("Int64")
    table["fate"] = _fates(table)
    return table.sort_values(
        ["rank_old", "part_of_old", "rank_new"], ascending=[True, False, True], na_position="last"
    ).reset_index(drop=True)


def _fates(table: pd.DataFrame) -> npt.NDArray[np.object_]:
    successors = table.groupby("cluster_id_old")["cluster_id_new"].transform("count")
    predecessors = table.groupby("cluster_id_new")["cluster_id_old"].transform("count")
    return np.select(
        [
            table["cluster_id_new"].isna(),
            table["cluster_id_old"].isna(),
            successors > 1,
            predecessors > 1,
        ],
        ["gone", "new", "split", "merged"],
        default="same",
    ).astype(object)


def check_comparable(old: Result, new: Result) -> list[str]:
    """
    Say what is different between two runs besides their data.

    Raises
    ------
    RunError
        If the runs have no metric in common.
    """
    if not set(old.metrics) & set(new.metrics):
        raise RunError(
            f"{old.folder} counts {', '.join(old.metrics)} and {new.folder} counts {', '.join(new.metrics)}: "
            "they have no metric in common, so their ranks cannot be compared"
        )
    settings = old.run["settings"], new.run["settings"]
    return [
        f"{name}: {settings[0].get(name)} in {old.folder}, {settings[1].get(name)} in {new.folder}"
        for name in sorted({*settings[0], *settings[1]})
        if settings[0].get(name) != settings[1].get(name)
    ]
