"""What a page says about its run: method, settings, sources, counts, warnings."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Final

from geoclusters import schema
from geoclusters.densities import density_text
from geoclusters.hierarchy import EXACT
from geoclusters.pages.settings import setting_rows
from geoclusters.pages.wording import label, notice, number, percent, window
from geoclusters.wording import changed_by_binning

if TYPE_CHECKING:
    from collections.abc import Iterable

    from geoclusters.results import Result

_REASONS: Final = dict(schema.REASONS)


def about(result: Result) -> dict[str, Any]:
    """Gather what the panel about the run shows; plain values, to be escaped by the template."""
    run = result.run
    return {
        "study": run["study"],
        "window": window(run),
        "finished": str(run.get("finished", "")).replace("T", " ")[:16],
        "version": run["geoclusters"],
        "metrics": [{"name": label(m), "weight": run["weights"].get(m, 1)} for m in result.metrics],
        "method": [*method_sentences(run["settings"]), *_exact_sentences(run)],
        "settings": setting_rows({**run["settings"], "weights": _weights(result)}),
        "notice": notice(run) or None,
        "documents": _documents(result),
        "concentration": _concentration(result),
        "rows": [_row(r) for r in run.get("rows", [])],
        "sources": _sources(run.get("inputs", [])),
        "warnings": run.get("warnings", []),
    }


def method_sentences(settings: dict[str, Any]) -> list[str]:
    """Tell the method with the settings of the run, as far as they are given."""
    sentences = []
    exact = settings.get("resolution") == EXACT
    if "resolution" in settings:
        sentences.append(
            "Every address carries its fraction of its document "
            + (
                "and counts at its own point."
                if exact
                else f"and is placed in an H3 cell (resolution {settings['resolution']})."
            )
        )
    if "radius_km" in settings and settings.get("min_density") is not None:
        sentences.append(
            f"A {'point' if exact else 'cell'} belongs to the core of a cluster where at least "
            f"{density_text(settings['min_density'], settings)} lie within "
            f"{number(settings['radius_km'])} km of it; "
            "borders of cities, regions and countries play no part."
        )
    if settings.get("merge_gap_km") == 0:
        sentences.append("Clusters are not merged, however near they are.")
    elif "merge_gap_km" in settings:
        sentences.append(
            f"Clusters whose closest {'points' if exact else 'cells'} are at most "
            f"{number(settings['merge_gap_km'])} km apart become one"
            + (
                ", if one is the other's strongest partner."
                if settings.get("merge_rule") == "gap+links"
                else "."
            )
        )
    sentences.append(
        "The score of a cluster is the sum of its shares of the world's documents, "
        "one share a metric, times the weight of the metric."
    )
    return sentences


def _exact_sentences(run: dict[str, Any]) -> list[str]:
    """Tell how the points of an exact run are drawn, and what binning them would change."""
    if not run.get("exact"):
        return []
    drawn = (
        f"Outlines are drawn in H3 cells of resolution {run['exact']['resolution']}, each of which belongs to the "
        "cluster that weighs most in it."
    )
    return [drawn, f"{changed_by_binning(run['exact'])}."]


def _weights(result: Result) -> dict[str, float] | None:
    """Give the weight of each metric in the score; a single metric needs none."""
    given = result.run.get("weights", {})
    return {m: given.get(m, 1) for m in result.metrics} if len(result.metrics) > 1 else None


def _documents(result: Result) -> list[dict[str, Any]]:
    """Say which part of each metric's documents is in clusters, outside, and nowhere."""
    counted = result.run.get("documents", {})
    rows = []
    for metric in result.metrics:
        given = counted.get(metric)
        if given:
            whole = given["window"] or 1
            rows.append(
                {
                    "metric": label(metric),
                    "window": given["window"],
                    **{k: given[k] / whole for k in ("in_clusters", "noise", "unplaced")},
                }
            )
    return rows


def _concentration(result: Result) -> list[tuple[str, list[tuple[str, str]]]]:
    """Give what the first clusters hold; where a run has fewer, all of them stand for the rest."""
    given, known, whole = (
        result.run.get("concentration", {}),
        set(result.metrics),
        len(result.clusters),
    )
    told = {}
    for top, shares in given.items():
        digits = top.rpartition("_")[2]
        held = [(label(m), percent(share)) for m, share in shares.items() if m in known]
        told["All" if digits.isdecimal() and int(digits) >= whole else label(top)] = held
    return list(told.items())


def _row(row: dict[str, Any]) -> dict[str, Any]:
    rejected = row.get("rejected", {})
    return {
        "metric": label(row["metric"]),
        "read": row.get("read", 0),
        "placed": row.get("placed", 0),
        "repaired": row.get("repaired", 0),
        "outside_window": row.get("outside_window", 0),
        "without_year": row.get("without_year", 0),
        "rejected": sum(rejected.values()),
        "reasons": [(_REASONS.get(reason, reason), n) for reason, n in rejected.items() if n],
    }


def _sources(inputs: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Join the files of a source: many files of one licence are one line."""
    groups: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for given in inputs:
        key = ("source", "metric", "attribution", "licence")
        groups.setdefault(tuple(str(given.get(k) or "") for k in key), []).append(given)
    return [
        {
            "metric": label(metric),
            "attribution": attribution,
            "licence": licence,
            "files": [PurePath(str(f.get("file") or f.get("path") or "")).name for f in files],
            "bytes": sum(f.get("bytes") or 0 for f in files),
            "sha256": str(files[0].get("sha256") or "") if len(files) == 1 else "",
        }
        for (_, metric, attribution, licence), files in groups.items()
    ]
