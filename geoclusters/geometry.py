"""Shapes that are drawn: outlines of cells and shortest lines, cut at the date line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import antimeridian
import h3.api.basic_int as h3
import numpy as np
import shapely

from geoclusters.earth import unit_vectors

if TYPE_CHECKING:
    import numpy.typing as npt

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
    >>> cell = h3.latlng_to_cell(48.1, 11.6, 8)
    >>> shape, = hexagons(np.array([cell], dtype=np.uint64))
    >>> len(shape.exterior.coords) - 1, bool(shape.contains(shapely.Point(11.6, 48.1)))
    (6, True)
    """
    loops = [h3.cell_to_boundary(int(c)) for c in cells]
    if not loops:
        return np.empty(0, dtype=object)
    corners = np.array([corner for loop in loops for corner in loop])[:, ::-1]
    owner = np.repeat(np.arange(len(loops)), [len(loop) for loop in loops])
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
    steps = np.ceil(np.degrees(angle) / STEP_DEGREES).astype(int).clip(min=1)
    lines = np.empty(len(a), dtype=object)
    for row in range(len(a)):
        along = np.linspace(0.0, 1.0, steps[row] + 1)[1:-1, None]
        # Between opposite points every half circle is shortest; the sum below then has no direction.
        within = np.sin((1 - along) * angle[row]) * a[row] + np.sin(along * angle[row]) * b[row]
        lat = np.degrees(np.arctan2(within[:, 2], np.hypot(within[:, 0], within[:, 1])))
        lon = np.degrees(np.arctan2(within[:, 1], within[:, 0]))
        path = np.vstack([start[row, ::-1], np.column_stack([lon, lat]), end[row, ::-1]])
        lines[row] = _cut(path)
    return lines


def _cut(path: npt.NDArray[np.float64]) -> shapely.LineString | shapely.MultiLineString:
    """Cut a path where its longitude jumps across the date line."""
    jump = np.diff(path[:, 0])
    crossings = np.flatnonzero(np.abs(jump) > HALF_TURN)
    parts, begin = [], path[:1]
    for number, row in enumerate(crossings):
        before, after = path[row], path[row + 1]
        edge = np.copysign(HALF_TURN, before[0])
        whole = jump[row] + 2 * edge
        part = (edge - before[0]) / whole if whole else 0.0
        lat = before[1] + part * (after[1] - before[1])
        first = crossings[number - 1] + 1 if number else 1
        parts.append(np.vstack([begin, path[first : row + 1], [[edge, lat]]]))
        begin = np.array([[-edge, lat]])
    first = crossings[-1] + 1 if len(crossings) else 1
    parts.append(np.vstack([begin, path[first:]]))
    lines = [shapely.LineString(p) for p in parts]
    return lines[0] if len(lines) == 1 else shapely.MultiLineString(lines)
