"""Shapes as well-known binary, as columns: many at once, without an object for each where there may be millions.

Source: OGC 06-103r4, Simple feature access, 8.2.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
import pyarrow as pa
import shapely

from geoclusters.compiling import compiled
from geoclusters.geometry import HALF_TURN, cell_corners, hexagons

if TYPE_CHECKING:
    import numpy.typing as npt

    from geoclusters.geometry import Lines

POLYGONAL: Final = (shapely.GeometryType.POLYGON, shapely.GeometryType.MULTIPOLYGON)
"""What `parts_of` takes apart."""

_POINT: Final = np.dtype([("order", "u1"), ("kind", "<u4"), ("x", "<f8"), ("y", "<f8")])
_HEXAGON: Final = np.dtype(
    [
        *(("order", "u1"), ("kind", "<u4"), ("polygons", "<u4")),
        *(("its_order", "u1"), ("its_kind", "<u4"), ("rings", "<u4"), ("points", "<u4")),
        ("xy", "<f8", (7, 2)),
    ]
)
_LINE, _LINES, _POLYGONS = 2, 5, 6
_HEAD: Final = 9
"""Bytes before the points of a line, and before the parts of a collection."""
_POINT_BYTES: Final = 16


def collections(shapes: npt.NDArray[np.object_]) -> pa.Array:
    """Write shapes as WKB; single polygons become collections of one."""
    kinds, many = shapely.get_type_id(shapes), shapes.copy()
    single = kinds == shapely.GeometryType.POLYGON
    if single.any():
        many[single] = shapely.multipolygons(shapes[single], indices=np.arange(single.sum()))
    return pa.array(shapely.to_wkb(many), pa.binary())


def points(x: npt.NDArray[np.float64], y: npt.NDArray[np.float64]) -> pa.Array:
    """Write points as WKB (OGC 06-103r4, 8.2.9), without an object for each."""
    rows = np.empty(len(x), dtype=_POINT)
    rows["order"], rows["kind"], rows["x"], rows["y"] = 1, 1, x, y
    return _rows_of_bytes(rows.view(np.uint8).reshape(len(x), _POINT.itemsize), pa.binary())


def lines(given: Lines) -> pa.Array:
    """Write lines as collections of their parts (OGC 06-103r4, 8.2.8), without an object for each."""
    octets = np.ascontiguousarray(given.points).view(np.uint8).ravel()
    written, ends = _lines(octets, given.sizes, given.parts)
    return pa.Array.from_buffers(
        pa.binary(), len(given.parts), [None, pa.py_buffer(ends), pa.py_buffer(written)]
    )


@compiled
def _lines(
    points: npt.NDArray[np.uint8], sizes: npt.NDArray[np.int64], parts: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int32]]:
    """Write the bytes of lines one after the other, and say where each ends."""
    written = np.empty(len(points) + _HEAD * (len(sizes) + len(parts)), dtype=np.uint8)
    ends = np.zeros(len(parts) + 1, dtype=np.int32)
    at = part = taken = 0
    for line in range(len(parts)):
        at = _begun(written, at, _LINES, parts[line])
        for _ in range(parts[line]):
            at = _begun(written, at, _LINE, sizes[part])
            span = _POINT_BYTES * sizes[part]
            for octet in range(span):
                written[at + octet] = points[taken + octet]
            at, taken, part = at + span, taken + span, part + 1
        ends[line + 1] = at
    return written, ends


@compiled
def _begun(written: npt.NDArray[np.uint8], at: int, kind: int, count: int) -> int:
    """Write the head of a shape: order of bytes, kind, and of how much it is made."""
    written[at] = 1
    for place in range(4):
        written[at + 1 + place] = kind >> 8 * place & 255
        written[at + 5 + place] = count >> 8 * place & 255
    return at + _HEAD


class Parts(NamedTuple):
    """
    What polygons and multipolygons are made of.

    Attributes
    ----------
    points : numpy.ndarray of float64, shape (n, 2)
        Of all rings; the first point of a ring is its last as well.
    rings : numpy.ndarray of int64
        Points of each ring; the outer ring of a polygon comes first.
    polygons : numpy.ndarray of int64
        Rings of each polygon; 0 is an empty one.
    shapes : numpy.ndarray of int64
        Polygons of each shape.
    """

    points: npt.NDArray[np.float64]
    rings: npt.NDArray[np.int64]
    polygons: npt.NDArray[np.int64]
    shapes: npt.NDArray[np.int64]


def parts_of(shapes: npt.NDArray[np.object_]) -> Parts:
    """
    Take polygons and multipolygons apart, by way of their WKB: shapely would copy each part of them twice.

    Examples
    --------
    >>> parts = parts_of(np.array([shapely.box(0, 0, 1, 1), shapely.MultiPolygon()], dtype=object))
    >>> parts.points.shape, parts.rings.tolist(), parts.polygons.tolist(), parts.shapes.tolist()
    ((5, 2), [5], [1], [1, 0])
    """
    written = shapely.to_wkb(shapes, output_dimension=2, byte_order=1)
    octets = np.frombuffer(b"".join(written), dtype=np.uint8)
    numbers = np.empty(len(octets) // 8, dtype=np.uint64)
    rings, polygons = (np.empty(len(octets) // 4, dtype=np.int64) for _ in range(2))
    of_shapes = np.empty(len(shapes), dtype=np.int64)
    n_numbers, n_rings, n_polygons = _take_apart(octets, numbers, rings, polygons, of_shapes)
    points = numbers[:n_numbers].view(np.float64).reshape(-1, 2)
    return Parts(points, rings[:n_rings], polygons[:n_polygons], of_shapes)


@compiled
def _take_apart(
    octets: npt.NDArray[np.uint8],
    numbers: npt.NDArray[np.uint64],
    rings: npt.NDArray[np.int64],
    polygons: npt.NDArray[np.int64],
    shapes: npt.NDArray[np.int64],
) -> tuple[int, int, int]:
    """Read shapes one after the other (OGC 06-103r4, 8.2.9); say how many numbers, rings and polygons there are."""
    at = n = ring = polygon = 0
    for shape in range(len(shapes)):
        shapes[shape] = 1
        if octets[at + 1] == _POLYGONS:
            shapes[shape] = _count_at(octets, at + 5)
            at += _HEAD
        for _ in range(shapes[shape]):
            polygons[polygon] = _count_at(octets, at + 5)
            at += _HEAD
            for _ in range(polygons[polygon]):
                rings[ring] = _count_at(octets, at)
                at += 4
                for _ in range(2 * rings[ring]):
                    number = np.uint64(0)
                    for place in range(8):
                        number |= np.uint64(octets[at + place]) << np.uint64(8 * place)
                    numbers[n] = number
                    at, n = at + 8, n + 1
                ring += 1
            polygon += 1
    return n, ring, polygon


@compiled
def _count_at(octets: npt.NDArray[np.uint8], at: int) -> int:
    count = np.int64(0)
    for place in range(4):
        count |= np.int64(octets[at + place]) << (8 * place)
    return int(count)


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
