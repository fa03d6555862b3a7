"""The places of the world: their names, regions and populations, and which one is nearest.

The table comes from GeoNames (https://www.geonames.org, CC BY 4.0); ``data/README.md`` says how
it was made.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import as_file, files

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.spatial import cKDTree

from geoclusters.earth import distance_km, unit_vectors


def read_places(min_population: int = 0) -> pd.DataFrame:
    """
    Places of the world of some 5,000 people and more, as GeoNames lists them.

    Parameters
    ----------
    min_population : int, default 0
        Leave out smaller places. Seats of an administration are in the table from one person on.

    Returns
    -------
    pandas.DataFrame
        One row a place, ordered by `place_id`, with a fresh index from 0:

        - `place_id` int64, the GeoNames id;
        - `name`, `ascii_name` str, the English or local name, and its spelling in ASCII;
        - `country` str, ISO 3166-1 alpha-2;
        - `region` str or null, name of the first-level region (state, Land, prefecture, …);
        - `region_code` str or null, its GeoNames code: the postal code in the United States;
        - `lat`, `lon` float64, WGS 84 degrees;
        - `population` int64, inhabitants of the place itself.

        A copy: the caller may change it.

    Notes
    -----
    GeoNames lists some districts of a city (Brooklyn, the wards of Tokyo) as places of their own
    beside the city, so populations must not be added up without care.

    Examples
    --------
    >>> places = read_places(min_population=5_000_000)
    >>> places.loc[places["place_id"] == 1850147, ["name", "country", "region"]].to_numpy().tolist()
    [['Tokyo', 'JP', 'Tokyo']]
    """
    places = _all_places()
    return places[places["population"] >= min_population].reset_index(drop=True)


def nearest_place(
    lat: npt.ArrayLike,
    lon: npt.ArrayLike,
    *,
    min_population: int = 0,
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.float64]]:
    """
    Find the place nearest to each point, on the sphere.

    Parameters
    ----------
    lat, lon : array_like of float, shape (n,)
        WGS 84 degrees; a row that is not finite gets no place.
    min_population : int, default 0
        Leave out smaller places.

    Returns
    -------
    rows : numpy.ndarray of intp, shape (n,)
        Row positions in ``read_places(min_population)``; -1 where the point is not finite.
    distance_km : numpy.ndarray of float64, shape (n,)
        Great-circle distance; infinite where the point is not finite.

    Examples
    --------
    >>> rows, km = nearest_place([48.8566], [2.3522], min_population=1_000_000)
    >>> read_places(1_000_000)["name"][rows[0]], round(float(km[0]), 1)
    ('Paris', 0.4)
    """
    tree = _tree(min_population)
    y = np.atleast_1d(np.asarray(lat, dtype=np.float64))
    x = np.atleast_1d(np.asarray(lon, dtype=np.float64))
    rows = np.full(len(y), -1, dtype=np.intp)
    km = np.full(len(y), np.inf)
    finite = np.isfinite(y) & np.isfinite(x)
    here = unit_vectors(y[finite], x[finite])
    rows[finite] = tree.query(here)[1]
    km[finite] = distance_km(here, tree.data[rows[finite]])
    return rows, km


@cache
def _all_places() -> pd.DataFrame:
    with as_file(files("geoclusters") / "tables" / "places.parquet") as path:
        packed = pd.read_parquet(path)
    return pd.DataFrame(
        {
            "place_id": packed["place_id"].astype("int64"),
            "name": packed["name"],
            "ascii_name": packed["ascii_name"].fillna(packed["name"]),
            "country": packed["country"],
            "region": packed["region"],
            "region_code": packed["region_code"],
            "lat": packed["lat_e4"] / 10_000,
            "lon": packed["lon_e4"] / 10_000,
            "population": packed["population"].astype("int64"),
        },
    )


@cache
def _tree(min_population: int) -> cKDTree:
    places = read_places(min_population)
    return cKDTree(unit_vectors(places["lat"], places["lon"]))
