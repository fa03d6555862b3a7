"""Points that stand for people: an outline has those that lie in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import shapely

from geoclusters.indicators.population.shapes import parts_of, sums_by

if TYPE_CHECKING:
    from geoclusters.indicators.population.shapes import Floats, Shapes


def population_by_point(
    outlines: Shapes, *, lat: Floats, lon: Floats, population: Floats
) -> Floats:
    """
    Add up the points in each outline.

    Parameters
    ----------
    outlines : numpy.ndarray of shapely (multi)polygons, shape (n,)
        WGS 84 degrees, longitude before latitude, cut at the antimeridian.
    lat, lon, population : numpy.ndarray of float64, shape (m,)
        WGS 84 degrees, and persons.

    Returns
    -------
    numpy.ndarray of float64, shape (n,)
        Persons.

    Examples
    --------
    >>> import numpy as np
    >>> square = np.array([shapely.box(0, 0, 2, 2)])
    >>> population_by_point(square, lat=np.array([1.0, 1.0]), lon=np.array([1.0, 3.0]),
    ...                     population=np.array([40.0, 50.0]))
    array([40.])
    """
    parts, owner = parts_of(outlines)
    shapely.prepare(parts)
    point, part = shapely.STRtree(parts).query(shapely.points(lon, lat))
    inside = shapely.contains_xy(parts[part], lon[point], lat[point])
    point, part = point[inside], part[inside]
    return sums_by(owner[part], population[point], len(outlines))
