"""The places of the world: their names, regions and populations, and which one is nearest.

Two tables: the places of 5,000 people and more, for whoever names or counts, and with the smaller
ones and every other name that a place goes by, for geocoding; the second is read when it is asked
for. The table comes from GeoNames (https://www.geonames.org, CC BY 4.0); ``data/README.md`` says how
it was made.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import as_file, files
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from geoclusters.earth import distance_km, unit_vectors

# pandas is loaded where a table is made: it takes longer than to read the columns that clusters are named with.
if TYPE_CHECKING:
    import pandas as pd
    from scipy.spatial import cKDTree

DENSITY_PER_KM2: Final = 8000.0
"""Inhabitants per km² of a large city's own area, to tell its districts from its neighbours."""


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


@cache
def place_columns(min_population: int) -> dict[str, npt.NDArray[Any]]:
    """
    Give what `read_places` gives, but for `ascii_name`, as arrays, without loading pandas.

    Examples
    --------
    >>> places = place_columns(min_population=5_000_000)
    >>> places["name"][places["place_id"] == 1850147].tolist()
    ['Tokyo']
    """
    import pyarrow.parquet as pq  # noqa: PLC0415 - slow

    numbers = ("place_id", "lat_e4", "lon_e4", "population")
    texts = ("name", "country", "region", "region_code")
    with as_file(files("geoclusters") / "tables" / "places.parquet") as path:
        packed = pq.ParquetFile(path).read([*numbers, *texts]).combine_chunks()
    place_id, lat_e4, lon_e4, population = (
        np.from_dlpack(packed[name].chunk(0)) for name in numbers
    )
    large = np.flatnonzero(population >= min_population)
    return {
        "place_id": place_id[large].astype(np.int64),
        **{name: np.array(packed[name].to_pylist(), dtype=object)[large] for name in texts},
        "lat": lat_e4[large].astype(np.float64) / 10_000,
        "lon": lon_e4[large].astype(np.float64) / 10_000,
        "population": population[large].astype(np.int64),
    }


def read_gazetteer() -> pd.DataFrame:
    """
    Places of some 500 people and more, with the keys of the names by which they are found.

    Returns
    -------
    pandas.DataFrame
        One row a place, ordered by `place_id`, with an index from 0: `place_id`, `name`, `country`,
        `region_code`, `lat`, `lon`, `population` as in `read_places` (a population of 0 is one that
        GeoNames does not know; the smaller places are rounded to 0.001 degrees), and

        - `key` str, the name as `spelling.key_of` of geocoding gives it;
        - `others` str or null, the keys of its other names, joined by ``|``.

        A new table each time: it takes some 0.3 seconds and 100 MB.

    Examples
    --------
    >>> places = read_gazetteer().set_index("place_id")
    >>> places.loc[2867714, ["name", "key"]].to_list()
    ['Munich', 'munich']
    >>> "munchen" in places.loc[2867714, "others"].split("|")
    True
    """
    import pandas as pd  # noqa: PLC0415

    small = _table("places_small.parquet")
    small["lat"], small["lon"] = small.pop("lat_e3") / 1_000, small.pop("lon_e3") / 1_000
    large = _all_places()[small.columns]
    places = pd.concat([large, small]).sort_values("place_id", ignore_index=True)
    places = places.astype({"place_id": "int64", "population": "int64"})
    names = _table("place_names.parquet")
    # As scripts/names_table.py leaves out the keys that can be had in this way.
    plain = places["name"].str.lower().str.replace("[^a-z0-9]", "", regex=True)
    return places.assign(key=names["key"].fillna(plain), others=names["others"])


def read_regions() -> pd.DataFrame:
    """
    First-level regions (states, Länder, prefectures, …) and how addresses write them.

    Returns
    -------
    pandas.DataFrame
        One row a region, ordered by `country` and `region_code` (as in `read_places`), with `name`
        and `alternates` (other names and codes, joined by ``|``), all str.

    Examples
    --------
    >>> regions = read_regions().set_index(["country", "region_code"])
    >>> regions.loc[("CA", "08")].to_list()
    ['Ontario', 'ON|Ont']
    """
    import pandas as pd  # noqa: PLC0415

    with as_file(files("geoclusters") / "tables" / "regions.csv") as path:
        # Namibia's code is NA.
        return pd.read_csv(path, dtype=str, keep_default_na=False)


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
    y = np.atleast_1d(np.asarray(lat, dtype=np.float64))
    x = np.atleast_1d(np.asarray(lon, dtype=np.float64))
    rows = np.full(len(y), -1, dtype=np.intp)
    km = np.full(len(y), np.inf)
    finite = np.isfinite(y) & np.isfinite(x)
    if not finite.any():
        return rows, km
    tree, here = _tree(min_population), unit_vectors(y[finite], x[finite])
    rows[finite] = tree.query(here)[1]
    km[finite] = distance_km(here, tree.data[rows[finite]])
    return rows, km


def _table(name: str) -> pd.DataFrame:
    import pandas as pd  # noqa: PLC0415

    with as_file(files("geoclusters") / "tables" / name) as path:
        return pd.read_parquet(path)


@cache
def _all_places() -> pd.DataFrame:
    import pandas as pd  # noqa: PLC0415

    packed = _table("places.parquet")
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
    from scipy.spatial import cKDTree  # noqa: PLC0415 - slow

    places = read_places(min_population)
    return cKDTree(unit_vectors(places["lat"], places["lon"]))
