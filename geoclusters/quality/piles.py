"""Piles: exact points that carry far more unrelated documents than the points round about.

Geocoders that know only the city, the region or the country of an address put all of them on one point, its
centroid; those that know nothing put them on a placeholder. Such a point is no place of work. A large institute
also has many documents on one point, but they are its own. The rule:

1. At least `MIN_DOCUMENTS` documents lie exactly on the point (equal to five decimals).
2. They are at least `MIN_RATIO` times as many as on the other points round about, on average. Round about are the
   nine squares of 0.1 degrees of latitude (11 km) in and beside which the point lies. A point alone there passes.
3. They are unrelated: the effective number of organisations (1 / sum of squared shares) is at least
   `MIN_ORGANISATIONS`. Where fewer than half of the rows name one, this cannot be told; then only points count that
   stand for something else: placeholders, countries, and points within 1 km of a place that carry at least half of
   the documents round about.

What a pile is comes from where it lies; the first that fits names it:

- `placeholder`: latitude and longitude are equal, or both within 1 degree of zero, or no place is within 100 km;
- `country`: within 15 km of the centre of a country, or on whole or half degrees, and no city of 100,000 within 15 km;
- `place`: within 5 km of a place of the places table;
- `other`: the centroid of a district or a region, a postal box, a building of many firms.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd
import shapely

from geoclusters.countries import country_at, read_outlines
from geoclusters.earth import chord_of, unit_vectors
from geoclusters.places import nearest_place, read_places

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt
    from scipy.spatial import cKDTree

    Floats = npt.NDArray[np.float64]
    Ints = npt.NDArray[np.int64]
    Flags = npt.NDArray[np.bool_]

MIN_DOCUMENTS: Final = 30
MIN_RATIO: Final = 10.0
MIN_ORGANISATIONS: Final = 5.0
SQUARE_DEGREES: Final = 0.1
PILE_KINDS: Final = ("placeholder", "country", "place", "other")
NEAR_ZERO_DEGREES: Final = 1.0
FAR_FROM_PLACES_KM: Final = 100.0
NEAR_CENTRE_KM: Final = 15.0
LARGE_CITY: Final = 100_000
NEAR_PLACE_KM: Final = 5.0
ON_PLACE_KM: Final = 1.0
MOST: Final = 0.5
HALF_DEGREE: Final = 0.5
NO_ORGANISATION: Final = -1


def find_piles(
    *, document: npt.NDArray[np.uint64], lat: Floats, lon: Floats, organisation: Ints
) -> tuple[pd.DataFrame, Ints]:
    """
    Find the points on which unrelated documents pile up.

    Parameters
    ----------
    document : numpy.ndarray of uint64, shape (n,)
        Key of the document of each row.
    lat, lon : numpy.ndarray of float64, shape (n,)
        WGS 84 degrees, finite, rounded so that equal points are equal.
    organisation : numpy.ndarray of int64, shape (n,)
        Code or key of the organisation, -1 = none.

    Returns
    -------
    piles : pandas.DataFrame
        By falling number of documents: `lat`, `lon`, `kind`, `documents`, `rows`, `organisations` (effective number,
        NaN where too few rows name one), `ratio` (to the mean of the other points round about, infinite without any),
        `place` (the nearest), `country` (where the point lies).
    pile : numpy.ndarray of int64, shape (n,)
        Position of each row's pile in the table, -1 = on none.

    Examples
    --------
    >>> n = np.arange(600)
    >>> spread = np.round(48.0 + n % 300 / 3000, 5)
    >>> lat = np.where(n < 300, 48.13743, spread)
    >>> table, pile = find_piles(document=n.astype(np.uint64), lat=lat, lon=np.full(600, 11.57549),
    ...                          organisation=n % 40)
    >>> table[["kind", "documents", "place"]].to_numpy().tolist(), int((pile == 0).sum())
    ([['place', 300, 'Munich']], 300)
    """
    table, point = _points(document, lat, lon)
    piles = table[table["documents"] >= MIN_DOCUMENTS].copy()
    piles["ratio"], piles["share"] = _standing_out(table, piles.index.to_numpy())
    piles = piles[piles["ratio"] >= MIN_RATIO]
    position = _positions(piles, len(table))[point]
    piles["organisations"] = _effective_number(position, document, organisation, len(piles))
    piles = piles[~(piles["organisations"] < MIN_ORGANISATIONS)]
    piles["kind"] = kinds_of(piles["lat"].to_numpy(), piles["lon"].to_numpy())
    piles = piles[piles["organisations"].notna() | _stands_for_more(piles)]
    piles = piles.sort_values(["documents", "lat", "lon"], ascending=[False, True, True])
    return _named(piles.reset_index(drop=True)), _positions(piles, len(table))[point]


def _positions(piles: pd.DataFrame, n: int) -> Ints:
    """Give the position of each of n points among the piles, -1 = none."""
    position = np.full(n, -1, dtype=np.int64)
    position[piles.index] = np.arange(len(piles))
    return position


def _points(
    document: npt.NDArray[np.uint64], lat: Floats, lon: Floats
) -> tuple[pd.DataFrame, Ints]:
    """Each distinct point with its documents; and the point of each row."""
    grouped = pd.DataFrame({"lat": lat, "lon": lon}).groupby(["lat", "lon"], sort=True)
    point = np.asarray(grouped.ngroup(), dtype=np.int64)
    table = grouped.size().rename("rows").reset_index()
    pairs = pd.DataFrame({"point": point, "document": document}).drop_duplicates()
    table["documents"] = np.bincount(pairs["point"], minlength=len(table)).astype(np.int64)
    return table, point


def _effective_number(
    point: Ints, document: npt.NDArray[np.uint64], organisation: Ints, n: int
) -> Floats:
    """
    Effective number of organisations of each of n points; NaN where fewer than half of its documents name one.

    Rows on none of them, whose point is -1, do not count.
    """
    rows = pd.DataFrame({"point": point, "document": document, "organisation": organisation})
    rows = rows[point >= 0].drop_duplicates()
    named = rows[rows["organisation"] != NO_ORGANISATION]
    held = named.groupby(["point", "organisation"]).size()
    owner = held.index.get_level_values("point").to_numpy()
    total = np.bincount(owner, weights=held, minlength=n)
    squares = np.bincount(owner, weights=held.astype(np.float64) ** 2, minlength=n)
    stated = total >= 0.5 * np.bincount(rows["point"], minlength=n)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(stated & (total > 0), total**2 / squares, np.nan)


def _stands_for_more(piles: pd.DataFrame) -> pd.Series[bool]:
    """Tell which points are likely to stand for a city, a country or nothing, whoever the organisations are."""
    km = nearest_place(piles["lat"].to_numpy(), piles["lon"].to_numpy())[1]
    town = (piles["kind"] == "place") & (km <= ON_PLACE_KM) & (piles["share"] >= MOST)
    return town | piles["kind"].isin(["placeholder", "country"])


def _standing_out(table: pd.DataFrame, asked: Ints) -> tuple[Floats, Floats]:
    """Documents of some points over the mean of the other points round about, and their part of all there."""
    lat, lon = table["lat"].to_numpy(), table["lon"].to_numpy()
    documents = table["documents"].to_numpy(np.float64)
    row = np.floor(lat / SQUARE_DEGREES).astype(np.int64)
    column = _columns(row, lon)
    square, at = np.unique(_key(row, column), return_inverse=True)
    points = np.bincount(at).astype(np.float64)
    summed = np.bincount(at, weights=documents)
    row, lon, documents = row[asked], lon[asked], documents[asked]
    n_near, near = np.zeros(len(asked)), np.zeros(len(asked))
    for d_row in (-1, 0, 1):
        beside = _columns(row + d_row, lon)
        for d_column in (-1, 0, 1):
            wanted = _key(row + d_row, beside + d_column)
            found = np.minimum(np.searchsorted(square, wanted), len(square) - 1)
            hit = square[found] == wanted
            n_near += np.where(hit, points[found], 0.0)
            near += np.where(hit, summed[found], 0.0)
    others = n_near - 1
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = np.where(others > 0, (near - documents) / others, 0.0)
        return np.asarray(documents / mean, dtype=np.float64), documents / near


def _columns(row: Ints, lon: Floats) -> Ints:
    """Give the number of the square in its row; squares are as wide as they are high."""
    width = SQUARE_DEGREES / np.maximum(np.cos(np.radians((row + 0.5) * SQUARE_DEGREES)), 0.01)
    return np.asarray(np.floor(lon / width), dtype=np.int64)


def _key(row: Ints, column: Ints) -> Ints:
    return row * (1 << 20) + column


# ------------------------------------------------------------------ what a pile is


def kinds_of(lat: Floats, lon: Floats) -> npt.NDArray[np.object_]:
    """
    Say what points on which unrelated documents pile up most likely are: one of `PILE_KINDS`.

    Parameters
    ----------
    lat, lon : numpy.ndarray of float64, shape (n,)
        WGS 84 degrees.

    Examples
    --------
    >>> kinds_of(np.array([0.1, 38.0, 48.1374, 46.3]), np.array([0.1, -97.0, 11.5755, 20.9])).tolist()
    ['placeholder', 'country', 'place', 'other']
    """
    km_to_place = nearest_place(lat, lon)[1]
    no_city = nearest_place(lat, lon, min_population=LARGE_CITY)[1] > NEAR_CENTRE_KM
    near_zero = np.maximum(np.abs(lat), np.abs(lon)) <= NEAR_ZERO_DEGREES
    rough = (lat % HALF_DEGREE == 0) & (lon % HALF_DEGREE == 0)
    kinds = np.full(len(lat), "other", dtype=object)
    kinds[km_to_place <= NEAR_PLACE_KM] = "place"
    kinds[(_near_centre(lat, lon) | rough) & no_city] = "country"
    kinds[(lat == lon) | near_zero | (km_to_place > FAR_FROM_PLACES_KM)] = "placeholder"
    return kinds


def _near_centre(lat: Floats, lon: Floats) -> Flags:
    km = _centres().query(unit_vectors(lat, lon))[0] if len(lat) else np.zeros(0)
    return np.asarray(km <= chord_of(NEAR_CENTRE_KM))


@cache
def _centres() -> cKDTree:
    """Centres of the countries: of all their land, and of its largest part."""
    from scipy.spatial import cKDTree  # noqa: PLC0415 - slow, and asked for where there are piles

    outlines = read_outlines().geometry.to_numpy()
    parts, owner = shapely.get_parts(outlines, return_index=True)
    order = np.lexsort((-shapely.area(parts), owner))
    largest = parts[order[np.unique(owner[order], return_index=True)[1]]]
    centres = shapely.centroid(np.concatenate([outlines, largest]))
    return cKDTree(unit_vectors(shapely.get_y(centres), shapely.get_x(centres)))


def _named(piles: pd.DataFrame) -> pd.DataFrame:
    lat, lon = piles["lat"].to_numpy(), piles["lon"].to_numpy()
    names = read_places()["name"].to_numpy()
    columns = ["lat", "lon", "kind", "documents", "rows", "organisations", "ratio"]
    return piles[columns].assign(
        place=names[nearest_place(lat, lon)[0]], country=country_at(lat, lon)
    )


def piled_share(pile: Ints, chosen: Flags | None = None) -> float:
    """
    Part of the rows that lie on a pile, of all or of those chosen; 0 where there are none.

    Examples
    --------
    >>> piled_share(np.array([0, -1, -1, 2]))
    0.5
    """
    of = pile if chosen is None else pile[chosen]
    return float((of >= 0).mean()) if len(of) else 0.0


def summed_by_kind(piles: pd.DataFrame) -> Mapping[str, int]:
    """Rows on the piles of each kind."""
    return {kind: int(piles.loc[piles["kind"] == kind, "rows"].sum()) for kind in PILE_KINDS}
