"""An index of organisations: whole names that stand in a text, and names that share its rare words."""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from geoclusters.addresses.sources.ror_names import plain_words
from geoclusters.countries import iso2_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy.typing as npt
    import pandas as pd

NAME, ALIAS, ACRONYM = range(3)
"""Kinds of a name, the surest first."""

COMMON_WORD_NAMES: Final = 400
"""A word that stands in more names than this does not lead to candidates."""

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
    countries : list of str or None
        ISO 3166-1 alpha-2.
    cities, regions : list of tuple of str
        Their words.
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
        self.cities = [plain_words(city or "") for city in dump["city"]]
        self.regions = [plain_words(region or "") for region in dump["region"]]
        self.lat = dump["lat"].to_numpy(np.float64)
        self.lon = dump["lon"].to_numpy(np.float64)
        row_of = {identifier: row for row, identifier in enumerate(self.ids)}
        self.parents = _above(dump["parents"], row_of)
        self.prior = _priors(dump, self.parents)
        self._owners = _owners(dump, row_of)
        self._lengths = _lengths(self._owners)
        self._spelled = list(self._owners)
        self._rarity, self._names_with = _rarities(self._spelled)
        self._unknown = math.log(len(self._spelled) + 1)

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

    def knows(self, word: str) -> bool:
        """Tell whether the word stands in any name."""
        return word in self._rarity

    def near_names(
        self, words: Sequence[str], most: int
    ) -> list[tuple[Words, tuple[tuple[int, int], ...]]]:
        """Give names that share the rarest words, at most so many, and who is called so."""
        shared: Counter[int] = Counter()
        for word in set(words):
            names = self._names_with.get(word, ())
            if len(names) <= COMMON_WORD_NAMES:
                weight = self._rarity[word] if names else 0.0
                for name in names:
                    shared[name] += weight  # type: ignore[assignment]
        best = sorted(shared.items(), key=lambda item: (-item[1], item[0]))[:most]
        return [(self._spelled[name], self._owners[self._spelled[name]]) for name, _ in best]


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
    return {words: tuple(sorted(found.items())) for words, found in held.items()}


def _readings(text: str, country: str | None) -> Iterator[Words]:
    """Words of a name, and without what stands in brackets behind it: a country, or an abbreviation."""
    if words := plain_words(text):
        yield words
    suffix = _SUFFIX.match(text)
    if (
        suffix
        and (iso2_of([suffix.group(2)])[0] in {country, None})
        and (words := plain_words(suffix.group(1)))
    ):
        yield words


def _lengths(owners: dict[Words, tuple[tuple[int, int], ...]]) -> dict[Words, tuple[int, ...]]:
    """Lengths of the names that begin with two words, the longest first."""
    found: dict[Words, set[int]] = defaultdict(set)
    for words in owners:
        if len(words) > 1:
            found[words[:2]].add(len(words))
    return {start: tuple(sorted(lengths, reverse=True)) for start, lengths in found.items()}


def _rarities(names: list[Words]) -> tuple[dict[str, float], dict[str, list[int]]]:
    with_word: dict[str, list[int]] = defaultdict(list)
    for name, words in enumerate(names):
        for word in set(words):
            with_word[word].append(name)
    rarity = {word: math.log((len(names) + 1) / len(found)) for word, found in with_word.items()}
    return rarity, dict(with_word)
