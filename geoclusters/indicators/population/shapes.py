"""Outlines laid over pieces of ground: their parts, shares of areas, and sums for each outline."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import shapely

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Ints = npt.NDArray[np.int64]
    Shapes = npt.NDArray[np.object_]

LONGEST_EDGE_DEGREES: Final = 0.05
"""Longer edges are divided before they are projected, so that they bend with the projection."""


def equal_area(shapes: Shapes) -> Shapes:
    """
    Project shapes so that areas on the sphere compare as they do on the plane.

    Lambert's cylindrical projection: longitude stays, latitude becomes its sine. Boxes of longitude and latitude
    stay boxes, so that nothing is lost at their edges.

    Parameters
    ----------
    shapes : numpy.ndarray of shapely geometries
        WGS 84 degrees, longitude before latitude.

    Examples
    --------
    >>> equator, north = equal_area(np.array([shapely.box(0, 0, 1, 1), shapely.box(0, 60, 1, 61)]))
    >>> round(float(north.area / equator.area), 3)
    0.492
    """

    def projected(points: Floats) -> Floats:
        return np.column_stack([points[:, 0], np.degrees(np.sin(np.radians(points[:, 1])))])

    divided = shapely.segmentize(shapes, LONGEST_EDGE_DEGREES)
    return np.asarray(shapely.transform(divided, projected), dtype=object)


def parts_of(outlines: Shapes) -> tuple[Shapes, Ints]:
    """
    Single polygons of (multi)polygons, and the position of the outline that each belongs to.

    A hexagon that stands alone has a part of its own, so that bounds stay tight, at the antimeridian too.

    Raises
    ------
    ValueError
        If a part is not a polygon.
    """
    parts, owner = shapely.get_parts(outlines, return_index=True)
    wrong = shapely.get_type_id(parts) != shapely.GeometryType.POLYGON
    if wrong.any():
        seen = parts[wrong][0].geom_type
        raise ValueError(f"outline {int(owner[wrong][0])} holds a {seen}; give (multi)polygons")
    return parts, owner.astype(np.int64)


def shared_areas(parts: Shapes, grounds: Shapes) -> Floats:
    """
    Part of each piece of ground that a polygon covers, pair by pair.

    Parameters
    ----------
    parts, grounds : numpy.ndarray of shapely geometries, shape (n,)
        WGS 84 degrees, longitude before latitude.

    Returns
    -------
    numpy.ndarray of float64, shape (n,)
        0 to 1.

    Examples
    --------
    >>> ground = np.array([shapely.box(0, 0, 1, 1)])
    >>> shared_areas(np.array([shapely.box(0.5, -1, 3, 2)]), ground)
    array([0.5])
    """
    common = parts.copy()
    cut = ~shapely.covers(grounds, parts)
    common[cut] = shapely.intersection(parts[cut], grounds[cut])
    areas = shapely.area(equal_area(common)) / shapely.area(equal_area(grounds))
    return np.asarray(areas, dtype=np.float64)


def sums_by(owner: Ints, values: Floats, n: int) -> Floats:
    """
    Add values up for each of `n` owners.

    Examples
    --------
    >>> sums_by(np.array([0, 2, 2]), np.array([1.0, 2.0, 3.0]), 3)
    array([1., 0., 5.])
    """
    return np.bincount(owner, weights=values, minlength=n).astype(np.float64, copy=False)
