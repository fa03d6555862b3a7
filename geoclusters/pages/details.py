"""What the page of a cluster tells in tables: years, organisations, partners."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias

from geoclusters.pages.partners import partners_by_identifier
from geoclusters.pages.wording import label, number, shortened

if TYPE_CHECKING:
    from collections.abc import Collection

    import pandas as pd

    from geoclusters.results import Result

_Lines: TypeAlias = "dict[str, list[tuple[Any, float]]]"

MOST_LINES: Final = 8
MOST_PARTNERS: Final = 12
_WIDTH, _HEIGHT, _HEAD, _FOOT = 240.0, 104.0, 14.0, 16.0
"""Of a chart of years, in its own units; head and foot hold values and years."""
_ROOMY: Final = 38.0
"""A bar with so much room has its value written above it; otherwise the highest only."""


class Details:
    """The breakdowns and links of a run, grouped by cluster once for all pages."""

    def __init__(self, result: Result) -> None:
        self._metrics = result.metrics
        clusters = result.clusters
        self._names = dict(zip(clusters["cluster_id"], clusters["name"], strict=True))
        self._ranks = dict(zip(clusters["cluster_id"], clusters["rank"], strict=True))
        years = result.breakdown("years")
        self._years = _grouped(_known(years, "year"), "year")
        dated = years[years["year"].notna() & (years["documents"] > 0)]
        self._dated = [m for m in self._metrics if m in set(dated["metric"])]
        self._organisations = _grouped(
            _largest(result.breakdown("organisations"), "organisation"), "organisation"
        )
        self._partners = _partners(result)

    def of(self, row: dict[str, Any], pages: Collection[str]) -> dict[str, Any]:
        """Gather the tables of one cluster; `pages` are the clusters that can be linked to."""
        identifier = row["cluster_id"]
        return {
            "years": self._charts(identifier),
            "organisations": self._lists(self._organisations.get(identifier), row),
            "partners": self._partner_rows(identifier, pages),
            "metrics": [label(m) for m in self._metrics],
        }

    def year_rows(self, identifier: str) -> list[tuple[str, int, float]]:
        """Give metric, year and documents, for the download."""
        years = self._years.get(identifier) or {}
        return [(m, int(y), float(d)) for m in self._metrics for y, d in years.get(m, [])]

    def _charts(self, identifier: str) -> list[dict[str, Any]]:
        years = self._years.get(identifier)
        if not years:
            return []
        known = [year for lines in years.values() for year, _ in lines]
        span = range(min(known), max(known) + 1)
        return [
            year_chart(label(m), dict.fromkeys(span, 0.0) | dict(years.get(m, [])))
            for m in self._dated
        ]

    def _lists(self, lines: _Lines | None, row: dict[str, Any]) -> list[dict[str, Any]]:
        """List the largest for each metric, with their part of the cluster's documents."""
        return [
            {
                "label": label(metric),
                "entries": [
                    {
                        "name": shortened(name),
                        "documents": number(documents),
                        "bar": min(100.0, 100.0 * documents / (row[metric] or 1.0)),
                    }
                    for name, documents in lines[metric]
                ],
            }
            for metric in self._metrics
            if lines and metric in lines
        ]

    def _partner_rows(self, identifier: str, pages: Collection[str]) -> list[dict[str, Any]]:
        partners = self._partners.get(identifier)
        if partners is None:
            return []
        return [
            {
                "id": partner if partner in pages else None,
                "name": shortened(self._names[partner]),
                "rank": self._ranks[partner],
                "documents": [number(v) for v in documents],
            }
            for partner, documents in partners
            if partner in self._names
        ]


def _known(frame: pd.DataFrame, column: str) -> pd.DataFrame:
    """Leave out what lies outside every cluster, and what has no year or name."""
    return frame[frame["cluster_id"].notna() & frame[column].notna() & (frame[column] != "")]


def _largest(frame: pd.DataFrame, column: str) -> pd.DataFrame:
    """Keep the largest lines of each cluster and metric; ties go by name."""
    ordered = _known(frame, column).sort_values(
        ["documents", column], ascending=[False, True], kind="stable"
    )
    return ordered.groupby(["cluster_id", "metric"], sort=False).head(MOST_LINES)


def _grouped(frame: pd.DataFrame, column: str) -> dict[str, _Lines]:
    """Give the lines of each cluster and metric in their order."""
    grouped: dict[str, _Lines] = {}
    columns = (frame[name].tolist() for name in ("cluster_id", "metric", column, "documents"))
    for identifier, metric, key, documents in zip(*columns, strict=True):
        grouped.setdefault(identifier, {}).setdefault(metric, []).append((key, documents))
    return grouped


def _partners(result: Result) -> dict[str, list[tuple[str, list[int]]]]:
    """Keep the strongest partners of each cluster, with the documents of each metric."""
    identifiers, partners = partners_by_identifier(result)
    kept = partners.place < MOST_PARTNERS
    columns = (identifiers[ends[kept]].tolist() for ends in (partners.one, partners.other))
    counts = result.pairs[result.metrics].to_numpy()[partners.pair[kept]].tolist()
    found: dict[str, list[tuple[str, list[int]]]] = {}
    for cluster, partner, documents in zip(*columns, counts, strict=True):
        found.setdefault(cluster, []).append((partner, documents))
    return found


def year_chart(title: str, years: dict[int, float]) -> dict[str, Any]:
    """
    Lay out the bars of a small chart of years.

    Examples
    --------
    >>> chart = year_chart("Patents", {2019: 5.0, 2020: 10.0})
    >>> [bar["height"] for bar in chart["bars"]], chart["spoken"]
    ([37.0, 74.0], 'Patents by year: 2019 5, 2020 10')
    """
    room = _HEIGHT - _HEAD - _FOOT
    step = _WIDTH / max(len(years), 1)
    largest = max(years.values(), default=0.0) or 1.0
    every = max(1, round(34 / step))
    roomy = step >= _ROOMY
    bars = []
    for place, (year, documents) in enumerate(years.items()):
        height = round(room * documents / largest, 1)
        bars.append(
            {
                "x": round(place * step + 0.1 * step, 1),
                "y": round(_HEAD + room - height, 1),
                "width": round(0.8 * step, 1),
                "height": height,
                "middle": round((place + 0.5) * step, 1),
                "year": year if place % every == 0 else None,
                "value": number(round(documents)) if roomy or documents == largest else None,
                "spoken": f"{year}: {number(documents)}",
            }
        )
    spoken = ", ".join(f"{year} {number(documents)}" for year, documents in years.items())
    return {
        "title": title,
        "bars": bars,
        "width": _WIDTH,
        "height": _HEIGHT,
        "ground": _HEAD + room,
        "spoken": f"{title} by year: {spoken}",
    }
