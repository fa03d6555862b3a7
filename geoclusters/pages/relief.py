"""The density that the clusters were cut from, as a relief: lines of equal density, packed for drawing.

The density of a point is the weight of all cells within `radius_km` of it, as it is for the cells
themselves; here it is measured at the nodes of a grid, so that the surface goes on between the cells.
The rim of the circle is softened over one step of the grid, or lines would follow the grid.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np
import shapely

from geoclusters.compiling import compiled
from geoclusters.earth import EARTH_RADIUS_KM
from geoclusters.pages.cellids import centres
from geoclusters.pages.contours import STRIDE, Grid, Rings, rings
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
_BLOCK: Final = 64
_BANDS: Final = 1 << 14
_SHORT: Final = 4e-4

_Floats: TypeAlias = "npt.NDArray[np.float64]"
_Integers: TypeAlias = "npt.NDArray[np.int64]"


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
        "lines": [
            _packed(_simple_rings(found))
            for found in rings(grid, [level * least for level in LEVELS])
        ],
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
    lat, lon, weight = _joined(cells, step / 2)
    if not len(lat):
        return Grid(np.zeros(0, dtype=np.int64), np.zeros(0))
    soft_km = step * _KM_PER_UNIT * np.cos(np.radians(lat))
    width = np.ceil(1.05 * radius_km / soft_km + 1).astype(np.int64)
    row = np.rint(plane_y(lat) / step).astype(np.int64)
    column = np.rint(plane_x(lon) / step).astype(np.int64)
    rows = np.arange(int(_TILE / step) + 1, dtype=np.float64)
    left = int((column - width).min())
    columns = np.arange(left, int((column + width).max()) + 1).astype(np.float64)
    cells_at = row, column - left, width, weight, soft_km, _halves(lat), _halves(lon)
    nodes_at = _halves(_lat_of(rows * step)), _halves(columns * (360 / _TILE * step) - 180)
    row, column, heights = _spread(*cells_at, *nodes_at, float(radius_km), int(width.max()))
    return Grid(row * STRIDE + column + left, heights)


def _halves(degrees: _Floats) -> _Floats:
    """Sine and cosine of half of each angle, from which those of differences follow."""
    half = np.radians(degrees) / 2
    both = np.empty((len(half), 2))
    np.sin(half, out=both[:, 0])
    np.cos(half, out=both[:, 1])
    return both


def _joined(cells: pd.DataFrame, step: float) -> tuple[_Floats, _Floats, _Floats]:
    """Join cells that are far nearer to each other than the grid can show; from north to south."""
    lon, weight = unrolled_lon(cells["lon"]), cells["weight"].to_numpy(np.float64)
    lat = np.clip(cells["lat"].to_numpy(), -_MOST_LAT, _MOST_LAT)
    if not (weight > 0).all():
        kept = weight > 0
        lat, lon, weight = lat[kept], lon[kept], weight[kept]
    return centres(_places(lat, lon, step), lat, lon, weight)[1:]


def _places(lat: _Floats, lon: _Floats, step: float) -> _Integers:
    """Give the node nearest to each point, row * `STRIDE` + column; rows by a table of the latitudes between them."""
    edges = _lat_of((np.arange(int(_TILE / step) + 2, dtype=np.float64) + 0.5) * step)
    bands = np.linspace(_MOST_LAT, -_MOST_LAT, _BANDS + 1)
    return _nearest(lat, plane_x(lon) / step, edges, np.searchsorted(-edges, -bands))


@compiled
def _nearest(lat: _Floats, column: _Floats, edges: _Floats, first: _Integers) -> _Integers:
    """Look up rows between `edges` from the first row of each of `_BANDS` bands of latitude on, from north to south."""
    place = np.empty(len(lat), dtype=np.int64)
    for k in range(len(lat)):
        row = first[int((_MOST_LAT - lat[k]) * (_BANDS / (2 * _MOST_LAT)))]
        while lat[k] < edges[row]:
            row += 1
        place[k] = row * STRIDE + np.int64(np.rint(column[k]))
    return place


@compiled
def _spread(
    row: _Integers,
    column: _Integers,
    width: _Integers,
    weight: _Floats,
    soft_km: _Floats,
    lat: _Floats,
    lon: _Floats,
    lat_of_row: _Floats,
    lon_of_column: _Floats,
    radius_km: float,
    reach: int,
) -> tuple[_Integers, _Integers, _Floats]:
    """
    Add the weight of cells to the nodes around them, `width` nodes to each side, and at most `reach`.

    Cells come from north to south, so that a few rows of the grid are in memory at a time. Angles are given by
    `_halves`.
    """
    room = 2 * reach + 3
    window = np.zeros((room, len(lon_of_column)))
    touched = np.zeros((room, len(lon_of_column) // _BLOCK + 1), dtype=np.bool_)
    found, n = (np.empty(_BLOCK, np.int64), np.empty(_BLOCK, np.int64), np.empty(_BLOCK)), 0
    east, done = np.empty(room), max(row[0] - reach - 1, 1)
    for k in range(len(row)):
        while done < row[k] - reach - 1:
            found, n = _emitted(window, touched, done, found, n)
            done += 1
        west, span = column[k] - width[k], 2 * width[k] + 1
        for i in range(span):
            east[i] = _half_chord(lon_of_column[west + i], lon[k])
        inner, outer = _limits(radius_km, soft_km[k])
        for r in range(max(row[k] - width[k], 1), min(row[k] + width[k] + 1, len(lat_of_row))):
            north = _half_chord(lat_of_row[r], lat[k])
            if north >= outer:
                continue
            narrow = _cosine(lat[k]) * _cosine(lat_of_row[r])
            whole, none = (inner - north) / narrow, (outer - north) / narrow
            line = window[r % room, west : west + span]
            for i in range(span):
                if east[i] <= whole:
                    line[i] += weight[k]
                elif east[i] < none:
                    part = (radius_km - _arc_km(north + narrow * east[i])) / soft_km[k] + 0.5
                    line[i] += min(max(part, 0.0), 1.0) * weight[k]
            touched[r % room, west // _BLOCK : (west + span - 1) // _BLOCK + 1] = True
    for r in range(done, min(row[-1] + reach + 2, len(lat_of_row))):
        found, n = _emitted(window, touched, r, found, n)
    return found[0][:n].copy(), found[1][:n].copy(), found[2][:n].copy()


@compiled
def _half_chord(a: _Floats, b: _Floats) -> float:
    """Squared sine of half the difference of two angles."""
    sine = a[0] * b[1] - a[1] * b[0]
    return float(sine * sine)


@compiled
def _cosine(a: _Floats) -> float:
    return float(1 - 2 * a[0] * a[0])


@compiled
def _arc_km(half: float) -> float:
    """Distance on the sphere by its squared half chord; up to some 250 km by a series that is as exact."""
    if half > _SHORT:
        return float(2 * EARTH_RADIUS_KM * np.arcsin(np.sqrt(half)))
    series = 1 + half * (1 / 6 + half * (3 / 40 + half * (5 / 112 + half * 35 / 1152)))
    return float(2 * EARTH_RADIUS_KM * np.sqrt(half) * series)


@compiled
def _limits(radius_km: float, soft_km: float) -> tuple[float, float]:
    """Squared half chords up to which a node has the whole weight of a cell, and from which none of it."""
    half_turn = np.pi / 2
    inner = (radius_km - soft_km / 2) / (2 * EARTH_RADIUS_KM)
    outer = (radius_km + soft_km / 2) / (2 * EARTH_RADIUS_KM)
    least = np.sin(min(inner, half_turn)) ** 2 if inner > 0 else -1.0
    return least, np.sin(min(outer, half_turn)) ** 2


@compiled
def _emitted(
    window: _Floats,
    touched: npt.NDArray[np.bool_],
    row: int,
    found: tuple[_Integers, _Integers, _Floats],
    n: int,
) -> tuple[tuple[_Integers, _Integers, _Floats], int]:
    """Append row, column and height of the nodes of a row, and empty it for another one."""
    slot, (rows, columns, heights) = row % len(window), found
    for block in range(touched.shape[1]):
        if not touched[slot, block]:
            continue
        touched[slot, block] = False
        if n + _BLOCK > len(rows):
            rows = np.concatenate((rows, np.empty_like(rows)))
            columns = np.concatenate((columns, np.empty_like(columns)))
            heights = np.concatenate((heights, np.empty_like(heights)))
        for at in range(block * _BLOCK, min((block + 1) * _BLOCK, window.shape[1])):
            if window[slot, at] > 0:
                rows[n], columns[n], heights[n] = row, at, window[slot, at]
                window[slot, at] = 0.0
                n += 1
    return (rows, columns, heights), n


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


def _simple_rings(found: Rings) -> list[npt.NDArray[np.int64]]:
    """Give rings in parts of a step, without points that change nothing and without specks."""
    if not len(found.sizes):
        return []
    ring_of = np.repeat(np.arange(len(found.sizes)), found.sizes)
    lines = np.asarray(shapely.linearrings(found.points, indices=ring_of))
    drawn = np.asarray(shapely.polygons(lines))
    plain = shapely.simplify(drawn[shapely.area(drawn) >= _SPECK], _SIMPLER_BY)
    points = np.rint(shapely.get_coordinates(plain) * PARTS).astype(np.int64)
    ends = np.cumsum(shapely.get_num_coordinates(plain))[:-1]
    return [ring[:-1] for ring in np.split(points, ends) if len(ring) > 3]


def _packed(found: list[npt.NDArray[np.int64]]) -> dict[str, str]:
    points = np.concatenate([np.zeros((0, 2), dtype=np.int64), *found])
    steps = np.diff(points, axis=0, prepend=np.zeros((1, 2), dtype=np.int64))
    return {
        "xy": pack_integers(steps.ravel()),
        "rings": pack_integers(np.array([len(ring) for ring in found])),
    }
