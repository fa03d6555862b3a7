"""The density that the clusters were cut from, as a relief: lines of equal density, packed for drawing.

The density of a point is the weight of all cells within `radius_km` of it, as it is for the cells
themselves; here it is measured at the nodes of a grid, so that the surface goes on between the cells.
The rim of the circle is softened over one step of the grid, or lines would follow the grid.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import shapely

from geoclusters.earth import EARTH_RADIUS_KM
from geoclusters.pages.contours import STRIDE, Grid, rings
from geoclusters.pages.packing import pack_integers
from geoclusters.pages.shapes import unrolled_lon

if TYPE_CHECKING:
    import numpy.typing as npt
    import pandas as pd

LEVELS: Final = (0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0)
"""Lines are drawn at these multiples of the least density of a core cell."""

STEPS_PER_RADIUS: Final = 4
"""At 45 degrees of latitude; fewer towards the equator, more towards the poles."""
LEAST_STEP_KM: Final = 0.25
PARTS: Final = 16
"""Lines are kept to this part of a step."""

_TILE: Final = 256.0
_KM_PER_UNIT: Final = 2 * np.pi * EARTH_RADIUS_KM / _TILE
_MOST_LAT: Final = 85.0
_SIMPLER_BY: Final = 0.1
_SPECK: Final = 0.5
_BATCH: Final = 2_000_000


def relief(cells: pd.DataFrame, settings: dict[str, Any]) -> dict[str, Any] | None:
    """
    Draw the density surface of a run.

    Parameters
    ----------
    cells : pandas.DataFrame
        `schema.CELLS`.
    settings : dict
        Settings of the run; without its radius and density there is no surface.

    Returns
    -------
    dict or None
        `unit`: length of one whole number on the plane of zoom 0, 256 wide. `levels`: multiples of
        `min_density`, rising. `lines`: for each level the rings around what reaches it: `xy`, packed
        differences from point to point of all rings, and `rings`, their numbers of points.
    """
    radius_km, least = settings.get("radius_km"), settings.get("min_density")
    if not radius_km or not least or not len(cells):
        return None
    step = grid_step(radius_km)
    grid = density_grid(cells, radius_km=radius_km, step=step)
    return {
        "unit": step / PARTS,
        "levels": list(LEVELS),
        "lines": [_packed(_simple_rings(grid, level * least)) for level in LEVELS],
    }


def grid_step(radius_km: float) -> float:
    """Choose the step of the grid on the plane of zoom 0, 256 wide."""
    step_km = max(radius_km / STEPS_PER_RADIUS, LEAST_STEP_KM)
    return float(step_km / (_KM_PER_UNIT * np.cos(np.pi / 4)))


def density_grid(cells: pd.DataFrame, *, radius_km: float, step: float) -> Grid:
    """
    Measure the density at every node of a grid in Web Mercator that has cells within the radius.

    Parameters
    ----------
    cells : pandas.DataFrame
        `lat`, `lon` in degrees, WGS 84, and `weight`.
    radius_km : float
        Radius of a neighbourhood.
    step : float
        Step of the grid on the plane of zoom 0, 256 wide.

    Returns
    -------
    Grid
        Columns run eastwards from 180 degrees west, rows southwards; heights in the unit of `weight`.
    """
    cells = _joined(cells, step / 2)
    lat = np.clip(cells["lat"].to_numpy(), -_MOST_LAT, _MOST_LAT)
    lon, weight = cells["lon"].to_numpy(), cells["weight"].to_numpy()
    step_km = step * _KM_PER_UNIT * np.cos(np.radians(lat))
    reach = np.ceil(1.05 * radius_km / step_km + 1).astype(int)
    nodes, parts = [np.zeros(0, dtype=np.int64)], [np.zeros(0)]
    for width in np.unique(reach):
        own = np.flatnonzero(reach == width)
        for batch in np.array_split(own, 1 + len(own) * (2 * width + 1) ** 2 // _BATCH):
            found = _spread(lat[batch], lon[batch], weight[batch], radius_km, step, int(width))
            nodes.append(found.nodes)
            parts.append(found.heights)
    return _summed(np.concatenate(nodes), np.concatenate(parts))


def _joined(cells: pd.DataFrame, step: float) -> pd.DataFrame:
    """Join cells that are far nearer to each other than the grid can show."""
    lon, weight = unrolled_lon(cells["lon"]), cells["weight"].to_numpy(np.float64)
    lat = np.clip(cells["lat"].to_numpy(), -_MOST_LAT, _MOST_LAT)
    row, column = np.rint(plane_y(lat) / step), np.rint(plane_x(lon) / step)
    kept = weight > 0
    sums = (
        cells.assign(row=row, column=column, weight=weight, lat=lat * weight, lon=lon * weight)[
            kept
        ]
        .groupby(["row", "column"], sort=True)[["lat", "lon", "weight"]]
        .sum()
    )
    return sums.assign(lat=sums["lat"] / sums["weight"], lon=sums["lon"] / sums["weight"])


def _spread(
    lat: npt.NDArray[np.float64],
    lon: npt.NDArray[np.float64],
    weight: npt.NDArray[np.float64],
    radius_km: float,
    step: float,
    width: int,
) -> Grid:
    """Add the weight of cells to the nodes around them, `width` nodes to each side."""
    window = np.arange(-width, width + 1)
    rows = np.rint(plane_y(lat) / step).astype(np.int64)[:, None] + window
    columns = np.rint(plane_x(lon) / step).astype(np.int64)[:, None] + window
    rows = np.clip(rows, 1, int(_TILE / step))
    there = np.radians(_lat_of(rows * step))[:, :, None]
    here = np.radians(lat)[:, None, None]
    east = np.radians(columns * step * 360 / _TILE - 180 - lon[:, None])[:, None, :]
    half = np.sin((there - here) / 2) ** 2 + np.cos(here) * np.cos(there) * np.sin(east / 2) ** 2
    distance_km = 2 * EARTH_RADIUS_KM * np.arcsin(np.sqrt(half))
    soft_km = (step * _KM_PER_UNIT * np.cos(np.radians(lat)))[:, None, None]
    part = np.clip((radius_km - distance_km) / soft_km + 0.5, 0, 1) * weight[:, None, None]
    nodes = rows[:, :, None] * STRIDE + columns[:, None, :]
    return _summed(nodes[part > 0], part[part > 0])


def _summed(nodes: npt.NDArray[np.int64], parts: npt.NDArray[np.float64]) -> Grid:
    unique, place = np.unique(nodes, return_inverse=True)
    sums = np.bincount(place, weights=parts, minlength=len(unique))
    return Grid(unique, sums.astype(np.float64))


def plane_x(lon: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Project longitudes onto the plane of zoom 0, 256 wide."""
    return np.asarray(_TILE * (lon + 180) / 360)


def plane_y(lat: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """
    Project latitudes onto the plane of zoom 0 (Web Mercator), southwards.

    Examples
    --------
    >>> plane_y(np.array([0.0, 85.0511287798])).round(6).tolist()
    [128.0, 0.0]
    """
    return np.asarray(_TILE * (0.5 - np.arctanh(np.sin(np.radians(lat))) / (2 * np.pi)))


def _lat_of(y: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.asarray(np.degrees(np.arctan(np.sinh((0.5 - y / _TILE) * 2 * np.pi))))


def _simple_rings(grid: Grid, height: float) -> list[npt.NDArray[np.int64]]:
    """Give rings in parts of a step, without points that change nothing and without specks."""
    drawn = [shapely.Polygon(ring) for ring in rings(grid, height)]
    plain = shapely.simplify(drawn, _SIMPLER_BY)
    kept = [
        np.rint(shapely.get_coordinates(shape)[:-1] * PARTS).astype(np.int64)
        for shape, whole in zip(plain, drawn, strict=True)
        if whole.area >= _SPECK
    ]
    return [ring for ring in kept if len(ring) > 2]


def _packed(found: list[npt.NDArray[np.int64]]) -> dict[str, str]:
    points = np.concatenate([np.zeros((0, 2), dtype=np.int64), *found])
    steps = np.diff(points, axis=0, prepend=np.zeros((1, 2), dtype=np.int64))
    return {
        "xy": pack_integers(steps.ravel()),
        "rings": pack_integers(np.array([len(ring) for ring in found])),
    }
