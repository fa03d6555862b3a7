"""Draws `report.html`: the whole run in one document, to be read, sorted and printed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from geoclusters.pages import embedding
from geoclusters.pages.about import about
from geoclusters.pages.changes import Changes, changes_section, moves
from geoclusters.pages.charts import concentration_chart, concentration_table, scatter_chart
from geoclusters.pages.locator import world_picture
from geoclusters.pages.numbers import files_of
from geoclusters.pages.reliability import reliability
from geoclusters.pages.shares import economy_names
from geoclusters.pages.tables import (
    addresses_table,
    cross_border,
    documents_bars,
    league_table,
    ranking_table,
)
from geoclusters.pages.wording import label, percent, shortened
from geoclusters.results import REPORT_FILE, written_aside

if TYPE_CHECKING:
    from collections.abc import Collection

    from geoclusters.results import Result

_STYLES: Final = ("base.css", "charts.css", "report.css")
_SCRIPTS: Final = ("core.js", "report.js")


def draw_report(result: Result, pages: Collection[str], changes: Changes | None = None) -> None:
    """
    Write the report of a run, all in one file.

    Parameters
    ----------
    pages : collection of str
        Identifiers of the clusters that have a page of their own.
    changes : Changes, optional
        An earlier run and which of its clusters became which.
    """
    page = embedding.document(
        "report.html",
        style=embedding.trusted("".join(embedding.asset(name) for name in _STYLES)),
        scripts=embedding.trusted("\n".join(embedding.asset(name) for name in _SCRIPTS)),
        **report_content(result, pages, changes),
    )
    with written_aside(result.folder / REPORT_FILE) as part:
        part.write_text(page, encoding="utf-8")


def report_content(
    result: Result, pages: Collection[str], changes: Changes | None
) -> dict[str, Any]:
    """Gather what the report shows, as words, places on paper and values to sort by."""
    clusters = result.clusters
    names = economy_names(result)
    moved = None if changes is None else moves(changes)
    table = concentration_table(clusters, result.metrics)
    return {
        "about": about(result),
        "clusters": len(clusters),
        "metrics": [label(m) for m in result.metrics],
        "lead": lead(result),
        "facts": _facts(result),
        "picture": world_picture(clusters, pages),
        "ranking": ranking_table(result, pages, names=names, moves=moved),
        "concentration": [
            {"top": line["top"], "shares": [percent(s) for s in line["shares"]]} for line in table
        ],
        "curve": concentration_chart(clusters, result.metrics),
        "population_sources": [
            shortened(s, 200) for s in clusters["population_source"].dropna().unique() if s
        ],
        "league": league_table(result),
        "scatter": scatter_chart(result, pages),
        "cross_border": cross_border(result, pages, names=names),
        "changes": None if changes is None else changes_section(result, changes, pages),
        "documents": documents_bars(result),
        "addresses": addresses_table(result),
        "quality": reliability(result),
        "files": files_of(result),
    }


def lead(result: Result) -> str:
    """Say in one or two sentences who comes first."""
    clusters = result.clusters
    if not len(clusters):
        return "No place is dense enough to be a cluster under these settings."
    told = [
        f"{shortened(name, 60)} ({percent(score)})"
        for name, score in zip(clusters["name"].head(3), clusters["score"].head(3), strict=True)
    ]
    if len(told) == 1:
        return f"The only cluster is {told[0]}."
    others = " and ".join(told[1:])
    return f"By score, the sum of the shares of the world, {told[0]} comes first, before {others}."


def _facts(result: Result) -> list[tuple[str, str]]:
    """Give the figures at the head: how many, where, how much of the world."""
    clusters = result.clusters
    if not len(clusters):
        return []
    economies = {c for codes in clusters["economies"].fillna("") for c in codes.split("/") if c}
    crossing = int(clusters["cross_border"].astype(bool).sum())
    held = [
        (
            percent(float(clusters[f"share_{m}"].sum())),
            f"of the world\u2019s {_lower(m)} in clusters",
        )
        for m in result.metrics[:3]
    ]
    return [
        (str(len(clusters)), "cluster" if len(clusters) == 1 else "clusters"),
        (str(len(economies)), "economy" if len(economies) == 1 else "economies"),
        (str(crossing), "across a border"),
        *held,
    ]


def _lower(metric: str) -> str:
    """Write a metric within a sentence: only abbreviations keep their capitals."""
    words = label(metric).split(" ")
    return " ".join(w if w.isupper() and len(w) > 1 else w.lower() for w in words)
