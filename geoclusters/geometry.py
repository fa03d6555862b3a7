"""Shapes that are drawn: outlines of cells and shortest lines, cut at the date line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import antimeridian
import numpy as np
import shapely

from geoclusters.cells.corners import cell_corners
from geoclusters.cells.dissolving import Rings, rings_around
from geoclusters.earth import unit_vectors

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["Rings", "cell_corners", "great_circles", "hexagons", "rings_around"]

STEP_DEGREES: Final = 2.0
"""Corners of a great circle are at most this far apart."""

HALF_TURN: Final = 180.0


def hexagons(cells: npt.NDArray[np.uint64]) -> npt.NDArray[np.object_]:
    """
    Outline each cell.

    Parameters
    ----------
    cells : numpy.ndarray of uint64, shape (n,)
        H3 cells.

    Returns
    -------
    numpy.ndarray of shapely geometries, shape (n,)
        Polygons in WGS 84, longitude before latitude; a cell on the date line is cut there.

    Examples
    --------
    >>> shape, = hexagons(np.array([0x88283082B9FFFFF], dtype=np.uint64))
    >>> len(shape.exterior.coords) - 1, bool(shape.contains(shapely.Point(-122.4226, 37.7876)))
    (6, True)
    """
    if not len(cells):
        return np.empty(0, dtype=object)
    corners, sizes = cell_corners(cells)
    owner = np.repeat(np.arange(len(sizes)), sizes)
    shapes = np.asarray(shapely.polygons(shapely.linearrings(corners, indices=owner)))
    bounds = shapely.bounds(shapes)
    for row in np.flatnonzero(bounds[:, 2] - bounds[:, 0] > HALF_TURN):
        shapes[row] = antimeridian.fix_polygon(shapes[row], fix_winding=False)
    return shapes


def great_circles(
    start: npt.NDArray[np.float64], end: npt.NDArray[np.float64]
) -> npt.NDArray[np.object_]:
    """
    Draw the shortest lines between points of the sphere.

    Parameters
    ----------
    start, end : numpy.ndarray of float64, shape (n, 2)
        Latitude and longitude, WGS 84 degrees.

    Returns
    -------
    numpy.ndarray of shapely geometries, shape (n,)
        Lines, longitude before latitude; one that crosses the date line is cut there into two.

    Examples
    --------
    >>> tokyo, san_francisco = np.array([[35.7, 139.7]]), np.array([[37.8, -122.4]])
    >>> line, = great_circles(tokyo, san_francisco)
    >>> [sorted({part.coords[0][0], part.coords[-1][0]})[1] for part in line.geoms]
    [180.0, -122.4]
    """
    a, b = (unit_vectors(p[:, 0], p[:, 1]) for p in (start, end))
    angle = np.arctan2(np.linalg.norm(np.cross(a, b), axis=1), np.einsum("ij,ij->i", a, b))
    steps = np.ceil(np.degrees(angle) / STEP_DEGREES).astype(np.int64).clip(min=1)
    owner = np.repeat(np.arange(len(a)), steps + 1)
    last = np.cumsum(steps + 1) - 1
    step = np.arange(len(owner)) - (last - steps)[owner]
    along = step * (1.0 / steps)[owner]
    # Between opposite points every half circle is shortest; the sum below then has no direction.
    within = np.sin((1 - along) * angle[owner])[:, None] * a[owner]
    within += np.sin(along * angle[owner])[:, None] * b[owner]
    lat = np.degrees(np.arctan2(within[:, 2], np.hypot(within[:, 0], within[:, 1])))
    path = np.column_stack([np.degrees(np.arctan2(within[:, 1], within[:, 0])), lat])
    path[last - steps], path[last] = start[:, ::-1], end[:, ::-1]
    return _cut(path, owner)


def _cut(path: npt.NDArray[np.float64], owner: npt.NDArray[np.intp]) -> npt.NDArray[np.object_]:
    """Make lines of the points of each owner, cut where their longitude jumps across the date line."""
    jump = np.diff(path[:, 0])
    torn = np.flatnonzero((np.abs(jump) > HALF_TURN) & (owner[1:] == owner[:-1]))
    edge = np.copysign(HALF_TURN, path[torn, 0])
    lat = _latitudes_on_the_date_line(path[torn], path[torn + 1])
    ends = np.column_stack([edge, lat, -edge, lat]).reshape(-1, 2)
    points = np.insert(path, np.repeat(torn + 1, 2), ends, axis=0)
    owner = np.insert(owner, np.repeat(torn + 1, 2), np.repeat(owner[torn], 2))
    behind = np.insert(
        np.zeros(len(path), dtype=bool), np.repeat(torn + 1, 2), [False, True] * len(torn)
    )
    # A part begins with each owner and behind each cut.
    begins = behind | (np.diff(owner, prepend=-1) != 0)
    parts = np.asarray(shapely.linestrings(points, indices=np.cumsum(begins) - 1))
    owner = owner[begins]
    lines = np.empty(len(np.unique(owner)), dtype=object)
    lines[owner] = parts
    cut = np.isin(owner, owner[1:][np.diff(owner) == 0])
    if cut.any():
        shapely.multilinestrings(parts[cut], indices=owner[cut], out=lines)
    return lines


def _latitudes_on_the_date_line(
    before: npt.NDArray[np.float64], after: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Give the latitude at which the shortest line between points on its two sides meets the date line."""
    a, b = (unit_vectors(p[:, 1], p[:, 0]) for p in (before, after))
    # The date line lies in the plane y = 0; each end counts as much as the other is away from it.
    far_a, far_b = np.abs(a[:, 1]), np.abs(b[:, 1])
    on_it = (far_a + far_b) == 0
    met = (far_b + on_it)[:, None] * a + far_a[:, None] * b
    return np.asarray(np.degrees(np.arctan2(met[:, 2], np.hypot(met[:, 0], met[:, 1]))))
