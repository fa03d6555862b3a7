"""Writes the results of a run, and tells in `run.json` how they came about."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from geoclusters import __version__, geopackage, results, schema
from geoclusters.results import Result

if TYPE_CHECKING:
    from collections.abc import Sequence
    from concurrent.futures import Executor, Future
    from pathlib import Path

    from geoclusters.assembly import Cells, Findings
    from geoclusters.measuring import Measured
    from geoclusters.planning import Plan
    from geoclusters.study import Study


def publish(
    folder: Path,
    measured: Measured,
    plan: Plan,
    content: dict[str, Any],
    *,
    rejected: Path,
    beside: Executor,
) -> tuple[Result, list[Future[None]]]:
    """
    Write every table of the results.

    Parameters
    ----------
    content : dict
        What `run.json` will say.
    rejected : Path
        Table of the addresses that were not placed.
    beside : Executor
        Writes the largest files, those of the cells and for GIS, while pages are drawn from the tables.

    Returns
    -------
    Result
        The run with the tables that were written, so that pages need not read them.
    list of Future
        Done when the files are written that are written beside.
    """
    made_by, metrics = plan.made_by, plan.study.metrics
    tables = {
        layout.name: results.as_table(frame, layout, metrics)
        for layout, frame in _frames(measured).items()
    }
    # Pages link to these, and may be drawn before they are whole.
    coming = (schema.CELLS.name, geopackage.FILE)
    result = Result(folder, content, tables=tables, coming=coming)

    def write(name: str) -> None:
        results.write_parquet(folder / name, tables[name], made_by=made_by)

    clusters = measured.clusters
    results.write_clusters(folder, clusters, metrics=metrics, made_by=made_by)
    package = folder / geopackage.FILE
    # The longest first.
    written = [
        beside.submit(geopackage.write_geopackage, result, package, made_by=made_by),
        beside.submit(write, schema.CELLS.name),
    ]
    results.write_outlines(folder, clusters, metrics=metrics)
    for name in tables.keys() - {schema.CELLS.name}:
        write(name)
    results.write_csv(folder / schema.ECONOMIES.name, measured.economies)
    results.copy_parquet(rejected, folder / schema.REJECTED.name, made_by=made_by)
    return result, written


def _frames(measured: Measured) -> dict[schema.Table, Any]:
    return {
        schema.CELLS: measured.cells,
        schema.LINKS: measured.links,
        schema.NEIGHBOURS: measured.neighbours,
        **{schema.BREAKDOWNS[by]: frame for by, frame in measured.breakdowns.items()},
    }


def run_content(
    plan: Plan,
    facts: dict[str, Any],
    measured: Measured,
    *,
    documents: dict[str, dict[str, float]],
    timings: list[dict[str, Any]],
) -> dict[str, Any]:
    """
    Gather what `run.json` says.

    Parameters
    ----------
    facts : dict
        What adding up the addresses found.
    documents : dict
        As `conserved` gives them.
    timings : list of dict
        Stages so far; the list is kept, so that those to come are told as well.
    """
    study = plan.study
    return {
        "geoclusters": __version__,
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "study": {"name": study.name, "notice": study.notice, "generated": study.generated},
        "window": study.window.model_dump(),
        "settings": study.method.told(),
        "metrics": list(study.metrics),
        "weights": study.weights,
        "sources": [s.model_dump() for s in study.sources],
        "population": study.population and study.population.model_dump(),
        "geocoding": study.geocoding.told(),
        "engine": study.engine.model_dump(exclude_none=True),
        "inputs": plan.inputs,
        "rows": rows_told(study, facts),
        "quality": facts["quality"],
        "documents": documents,
        "concentration": measured.concentration,
        "clusters": len(measured.clusters),
        "warnings": measured.warnings,
        "stages": timings,
    }


def rows_told(study: Study, facts: dict[str, Any]) -> list[dict[str, Any]]:
    """Say what became of the rows of each source; read = outside_window + without_year + placed + rejected."""
    told = []
    for number, (source, tally) in enumerate(zip(study.sources, facts["sources"], strict=True)):
        by_reason = {reason: n for at, reason, n in facts["rows"] if at == number}
        placed = by_reason.pop("placed", 0)
        told.append(
            {
                "source": source.label,
                "metric": source.metric,
                **tally,
                "placed": placed,
                "rejected": by_reason,
                "geocoded": facts["geocoding"][number],
                # Runs of earlier versions do not tell.
                "left_out": facts["left_out"][number] if "left_out" in facts else {},
            }
        )
    return told


def conserved(
    cells: Cells, found: Findings, facts: dict[str, Any], metrics: Sequence[str]
) -> dict[str, dict[str, float]]:
    """
    Say where the documents of the window are; nothing may be lost on the way.

    Each row's fraction is rounded to the nearest integer part of a document, so that half a part a row is all that
    sums may differ by.
    """
    told, n_rows = {}, sum(n for _, _, n in facts["rows"])
    for metric in metrics:
        weight = cells.frame[f"weight_{metric}"].to_numpy()
        window, unplaced = facts["documents"].get(metric, 0), facts["unplaced"].get(metric, 0)
        inside = int(weight[found.labels >= 0].sum())
        noise = int(weight[found.labels < 0].sum())
        if 2 * abs(inside + noise + unplaced - window) > n_rows:
            raise RuntimeError(
                f"{metric}: documents are not conserved: {inside} in clusters + {noise} in noise + {unplaced} "
                f"unplaced is not {window}; this is a fault of geoclusters, please report it with run.json"
            )
        told[metric] = {
            name: value / schema.WEIGHT_ONE
            for name, value in (
                ("window", window),
                ("in_clusters", inside),
                ("noise", noise),
                ("unplaced", unplaced),
            )
        }
    return told
