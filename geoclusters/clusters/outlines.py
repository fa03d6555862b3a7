"""Outlines of clusters: the dissolved cells as valid polygons, correct at the date line and the poles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

import antimeridian
import h3.api.basic_int as h3
import numpy as np
import shapely

from geoclusters.clusters.adjacency import neighbours
from geoclusters.clusters.pieces import in_pieces
from geoclusters.earth import WGS84_ECCENTRICITY_SQUARED, WGS84_SEMI_MAJOR_KM
from geoclusters.geometry import rings_around
from geoclusters.hierarchy import parents, resolution_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy.typing as npt
    from shapely.geometry.base import BaseGeometry

    Cells = npt.NDArray[np.uint64]

HALF_TURN: Final = 180.0
POLAR: Final = 80.0
FINE_RESOLUTION: Final = 5
"""From here on a cell is so small that its edges are straight on any map but at the poles."""
LONGEST_EDGE_DEGREES: Final = 0.1
"""Longer edges are divided before they are projected, so that they bend with the projection."""


def cell_outline(cells: Cells, *, holes: Literal["keep", "fill"] = "keep") -> shapely.MultiPolygon:
    """
    Dissolve cells into one (multi)polygon.

    Parameters
    ----------
    cells : numpy.ndarray of uint64, shape (n,)
        H3 cells of one resolution.
    holes : {"keep", "fill"}
        Whether places inside that are no cells stay open.

    Returns
    -------
    shapely.MultiPolygon
        WGS 84, longitude before latitude, valid; cut at the antimeridian where it crosses it (RFC 7946, 3.1.9).

    Examples
    --------
    >>> disk = np.array(h3.grid_disk(h3.latlng_to_cell(48.1, 11.6, 8), 1), dtype=np.uint64)
    >>> ring = disk[disk != np.uint64(h3.latlng_to_cell(48.1, 11.6, 8))]
    >>> [len(cell_outline(ring, holes=h).geoms[0].interiors) for h in ("keep", "fill")]
    [1, 0]
    """
    polygons = _dissolved(cells, keep_holes=holes == "keep")
    wrapped = _is_wrapped(polygons)
    mended = [antimeridian.fix_polygon(p, fix_winding=False) for p in polygons[wrapped]]
    parts = [polygons[~wrapped], *(shapely.get_parts(_polygons_of(m)) for m in mended)]
    whole = np.concatenate(parts)
    outline: shapely.MultiPolygon = np.asarray(
        shapely.multipolygons(whole, indices=np.zeros(len(whole), dtype=np.int64))
    )[0]
    if _is_doubtful(cells, outline, wrapped) and not outline.is_valid:
        outline = _polygons_of(shapely.make_valid(outline))
    return shapely.orient_polygons(outline)


def outlines_and_areas(
    clusters: Sequence[Cells], *, holes: Literal["keep", "fill"], threads: int
) -> tuple[list[shapely.MultiPolygon], npt.NDArray[np.float64]]:
    """
    Dissolve the cells of each cluster, as `cell_outline` does, and measure them, as `area_km2` does.

    Parameters
    ----------
    clusters : sequence of numpy.ndarray of uint64
        H3 cells of one resolution.
    threads : int
        How many threads may work.
    """

    def some(begin: int, end: int) -> tuple[list[shapely.MultiPolygon], npt.NDArray[np.float64]]:
        outlines = [cell_outline(cells, holes=holes) for cells in clusters[begin:end]]
        return outlines, area_km2(outlines)

    pieces = in_pieces(threads, len(clusters), some)
    return [o for outlines, _ in pieces for o in outlines], np.concatenate([a for _, a in pieces])


def _is_doubtful(
    cells: Cells, outline: shapely.MultiPolygon, wrapped: npt.NDArray[np.bool_]
) -> bool:
    """Tell whether an outline need be checked: rings of small cells far from poles and date line cannot meet."""
    _, south, _, north = outline.bounds
    coarse = resolution_of(int(cells[0])) < FINE_RESOLUTION
    return bool(coarse or wrapped.any() or max(-south, north) > POLAR)


def _dissolved(cells: Cells, *, keep_holes: bool) -> npt.NDArray[np.object_]:
    """Polygons of the cells, not yet cut at the date line."""
    rings = rings_around(cells)
    lines = np.asarray(
        shapely.linearrings(
            rings.points, indices=np.repeat(np.arange(len(rings.sizes)), rings.sizes)
        )
    )
    if not keep_holes:
        outer = np.diff(rings.group, prepend=-1) != 0
        return np.asarray(shapely.polygons(lines[outer]))
    return np.asarray(shapely.polygons(lines, indices=rings.group))


def _is_wrapped(polygons: npt.NDArray[np.object_]) -> npt.NDArray[np.bool_]:
    """Tell which polygons go round by 180 degrees; H3 draws those across the whole world."""
    bounds = shapely.bounds(polygons)
    found = bounds[:, 2] - bounds[:, 0] >= HALF_TURN
    for row in np.flatnonzero(found):
        lon = shapely.get_coordinates(shapely.get_exterior_ring(polygons[row]))[:, 0]
        found[row] = (np.abs(np.diff(lon)) >= HALF_TURN).any()
    return np.asarray(found)


def _polygons_of(geometry: BaseGeometry) -> shapely.MultiPolygon:
    parts = shapely.get_parts(geometry)
    flat = shapely.get_parts(shapely.multipolygons([p for p in parts if p.area > 0]))
    return shapely.MultiPolygon(list(flat))


def drawing_region(cells: Cells, *, gap_km: float) -> shapely.MultiPolygon:
    """
    Give a closed shape for maps: gaps that are narrower than about `gap_km` are filled.

    The cells' parents are taken at the resolution where two cells span the gap, widened by a ring of neighbours, and
    what the ring added at the outer rim is taken off again (a morphological closing on the hexagonal grid).

    Parameters
    ----------
    cells : numpy.ndarray of uint64, shape (n,)
        H3 cells of one resolution.
    gap_km : float
        Gaps up to about this width are closed.
    """
    coarse = _closing_resolution(h3.get_resolution(int(cells[0])), gap_km)
    own = _distinct(parents(cells, coarse))
    wide = _distinct(np.append(neighbours(own), own))
    added = wide[~_are_among(wide, own)]
    closed = added[_are_among(neighbours(added), wide).all(axis=1)]
    return cell_outline(np.sort(np.append(own, closed)), holes="fill")


def _distinct(cells: Cells) -> Cells:
    """Give each cell once, in order: cells that are nearly in order are sorted sooner than they are hashed."""
    ordered = np.sort(cells)
    kept: Cells = ordered[np.append(True, ordered[1:] != ordered[:-1])]
    return kept


def _are_among(cells: Cells, known: Cells) -> npt.NDArray[np.bool_]:
    """Tell which cells are among those of `known`, one or more, in order."""
    place = np.searchsorted(known, cells)
    return np.asarray(known[np.minimum(place, len(known) - 1)] == cells)


def _closing_resolution(resolution: int, gap_km: float) -> int:
    """Resolution, not finer than `resolution`, at which two cells side by side are about `gap_km` wide."""

    def misfit(coarse: int) -> float:
        two_cells_km = 2 * np.sqrt(3.0) * h3.average_hexagon_edge_length(coarse, unit="km")
        return float(abs(np.log(two_cells_km / max(gap_km, 1e-6))))

    return min(range(resolution + 1), key=misfit)


def area_km2(outlines: Iterable[BaseGeometry]) -> npt.NDArray[np.float64]:
    """
    Areas on the WGS 84 ellipsoid, in square kilometres.

    Edges are straight in longitude and latitude, as GeoJSON has it; beyond 80 degrees, where that differs from the
    shortest line on the ground, they are geodesics.
    Sources: Lambert's cylindrical equal-area projection of the ellipsoid, J. P. Snyder, Map Projections: A Working
    Manual, USGS Professional Paper 1395 (1987), equations 3-12, 10-14 and 10-15; C. F. F. Karney, Algorithms for
    geodesics, J. Geodesy 87 (2013), as PROJ computes them.

    Examples
    --------
    >>> area_km2([shapely.box(0, 0, 1, 1)]).round(0)
    array([12308.])
    """
    shapes = np.array([*outlines, None], dtype=object)[:-1]
    coarse = shapely.length(shapes) > LONGEST_EDGE_DEGREES * shapely.get_num_coordinates(shapes)
    divided = shapes.copy()
    divided[coarse] = shapely.segmentize(shapes[coarse], LONGEST_EDGE_DEGREES)
    areas = np.asarray(shapely.area(shapely.transform(divided, _equal_area_km)))
    for row in np.flatnonzero(np.abs(shapely.bounds(shapes)[:, [1, 3]]).max(axis=1) > POLAR):
        areas[row] = _geodesic_area_km2(shapes[row])
    return areas


def _geodesic_area_km2(shape: BaseGeometry) -> float:
    from pyproj import Geod  # noqa: PLC0415 - slow, and seldom asked for

    return float(abs(Geod(ellps="WGS84").geometry_area_perimeter(shape)[0]) / 1e6)


def _equal_area_km(points: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    e = np.sqrt(WGS84_ECCENTRICITY_SQUARED)
    sine = np.sin(np.radians(points[:, 1]))
    q = (1 - e**2) * (sine / (1 - (e * sine) ** 2) + np.arctanh(e * sine) / e)
    return np.column_stack(
        [np.radians(points[:, 0]) * WGS84_SEMI_MAJOR_KM, q / 2 * WGS84_SEMI_MAJOR_KM]
    )
