"""Outlines of clusters: the dissolved cells as valid polygons, correct at the date line and the poles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

import antimeridian
import h3.api.basic_int as h3
import numpy as np
import shapely
from pyproj import Geod

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy.typing as npt
    from shapely.geometry.base import BaseGeometry

    Cells = npt.NDArray[np.uint64]

HALF_TURN: Final = 180.0
WGS84: Final = Geod(ellps="WGS84")
SQUARE_METRES_PER_KM2: Final = 1e6


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
    shape = h3.cells_to_h3shape([int(c) for c in cells], tight=False)
    polygons: list[shapely.Polygon] = []
    for loops in shape.__geo_interface__["coordinates"]:
        outer, *inner = loops
        polygons += _cut_at_date_line(shapely.Polygon(outer, inner if holes == "keep" else None))
    outline = shapely.MultiPolygon(polygons)
    if not outline.is_valid:
        outline = _polygons_of(shapely.make_valid(outline))
    return shapely.orient_polygons(outline)


def _cut_at_date_line(polygon: shapely.Polygon) -> list[shapely.Polygon]:
    """Cut a polygon that goes round by 180 degrees; H3 draws it across the whole world."""
    longitudes = shapely.get_coordinates(polygon.exterior)[:, 0]
    if np.abs(np.diff(longitudes)).max() < HALF_TURN:
        return [polygon]
    return list(_polygons_of(antimeridian.fix_polygon(polygon, fix_winding=False)).geoms)


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
    parents = {h3.cell_to_parent(int(c), coarse) for c in cells}
    wide = {near for cell in parents for near in h3.grid_disk(cell, 1)}
    closed = parents | {c for c in wide - parents if all(n in wide for n in h3.grid_disk(c, 1))}
    return cell_outline(np.array(sorted(closed), dtype=np.uint64), holes="fill")


def _closing_resolution(resolution: int, gap_km: float) -> int:
    """Resolution, not finer than `resolution`, at which two cells side by side are about `gap_km` wide."""

    def misfit(coarse: int) -> float:
        two_cells_km = 2 * np.sqrt(3.0) * h3.average_hexagon_edge_length(coarse, unit="km")
        return float(abs(np.log(two_cells_km / max(gap_km, 1e-6))))

    return min(range(resolution + 1), key=misfit)


def area_km2(outlines: Iterable[BaseGeometry]) -> npt.NDArray[np.float64]:
    """
    Areas on the WGS 84 ellipsoid, in square kilometres.

    Source: C. F. F. Karney, Algorithms for geodesics, J. Geodesy 87 (2013), as PROJ computes them.

    Examples
    --------
    >>> area_km2([shapely.box(0, 0, 1, 1)]).round(0)
    array([12309.])
    """
    return np.array(
        [abs(WGS84.geometry_area_perimeter(o)[0]) / SQUARE_METRES_PER_KM2 for o in outlines],
        dtype=np.float64,
    )
