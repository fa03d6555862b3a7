"""Names of countries, regions and places as addresses write them, for telling the parts of an address apart.

Countries are those of `geoclusters.countries` and the short forms of bibliographic databases; regions and places are
those of `geoclusters.places` (GeoNames, CC BY 4.0), and the postal codes of states and provinces.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import Final

import pandas as pd

from geoclusters.countries import normalised_name, read_countries
from geoclusters.places import read_places

SHORT_COUNTRIES: Final = {
    "Algérie": "DZ",
    "Antigua & Barbu": "AG",
    "Bosnia & Herceg": "BA",
    "Cameroun": "CM",
    "Cent Afr Republ": "CF",
    "Cote Ivoire": "CI",
    "England UK": "GB",
    "Equat Guinea": "GQ",
    "Ger Dem Rep": "DE",
    "Northern Ireland UK": "GB",
    "Occupied Palestinian Territories": "PS",
    "P R of China": "CN",
    "Palestinian Authority": "PS",
    "Papua N Guinea": "PG",
    "Rep Congo": "CG",
    "Republic of Korea (South)": "KR",
    "Sao Tome & Prin": "ST",
    "Scotland UK": "GB",
    "St Kitts & Nevi": "KN",
    "St Vincent": "VC",
    "Trinidad Tobago": "TT",
    "Tunisie": "TN",
    "U Arab Emirates": "AE",
    "USSR": "RU",
    "Wales UK": "GB",
}
"""Spellings of bibliographic databases that `geoclusters.countries` does not list."""

NATIONS: Final = {
    "england": "England",
    "scotland": "Scotland",
    "wales": "Wales",
    "north ireland": "Northern Ireland",
    "northern ireland": "Northern Ireland",
}
"""What stands in the place of a country and is a region of the United Kingdom."""

PROVINCES: Final = {
    "AB": "Alberta",
    "ALTA": "Alberta",
    "BC": "British Columbia",
    "MAN": "Manitoba",
    "MB": "Manitoba",
    "NB": "New Brunswick",
    "NF": "Newfoundland and Labrador",
    "NL": "Newfoundland and Labrador",
    "NS": "Nova Scotia",
    "NT": "Northwest Territories",
    "NU": "Nunavut",
    "ON": "Ontario",
    "ONT": "Ontario",
    "PE": "Prince Edward Island",
    "PQ": "Quebec",
    "QC": "Quebec",
    "QUE": "Quebec",
    "SASK": "Saskatchewan",
    "SK": "Saskatchewan",
    "YT": "Yukon",
}
"""Provinces of Canada by their postal codes and abbreviations, old ones too."""

POSTAL_CODES: Final[dict[str, dict[str, str]]] = {
    "CA": PROVINCES,
    "AU": {
        "ACT": "Australian Capital Territory",
        "NSW": "New South Wales",
        "NT": "Northern Territory",
        "QLD": "Queensland",
        "SA": "South Australia",
        "TAS": "Tasmania",
        "VIC": "Victoria",
        "WA": "Western Australia",
    },
    "BR": {
        "AC": "Acre",
        "AL": "Alagoas",
        "AM": "Amazonas",
        "AP": "Amapá",
        "BA": "Bahia",
        "CE": "Ceará",
        "DF": "Federal District",
        "ES": "Espírito Santo",
        "GO": "Goiás",
        "MA": "Maranhão",
        "MG": "Minas Gerais",
        "MS": "Mato Grosso do Sul",
        "MT": "Mato Grosso",
        "PA": "Pará",
        "PB": "Paraíba",
        "PE": "Pernambuco",
        "PI": "Piauí",
        "PR": "Paraná",
        "RJ": "Rio de Janeiro",
        "RN": "Rio Grande do Norte",
        "RO": "Rondônia",
        "RR": "Roraima",
        "RS": "Rio Grande do Sul",
        "SC": "Santa Catarina",
        "SE": "Sergipe",
        "SP": "São Paulo",
        "TO": "Tocantins",
    },
}
"""Codes of states and provinces; those of the United States come from the places table."""

CITY_STATES: Final = {"HK": "Hong Kong", "MO": "Macau", "SG": "Singapore", "MC": "Monaco"}
"""Economies that are one city."""

_NO_PLACES: Final = pd.DataFrame(
    columns=["name", "ascii_name", "region", "region_code", "population"]
)
LARGE_CITY: Final = 1_000_000
"""Inhabitants from which a city is also known without "City" behind its name: New York, not Oklahoma."""
_KIND_OF_REGION: Final = re.compile(
    r" (province|prefecture|state|region|county|oblast|sheng|autonomous region"
    r"|(zhuang|hui|uygur|uyghur) autonomous region)$"
)


@lru_cache(maxsize=1 << 16)
def country_named(text: str) -> str | None:
    """
    ISO 3166-1 alpha-2 of a country by its name or code, in any spelling that is known.

    Examples
    --------
    >>> country_named("Peoples R China"), country_named("U Arab Emirates"), country_named("Ohio")
    ('CN', 'AE', None)
    """
    return _countries().get(normalised_name(text))


def state_coded(text: str) -> str | None:
    """
    Country that has a state or province of this postal code: the United States, Canada or Australia.

    Examples
    --------
    >>> state_coded("CA"), state_coded("ON"), state_coded("NSW"), state_coded("XX")
    ('US', 'CA', 'AU', None)
    """
    return next((c for c in ("US", "CA", "AU") if text in _codes(c)), None)


@lru_cache(maxsize=1 << 16)
def overseas_part(text: str, country: str) -> str | None:
    """
    ISO 3166-1 alpha-2 of an economy whose addresses may end with another country's name.

    Examples
    --------
    >>> overseas_part("Hong Kong", "CN"), overseas_part("PR", "US"), overseas_part("Ohio", "US")
    ('HK', 'PR', None)
    """
    code = country_named(text)
    return code if code and country in _owners().get(code, ()) else None


@lru_cache(maxsize=1 << 16)
def region_named(country: str, text: str) -> str | None:
    """
    Name of a first-level region of a country, from its name or its postal code.

    Examples
    --------
    >>> region_named("US", "MA"), region_named("CN", "Hunan Province"), region_named("AU", "Vic")
    ('Massachusetts', 'Hunan', 'Victoria')
    >>> region_named("US", "Hunan") is None
    True
    """
    coded = _codes(country).get(text.upper())
    if coded:
        return coded
    name = normalised_name(text)
    names = _regions(country)
    return names.get(name) or names.get(_KIND_OF_REGION.sub("", name))


@lru_cache(maxsize=1 << 16)
def is_place(country: str | None, text: str, region: str | None = None) -> bool:
    """
    Tell whether the places table has a place of this name: in a country, in a region of it, or anywhere.

    Examples
    --------
    >>> is_place("CN", "Xian"), is_place("US", "College Station"), is_place("US", "Dept Chem")
    (True, True, False)
    >>> is_place("US", "Cambridge", "Massachusetts"), is_place("US", "Rabat", "Massachusetts")
    (True, False)
    """
    return normalised_name(text) in _places(country, region)


@cache
def _countries() -> dict[str, str]:
    spellings = {normalised_name(name): code for name, code in SHORT_COUNTRIES.items()}
    table = read_countries()
    for column in ("alternates", "name", "iso3", "iso2"):
        for code, text in zip(table["iso2"], table[column], strict=True):
            spellings |= {normalised_name(name): code for name in text.split("|") if name}
    return spellings


@cache
def _codes(country: str) -> dict[str, str]:
    if country != "US":
        return POSTAL_CODES.get(country, {})
    states = _tables()["US"][["region_code", "region"]].dropna()
    return dict(states.drop_duplicates("region_code").itertuples(index=False, name=None))


@cache
def _regions(country: str) -> dict[str, str]:
    names = _tables().get(country, _NO_PLACES)["region"].dropna().unique()
    regions = {normalised_name(name): name for name in sorted(names)}
    short = {_KIND_OF_REGION.sub("", key): name for key, name in regions.items()}
    return {**short, **regions}


@cache
def _places(country: str | None, region: str | None) -> frozenset[str]:
    places = _tables().get(country, _NO_PLACES) if country else read_places()
    if region:
        places = places[places["region"] == region]
    names = {normalised_name(name) for name in {*places["name"], *places["ascii_name"]}}
    large = places.loc[places["population"] >= LARGE_CITY, "name"]
    return frozenset(names | {normalised_name(name).removesuffix(" city") for name in large})


@cache
def _tables() -> dict[str, pd.DataFrame]:
    return {str(country): places for country, places in read_places().groupby("country")}


@cache
def _owners() -> dict[str, frozenset[str]]:
    table = read_countries()
    return {
        code: frozenset(owners.split())
        for code, owners in zip(table["iso2"], table["stated_as"], strict=True)
    }
