"""Packs coordinates and shapes into short texts that the pages unpack again.

Coordinates are rounded to whole units, each is kept as the difference from the one before it, and
small differences take one or two bytes (zigzag, then seven bits a byte with the eighth for "more
follows"), written as base64. `assets/core.js` holds the other half.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import shapely

from geoclusters.compiling import compiled
from geoclusters.wkb import POLYGONAL, parts_of

if TYPE_CHECKING:
    from collections.abc import Sequence

LEAST_POINTS: Final = 4
"""Of a closed ring: those of a triangle, the first one twice."""


def pack_integers(values: npt.ArrayLike) -> str:
    """
    Pack whole numbers; near zero they take one byte each.

    Examples
    --------
    >>> pack_integers([0, -1, 1, 300])
    'AAEC2AQ='
    >>> pack_integers([])
    ''
    """
    numbers = np.array(values, dtype=np.int64)
    return base64.b64encode(_in_sevens(numbers).tobytes()).decode("ascii")


@compiled
def _in_sevens(numbers: npt.NDArray[np.int64]) -> npt.NDArray[np.uint8]:
    """Write numbers with seven bits a byte, the sign lowest, the lowest bits first."""
    packed, n = np.empty(10 * len(numbers), dtype=np.uint8), 0
    for number in numbers:
        folded = np.uint64((number << 1) ^ (number >> 63))
        while folded >= np.uint64(0x80):
            packed[n] = np.uint8(folded & np.uint64(0x7F)) | np.uint8(0x80)
            folded >>= np.uint64(7)
            n += 1
        packed[n] = np.uint8(folded)
        n += 1
    return packed[:n].copy()


def pack_bytes(values: npt.ArrayLike) -> str:
    """Pack numbers of 0 to 255, one byte each."""
    return base64.b64encode(np.asarray(values, dtype=np.uint8).tobytes()).decode("ascii")


def _differences(units: npt.NDArray[np.int64]) -> str:
    """Pack rows (longitude, latitude) of whole units as differences along the rows."""
    return pack_integers(np.diff(units, axis=0, prepend=np.zeros((1, 2), dtype=np.int64)).ravel())


def pack_points(lon: npt.ArrayLike, lat: npt.ArrayLike, *, decimals: int) -> dict[str, Any]:
    """Pack points in their order; neighbours in the order should be neighbours on the map."""
    units = np.rint(np.column_stack([lon, lat]) * 10.0**decimals).astype(np.int64)
    return {"decimals": decimals, "xy": _differences(units)}


class Rings(NamedTuple):
    """
    Closed rings, one polygon each.

    Attributes
    ----------
    points : numpy.ndarray of float64, shape (n, 2)
        Longitude and latitude in degrees; the first point of a ring is its last as well.
    ring_of : numpy.ndarray of int64, shape (n,)
        Ring of each point, rising.
    n : int
        Rings.
    """

    points: npt.NDArray[np.float64]
    ring_of: npt.NDArray[np.int64]
    n: int


def closed_rings(points: npt.NDArray[np.float64], sizes: npt.NDArray[np.int64]) -> Rings:
    """Close rings of `sizes` points by repeating the first one of each."""
    ends = np.cumsum(sizes)
    closed = np.insert(points, ends, points[ends - sizes], axis=0)
    return Rings(closed, np.repeat(np.arange(len(sizes)), sizes + 1), len(sizes))


def pack_shapes(shapes: Sequence[Any] | npt.NDArray[Any], *, decimals: int) -> dict[str, Any]:
    """
    Pack polygons and multipolygons in their order, each as a list of polygons of rings.

    Parameters
    ----------
    shapes : sequence of shapely geometries
        Longitude and latitude in degrees. What is no polygon, or empty, becomes an empty shape.
    decimals : int
        Decimals of a degree that are kept: 4 are 11 m. Rings that shrink below a triangle go away.
    """
    parts = parts_of(_polygons(np.asarray(shapes, dtype=object)))
    ring_of, polygon_of, shape_of = (np.repeat(np.arange(len(n)), n) for n in parts[1:])
    packed, large = _packed(Rings(parts.points, ring_of, len(parts.rings)), decimals)
    ring_counts = np.bincount(polygon_of[large], minlength=len(parts.polygons))
    polygon_counts = np.bincount(shape_of[ring_counts > 0], minlength=len(shapes))
    return {
        **packed,
        "polygons": pack_integers(ring_counts[ring_counts > 0]),
        "shapes": pack_integers(polygon_counts),
    }


def pack_rings(rings: Rings, *, decimals: int) -> dict[str, Any]:
    """Pack rings as `pack_shapes` does with polygons that have no holes."""
    packed, large = _packed(rings, decimals)
    return {
        **packed,
        "polygons": pack_integers(np.ones(large.sum(), dtype=np.int64)),
        "shapes": pack_integers(large),
    }


def _packed(rings: Rings, decimals: int) -> tuple[dict[str, Any], npt.NDArray[np.bool_]]:
    """Pack the points of rings and how many each has; tell which rings are left."""
    units = np.rint(rings.points * 10.0**decimals).astype(np.int64)
    steps, sizes = _steps(units, rings.ring_of, rings.n)
    large = sizes > 0
    return {
        "decimals": decimals,
        "xy": pack_integers(steps),
        "rings": pack_integers(sizes[large]),
    }, large


@compiled
def _steps(
    units: npt.NDArray[np.int64], ring_of: npt.NDArray[np.int64], n_rings: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Give the differences from point to point of all rings, and how many points each ring keeps."""
    steps, sizes, n = np.empty(2 * len(units), dtype=np.int64), np.zeros(n_rings, dtype=np.int64), 0
    begin = x = y = 0
    while begin < len(units):
        ring, start, points = ring_of[begin], n, 0
        last_x, last_y, at = x, y, begin
        while at < len(units) and ring_of[at] == ring:
            if at == begin or units[at, 0] != units[at - 1, 0] or units[at, 1] != units[at - 1, 1]:
                steps[n], steps[n + 1] = units[at, 0] - x, units[at, 1] - y
                x, y = units[at, 0], units[at, 1]
                n, points = n + 2, points + 1
            at += 1
        begin = at
        if points >= LEAST_POINTS:
            sizes[ring] = points
        else:
            n, x, y = start, last_x, last_y
    return steps[:n].copy(), sizes


def _polygons(shapes: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Leave of shapes what is a polygon."""
    other = ~np.isin(shapely.get_type_id(shapes), POLYGONAL)
    if not other.any():
        return shapes
    parts, shape_of = shapely.get_parts(shapes[other], return_index=True)
    polygonal = shapely.get_type_id(parts) == shapely.GeometryType.POLYGON
    kept = np.full(other.sum(), shapely.MultiPolygon(), dtype=object)
    if polygonal.any():
        shapely.multipolygons(parts[polygonal], indices=shape_of[polygonal], out=kept)
    left = shapes.copy()
    left[other] = kept
    return left
