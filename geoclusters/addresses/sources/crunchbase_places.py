"""Where a Crunchbase company sits: its codes for countries and regions, and what it writes where it knows no city."""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import Final

from geoclusters.addresses.regions import PROVINCES
from geoclusters.countries import iso2_of
from geoclusters.places import read_places

FORMER_CODES: Final = {"ROM": "RO", "TMP": "TL", "BUR": "MM", "SCG": "RS", "YUG": "RS", "BAH": "BS"}
"""Codes of countries in old exports that ISO 3166-1 has given up, or never had."""

OTHER_CODES: Final = frozenset({"BR", "FI", "SI"})
"""Countries whose codes in Crunchbase and in GeoNames name different regions: they are not used."""

_NO_CITY: Final = re.compile(r"(.* - )?other|tbd|unknown|n/?a|none|-+", re.IGNORECASE)


@lru_cache(maxsize=1024)
def country_code(code: str | None) -> str | None:
    """
    ISO 3166-1 alpha-2 of a country of Crunchbase; the text itself where it is not known.

    Examples
    --------
    >>> country_code("CAN"), country_code("ROM"), country_code("???"), country_code(None)
    ('CA', 'RO', '???', None)
    """
    if code is None:
        return None
    found: str | None = FORMER_CODES.get(code.upper()) or iso2_of([code])[0]
    return found or code


def region_name(country: str | None, code: str | None) -> str | None:
    """
    Name of a state, province or region by its code.

    The United States and Canada have postal codes, the rest FIPS 10-4 codes, whose leading zero a spreadsheet may have
    eaten. GeoNames has kept most FIPS codes; a code that it has not (Île-de-France, England) gives None.

    Parameters
    ----------
    country : str or None
        ISO 3166-1 alpha-2.
    code : str or None
        As the export gives it.

    Examples
    --------
    >>> region_name("US", "CA"), region_name("CA", "ON"), region_name("RU", "48"), region_name("DE", "2")
    ('California', 'Ontario', 'Moscow', 'Bavaria')
    >>> region_name("FR", "A8") is None
    True
    """
    if country is None or code is None:
        return None
    if country == "CA":
        return PROVINCES.get(code.upper())
    if country in OTHER_CODES:
        return None
    return _regions().get((country, code.upper().zfill(2)))


def named_city(text: str | None) -> str | None:
    """
    Give a city, and None for what stands for "not known".

    Examples
    --------
    >>> named_city("Paris"), named_city("California - Other"), named_city("TBD")
    ('Paris', None, None)
    """
    return None if text is None or _NO_CITY.fullmatch(text.strip()) else text


@cache
def _regions() -> dict[tuple[str, str], str]:
    """Region that most of the places with a code name."""
    places = read_places()[["country", "region_code", "region"]].dropna()
    counts = places.value_counts(sort=False).sort_values(kind="stable")
    # Later entries win: the sort puts the most frequent name of a code last.
    return {(country, code): region for country, code, region in counts.index}
