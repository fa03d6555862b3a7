"""Publications of universities (Leiden Ranking) placed through research organisations (ROR).

Neither table knows the other: the ranking has names, the organisations have names, aliases and the
point of their city. A name goes down a ladder, and the first rung that holds an answer counts:

1. ``name``: the name against names; then ``alias``: against aliases;
2. ``campus``: "University of Washington. Seattle" against "University of Washington", if that is in
   a city (or country) of the name after the stop;
3. ``words``: the words that tell universities apart, in any order and in any of the languages
   below, so that "Universidade Federal do Paraná" finds "Federal University of Paraná";
4. ``place``: no organisation, but a place in the name: "Kyoto Prefectural University of Medicine".

A rung holds an answer when all its candidates stand within 50 km of each other; candidates in
education come before others. What stays without an answer after 1 to 3 goes down once more, without
the organisations that are taken: of the two China Medical Universities, the ranking says of one
that it is in Taiwan, and so the other is the other one. Where two still have the same name, the one
that ROR knows as a funder of research comes first.

The rung ``place`` was tried on the universities that the first rungs had placed, whose point is
known: it finds the right city for 94 of 100 (a hopeful figure: its two bounds were chosen on the
same universities). It takes only places of `PLACE_MIN_POPULATION` that have `TIMES_THE_NEXT` times
as many inhabitants as the next place of the same name.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np
import pandas as pd
from naming import folded, unescaped

from geoclusters.earth import distance_km, unit_vectors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

ONE_PLACE_KM: Final = 50.0
PLACE_MIN_POPULATION: Final = 100_000
TIMES_THE_NEXT: Final = 10

LITTLE_WORDS: Final = frozenset(
    re.findall(
        r"\w+",
        "the of and at in for de la le les el del della delle degli dei di da do dos das du des zu "
        "der die und et y e i s",
    )
)
SAME_WORD: Final = {
    word: english
    for english, words in {
        "university": "univ uni universitat universita universite universidad universidade "
        "universiteit universitet universitetet universiti universitesi universitas uniwersytet "
        "universitaire",
        "technology": "tech technological technical technische technique tecnica tecnologica "
        "teknologi technion",
        "polytechnic": "polytechnique politecnica politecnico politecnic politecnica polytechnical",
        "federal": "federale",
        "national": "nacional nationale",
        "autonomous": "autonoma autonome",
        "catholic": "catholique catolica cattolica katholieke",
        "pontifical": "pontificia",
        "free": "freie libre vrije",
        "institute": "institut instituto",
        "science": "sciences",
        "saint": "st sankt sao san santa",
        "medicine": "medical medecine medizinische",
    }.items()
    for word in words.split()
}


COUNTRY_WORDS: Final = {"usa": "united states", "uk": "united kingdom"}
CANDIDATE: Final = ("name", "city", "country_code", "lat", "lon")

Lookup: TypeAlias = "Callable[[str], list[int]]"
Answer: TypeAlias = "tuple[str, pd.Series]"


def place_universities(
    ranking: pd.DataFrame, organisations: pd.DataFrame, places: pd.DataFrame
) -> pd.DataFrame:
    """
    Give every university of the ranking the point of its city, where one can be found.

    Parameters
    ----------
    ranking : pandas.DataFrame
        Columns `university` and `P_derived` (publications, full counting).
    organisations : pandas.DataFrame
        Records of ROR: `ror_id`, `name`, `aliases` (parted by ``|``), `types`, `status`, `city`,
        `country_code`, `country`, `lat`, `lon`.
    places : pandas.DataFrame
        As `geoclusters.places.read_places` gives them.

    Returns
    -------
    pandas.DataFrame
        `university, publications, rung, matched, city, country, lat, lon`, in the order of the
        ranking; `rung` and what follows are null where no rung holds.
    """
    known = _usable(organisations)
    names = [unescaped(name) for name in ranking["university"]]
    records = _record_rungs(known)
    found: list[Answer | None] = [None] * len(names)
    for prefer in ((), (), ("funder",)):
        taken = frozenset(answer[1].name for answer in found if answer)
        found = [
            answer or _climb(name, known, records, taken=taken, prefer=prefer)
            for name, answer in zip(names, found, strict=True)
        ]
    towns, town = _towns(places)
    found = [
        answer or _climb(name, towns, {"place": town})
        for name, answer in zip(names, found, strict=True)
    ]
    return _answers(names, ranking["P_derived"], found)


def _answers(names: list[str], publications: pd.Series, found: list[Answer | None]) -> pd.DataFrame:
    nothing = [None, None, None, None, np.nan, np.nan]
    rows = [[one[0], *one[1][list(CANDIDATE)]] if one else nothing for one in found]
    table = pd.DataFrame(rows, columns=["rung", "matched", "city", "country", "lat", "lon"])
    table.insert(0, "university", names)
    table.insert(1, "publications", publications.to_numpy(dtype="float64"))
    return table


def _climb(
    name: str,
    table: pd.DataFrame,
    rungs: dict[str, Lookup],
    *,
    taken: frozenset[object] = frozenset(),
    prefer: tuple[str, ...] = (),
) -> Answer | None:
    """Give the first rung that holds an answer, and the answer, a row of the table."""
    for rung, lookup in rungs.items():
        rows = [row for row in lookup(name) if row not in taken]
        if not rows:
            continue
        found = table.iloc[rows]
        for kind in ("education", *prefer):
            if kind in found and found[kind].any():
                found = found[found[kind]]
        if _within(found, ONE_PLACE_KM):
            return rung, found.iloc[0]
    return None


def _within(found: pd.DataFrame, km: float) -> bool:
    points = unit_vectors(found["lat"], found["lon"])
    return bool((distance_km(points[:1], points) <= km).all())


def _usable(organisations: pd.DataFrame) -> pd.DataFrame:
    """Keep records with a point, in order of their id; a withdrawn one is another's double."""
    kept = organisations[organisations["status"] != "withdrawn"].dropna(subset=["lat", "lon"])
    kinds = {kind: kept["types"].str.contains(kind, na=False) for kind in ("education", "funder")}
    return kept.assign(**kinds).sort_values("ror_id").reset_index(drop=True)


def _record_rungs(known: pd.DataFrame) -> dict[str, Lookup]:
    aliases = _aliases(known)
    by_name = _index([[name] for name in known["name"]], _whole)
    by_alias = _index(aliases, _whole)

    city, country = known["city"].to_numpy(), known["country"].to_numpy()

    def by_campus(name: str) -> list[int]:
        whole, _, site = name.partition(". ")
        site = COUNTRY_WORDS.get(folded(site), folded(site))
        found = by_name(whole) + by_alias(whole) if site else []
        return [row for row in found if site in {folded(city[row]), folded(country[row])}]

    return {
        "name": by_name,
        "alias": by_alias,
        "campus": by_campus,
        "words": _index(_all_names(known), telling_words),
    }


def _aliases(known: pd.DataFrame) -> list[list[str]]:
    return [text.split("|") for text in known["aliases"].fillna("")]


def _all_names(known: pd.DataFrame) -> list[list[str]]:
    return [[n, *others] for n, others in zip(known["name"], _aliases(known), strict=True)]


def _index(names: Iterable[Iterable[str]], key: Callable[[str], str]) -> Lookup:
    """Give a look-up from the key of a name to the rows that have it."""
    rows: dict[str, list[int]] = {}
    for row, several in enumerate(names):
        for one in sorted({key(name) for name in several} - {""}):
            rows.setdefault(one, []).append(row)
    return lambda sought: rows.get(key(sought), [])


def _whole(name: str) -> str:
    return folded(name).removeprefix("the ")


def telling_words(name: str) -> str:
    """
    Words of a name without the little ones, in English where they are known, in order of letters.

    Examples
    --------
    >>> telling_words("University of Granada") == telling_words("Universidad de Granada")
    True
    """
    words = [SAME_WORD.get(word, word) for word in folded(name).split()]
    return " ".join(sorted({word for word in words if word not in LITTLE_WORDS}))


def _towns(places: pd.DataFrame) -> tuple[pd.DataFrame, Lookup]:
    """Give the places and a look-up for the one whose name stands in the name of a university."""
    ordered = places.sort_values(
        ["population", "place_id"], ascending=[False, True], kind="stable", ignore_index=True
    )
    ordered = ordered.assign(city=ordered["name"], country_code=ordered["country"])
    rows: dict[str, list[int]] = {}
    for row, spellings in enumerate(zip(ordered["name"], ordered["ascii_name"], strict=True)):
        for name in sorted({folded(spelling) for spelling in spellings}):
            rows.setdefault(name, []).append(row)
    population = ordered["population"].to_numpy()

    def clear(same_name: list[int]) -> bool:
        largest, following = population[same_name[0]], population[same_name[1:2]].sum()
        return bool(largest >= max(PLACE_MIN_POPULATION, TIMES_THE_NEXT * following))

    def town(name: str) -> list[int]:
        parts = (rows[part] for part in _parts(folded(name).split()) if part in rows)
        return next((found[:1] for found in parts if clear(found)), [])

    return ordered, town


def _parts(words: list[str]) -> Iterator[str]:
    """Give runs of three, two and one words, from the left."""
    for length in (3, 2, 1):
        for start in range(len(words) - length + 1):
            yield " ".join(words[start : start + length])


def read_universities(data: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Read the ranking and the organisations from the folder of the evaluation data."""
    ranking = pd.read_csv(data / "universities_leiden_2020/leiden_ranking_2020_universities.csv.gz")
    return ranking, pd.read_parquet(data / "institutions_ror/ror_records.parquet")
