"""The land in a box: where, within a box at the coast, its people can live."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

import numpy as np
import shapely

from geoclusters.countries import read_outlines

if TYPE_CHECKING:
    from geoclusters.indicators.population.shapes import Shapes

LEAST_LAND: Final = 0.02
"""Part of a box below which the outlines of the countries, right to 2 km, do not know its land."""
ALL_LAND: Final = 0.99


def land_of(boxes: Shapes) -> Shapes:
    """
    Cut boxes to the land in them.

    Parameters
    ----------
    boxes : numpy.ndarray of shapely polygons, shape (n,)
        WGS 84 degrees, longitude before latitude.

    Returns
    -------
    numpy.ndarray of shapely (multi)polygons, shape (n,)
        The box itself where it is land all over, or where there is hardly any land: an island that the outlines
        leave out.

    Examples
    --------
    >>> boxes = shapely.box([10, 4, -30], [50, 52, 0], [10.5, 4.5, -29.5], [50.5, 52.5, 0.5])  # inland, coast, sea
    >>> shapely.area(land_of(boxes)).round(1)
    array([0.2, 0.1, 0.2])
    """
    grounds = boxes.copy()
    tree, polygons = _land()
    box, near = tree.query(boxes)
    inland = shapely.contains_properly(polygons[near], boxes[box])
    wanted = ~np.isin(box, box[inland])
    if not wanted.any():
        return grounds
    box, near = box[wanted], near[wanted]
    pieces = shapely.intersection(polygons[near], boxes[box])
    order = np.argsort(box, kind="stable")
    coastal, first = np.unique(box[order], return_index=True)
    land = [shapely.union_all(p) for p in np.split(pieces[order], first[1:])]
    share = shapely.area(land) / shapely.area(boxes[coastal])
    for at, shape, part in zip(coastal, land, share, strict=True):
        if LEAST_LAND < part < ALL_LAND:
            grounds[at] = shape
    return grounds


@cache
def _land() -> tuple[shapely.STRtree, Shapes]:
    polygons = shapely.get_parts(read_outlines().geometry.to_numpy())
    shapely.prepare(polygons)
    return shapely.STRtree(polygons), polygons
