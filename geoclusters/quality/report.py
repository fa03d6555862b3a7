"""The quality report: what a tally found, in words and numbers that can be written as JSON."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from geoclusters.quality.piles import find_piles, piled_share, summed_by_kind
from geoclusters.quality.tally import PLACED
from geoclusters.schema import LEVELS, REASONS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt
    import pandas as pd

    from geoclusters.quality.drawing import DocumentSample
    from geoclusters.quality.tally import QualityTally

    Flags = npt.NDArray[np.bool_]

PILES_TOLD: Final = 20
COUNTRIES_TOLD: Final = 10
NOT_STATED: Final = "not stated"
WITHOUT_YEAR: Final = "without"
LEAST_ROWS: Final = 100
"""Years and countries with fewer rows are told, but nothing is concluded from them."""
DRIFT: Final = 0.10
PILED: Final = 0.10
ABROAD: Final = 0.05


def quality_report(
    tally: QualityTally, *, sources: Sequence[str], countries: Sequence[str]
) -> list[dict[str, Any]]:
    """
    Tell the quality of each source.

    Parameters
    ----------
    tally : QualityTally
        What was counted.
    sources : sequence of str
        Label of each source, in the order of the study.
    countries : sequence of str
        Name of each code of a country.

    Returns
    -------
    list of dict
        One a source that has rows, each with:

        - `source`; `rows`; `placed`, a share of the rows; `rejected`, rows by reason;
        - `accuracy`, rows by level of geocoding, placed or not;
        - `outside_country`: `rows` that have a point and a stated country, the `share` of them that lie outside it,
          and the `countries` with most such rows;
        - `piles`: `sampled` (part of the documents that was looked at), the `share` of the rows on piles, `by_kind`,
          and the largest as `points` (documents of the sample);
        - `years`: per year the rows, and the shares placed, outside their country, known to a town at best, on piles;
        - `doubts`: what a user should look at, as sentences.
    """
    by_source: dict[int, Counter[tuple[int, ...]]] = {}
    for (source, *rest), n in tally.rows().items():
        by_source.setdefault(source, Counter())[tuple(rest)] += n
    samples = dict(tally.samples())
    told = []
    for source, rows in sorted(by_source.items()):
        stated = {k[1:]: n for k, n in tally.stated().items() if k[0] == source}
        told.append(_of_source(sources[source], rows, stated, samples.get(source), countries))
    return told


def _of_source(
    label: str,
    rows: Mapping[tuple[int, ...], int],
    stated: Mapping[tuple[int, ...], int],
    sample: DocumentSample | None,
    countries: Sequence[str],
) -> dict[str, Any]:
    total = sum(rows.values())
    reasons = _summed(rows, 2)
    piles, shares = _piles(sample)
    report: dict[str, Any] = {
        "source": label,
        "rows": total,
        "placed": _share(reasons[PLACED], total),
        "rejected": {REASONS[r][0]: n for r, n in sorted(reasons.items()) if r != PLACED},
        "accuracy": {_level(a): n for a, n in sorted(_summed(rows, 1).items())},
        "outside_country": _abroad(stated, countries),
        "piles": piles,
        "years": _years(rows, shares),
    }
    report["doubts"] = list(_doubts(report))
    return report


def _summed(rows: Mapping[tuple[int, ...], int], place: int) -> Counter[int]:
    found: Counter[int] = Counter()
    for key, n in rows.items():
        found[key[place]] += n
    return found


def _level(code: int) -> str:
    return LEVELS[code] if code >= 0 else NOT_STATED


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0


def _abroad(stated: Mapping[tuple[int, ...], int], countries: Sequence[str]) -> dict[str, Any]:
    """How many points lie outside their stated country, and for which countries most."""
    outside: Counter[int] = Counter()
    total: Counter[int] = Counter()
    for (country, reason), n in stated.items():
        total[country] += n
        outside[country] += n if reason != PLACED else 0
    most = sorted((c for c in outside if outside[c]), key=lambda c: (-outside[c], c))
    return {
        "rows": total.total(),
        "share": _share(outside.total(), total.total()),
        "countries": [
            {
                "country": countries[c],
                "rows": total[c],
                "outside": outside[c],
                "share": _share(outside[c], total[c]),
            }
            for c in most[:COUNTRIES_TOLD]
        ],
    }


def _piles(sample: DocumentSample | None) -> tuple[dict[str, Any], dict[int, float]]:
    """Tell the piles of a source, and the share of its rows on them per year."""
    columns = sample.columns() if sample else {}
    if not sample or not columns or not len(columns["document"]):
        return {"sampled": 1.0, "share": 0.0, "by_kind": {}, "points": []}, {}
    names = ("document", "lat", "lon", "organisation")
    table, pile = find_piles(**{name: columns[name] for name in names})  # type: ignore[arg-type]
    year = columns["year"]
    by_kind = summed_by_kind(table)
    told = {
        "sampled": sample.fraction,
        "share": piled_share(pile),
        "by_kind": {kind: _share(n, len(pile)) for kind, n in by_kind.items()},
        "points": _points(table.head(PILES_TOLD)),
    }
    return told, {int(y): piled_share(pile, year == y) for y in np.unique(year)}


def _points(piles: pd.DataFrame) -> list[dict[str, Any]]:
    return [
        {
            **{
                name: point[name]
                for name in ("lat", "lon", "kind", "place", "country", "documents")
            },
            "organisations": _finite(point["organisations"]),
            "ratio": _finite(point["ratio"]),
        }
        for point in piles.to_dict("records")
    ]


def _finite(value: float) -> float | None:
    return round(value, 1) if np.isfinite(value) else None


def _years(
    rows: Mapping[tuple[int, ...], int], piled: Mapping[int, float]
) -> dict[str, dict[str, Any]]:
    """Shares of each year, to see whether they drift."""
    town = LEVELS.index("place")
    outside = [name for name, _ in REASONS].index("outside_country")
    told: dict[int, Counter[str]] = {}
    for (year, level, reason), n in rows.items():
        found = told.setdefault(year, Counter())
        found["rows"] += n
        found["placed"] += n * (reason == PLACED)
        found["outside_country"] += n * (reason == outside)
        found["stated"] += n * (level >= 0)
        found["coarse"] += n * (level >= town)
    return {
        str(year) if year >= 0 else WITHOUT_YEAR: {
            "rows": found["rows"],
            "placed": _share(found["placed"], found["rows"]),
            "outside_country": _share(found["outside_country"], found["rows"]),
            "coarse": _share(found["coarse"], found["stated"]) if found["stated"] else None,
            "piled": piled.get(year, 0.0),
        }
        for year, found in sorted(told.items())
    }


def _doubts(report: Mapping[str, Any]) -> list[str]:
    """Say what a user should look at."""
    found = []
    piles, abroad = report["piles"], report["outside_country"]
    if piles["share"] > PILED and piles["points"]:
        top = piles["points"][0]
        found.append(
            f"{piles['share']:.0%} of the rows with a point lie on points where unrelated documents pile up, most of "
            f"all {top['documents']:,} documents on {top['lat']:g}, {top['lon']:g} ({top['kind']}, near "
            f"{top['place']}): they are known to a city at best; think of spread = 'places' where their "
            "level is stated, or leave them out by accuracy"
        )
    if abroad["share"] > ABROAD:
        worst = abroad["countries"][0]
        found.append(
            f"{abroad['share']:.0%} of the points lie outside their stated country, most often {worst['country']} "
            f"({worst['outside']:,} rows): look whether 'lat', 'lon' and 'country' are the right columns"
        )
    years = {
        y: v for y, v in report["years"].items() if y != WITHOUT_YEAR and v["rows"] >= LEAST_ROWS
    }
    for key, words in (
        ("placed", "could be placed"),
        ("coarse", "are known to a town at best"),
        ("piled", "lie on piles"),
    ):
        if drift := _drift(years, key):
            first, last, a, b = drift
            found.append(
                f"{a:.0%} of the rows of {first}, but {b:.0%} of those of {last} {words}: counts of these years do "
                "not compare"
            )
    return found


def _drift(
    years: Mapping[str, Mapping[str, Any]], key: str
) -> tuple[str, str, float, float] | None:
    """Years with the lowest and the highest share, the earlier one first, where they are far apart."""
    known = [(v[key], y) for y, v in years.items() if v[key] is not None]
    if not known:
        return None
    low, high = min(known), min(known, key=lambda pair: (-pair[0], pair[1]))
    if high[0] - low[0] <= DRIFT:
        return None
    first, last = sorted((low, high), key=lambda pair: pair[1])
    return first[1], last[1], first[0], last[0]
