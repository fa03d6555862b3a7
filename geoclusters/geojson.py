"""Writes GeoJSON (RFC 7946)."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import orjson
import shapely

from geoclusters.folders import written_aside
from geoclusters.wkb import POLYGONAL, parts_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    import numpy.typing as npt
    import pandas as pd

    Shapes = npt.NDArray[np.object_]

DECIMALS: Final = 5
"""One metre."""


def write_geojson(path: Path, frame: pd.DataFrame) -> None:
    """
    Write a table as `write_features` does.

    Parameters
    ----------
    frame : pandas.DataFrame
        Properties, and the column `geometry` of shapely geometries, WGS 84.
    """
    table = frame.drop(columns="geometry").astype(object)
    rows = table.where(table.notna(), None).to_dict("records")
    write_features(path, rows, np.asarray(frame["geometry"], dtype=object))


def write_features(path: Path, rows: Iterable[Mapping[Any, Any]], shapes: Shapes) -> None:
    """
    Write RFC 7946 GeoJSON with five decimals, one metre; polygons are cut and oriented as it asks already.

    Parameters
    ----------
    rows : iterable of mapping
        Properties of each feature.
    shapes : numpy.ndarray of shapely geometries
        WGS 84.
    """
    with written_aside(path) as part, part.open("wb") as file:
        file.write(b'{"type": "FeatureCollection", "features": [\n')
        for number, (row, outline) in enumerate(zip(rows, _as_texts(shapes), strict=True)):
            between = b",\n" if number else b""
            file.write(b'%b{"type": "Feature", "properties": %b' % (between, _as_json(row)))
            file.write(b', "geometry": %b}' % outline)
        file.write(b"\n]}\n")


def _as_json(row: Mapping[Any, Any]) -> bytes:
    text = json.dumps(row, ensure_ascii=False, allow_nan=False, default=lambda v: v.item())
    return text.encode()


def _as_texts(shapes: Shapes) -> Iterator[bytes]:
    """Give the GeoJSON of each geometry."""
    kinds = shapely.get_type_id(shapes)
    if not np.isin(kinds, POLYGONAL).all():
        rounded = shapely.transform(shapes, lambda points: np.round(points, DECIMALS))
        yield from (text.encode() for text in shapely.to_geojson(rounded))
        return
    parts = parts_of(shapes)
    points = np.round(parts.points, DECIMALS)
    of_rings = [points[a:b] for a, b in pairwise(_ends(parts.rings))]
    of_polygons = [of_rings[a:b] for a, b in pairwise(_ends(parts.polygons))]
    for kind, (a, b) in zip(kinds, pairwise(_ends(parts.shapes)), strict=True):
        told: dict[str, Any] = {"type": "MultiPolygon", "coordinates": of_polygons[a:b]}
        if kind == shapely.GeometryType.POLYGON:
            told = {"type": "Polygon", "coordinates": of_polygons[a]}
        yield orjson.dumps(told, option=orjson.OPT_SERIALIZE_NUMPY)


def _ends(sizes: npt.NDArray[np.int64]) -> list[int]:
    """Say where each whole begins among the parts of all, and where the last one ends."""
    return [0, *np.cumsum(sizes).tolist()]
