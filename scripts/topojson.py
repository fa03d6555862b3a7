"""Read the country polygons of a TopoJSON file as valid geometries on a flat WGS 84 map."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

Topology = dict[str, Any]


def features(topology: Topology, layer: str, tolerance_deg: float = 0.0) -> list[dict[str, Any]]:
    """
    Decode one layer: a list of `id`, `name` and `parts`, the polygons of each feature.

    Arcs are simplified before they are joined to rings, so that neighbours keep a common border.
    Polygons that cross the antimeridian are cut there.
    """
    full = _decoded_arcs(topology)
    thin = [_simplified(arc, tolerance_deg) for arc in full]
    return [
        {
            "id": shape.get("id"),
            "name": shape["properties"]["name"],
            "parts": [part for rings in _polygons(shape) for part in _parts(rings, thin, full)],
        }
        for shape in topology["objects"][layer]["geometries"]
    ]


def _decoded_arcs(topology: Topology) -> list[np.ndarray]:
    scale = np.array(topology["transform"]["scale"])
    origin = np.array(topology["transform"]["translate"])
    return [np.cumsum(np.array(arc), axis=0) * scale + origin for arc in topology["arcs"]]


def _simplified(arc: np.ndarray, tolerance_deg: float) -> np.ndarray:
    """Simplify in degrees of latitude: an arc is squeezed by the cosine of its latitude first."""
    if tolerance_deg == 0 or len(arc) < 5:
        return arc
    squeeze = np.array([max(0.1, np.cos(np.radians(arc[:, 1].mean()))), 1.0])
    line = shapely.simplify(shapely.LineString(arc * squeeze), tolerance_deg)
    thin = shapely.get_coordinates(line) / squeeze
    closed = np.array_equal(arc[0], arc[-1])
    return arc if closed and len(thin) < 5 else thin


def _polygons(shape: dict[str, Any]) -> list[list[list[int]]]:
    if shape["type"] == "Polygon":
        return [shape["arcs"]]
    return list(shape.get("arcs", []))


def _parts(
    rings: list[list[int]],
    thin: list[np.ndarray],
    full: list[np.ndarray],
) -> list[BaseGeometry]:
    """Join arcs to rings, cut the polygon at the antimeridian, mend it, and split it up."""
    shortest = min(len(_ring(ring, thin)) for ring in rings)
    whole_rings = [_ring(ring, thin if shortest > 3 else full) for ring in rings]
    if len(whole_rings[0]) < 4:  # an islet that the file's own grid has swallowed
        return []
    outer, *holes = [_unrolled(ring) for ring in whole_rings if len(ring) > 3]
    near = outer[:, 0].mean()
    turns = [round((near - hole[:, 0].mean()) / 360) for hole in holes]
    holes = [np.add(hole, [360 * turn, 0]) for hole, turn in zip(holes, turns, strict=True)]
    flat = shapely.make_valid(shapely.Polygon(outer, holes), method="structure")
    windows = [(_window(flat, turn), turn) for turn in (-1, 0, 1)]
    whole = [
        shapely.transform(window, lambda xy, east=360 * turn: xy - [east, 0])
        for window, turn in windows
    ]
    return [
        part
        for part in shapely.get_parts(shapely.make_valid(whole, method="structure"))
        if part.geom_type == "Polygon" and part.area > 0
    ]


def _window(flat: BaseGeometry, turn: int) -> BaseGeometry:
    return shapely.intersection(flat, shapely.box(360 * turn - 180, -90, 360 * turn + 180, 90))


def _unrolled(ring: np.ndarray) -> np.ndarray:
    """Let longitudes run on past 180; close a ring round the Earth over the South Pole."""
    step = np.diff(ring[:, 0], prepend=ring[0, 0])
    lon = ring[:, 0] - 360 * np.cumsum(np.round(step / 360))
    unrolled = np.column_stack([lon, ring[:, 1]])
    if abs(lon[-1] - lon[0]) < 180:
        return unrolled
    pole = [[lon[-1], -90.0], [lon[0], -90.0], unrolled[0]]
    return np.concatenate([unrolled, pole])


def _ring(indices: list[int], arcs: list[np.ndarray]) -> np.ndarray:
    pieces = [arcs[i] if i >= 0 else arcs[~i][::-1] for i in indices]
    return np.concatenate([pieces[0], *[piece[1:] for piece in pieces[1:]]])
