"""What an address states: which country and region, and the ways in which its place may be read."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Final

from geoclusters.countries import iso2_of, normalised_name
from geoclusters.geocoding.gazetteer import ANYWHERE, Gazetteer, bare_region, without_region_words
from geoclusters.geocoding.romanisation import fold
from geoclusters.geocoding.spelling import german_long_form, joined, key_of, words_of
from geoclusters.geocoding.wards import cities_of_ward

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

_GENERIC_WORDS: Final = (
    "city town township twp village borough boro district municipality metropolitan metro area greater "
    "cedex near nr rural suburb commune comune gemeinde kommune municipio stad stadt ville vic cdx bei nahe "
    "pref prefecture province county parish"
)
_GENERIC: Final = frozenset(_GENERIC_WORDS.split())
"""Words that say what a place is, in any country and in single ones."""
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
_WARD: Final = "ku"
"""Ends the names of wards, which repeat from city to city in Japan: "Kita-ku" says little without its city."""
_GLUED: Final = {
    "JP": ("shi", "ku", "machi", "cho", "mura", "gun", "ken", "city"),
    **dict.fromkeys(
        ("TW", "CN", "HK"),
        (
            "hsien",
            "hsiang",
            "shih",
            "shi",
            "city",
            "chen",
            "qu",
            "xian",
            "市",
            "区",
            "區",
            "县",
            "縣",
            "省",
        ),
    ),
    "KR": ("si", "shi", "gun", "gu", "ku", "kun", "city", "시", "구", "군"),
    "IS": ("ur",),
}
"""Endings that say what a place is, written in one word with its name."""

FORMER: Final = {
    **dict.fromkeys(
        ("su", "sun", "ussr", "soviet union"), "RU UA BY UZ KZ GE AZ LT MD LV KG TJ AM TM EE"
    ),
    **dict.fromkeys(("yu", "yug", "yugoslavia"), "RS HR SI BA MK ME XK"),
    **dict.fromkeys(("scg", "serbia and montenegro"), "RS ME XK"),
    **dict.fromkeys(("csk", "cshh", "czechoslovakia"), "CZ SK"),
    "cs": "CZ SK RS ME XK",
    **dict.fromkeys(("an", "ant", "netherlands antilles"), "CW SX BQ"),
}
"""States that several took the place of, as old files write them (`normalised_name`); CS was the code of two."""

_UNKNOWN: Final = frozenset({"xx", "zz", "unknown", "not known", "not available"})


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
    whole : str
        Key of its place as it is written; empty where none is named.
    main : str
        The text of the place without what stands behind it.
    aside, brackets : list of str
        Other parts of the address, and those of them that stood in brackets.
    region, country : int
        The region and the country that it certainly names, or -1.
    asks_for_region : bool
        No region is stated, so one may stand behind the place.
    named_regions : tuple of int
        Regions of which the place may be the name.
    named_country : int
        The country of which the place may be the name, or -1.
    unknown_country : bool
        It states a country that nobody knows; those of `FORMER` are known.
    cities_of_ward : tuple of str
        Keys of the cities that have a ward of the place's name.
    """

    readings: list[Reading]
    whole: str = ""
    main: str = ""
    aside: list[str] = field(default_factory=list)
    brackets: list[str] = field(default_factory=list)
    region: int = ANYWHERE
    country: int = ANYWHERE
    asks_for_region: bool = True
    named_regions: tuple[int, ...] = ()
    named_country: int = ANYWHERE
    unknown_country: bool = False
    cities_of_ward: tuple[str, ...] = ()


class Reader:
    """
    Takes addresses apart with a gazetteer at hand; remembers the regions and countries it has seen.

    Parameters
    ----------
    gazetteer : Gazetteer
    """

    def __init__(self, gazetteer: Gazetteer) -> None:
        self.gazetteer = gazetteer
        self._regions: dict[tuple[str, int], tuple[int, ...]] = {}
        self._countries: dict[str, int] = {}
        self._folded: dict[int, dict[str, int]] = {}

    def understood(self, place: str, region: str, country: str) -> Statement:
        """
        Take an address apart.

        Parameters
        ----------
        place, region, country : str
            As the source writes them, empty where missing. What follows a comma in the place may be a region
            or a country and is taken as one where the two are not given.
        """
        parts, brackets = _parts_of(place)
        country = "" if _says_nothing(country) else country
        stated = self._country(country)
        tail = [*parts[1:], *brackets]
        if not country and tail and len(tail[-1]) >= MIN_PART:
            stated = self._named_country(tail[-1])
            tail = tail[:-1] if stated != ANYWHERE else tail
        if not region:
            region = next((t for t in reversed(tail) if self.regions(t, stated)), "")
            tail = [t for t in tail if t != region]
        former = self._former(country)
        found = _within(self.regions(region, stated), former, self.gazetteer)
        main = next(iter([*parts, *brackets]), "")
        named = self._of_key(main, stated) if len(main) >= MIN_PART else ()
        brackets = [b for b in brackets if b in tail]
        whole = key_of(" ".join([main, *brackets])) if main else ""
        in_japan = stated == self.gazetteer.position["JP"]
        return Statement(
            readings=former or self._readings(stated, found, region),
            whole=whole,
            main=main,
            aside=tail,
            brackets=brackets,
            region=found[0] if len(found) == 1 else ANYWHERE,
            country=stated,
            asks_for_region=not region,
            named_regions=_within(named, former, self.gazetteer),
            named_country=self._named_country(main) if len(main) >= MIN_PART else ANYWHERE,
            unknown_country=bool(country) and stated == ANYWHERE and not former,
            cities_of_ward=cities_of_ward(whole) if in_japan else (),
        )

    def other_variants(self, statement: Statement) -> list[Variant]:
        """Give the ways to read the name of a place beside the one as it is written."""
        country = statement.country
        code = self.gazetteer.countries[country] if country != ANYWHERE else None
        variants = [
            *_variants(statement, code),
            *(self._with_region_behind(statement) if statement.asks_for_region else ()),
        ]
        return [v for v in _without_repeats(variants) if v.key != statement.whole]

    def regions(self, text: str, country: int) -> tuple[int, ...]:
        """Regions that a text may mean, of the stated country or of any."""
        known = self._regions.get((text, country))
        if known is None:
            known = self._regions[text, country] = self._find_regions(text, country)
        return known

    def _find_regions(self, text: str, country: int) -> tuple[int, ...]:
        found = self._of_key(text, country)
        if found or country == ANYWHERE or not text:
            return found
        code = self.gazetteer.countries[country]
        row = self._folded_regions(country).get(fold(bare_region(text), code))
        return () if row is None else (row,)

    def _of_key(self, text: str, country: int) -> tuple[int, ...]:
        """Regions of this very name, or of it without "province" and the like."""
        owner = self.gazetteer.region_country
        words = words_of(text)
        for some in (words, without_region_words(words)):
            rows = self.gazetteer.region_keys.get(joined(some), ())
            found = tuple(r for r in rows if country in (ANYWHERE, owner[r]))
            if found or len(some) < len(words):
                return found
        return ()

    def _folded_regions(self, country: int) -> dict[str, int]:
        if country not in self._folded:
            code, owner = self.gazetteer.countries[country], self.gazetteer.region_country
            self._folded[country] = {
                fold(key, code): row
                for key, rows in self.gazetteer.region_keys.items()
                for row in rows
                if owner[row] == country and len(key) >= MIN_PART
            }
        return self._folded[country]

    def _named_country(self, text: str) -> int:
        """Country of this very name; unlike `_country` quick on texts that are seldom one."""
        return self.gazetteer.country_names.get(key_of(text), ANYWHERE)

    def _country(self, text: str) -> int:
        if text not in self._countries:
            code = iso2_of([text])[0] if text else ""
            self._countries[text] = self.gazetteer.position.get(code or "", ANYWHERE)
        return self._countries[text]

    def _former(self, text: str) -> list[Reading]:
        """Read the name of a state of the past as any of those that took its place."""
        codes = FORMER.get(normalised_name(text), "").split() if text else ()
        return [Reading(self.gazetteer.position[code], ANYWHERE) for code in codes]

    def _readings(self, country: int, regions: tuple[int, ...], text: str) -> list[Reading]:
        readings = [Reading(int(self.gazetteer.region_country[r]), r) for r in regions]
        if country == ANYWHERE and text:
            # "CA" behind a place may be California or Canada.
            also = self._country(text)
            readings += [Reading(also, ANYWHERE)] if also != ANYWHERE else []
        if not readings:
            return [Reading(country, ANYWHERE)]
        if country == ANYWHERE:
            return readings
        return [*readings, Reading(country, ANYWHERE, wrong_region=True)]

    def _with_region_behind(self, statement: Statement) -> Iterator[Variant]:
        """Read "Paris TX" and "Suwon Kyonggi-do" as a place in a region."""
        words = statement.main.split()
        for n in (1, 2):
            if len(words) <= n:
                return
            tail, key = " ".join(words[-n:]), key_of(" ".join(words[:-n]))
            if len(key) >= MIN_PART and len(tail) >= 2:
                regions = self.regions(tail, statement.country)
                yield from (Variant(key, TAIL, 0, r) for r in regions)


def _says_nothing(country: str) -> bool:
    """Tell whether a code stands for "not known": XX and ZZ, or signs without a letter ("--", "..", "75")."""
    return country.strip().casefold() in _UNKNOWN or not any(map(str.isalpha, country))


def _within(
    regions: tuple[int, ...], readings: list[Reading], gazetteer: Gazetteer
) -> tuple[int, ...]:
    """Regions of the countries of some readings; all where there are none."""
    countries = {reading.country for reading in readings}
    return tuple(
        r for r in regions if not countries or int(gazetteer.region_country[r]) in countries
    )


def _parts_of(text: str) -> tuple[list[str], list[str]]:
    """Parts of an address between commas without postcodes, and what stood in brackets."""
    brackets = [b.strip() for b in _BRACKETS.findall(text) if len(b.strip()) >= 2]
    text = _BRACKETS.sub(" ", text)
    without = _POSTCODE.sub(" ", text)
    pieces = [p.strip() for p in _PARTS.split(without)]
    return [p for p in pieces if p], brackets


def _variants(statement: Statement, code: str | None) -> Iterator[Variant]:
    words = words_of(statement.main)[:_LONGEST_LIST]
    if words:
        if statement.brackets:
            yield Variant(joined(words), PART)
        if code in {"DE", "AT", "CH"} and (long := german_long_form(words)) != words:
            yield Variant(joined(long), LONG)
        alone = not statement.aside and statement.region == ANYWHERE
        if not (code == "JP" and alone and statement.whole.endswith(_WARD)):
            yield from _bare(words, code)
        yield from _subsequences(words)
    for text in statement.aside:
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
                yield Variant(
                    key, PART, len(words) - n + (part is not words[:n] and part[0] != words[0])
                )


def _without_repeats(variants: list[Variant]) -> list[Variant]:
    first: dict[tuple[str, int], Variant] = {}
    # What stands before a region is not also a part of a longer name.
    before_region = {v.key for v in variants if v.kind == TAIL}
    for variant in variants:
        if variant.key and not (variant.kind == PART and variant.key in before_region):
            first.setdefault((variant.key, variant.region), variant)
    return list(first.values())
