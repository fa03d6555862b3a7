"""Guesses which columns of a table are ours, from their names and from the values of the first rows."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np

from geoclusters import schema
from geoclusters.countries import iso2_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from geoclusters.proposing.samples import Sample

    Values = Sequence[str]

_PLAIN_NAME: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|[^0-9A-Za-zÀ-ÿ]+")


def _share(values: Values, test: Callable[[str], bool]) -> float:
    return sum(map(test, values)) / len(values) if values else 0.0


def _number(value: str) -> float:
    try:
        return float(value)
    except ValueError:
        return float("nan")


def _within(limit: float) -> Callable[[Values], bool]:
    def fits(values: Values) -> bool:
        numbers = np.array([_number(v) for v in values])
        return bool(len(numbers)) and bool((np.abs(numbers) <= limit).mean() >= 0.95)

    return fits


def _are_years(values: Values) -> bool:
    first = [_number(v[:4]) for v in values]
    return bool(first) and all(1500 <= year <= 2100 for year in first)


def _are_countries(values: Values) -> bool:
    distinct = np.array(sorted(set(values)), dtype=object)
    known = np.array([code is not None for code in iso2_of(distinct)])
    return bool(len(distinct)) and bool(known.mean() >= 0.7)


def _are_words(values: Values) -> bool:
    return _share(values, lambda v: any(c.isalpha() for c in v)) >= 0.9


def _are_levels(values: Values) -> bool:
    return _share(values, lambda v: v.casefold() in schema.LEVELS) >= 0.9


def _are_counts(values: Values) -> bool:
    return bool(values) and all(_number(v) >= 0 for v in values)


def _are_anything(values: Values) -> bool:
    return bool(values)


_NUMBER_OF: Final = "(_?(id|nr|nbr|no|number|num|key|uuid|uid))"
_NAMED: Final[tuple[tuple[str, tuple[str, ...], Callable[[Values], bool]], ...]] = (
    ("lat", ("lat", "latitude", r".*_lat(itude)?", r"lat(itude)?_.*", "y"), _within(90)),
    ("lon", (
        "lon", "lng", "long", "longitude", r".*_(lon|lng|long|longitude)",
        r"(lon|lng|long|longitude)_.*", "x",
    ), _within(180)),
    ("accuracy", (r".*(accuracy|precision|level|quality).*",), _are_levels),
    ("country", (
        "country", r"(country|ctry)_?(code|id|iso.?)?", r"iso_?(2|3|a2|a3)?", r".*_(country|ctry)(_code)?",
        r"country_.*", "nation", "economy", "land", "pays", "pais",
    ), _are_countries),
    ("place", (
        "city", "place", "town", "municipality", "locality", r"(city|place|town)_name", r".*_(city|town|place)",
        "ort", "stadt", "ville", "commune", "ciudad",
    ), _are_words),
    ("region", (
        "region", "state", "province", r"(region|state|province)_(name|code)", r"admin_?1(_.*)?", "reg_code",
        r"nuts_?[123]?(_.*)?", "prefecture", "bundesland", r".*_(state|region|province)",
    ), _are_words),
    ("document", (
        "document", f"document{_NUMBER_OF}", "doc", f"doc{_NUMBER_OF}",
        f"(patent|publication|pub|paper|article|work|appln|application|deal|round|funding_round|record){_NUMBER_OF}",
        "patent", "publication", "paper", "article", "deal", "pmid", "doi", f".*_(document|doc){_NUMBER_OF}?",
        f"(docdb_)?family{_NUMBER_OF}",
    ), _are_anything),
    ("person", (
        f"(person|inventor|author){_NUMBER_OF}", "person", "inventor", "author", "orcid",
        r"(person|inventor|author|inv|au)_(name|pos|position|seq.*|order|rank)", r".*(inventor|author).*_id",
    ), _are_anything),
    ("organisation", (
        r"organi[sz]ation(_name)?", r"(org|applicant|assignee|institution|company|university|firm)(_name)?",
        r"(org|applicant|assignee|institution|company|university|firm)_.*(name|norm|organi[sz]ation)",
        r"(raw_)?affiliations?(_.*)?", r"inst(_.*)?",
    ), _are_words),
    ("field", (
        "field", r"(field|tech|technology|topic|subject|sector|category)(_.*)?", "discipline", "industry",
        r"(ipc|cpc)(_.*)?", r".*_(field|topic|subject|sector|category)",
    ), _are_anything),
    ("year", (
        "year", r"(pub|publication|filing|app|appln|priority|prio|grant)_?year", r".*_year", r"year_.*", "jahr",
        r"(pub|publication|filing|app|appln|priority|prio|grant|announced|funded).*", "date", r".*_date", r"date_.*",
    ), _are_years),
    ("count", (
        "count", "n", "number", "total", "patents", "publications", "papers", "articles", "deals", "rounds",
        r"(n|num|number|count|total)_.*", r".*_(count|total)",
    ), _are_counts),
)  # fmt: skip
"""Our columns, names that stand for them, the surest first, and what their values must be."""

_AFFILIATION: Final = re.compile(r"(raw_)?affil.*|author_address(es)?")
_IDENTIFIER: Final = re.compile(rf"(.*_)?{_NUMBER_OF[1:-1].removeprefix('_?')}")
_METRICS: Final = {
    "patents": r"patent|inventor|appln|ipc|cpc|assignee|applicant",
    "vc_deals": r"deal|round|fund|invest|raised|startup|venture|vc",
    "publications": r"paper|author|doi|publication|article|journal|affil|university|pmid|citation|work",
}


@dataclass(frozen=True)
class Guess:
    """
    What a table may be.

    Attributes
    ----------
    columns : dict of str to str
        Our column to the table's, in the order of `schema.MAPPED`.
    unsure : frozenset of str
        Those of ours that were guessed from values alone.
    affiliation : str or None
        Column with affiliations as text, where there are no coordinates.
    metric : str or None
        What is counted, if names tell.
    """

    columns: dict[str, str]
    unsure: frozenset[str] = frozenset()
    affiliation: str | None = None
    metric: str | None = None

    @property
    def tells_where(self) -> bool:
        """Whether its rows can be placed, at once or by geocoding."""
        named = {"lat", "place", "region"} & set(self.columns)
        return bool(named) or self.affiliation is not None

    @property
    def is_study(self) -> bool:
        """Whether it has what a source needs."""
        return bool({"document", "count"} & set(self.columns)) and self.tells_where


def guess_columns(sample: Sample, *, file: str = "") -> Guess:
    """
    Guess which columns of a table are ours.

    Parameters
    ----------
    file : str
        Name of the file, which may say what is counted.

    Examples
    --------
    >>> from geoclusters.proposing.samples import Sample
    >>> sample = Sample({"patentNumber": ["1", "1"], "Latitude": ["48.1", "52"], "Lng": ["11", "13"],
    ...                  "ctry": ["DE", "DE"], "filed": ["2019-03-01", "2020-01-31"]}, 2)
    >>> guess = guess_columns(sample)
    >>> guess.columns
    {'document': 'patentNumber', 'lat': 'Latitude', 'lon': 'Lng', 'country': 'ctry', 'year': 'filed'}
    >>> sorted(guess.unsure), guess.metric
    (['year'], 'patents')
    """
    found = _by_name(sample)
    by_value = _by_value(sample, found)
    unsure = frozenset(by_value)
    found |= by_value
    if ("lat" in found) != ("lon" in found):
        found = {ours: name for ours, name in found.items() if ours not in {"lat", "lon"}}
    if "document" not in found and "count" not in found:
        named = _identifier(sample, set(found.values()))
        found |= named
        unsure |= frozenset(named)
    if "document" in found:
        found.pop("count", None)
    ordered = {c.name: found[c.name] for c in schema.MAPPED if c.name in found}
    texts = [n for n in sample.columns if _AFFILIATION.fullmatch(_plain(n))]
    affiliation = texts[0] if texts and "lat" not in ordered else None
    return Guess(ordered, unsure & set(ordered), affiliation, _metric([*sample.columns, file]))


def _plain(name: str) -> str:
    """
    Bring the name of a column to small letters with underscores.

    Examples
    --------
    >>> _plain("patentNumber"), _plain("Author/s "), _plain("CTRY-Code")
    ('patent_number', 'author_s', 'ctry_code')
    """
    return "_".join(part.lower() for part in _PLAIN_NAME.split(name) if part)


def _by_name(sample: Sample) -> dict[str, str]:
    found: dict[str, str] = {}
    for ours, patterns, fits in _NAMED:
        named = (
            name
            for pattern in patterns
            for name, values in sample.columns.items()
            if name and name not in found.values() and re.fullmatch(pattern, _plain(name))
            if fits(values) or (not sample.rows and ours != "accuracy")
        )
        best = next(named, None)
        if best is not None:
            found[ours] = best
    return found


def _by_value(sample: Sample, found: Mapping[str, str]) -> dict[str, str]:
    """Look for what has no telling name: neighbouring coordinates, codes of countries, dates."""
    free = {n: v for n, v in sample.columns.items() if n and v and n not in found.values()}
    added: dict[str, str] = {}
    if not {"lat", "lon"} & set(found):
        exact = {n: v for n, v in free.items() if _share(v, _is_exact) >= 0.8}
        for one, next_one in pairwise(sample.columns):
            if {one, next_one} <= set(exact) and _within(90)(exact[one]):
                added |= {"lat": one, "lon": next_one} if _within(180)(exact[next_one]) else {}
                break
    for ours, looks in (("country", _are_codes), ("year", _are_dates)):
        if ours not in found:
            name = next((n for n, v in free.items() if n not in added.values() and looks(v)), None)
            added |= {ours: name} if name else {}
    return added


def _is_exact(value: str) -> bool:
    return re.fullmatch(r"-?\d{1,3}\.\d{2,}", value) is not None


def _are_codes(values: Values) -> bool:
    looks = re.compile(r"[A-Z]{2,3}")
    return len(set(values)) > 1 and all(map(looks.fullmatch, values)) and _are_countries(values)


def _are_dates(values: Values) -> bool:
    looks = re.compile(r"(19[5-9]|20[0-4])\d(-\d\d-\d\d.*)?")
    return len(values) > 1 and all(looks.fullmatch(v) for v in values)


def _identifier(sample: Sample, taken: set[str]) -> dict[str, str]:
    """Take as document the first column called an identifier, else the one with the most different values."""
    free = {
        n: v for n, v in sample.columns.items() if n and n not in taken and len(v) == sample.rows
    }
    named = [n for n in free if _IDENTIFIER.fullmatch(_plain(n))]
    if named:
        return {"document": named[0]}
    whole = {n: len(set(v)) for n, v in free.items() if not _share(v, _is_exact)}
    many = [n for n, different in whole.items() if different > 0.9 * sample.rows]
    return {"document": many[0]} if many else {}


def _metric(names: Sequence[str]) -> str | None:
    text = " ".join(map(_plain, names))
    counted = Counter({m: len(re.findall(p, text)) for m, p in _METRICS.items()})
    (best, most), (_, second) = counted.most_common(2)
    return best if most > second else None
