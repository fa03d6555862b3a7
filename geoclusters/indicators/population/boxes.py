"""Grids of longitude and latitude: who lives in an outline, by the share of each box that it covers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import shapely

from geoclusters.indicators.population.land import land_of
from geoclusters.indicators.population.shapes import parts_of, shared_areas, sums_by

if TYPE_CHECKING:
    from geoclusters.indicators.population.shapes import Floats, Ints, Shapes

NOISE_DEGREES: Final = 5e-5
"""Coordinates this near are one line of the grid; files that keep them in 32 bits are off by up to 1e-5."""
MISFIT: Final = 0.05
"""How far from its line a value may lie, in steps."""
FILLED: Final = 0.5
"""Part of the lines between the outermost that a regular grid uses at least."""
LEAST_LINES: Final = 3
FULL_TURN: Final = 360.0


@dataclass(frozen=True)
class Axis:
    """Lines of a regular grid in one direction: the centre of the first, the distance between two, their number."""

    first: float
    step: float
    n: int

    def lines(self, values: Floats) -> Ints:
        """Give the number of the line that each value lies in, also below 0 and from `n` on."""
        return np.asarray(np.floor((values - self.first) / self.step + 0.5), dtype=np.int64)

    def edge(self, line: Ints) -> Floats:
        """Give the lower edge of lines."""
        return np.asarray(self.first + (line - 0.5) * self.step, dtype=np.float64)


def axis_of(values: Floats) -> Axis | None:
    """
    Find the regular lines that values lie on; None where they lie on none.

    Parameters
    ----------
    values : numpy.ndarray of float64
        Latitudes or longitudes of the centres of boxes; lines may be missing, up to half of them.

    Examples
    --------
    >>> axis_of(np.array([10.25, 10.75, 11.25, 12.25, 10.75]))
    Axis(first=10.25, step=0.5, n=5)
    >>> axis_of(np.array([10.25, 10.75, 11.11, 12.25])) is None
    True
    """
    known = np.unique(values)
    gaps = np.diff(known)
    apart = gaps > NOISE_DEGREES
    if apart.sum() < LEAST_LINES - 1:
        return None
    # Gaps are counted one by one: with one step for all of them, its error would add up along the axis.
    line = np.concatenate([[0], np.cumsum(np.rint(gaps / np.median(gaps[apart])))])
    if not line[-1]:
        return None
    step, first = np.polyfit(line, known, 1)
    misfit = np.abs(known - (first + step * line)).max() / step
    n = int(line[-1]) + 1
    if misfit > MISFIT or len(np.unique(line)) < FILLED * n:
        return None
    return Axis(round(float(first), 9), round(float(step), 12), n)


def population_by_area(
    outlines: Shapes,
    *,
    lat: Floats,
    lon: Floats,
    population: Floats,
    rows: Axis,
    columns: Axis,
    on_land: bool = True,
) -> Floats:
    """
    Add up the boxes of a regular grid, each by the share of it that an outline covers.

    Parameters
    ----------
    outlines : numpy.ndarray of shapely (multi)polygons, shape (n,)
        WGS 84 degrees, longitude before latitude, cut at the antimeridian.
    lat, lon, population : numpy.ndarray of float64, shape (m,)
        Centres of boxes in WGS 84 degrees, and the persons in them.
    rows, columns : Axis
        Lines of the grid in latitude and longitude.
    on_land : bool
        A box at the coast is as large as the land in it: nobody lives at sea.

    Returns
    -------
    numpy.ndarray of float64, shape (n,)
        Persons.

    Examples
    --------
    >>> lines = Axis(0.5, 1.0, 3)
    >>> y, x = (a.ravel() for a in np.meshgrid([0.5, 1.5, 2.5], [0.5, 1.5, 2.5]))
    >>> half = np.array([shapely.box(0.5, 0.0, 3.0, 3.0)])
    >>> population_by_area(half, lat=y, lon=x, population=np.full(9, 60.0), rows=lines, columns=lines,
    ...                    on_land=False)
    array([450.])
    """
    parts, owner = _beyond_the_edge(*parts_of(outlines), columns)
    part, row, column = _boxes_under(parts, rows, columns)
    at_row, at_column = rows.lines(lat), columns.lines(lon)
    inside = (at_row >= 0) & (at_row < rows.n) & (at_column >= 0) & (at_column < columns.n)
    people = _people(
        row * columns.n + column, (at_row * columns.n + at_column)[inside], population[inside]
    )
    lived_in = people > 0
    part, row, column = (a[lived_in] for a in (part, row, column))
    share = _shares(parts, part, row, column, rows, columns, on_land=on_land)
    return sums_by(owner[part], people[lived_in] * share, len(outlines))


def _beyond_the_edge(parts: Shapes, owner: Ints, columns: Axis) -> tuple[Shapes, Ints]:
    """Repeat polygons a turn farther where the grid goes on over there: boxes that lie across the antimeridian."""
    west, east = columns.edge(np.array([0, columns.n]))
    bounds = shapely.bounds(parts)
    copies, owners = [parts], [owner]
    for turn in (-FULL_TURN, FULL_TURN):
        seen = (bounds[:, 0] + turn < east) & (bounds[:, 2] + turn > west)
        copies.append(_turned(parts[seen], turn))
        owners.append(owner[seen])
    return np.concatenate(copies), np.concatenate(owners)


def _turned(parts: Shapes, degrees: float) -> Shapes:
    def moved(points: Floats) -> Floats:
        return np.asarray(points + np.array([degrees, 0.0]))

    return np.asarray(shapely.transform(parts, moved), dtype=object)


def _boxes_under(parts: Shapes, rows: Axis, columns: Axis) -> tuple[Ints, Ints, Ints]:
    """Pairs of a polygon and a box within its bounds: position of the polygon, row and column of the box."""
    bounds = shapely.bounds(parts)
    west, south, east, north = bounds.T
    c0, c1 = (np.clip(columns.lines(v), 0, columns.n - 1) for v in (west, east))
    r0, r1 = (np.clip(rows.lines(v), 0, rows.n - 1) for v in (south, north))
    wide = c1 - c0 + 1
    n = wide * (r1 - r0 + 1)
    part = np.repeat(np.arange(len(parts)), n)
    within = np.arange(n.sum()) - np.repeat(np.cumsum(n) - n, n)
    return part, r0[part] + within // wide[part], c0[part] + within % wide[part]


def _people(wanted: Ints, box: Ints, population: Floats) -> Floats:
    """Persons in the boxes that are wanted, from a table with the boxes it has."""
    boxes, at = np.unique(wanted, return_inverse=True)
    if not len(boxes):
        return np.zeros(0)
    found = np.minimum(np.searchsorted(boxes, box), len(boxes) - 1)
    hit = boxes[found] == box
    return sums_by(found[hit], population[hit], len(boxes))[at]


def _shares(
    parts: Shapes,
    part: Ints,
    row: Ints,
    column: Ints,
    rows: Axis,
    columns: Axis,
    *,
    on_land: bool,
) -> Floats:
    """Share of each box, or of the land in it, that the polygon covers."""
    wide = np.int64(columns.n)
    box, at = np.unique(row * wide + column, return_inverse=True)
    r, c = box // wide, box % wide
    ground = shapely.box(columns.edge(c), rows.edge(r), columns.edge(c + 1), rows.edge(r + 1))
    if on_land:
        ground = land_of(ground)
    return shared_areas(parts[part], ground[at])
