"""How far the addresses of each source can be trusted: the section of the report on the quality of the data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from geoclusters.countries import read_countries
from geoclusters.pages.axes import Axis
from geoclusters.pages.quality import COARSE, LEVELS
from geoclusters.pages.shapes import unrolled_lon
from geoclusters.pages.shares import COLOURS, economy_names
from geoclusters.pages.tables import column, number_cell, text_cell
from geoclusters.pages.wording import UNKNOWN, label, number, percent, shortened, source_name
from geoclusters.wording import changed_by_spreading

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from geoclusters.results import Result

NOT_STATED: Final = "not stated"
KINDS: Final = {
    "placeholder": "placeholder",
    "country": "country",
    "place": "town",
    "other": "other",
}
"""What a point stands for on which unrelated documents pile up."""
MEASURES: Final = {
    "placed": "Placed",
    "coarse": "Known to a town at best",
    "piled": "On piles",
    "outside_country": "Outside the stated country",
}
"""Shares of a year that are drawn."""
LEAST_ROWS: Final = 100
"""Years with fewer rows are not drawn: their shares jump by chance."""
MOST_PILES, MOST_COUNTRIES = 10, 8
"""Rows that are shown at once; the others are behind a switch."""
_ZOOM: Final = 11
_OTHER_LEVEL, _NO_LEVEL = 6, 7
_WIDTH, _HEIGHT, _LEFT, _RIGHT, _GROUND, _HEAD = 280.0, 158.0, 50.0, 272.0, 132.0, 10.0


@dataclass(frozen=True)
class _Source:
    """One source with what was counted of it, and what it is called here."""

    name: str
    metric: str
    path: str
    quality: Mapping[str, Any]
    geocoded: Mapping[str, Any]


def reliability(result: Result) -> dict[str, Any] | None:
    """Gather the quality of every source as words, rows and places on paper; None where the run does not say."""
    sources = _sources(result)
    if not sources:
        return None
    names = _country_names() | economy_names(result)
    drawn = sorted(sources, key=lambda s: -s.quality["rows"])[:COLOURS]
    drawn = [s for s in sources if s in drawn]
    charts = [_chart(words, key, drawn) for key, words in MEASURES.items()]
    return {
        "doubts": [
            {"source": s.name if len(sources) > 1 else "", "text": shortened(text, 600)}
            for s in sources
            for text in s.quality["doubts"]
        ],
        "spread": changed_by_spreading(result.run["spread"]) if "spread" in result.run else "",
        "sources": [{"metric": s.metric, "source": s.path} for s in sources],
        "lines": _lines(sources),
        "accuracy": [bar for bar in map(_accuracy, sources) if bar],
        "piles": _piles(sources, names),
        "sampled": any(s.quality["piles"]["sampled"] < 1 for s in sources),
        "countries": _countries(sources, names),
        "charts": [chart for chart in charts if chart],
        "legend": [
            {"name": s.name, "kind": kind}
            for kind, s in enumerate(drawn)
            if any(line["kind"] == kind for chart in charts if chart for line in chart["lines"])
        ],
        "drawn": len(drawn),
        "left_out": len(sources) - len(drawn),
    }


def _country_names() -> dict[str, str]:
    countries = read_countries()
    return dict(zip(countries["iso2"], countries["name"], strict=True))


def _sources(result: Result) -> list[_Source]:
    """Join the quality of each source with what else the run says of it; both are in the order of the study."""
    rows, no_row = iter(result.run.get("rows") or []), dict[str, Any]()
    found = []
    for quality in result.run.get("quality") or []:
        row = next((r for r in rows if r.get("source") == quality["source"]), no_row)
        found.append((label(row.get("metric", "")), quality, row.get("geocoded") or {}))
    metrics = [metric for metric, _, _ in found]
    return [
        _Source(
            name=metric
            if metric and metrics.count(metric) == 1
            else shortened(f"{metric} {source_name(quality['source'])}".strip(), 60),
            metric=metric,
            path=shortened(source_name(quality["source"]), 60),
            quality=quality,
            geocoded=geocoded,
        )
        for metric, quality, geocoded in found
    ]


# ------------------------------------------------------------------ figures by source


def _lines(sources: Sequence[_Source]) -> list[dict[str, Any]]:
    """Lay out a table with a column for each source; lines that say nothing of any are left out."""
    told = [s.quality for s in sources]
    lines = [
        _line("rows in the window", [number(q["rows"]) for q in told]),
        _line("placed", [percent(q["placed"]) for q in told]),
        *_geocoding(sources),
        _line("points with a stated country", [number(q["outside_country"]["rows"]) for q in told]),
        _line("outside that country", [_abroad(q) for q in told], part=True),
        _line("known to a town at best", [percent(coarse_share(q)) for q in told]),
        _line("on piles", [percent(q["piles"]["share"]) for q in told]),
    ]
    for kind, words in KINDS.items():
        shares = [q["piles"]["by_kind"].get(kind, 0.0) for q in told]
        lines.append(_line(words, [percent(s) for s in shares], part=True))
    return [line for line in lines if set(line["values"]) - {UNKNOWN, "0", "0 %"}]


def _line(words: str, values: list[str], *, part: bool = False) -> dict[str, Any]:
    return {"label": words, "values": values, "part": part}


def _geocoding(sources: Sequence[_Source]) -> list[dict[str, Any]]:
    """Lines of the rows that named a place only: what they were given, and how it was found or why not."""
    lines = [_line("without coordinates, with a place", [_asked(s) for s in sources])]
    for level in _keys(sources, "filled", list(LEVELS)):
        counts = [_asked(s, "filled", level) for s in sources]
        lines.append(_line(f"given a point: {LEVELS.get(level, level)}", counts, part=True))
    for reason in _keys(sources, "reasons", []):
        counts = [_asked(s, "reasons", reason) for s in sources]
        lines.append(_line(f"answer: {shortened(reason, 60)}", counts, part=True))
    return lines


def _asked(source: _Source, key: str = "", name: str = "") -> str:
    """Count the rows that were asked for, or those of one answer."""
    asked = source.geocoded.get("asked")
    if not asked:
        return UNKNOWN
    return number(source.geocoded.get(key, {}).get(name, 0) if key else asked)


def _keys(sources: Iterable[_Source], key: str, first: list[str]) -> list[str]:
    """Keys that any source has, the known ones in their order before the others by falling count."""
    counted: dict[str, int] = {}
    for source in sources:
        for name, n in source.geocoded.get(key, {}).items():
            counted[name] = counted.get(name, 0) + n
    others = sorted(set(counted) - set(first), key=lambda name: (-counted[name], name))
    return [name for name in first if name in counted] + others


def _abroad(quality: Mapping[str, Any]) -> str:
    known = quality["outside_country"]
    return percent(known["share"]) if known["rows"] else UNKNOWN


def coarse_share(quality: Mapping[str, Any]) -> float | None:
    """
    Part of the rows of a source that are known to a town or more coarsely, of those that say.

    Examples
    --------
    >>> coarse_share({"accuracy": {"point": 30, "place": 10, "not stated": 60}})
    0.25
    >>> coarse_share({"accuracy": {"not stated": 60}}) is None
    True
    """
    stated = {level: n for level, n in quality["accuracy"].items() if level != NOT_STATED}
    whole = sum(stated.values())
    return sum(n for level, n in stated.items() if level in COARSE) / whole if whole else None


def _accuracy(source: _Source) -> dict[str, Any] | None:
    """Lay out the levels of geocoding as a bar; None where no row states one."""
    levels = {level: n for level, n in source.quality["accuracy"].items() if n}
    if not set(levels) - {NOT_STATED}:
        return None
    kinds = {level: kind for kind, level in enumerate(LEVELS)} | {NOT_STATED: _NO_LEVEL}
    whole = sum(levels.values())
    return {
        "label": source.name,
        "rows": number(whole),
        "segments": [
            {
                "name": LEVELS.get(level, level),
                "share": percent(levels[level] / whole),
                "width": 100 * levels[level] / whole,
                "kind": kinds.get(level, _OTHER_LEVEL),
            }
            for level in sorted(levels, key=lambda level: (kinds.get(level, _OTHER_LEVEL), level))
        ],
    }


# ------------------------------------------------------------------ piles and countries


def _piles(sources: Sequence[_Source], names: Mapping[str, str]) -> dict[str, Any] | None:
    """Lay out the largest piles of all sources, each with a link to its place on the map."""
    points = [(s, p) for s in sources for p in s.quality["piles"]["points"]]
    points.sort(key=lambda pair: -pair[1]["documents"])
    if not points:
        return None
    return {
        "id": "piles",
        "caption": "Points on which unrelated documents pile up",
        "columns": [
            column("Point", "text"),
            column("Country", "text", slim=True),
            column("Source", "text"),
            column("Stands for", "text"),
            column("Documents", "number"),
            column("Organisations", "number", slim=True),
            column("Times the points round about", "number", slim=True),
        ],
        "rows": [
            {"beyond": place >= MOST_PILES, "cells": _pile_cells(s, p, names)}
            for place, (s, p) in enumerate(points)
        ],
        "beyond": max(0, len(points) - MOST_PILES),
        "what": "points",
        "top": MOST_PILES,
    }


def _pile_cells(
    source: _Source, point: Mapping[str, Any], names: Mapping[str, str]
) -> list[dict[str, Any]]:
    at = f"{point['lat']:g}, {point['lon']:g}"
    # Nobody meant the place or the country round a placeholder.
    meant = point["kind"] != "placeholder"
    place = shortened(point["place"] or "", 80) if meant else ""
    country = point["country"] or "" if meant else ""
    return [
        text_cell(f"{place} ({at})" if place else at, href=map_view(point["lat"], point["lon"])),
        text_cell(shortened(names.get(country, country), 60), slim=True),
        text_cell(source.name),
        text_cell(KINDS.get(point["kind"], shortened(point["kind"], 40))),
        number_cell(point["documents"], number(point["documents"])),
        number_cell(point["organisations"], number(point["organisations"]), slim=True),
        number_cell(point["ratio"], number(point["ratio"]), slim=True),
    ]


def map_view(lat: float, lon: float) -> str:
    """
    Address of the world map, drawn to a point.

    Examples
    --------
    >>> map_view(48.13743, 11.57549)
    'map.html#view=11/48.137/11.575'
    """
    drawn = float(unrolled_lon(np.array([lon]))[0])
    return f"map.html#view={_ZOOM}/{lat:.3f}/{drawn:.3f}"


def _countries(sources: Sequence[_Source], names: Mapping[str, str]) -> dict[str, Any] | None:
    """Lay out the countries that most points lie outside of, though they are stated for them."""
    found = [(s, c) for s in sources for c in s.quality["outside_country"]["countries"]]
    found.sort(key=lambda pair: (-pair[1]["outside"], pair[1]["country"]))
    if not found:
        return None
    return {
        "id": "outside-country",
        "caption": "Stated countries outside which points lie",
        "columns": [
            column("Stated country", "text"),
            column("Source", "text"),
            column("Points outside", "number"),
            column("of its points", "number"),
        ],
        "rows": [
            {
                "beyond": place >= MOST_COUNTRIES,
                "cells": [
                    text_cell(shortened(names.get(c["country"], c["country"]), 60), head=True),
                    text_cell(s.name),
                    number_cell(c["outside"], number(c["outside"])),
                    number_cell(c["share"], percent(c["share"])),
                ],
            }
            for place, (s, c) in enumerate(found)
        ],
        "beyond": max(0, len(found) - MOST_COUNTRIES),
        "what": "countries",
        "top": MOST_COUNTRIES,
    }


# ------------------------------------------------------------------ drift


def _chart(title: str, key: str, sources: Sequence[_Source]) -> dict[str, Any] | None:
    """Lay out a share over the years, a line for each source; None where there is nothing to compare."""
    lines = [(s.name, kind, _years(s.quality, key)) for kind, s in enumerate(sources)]
    years = sorted({year for _, _, points in lines for year, _ in points})
    highest = max((share for _, _, points in lines for _, share in points), default=0.0)
    if len(years) < 2 or highest <= 0:
        return None
    x = Axis(years[0], years[-1], _LEFT + 8, _RIGHT - 8, log=False)
    y = Axis(0.0, 1.08 * highest if highest < 0.5 else 1.04, _GROUND, _HEAD, log=False)
    every = -(-(years[-1] - years[0] + 1) // 6)
    ticks = y.ticks(lambda v: f"{100 * v:g} %")
    return {
        "title": title,
        "width": _WIDTH,
        "height": _HEIGHT,
        "left": _LEFT,
        "right": _RIGHT,
        "ground": _GROUND,
        "x": [{"at": x.place(v), "text": str(v)} for v in range(years[0], years[-1] + 1, every)],
        "y": ticks[:: 1 + (len(ticks) - 1) // 6],
        "lines": [
            {
                "kind": kind,
                "path": "M" + "L".join(f"{x.place(v)} {y.place(share)}" for v, share in points),
                "marks": [
                    {
                        "x": x.place(v),
                        "y": y.place(share),
                        "spoken": f"{name}, {v}: {percent(share)}",
                    }
                    for v, share in points
                ],
            }
            for name, kind, points in lines
            if points
        ],
        "spoken": _spoken(title, lines),
    }


def _years(quality: Mapping[str, Any], key: str) -> list[tuple[int, float]]:
    """Give the share of each year that has enough rows and says it."""
    return [
        (int(year), told[key])
        for year, told in sorted(quality["years"].items())
        if year.isdecimal() and told["rows"] >= LEAST_ROWS and told[key] is not None
    ]


def _spoken(title: str, lines: Iterable[tuple[str, int, list[tuple[int, float]]]]) -> str:
    """Say the first and the last year of each line, and its extremes where they are others."""
    said = []
    for name, _, points in lines:
        if points:
            told = {points[0], points[-1], min(points, key=_share), max(points, key=_share)}
            said.append(f"{name} " + ", ".join(f"{y} {percent(s)}" for y, s in sorted(told)))
    return f"{title} by year: {'; '.join(said)}"


def _share(point: tuple[int, float]) -> float:
    return point[1]
