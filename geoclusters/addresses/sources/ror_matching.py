"""Finds the organisation that a raw affiliation names, and where it is.

Each distinct text is looked at once. Its country, region and place are read first (`parse_affiliation`); then

1. whole names: the longest runs of words that are a name of an organisation, in any part of the text;
2. near names: where there is none, the same once more with words that stand in no name mended, if it is clear
   which word they stand for.

A candidate must not lie in another country than the text says. Candidates are weighed by how much of their part of
the text the name explains, how rare its words are, which kind of name it is, and whether city and region are named.
Of organisations of the same name the one whose place is named is taken, else the one above the others, else the best
known; where they lie far apart and none stands out, none is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from geoclusters.addresses.affiliations import Affiliation, parse_affiliation
from geoclusters.addresses.sources.ror_index import (
    ACRONYM,
    ALIAS,
    NAME,
    Index,
    Window,
    countries_in_short,
    country_words,
)
from geoclusters.addresses.sources.ror_names import (
    BODY_WORDS,
    BRANCH_WORDS,
    KIND_WORDS,
    LITTLE_WORDS,
    folded,
    plain_words,
    spelled_out,
)
from geoclusters.earth import distance_km, unit_vectors

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

ONE_PLACE_KM: Final = 50.0
"""Organisations within this distance stand in one place, whichever of them is meant."""

MIN_SCORE: Final = 0.5

# What a candidate's score is made of; chosen on the tuning half of the labelled texts.
BASE: Final = 0.3
RARE_WORDS: Final = 40.0
MOST_RARITY: Final = 20.0
COVERED: Final = 0.2
ALIAS_LOSS: Final = 0.07
ACRONYM_LOSS: Final = 0.12
CITY_NAMED: Final = 0.15
REGION_NAMED: Final = 0.05
COUNTRY_NAMED: Final = 0.05
OTHER_PLACE: Final = 0.12
NAME_GOES_ON: Final = 0.4
RARE_BEFORE: Final = 0.03
LATER_PART: Final = 0.002
NEAR_LOSS: Final = 0.08
SAME_SCORE: Final = 0.06
CLEAR_PRIOR: Final = 1.0
"""By how much the best known of organisations of one name must be better known than the next."""

KNOWN_ABBREVIATION: Final = 2.5
"""How well known an organisation must be to be meant by its abbreviation alone."""

RARE: Final = 6.0
"""Rarity of a word from which on it tells organisations apart."""

VERY_RARE: Final = 8.0
"""Rarity from which on a word needs no other beside it."""

_SHORT: Final = 3

_BREAKS: Final = re.compile(r"[,;:()\[\]|/\n\t\u2022\u2020\u2021*#]+|\s[-\u2013\u2014]\s|\band\b")
_MARKUP: Final = re.compile(r"#[A-Z]{1,4}#")
_WORD: Final = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True)
class Match:
    """
    What is known of an affiliation.

    Attributes
    ----------
    row : int
        Row of the organisation in the index, -1 for none.
    score : float
        From 0 to 1: how sure the organisation is.
    level : str
        ``name``, ``near name``, ``place`` or ``country`` (no organisation, but the text says where), ``none``.
    stated : Affiliation
        What the text says of the place.
    """

    row: int
    score: float
    level: str
    stated: Affiliation


@dataclass(frozen=True, slots=True)
class _Text:
    """
    An affiliation in words.

    Attributes
    ----------
    parts : list of int
        Which part of the text each word stands in.
    capitals, joined : list of bool
        Whether the word is in capitals, and whether a little word joins it to the one before.
    weights : list of float
        Rarity of all words of each part.
    settled : bool
        Whether something else than the text says the country.
    """

    words: list[str]
    parts: list[int]
    capitals: list[bool]
    joined: list[bool]
    weights: list[float]
    settled: bool


@dataclass(frozen=True, slots=True)
class _Candidate:
    row: int
    score: float
    first: int
    stop: int


class Matcher:
    """
    Matches affiliations with organisations.

    Parameters
    ----------
    index : Index
        The organisations.
    min_score : float, default 0.5
        Answers below are not given.

    Examples
    --------
    >>> import pandas as pd
    >>> dump = pd.DataFrame({"ror_id": ["05591te55"], "name": ["LMU Munich"],
    ...     "aliases": [["Ludwig-Maximilians-Universität München"]], "acronyms": [["LMU"]],
    ...     "types": [["education"]], "status": ["active"], "city": ["Munich"], "region": ["Bavaria"],
    ...     "country": ["DE"], "lat": [48.13743], "lon": [11.57549], "parents": [[]], "successors": [[]]})
    >>> [match] = Matcher(Index(dump)).match(["Dept. of Physics, Ludwig Maximilians Univ. Munchen, Germany"])
    >>> match.row, match.level
    (0, 'name')
    """

    def __init__(self, index: Index, *, min_score: float = MIN_SCORE) -> None:
        self._index = index
        self._min_score = min_score

    def match(
        self, texts: Iterable[str | None], countries: Iterable[str | None] | None = None
    ) -> list[Match]:
        """
        Match texts; each distinct one once.

        Parameters
        ----------
        texts : iterable of str or None, length n
            Raw affiliations.
        countries : iterable of str or None, length n, optional
            ISO 3166-1 alpha-2, where something else than the text says the country; it then counts.
        """
        given = list(texts)
        codes = [None] * len(given) if countries is None else list(countries)
        pairs = list(zip(given, codes, strict=True))
        found = {pair: self._match(pair[0] or "", pair[1]) for pair in dict.fromkeys(pairs)}
        return [found[pair] for pair in pairs]

    def _match(self, raw: str, country: str | None) -> Match:
        clean = _MARKUP.sub(", ", raw)
        stated = parse_affiliation(clean)
        if country is not None:
            stated = stated._replace(country=country)
        text = self._in_words(clean, settled=country is not None)
        best = self._best(list(self._whole_names(text, stated)))
        if best is not None and best.score >= self._min_score:
            return Match(best.row, min(best.score, 1.0), "name", stated)
        mended = self._mended(text)
        best = self._best(list(self._whole_names(mended, stated))) if mended is not text else None
        if best is not None and best.score - NEAR_LOSS >= self._min_score:
            return Match(best.row, min(best.score - NEAR_LOSS, 1.0), "near name", stated)
        level = "place" if stated.place else "country" if stated.country else "none"
        return Match(-1, 0.0, level, stated)

    def _in_words(self, raw: str, *, settled: bool) -> _Text:
        text = _Text([], [], [], [], [], settled)
        for piece in _BREAKS.split(raw):
            upper = {folded(w) for w in _WORD.findall(piece) if w.isupper() and len(w) > 1}
            joined, weight = False, 0.0
            for word in _WORD.findall(folded(piece)):
                plain = spelled_out(word)
                for one in plain:
                    text.words.append(one)
                    text.parts.append(len(text.weights))
                    text.capitals.append(word in upper)
                    text.joined.append(joined)
                    weight += self._index.rarity(one)
                joined = not plain and word in LITTLE_WORDS
            if weight:
                text.weights.append(weight)
        return text

    def _mended(self, text: _Text) -> _Text:
        words = [self._index.mended(word) for word in text.words]
        if words == text.words:
            return text
        weights = [0.0] * len(text.weights)
        for word, part in zip(words, text.parts, strict=True):
            weights[part] += self._index.rarity(word)
        return replace(text, words=words, weights=weights)

    def _whole_names(self, text: _Text, stated: Affiliation) -> Iterator[_Candidate]:
        taken: list[tuple[int, int]] = []
        windows = self._index.windows(text.words)
        for window in sorted(windows, key=lambda w: (w.first - w.stop, w.first)):
            if any(first <= window.first and window.stop <= stop for first, stop in taken):
                continue
            found = list(self._of_window(window, text, stated))
            if found:
                taken.append((window.first, window.stop))
                yield from found

    def _of_window(self, window: Window, text: _Text, stated: Affiliation) -> Iterator[_Candidate]:
        words = text.words[window.first : window.stop]
        rarities = [self._index.rarity(word) for word in words]
        if len(words) == 1 and rarities[0] < RARE and len(text.words) > 1:
            return
        parts = set(text.parts[window.first : window.stop])
        covered = sum(rarities) / sum(text.weights[part] for part in parts)
        base = BASE + min(sum(rarities), MOST_RARITY) / RARE_WORDS + COVERED * covered
        base -= self._goes_on(window, text) + LATER_PART * text.parts[window.first]
        place = self._is_place(words, stated)
        rest = [*text.words[: window.first], "|", *text.words[window.stop :]]
        bodiless = BODY_WORDS.isdisjoint(words)
        weak = max(rarities) < RARE or (bodiless and (covered < 1.0 or max(rarities) < VERY_RARE))
        weak = weak and not self._is_branch(window, text)
        # The country may have been read from the name itself: New South Wales.
        ends = window.stop == len(text.words) and not text.settled
        for row, kind in window.owners:
            if not (ends or self._may_lie_there(row, stated)):
                continue
            if kind != NAME and (place or tuple(words) == self._index.cities[row]):
                continue
            named = _holds(rest, self._index.cities[row])
            if len(words) == 1 and not self._stands_alone(
                window, text, row, kind, named=named, covered=covered
            ):
                continue
            if weak and not (named or self._names_its_place(row, words)):
                continue
            score = base + self._said(row, rest, stated, named=named)
            score -= ALIAS_LOSS * (kind == ALIAS) + ACRONYM_LOSS * (kind == ACRONYM)
            yield _Candidate(row, score, window.first, window.stop)

    def _is_place(self, words: Sequence[str], stated: Affiliation) -> bool:
        """Tell whether words are the place, region or country that the text ends with, and no name."""
        if len(words) == 1 and words[0] in countries_in_short():
            return True
        return any(tuple(words) == plain_words(t) for t in (stated.place, stated.region) if t)

    def _goes_on(self, window: Window, text: _Text) -> float:
        """Weigh whether the words around a name are part of a longer one: "Nanjing University of Posts"."""
        lost = 0.0
        last, part = len(text.words) - 1, text.parts
        if (
            window.stop <= last
            and text.joined[window.stop]
            and part[window.stop] == part[window.stop - 1]
        ):
            lost += NAME_GOES_ON
        elif window.stop <= last and part[window.stop] == part[window.stop - 1]:
            common = max(map(self._index.rarity, text.words[window.first : window.stop])) < RARE + 1
            after = self._index.rarity(text.words[window.stop])
            lost += common * RARE_BEFORE * max(0.0, after - RARE)
        before = window.first - 1
        if before >= 0 and part[before] == part[window.first] and not text.joined[window.first]:
            word = text.words[before]
            lost += RARE_BEFORE * max(0.0, self._index.rarity(word) - RARE)
            across = part[window.first] != part[window.stop - 1]
            starts = text.words[window.first] == "university" and word in KIND_WORDS
            lost += NAME_GOES_ON * (across or starts)
        return lost

    def _stands_alone(
        self, window: Window, text: _Text, row: int, kind: int, *, named: bool, covered: float
    ) -> bool:
        """Tell whether one word may be a name here: it is all of its part, and long, known or placed enough."""
        word = text.words[window.first]
        whole = len(text.words) == 1
        if whole or self._is_branch(window, text):
            return True
        if covered < 1.0:
            return named and text.capitals[window.first] and len(word) > _SHORT
        if kind == ACRONYM:
            known = self._index.prior[row] >= KNOWN_ABBREVIATION
            return text.capitals[window.first] and len(word) >= _SHORT and (named or known)
        return len(word) >= _SHORT

    def _is_branch(self, window: Window, text: _Text) -> bool:
        """Tell whether a name is followed by what is a part of it: "Adobe Research", "Tencent AI Lab"."""
        part = text.parts[window.first]
        begins = window.first == 0 or text.parts[window.first - 1] != part
        rest = [
            w
            for w, p in zip(text.words[window.stop :], text.parts[window.stop :], strict=True)
            if p == part
        ]
        rare = self._index.rarity(text.words[window.first]) >= VERY_RARE
        return begins and rare and bool(rest) and BRANCH_WORDS.issuperset(rest)

    def _names_its_place(self, row: int, words: Sequence[str]) -> bool:
        index = self._index
        country = country_words(index.countries[row])
        return any(
            word in country or word in index.cities[row] or word in index.regions[row]
            for word in words
        )

    def _may_lie_there(self, row: int, stated: Affiliation) -> bool:
        own = self._index.countries[row]
        return stated.country is None or own is None or own == stated.country

    def _said(self, row: int, rest: Sequence[str], stated: Affiliation, *, named: bool) -> float:
        """Weigh whether the text names the place of the organisation, or another one."""
        said = COUNTRY_NAMED if stated.country else 0.0
        city, region = self._index.cities[row], self._index.regions[row]
        if named:
            said += CITY_NAMED
        elif stated.place and plain_words(stated.place) != city:
            said -= OTHER_PLACE
        if region != city and _holds(rest, region):
            said += REGION_NAMED
        return said

    def _best(self, candidates: list[_Candidate]) -> _Candidate | None:
        if not candidates:
            return None
        top = min(candidates, key=lambda c: (-c.score, c.first, c.row))
        same = {
            c.row: c
            for c in candidates
            if (c.first, c.stop) == (top.first, top.stop) and c.score >= top.score - SAME_SCORE
        }
        return self._of_same_name(list(same.values()))

    def _of_same_name(self, same: list[_Candidate]) -> _Candidate | None:
        if len(same) == 1:
            return same[0]
        index = self._index
        rows = [c.row for c in same]
        for candidate in same:
            if all(candidate.row == row or candidate.row in index.parents[row] for row in rows):
                return candidate
        known = sorted(same, key=lambda c: (-index.prior[c.row], c.row))
        if index.prior[known[0].row] >= index.prior[known[1].row] + CLEAR_PRIOR:
            return known[0]
        return known[0] if self._in_one_place(rows) else None

    def _in_one_place(self, rows: list[int]) -> bool:
        lat, lon = self._index.lat[rows], self._index.lon[rows]
        if not np.isfinite(lat).all():
            return False
        points = unit_vectors(lat, lon)
        return bool((distance_km(points[:1], points) <= ONE_PLACE_KM).all())


def _holds(words: Sequence[str], run: Sequence[str]) -> bool:
    """Tell whether a run of words stands in others; an empty one does not."""
    n = len(run)
    if not n or run[0] not in words:
        return False
    return n == 1 or any(tuple(words[i : i + n]) == tuple(run) for i in range(len(words)))
