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

import math
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from geoclusters.clusters.kernels import kernel
from geoclusters.clusters.nearest import nearest_within, parts_of_larger
from geoclusters.earth import EARTH_RADIUS_KM, unit_vectors
from geoclusters.machine import processors

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

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
_SUM_BITS: Final = 61
"""Bits of the sum of all activity in whole numbers."""

Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.intp]
Texts = npt.NDArray[np.object_]
Flags = npt.NDArray[np.bool_]


class Names(NamedTuple):
    """
    What clusters are called.

    Attributes
    ----------
    label : list of int
        Clusters, in rising order.
    name : list of str
        Name of each, all different.
    places : list of tuple of int
        The place_ids that each is named after, in the order of the name.
    """

    label: list[int]
    name: list[str]
    places: list[tuple[int, ...]]


@dataclass(frozen=True)
class _Gazetteer:
    """The places that may give a name, ordered by place_id, as arrays."""

    place_id: npt.NDArray[np.int64]
    own_name: Texts
    country: Texts
    region: Texts
    region_code: Texts
    lat: Floats
    lon: Floats
    population: Floats
    vectors: Floats
    rank: Rows  # 0 for the largest population; ties by place_id

    def name(self, row: int) -> str:
        """Name in use in English; Korean ones without the ending that says "city"."""
        name: str = ENGLISH_NAMES.get(int(self.place_id[row]), self.own_name[row])
        return name.removesuffix("-si") if self.country[row] == "KR" else name


@dataclass(frozen=True)
class _Cells:
    """The cells of clusters, as arrays."""

    numbers: list[int]  # the labels, rising
    place: Rows  # place of each cell's label among them
    lat: Floats
    lon: Floats
    units: npt.NDArray[np.int64]  # activity


def name_clusters(
    *,
    lat: npt.ArrayLike,
    lon: npt.ArrayLike,
    activity: npt.ArrayLike,
    labels: npt.ArrayLike,
    places: Mapping[str, npt.ArrayLike],
) -> Names:
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
    places : mapping of str to array_like, shape (k,)
        `place_id`, `name`, `country`, `region`, `region_code`, `lat`, `lon`, `population`, as
        `geoclusters.places.place_columns` or `read_places` gives them; in any order.

    Returns
    -------
    Names
        Equal names get the country, or within a country the region, of their first place:
        "Cambridge, GB", "Cambridge, MA".
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
    >>> from geoclusters.places import place_columns
    >>> cells = {"lat": [35.69, 35.71, 35.44], "lon": [139.70, 139.75, 139.64]}
    >>> named = name_clusters(
    ...     **cells, activity=[5.0, 3.0, 4.0], labels=[0, 0, 0], places=place_columns(0)
    ... )
    >>> named.name
    ['Tokyo\u2013Yokohama']
    """
    if not len(np.asarray(places["place_id"])):
        raise ValueError("`places` has no rows: clusters cannot be named without places")
    cells = _members(lat, lon, activity, labels)
    gazetteer = _gazetteer(places)
    rows_of = {
        label: _named_rows(rows, activity, gazetteer)
        for label, rows, activity in _carried(cells, gazetteer)
    }
    near = [_named_after(label, rows_of, gazetteer) for label in rows_of]
    far = [_remote(label, cells, gazetteer) for label in set(cells.numbers) - rows_of.keys()]
    named = sorted(near + far, key=itemgetter(0))
    return Names(
        [label for label, _, _ in named],
        _made_unique([name for _, name, _ in named], [rows for *_, rows in named], gazetteer),
        [tuple(gazetteer.place_id[rows].tolist()) for *_, rows in named],
    )


def _members(
    lat: npt.ArrayLike,
    lon: npt.ArrayLike,
    activity: npt.ArrayLike,
    labels: npt.ArrayLike,
) -> _Cells:
    """Drop noise; activity becomes whole numbers, whose sums do not depend on the order of the input."""
    label = np.asarray(labels, dtype=np.int64)
    member = np.flatnonzero(label >= 0)
    y, x, heft = (np.asarray(v, dtype=np.float64)[member] for v in (lat, lon, activity))
    exponent = np.frexp(heft.max(initial=0.0))[1] + len(heft).bit_length() - _SUM_BITS
    units = np.rint(np.ldexp(heft, -exponent)).astype(np.int64)
    label = label[member]
    # Cells that follow each other have their cluster in common as a rule.
    begins = np.flatnonzero(np.diff(label, prepend=-1))
    numbers, place = np.unique(label[begins], return_inverse=True)
    place = np.repeat(place, np.diff(begins, append=len(label)))
    busy = np.zeros(len(numbers), dtype=np.bool_)
    busy[place[units > 0]] = True
    return _Cells(numbers.tolist(), place, y, x, np.where(busy[place], units, 1))


def _gazetteer(places: Mapping[str, npt.ArrayLike]) -> _Gazetteer:
    """Put places in order, and leave out those that are parts of larger ones."""
    columns: dict[str, npt.NDArray[Any]] = {
        name: np.asarray(places[name], dtype=kind)
        for names, kind in (
            (("place_id",), np.int64),
            (("name", "country", "region", "region_code"), np.object_),
            (("lat", "lon", "population"), np.float64),
        )
        for name in names
    }
    order = np.argsort(columns["place_id"], kind="stable")
    order = order[_is_city(*(columns[n][order] for n in ("lat", "lon", "population", "country")))]
    own = {name: column[order] for name, column in columns.items()}
    rank = np.empty(len(order), dtype=np.intp)
    rank[np.argsort(-own["population"], kind="stable")] = np.arange(len(order))
    vectors = unit_vectors(own["lat"], own["lon"])
    return _Gazetteer(own_name=own.pop("name"), vectors=vectors, rank=rank, **own)


def _is_city(lat: Floats, lon: Floats, population: Floats, country: Texts) -> Flags:
    """Tell which places are no part of a larger one."""
    largest_first = np.argsort(-population, kind="stable")
    number = {name: place for place, name in enumerate(set(country.tolist()))}
    group = np.array([number[name] for name in country[largest_first].tolist()], dtype=np.int64)
    reach_km = np.sqrt(population[largest_first] / (np.pi * CITY_DENSITY_KM2))
    city = np.empty(len(lat), dtype=np.bool_)
    city[largest_first] = ~parts_of_larger(lat[largest_first], lon[largest_first], group, reach_km)
    return city


def _carried(cells: _Cells, gazetteer: _Gazetteer) -> Iterator[tuple[int, Rows, Floats]]:
    """Sum each cluster's activity by the place nearest to its cells: label, rows of places, what they carry."""
    row = _nearest(cells.lat, cells.lon, gazetteer, REACH_KM)[0]
    # Cells that follow each other have their place in common as a rule.
    begins = np.flatnonzero(
        (np.diff(row, prepend=-1) != 0) | (np.diff(cells.place, prepend=-1) != 0)
    )
    place, row, units = cells.place[begins], row[begins], np.add.reduceat(cells.units, begins)
    order = np.lexsort((row, place))
    order = order[row[order] >= 0]
    place, row, units = place[order], row[order], units[order]
    begins = np.flatnonzero((np.diff(row, prepend=-1) != 0) | (np.diff(place, prepend=-1) != 0))
    place, row, units = place[begins], row[begins], np.add.reduceat(units, begins)
    edges = [*np.flatnonzero(np.diff(place, prepend=-1)).tolist(), len(place)]
    for a, b in pairwise(edges):
        yield cells.numbers[place[a]], row[a:b].astype(np.intp), units[a:b].astype(np.float64)


def _nearest(
    lat: Floats, lon: Floats, gazetteer: _Gazetteer, max_km: float
) -> tuple[npt.NDArray[np.int32], Floats]:
    places = gazetteer.lat, gazetteer.lon
    return nearest_within(lat, lon, *places, max_km=max_km, threads=processors())


def _named_rows(rows: Rows, activity: Floats, gazetteer: _Gazetteer) -> Rows:
    """Pick the places that name a cluster, in falling order of what they carry in the end."""
    smallest_first = np.argsort(-gazetteer.rank[rows])
    rows, carried = rows[smallest_first], activity[smallest_first]
    total = carried.sum()
    _hand_over(carried, total, gazetteer.vectors[rows], gazetteer.population[rows])
    order = np.lexsort([rows, -carried])
    named: Rows = rows[order][:MAX_PLACES]
    carried = carried[order][:MAX_PLACES]
    fair = carried >= max(FAIR_SHARE * total, FAIR_TO_FIRST * carried[0])
    fair[0] = True
    return np.asarray(named[fair])


@kernel
def _hand_over(carried: Floats, total: float, vectors: Floats, population: Floats) -> None:
    """Give what places carry, from the smallest to the largest, to those that pull most and to which they belong."""
    for i in range(len(carried) - 1):
        best, most, km_to_best = i, -1.0, 0.0
        for j in range(i + 1, len(carried)):
            square = 0.0
            for axis in range(3):
                apart = vectors[i, axis] - vectors[j, axis]
                square += apart * apart
            km = 2.0 * EARTH_RADIUS_KM * math.asin(min(math.sqrt(square) / 2.0, 1.0))
            pull = population[j] / (km * km + CORE_KM * CORE_KM)
            if pull > most:
                best, most, km_to_best = j, pull, km
        small = population[i] < FAIR_POPULATION * population[best]
        if carried[i] < FAIR_SHARE * total or (small and km_to_best <= COMMUTE_KM):
            carried[best] += carried[i]
            carried[i] = 0.0


def _named_after(
    label: int, named: dict[int, Rows], gazetteer: _Gazetteer
) -> tuple[int, str, list[int]]:
    """Give label, name and rows of the places named, before names are made unique."""
    rows = [int(row) for row in named[label]]
    return label, EN_DASH.join(gazetteer.name(row) for row in rows), rows


def _remote(label: int, cells: _Cells, gazetteer: _Gazetteer) -> tuple[int, str, list[int]]:
    """Give the same for a cluster out of every place's reach."""
    own = np.flatnonzero(cells.place == cells.numbers.index(label))
    lat, lon, units = cells.lat[own], cells.lon[own], cells.units[own]
    row, square = _nearest(lat, lon, gazetteer, NEAR_KM)
    if row.max() >= 0:
        nearest = int(row[np.lexsort((row, square))[0]])
        return label, f"near {gazetteer.name(nearest)}", [nearest]
    order = np.lexsort((units, lon, lat))
    middle = np.average(unit_vectors(lat[order], lon[order]), axis=0, weights=units[order])
    return label, _position(middle), []


def _position(vector: Floats) -> str:
    lat = np.degrees(np.arctan2(vector[2], np.hypot(vector[0], vector[1])))
    lon = np.degrees(np.arctan2(vector[1], vector[0]))
    north, east = ("N" if lat >= 0 else "S"), ("E" if lon >= 0 else "W")
    return f"{abs(lat):.1f}°{north} {abs(lon):.1f}°{east}"


def _made_unique(
    plain: Sequence[str], rows: Sequence[list[int]], gazetteer: _Gazetteer
) -> list[str]:
    """Append country, then region, then a number, to the names that more than one cluster has."""
    names = list(plain)
    for suffix in (_country_of, _region_of):
        twice = _repeated(names)
        names = [
            f"{short}, {suffix(own[0], gazetteer)}" if name in twice and own else name
            for short, name, own in zip(plain, names, rows, strict=True)
        ]
    return _numbered(names)


def _country_of(row: int, gazetteer: _Gazetteer) -> str:
    return str(gazetteer.country[row])


def _region_of(row: int, gazetteer: _Gazetteer) -> str:
    """Region as people write it behind a town: the postal code in the United States."""
    country = _country_of(row, gazetteer)
    region = (gazetteer.region_code if country == "US" else gazetteer.region)[row]
    # What is missing is no text.
    return region if isinstance(region, str) else country


def _repeated(names: Sequence[str]) -> set[str]:
    return {name for name, times in Counter(names).items() if times > 1}


def _numbered(names: list[str]) -> list[str]:
    """Append a number to what is still equal, in the order of the labels."""
    seen: dict[str, int] = {}
    twice = _repeated(names)
    numbered = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        numbered.append(f"{name} ({seen[name]})" if name in twice else name)
    return numbered
