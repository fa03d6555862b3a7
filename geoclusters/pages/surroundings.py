"""What lies around a cluster on its map: coast, towns, the clusters next to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt
import shapely

from geoclusters.compiling import compiled
from geoclusters.pages.cellmap import CellMap
from geoclusters.pages.packing import pack_points, pack_shapes
from geoclusters.pages.shapes import coast, unrolled, unrolled_lon
from geoclusters.pages.wording import shortened
from geoclusters.places import read_places

if TYPE_CHECKING:
    from collections.abc import Collection

    from geoclusters.pages.cells import Cells
    from geoclusters.results import Result

MOST_TOWNS: Final = 60
LEAST_TOWN_POPULATION: Final = 15_000

SHAPE_DECIMALS: Final = 4
_MARGIN = 1.0
"""Of the map beyond the cluster on each side, in widths of the cluster."""
_LEAST_MARGIN_DEG = 0.6


class Surroundings:
    """Cells, regions and coasts of a run, prepared once for all pages."""

    def __init__(self, result: Result, cells: Cells) -> None:
        clusters = result.clusters
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
        self._cells = CellMap(result, cells)

    def cells_note(self, identifier: str) -> str:
        """Say if the hexagons on the map are coarser than the cells of the run."""
        return self._cells.note(identifier)

    def data(self, identifier: str, pages: Collection[str]) -> dict[str, Any]:
        """Gather what the script of the page draws."""
        place = self._place[identifier]
        hexagons = self._cells.hexagons(identifier)
        inner, outer = _boxes(hexagons.points, self._regions[place])
        near = [int(i) for i in np.sort(self._region_tree.query(outer)) if i != place]
        land = shapely.clip_by_rect(
            self._coast[np.sort(self._coast_tree.query(outer))], *outer.bounds
        )
        return {
            **self._cells.data(identifier, hexagons, inner),
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


def _boxes(points: npt.NDArray[np.float64], region: Any) -> tuple[Any, Any]:  # noqa: ANN401
    """Give the part of the world that the map may show, and a larger one so that no cut is seen."""
    least, most = _extent(points)
    bounds = np.reshape(region.bounds, (2, 2))
    # Least and greatest of what is a number.
    (west, south), (east, north) = np.fmin(least, bounds[0]), np.fmax(most, bounds[1])
    margin = max(_MARGIN * max(east - west, north - south), _LEAST_MARGIN_DEG)
    inner = shapely.box(
        west - margin, max(south - margin, -85), east + margin, min(north + margin, 85)
    )
    return inner, shapely.box(
        west - 3 * margin, south - 3 * margin, east + 3 * margin, north + 3 * margin
    )


@compiled
def _extent(
    points: npt.NDArray[np.float64],
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Give the least and the greatest of each coordinate."""
    least, most = np.full(2, np.inf), np.full(2, -np.inf)
    for k in range(len(points)):
        for axis in range(2):
            least[axis] = min(least[axis], points[k, axis])
            most[axis] = max(most[axis], points[k, axis])
    return least, most
