"""The places in memory: by the key of their names, by country and region, ready to be searched."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from geoclusters.countries import read_countries
from geoclusters.earth import unit_vectors
from geoclusters.geocoding.distance import Letters
from geoclusters.geocoding.romanisation import fold_all
from geoclusters.geocoding.spelling import joined, key_of, words_of
from geoclusters.places import read_gazetteer, read_regions

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    Ints = npt.NDArray[np.int64]
    Flags = npt.NDArray[np.bool_]

ANYWHERE: Final = -1
"""Stands for "no country" and "no region" where a number is wanted."""

LARGE: Final = 15_000
"""Inhabitants from which a misspelt name is recognised without a country."""

MIN_MANGLED: Final = 4
"""Letters that must be left of a name that lost its accented ones."""

_REGION_WORDS: Final = (
    "province prefecture state oblast krai kray region county department governorate district land canton kanton "
    "ken fu to do sheng shi voivodeship wojewodztwo republic of republik provincia departamento estado ile"
)
REGION_WORDS: Final = frozenset(_REGION_WORDS.split())
"""Words that say that a name is that of a region."""


@dataclass(frozen=True)
class Gazetteer:
    """
    Every place and every key under which it is found.

    Attributes
    ----------
    places : pandas.DataFrame
        As `places.read_gazetteer` gives it, without the keys.
    country, region : numpy.ndarray of int64, one entry a place
        Position in `countries` and in `regions`; -1 where there is none.
    countries : list of str
        ISO 3166-1 alpha-2.
    regions : pandas.DataFrame
        `country` (its position), `region_code`, `name`, `lat`, `lon`, `population`.
    entry_key, entry_place, entry_is_other
        One entry for each name of each place: its key, the place, and whether it is another name than the first.
    """

    places: pd.DataFrame
    country: Ints
    region: Ints
    countries: list[str]
    regions: pd.DataFrame
    entry_key: npt.NDArray[np.object_]
    entry_place: Ints
    entry_is_other: Flags

    @cached_property
    def _hashes(self) -> tuple[npt.NDArray[np.uint64], Ints]:
        hashes = pd.util.hash_array(self.entry_key, categorize=False)
        order = np.argsort(hashes, kind="stable")
        return hashes[order], order

    @cached_property
    def points(self) -> pd.DataFrame:
        """Everything that an address may mean, the places and behind them the regions: `lat`, `lon`, `population`."""
        columns = ["lat", "lon", "population"]
        return pd.concat([self.places[columns], self.regions[columns]], ignore_index=True)

    @cached_property
    def vectors(self) -> npt.NDArray[np.float64]:
        """Points of the places and regions as unit vectors."""
        return unit_vectors(self.points["lat"], self.points["lon"])

    @cached_property
    def country_centres(self) -> pd.DataFrame:
        """Points of the countries where their people live on average, `lat` and `lon`, in the order of `countries`."""
        centres = _centres(self.country, self.places, len(self.countries))
        return centres[["lat", "lon"]]

    @cached_property
    def entry_is_latin(self) -> Flags:
        """Whether the spelling of an entry can be compared with others."""
        return np.array([key.isascii() for key in self.entry_key.tolist()], dtype=np.bool_)

    @cached_property
    def position(self) -> dict[str, int]:
        """Position of each country in `countries`."""
        return {code: i for i, code in enumerate(self.countries)}

    @cached_property
    def country_names(self) -> dict[str, int]:
        """Position of the country that a key is the name of."""
        table = read_countries()
        return {
            key_of(name): self.position[iso2]
            for column in ("alternates", "name")
            for iso2, names in zip(table["iso2"], table[column], strict=True)
            for name in names.split("|")
            if name
        }

    @cached_property
    def region_country(self) -> Ints:
        """Position of the country of each region."""
        return self.regions["country"].to_numpy(np.int64)

    @cached_property
    def region_name(self) -> npt.NDArray[np.object_]:
        """Names of the regions, and behind them None, which a position of -1 gives."""
        return np.array([*self.regions["name"], None], dtype=object)

    @cached_property
    def country_code(self) -> npt.NDArray[np.object_]:
        """Codes of the countries, and behind them None, which a position of -1 gives."""
        return np.array([*self.countries, None], dtype=object)

    @cached_property
    def place_name(self) -> npt.NDArray[np.object_]:
        """Names of the places."""
        return self.places["name"].to_numpy(object)

    @cached_property
    def region_keys(self) -> dict[str, list[int]]:
        """Positions of the regions that a key may mean, in any country."""
        found: dict[str, list[int]] = {}
        names = zip(
            self.regions["name"],
            self.regions["alternates"],
            self.regions["region_code"],
            strict=True,
        )
        for row, (name, others, code) in enumerate(names):
            spelt = [name, *others.split("|"), *([] if code.isdigit() else [code])]
            for key in {k for text in spelt for k in (key_of(text), bare_region(text)) if k}:
                found.setdefault(key, []).append(row)
        return found

    @cached_property
    def allowed(self) -> Flags:
        """Whether an address that states one country (row) may lie in another (column): itself, and its parts."""
        return _allowed(self.countries)

    def entries_of(self, keys: Sequence[str]) -> tuple[Ints, Ints]:
        """
        Entries with these very keys.

        Returns
        -------
        which, entry : numpy.ndarray of int64
            Position in `keys` and of the entry, ordered by both.
        """
        hashes, order = self._hashes
        wanted = pd.util.hash_array(np.array(keys, dtype=object), categorize=False)
        first = np.searchsorted(hashes, wanted, side="left")
        count = np.searchsorted(hashes, wanted, side="right") - first
        which = np.repeat(np.arange(len(wanted)), count)
        return which, order[_spans(first, count)]

    def block(self, country: int, region: int) -> Block:
        """Names of one country, or of one region of it, to be searched for misspelt ones."""
        return _block(self, country, region)


@dataclass(frozen=True)
class Block:
    """Names that are compared with misspelt ones: their folded letters and their entries."""

    code: str | None
    letters: Letters
    entry: Ints
    folded: npt.NDArray[np.object_]
    """In the order of the alphabet, for looking up beginnings; `by_name` are their rows."""
    by_name: Ints


@cache
def load_gazetteer() -> Gazetteer:
    """Read the tables; once a process, some 1.5 seconds."""
    places = read_gazetteer()
    countries = sorted(set(read_countries()["iso2"]) | set(places["country"]))
    country = np.searchsorted(countries, places["country"]).astype(np.int64)
    regions = read_regions()
    regions["country"] = np.searchsorted(countries, regions["country"])
    region = _region_of(country, places["region_code"], regions)
    key, place, is_other = _entries(places)
    return Gazetteer(
        places=places.drop(columns=["key", "others"]),
        country=country,
        region=region,
        countries=countries,
        regions=regions.join(_centres(region, places, len(regions))),
        entry_key=key,
        entry_place=place,
        entry_is_other=is_other,
    )


def bare_region(name: str) -> str:
    """
    Key of a region's name without the words that say that it is one.

    Examples
    --------
    >>> bare_region("Kanagawa-ken"), bare_region("Moscow Oblast")
    ('kanagawa', 'moscow')
    """
    return joined(without_region_words(words_of(name)))


def without_region_words(words: list[str]) -> list[str]:
    """Leave out the words that say that something is a region, unless there are no others."""
    return [w for w in words if w not in REGION_WORDS] or words


def _entries(places: pd.DataFrame) -> tuple[npt.NDArray[np.object_], Ints, Flags]:
    others = places["others"].dropna().str.split("|").explode()
    mangled = _without_accented_letters(places["name"])
    key = np.concatenate([x.to_numpy(object) for x in (places["key"], others, mangled)])
    place = np.concatenate([np.arange(len(places)), others.index, mangled.index]).astype(np.int64)
    return key, place, np.arange(len(key)) >= len(places)


def _without_accented_letters(names: pd.Series) -> pd.Series:
    """Keys of names whose accented letters were lost on the way: Mnchen, Mlltorp."""
    accented = names[names.str.contains("[\u00c0-\u017f]", regex=True)]
    keys = accented.str.replace("[^\x00-\x7f]", "", regex=True).map(key_of)
    return keys[keys.str.len() >= MIN_MANGLED]


def _region_of(country: Ints, code: pd.Series, regions: pd.DataFrame) -> Ints:
    known = pd.MultiIndex.from_frame(regions[["country", "region_code"]])
    return known.get_indexer(pd.MultiIndex.from_arrays([country, code])).astype(np.int64)


def _centres(group: Ints, places: pd.DataFrame, n: int) -> pd.DataFrame:
    """Give the point of each group of places where its people live on average, and how many they are."""
    inside = group >= 0
    people = np.maximum(places["population"].to_numpy(np.float64)[inside], 1.0)
    vectors = unit_vectors(places["lat"][inside], places["lon"][inside])
    x, y, z = (np.bincount(group[inside], people * vectors[:, i], n) for i in range(3))
    empty = np.bincount(group[inside], minlength=n) == 0
    lat = np.where(empty, np.nan, np.degrees(np.arctan2(z, np.hypot(x, y))))
    lon = np.where(empty, np.nan, np.degrees(np.arctan2(y, x)))
    total = np.bincount(group[inside], people, n)
    return pd.DataFrame({"lat": lat, "lon": lon, "population": total})


def _allowed(countries: list[str]) -> Flags:
    at = {code: i for i, code in enumerate(countries)}
    allowed = np.eye(len(countries), dtype=np.bool_)
    table = read_countries()
    for code, others in zip(table["iso2"], table["stated_as"], strict=True):
        for other in others.split():
            allowed[at[other], at[code]] = True
    return allowed


def _spans(first: Ints, count: Ints) -> Ints:
    """Whole numbers from each `first` on, `count` of them, one after another."""
    ends = np.cumsum(count)
    inside = np.arange(int(ends[-1]) if len(ends) else 0) - np.repeat(ends - count, count)
    return np.repeat(first, count) + inside


@cache
def _block_of_country(country: int) -> tuple[Ints, npt.NDArray[np.object_]]:
    gazetteer = load_gazetteer()
    place = gazetteer.entry_place
    if country == ANYWHERE:
        inside = gazetteer.places["population"].to_numpy()[place] >= LARGE
        inside &= ~gazetteer.entry_is_other
    else:
        inside = gazetteer.allowed[country, gazetteer.country[place]]
    entries = np.flatnonzero(inside)
    entries = entries[gazetteer.entry_is_latin[entries]]
    code = None if country == ANYWHERE else gazetteer.countries[country]
    folded = np.array(fold_all(gazetteer.entry_key[entries].tolist(), code), dtype=object)
    return entries, folded


@cache
def _region_block(country: int, region: int) -> Block:
    gazetteer = load_gazetteer()
    entries, folded = _block_of_country(country)
    if region != ANYWHERE:
        inside = gazetteer.region[gazetteer.entry_place[entries]] == region
        entries, folded = entries[inside], folded[inside]
    letters = Letters.of(folded)
    by_name = np.argsort(folded, kind="stable")
    code = None if country == ANYWHERE else gazetteer.countries[country]
    return Block(code, letters, entries, folded[by_name], by_name)


def _block(gazetteer: Gazetteer, country: int, region: int) -> Block:
    assert gazetteer is load_gazetteer()  # noqa: S101 - blocks are kept for the one gazetteer
    return _region_block(country, region)
