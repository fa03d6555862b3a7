"""A small map of the world for print: the clusters as circles, in the Equal Earth projection."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt
import shapely

from geoclusters.countries import read_world
from geoclusters.pages.axes import labelled
from geoclusters.pages.kept import kept
from geoclusters.pages.shapes import SEAM_LON, unrolled, unrolled_lon
from geoclusters.pages.wording import percent, shortened

if TYPE_CHECKING:
    import pandas as pd

WIDTH: Final = 1080.0
MIDDLE_LON: Final = SEAM_LON + 180.0
SOUTH, NORTH = -57.0, 83.7
MOST_LABELS: Final = 12
LARGEST_CIRCLE: Final = 15.0
_TYPE: Final = 12.5
_TOLERANCE: Final = 0.7
"""Of the coast line, in units of the picture."""
_A: Final = (1.340264, -0.081106, 0.000893, 0.003796)


def equal_earth(
    lon: npt.ArrayLike, lat: npt.ArrayLike
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """
    Project WGS 84 degrees, longitudes from the middle of the map, on a plane of equal areas.

    Notes
    -----
    Šavrič, Patterson, Jenny 2019, The Equal Earth map projection, IJGIS 33(3), equation 5, on the
    sphere of radius 1.

    Examples
    --------
    >>> x, y = equal_earth([180.0, 0.0], [0.0, 90.0])
    >>> x.round(4).tolist(), y.round(4).tolist()
    ([2.7066, 0.0], [0.0, 1.3174])
    """
    half = np.sqrt(3.0) / 2.0
    theta = np.arcsin(half * np.sin(np.radians(lat)))
    t2 = theta * theta
    a1, a2, a3, a4 = _A
    slope = a1 + 3 * a2 * t2 + t2**3 * (7 * a3 + 9 * a4 * t2)
    x = np.radians(lon) * np.cos(theta) / (half * slope)
    y = theta * (a1 + a2 * t2 + t2**3 * (a3 + a4 * t2))
    return x, y


_HALF_WIDTH: Final = float(equal_earth(180.0, 0.0)[0])
_TOP: Final = float(equal_earth(0.0, NORTH)[1])
_SCALE: Final = WIDTH / (2 * _HALF_WIDTH)
HEIGHT: Final = round((_TOP - float(equal_earth(0.0, SOUTH)[1])) * _SCALE)


def on_paper(lon: npt.ArrayLike, lat: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Give places in the picture, one row a point, from the upper left corner."""
    x, y = equal_earth(unrolled_lon(lon) - MIDDLE_LON, lat)
    return np.column_stack([(x + _HALF_WIDTH) * _SCALE, (_TOP - y) * _SCALE])


def world_picture(clusters: pd.DataFrame, pages: Any) -> dict[str, Any] | None:  # noqa: ANN401
    """Lay out the clusters, the largest circle for the highest score; None if there is none."""
    if not len(clusters):
        return None
    places = on_paper(clusters["lon"].to_numpy(float), clusters["lat"].to_numpy(float))
    most = max(float(clusters["score"].max()), 1e-12)
    radius = 1.6 + (LARGEST_CIRCLE - 1.6) * np.sqrt(clusters["score"].to_numpy(float) / most)
    rows = zip(
        *(clusters[c].tolist() for c in ("cluster_id", "rank", "name", "score")),
        places.tolist(),
        radius.tolist(),
        strict=True,
    )
    circles = [
        {
            "id": identifier if identifier in pages else None,
            "x": round(x, 1),
            "y": round(y, 1),
            "r": round(r, 1),
            "name": shortened(name, 30),
            "spoken": f"{rank} {shortened(name, 80)}: score {percent(score)}",
        }
        for identifier, rank, name, score, (x, y), r in rows
    ]
    return {
        "width": WIDTH,
        "height": HEIGHT,
        "land": land_path(),
        "circles": circles[::-1],
        "labels": labelled(
            circles[:MOST_LABELS],
            beside=circles,
            type_size=_TYPE,
            width=WIDTH,
            height=HEIGHT,
        ),
    }


@kept
def land_path() -> str:
    """Outlines of the land (Natural Earth, public domain) as one path of an SVG."""
    land = shapely.union_all(shapely.from_geojson(json.dumps(read_world())))
    sides = [shapely.box(-180, SOUTH, SEAM_LON, NORTH), shapely.box(SEAM_LON, SOUTH, 180, NORTH)]
    halves = shapely.get_parts(shapely.intersection(land, sides))
    polygons = shapely.get_parts(unrolled(halves))
    drawn = shapely.transform(polygons, lambda xy: _placed(xy[:, 0], xy[:, 1]))
    drawn = shapely.simplify(drawn, _TOLERANCE)
    rings = shapely.get_rings(drawn[shapely.area(drawn) > _TOLERANCE])
    return "".join(_ring(shapely.get_coordinates(ring)) for ring in rings)


def _placed(lon: npt.NDArray[np.float64], lat: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    x, y = equal_earth(lon - MIDDLE_LON, lat)
    return np.column_stack([(x + _HALF_WIDTH) * _SCALE, (_TOP - y) * _SCALE])


def _ring(points: npt.NDArray[np.float64]) -> str:
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points[:-1]) + "Z"
