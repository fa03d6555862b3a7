"""Tables of the report as cells with a text to show and a value to sort by."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from geoclusters import schema
from geoclusters.pages.shares import economy_parts
from geoclusters.pages.wording import (
    UNKNOWN,
    label,
    measured,
    number,
    percent,
    shortened,
    source_name,
)

if TYPE_CHECKING:
    from collections.abc import Collection

    from geoclusters.results import Result

LONGEST_NAME: Final = 90
MOST_ECONOMIES: Final = 25
"""Economies of the league that are shown at once; the others are behind a switch."""

_PLAIN: Final = {"slim": False, "bar": None, "id": None, "page": False, "href": None, "head": False}
_REASONS: Final = dict(schema.REASONS)


def text_cell(text: str, **more: Any) -> dict[str, Any]:  # noqa: ANN401
    """Make a cell of words, sorted by the alphabet."""
    return {**_PLAIN, "text": text, "sort": text, "kind": "text", **more}


def number_cell(value: Any, text: str, **more: Any) -> dict[str, Any]:  # noqa: ANN401
    """Make a cell of a number; what is not known is sorted last."""
    known = value is not None and not pd.isna(value)
    sort = f"{float(value):.12g}" if known else ""
    shown = text if known else UNKNOWN
    return {**_PLAIN, "text": shown, "sort": sort, "kind": "number", **more}


def ranking_table(
    result: Result, pages: Collection[str], *, names: dict[str, str], moves: dict[str, Any] | None
) -> dict[str, Any]:
    """
    Lay out the ranking; what lies beyond the printed top is marked as `beyond`.

    Parameters
    ----------
    names : dict
        Names of economies by their codes.
    moves : dict, optional
        From `changes.moves`: how ranks changed, by `cluster_id`.
    """
    metrics, top = result.metrics, int(result.run["settings"]["top"])
    largest = max([float(result.clusters["score"].max()) if len(result.clusters) else 0.0, 1e-12])
    rows = result.clusters.drop(columns=["geometry", "region"]).to_dict("records")
    return {
        "id": "ranking",
        "caption": "Ranking by score",
        "columns": _ranking_columns(metrics, moved=moves is not None),
        "rows": [
            {
                "beyond": row["rank"] > top,
                "cells": _ranking_cells(row, metrics, pages, names, moves, largest),
            }
            for row in rows
        ],
        "beyond": sum(row["rank"] > top for row in rows),
        "what": "clusters",
        "top": top,
    }


def _ranking_columns(metrics: list[str], *, moved: bool) -> list[dict[str, Any]]:
    columns = [
        column("Rank", "number"),
        column("Cluster", "text"),
        column("Economies", "text", slim=True),
        column("Score", "number"),
    ]
    if moved:
        columns.insert(1, column("Change", "number"))
    for m in metrics:
        columns.append(column(label(m), "number", slim=True))
        columns.append(column("of the world", "number", narrow=label(m)))
    return [
        *columns,
        column("Population", "number", slim=True),
        column("Intensity", "number"),
        column("Rank by intensity", "number", slim=True),
    ]


def column(text: str, kind: str, *, slim: bool = False, narrow: str = "") -> dict[str, Any]:
    """
    Describe a column.

    Parameters
    ----------
    slim : bool
        Leave it out where there is little room.
    narrow : str
        What to call it besides where the column before it is left out, and aloud.
    """
    return {"text": text, "kind": kind, "slim": slim, "narrow": narrow}


def _ranking_cells(
    row: dict[Any, Any],
    metrics: list[str],
    pages: Collection[str],
    names: dict[str, str],
    moves: dict[str, Any] | None,
    largest: float,
) -> list[dict[str, Any]]:
    identifier = row["cluster_id"]
    codes = [c for c in str(row["economies"] or "").split("/") if c]
    cells = [
        number_cell(row["rank"], number(row["rank"])),
        text_cell(
            shortened(row["name"], LONGEST_NAME), id=identifier, page=identifier in pages, head=True
        ),
        text_cell(", ".join(shortened(names.get(c, c), 60) for c in codes), slim=True),
        number_cell(row["score"], percent(row["score"]), bar=100 * row["score"] / largest),
    ]
    if moves is not None:
        move = moves.get(identifier, {"change": None, "text": "new"})
        cells.insert(1, {**number_cell(move["change"], move["text"]), "text": move["text"]})
    for m in metrics:
        cells.append(number_cell(row[m], number(round(row[m])), slim=True))
        cells.append(number_cell(row[f"share_{m}"], percent(row[f"share_{m}"])))
    return [
        *cells,
        number_cell(row["population"], number(rounded(row["population"])), slim=True),
        number_cell(row["intensity"], measured(row["intensity"])),
        number_cell(row["intensity_rank"], number(row["intensity_rank"]), slim=True)
        if not pd.isna(row["intensity_rank"])
        else number_cell(None, "", slim=True),
    ]


def rounded(population: Any) -> float | None:  # noqa: ANN401
    """Round an estimate to three digits, which is more than it can be trusted for."""
    return None if population is None or pd.isna(population) else float(f"{population:.3g}")


def league_table(result: Result) -> dict[str, Any]:
    """Lay out the league of economies."""
    metrics, top = result.metrics, int(result.run["settings"]["top"])
    rows = result.economies.to_dict("records")
    largest = max((float(r["score"]) for r in rows), default=0.0) or 1.0
    return {
        "id": "league",
        "caption": "League of economies",
        "columns": [
            column("Place", "number"),
            column("Economy", "text"),
            column("Clusters", "number"),
            column(f"In the first {top}", "number"),
            column("With a part of", "number", slim=True),
            *(column(label(m), "number") for m in metrics),
            column("Score", "number"),
        ],
        "rows": [
            {
                "beyond": place >= MOST_ECONOMIES,
                "cells": [
                    number_cell(place + 1, number(place + 1)),
                    text_cell(shortened(row["name"], 80), head=True),
                    *(number_cell(row[c], number(row[c])) for c in ("clusters", "clusters_top")),
                    number_cell(row["clusters_shared"], number(row["clusters_shared"]), slim=True),
                    *(number_cell(row[f"share_{m}"], percent(row[f"share_{m}"])) for m in metrics),
                    number_cell(
                        row["score"], percent(row["score"]), bar=100 * row["score"] / largest
                    ),
                ],
            }
            for place, row in enumerate(rows)
        ],
        "beyond": max(0, len(rows) - MOST_ECONOMIES),
        "what": "economies",
        "top": MOST_ECONOMIES,
    }


def cross_border(
    result: Result, pages: Collection[str], *, names: dict[str, str]
) -> list[dict[str, Any]]:
    """List the clusters that lie in several economies, with the share of each."""
    chosen = result.clusters[result.clusters["cross_border"].astype(bool)]
    return [
        {
            "id": identifier if identifier in pages else None,
            "rank": rank,
            "name": shortened(name),
            "score": percent(score),
            "parts": economy_parts(shares, names),
        }
        for identifier, rank, name, score, shares in zip(
            *(
                chosen[c].tolist()
                for c in ("cluster_id", "rank", "name", "score", "economy_shares")
            ),
            strict=True,
        )
    ]


def documents_bars(result: Result) -> list[dict[str, Any]]:
    """Part each metric's documents into those in clusters, outside, and not placed."""
    parts = (("in_clusters", "in clusters"), ("noise", "outside"), ("unplaced", "not placed"))
    counted = result.run.get("documents", {})
    return [
        {
            "label": label(m),
            "documents": number(round(counted[m]["window"])),
            "segments": [
                {
                    "name": words,
                    "share": percent(counted[m][key] / (counted[m]["window"] or 1.0)),
                    "width": 100 * counted[m][key] / (counted[m]["window"] or 1.0),
                    "kind": kind,
                }
                for kind, (key, words) in enumerate(parts)
            ],
        }
        for m in result.metrics
        if m in counted
    ]


def addresses_table(result: Result) -> dict[str, Any] | None:
    """Count the addresses of each source: read, placed, rejected by reason; and the documents that were left out."""
    sources = result.run.get("rows") or _counted_rejected(result)
    if not sources:
        return None
    counted: dict[str, int] = {}
    for s in sources:
        for reason, n in s.get("rejected", {}).items():
            counted[reason] = counted.get(reason, 0) + n
    reasons = sorted((r for r, n in counted.items() if n), key=lambda r: (-counted[r], r))
    lines = [
        ("read", "read"),
        ("outside_window", "outside the years"),
        ("without_year", "without a year"),
        ("placed", "placed"),
        ("repaired", "of these repaired"),
    ]
    return {
        "sources": [
            {
                "metric": label(s["metric"]),
                "source": shortened(source_name(s.get("source", "")), 60),
            }
            for s in sources
        ],
        "counts": [
            {"label": words, "values": [number(s.get(key, 0)) for s in sources]}
            for key, words in lines
            if any(s.get(key) for s in sources)
        ],
        "reasons": [
            {
                "label": _REASONS.get(reason, shortened(reason, 120)),
                "values": [number(s.get("rejected", {}).get(reason, 0)) for s in sources],
            }
            for reason in reasons
        ],
        "rejected": [_rejected(s) for s in sources],
        "left_out": [
            {
                "label": shortened(reason, 120),
                "values": [number(s.get("left_out", {}).get(reason, 0)) for s in sources],
            }
            for reason in sorted({reason for s in sources for reason in s.get("left_out", {})})
        ],
    }


def _rejected(source: dict[str, Any]) -> str:
    count, read = sum(source.get("rejected", {}).values()), source.get("read")
    return f"{number(count)} ({percent(count / read)})" if read else number(count)


def _counted_rejected(result: Result) -> list[dict[str, Any]]:
    """Count the table of rejected addresses, for runs that do not say how many there were."""
    if not (result.folder / schema.REJECTED.name).is_file():
        return []
    counted = result.rejected.groupby(["source", "metric", "reason"], as_index=False).size()
    return [
        {
            "source": source,
            "metric": metric,
            "rejected": dict(zip(own["reason"], own["size"], strict=True)),
        }
        for (source, metric), own in counted.groupby(["source", "metric"])
    ]
