"""Patents by metropolitan area: years from columns to rows, and every area at a point.

The source has a name, a country, a point that was looked up by that name, and counts. Where these
cannot all be right, a rule mends them. Each rule rests on what the table itself and the places
table say, and none names a city:

1. *No point*: one of the names in the name is a place of the country ("Alacant / Alicante").
2. *The name is no place of the country, but one of a neighbour, within 30 km*: the row is the part
   of a cross-border area on this side ("Tijuana, US", "Detroit, CA", "Geneva, FR"). It stands at
   the largest place of the country within 30 km.
3. *The name stands several times in one country*: the rows are different areas, since an area has
   one row. The largest count stands at the largest of the places of that name; where these are
   fewer than the rows ("Guangzhou", four times), also at the largest places within 150 km of it
   that the table lacks.
4. *The name stands in two countries, and one place has ten times the inhabitants of the other*: the
   larger count belongs to the larger place. Counts were assigned by name: "London, CA" has twice
   the patents of Toronto, and "London, GB" fewer than Ipswich.

What no rule mends stays as it is: areas without counts (Boston, Israel, Singapore, Hong Kong,
Taiwan), and counts that the source puts at a homonym within the country.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd
from naming import folded

from geoclusters.earth import distance_km, unit_vectors

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FIRST_YEAR: Final = 2008
LAST_YEAR: Final = 2012
ACROSS_KM: Final = 30.0
NEIGHBOUR_KM: Final = 150.0
TIMES_AS_LARGE: Final = 10
UNIT_WORDS: Final = re.compile(r"-(si|gun|myeon)$|^(?:greater|city of) ", re.IGNORECASE)


def read_metros(data: Path) -> pd.DataFrame:
    """Read the table as it is."""
    file = data / "patents_metro_world/metro_patent_code_counts_1980_2014.csv.gz"
    return pd.read_csv(file, keep_default_na=False, na_values=[""])


def place_metros(metros: pd.DataFrame, places: pd.DataFrame) -> pd.DataFrame:
    """
    Give every area its point, mended by the rules above.

    Parameters
    ----------
    metros : pandas.DataFrame
        Columns `metro`, `country_code`, `lat`, `lon` and one column a year.
    places : pandas.DataFrame
        As `geoclusters.places.read_places` gives them.

    Returns
    -------
    pandas.DataFrame
        The rows in their order: `metro, country, lat, lon`, `rule` (0 where nothing was mended) and
        the years.
    """
    known = Gazetteer(places)
    years = [c for c in metros.columns if c.isdigit()]
    rows = metros.rename(columns={"country_code": "country"}).reset_index(drop=True)
    rows = rows[["metro", "country", "lat", "lon", *years]]
    pairs = list(zip(rows["metro"], rows["country"], strict=True))
    home = [known.find(metro, country) for metro, country in pairs]
    rows["place"] = [found[0] if found else -1 for found in home]
    rows["rule"] = ((rows["place"] >= 0) & rows["lat"].isna()).astype(int)
    for row in np.flatnonzero(rows["place"] < 0):
        _move(rows, [row], known.across_the_border(*pairs[row])[:1], rule=2)
    _spread_repeated(rows, known)
    _larger_to_larger(rows, known, years)
    return _with_points(rows, known).drop(columns="place")


def _total(rows: pd.DataFrame) -> pd.Series:
    """Patents of the years that count."""
    years = [c for c in rows.columns if c.isdigit() and FIRST_YEAR <= int(c) <= LAST_YEAR]
    return rows[years].sum(axis=1)


def _move(rows: pd.DataFrame, which: list[int], to: list[int], *, rule: int) -> None:
    for row, place in zip(which, to, strict=False):
        rows.loc[row, ["place", "rule"]] = place, rule


def _with_points(rows: pd.DataFrame, known: Gazetteer) -> pd.DataFrame:
    """Take the point of the place where a rule moved the row, else that of the source."""
    moved = rows["rule"].isin([1, 2, 3]) & (rows["place"] >= 0)
    for name in ("lat", "lon"):
        rows.loc[moved, name] = known.places[name].to_numpy()[rows.loc[moved, "place"]]
    return rows


def _spread_repeated(rows: pd.DataFrame, known: Gazetteer) -> None:
    """Apply rule 3."""
    listed = set(rows["place"])
    for (metro, country), group in rows.groupby(["metro", "country"], sort=True):
        if len(group) > 1:
            same = known.find(str(metro), str(country))
            near = known.near(same[0], NEIGHBOUR_KM, str(country)) if same else []
            others = [place for place in near if place not in listed]
            to = sorted((same + others)[: len(group)])
            order = _total(group).sort_values(ascending=False, kind="stable").index
            _move(rows, list(order), to, rule=3)


def _larger_to_larger(rows: pd.DataFrame, known: Gazetteer, years: list[str]) -> None:
    """Apply rule 4."""
    at_home = rows[(rows["place"] >= 0) & (rows["rule"] != 2)]
    for _, group in at_home.groupby("metro", sort=True):
        if len(group) < 2 or group["country"].duplicated().any():
            continue
        population = known.places["population"].to_numpy()[group["place"]]
        counts = _total(group)
        largest, most = group.index[int(population.argmax())], counts.idxmax()
        sizes = dict(zip(group.index, population, strict=True))
        if counts[largest] < counts[most] and sizes[largest] >= TIMES_AS_LARGE * sizes[most]:
            rows.loc[[largest, most], years] = rows.loc[[most, largest], years].to_numpy()
            rows.loc[[largest, most], "rule"] = 4


def yearly_counts(placed: pd.DataFrame) -> pd.DataFrame:
    """
    Turn the columns of the years that count into rows.

    Columns `metro, country, lat, lon, year, patents`; areas and years without patents have no row.
    """
    years = [c for c in placed.columns if c.isdigit() and FIRST_YEAR <= int(c) <= LAST_YEAR]
    rows = placed.melt(
        id_vars=["metro", "country", "lat", "lon"],
        value_vars=years,
        var_name="year",
        value_name="patents",
    )
    rows = rows[rows["patents"] > 0].astype({"year": "int16", "patents": "float64"})
    return rows.sort_values(["country", "metro", "lat", "year"], ignore_index=True)


class Gazetteer:
    """Places by country and name, the largest first."""

    def __init__(self, places: pd.DataFrame) -> None:
        self.places = places.sort_values(
            ["population", "place_id"], ascending=[False, True], kind="stable", ignore_index=True
        )
        self.vectors = unit_vectors(self.places["lat"], self.places["lon"])
        self.rows: dict[str, list[int]] = {}
        for row, names in enumerate(
            zip(self.places["name"], self.places["ascii_name"], strict=True)
        ):
            for name in sorted({folded(n) for n in names}):
                self.rows.setdefault(name, []).append(row)

    def named(self, name: str, country: str | None = None) -> list[int]:
        """Rows of the places with a name, in a country."""
        rows = self.rows.get(folded(name), [])
        countries = self.places["country"]
        return [row for row in rows if country is None or countries[row] == country]

    def find(self, metro: str, country: str) -> list[int]:
        """Rows for the first of the names of an area that is a place of the country."""
        return next(filter(None, (self.named(n, country) for n in names_in(metro))), [])

    def near(self, row: int, km: float, country: str) -> list[int]:
        """Rows of the places of a country within some kilometres, the largest first."""
        close = distance_km(self.vectors[row], self.vectors) <= km
        here = close & (self.places["country"] == country).to_numpy()
        return [int(i) for i in np.flatnonzero(here)]

    def across_the_border(self, metro: str, country: str) -> list[int]:
        """Rows of the places of the country near to one of that name abroad."""
        abroad = (row for name in names_in(metro) for row in self.named(name))
        return next(filter(None, (self.near(row, ACROSS_KM, country) for row in abroad)), [])


def names_in(metro: str) -> Iterator[str]:
    """
    Names that stand in the name of an area, the whole first.

    Examples
    --------
    >>> list(names_in("Alacant / Alicante"))
    ['Alacant / Alicante', 'Alacant', 'Alicante']
    """
    yield metro
    parts = [part.strip(" ]") for part in re.split(r"[\[/(,]| - ", metro)]
    for part in parts:
        plain = UNIT_WORDS.sub("", part.strip(" )"))
        if plain and plain != metro:
            yield plain
