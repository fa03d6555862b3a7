"""Venture deals from two cuts of one list of companies: one has the amounts, the other the points.

The first cut counts rounds by metropolitan area (`region`, a name without a point); it is the
fuller one (83,857 rounds against 68,160) and says for American companies which area is meant. The
second counts rounds by city with a point; but American cities were geocoded without their state, so
that Cambridge stands in Maryland. Both list the same companies, so adding them would count twice.
Hence:

- The **amount** of an area is that of the first cut, and so are the world's total and the rounds
  whose area is not stated.
- The **points** are the cities of the second cut: each belongs to the nearest area of its country
  within 80 km and gets a part of the area's rounds, in proportion to its own rounds. An area
  without such a city stands at its own point.
- An area's point is that of the second cut's city of the same name (not in the United States), else
  of the largest place of its name in the country (in the state, where the name has one: "Portland,
  Oregon"). Names of landscapes are translated by `LANDSCAPES`.
- An American city stands at the largest place of its name in the United States; the point of the
  geocoder is kept where the places table does not know the name.
- "CHN - Other", the rounds outside every named area, and areas that no table has a point for
  ("Taiwan", "Picardie") go to the cities of that country that belong to no area. In the United
  States ("NJ - Other") they stay without a point, since there the cities are the less certain part.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pandas as pd
from metros import Gazetteer
from naming import folded

from geoclusters.countries import iso2_of
from geoclusters.earth import distance_km, unit_vectors

if TYPE_CHECKING:
    from pathlib import Path

AREA_KM: Final = 80.0
OTHER: Final = " - Other"
LANDSCAPES: Final = {
    "SF Bay Area": "San Francisco, California",
    "Palm Beaches": "West Palm Beach, Florida",
    "Orange County, California": "Santa Ana, California",
    "Long Island": "Hempstead, New York",
    "Napa Valley": "Napa, California",
    "Florida's Space Coast": "Melbourne, Florida",
    "Florida's Treasure Coast": "Port Saint Lucie, Florida",
    "Cape Cod": "Barnstable, Massachusetts",
    "Sacramento Valley": "Sacramento, California",
    "Lake Tahoe": "South Lake Tahoe, California",
    "Hawaii - Big Island": "Hilo, Hawaii",
    "Maui": "Kahului, Hawaii",
    "Kauai": "Kapaa, Hawaii",
}
"""Areas of the first cut that are called after a landscape, with their main town."""

SHORT: Final = {"Ft.": "Fort", "St.": "Saint", "D.C.": ""}
FORMER_CODES: Final = {"ROM": "RO"}
"""Codes of the list that ISO 3166-1 has given up."""


def read_deals(data: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Read both cuts as they are."""
    folder = data / "vc_world_companies_2014"
    return (
        pd.read_csv(folder / "crunchbase_world_companies_by_metro_2014.csv.gz"),
        pd.read_csv(folder / "crunchbase_world_city_totals_2005_2014.csv.gz"),
    )


def place_deals(
    companies: pd.DataFrame, cities: pd.DataFrame, places: pd.DataFrame
) -> pd.DataFrame:
    """
    Combine the two cuts by the rules above.

    Parameters
    ----------
    companies : pandas.DataFrame
        First cut: `country_code` (three letters), `region`, `funding_rounds`.
    cities : pandas.DataFrame
        Second cut: `country_code`, `city`, `funding_rounds`, `Latitude`, `Longitude`.
    places : pandas.DataFrame
        As `geoclusters.places.read_places` gives them.

    Returns
    -------
    pandas.DataFrame
        `region, city, country, lat, lon, rounds`; the rounds add up to those of the first cut.
    """
    known = Gazetteer(places)
    towns = _towns(cities, known)
    areas = _areas(companies, towns, known)
    towns["area"] = _nearest_area(towns, areas)
    parts = _parts(areas, towns)
    return parts.sort_values(["country", "region", "city"], na_position="last", ignore_index=True)


def countries_of(codes: pd.Series) -> pd.Series:
    """Give the two letters for the three letters of the list."""
    return pd.Series(iso2_of(codes.replace(FORMER_CODES)), index=codes.index, dtype=object)


def _areas(companies: pd.DataFrame, towns: pd.DataFrame, known: Gazetteer) -> pd.DataFrame:
    """One row an area with its rounds and point; the position in the table is its number."""
    areas = companies.groupby(["country_code", "region"], dropna=False)["funding_rounds"].sum()
    areas = areas.rename("rounds").reset_index()
    areas["country"] = countries_of(areas["country_code"])
    pairs = zip(areas["region"], areas["country"], strict=True)
    rows = [_place_of(region, country, known) for region, country in pairs]
    areas = _with_points(areas, rows, known)
    abroad = towns[towns["country"].ne("US")].drop_duplicates(["country", "city"])
    same = areas.merge(
        abroad, how="left", left_on=["country", "region"], right_on=["country", "city"]
    )
    for name in ("lat", "lon"):
        areas[name] = same[f"{name}_y"].fillna(areas[name])
    return _pooled(areas)


def _pooled(areas: pd.DataFrame) -> pd.DataFrame:
    """Make one area of all those of a country (not the United States) that have no point."""
    other = areas["lat"].isna() & areas["country"].notna() & areas["country"].ne("US")
    areas.loc[other, "region"] = areas["country"] + OTHER
    keys = ["country", "region", "lat", "lon"]
    return areas.groupby(keys, dropna=False, sort=True)["rounds"].sum().reset_index()


def _place_of(region: object, country: str | None, known: Gazetteer) -> int | None:
    """Row of the place that an area is called after."""
    if not isinstance(region, str) or country is None or region.endswith(OTHER):
        return None
    name, _, state = LANDSCAPES.get(region, region).partition(", ")
    for short, long in SHORT.items():
        name, state = name.replace(short, long), state.replace(short, long)
    for one in (name, f"{name} City", name.removesuffix(" City"), *name.split(" - ")):
        rows = known.named(one.strip(), country)
        in_state = [r for r in rows if folded(str(known.places["region"][r])) == folded(state)]
        if rows:
            return (in_state or rows)[0]
    return None


def _with_points(table: pd.DataFrame, rows: list[int | None], known: Gazetteer) -> pd.DataFrame:
    place = pd.Series(rows, dtype="Int64", index=table.index)
    points = known.places[["lat", "lon"]].reindex(place.fillna(-1).astype(int)).to_numpy()
    return table.assign(lat=points[:, 0], lon=points[:, 1])


def _towns(cities: pd.DataFrame, known: Gazetteer) -> pd.DataFrame:
    """Cities of the second cut with a point; the American ones at the largest place of the name."""
    towns = cities.rename(
        columns={"funding_rounds": "weight", "Latitude": "lat", "Longitude": "lon"}
    )
    towns = towns.assign(country=countries_of(towns["country_code"]))
    american = towns["country"].eq("US")
    named = [
        known.named(str(c), "US")[:1] if us else []
        for c, us in zip(towns["city"], american, strict=True)
    ]
    moved = _with_points(towns, [rows[0] if rows else None for rows in named], known)
    for name in ("lat", "lon"):
        towns[name] = moved[name].fillna(towns[name])
    columns = ["city", "country", "lat", "lon", "weight"]
    return (
        towns[towns["weight"] > 0]
        .dropna(subset=["country", "lat", "lon"])[columns]
        .reset_index(drop=True)
    )


def _nearest_area(towns: pd.DataFrame, areas: pd.DataFrame) -> pd.Series:
    """Find the nearest area of the same country within `AREA_KM`; -1 where there is none."""
    nearest = pd.Series(-1, index=towns.index)
    for country, group in towns.groupby("country"):
        here = areas[(areas["country"] == country) & areas["lat"].notna()]
        if here.empty:
            continue
        a = unit_vectors(group["lat"], group["lon"])[:, None]
        km = distance_km(a, unit_vectors(here["lat"], here["lon"])[None])
        close = km.min(axis=1) <= AREA_KM
        nearest[group.index[close]] = here.index[km.argmin(axis=1)[close]]
    return nearest


def _parts(areas: pd.DataFrame, towns: pd.DataFrame) -> pd.DataFrame:
    """Split the rounds of every area over its cities."""
    rest = areas[areas["region"] == areas["country"] + OTHER]
    loose = towns["area"].eq(-1)
    number = dict(zip(rest["country"], rest.index, strict=True))
    towns["area"] = towns["area"].where(~loose, towns["country"].map(number).fillna(-1)).astype(int)
    towns = towns[towns["area"] >= 0]
    share = towns["weight"] / towns.groupby("area")["weight"].transform("sum")
    split = towns.assign(
        region=areas["region"].to_numpy()[towns["area"]],
        rounds=share * areas["rounds"].to_numpy()[towns["area"]],
    )
    whole = areas[~areas.index.isin(towns["area"])].assign(city=None)
    columns = ["region", "city", "country", "lat", "lon", "rounds"]
    return pd.concat([split[columns], whole[columns]], ignore_index=True)
