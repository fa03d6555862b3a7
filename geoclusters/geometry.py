"""Shapes that are drawn: outlines of cells and shortest lines, cut at the date line."""

from __future__ import annotations

from typing import Final, NamedTuple

import antimeridian
import numpy as np
import numpy.typing as npt
import shapely

from geoclusters.cells.corners import cell_corners
from geoclusters.cells.dissolving import Rings, rings_around
from geoclusters.earth import unit_vectors

__all__ = ["Lines", "Rings", "cell_corners", "great_circles", "hexagons", "rings_around"]

STEP_DEGREES: Final = 2.0
"""Corners of a great circle are at most this far apart."""

HALF_TURN: Final = 180.0
_AT_ONCE: Final = 512
"""Lines whose points lie in the processor's cache together."""

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


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


class Lines(NamedTuple):
    """
    Lines of one or several parts.

    Attributes
    ----------
    points : numpy.ndarray of float64, shape (n, 2)
        Longitude and latitude, WGS 84 degrees, of all parts, one after the other.
    sizes : numpy.ndarray of int64
        Points of each part.
    parts : numpy.ndarray of int64
        Parts of each line.
    """

    points: Floats
    sizes: Integers
    parts: Integers


def great_circles(start: Floats, end: Floats) -> Lines:
    """
    Draw the shortest lines between points of the sphere.

    Parameters
    ----------
    start, end : numpy.ndarray of float64, shape (n, 2)
        Latitude and longitude, WGS 84 degrees.

    Returns
    -------
    Lines
        One that crosses the date line is cut there into two parts.

    Examples
    --------
    >>> tokyo, san_francisco = np.array([[35.7, 139.7]]), np.array([[37.8, -122.4]])
    >>> lines = great_circles(tokyo, san_francisco)
    >>> lines.parts.tolist(), lines.points[np.cumsum(lines.sizes) - 1, 0].tolist()
    ([2], [180.0, -122.4])
    """
    paths, steps = [np.zeros((0, 2))], [np.zeros(0, dtype=np.int64)]
    for begin in range(0, len(start), _AT_ONCE):
        path, own = _paths(start[begin : begin + _AT_ONCE], end[begin : begin + _AT_ONCE])
        paths.append(path)
        steps.append(own)
    return _cut(np.concatenate(paths), np.concatenate(steps) + 1)


def _paths(start: Floats, end: Floats) -> tuple[Floats, Integers]:
    """Give the points of lines that are not cut yet, and the number of steps of each."""
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
    return path, steps


def _cut(path: Floats, sizes: Integers) -> Lines:
    """Cut lines of `sizes` points where their longitude jumps across the date line."""
    owner = np.repeat(np.arange(len(sizes)), sizes)
    torn = np.flatnonzero((np.abs(np.diff(path[:, 0])) > HALF_TURN) & (owner[1:] == owner[:-1]))
    edge = np.copysign(HALF_TURN, path[torn, 0])
    lat = _latitudes_on_the_date_line(path[torn], path[torn + 1])
    ends = np.column_stack([edge, lat, -edge, lat]).reshape(-1, 2)
    # The first of the two ends a part, the second begins one.
    begins = np.sort(np.concatenate([np.cumsum(sizes) - sizes, torn + 1]))
    n_before = 2 * np.searchsorted(torn, begins - 1) + np.isin(begins, torn + 1)
    return Lines(
        np.insert(path, np.repeat(torn + 1, 2), ends, axis=0),
        np.diff(begins + n_before, append=len(path) + 2 * len(torn)),
        1 + np.bincount(owner[torn], minlength=len(sizes)),
    )


def _latitudes_on_the_date_line(before: Floats, after: Floats) -> Floats:
    """Give the latitude at which the shortest line between points on its two sides meets the date line."""
    a, b = (unit_vectors(p[:, 1], p[:, 0]) for p in (before, after))
    # The date line lies in the plane y = 0; each end counts as much as the other is away from it.
    far_a, far_b = np.abs(a[:, 1]), np.abs(b[:, 1])
    on_it = (far_a + far_b) == 0
    met = (far_b + on_it)[:, None] * a + far_a[:, None] * b
    return np.asarray(np.degrees(np.arctan2(met[:, 2], np.hypot(met[:, 0], met[:, 1]))))
