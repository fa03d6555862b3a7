"""Finds the organisation that a raw affiliation names, and where it is.

Each distinct text is looked at once. Its country, region and place are read first (`parse_affiliation`); then

1. whole names: the longest runs of words that are a name of an organisation, in any part of the text;
2. near names: where there is none, the names that share the rarest words of a part, letter by letter where
   words differ.

A candidate must not lie in another country than the text says. Candidates are weighed by how much of their part of
the text the name explains, how rare its words are, which kind of name it is, and whether city and region are named.
Of organisations of the same name the one whose place is named is taken, else the one above the others, else the best
known; where they lie far apart and none stands out, none is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from geoclusters.addresses.affiliations import Affiliation, parse_affiliation
from geoclusters.addresses.sources.ror_index import ACRONYM, ALIAS, Index, Window
from geoclusters.addresses.sources.ror_names import folded, plain_word, plain_words
from geoclusters.earth import distance_km, unit_vectors

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

ONE_PLACE_KM: Final = 50.0
"""Organisations within this distance stand in one place, whichever of them is meant."""

MIN_SCORE: Final = 0.5
NEAR_NAMES: Final = 25
LEAST_LIKE: Final = 0.82
"""How much of its words a near name must share with its part of the text."""

_BREAKS: Final = re.compile(r"[,;:()\[\]|/\n\t\u2022\u2020\u2021*#]+|\s[-\u2013\u2014]\s|\band\b")
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
    """An affiliation in words: `parts[i]` is the part that word i stands in, `capitals[i]` whether it is in capitals."""

    words: list[str]
    parts: list[int]
    capitals: list[bool]
    sizes: list[int]


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

    def match(self, texts: Iterable[str | None]) -> list[Match]:
        """Match texts; each distinct one once."""
        given = list(texts)
        nothing = Match(-1, 0.0, "none", Affiliation())
        found = {text: self._match(text) for text in dict.fromkeys(given) if text}
        return [found[text] if text else nothing for text in given]

    def _match(self, raw: str) -> Match:
        stated = parse_affiliation(raw)
        text = _in_words(raw)
        for level, candidates in (
            ("name", lambda: self._whole_names(text, stated)),
            ("near name", lambda: self._near_names(text, stated)),
        ):
            best = self._best(candidates(), stated)
            if best is not None and best.score >= self._min_score:
                return Match(best.row, min(best.score, 1.0), level, stated)
        level = "place" if stated.place else "country" if stated.country else "none"
        return Match(-1, 0.0, level, stated)

    # ------------------------------------------------------------ whole names

    def _whole_names(self, text: _Text, stated: Affiliation) -> list[_Candidate]:
        candidates = []
        taken: list[tuple[int, int]] = []
        windows = sorted(self._index.windows(text.words), key=lambda w: (w.first - w.stop, w.first))
        for window in windows:
            if any(first <= window.first and window.stop <= stop for first, stop in taken):
                continue
            found = [c for c in self._of_window(window, text, stated) if c is not None]
            if found:
                taken.append((window.first, window.stop))
                candidates += found
        return candidates

    def _of_window(
        self, window: Window, text: _Text, stated: Affiliation
    ) -> Iterable[_Candidate | None]:
        words = text.words[window.first : window.stop]
        rarity = sum(map(self._index.rarity, words))
        part = text.parts[window.first]
        size = sum(text.sizes[p] for p in set(text.parts[window.first : window.stop]))
        covered = len(words) / size
        alone = len(words) == 1
        for row, kind in window.owners:
            if not self._may_lie_there(row, stated):
                continue
            said = self._said(row, text, window, stated)
            score = 0.35 + min(rarity, 20.0) / 40 + 0.15 * covered + said
            score -= 0.05 * (kind == ALIAS) + 0.12 * (kind == ACRONYM)
            if alone and not self._stands_alone(window, text, kind, covered, said):
                continue
            yield _Candidate(row, score - 0.002 * part, window.first, window.stop)

    def _stands_alone(
        self, window: Window, text: _Text, kind: int, covered: float, said: float
    ) -> bool:
        """Tell whether one word may be the name of an organisation here: it is all of its part, or an abbreviation."""
        capitals = text.capitals[window.first]
        if kind == ACRONYM:
            whole = len(text.words) == 1
            return capitals and (whole or said > 0.1 or len(text.words[window.first]) > 3)
        return covered == 1.0 or (said > 0.1 and capitals)

    def _may_lie_there(self, row: int, stated: Affiliation) -> bool:
        own = self._index.countries[row]
        return stated.country is None or own is None or own == stated.country

    def _said(self, row: int, text: _Text, window: Window | None, stated: Affiliation) -> float:
        """Weigh whether the text names the place of the organisation, or another one."""
        said = 0.05 if stated.country else 0.0
        city, region = self._index.cities[row], self._index.regions[row]
        rest = text.words
        if window is not None:
            rest = text.words[: window.first] + ["|"] + text.words[window.stop :]
        if city and _holds(rest, city):
            said += 0.15
        elif stated.place and plain_words(stated.place) != city:
            said -= 0.08
        if region and region != city and _holds(rest, region):
            said += 0.05
        return said

    # ------------------------------------------------------------ near names

    def _near_names(self, text: _Text, stated: Affiliation) -> list[_Candidate]:
        candidates = []
        for part in range(len(text.sizes)):
            at = [i for i, p in enumerate(text.parts) if p == part]
            words = [text.words[i] for i in at]
            if not words:
                continue
            for name, owners in self._index.near_names(words, NEAR_NAMES):
                like = self._likeness(words, name)
                if like < LEAST_LIKE:
                    continue
                for row, kind in owners:
                    if kind != ACRONYM and self._may_lie_there(row, stated):
                        said = self._said(row, text, None, stated)
                        score = like - 0.3 + said - 0.05 * (kind == ALIAS)
                        candidates.append(_Candidate(row, score, at[0], at[-1] + 1))
        return candidates

    def _likeness(self, words: Sequence[str], name: Sequence[str]) -> float:
        rarity = self._index.rarity
        left = list(name)
        shared = 0.0
        for word in words:
            for other in left:
                if word == other or _alike(word, other):
                    shared += rarity(other)
                    left.remove(other)
                    break
        total = sum(map(rarity, words)) + sum(map(rarity, name))
        return 2 * shared / total if total else 0.0

    # ------------------------------------------------------------ choice

    def _best(self, candidates: list[_Candidate], stated: Affiliation) -> _Candidate | None:
        if not candidates:
            return None
        top = max(c.score for c in candidates)
        first = min(
            (c for c in candidates if c.score >= top - 1e-9), key=lambda c: (c.first, c.row)
        )
        same = [
            c
            for c in candidates
            if (c.first, c.stop) == (first.first, first.stop) and c.score >= top - 0.06
        ]
        return self._of_same_name(same)

    def _of_same_name(self, same: list[_Candidate]) -> _Candidate | None:
        if len(same) == 1:
            return same[0]
        rows = [c.row for c in same]
        above = [
            c for c in same if all(c.row == r or c.row in self._index.parents[r] for r in rows)
        ]
        if above:
            return above[0]
        known = sorted(same, key=lambda c: (-self._index.prior[c.row], c.row))
        if self._index.prior[known[0].row] >= self._index.prior[known[1].row] + 1.0:
            return known[0]
        return known[0] if self._within_one_place(rows) else None

    def _within_one_place(self, rows: list[int]) -> bool:
        lat, lon = self._index.lat[rows], self._index.lon[rows]
        if not np.isfinite(lat).all():
            return False
        points = unit_vectors(lat, lon)
        return bool((distance_km(points[:1], points) <= ONE_PLACE_KM).all())


def _in_words(raw: str) -> _Text:
    words: list[str] = []
    parts: list[int] = []
    capitals: list[bool] = []
    sizes: list[int] = []
    for piece in _BREAKS.split(raw):
        upper = {folded(w) for w in _WORD.findall(piece) if w.isupper() and len(w) > 1}
        count = 0
        for word in _WORD.findall(folded(piece)):
            if plain := plain_word(word):
                words.append(plain)
                parts.append(len(sizes))
                capitals.append(word in upper)
                count += 1
        if count:
            sizes.append(count)
    return _Text(words, parts, capitals, sizes)


def _holds(words: Sequence[str], run: Sequence[str]) -> bool:
    n = len(run)
    first = run[0]
    return any(w == first and tuple(words[i : i + n]) == tuple(run) for i, w in enumerate(words))


def _alike(one: str, other: str) -> bool:
    """
    Tell whether two words differ by a slip, or one is an abbreviation of the other.

    Examples
    --------
    >>> _alike("univrsity", "university"), _alike("electron", "electronics"), _alike("rome", "bonn")
    (True, True, False)
    """
    short, long = sorted((one, other), key=len)
    if len(short) >= 3 and long.startswith(short) and len(long) - len(short) >= 2:
        return True
    if len(short) < 5 or len(long) - len(short) > 1 or short[0] != long[0]:
        return False
    return _one_slip(short, long)


def _one_slip(short: str, long: str) -> bool:
    """Tell whether one letter was left out, added, changed, or two changed places."""
    at = next((i for i, (a, b) in enumerate(zip(short, long, strict=False)) if a != b), len(short))
    if len(short) < len(long):
        return short[at:] == long[at + 1 :]
    swapped = short[at : at + 2] == long[at : at + 2][::-1] and short[at + 2 :] == long[at + 2 :]
    return short[at + 1 :] == long[at + 1 :] or swapped
