"""Runs the *world* study step by step, from the coordinates in its tables to geocoded names and checks.

Each step is held against the published ranking. What the steps are:

1. coordinates of the tables alone: nothing is geocoded and nothing checked. Areas and cities stand where their tables
   put them, universities nowhere;
2. universities through the registry of research organisations (format `ror-affiliations`);
3. geocoding: areas without coordinates by their name, deals by the name of their city in place of the coordinates;
4. quality checks: this is the study as it stands in its file.

Two more runs change one choice each, to show what hangs on it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
from evaluate_agreement import (
    FIRST_OURS,
    LAST_RANK,
    Agreement,
    agreement,
    cities_of,
    km_from,
    read_reference,
)
from evaluate_printing import heading, print_quality, print_rows

from geoclusters.earth import unit_vectors
from geoclusters.study import Study, make_study, read_study
from geoclusters.workflow import recluster, run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from geoclusters.results import Result

NEAR_KM: Final = 50.0
LIKE_2023: Final = ("patents", "publications")
"""Metrics of the edition of 2023; deals came with that of 2025."""

BEFORE: Final = "coordinates of the tables alone"
AFTER: Final = "and quality checks: the study"
POINTS_OF_DEALS: Final = {
    "count": "funding_rounds",
    "lat": "Latitude",
    "lon": "Longitude",
    "country": "country_code",
}
UNPLACED_SHOWN: Final = 6
OTHER_RADII: Final = (15.0, 20.0, 30.0)
OTHER_DENSITIES: Final = (0.5, 2.0)
OTHER_GAP_KM: Final = 5.0


def evaluate(file: Path, out: Path, *, sensitivity: bool = True) -> tuple[dict[str, float], Result]:
    """
    Run the steps and print how each agrees with the published ranking.

    Parameters
    ----------
    file : Path
        `world.toml`.
    out : Path
        Folder in which the runs get theirs.
    sensitivity : bool, default True
        Also run with other settings of the method.

    Returns
    -------
    dict of str to float
        `world_*`: found, matched and correlation of the study, by three metrics and by two; `world_gain`: how many more
        are found than from the coordinates of the tables alone.
    Result
        The study's run.
    """
    study, reference = read_study(file), read_reference()
    heading(
        f"World study, step by step: of the {len(reference)} published clusters, found among our first {FIRST_OURS}, "
        "matched at any rank, and Spearman's rank correlation over these"
    )
    metrics = " ".join(f"{name:>8}" for name in ("patents", "public.", "deals"))
    figures = "found matched corr."
    print(f"{'placed:':>47} {metrics} | three: {figures} | two: {figures}")
    kept = {}
    for label, (name, one) in steps(study).items():
        result = run(one, out=out / name)
        told = agreements(result, reference)
        placed = " ".join(f"{share:8.1%}" for share in _placed(result).values())
        print(f"{label:>47} {placed} |        {told[0]} |      {told[1]}", flush=True)
        kept[label] = (result, *told)
    result, three, two = kept[AFTER]
    print_study(result, reference, before=kept[BEFORE][1:], after=(three, two))
    if sensitivity:
        print_sensitivity(result, reference, out / "sensitivity")
    return figures_of(kept[BEFORE][1:], (three, two)), result


def steps(study: Study) -> dict[str, tuple[str, Study]]:
    """Give the studies that lead to one, and variants of it: the name of the folder and the study, by what it is."""
    bare = changed(study, geocoding={"enabled": False}, method={"check_country": False})
    at_points = changed_source(bare, "vc_deals", columns=POINTS_OF_DEALS)
    universities = next(s for s in study.source if s.metric == "publications").paths[0]
    alone = changed_source(at_points, "publications", format="table", path=universities)
    return {
        BEFORE: ("world-1-tables", alone),
        "and universities through ROR": ("world-2-ror", at_points),
        "and geocoding of names": (
            "world-3-geocoding",
            changed(study, method={"check_country": False}),
        ),
        AFTER: ("world", study),
        'otherwise ambiguous = "reject"': (
            "world-ambiguous",
            changed(study, geocoding={"ambiguous": "reject"}),
        ),
        "otherwise deals at the points of their table": (
            "world-points",
            changed_source(study, "vc_deals", columns=POINTS_OF_DEALS),
        ),
    }


def changed(study: Study, **tables: dict[str, Any]) -> Study:
    """Give a study with other settings in some of its tables."""
    given = study.model_dump(exclude_none=True)
    for name, settings in tables.items():
        given[name] |= settings
    return make_study(given, folder=study.folder)


def changed_source(study: Study, metric: str, **settings: Any) -> Study:  # noqa: ANN401
    """Give a study whose source of a metric has other settings."""
    given = study.model_dump(exclude_none=True)
    given["source"] = [
        {**one, **settings} if one["metric"] == metric else one for one in given["source"]
    ]
    return make_study(given, folder=study.folder)


def agreements(result: Result, reference: pd.DataFrame) -> tuple[Agreement, Agreement]:
    """Give the agreement by all metrics, and by those of the edition of 2023."""
    return agreement(result, reference, result.metrics), agreement(result, reference, LIKE_2023)


def figures_of(
    before: tuple[Agreement, Agreement], after: tuple[Agreement, Agreement]
) -> dict[str, float]:
    """Give the figures that have floors."""
    three, two = after
    return {
        "world_found": three.found,
        "world_matched": three.matched,
        "world_correlation": three.correlation,
        "world_gain": three.found - before[0].found,
        "world_found_two_metrics": two.found,
        "world_correlation_two_metrics": two.correlation,
        "world_gain_two_metrics": two.found - before[1].found,
    }


def _placed(result: Result) -> dict[str, float]:
    return {m: 1 - d["unplaced"] / d["window"] for m, d in result.run["documents"].items()}


def print_study(
    result: Result,
    reference: pd.DataFrame,
    *,
    before: tuple[Agreement, Agreement],
    after: tuple[Agreement, Agreement],
) -> None:
    """Print the study's rows, its quality, its matches beside those before geocoding and checks, and its misses."""
    heading(f"World study: {len(result.clusters)} clusters")
    print_rows(result)
    heading("Its quality report")
    print_quality(result)
    for metric in result.metrics:
        print(f"most {metric} that were not placed: {_largest_unplaced(result, metric)}")
    heading(
        "Matches (rank by three metrics and rank2 by the two of 2023, before and after geocoding and checks; shares "
        "in per cent of the world)"
    )
    three, two = after
    shown = three.table.drop(columns=["taken_by_another", "rank"])
    ranks = {
        "rank_before": before[0].table["rank"],
        "rank": three.table["rank"],
        "rank2_before": before[1].table["rank"],
        "rank2": two.table["rank"],
    }
    for at, (name, rank) in enumerate(ranks.items(), start=2):
        shown.insert(at, name, rank.astype("Int64"))
    print(shown.to_string(index=False, na_rep="-", float_format=lambda x: f"{x:.2f}"))
    for label, one, other in (("three metrics", three, two), ("two metrics", two, three)):
        heading(f"Misses by {label}, with what the sources hold within {NEAR_KM:g} km")
        print_misses(one, other, reference, result)


def print_misses(one: Agreement, other: Agreement, reference: pd.DataFrame, result: Result) -> None:
    """Print each published cluster that is not among our first, with figures that tell why."""
    missed = one.table[~(one.table["rank"] <= FIRST_OURS)]
    for row in missed.itertuples():
        print(f"{row.published} (published rank {row.gii}): {_outcome(row)}")
        instead = other.table.loc[row.Index, "rank"]
        if instead <= FIRST_OURS:
            print(f"    by the other set of metrics it is our No {instead:.0f}")
        for metric in result.metrics:
            print(f"    {_near(result, metric, reference.loc[row.Index], row)}")
    if missed.empty:
        print("none")


def _outcome(row: object) -> str:
    if not np.isnan(row.rank):
        return f"our No {row.rank:.0f}, {row.ours}"
    if row.taken_by_another:
        return f"its cities lie in {row.taken_by_another}, which another published cluster matches"
    return "no cluster of ours near its cities"


def _rejected(result: Result, metric: str) -> pd.DataFrame:
    """Give what was not placed: `name`, and the documents that it stands for as a `share` of the world."""
    table = pd.read_parquet(result.folder / "rejected.parquet")
    table = table[table["metric"] == metric]
    place = table["place"].str.cat(table["country"], sep=", ", na_rep="?")
    world = result.run["documents"][metric]["window"]
    return pd.DataFrame(
        {"name": table["organisation"].fillna(place), "share": table["count"] / world}
    )


def _largest_unplaced(result: Result, metric: str) -> str:
    largest = _rejected(result, metric).groupby("name")["share"].sum().nlargest(UNPLACED_SHOWN)
    return "; ".join(f"{name} {share:.2%}" for name, share in largest.items())


def _near(result: Result, metric: str, reference: pd.Series, row: object) -> str:
    cells = result.cells[result.cells[metric] > 0]
    here = cells[km_from(reference["cities"], unit_vectors(cells["lat"], cells["lon"])) <= NEAR_KM]
    share = 100 * here[metric].sum() / result.run["documents"][metric]["window"]
    told = f"{metric}: {share:.2f} % of the world in {len(here)} cells"
    if here.empty:
        told = f"{metric}: the source has nothing placed here"
    published = getattr(row, f"gii_{metric}", np.nan)
    if not np.isnan(published):
        told += f", published {published:.1f} %"
        told += " <- less than half" if share < published / 2 else ""
    return told + _unplaced(result, metric, reference["cluster"])


def _unplaced(result: Result, metric: str, cluster: str) -> str:
    """Say what was not placed although a city of the cluster stands in its name."""
    words = [name for name, _ in cities_of(cluster)]
    rejected = _rejected(result, metric)
    lost = rejected[[any(word in name for word in words) for name in rejected["name"]]]
    if lost.empty:
        return ""
    return f"; {len(lost)} rows with its name were not placed ({lost['share'].sum():.2%})"


def print_sensitivity(result: Result, reference: pd.DataFrame, out: Path) -> None:
    """Print the agreement for other settings, so that one sees that they were not chosen by it."""
    heading("Sensitivity: the same with other settings of the method (* = the study's)")
    print(
        "radius_km min_density merge_gap_km clusters | three: found matched corr. | two: found matched corr. | "
        "Philadelphia"
    )
    settings = result.run["settings"]
    study = (settings["radius_km"], settings["min_density"], settings["merge_gap_km"])
    for radius, density, gap in sorted({*_other_settings(*study), study}):
        again = result
        if (radius, density, gap) != study:
            again = recluster(
                result.folder, out=out, radius_km=radius, min_density=density, merge_gap_km=gap
            )
        three, two = agreements(again, reference)
        apart = three.table.set_index("gii")["rank"].notna()[LAST_RANK]
        mark = " *" if again is result else ""
        print(
            f"{radius:9g} {density:11.2e} {gap:12g} {len(again.clusters):8d} |        {three} |      {two} | "
            f"{'apart' if apart else 'with New York'}{mark}",
            flush=True,
        )


def _other_settings(
    radius_km: float, min_density: float, merge_gap_km: float
) -> Iterator[tuple[float, float, float]]:
    """Other radii with the same density per square kilometre, other densities, and merging."""
    for radius in OTHER_RADII:
        yield radius, round(min_density * (radius / radius_km) ** 2, 6), merge_gap_km
    for times in OTHER_DENSITIES:
        yield radius_km, min_density * times, merge_gap_km
    yield radius_km, min_density, OTHER_GAP_KM
