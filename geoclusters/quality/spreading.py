"""Spreads addresses that are only known to a city over that city, and says what that changes.

A radius of 15 km round a centroid holds all of a city's addresses or none of them, depending on where the centroid was
put. Spread over the area that the city's inhabitants fill, they count where they may really lie.
"""

from __future__ import annotations

import math
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from geoclusters.compiling import compiled
from geoclusters.earth import EARTH_RADIUS_KM, chord_of, unit_vectors
from geoclusters.places import DENSITY_PER_KM2, read_places
from geoclusters.quality.mixing import mixed, unit_interval

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Keys = npt.NDArray[np.uint64]
    Ints = npt.NDArray[np.int64]

SAME_CITY_KM: Final = 5.0
"""A point takes the extent of the largest place this near: geocoders put a city's centroid in different spots."""
LEAST_RADIUS_KM: Final = 1.0
POINT_PARTS: Final = 1e5
_REACH: Final = chord_of(SAME_CITY_KM)
_BAND_DEGREES: Final = math.degrees(SAME_CITY_KM / EARTH_RADIUS_KM)
_N_BANDS: Final = math.ceil(180.0 / _BAND_DEGREES) + 1


def radius_of_places(
    lat: Floats, lon: Floats, *, density_per_km2: float = DENSITY_PER_KM2
) -> Floats:
    """
    Radius of the disc that the inhabitants of each point's city fill.

    The city is the largest place within 5 km of the point; without one, and for villages, the radius is 1 km.

    Parameters
    ----------
    lat, lon : numpy.ndarray of float64, shape (n,)
        WGS 84 degrees.
    density_per_km2 : float
        Inhabitants per km² of built-up land.

    Returns
    -------
    numpy.ndarray of float64, shape (n,)
        Kilometres.

    Examples
    --------
    >>> radius_of_places(np.array([48.1374, 0.0]), np.array([11.5755, -30.0])).round(1)
    array([7.7, 1. ])
    """
    lat, lon = (np.ascontiguousarray(c, dtype=np.float64) for c in (lat, lon))
    people = np.zeros(len(lat))
    _largest_near(lat, lon, unit_vectors(lat, lon), *_places_by_band(), _REACH**2, people)
    radius_km = np.sqrt(people / (density_per_km2 * np.pi))
    return np.asarray(np.maximum(radius_km, LEAST_RADIUS_KM), dtype=np.float64)


@cache
def _places_by_band() -> tuple[Ints, Floats, Floats, Floats]:
    """Order the places by band of latitude and longitude: first place of each band, longitude, unit vector, people."""
    places = read_places()
    lat, lon = (places[name].to_numpy(np.float64) for name in ("lat", "lon"))
    band = np.floor((lat + 90.0) / _BAND_DEGREES).astype(np.int64)
    order = np.lexsort((lon, band))
    starts = np.searchsorted(band[order], np.arange(_N_BANDS + 1)).astype(np.int64)
    people = places["population"].to_numpy(np.float64)[order]
    return starts, lon[order], unit_vectors(lat[order], lon[order]), people


@compiled
def _largest_near(
    lat: Floats,
    lon: Floats,
    point: Floats,
    starts: Ints,
    place_lon: Floats,
    place: Floats,
    people: Floats,
    squared_reach: float,
    found: Floats,
) -> None:
    """Find the inhabitants of the largest place within reach of each point; those of none stay as they are."""
    for i in range(len(lat)):
        band = int((lat[i] + 90.0) / _BAND_DEGREES)
        # As wide as the reach where the band is narrowest, a little more for what rounding takes.
        narrowest = math.cos(math.radians(min(abs(lat[i]) + _BAND_DEGREES, 90.0)))
        half = 1.01 * _BAND_DEGREES / max(narrowest, 1e-6)
        for near in range(max(band - 1, 0), min(band + 2, _N_BANDS)):
            first, last = starts[near], starts[near + 1]
            for turn in (-360.0, 0.0, 360.0):
                low, high = lon[i] + turn - half, lon[i] + turn + half
                if high < -180.0 or low > 180.0:
                    continue
                at = first + np.searchsorted(place_lon[first:last], low)
                while at < last and place_lon[at] <= high:
                    x = place[at, 0] - point[i, 0]
                    y = place[at, 1] - point[i, 1]
                    z = place[at, 2] - point[i, 2]
                    if x * x + y * y + z * z <= squared_reach:
                        found[i] = max(found[i], people[at])
                    at += 1


def address_keys(document: Keys, person: Keys, lat: Floats, lon: Floats) -> Keys:
    """
    Key of each distinct address: the same document, person and point give the same key, in any order.

    Parameters
    ----------
    document, person : numpy.ndarray of uint64, shape (n,)
        Keys of the texts; 0 = none.
    lat, lon : numpy.ndarray of float64, shape (n,)
        WGS 84 degrees; points within a metre of each other may count as one.

    Examples
    --------
    >>> one, two = np.array([7, 7], dtype=np.uint64), np.array([1, 2], dtype=np.uint64)
    >>> keys = address_keys(one, two, np.array([48.1, 48.1]), np.array([11.6, 11.6]))
    >>> bool(keys[0] != keys[1])
    True
    """
    key = mixed(np.asarray(document, dtype=np.uint64), seed=0)
    for column in (person, np.rint(lat * POINT_PARTS), np.rint(lon * POINT_PARTS)):
        whole = (
            np.asarray(column).astype(np.int64).view(np.uint64) if column is not person else column
        )
        key = mixed(key ^ np.asarray(whole, dtype=np.uint64), seed=1)
    return key


def spread_over_places(
    lat: Floats, lon: Floats, key: Keys, *, radius_km: Floats, seed: int = 0
) -> tuple[Floats, Floats]:
    """
    Move each point to a place of its own within a disc round it.

    The new point of a row is distributed uniformly by area over the spherical cap of `radius_km` round the old one,
    so that its mean stays. It hangs on the row's key and point, the radius and the seed alone: equal rows move
    alike, whatever their order.

    Parameters
    ----------
    lat, lon : numpy.ndarray of float64, shape (n,)
        WGS 84 degrees; NaN stays NaN.
    key : numpy.ndarray of uint64, shape (n,)
        Key of the address (`address_keys`).
    radius_km : numpy.ndarray of float64, shape (n,)
        Radius of the disc (`radius_of_places`); 0 leaves a point where it is.
    seed : int
        Another seed gives other places.

    Returns
    -------
    lat, lon : numpy.ndarray of float64, shape (n,)
        WGS 84 degrees, longitudes from -180 to 180.

    Notes
    -----
    With u and v uniform on 0 to 1, drawn from the key by SplitMix64, the distance d is that of
    sin(d/2R) = √u sin(r/2R), R the radius of the Earth, and the direction is 2πv. A disc may reach over a border or a
    shore; the address keeps its stated country.

    Examples
    --------
    >>> key = np.arange(4, dtype=np.uint64)
    >>> lat, lon = spread_over_places(np.full(4, 48.0), np.full(4, 11.0), key, radius_km=np.full(4, 5.0))
    >>> lat.round(2), lon.round(2)
    (array([47.99, 48.03, 48.03, 47.99]), array([10.94, 10.98, 11.03, 10.99]))
    """
    first = mixed(np.asarray(key, dtype=np.uint64), seed=2 * seed)
    new_lat, new_lon = np.empty(len(lat)), np.empty(len(lat))
    _move(
        np.asarray(lat, dtype=np.float64),
        np.asarray(lon, dtype=np.float64),
        np.asarray(radius_km, dtype=np.float64) / EARTH_RADIUS_KM,
        unit_interval(first),
        unit_interval(mixed(first, seed=2 * seed + 1)),
        new_lat,
        new_lon,
    )
    return new_lat, new_lon


@compiled
def _move(
    lat: Floats, lon: Floats, reach: Floats, u: Floats, v: Floats, new_lat: Floats, new_lon: Floats
) -> None:
    """Row by row and never in blocks, so that a row's last bit does not hang on its neighbours."""
    for i in range(len(lat)):
        if not reach[i] > 0.0:
            new_lat[i], new_lon[i] = lat[i], lon[i]
            continue
        distance = 2.0 * math.asin(math.sqrt(u[i]) * math.sin(reach[i] / 2.0))
        direction = 2.0 * math.pi * v[i]
        phi = math.radians(lat[i])
        north = math.sin(distance) * math.cos(direction)
        east = math.sin(distance) * math.sin(direction)
        up = math.cos(distance)
        z = math.sin(phi) * up + math.cos(phi) * north
        x = math.cos(phi) * up - math.sin(phi) * north
        new_lat[i] = math.degrees(math.atan2(z, math.hypot(x, east)))
        turned = lon[i] + math.degrees(math.atan2(east, x))
        new_lon[i] = turned - 360.0 * math.floor((turned + 180.0) / 360.0)


def changed_sides(before: Ints, after: Ints, weight: Floats | Ints) -> dict[str, Any]:
    """
    Compare two labellings of the same addresses by weight.

    Clusters are matched first: each of `after` is the one of `before` with which it shares most weight (ties: the
    lower label), so that other numbers alone change nothing.

    Parameters
    ----------
    before, after : numpy.ndarray of int64, shape (n,)
        Label of each address, -1 = in no cluster.
    weight : numpy.ndarray, shape (n,)
        Its weight, in any unit.

    Returns
    -------
    dict
        `total` weight; shares of it: `joined` (out of none into a cluster), `left` (out of a cluster into none),
        `moved` (into another cluster), `stayed`; and `clusters_before`, `clusters_after`.

    Examples
    --------
    >>> changed_sides(np.array([0, 0, 1, -1]), np.array([5, 5, -1, 5]), np.array([4, 3, 2, 1]))
    {'total': 10.0, 'joined': 0.1, 'left': 0.2, 'moved': 0.0, 'stayed': 0.7, 'clusters_before': 2, 'clusters_after': 1}
    """
    shared = (
        pd.DataFrame({"before": before, "after": after, "weight": weight})
        .groupby(["before", "after"], as_index=False)["weight"]
        .sum()
    )
    both = shared[(shared["before"] >= 0) & (shared["after"] >= 0)]
    order = both.sort_values(["after", "weight", "before"], ascending=[True, False, True])
    match = order.drop_duplicates("after").set_index("after")["before"]
    was, now = shared["before"], shared["after"]
    same = (was == now.map(match)) | ((was < 0) & (now < 0))
    total = float(shared["weight"].sum())

    def share(rows: pd.Series[bool]) -> float:
        return float(shared.loc[rows, "weight"].sum()) / total if total else 0.0

    return {
        "total": total,
        "joined": share((was < 0) & (now >= 0)),
        "left": share((was >= 0) & (now < 0)),
        "moved": share((was >= 0) & (now >= 0) & ~same),
        "stayed": share(same),
        "clusters_before": int(was[was >= 0].nunique()),
        "clusters_after": int(now[now >= 0].nunique()),
    }
