"""Maps on paper: the world in Equal Earth, a cluster in an equal-area plane around it.

Source: B. Savric, T. Patterson, B. Jenny, The Equal Earth map projection, Int. J. Geographical Information Science 33
(2019), as PROJ computes it.
"""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import shapely
from matplotlib.collections import PathCollection
from matplotlib.path import Path
from pyproj import Transformer

from geoclusters.countries import read_outlines, read_world

if TYPE_CHECKING:
    import numpy.typing as npt
    from matplotlib.axes import Axes

SEAM_LON: Final = -169.0
"""Meridian at which the world is cut: in the Bering Strait, so that no land is torn."""

MIDDLE_LON: Final = SEAM_LON + 180.0
SOUTH: Final = -56.0
NORTH: Final = 84.0
"""Where the map of the world ends: without the Antarctic."""

STEP_DEGREES: Final = 1.0
_ALMOST: Final = 1e-7
"""Degrees that keep points of the seam on their side of it."""


@cache
def _equal_earth() -> Transformer:
    return Transformer.from_crs("EPSG:4326", "+proj=eqearth +datum=WGS84 +units=km", always_xy=True)


def project_world(
    lon: npt.ArrayLike, lat: npt.ArrayLike
) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Project WGS 84 degrees to the map of the world; the unit is the kilometre."""
    moved = (np.asarray(lon, dtype=np.float64) - MIDDLE_LON + 180.0) % 360.0 - 180.0
    x, y = _equal_earth().transform(moved, np.asarray(lat, dtype=np.float64))
    return np.asarray(x), np.asarray(y)


@cache
def world_land() -> npt.NDArray[Any]:
    """Give the countries as polygons on the map of the world."""
    shapes = shapely.get_parts(shapely.from_geojson(json.dumps(read_world())))
    west = shapely.box(-180, SOUTH, SEAM_LON - _ALMOST, NORTH)
    east = shapely.box(SEAM_LON + _ALMOST, SOUTH, 180, NORTH)
    sides = np.concatenate([shapely.intersection(shapes, side) for side in (west, east)])
    return _polygons(_transformed(shapely.segmentize(sides, STEP_DEGREES), project_world))


@cache
def world_frame() -> shapely.Polygon:
    """Give the edge of the map of the world."""
    lat = np.arange(SOUTH, NORTH + STEP_DEGREES, STEP_DEGREES)
    x, y = _equal_earth().transform(np.full(len(lat), 180.0 - _ALMOST), lat)
    return shapely.Polygon(np.column_stack([np.r_[x, -x[::-1]], np.r_[y, y[::-1]]]))


class Plane:
    """
    An equal-area plane around a point; the unit is the kilometre.

    Parameters
    ----------
    lat, lon : float
        Its middle, WGS 84 degrees.
    """

    def __init__(self, lat: float, lon: float) -> None:
        self.lat, self.lon = lat, lon
        self._to = Transformer.from_crs(
            "EPSG:4326",
            f"+proj=laea +lat_0={lat:.8f} +lon_0={lon:.8f} +ellps=WGS84 +units=km",
            always_xy=True,
        )

    def points(
        self, lon: npt.ArrayLike, lat: npt.ArrayLike
    ) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
        """Project WGS 84 degrees."""
        x, y = self._to.transform(
            np.asarray(lon, dtype=np.float64), np.asarray(lat, dtype=np.float64)
        )
        return np.asarray(x), np.asarray(y)

    def degrees(
        self, x: npt.ArrayLike, y: npt.ArrayLike
    ) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
        """Give longitude and latitude of points of the plane."""
        lon, lat = self._to.transform(x, y, direction="INVERSE")
        return np.asarray(lon), np.asarray(lat)

    def shapes(self, shapes: npt.ArrayLike) -> npt.NDArray[Any]:
        """Project shapes; parts that were cut at the date line are not joined."""
        return _transformed(np.asarray(shapes, dtype=object), self.points)

    def outline(self, shape: Any) -> Any:  # noqa: ANN401
        """Project a shape and join its parts where the date line cut them."""
        (moved,) = self.shapes([shape])
        return shapely.union_all(shapely.set_precision(shapely.get_parts(moved), 1e-5))

    def window(self, reach_km: float) -> npt.NDArray[Any]:
        """Give boxes in degrees that cover what lies within a distance of the middle."""
        reach = np.degrees(reach_km / 6371.0)
        south, north = self.lat - reach, self.lat + reach
        if south <= -90 or north >= 90 or reach >= 90:
            return np.array([shapely.box(-180, max(south, -90), 180, min(north, 90))])
        # The widest parallel of a circle on the sphere.
        half = np.degrees(
            np.arcsin(min(1.0, np.sin(np.radians(reach)) / np.cos(np.radians(self.lat))))
        )
        boxes = [
            shapely.box(self.lon + t - half, south, self.lon + t + half, north)
            for t in (-360, 0, 360)
        ]
        inside = [shapely.intersection(b, shapely.box(-180, -90, 180, 90)) for b in boxes]
        return np.array([b for b in inside if b.area > 0])

    def land(self, reach_km: float) -> npt.NDArray[Any]:
        """Give the countries within a distance of the middle as polygons."""
        countries = read_outlines().geometry.to_numpy()
        parts = np.concatenate(
            [shapely.intersection(countries, box) for box in self.window(reach_km)]
        )
        return _polygons(self.shapes(parts[~shapely.is_empty(parts)]))


def _transformed(shapes: npt.NDArray[Any], project: Any) -> npt.NDArray[Any]:  # noqa: ANN401
    return np.asarray(
        shapely.transform(shapes, lambda xy: np.column_stack(project(xy[:, 0], xy[:, 1])))
    )


def _polygons(shapes: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Take shapes apart into polygons."""
    parts = shapely.get_parts(shapely.get_parts(shapes))
    polygon = shapely.get_type_id(parts) == shapely.GeometryType.POLYGON
    return np.asarray(parts[polygon & ~shapely.is_empty(parts)])


FINEST_MM: Final = 0.03
"""What no printer shows is left out of paths."""


def paint(
    axes: Axes,
    shapes: npt.ArrayLike,
    *,
    unit_mm: float = 1.0,
    **style: Any,  # noqa: ANN401
) -> None:
    """
    Draw polygons, holes open, as one path for each.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        Its data coordinates are those of the shapes.
    shapes : array_like of shapely geometries
        Anything but polygons is passed over.
    unit_mm : float
        Length on paper of a unit of the shapes.
    """
    paths = []
    for shape in shapely.simplify(np.asarray(shapes, dtype=object), FINEST_MM / unit_mm):
        rings = [
            Path(shapely.get_coordinates(ring), closed=True)
            for polygon in shapely.get_parts(shape)
            if polygon.geom_type == "Polygon"
            for ring in _rings(polygon)
        ]
        # An empty path stays in the list, so that colours given one a shape stay with theirs.
        paths.append(Path.make_compound_path(*rings) if rings else Path(np.empty((0, 2))))
    axes.add_collection(PathCollection(paths, **style), autolim=False)


def _rings(polygon: shapely.Polygon) -> list[shapely.LinearRing]:
    """Give the rim and the holes, turning opposite ways, so that holes stay open."""
    turned = shapely.orient_polygons(polygon)
    return [turned.exterior, *turned.interiors]
