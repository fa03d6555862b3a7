"""Shapes as well-known binary, as columns: many at once, without an object for each where there may be millions.

Source: OGC 06-103r4, Simple feature access, 8.2.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import shapely

from geoclusters.geometry import HALF_TURN, cell_corners, hexagons

if TYPE_CHECKING:
    import numpy.typing as npt

_POINT: Final = np.dtype([("order", "u1"), ("kind", "<u4"), ("x", "<f8"), ("y", "<f8")])
_HEXAGON: Final = np.dtype(
    [
        *(("order", "u1"), ("kind", "<u4"), ("polygons", "<u4")),
        *(("its_order", "u1"), ("its_kind", "<u4"), ("rings", "<u4"), ("points", "<u4")),
        ("xy", "<f8", (7, 2)),
    ]
)


def collections(shapes: npt.NDArray[np.object_]) -> pa.Array:
    """Write shapes as WKB; single polygons and lines become collections of one."""
    kinds, many = shapely.get_type_id(shapes), shapes.copy()
    for kind, collected in (
        (shapely.GeometryType.POLYGON, shapely.multipolygons),
        (shapely.GeometryType.LINESTRING, shapely.multilinestrings),
    ):
        single = kinds == kind
        if single.any():
            many[single] = collected(shapes[single], indices=np.arange(single.sum()))
    return pa.array(shapely.to_wkb(many), pa.binary())


def points(x: npt.NDArray[np.float64], y: npt.NDArray[np.float64]) -> pa.Array:
    """Write points as WKB (OGC 06-103r4, 8.2.9), without an object for each."""
    rows = np.empty(len(x), dtype=_POINT)
    rows["order"], rows["kind"], rows["x"], rows["y"] = 1, 1, x, y
    return _rows_of_bytes(rows.view(np.uint8).reshape(len(x), _POINT.itemsize), pa.binary())


def cell_hexagons(cells: npt.NDArray[np.uint64]) -> pa.Array:
    """Write the outlines of cells as WKB, without an object for each but the few with other corners than six."""
    corners, sizes = cell_corners(cells)
    plain = sizes == 6
    xy = corners[np.repeat(plain, sizes)].reshape(-1, 6, 2)
    torn = np.ptp(xy[:, :, 0], axis=1) > HALF_TURN
    plain[np.flatnonzero(plain)[torn]] = False
    features = np.empty(plain.sum(), dtype=_HEXAGON)
    features["order"], features["kind"], features["polygons"] = 1, 6, 1
    features["its_order"], features["its_kind"], features["rings"] = 1, 3, 1
    features["points"], features["xy"] = 7, xy[~torn][:, [0, 1, 2, 3, 4, 5, 0]]
    written = pa.concat_arrays(
        [
            _rows_of_bytes(
                features.view(np.uint8).reshape(len(features), _HEXAGON.itemsize), pa.binary()
            ),
            collections(hexagons(cells[~plain])),
        ]
    )
    return written.take(np.argsort(np.argsort(~plain, kind="stable"), kind="stable"))


def hexadecimal(cells: npt.NDArray[np.uint64]) -> pa.Array:
    """Write H3 indices as text; the fifteen digits of each are never fewer."""
    octets = np.ascontiguousarray(cells, dtype=">u8").view(np.uint8).reshape(-1, 8)
    pairs = np.array([list(f"{octet:02x}".encode()) for octet in range(256)], dtype=np.uint8)
    return _rows_of_bytes(pairs[octets].reshape(-1, 16)[:, 1:], pa.string())


def _rows_of_bytes(rows: npt.NDArray[np.uint8], kind: pa.DataType) -> pa.Array:
    ends = np.arange(len(rows) + 1, dtype=np.int32) * np.int32(rows.shape[1])
    return pa.Array.from_buffers(
        kind, len(rows), [None, pa.py_buffer(ends), pa.py_buffer(np.ascontiguousarray(rows))]
    )
