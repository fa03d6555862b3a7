"""What an address states: which country and region, and the ways in which its place may be read."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Final

from geoclusters.countries import iso2_of
from geoclusters.geocoding.gazetteer import ANYWHERE, Gazetteer, bare_region
from geoclusters.geocoding.romanisation import fold
from geoclusters.geocoding.spelling import german_long_form, joined, key_of, words_of

if TYPE_CHECKING:
    from collections.abc import Iterator

WHOLE: Final = "whole"
LONG: Final = "long form"
BARE: Final = "without generic words"
TAIL: Final = "with a region behind it"
PART: Final = "part of the name"
ASIDE: Final = "other part of the address"
REGION: Final = "name of a region"

_POSTCODE: Final = re.compile(r"\b(?:[A-Za-z]{1,3}[- ])?\w*\d[\w-]*")
_BRACKETS: Final = re.compile(r"[(\[{]([^)\]}]*)[)\]}]?")
_PARTS: Final = re.compile(r"[,;|\n]+")
_LONGEST_LIST: Final = 8
"""Words of a name that are taken apart; an address line of more is cut off."""
MIN_PART: Final = 4
"""Letters that a part of a name needs to stand for the whole."""

_GENERIC: Final = frozenset(
    "city town township twp village borough boro district municipality metropolitan metro area greater "
    "cedex near nr rural suburb commune comune gemeinde kommune municipio stad stadt ville vic cdx bei nahe "
    "pref prefecture province county parish".split()
)
_GENERIC_OF: Final = {
    **dict.fromkeys(("JP",), "shi ku machi cho mura son gun ken to fu city"),
    **dict.fromkeys(
        ("TW", "CN", "HK", "MO"),
        "hsien hsiang shiang hsian siang hsieng chen jen shih shi city xian qu chu tsun cun li sheng shen hsi "
        "town township county dist new territories nt kowloon sec rd road",
    ),
    **dict.fromkeys(
        ("KR",), "si shi gun gu ku kun do dong ri eup eub myun myeon myon city kwangyeoksi jikhalsi"
    ),
    **dict.fromkeys(("IL",), "kibbutz kibutz moshav doar na d n m p post mobile hasharon"),
    **dict.fromkeys(
        ("DE", "AT", "CH"), "ot ortsteil kreis post markt a b i am im an bei in ob der"
    ),
    **dict.fromkeys(("DK", "SE", "NO"), "k s v n o c m kommun lan"),
    **dict.fromkeys(("GB", "IE"), "co upon by"),
    **dict.fromkeys(("NL", "BE"), "holland the netherlands gem"),
    **dict.fromkeys(("MY",), "bandar bdr kampung kg"),
}
_GLUED: Final = {
    "JP": ("shi", "ku", "machi", "cho", "mura", "gun", "ken", "city"),
    **dict.fromkeys(
        ("TW", "CN", "HK"),
        ("hsien", "hsiang", "shih", "shi", "city", "chen", "qu", "xian", "市", "区", "區", "县", "縣", "省"),
    ),
    "KR": ("si", "shi", "gun", "gu", "ku", "kun", "city", "시", "구", "군"),
    "IS": ("ur",),
}
"""Endings that say what a place is, written in one word with its name."""


@dataclass(frozen=True)
class Reading:
    """One way to read where an address lies; -1 = not stated."""

    country: int
    region: int
    wrong_region: bool = False


@dataclass(frozen=True)
class Variant:
    """
    One way to read the name of a place.

    Attributes
    ----------
    key : str
    kind : str
        How it came about.
    dropped : int
        Words that were left out.
    region : int
        Region that stands behind the name, where it then must lie; -1 = none.
    """

    key: str
    kind: str
    dropped: int = 0
    region: int = ANYWHERE


@dataclass
class Statement:
    """
    One distinct address as it can be understood.

    Attributes
    ----------
    readings : list of Reading
        Where it may lie; the first is what the address says if all of it is right.
    variants : list of Variant
        How its place may be read; empty where none is named.
    region : int
        The region that it certainly names, or -1.
    country : int
        The country that it certainly names, or -1.
    named_regions : tuple of int
        Regions of which the place may be the name.
    unknown_country : bool
        It states a country that nobody knows.
    """

    readings: list[Reading]
    variants: list[Variant] = field(default_factory=list)
    region: int = ANYWHERE
    country: int = ANYWHERE
    named_regions: tuple[int, ...] = ()
    unknown_country: bool = False


def understood(
    gazetteer: Gazetteer, *, place: str | None, region: str | None, country: str | None
) -> Statement:
    """
    Take an address apart.

    Parameters
    ----------
    place, region, country : str or None
        As the source writes them. What follows a comma in the place may be a region or a country and is
        taken as one where the two are not given.
    """
    parts, brackets = _parts_of(place or "")
    stated = _country(country, gazetteer)
    tail, stated_region = [*parts[1:], *brackets], region
    if stated == ANYWHERE and not country and tail:
        stated = _country(tail[-1], gazetteer, names_only=True)
        tail = tail[:-1] if stated != ANYWHERE else tail
    if not stated_region:
        stated_region = next((t for t in reversed(tail) if _regions(t, stated, gazetteer)), None)
        tail = [t for t in tail if t != stated_region]
    found = _regions(stated_region, stated, gazetteer) if stated_region else ()
    code = gazetteer.countries[stated] if stated != ANYWHERE else None
    main = parts[:1] or brackets[:1]
    variants = [
        *_variants(main, tail, code, [b for b in brackets if b in tail]),
        *_with_region_behind(main, stated, gazetteer, asked=not stated_region),
    ]
    return Statement(
        readings=_readings(stated, found, stated_region, gazetteer),
        variants=_without_repeats(variants),
        region=found[0] if len(found) == 1 else ANYWHERE,
        country=stated,
        named_regions=_named_regions(parts[:1], stated, gazetteer),
        unknown_country=bool(country) and stated == ANYWHERE,
    )


def _named_regions(main: list[str], country: int, gazetteer: Gazetteer) -> tuple[int, ...]:
    return _regions(main[0], country, gazetteer) if main and len(main[0]) >= MIN_PART else ()


def _parts_of(text: str) -> tuple[list[str], list[str]]:
    """Parts of an address between commas without postcodes, and what stood in brackets."""
    brackets = [b.strip() for b in _BRACKETS.findall(text) if len(b.strip()) >= 2]
    text = _BRACKETS.sub(" ", text)
    without = _POSTCODE.sub(" ", text)
    pieces = [p.strip() for p in _PARTS.split(without)]
    return [p for p in pieces if p], brackets


@cache
def _country_code(text: str) -> str | None:
    return iso2_of([text])[0]  # type: ignore[no-any-return]


def _country(text: str | None, gazetteer: Gazetteer, *, names_only: bool = False) -> int:
    if not text or (names_only and len(text) < MIN_PART):
        return ANYWHERE
    code = _country_code(text)
    return _position(gazetteer.countries).get(code, ANYWHERE) if code else ANYWHERE


_positions: dict[int, dict[str, int]] = {}


def _position(countries: list[str]) -> dict[str, int]:
    key = id(countries)
    if key not in _positions:
        _positions[key] = {code: i for i, code in enumerate(countries)}
    return _positions[key]


@cache
def _folded_regions(country: int) -> dict[str, int]:
    from geoclusters.geocoding.gazetteer import load_gazetteer  # noqa: PLC0415

    gazetteer = load_gazetteer()
    code = gazetteer.countries[country]
    inside = gazetteer.regions["country"].to_numpy() == country
    return {
        fold(key, code): row
        for key, rows in gazetteer.region_keys.items()
        for row in rows
        if inside[row] and len(key) >= MIN_PART
    }


def _regions(text: str, country: int, gazetteer: Gazetteer) -> tuple[int, ...]:
    """Regions that a text may mean, of the stated country or of any."""
    owner = gazetteer.regions["country"].to_numpy()
    for key in (key_of(text), bare_region(text)):
        rows = gazetteer.region_keys.get(key, ())
        found = tuple(r for r in rows if country == ANYWHERE or owner[r] == country)
        if found:
            return found
    if country == ANYWHERE:
        return ()
    row = _folded_regions(country).get(fold(bare_region(text), gazetteer.countries[country]))
    return () if row is None else (row,)


def _readings(
    country: int, regions: tuple[int, ...], text: str | None, gazetteer: Gazetteer
) -> list[Reading]:
    owner = gazetteer.regions["country"].to_numpy()
    readings = [Reading(int(owner[r]), r) for r in regions]
    if country == ANYWHERE and text:
        # "CA" behind a place may be California or Canada.
        also = _country(text, gazetteer)
        readings += [Reading(also, ANYWHERE)] if also != ANYWHERE else []
    if not readings:
        return [Reading(country, ANYWHERE)]
    if country == ANYWHERE:
        return readings
    return [*readings, Reading(country, ANYWHERE, wrong_region=True)]


def _with_region_behind(
    main: list[str], country: int, gazetteer: Gazetteer, *, asked: bool
) -> Iterator[Variant]:
    """Read "Paris TX" and "Suwon Kyonggi-do" as a place in a region."""
    words = main[0].split() if main and asked else []
    for n in (1, 2):
        if len(words) <= n:
            return
        tail, key = " ".join(words[-n:]), key_of(" ".join(words[:-n]))
        if len(key) >= MIN_PART and len(tail) >= 2:
            yield from (Variant(key, TAIL, 0, r) for r in _regions(tail, country, gazetteer))


def _variants(
    main: list[str], aside: list[str], code: str | None, brackets: list[str]
) -> Iterator[Variant]:
    for text in main:
        if brackets:
            yield Variant(key_of(" ".join([text, *brackets])), WHOLE)
        words = words_of(text)[:_LONGEST_LIST]
        if not words:
            continue
        yield Variant(joined(words), PART if brackets else WHOLE)
        if code in {"DE", "AT", "CH"} and (long := german_long_form(words)) != words:
            yield Variant(joined(long), LONG)
        yield from _bare(words, code)
        yield from _subsequences(words)
    for text in aside:
        words = words_of(text)[:_LONGEST_LIST]
        key = joined(words)
        if len(key) >= MIN_PART or not key.isascii():
            yield Variant(key, ASIDE)
        yield from (Variant(v.key, ASIDE, 1) for v in _bare(words, code))


def _bare(words: list[str], code: str | None) -> Iterator[Variant]:
    """Name without the words and endings that say what kind of place it is."""
    generic = _GENERIC | _generic_of(code)
    kept = [w for w in words if w not in generic]
    if code == "NL" and kept and len(kept[0]) <= 2:  # letters of a postcode
        kept = kept[1:]
    if kept and kept != words:
        yield Variant(joined(kept), BARE)
    key = joined(kept or words)
    for ending in _GLUED.get(code or "", ()):
        short = key.removesuffix(ending)
        if short != key and len(short) >= (3 if short.isascii() else 1):
            yield Variant(short, BARE)


@cache
def _generic_of(code: str | None) -> frozenset[str]:
    return frozenset(_GENERIC_OF.get(code or "", "").split())


def _subsequences(words: list[str]) -> Iterator[Variant]:
    for n in range(len(words) - 1, 0, -1):
        for part in (words[:n], words[-n:]):
            key = joined(part)
            if len(key) >= MIN_PART:
                yield Variant(key, PART, len(words) - n + (part is not words[:n] and part[0] != words[0]))


def _without_repeats(variants: list[Variant]) -> list[Variant]:
    first: dict[tuple[str, int], Variant] = {}
    for variant in variants:
        if variant.key:
            first.setdefault((variant.key, variant.region), variant)
    return list(first.values())
