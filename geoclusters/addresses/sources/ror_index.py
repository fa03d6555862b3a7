"""An index of organisations by the words of their names."""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np

from geoclusters.addresses.sources.ror_names import (
    BODY_WORDS,
    BRANCH_WORDS,
    KIND_WORDS,
    SUBJECT_WORDS,
    plain_words,
)
from geoclusters.countries import iso2_of, read_countries

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    import numpy.typing as npt
    import pandas as pd

NAME, ALIAS, ACRONYM = range(3)
"""Kinds of a name, the surest first."""

SHORTEST_MENDED: Final = 4
"""Words shorter than this are not mended."""

LEAST_NAMES: Final = 100_000
"""Smaller dumps are taken for parts of one with so many names, so that their words are as rare as they really are."""

MOST_COMMON: Final = 4.0
"""Rarity that a word of the kinds that organisations have in common has at most."""

_INITIALS: Final = re.compile(r"^(?:\w\.[\s-]*)+")
_SUFFIX: Final = re.compile(r"^(.*\S)\s*\(([^()]+)\)$")
Words = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Window:
    """
    A run of words that is a name.

    Attributes
    ----------
    first, stop : int
        Where it stands among the words of the text.
    owners : tuple of (int, int)
        Row and kind of name of each organisation that is called so.
    """

    first: int
    stop: int
    owners: tuple[tuple[int, int], ...]


class Index:
    """
    Organisations by their names.

    Parameters
    ----------
    dump : pandas.DataFrame
        As `ror_dump.read_dump` gives it. The names of organisations that were withdrawn or closed lead to their
        successors.

    Attributes
    ----------
    ids, names : list of str
    city_names, region_names : list of str or None
    countries : list of str or None
        ISO 3166-1 alpha-2.
    cities, regions : list of tuple of str
        Words of these names.
    lat, lon : numpy.ndarray of float64
        WGS 84 degrees.
    parents : list of frozenset of int
        Rows of all organisations above each.
    prior : numpy.ndarray of float64
        How well known an organisation is likely to be: parts, names, whether it teaches or funds.
    """

    def __init__(self, dump: pd.DataFrame) -> None:
        self.ids: list[str] = dump["ror_id"].tolist()
        self.names: list[str] = dump["name"].tolist()
        self.countries: list[str | None] = dump["country"].tolist()
        self.city_names: list[str | None] = dump["city"].tolist()
        self.region_names: list[str | None] = dump["region"].tolist()
        self.cities = [plain_words(city or "") for city in dump["city"]]
        self.regions = [plain_words(region or "") for region in dump["region"]]
        self.lat = dump["lat"].to_numpy(np.float64)
        self.lon = dump["lon"].to_numpy(np.float64)
        row_of = {identifier: row for row, identifier in enumerate(self.ids)}
        self.parents = _above(dump["parents"], row_of)
        self.prior = _priors(dump, self.parents)
        self._owners = _owners(dump, row_of)
        self._lengths = _lengths(self._owners)
        self._rarity = _rarities(self._owners)
        self._unknown = math.log(max(len(self._owners), LEAST_NAMES))
        self._alphabet = _alphabet(self._rarity)
        self._mended: dict[str, str] = {}

    def windows(self, words: Sequence[str]) -> list[Window]:
        """Give the runs of words that are names, at each start the longest first."""
        found: list[Window] = []
        for first, word in enumerate(words):
            pair = (word, words[first + 1]) if first + 1 < len(words) else (word,)
            for length in self._lengths.get(pair, ()) if len(pair) > 1 else ():
                stop = first + length
                owners = self._owners.get(tuple(words[first:stop])) if stop <= len(words) else None
                if owners:
                    found.append(Window(first, stop, owners))
            if single := self._owners.get((word,)):
                found.append(Window(first, first + 1, single))
        return found

    def rarity(self, word: str) -> float:
        """Logarithm of how many names there are to one that holds the word."""
        return self._rarity.get(word, self._unknown)

    def mended(self, word: str) -> str:
        """Give the commonest word of a name that a word stands for, but for one slip; else the word itself."""
        if word in self._rarity or len(word) < SHORTEST_MENDED or not word.isalpha():
            return word
        if word not in self._mended:
            lengths = (len(word) - 1, len(word), len(word) + 1)
            same_start = (w for n in lengths for w in self._alphabet.get((word[:2], n), ()))
            near = [w for w in same_start if alike(word, w)]
            self._mended[word] = min(near, key=lambda w: (self._rarity[w], w), default=word)
        return self._mended[word]


def _above(parents: pd.Series, row_of: dict[str, int]) -> list[frozenset[int]]:
    """All organisations above each: parents, and theirs."""
    direct = [[row_of[p] for p in several if p in row_of] for several in parents]
    found = []
    for row, first in enumerate(direct):
        seen: set[int] = set()
        stack = list(first)
        while stack:
            parent = stack.pop()
            if parent not in seen and parent != row:
                seen.add(parent)
                stack.extend(direct[parent])
        found.append(frozenset(seen))
    return found


def _priors(dump: pd.DataFrame, parents: list[frozenset[int]]) -> npt.NDArray[np.float64]:
    parts = Counter(parent for several in parents for parent in several)
    kinds = [
        (len(a), "funder" in t, "education" in t)
        for a, t in zip(dump["aliases"], dump["types"], strict=True)
    ]
    return np.array(
        [
            math.log1p(parts[row]) + min(names, 5) / 5 + 2 * funds + teaches
            for row, (names, funds, teaches) in enumerate(kinds)
        ]
    )


def _owners(dump: pd.DataFrame, row_of: dict[str, int]) -> dict[Words, tuple[tuple[int, int], ...]]:
    held: dict[Words, dict[int, int]] = defaultdict(dict)
    columns = ["name", "aliases", "acronyms", "country", "status", "successors"]
    for row, (name, aliases, acronyms, country, status, after) in enumerate(
        zip(*(dump[c] for c in columns), strict=True)
    ):
        heirs = [row_of[s] for s in after if s in row_of] if status != "active" else []
        owners = heirs or ([] if status == "withdrawn" else [row])
        for kind, texts in ((NAME, [name]), (ALIAS, aliases), (ACRONYM, acronyms)):
            for words in {w for text in texts for w in _readings(text, country)}:
                for owner in owners:
                    held[words][owner] = min(kind, held[words].get(owner, kind))
    for words in list(held):
        # "Alberta Univ." for the University of Alberta, "University of Tohoku" for Tohoku University
        turned = (*words[1:], words[0]) if words[0] == "university" else (words[-1], *words[:-1])
        if len(words) > 1 and "university" in {words[0], words[-1]} and turned not in held:
            held[turned] = dict.fromkeys(held[words], ALIAS)
    return {words: tuple(sorted(found.items())) for words, found in held.items()}


def _readings(text: str, country: str | None) -> Iterator[Words]:
    """Words of a name; also without a country in brackets behind it, and without initials before it."""
    whole = text
    suffix = _SUFFIX.match(text)
    if suffix and _code(suffix.group(2)) in {country, None}:
        whole = suffix.group(1)
        if words := plain_words(whole):
            yield words
            yield plain_words(text)
    elif words := plain_words(text):
        yield words
    bare = _INITIALS.sub("", whole)
    if bare != whole and len(words := plain_words(bare)) > 1:
        yield words


@lru_cache(maxsize=1 << 16)
def _code(country: str) -> str | None:
    found: str | None = iso2_of([country])[0]
    return found


def _lengths(owners: dict[Words, tuple[tuple[int, int], ...]]) -> dict[Words, tuple[int, ...]]:
    """Lengths of the names that begin with two words, the longest first."""
    found: dict[Words, set[int]] = defaultdict(set)
    for words in owners:
        if len(words) > 1:
            found[words[:2]].add(len(words))
    return {start: tuple(sorted(lengths, reverse=True)) for start, lengths in found.items()}


def _rarities(names: Collection[Words]) -> dict[str, float]:
    found = Counter(word for words in names for word in set(words))
    many = max(len(names), LEAST_NAMES)
    common = BODY_WORDS | KIND_WORDS | BRANCH_WORDS | SUBJECT_WORDS
    return {
        word: min(math.log(many / n), MOST_COMMON if word in common else math.inf)
        for word, n in found.items()
    }


def _alphabet(words: Iterable[str]) -> dict[tuple[str, int], list[str]]:
    """Words by their first two letters and their length."""
    found: dict[tuple[str, int], list[str]] = defaultdict(list)
    for word in words:
        if len(word) >= SHORTEST_MENDED:
            found[word[:2], len(word)].append(word)
    return dict(found)


def alike(one: str, other: str) -> bool:
    """
    Tell whether two words differ by one slip.

    Examples
    --------
    >>> alike("univrsity", "university"), alike("odesa", "odessa"), alike("rome", "bonn")
    (True, True, False)
    """
    short, long = sorted((one, other), key=len)
    if len(long) - len(short) > 1 or len(short) <= SHORTEST_MENDED:
        return False
    return _one_slip(short, long)


def _one_slip(short: str, long: str) -> bool:
    """Tell whether one letter was left out, added or changed, or two changed places."""
    pairs = enumerate(zip(short, long, strict=False))
    at = next((i for i, (a, b) in pairs if a != b), len(short))
    if len(short) < len(long):
        return short[at:] == long[at + 1 :]
    swapped = short[at : at + 2] == long[at : at + 2][::-1] and short[at + 2 :] == long[at + 2 :]
    return short[at + 1 :] == long[at + 1 :] or swapped


@lru_cache(maxsize=512)
def country_words(country: str | None) -> frozenset[str]:
    """Words of the names of a country."""
    table = read_countries()
    names = table.loc[table["iso2"] == country, ["name", "alternates"]].agg("|".join, axis=1)
    return frozenset(word for name in "|".join(names).split("|") for word in plain_words(name))


@lru_cache(maxsize=1)
def countries_in_short() -> frozenset[str]:
    """Names and codes of countries, as far as they are one word."""
    table = read_countries()
    texts = {t for cell in table["name"] + "|" + table["alternates"] for t in cell.split("|")}
    texts |= {*table["iso2"], *table["iso3"]}
    return frozenset(w[0] for w in map(plain_words, texts) if len(w) == 1)
