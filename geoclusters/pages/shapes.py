"""Shapes for drawing: the land, and longitudes so that no cluster is torn at the edge of the map.

The maps are cut in the Bering Strait and not at 180 degrees: Fiji, Chukotka and the islands between
them lie east of New Zealand, in one piece. What is west of the cut is drawn 360 degrees further
east.
"""

from __future__ import annotations

import json
from functools import cache
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import shapely

from geoclusters.countries import read_outlines, read_world
from geoclusters.pages.kept import kept
from geoclusters.pages.packing import pack_points, pack_shapes
from geoclusters.places import read_places

SEAM_LON: Final = -169.0
"""Meridian at which the maps are cut: open sea but for the strait, where the border runs."""

LAND_DECIMALS: Final = 2
"""1.1 km: what a map of the whole world can show."""
COAST_DECIMALS: Final = 3

_ROUND: Final = np.array([360.0, 0.0])
TOWN_POPULATION: Final = 100_000
LARGE_TOWN_POPULATION: Final = 500_000


def unrolled_lon(lon: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """
    Move longitudes west of the cut to the eastern edge; where none is, the given array comes back.

    Examples
    --------
    >>> unrolled_lon([-171.8, 178.4, 0.0]).tolist()
    [188.2, 178.4, 0.0]
    """
    degrees = np.asarray(lon, dtype=np.float64)
    west = degrees < SEAM_LON
    return np.where(west, degrees + 360.0, degrees) if west.any() else degrees


def unrolled(shapes: npt.ArrayLike) -> npt.NDArray[Any]:
    """Move the parts of shapes that lie west of the cut to the eastern edge; give multipolygons."""
    given = np.asarray(shapes, dtype=object)
    parts, shape_of = shapely.get_parts(given, return_index=True)
    bounds = shapely.bounds(parts)
    west = (bounds[:, 0] + bounds[:, 2]) / 2 < SEAM_LON
    parts[west] = shapely.transform(parts[west], lambda xy: xy + _ROUND)
    whole = np.full(len(given), shapely.MultiPolygon(), dtype=object)
    polygon = shapely.get_type_id(parts) == shapely.GeometryType.POLYGON
    if polygon.any():
        shapely.multipolygons(parts[polygon], indices=shape_of[polygon], out=whole)
    return whole


@kept
def packed_land() -> dict[str, Any]:
    """Outlines of the countries (Natural Earth, public domain), cut and packed for drawing."""
    shapes = shapely.get_parts(shapely.from_geojson(json.dumps(read_world())))
    return pack_shapes(_cut(shapes), decimals=LAND_DECIMALS)


@kept
def packed_coast() -> dict[str, Any]:
    """Outlines of the countries for a closer look, cut and packed for drawing."""
    return pack_shapes(coast(), decimals=COAST_DECIMALS)


@cache
def coast() -> npt.NDArray[Any]:
    """Give the finer outlines of the countries as single polygons, cut like the maps."""
    polygons = _cut(read_outlines().geometry.to_numpy())
    shapely.prepare(polygons)
    return polygons


def _cut(shapes: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Take shapes apart into polygons that lie on one side of the cut, each moved to its place."""
    parts = shapely.get_parts(shapes)
    bounds = shapely.bounds(parts)
    torn = (bounds[:, 0] < SEAM_LON) & (bounds[:, 2] > SEAM_LON)
    sides = [shapely.box(-180, -90, SEAM_LON, 90), shapely.box(SEAM_LON, -90, 180, 90)]
    halves = [shapely.get_parts(shapely.intersection(parts[torn], side)) for side in sides]
    whole = np.concatenate([parts[~torn], *halves])
    return np.asarray(shapely.get_parts(unrolled(whole)))


@kept
def packed_towns() -> dict[str, Any]:
    """Large towns (GeoNames), the largest first, to find one's way on a map without streets."""
    places = read_places(min_population=TOWN_POPULATION)
    places = places.sort_values(["population", "place_id"], ascending=[False, True], kind="stable")
    return {
        "names": places["name"].tolist(),
        "large": int((places["population"] >= LARGE_TOWN_POPULATION).sum()),
        **pack_points(unrolled_lon(places["lon"]), places["lat"], decimals=LAND_DECIMALS),
    }
