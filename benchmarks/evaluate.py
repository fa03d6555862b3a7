"""Runs the studies on real data and tells how they agree with what is published.

    python benchmarks/evaluate.py --data ../shared/data --out out/evaluation

Three parts: the tables are prepared (data/studies/prepare.py); the *world* study is held against
ranks 1-35 of the Global Innovation Index 2023 (WIPO); the *record* study is described. The exit
status is 1 when a figure falls under its floor, and 2 when the data are not there.

How a published cluster is matched: one of ours is a candidate if one of its cells lies within 25 km
of a city in the published name, and the two have an economy in common. In the order of the
published ranks, each takes the best ranked candidate that is still free. Nothing else is looked at,
and above all not the values.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from geoclusters.earth import distance_km, unit_vectors
from geoclusters.places import read_places
from geoclusters.study import Method, read_study
from geoclusters.workflow import recluster, run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from geoclusters.results import Result

STUDIES: Final = Path(__file__).resolve().parent.parent / "data" / "studies"
EDITION: Final = 2023
LAST_RANK: Final = 35
FIRST_OURS: Final = 50
MATCH_KM: Final = 25.0
NEAR_KM: Final = 50.0
LIKE_2023: Final = ("patents", "publications")
"""Metrics of the edition of 2023; deals came with that of 2025."""

EN_DASH: Final = "\N{EN DASH}"
"""Stands between the cities of a published name."""

ENGLISH_NAMES: Final = {"Cologne": "Köln"}
"""English names of cities that the places table has under their own name only."""

SENSITIVITY_RADII: Final = (15.0, 20.0, 25.0, 30.0)

FLOORS: Final[dict[str, float]] = {
    "world_found": 30,
    "world_matched": 35,
    "world_correlation": 0.76,
    "world_found_two_metrics": 28,
    "world_correlation_two_metrics": 0.83,
    "record_clusters": 50,
    "record_share_placed": 0.86,
    "papers_clusters": 220,
}
"""What was measured, less a little where a figure depends on many small ones."""


@dataclass(frozen=True)
class Agreement:
    """How a ranking of ours agrees with the published one; `table` has its clusters."""

    table: pd.DataFrame
    found: int
    matched: int
    correlation: float


def read_reference() -> pd.DataFrame:
    """Give the published ranks that are complete, with the points of the cities in the names."""
    with (files("geoclusters") / "tables" / "gii_reference.csv").open("rb") as file:
        table = pd.read_csv(file)
    table = table[(table["edition"] == EDITION) & (table["rank"] <= LAST_RANK)]
    places = read_places()
    economies = [economy.split("/") for economy in table["economies"]]
    cities = [
        list(_cities(name, among, places))
        for name, among in zip(table["cluster"], economies, strict=True)
    ]
    return table.assign(economies=economies, cities=cities).reset_index(drop=True)


def _cities(
    cluster: str, economies: list[str], places: pd.DataFrame
) -> Iterator[tuple[float, float]]:
    """Give the points of the cities that a published name lists, with their states in America."""
    here = places[places["country"].isin(economies)].sort_values("population", ascending=False)
    for part in cluster.split(EN_DASH):
        name, _, state = part.partition(", ")
        name = ENGLISH_NAMES.get(name, name)
        same = here[(here["name"] == name) | (here["ascii_name"] == name)]
        same = same[same["region_code"] == state] if state in set(same["region_code"]) else same
        if same.empty:
            message = f"{cluster}: no place is called {name!r} in {'/'.join(economies)}"
            raise LookupError(message)
        yield float(same["lat"].iloc[0]), float(same["lon"].iloc[0])


def agreement(result: Result, reference: pd.DataFrame, metrics: tuple[str, ...]) -> Agreement:
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
        near = _owners_near(published.cities, vectors, owners)
        near = {
            c for c in near if set(ours.loc[c, "economies"].split("/")) & set(published.economies)
        }
        best = min(near - taken, key=lambda c: ours.loc[c, "rank_now"], default=None)
        taken |= {best} if best else set()
        rows.append(
            _row(published, ours, best, sorted(near, key=lambda c: ours.loc[c, "rank_now"]))
        )
    table = pd.DataFrame(rows)
    matched = table.dropna(subset=["rank"])
    return Agreement(
        table=table,
        found=int((matched["rank"] <= FIRST_OURS).sum()),
        matched=len(matched),
        correlation=float(spearmanr(matched["gii"], matched["rank"]).statistic),
    )


def _owners_near(
    cities: list[tuple[float, float]], vectors: np.ndarray, owners: np.ndarray
) -> set[str]:
    points = unit_vectors([c[0] for c in cities], [c[1] for c in cities])
    km = distance_km(points[:, None], vectors[None]).min(axis=0)
    return set(owners[km <= MATCH_KM])


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


def print_world(result: Result, prepared: Path, reference: pd.DataFrame) -> dict[str, float]:
    """Print the agreement of the world study and give its figures."""
    _heading(f"World study: {len(result.clusters)} clusters")
    _print_rows(result)
    three = agreement(result, reference, tuple(result.metrics))
    two = agreement(result, reference, LIKE_2023)
    for label, one in (("three metrics", three), ("two metrics, as in 2023", two)):
        print(
            f"{label}: {one.found} of the {len(reference)} published clusters are among our first "
            f"{FIRST_OURS}; {one.matched} matched at any rank, Spearman's rank correlation over "
            f"these {one.correlation:.2f}"
        )
    _heading(
        "Matches (shares in per cent of the world; rank2 = our rank by the two metrics of 2023)"
    )
    shown = three.table.drop(columns="taken_by_another").assign(rank2=two.table["rank"])
    print(shown.to_string(index=False, na_rep="-", float_format=lambda x: f"{x:.2f}"))
    for label, one, other in (("three metrics", three, two), ("two metrics", two, three)):
        _heading(f"Misses by {label}, with what the prepared tables hold within {NEAR_KM:g} km")
        print_misses(one, other, reference, prepared)
    return {
        "world_found": three.found,
        "world_matched": three.matched,
        "world_correlation": three.correlation,
        "world_found_two_metrics": two.found,
        "world_correlation_two_metrics": two.correlation,
    }


def print_misses(one: Agreement, other: Agreement, reference: pd.DataFrame, prepared: Path) -> None:
    """Print each published cluster that is not among our first, with figures that tell why."""
    tables = {
        metric: _amounts(prepared / f"{name}.parquet", column) for metric, name, column in TABLES
    }
    missed = one.table[~(one.table["rank"] <= FIRST_OURS)]
    for row in missed.itertuples():
        print(f"{row.published} (published rank {row.gii}): {_outcome(row)}")
        instead = other.table.loc[row.Index, "rank"]
        if instead <= FIRST_OURS:
            print(f"    by the other set of metrics it is our No {instead:.0f}")
        for metric, table in tables.items():
            print(f"    {_near(table, reference.loc[row.Index, 'cities'], metric, row)}")
    if missed.empty:
        print("none")


TABLES: Final = (
    ("patents", "patents", "patents"),
    ("publications", "publications", "publications"),
    ("vc_deals", "deals", "rounds"),
)


def _amounts(file: Path, column: str) -> pd.DataFrame:
    table = pd.read_parquet(file).rename(columns={column: "amount"})
    table["share"] = 100 * table["amount"] / table["amount"].sum()
    return table.dropna(subset=["lat", "lon"])


def _near(table: pd.DataFrame, cities: list[tuple[float, float]], metric: str, row: object) -> str:
    points = unit_vectors([c[0] for c in cities], [c[1] for c in cities])
    km = distance_km(points[:, None], unit_vectors(table["lat"], table["lon"])[None]).min(axis=0)
    here = table[km <= NEAR_KM]
    share, rows = here["share"].sum(), len(here.drop_duplicates(["lat", "lon"]))
    published = getattr(row, f"gii_{metric}", np.nan)
    told = f"{metric}: {share:.2f} % of the world at {rows} points"
    if rows == 0:
        told = f"{metric}: the source has nothing here"
    if np.isnan(published):
        return told
    return f"{told}, published {published:.1f} %" + (
        " <- less than half" if share < published / 2 else ""
    )


def _outcome(row: object) -> str:
    if not np.isnan(row.rank):
        return f"our No {row.rank:.0f}, {row.ours}"
    if row.taken_by_another:
        return f"its cities lie in {row.taken_by_another}, which another published cluster matches"
    return "no cluster of ours near its cities"


def print_sensitivity(result: Result, reference: pd.DataFrame, out: Path) -> None:
    """Print the agreement for other settings, so that one sees that they were not chosen by it."""
    _heading("Sensitivity: the same with other settings (* = the study's)")
    print(
        "radius_km min_density merge_gap_km clusters | three: found corr. | two: found corr. | "
        "Philadelphia"
    )
    settings = result.run["settings"]
    study = (settings["radius_km"], settings["min_density"], settings["merge_gap_km"])
    for radius, density, gap in sorted({*_other_settings(), study}):
        again = recluster(
            result.folder, out=out, radius_km=radius, min_density=density, merge_gap_km=gap
        )
        three = agreement(again, reference, tuple(again.metrics))
        two = agreement(again, reference, LIKE_2023)
        apart = three.table.set_index("gii")["rank"].notna()[LAST_RANK]
        mark = " *" if (radius, density, gap) == study else ""
        print(
            f"{radius:9g} {density:11.2e} {gap:12g} {len(again.clusters):8d} | {three.found:12d} "
            f"{three.correlation:5.2f} | {two.found:10d} {two.correlation:5.2f} | "
            f"{'apart' if apart else 'with New York'}{mark}"
        )


def _other_settings() -> Iterator[tuple[float, float, float]]:
    """Radii with the default density, the same per square kilometre, and four times the default."""
    for radius in SENSITIVITY_RADII:
        for density in (5e-4, round(5e-4 * (radius / 15) ** 2, 5), 2e-3):
            yield radius, density, 0.0
        yield radius, round(5e-4 * (radius / 15) ** 2, 5), 5.0


def print_record(result: Result) -> dict[str, float]:
    """Print what the record study holds and give its figures."""
    _heading(f"Record study: {len(result.clusters)} clusters")
    _print_rows(result)
    _print_clusters(result)
    for metric in result.metrics:
        print(f"pairs of clusters with the most {metric} in common:")
        print(_top_links(result, metric).to_string(index=False, header=False))
    rows = {row["metric"]: row for row in result.run["rows"]}
    return {
        "record_clusters": len(result.clusters),
        "record_share_placed": rows["publications"]["placed"] / rows["publications"]["read"],
    }


def print_papers(result: Result) -> dict[str, float]:
    """Print what the papers alone give, and the figure."""
    _heading(
        f"The papers alone, with every setting at its default: {len(result.clusters)} clusters"
    )
    _print_clusters(result)
    return {"papers_clusters": len(result.clusters)}


def _print_clusters(result: Result) -> None:
    columns = ["rank", "name", "economies", *result.metrics, "score"]
    print(
        result.ranking[columns].head(15).to_string(index=False, float_format=lambda x: f"{x:.4g}")
    )
    width, widest = _widest(result)
    print(f"widest cluster: {widest}, {width:.0f} km across")
    crossing = result.clusters[result.clusters["cross_border"]]
    print(f"cross-border clusters: {len(crossing)}")
    for row in crossing.itertuples():
        print(f"    No {row.rank} {row.name}: {row.economies} {row.economy_shares}")
    for warning in result.run["warnings"]:
        print(f"warning: {warning}")


def _widest(result: Result) -> tuple[float, str]:
    """Give the cluster whose farthest cells are farthest apart, with the kilometres first."""
    cells = result.cells.dropna(subset=["cluster_id"])
    widths = {}
    for cluster, group in cells.groupby("cluster_id"):
        vectors = unit_vectors(group["lat"], group["lon"])
        widths[cluster] = max(float(distance_km(v, vectors).max()) for v in vectors)
    widest = max(widths, key=lambda c: widths[c])
    return widths[widest], result.clusters.set_index("cluster_id").loc[widest, "name"]


def _top_links(result: Result, metric: str, top: int = 8) -> pd.DataFrame:
    names = result.clusters.set_index("cluster_id")["name"]
    links = result.links[result.links["metric"] == metric].dropna(subset=["cluster_a", "cluster_b"])
    links = links.sort_values("documents", ascending=False, kind="stable").head(top)
    return links.assign(a=links["cluster_a"].map(names), b=links["cluster_b"].map(names))[
        ["a", "b", "documents"]
    ]


def _print_rows(result: Result) -> None:
    for row in result.run["rows"]:
        rejected = ", ".join(f"{n} {reason}" for reason, n in row["rejected"].items()) or "none"
        print(
            f"{row['metric']}: {row['read']} rows read, {row['placed']} placed; "
            f"rejected: {rejected}"
        )
    for metric, documents in result.run["documents"].items():
        told = ", ".join(f"{name} {value:,.0f}" for name, value in documents.items())
        print(f"{metric}: documents {told}")


def _heading(text: str) -> None:
    print(f"\n{text}\n{'-' * len(text)}")


def prepare_tables(data: Path, prepared: Path) -> None:
    """Have the tables prepared, and print how much of each found a point."""
    script = STUDIES / "prepare.py"
    subprocess.run(
        [sys.executable, script, "--data", data, "--out", prepared],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    _heading("Prepared tables")
    told = json.loads((prepared / "prepared.json").read_text(encoding="utf-8"))
    for metric, facts in told.items():
        rows, amount = (
            facts["rows_placed"] / facts["rows"],
            facts["amount_placed"] / facts["amount"],
        )
        more = {key: value for key, value in facts.items() if isinstance(value, dict)}
        print(
            f"{metric}: {rows:.1%} of {facts['rows']} rows, {amount:.1%} of the amount at a point; "
            f"{more or ''}"
        )


def failures(figures: dict[str, float]) -> list[str]:
    """Say which figures fall under their floors."""
    return [
        f"{name} is {figures[name]:.3f}, under its floor of {floor}"
        for name, floor in FLOORS.items()
        if not figures[name] >= floor
    ]


def main() -> int:
    """Carry out the evaluation."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="folder of the evaluation data")
    parser.add_argument("--out", type=Path, required=True, help="folder for the runs")
    parser.add_argument(
        "--no-sensitivity", action="store_true", help="leave out other radii and densities"
    )
    given = parser.parse_args()
    if not (given.data / "patents_metro_world").is_dir():
        print(
            f"{given.data}: the evaluation data are not there; data/studies/README.md lists them",
            file=sys.stderr,
        )
        return 2
    prepared = given.out / "prepared"
    prepare_tables(given.data, prepared)
    os.environ["GEOCLUSTERS_EVALUATION"] = str(given.data.resolve())
    os.environ["GEOCLUSTERS_PREPARED"] = str(prepared.resolve())
    reference = read_reference()
    world = run(STUDIES / "world.toml", out=given.out / "world")
    figures = print_world(world, prepared, reference)
    if not given.no_sensitivity:
        print_sensitivity(world, reference, given.out / "sensitivity")
    figures |= print_record(run(STUDIES / "record.toml", out=given.out / "record"))
    papers = read_study(STUDIES / "record.toml").model_copy(
        update={"name": "Papers", "method": Method(metrics=("publications",))}
    )
    figures |= print_papers(run(papers, out=given.out / "papers"))
    fallen = failures(figures)
    _heading("Floors")
    print(
        "\n".join(fallen)
        or f"every figure holds: {', '.join(f'{k} {v:.3g}' for k, v in figures.items())}"
    )
    print(f"maps: {world.map_file} and {given.out / 'record' / 'map.html'}")
    return 1 if fallen else 0


if __name__ == "__main__":
    sys.exit(main())
