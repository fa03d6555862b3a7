"""Geocodes addresses: each distinct one once, with a score, a level and the reason."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

import numpy as np
import pandas as pd

from geoclusters.geocoding.candidates import KINDS, candidates_of
from geoclusters.geocoding.choosing import Choice, likeliest, log_weights
from geoclusters.geocoding.gazetteer import ANYWHERE, Gazetteer, load_gazetteer
from geoclusters.geocoding.statements import ASIDE, PART, REGION, Reader, Statement

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    Texts = Sequence[str | None] | pd.Series | npt.NDArray[np.object_]
    Ambiguous = Literal["reject", "largest"]

MIN_SCORE: Final = 0.6
"""Chance from which an answer is given."""
MOST_ALTERNATIVES: Final = 3
LEAST_ALTERNATIVE: Final = 0.02
"""Weight of a candidate, as part of the likeliest one's, from which it is told as an alternative."""

_TEXTS: Final = ("level", "reason", "name", "region", "country", "alternatives")

REASONS: Final = {
    "exact": "the name of the place, written as it is",
    "alternate name": "another name of the place, or its name in another language",
    "spelling": "a name that is spelt alike",
    "part of the name": "found by a part of what was written",
    "other region": "found in the stated country, but not in the stated region",
    "ambiguous": "several places fit; with ambiguous = 'largest' the likeliest one is given",
    "unknown place": "no place of this name is known where it should lie",
    "unknown country": "the stated country is not known",
    "region only": "only a region is named",
    "country only": "only a country is named",
    "nothing stated": "neither place, region nor country is given",
    "external": "found by the external geocoder",
}
"""Reasons of answers, and what they mean."""


def geocode(
    place: Texts | str,
    region: Texts | str | None = None,
    country: Texts | str | None = None,
    *,
    min_score: float = MIN_SCORE,
    ambiguous: Ambiguous = "reject",
) -> pd.DataFrame:
    """
    Find the points of addresses that name a place, without a network.

    Every distinct address is looked up once: by the very name of the place, by its other names, and then by
    similar spellings, in the country and region that are stated. A place counts the more the more people it
    has. The score is the chance that the answer (a place within 20 km of it) is meant, if the weights of
    `choosing.Weights` hold.

    Parameters
    ----------
    place : sequence of str or None, length n, or one str
        Town or city; a region, a country or a postcode may stand behind it ("Austin, TX").
    region : sequence of str or None, or one str for all
        State, province, prefecture or the like: name or code.
    country : sequence of str or None, or one str for all
        As `countries.iso2_of` takes it. Hong Kong, Macao and Taiwan are countries of their own; an address
        that states China may lie in Hong Kong or Macao.
    min_score : float, default 0.6
        Answers below this chance are not given.
    ambiguous : {'reject', 'largest'}
        What to do where the name fits, but several places share the chance: give no place, or the likeliest.

    Returns
    -------
    pandas.DataFrame
        One row an address, in the order of the input, index 0 to n - 1:

        - `lat`, `lon` float64, WGS 84 degrees; those of the region or country where no place is given and
          they are known (there where their people live on average), else NaN;
        - `score` float64, 0 to 1: chance of the place; 0 where there is none;
        - `level` str or None: ``place``, ``region`` or ``country``, what the point stands for;
        - `reason` str, one of `REASONS`;
        - `place_id` Int64, GeoNames id of the place or null;
        - `name`, `region`, `country` str or None: the place, its region's name and its country;
        - `alternatives` str or None: what else may be meant, joined by "; ".

    Raises
    ------
    ValueError
        If the columns differ in length or a setting is out of range.

    Examples
    --------
    >>> found = geocode(["Cambridge", "Cambridge", "Muenchen", "Cambridge"], ["MA", None, None, None],
    ...                 ["US", "GB", "DE", "US"])
    >>> found[["name", "region", "level", "reason"]].fillna("").to_numpy().tolist()[:3]
    [['Cambridge', 'Massachusetts', 'place', 'exact'], ['Cambridge', 'England', 'place', 'exact'], \
['Munich', 'Bavaria', 'place', 'alternate name']]
    >>> found["reason"][3], found["level"][3]
    ('ambiguous', 'country')
    """
    _check(min_score, ambiguous)
    asked = _asked([place] if isinstance(place, str) else place, region, country)
    codes, distinct = _distinct(asked)
    answers = _answers(distinct, min_score=min_score, ambiguous=ambiguous)
    texts = {name: _or_none(answers[name]) for name in _TEXTS}
    return answers.assign(**texts).iloc[codes].reset_index(drop=True)


def _check(min_score: float, ambiguous: str) -> None:
    if not 0.0 <= min_score <= 1.0:
        raise ValueError(f"min_score = {min_score!r}: give a chance from 0 to 1")
    if ambiguous not in {"reject", "largest"}:
        raise ValueError(f"ambiguous = {ambiguous!r}: give 'reject' or 'largest'")


def _asked(place: Texts, region: Texts | str | None, country: Texts | str | None) -> pd.DataFrame:
    n = len(place)
    columns = {}
    for name, values in (("place", place), ("region", region), ("country", country)):
        if values is None or isinstance(values, str):
            columns[name] = pd.Series([values] * n, dtype=object)
        elif len(values) != n:
            raise ValueError(f"{n} places, but {len(values)} of `{name}`: one for each is needed")
        else:
            columns[name] = pd.Series(np.asarray(values, dtype=object))
    return pd.DataFrame(columns)


def _distinct(asked: pd.DataFrame) -> tuple[npt.NDArray[np.int64], pd.DataFrame]:
    asked = asked.where(asked.notna(), "")
    grouped = asked.groupby(["place", "region", "country"], sort=True)
    codes = np.asarray(grouped.ngroup(), dtype=np.int64)
    return codes, grouped.size().reset_index()[["place", "region", "country"]]


def _answers(asked: pd.DataFrame, *, min_score: float, ambiguous: Ambiguous) -> pd.DataFrame:
    gazetteer = load_gazetteer()
    reader = Reader(gazetteer)
    columns = (asked[c].map(str).str.strip() for c in ("place", "region", "country"))
    statements = [reader.understood(*row) for row in zip(*columns, strict=True)]
    answers = _without_a_place(statements, gazetteer)
    table = candidates_of(statements, reader)
    if len(table):
        choice, weight = _chosen(table, gazetteer)
        _fill(answers, choice, table, gazetteer, min_score, ambiguous)
        _tell_alternatives(answers, choice, table, weight, gazetteer)
    return answers


def _chosen(table: pd.DataFrame, gazetteer: Gazetteer) -> tuple[Choice, npt.NDArray[np.float64]]:
    place = table["place"].to_numpy(np.int64)
    population = gazetteer.points["population"].to_numpy(np.float64)[place]
    weight, unknown = log_weights(table, population)
    statement = table["statement"].to_numpy(np.int64)
    return likeliest(statement, gazetteer.vectors[place], weight, unknown, place), weight


def _without_a_place(statements: list[Statement], gazetteer: Gazetteer) -> pd.DataFrame:
    """Answers as far as region and country go, before any place is looked up."""
    region = np.array([s.region for s in statements], dtype=np.int64)
    stated = np.array([s.country for s in statements], dtype=np.int64)
    named = np.array([s.named_country for s in statements], dtype=np.int64)
    country = np.where(stated >= 0, stated, named)
    country = np.where(region >= 0, gazetteer.region_country[region], country)
    level = np.select([region >= 0, country >= 0], ["region", "country"], "")
    centres = gazetteer.country_centres
    point = {
        name: np.select(
            [region >= 0, country >= 0],
            [gazetteer.regions[name].to_numpy()[region], centres[name].to_numpy()[country]],
            np.nan,
        )
        for name in ("lat", "lon")
    }
    return pd.DataFrame(
        {
            **point,
            "score": 0.0,
            "level": pd.Series(level, dtype=object),
            "reason": pd.Series([_reason_without(s) for s in statements], dtype=object),
            "place_id": pd.array([pd.NA] * len(statements), dtype="Int64"),
            "name": pd.Series([None] * len(statements), dtype=object),
            "region": gazetteer.region_name[region],
            "country": gazetteer.country_code[country],
            "alternatives": pd.Series([None] * len(statements), dtype=object),
        }
    )


def _or_none(texts: pd.Series) -> pd.Series:
    """Texts as objects, None where there is nothing or an empty one."""
    values = [t if isinstance(t, str) and t else None for t in texts.tolist()]
    return pd.Series(values, index=texts.index, dtype=object)


def _reason_without(statement: Statement) -> str:
    if statement.unknown_country:
        return "unknown country"
    if statement.whole and statement.named_country == ANYWHERE:
        return "unknown place"
    if statement.region != ANYWHERE:
        return "region only"
    named = max(statement.country, statement.named_country)
    return "country only" if named != ANYWHERE else "nothing stated"


def _fill(
    answers: pd.DataFrame,
    choice: Choice,
    table: pd.DataFrame,
    gazetteer: Gazetteer,
    min_score: float,
    ambiguous: Ambiguous,
) -> None:
    """Write the chosen places into the answers, and where there is none, why."""
    # The chance that one of the rivals is meant and not something unknown: chance / share.
    fits = choice.chance >= min_score * choice.share
    sure = choice.chance >= min_score
    given = sure | (fits & (ambiguous == "largest"))
    rows = choice.statement
    known = ~answers["reason"].isin(["unknown country"]).to_numpy()[rows]
    answers.loc[rows[fits & ~sure & known], "reason"] = "ambiguous"
    take = given & known
    at, candidate = rows[take], choice.row[take]
    place = table["place"].to_numpy(np.int64)[candidate]
    n = len(gazetteer.places)
    is_place = place < n
    region = np.where(is_place, gazetteer.region[np.minimum(place, n - 1)], place - n)
    country = np.where(
        is_place,
        gazetteer.country[np.minimum(place, n - 1)],
        gazetteer.region_country[region],
    )
    for name in ("lat", "lon"):
        answers.loc[at, name] = gazetteer.points[name].to_numpy()[place]
    answers.loc[at, "score"] = choice.chance[take]
    answers.loc[at, "level"] = np.where(is_place, "place", "region")
    answers.loc[at, "region"] = gazetteer.region_name[region]
    answers.loc[at, "country"] = gazetteer.country_code[country]
    only = at[is_place]
    answers.loc[only, "place_id"] = gazetteer.places["place_id"].to_numpy()[place[is_place]]
    answers.loc[only, "name"] = gazetteer.place_name[place[is_place]]
    reasons = np.array(_reasons(table.iloc[candidate]), dtype=object)
    clear = sure[take]
    answers.loc[at[clear], "reason"] = reasons[clear]


def _reasons(chosen: pd.DataFrame) -> npt.NDArray[np.str_]:
    kind = chosen["kind"].to_numpy()
    return np.select(
        [
            kind == KINDS.index(REGION),
            chosen["wrong_region"].to_numpy(bool),
            np.isin(kind, [KINDS.index(PART), KINDS.index(ASIDE)]),
            (chosen["distance"].to_numpy() > 0)
            | chosen["folded"].to_numpy(bool)
            | (chosen["cut"].to_numpy() > 0),
            chosen["other"].to_numpy(bool),
        ],
        ["region only", "other region", "part of the name", "spelling", "alternate name"],
        "exact",
    )


def _tell_alternatives(
    answers: pd.DataFrame,
    choice: Choice,
    table: pd.DataFrame,
    weight: npt.NDArray[np.float64],
    gazetteer: Gazetteer,
) -> None:
    """Name what else may be meant, where there is anything worth naming."""
    open_ones = np.flatnonzero(choice.share < 1.0 - LEAST_ALTERNATIVE)
    ends = np.r_[choice.start[1:], len(choice.order)]
    place = table["place"].to_numpy(np.int64)
    told = []
    for i in open_ones:
        rows = choice.order[choice.start[i] : ends[i]]
        enough = rows[weight[rows] >= weight[rows[0]] + np.log(LEAST_ALTERNATIVE)]
        places = dict.fromkeys(place[enough].tolist())
        others = [p for p in places if p != place[rows[0]]][:MOST_ALTERNATIVES]
        told.append("; ".join(_label(p, gazetteer) for p in others) or None)
    answers.loc[choice.statement[open_ones], "alternatives"] = np.array(told, dtype=object)


def _label(place: int, gazetteer: Gazetteer) -> str:
    n = len(gazetteer.places)
    if place >= n:
        country = gazetteer.country_code[gazetteer.region_country[place - n]]
        return f"{gazetteer.region_name[place - n]} (region, {country})"
    around = (
        gazetteer.region_name[gazetteer.region[place]],
        gazetteer.country_code[gazetteer.country[place]],
    )
    return f"{gazetteer.place_name[place]} ({', '.join(x for x in around if x)})"
