"""Name each cluster after the places that carry most of its activity.

The rule, in the order of the steps:

1. A place that lies in the disc which the inhabitants of a larger place of the same country would
   fill at `CITY_DENSITY_KM2` is a part of that city: Brooklyn of New York, Shinjuku of Tokyo,
   Pudong of Shanghai. It never gives a name.
2. Each cell's activity goes to the nearest of the other places.
3. From the smallest population up, a place hands its activity over to the larger place of the
   cluster that pulls most, population / (distance² + `CORE_KM`²), unless it carries a fair part
   itself: at least `FAIR_SHARE` of the cluster, and, where the larger place is within `COMMUTE_KM`,
   at least `FAIR_POPULATION` of its inhabitants. So suburbs gather around their city however
   finely they are listed, and a research campus in a village is its city's.
4. The places left, at most `MAX_PLACES` of them, name the cluster in falling order of activity, as
   far as they carry `FAIR_SHARE` of it and `FAIR_TO_FIRST` of what the first one carries.

All of it is our choice; the published rankings do not tell theirs.
"""

from __future__ import annotations

from dataclasses import dataclass
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.spatial import cKDTree

from geoclusters.earth import EARTH_RADIUS_KM, chord_of, distance_km, unit_vectors

if TYPE_CHECKING:
    from collections.abc import Iterator

CITY_DENSITY_KM2: Final = 15_000.0
"""
Inhabitants per km² of a dense city, as in the wards of Tokyo or in Seoul; it turns a population
into the reach of a city: 14 km for New York, 23 km for Shanghai, 4 km for Boston.
"""
CORE_KM: Final = 3.0
"""Within this distance nearness counts no more in the pull of a place."""
FAIR_SHARE: Final = 0.15
"""Least part of a cluster's activity that gives a place a name in it."""
FAIR_TO_FIRST: Final = 0.2
"""Least part of the first place's activity for a second or third name."""
FAIR_POPULATION: Final = 1 / 6
"""Least population for a name beside a place within `COMMUTE_KM`, as a part of that place's."""
COMMUTE_KM: Final = 30.0
"""Within this distance a small place is a suburb of a larger one."""
MAX_PLACES: Final = 3
REACH_KM: Final = 50.0
"""A place farther than this from a cell does not stand for it."""
NEAR_KM: Final = 300.0
"""A cluster out of every place's reach is "near" a place within this distance."""

ENGLISH_NAMES: Final = {
    255683: "Patras",
    293703: "Rishon LeZion",
    293918: "Petah Tikva",
    294751: "Holon",
    734077: "Thessaloniki",
    1254661: "Thane",
    1833105: "Wonju",
    1842943: "Gimhae",
    1846052: "Jinju",
    2510911: "Seville",
    2624652: "Aarhus",
    2797656: "Ghent",
    2886242: "Cologne",
    3104499: "Vitoria-Gasteiz",
    3110044: "San Sebastián",
    3533462: "Acapulco",
    3991164: "Querétaro",
    3998655: "León",
    4011743: "Durango",
    6077243: "Montreal",
    6325494: "Quebec",
}
"""Names in use in English, by place_id, where GeoNames keeps the local one."""
EN_DASH: Final = "\N{EN DASH}"

Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.intp]


@dataclass(frozen=True)
class _Gazetteer:
    """The places that may give a name, ordered by place_id, as arrays."""

    table: pd.DataFrame
    names: npt.NDArray[np.object_]
    vectors: Floats
    population: Floats
    rank: Rows  # 0 for the largest population; ties by place_id
    tree: cKDTree


def name_clusters(
    *,
    lat: npt.ArrayLike,
    lon: npt.ArrayLike,
    activity: npt.ArrayLike,
    labels: npt.ArrayLike,
    places: pd.DataFrame,
) -> pd.DataFrame:
    """
    Name clusters after the one to three places that carry most of their activity.

    Parameters
    ----------
    lat, lon : array_like of float, shape (n,)
        Positions of the cells, WGS 84 degrees.
    activity : array_like of float, shape (n,)
        What the cells weigh, 0 or more, in any unit. A cluster without any activity is named as
        if its cells weighed the same.
    labels : array_like of int, shape (n,)
        Cluster of each cell; negative for noise.
    places : pandas.DataFrame
        `place_id`, `name`, `country`, `region`, `region_code`, `lat`, `lon`, `population`, as
        `geoclusters.places.read_places` gives them; in any order.

    Returns
    -------
    pandas.DataFrame
        One row a cluster, ordered by `label`: `label` int64, `name` str, and `places`, the tuple of
        the place_ids named, in the order of the name. Names are unique: equal ones get the country,
        or within a country the region, of their first place: "Cambridge, GB", "Cambridge, MA".
        A cluster with no place within 50 km of any cell is "near X" after the nearest within
        300 km (X is its one place), or else its position ("12.3°S 45.6°W") with no place.

    Raises
    ------
    ValueError
        If there are no places at all.

    Notes
    -----
    The module's docstring tells the rule. The answer does not depend on the order of the rows.

    Examples
    --------
    >>> from geoclusters.places import read_places
    >>> cells = {"lat": [35.69, 35.71, 35.44], "lon": [139.70, 139.75, 139.64]}
    >>> named = name_clusters(
    ...     **cells, activity=[5.0, 3.0, 4.0], labels=[0, 0, 0], places=read_places()
    ... )
    >>> named["name"].to_list()
    ['Tokyo\u2013Yokohama']
    """
    if places.empty:
        raise ValueError("`places` has no rows: clusters cannot be named without places")
    cells = _sorted_cells(lat, lon, activity, labels)
    gazetteer = _gazetteer(places)
    carried = _carried(cells, gazetteer)
    rows_of = {
        label: _named_rows(part["row"].to_numpy(), part["activity"].to_numpy(), gazetteer)
        for label, part in _by_label(carried)
    }
    near = [_named_after(label, rows_of, gazetteer) for label in rows_of]
    rest = cells[~cells["label"].isin(rows_of.keys())]
    far = [_remote(label, part, gazetteer) for label, part in _by_label(rest)]
    named = sorted(near + far, key=itemgetter(0))
    table = pd.DataFrame(named, columns=["label", "name", "rows"])
    ids = gazetteer.table["place_id"].to_numpy()
    table["name"] = _made_unique(table, gazetteer.table)
    table["places"] = [tuple(int(ids[row]) for row in rows) for rows in table["rows"]]
    return table[["label", "name", "places"]].astype({"label": "int64"})


def _sorted_cells(
    lat: npt.ArrayLike,
    lon: npt.ArrayLike,
    activity: npt.ArrayLike,
    labels: npt.ArrayLike,
) -> pd.DataFrame:
    """Drop noise and sort, so that sums of floats do not depend on the order of the input."""
    label = np.asarray(labels, dtype=np.int64)
    member = np.flatnonzero(label >= 0)
    label = label[member]
    y, x, heft = (np.asarray(v, dtype=np.float64)[member] for v in (lat, lon, activity))
    order = _order(label, y, x, heft)
    columns = {"label": label, "lat": y, "lon": x, "activity": heft}
    cells = pd.DataFrame({name: column[order] for name, column in columns.items()}, copy=False)
    idle = cells.groupby("label")["activity"].transform("sum") <= 0
    return cells.assign(activity=cells["activity"].mask(idle, 1.0))


def _order(label: npt.NDArray[np.int64], lat: Floats, lon: Floats, activity: Floats) -> Rows:
    """Order by label, latitude, longitude and activity; the last two are looked at where the first two are equal."""
    order = np.argsort(lat)
    # Numbers that fit are sorted without comparing them.
    narrow = np.uint16 if label.max(initial=0) < 1 << 16 else np.int64
    order = order[np.argsort(label[order].astype(narrow), kind="stable")]
    same = (np.diff(label[order]) == 0) & (np.diff(lat[order]) == 0)
    tied = np.flatnonzero(np.append(same, False) | np.append(False, same))
    rows = order[tied]
    order[tied] = rows[np.lexsort((activity[rows], lon[rows], lat[rows], label[rows]))]
    return order


def _by_label(table: pd.DataFrame) -> Iterator[tuple[int, pd.DataFrame]]:
    groups: Any = table.groupby("label")
    for label, part in groups:
        yield int(label), part


def _gazetteer(places: pd.DataFrame) -> _Gazetteer:
    table = places.sort_values("place_id", ignore_index=True)
    table = table[_is_city(table)].reset_index(drop=True)
    table["name"] = _english(table)
    vectors = unit_vectors(table["lat"], table["lon"])
    population = table["population"].to_numpy(np.float64)
    rank = np.empty(len(table), dtype=np.intp)
    rank[np.argsort(-population, kind="stable")] = np.arange(len(table))
    names = table["name"].to_numpy(dtype=object)
    return _Gazetteer(table, names, vectors, population, rank, cKDTree(vectors))


def _is_city(table: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Tell which places are no part of a larger one, from the largest down."""
    population = table["population"].to_numpy(np.float64)
    country = table["country"].to_numpy(dtype=object)
    reach_km = np.sqrt(population / (np.pi * CITY_DENSITY_KM2))
    chord = 2.0 * np.sin(reach_km / EARTH_RADIUS_KM / 2.0)
    tree = cKDTree(unit_vectors(table["lat"], table["lon"]))
    largest_first = np.argsort(-population, kind="stable")
    alone = tree.query(tree.data, k=[2])[0][:, 0] > chord
    rows = largest_first[~alone[largest_first]]
    city = np.ones(len(table), dtype=np.bool_)
    decided = np.zeros(len(table), dtype=np.bool_)
    for row, near in zip(rows, tree.query_ball_point(tree.data[rows], chord[rows]), strict=True):
        if city[row]:
            decided[row] = True
            members = np.array(near, dtype=np.intp)
            city[members[(country[members] == country[row]) & ~decided[members]]] = False
    return city


def _english(places: pd.DataFrame) -> pd.Series:
    """Names in use in English; Korean ones without the ending that says "city"."""
    name = places["place_id"].map(ENGLISH_NAMES).fillna(places["name"])
    return name.mask(places["country"] == "KR", name.str.removesuffix("-si"))


def _carried(cells: pd.DataFrame, gazetteer: _Gazetteer) -> pd.DataFrame:
    """Sum each cluster's activity by the place nearest to its cells: `label, row, activity`."""
    chord, place = gazetteer.tree.query(unit_vectors(cells["lat"], cells["lon"]), workers=-1)
    reached = chord <= chord_of(REACH_KM)
    by_place = cells[reached].assign(row=place[reached]).groupby(["label", "row"])
    carried: pd.DataFrame = by_place["activity"].sum().reset_index()
    return carried


def _named_rows(rows: Rows, activity: Floats, gazetteer: _Gazetteer) -> Rows:
    """Pick the places that name a cluster, in falling order of what they carry in the end."""
    smallest_first = np.argsort(-gazetteer.rank[rows])
    rows, carried = rows[smallest_first], activity[smallest_first].copy()
    total = carried.sum()
    for i in range(len(rows) - 1):
        larger = rows[i + 1 :]
        best = int(np.argmax(_pull(rows[i], larger, gazetteer)))
        if carried[i] < FAIR_SHARE * total or _is_suburb(rows[i], larger[best], gazetteer):
            carried[i + 1 + best] += carried[i]
            carried[i] = 0.0
    order = np.lexsort([rows, -carried])
    named: Rows = rows[order][:MAX_PLACES]
    carried = carried[order][:MAX_PLACES]
    fair = carried >= max(FAIR_SHARE * total, FAIR_TO_FIRST * carried[0])
    fair[0] = True
    return np.asarray(named[fair])


def _is_suburb(row: int, larger: int, gazetteer: _Gazetteer) -> bool:
    km = distance_km(gazetteer.vectors[row], gazetteer.vectors[larger])
    small = gazetteer.population[row] < FAIR_POPULATION * gazetteer.population[larger]
    return bool(small and km <= COMMUTE_KM)


def _pull(row: int, others: Rows, gazetteer: _Gazetteer) -> Floats:
    km = distance_km(gazetteer.vectors[others], gazetteer.vectors[row])
    return np.asarray(gazetteer.population[others] / (km**2 + CORE_KM**2))


def _named_after(
    label: int, named: dict[int, Rows], gazetteer: _Gazetteer
) -> tuple[int, str, list[int]]:
    """Give label, name and rows of the places named, before names are made unique."""
    rows = [int(row) for row in named[label]]
    return label, EN_DASH.join(gazetteer.names[rows]), rows


def _remote(label: int, cells: pd.DataFrame, gazetteer: _Gazetteer) -> tuple[int, str, list[int]]:
    """Give the same for a cluster out of every place's reach."""
    here = unit_vectors(cells["lat"], cells["lon"])
    chord, place = gazetteer.tree.query(here)
    if chord.min() <= chord_of(NEAR_KM):
        row = int(place[np.argmin(chord)])
        return label, f"near {gazetteer.names[row]}", [row]
    middle = np.average(here, axis=0, weights=cells["activity"])
    return label, _position(middle), []


def _position(vector: Floats) -> str:
    lat = np.degrees(np.arctan2(vector[2], np.hypot(vector[0], vector[1])))
    lon = np.degrees(np.arctan2(vector[1], vector[0]))
    north, east = ("N" if lat >= 0 else "S"), ("E" if lon >= 0 else "W")
    return f"{abs(lat):.1f}°{north} {abs(lon):.1f}°{east}"


def _made_unique(named: pd.DataFrame, places: pd.DataFrame) -> list[str]:
    """Append country, then region, then a number, to the names that more than one cluster has."""
    first = [rows[0] if rows else -1 for rows in named["rows"]]
    names = named["name"].to_list()
    for suffix in (_country_of, _region_of):
        twice = _repeated(names)
        names = [
            f"{plain}, {suffix(places.iloc[row])}" if name in twice and row >= 0 else name
            for plain, name, row in zip(named["name"], names, first, strict=True)
        ]
    return _numbered(names)


def _country_of(place: pd.Series) -> str:
    return str(place["country"])


def _region_of(place: pd.Series) -> str:
    """Region as people write it behind a town: the postal code in the United States."""
    column = "region_code" if place["country"] == "US" else "region"
    return str(place["country"] if pd.isna(place[column]) else place[column])


def _repeated(names: list[str]) -> set[str]:
    counts = pd.Series(names, dtype=object).value_counts()
    return set(counts.index[counts > 1])


def _numbered(names: list[str]) -> list[str]:
    """Append a number to what is still equal, in the order of the labels."""
    seen: dict[str, int] = {}
    twice = _repeated(names)
    numbered = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        numbered.append(f"{name} ({seen[name]})" if name in twice else name)
    return numbered
