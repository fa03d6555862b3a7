"""What the map of one cluster draws: its cells by density, the coast around it, its neighbours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from h3.api import basic_int as h3

from geoclusters.pages.cellids import joined, parents, resolution_of
from geoclusters.pages.packing import pack_points, pack_shapes
from geoclusters.pages.shapes import coast, unrolled, unrolled_lon
from geoclusters.pages.wording import class_breaks, label, number, shortened
from geoclusters.places import read_places

if TYPE_CHECKING:
    from collections.abc import Collection

    from geoclusters.results import Result

MOST_CELLS: Final = 2000
"""A cluster with more cells is drawn in their coarser parents."""

MOST_TOWNS: Final = 60
LEAST_TOWN_POPULATION: Final = 15_000

CELL_DECIMALS: Final = 5
SHAPE_DECIMALS: Final = 4
_MARGIN = 1.0
"""Of the map beyond the cluster on each side, in widths of the cluster."""
_LEAST_MARGIN_DEG = 0.6


class Surroundings:
    """Cells, regions and coasts of a run, prepared once for all pages."""

    def __init__(self, result: Result) -> None:
        clusters = result.clusters
        self._metrics = result.metrics
        self._addresses = result.run["settings"].get("density") == "addresses"
        self._ids = [str(i) for i in clusters["cluster_id"]]
        self._place = {identifier: i for i, identifier in enumerate(self._ids)}
        self._names = [
            f"{r} {shortened(n, 60)}"
            for r, n in zip(clusters["rank"], clusters["name"], strict=True)
        ]
        regions = clusters["region"].where(clusters["region"].notna(), clusters.geometry)
        self._regions = unrolled(regions.to_numpy())
        self._region_tree = shapely.STRtree(self._regions)
        self._coast = coast()
        self._coast_tree = shapely.STRtree(self._coast)
        self._towns = _towns()
        columns = ["cell", "density", *self._metrics, "cluster_id"]
        cells = pd.DataFrame(result.cells[columns])
        self._cells = {
            str(i): _drawn(own.drop(columns="cluster_id"), self._metrics)
            for i, own in cells.groupby("cluster_id", sort=False)
        }
        self._counted = cells["cluster_id"].value_counts()

    def cells_note(self, identifier: str) -> str:
        """Say if the hexagons on the map are coarser than the cells of the run."""
        drawn, counted = len(self._cells[identifier]), int(self._counted[identifier])
        if drawn == counted:
            return ""
        return f"The {number(counted)} cells are drawn as {number(drawn)} larger ones."

    def data(self, identifier: str, pages: Collection[str]) -> dict[str, Any]:
        """Gather what the script of the page draws."""
        place = self._place[identifier]
        cells = self._cells[identifier]
        hexagons = cell_shapes(cells["cell"].to_numpy(np.uint64))
        inner, outer = _boxes(np.concatenate([hexagons, self._regions[place : place + 1]]))
        near = [int(i) for i in np.sort(self._region_tree.query(outer)) if i != place]
        land = shapely.clip_by_rect(
            self._coast[np.sort(self._coast_tree.query(outer))], *outer.bounds
        )
        density = cells["density"].to_numpy(np.float64)
        return {
            "metrics": [label(m) for m in self._metrics],
            "unit": "addresses" if self._addresses else "% of the world",
            "factor": 1 if self._addresses else 100,
            "breaks": class_breaks(density),
            "cells": pack_shapes(hexagons, decimals=CELL_DECIMALS),
            "density": [float(f"{d:.3g}") for d in density],
            "counts": [[float(f"{v:.3g}") for v in cells[m]] for m in self._metrics],
            "region": pack_shapes(self._regions[place : place + 1], decimals=SHAPE_DECIMALS),
            "neighbours": pack_shapes(self._regions[near], decimals=SHAPE_DECIMALS),
            "neighbourNames": [self._names[i] for i in near],
            "neighbourPages": [self._ids[i] if self._ids[i] in pages else None for i in near],
            "land": pack_shapes(land, decimals=SHAPE_DECIMALS),
            "towns": self._towns_within(inner),
            "bounds": [round(v, 3) for v in inner.bounds],
        }

    def _towns_within(self, box: Any) -> dict[str, Any]:  # noqa: ANN401
        """Give the largest towns of a map, the largest first."""
        west, south, east, north = box.bounds
        names, lon, lat = self._towns
        inside = (lon > west) & (lon < east) & (lat > south) & (lat < north)
        own = np.flatnonzero(inside)[:MOST_TOWNS]
        packed = pack_points(lon[own], lat[own], decimals=SHAPE_DECIMALS)
        return {"names": names[own].tolist(), "large": len(own), **packed}


def _towns() -> tuple[npt.NDArray[Any], npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Names, longitudes and latitudes of towns, the largest first."""
    places = read_places(min_population=LEAST_TOWN_POPULATION).sort_values(
        ["population", "place_id"], ascending=[False, True], kind="stable"
    )
    return places["name"].to_numpy(), unrolled_lon(places["lon"]), places["lat"].to_numpy()


def _drawn(cells: pd.DataFrame, metrics: list[str]) -> pd.DataFrame:
    """Join cells until there are few enough: documents add up, the highest density stays."""
    while len(cells) > MOST_CELLS:
        coarser = resolution_of(int(cells["cell"].iloc[0])) - 1
        moved = cells.assign(cell=parents(cells["cell"].to_numpy(np.uint64), coarser))
        cells = joined(moved, {"density": "max", **dict.fromkeys(metrics, "sum")})
    return cells


def cell_shapes(cells: npt.NDArray[np.uint64]) -> npt.NDArray[Any]:
    """
    Outlines of H3 cells as polygons, whole on either side of the date line.

    Parameters
    ----------
    cells : ndarray of uint64
        H3 indices; pentagons and cells with more corners are drawn as they are.
    """
    corners = [h3.cell_to_boundary(int(cell)) for cell in cells]
    sizes = [len(c) for c in corners]
    points = np.array([corner for c in corners for corner in c], dtype=np.float64).reshape(-1, 2)
    lonlat = np.column_stack([unrolled_lon(points[:, 1]), points[:, 0]])
    ring_of = np.repeat(np.arange(len(cells)), sizes)
    rings = (
        shapely.linearrings(lonlat, indices=ring_of) if len(cells) else np.zeros(0, dtype=object)
    )
    return np.asarray(shapely.polygons(rings))


def _boxes(shapes: npt.NDArray[Any]) -> tuple[Any, Any]:
    """Give the part of the world that the map may show, and a larger one so that no cut is seen."""
    west, south, east, north = shapely.total_bounds(shapes)
    margin = max(_MARGIN * max(east - west, north - south), _LEAST_MARGIN_DEG)
    inner = shapely.box(
        west - margin, max(south - margin, -85), east + margin, min(north + margin, 85)
    )
    return inner, shapely.box(
        west - 3 * margin, south - 3 * margin, east + 3 * margin, north + 3 * margin
    )
