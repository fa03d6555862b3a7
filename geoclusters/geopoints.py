"""Fills a layer of points of a GeoPackage, and its index, without a call for each of hundreds of thousands.

GDAL has made the layer, empty; here its rows and the nodes of its R-tree are put together as whole columns, and
written by `treepages`.

Sources: OGC 12-128r19, GeoPackage Encoding Standard 1.4, clauses 2.1.3 (geometries) and F.3 (R-tree);
https://www.sqlite.org/rtree.html, section 6 (nodes); https://www.sqlite.org/fileformat2.html, section 2.1 (records).
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

import numpy as np
import pyarrow as pa

from geoclusters.treepages import Rows, fill_tables
from geoclusters.wkb import POINT

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from typing import Any

    import numpy.typing as npt

_Bytes: TypeAlias = "npt.NDArray[np.uint8]"
_Floats: TypeAlias = "npt.NDArray[np.float64]"
_Boxes: TypeAlias = "npt.NDArray[np.float32]"
_Integers: TypeAlias = "npt.NDArray[np.int64]"

# "GP", version 1, lowest byte first and no envelope, the number of the reference system.
_BLOB_HEADER: Final = np.frombuffer(b"GP\x00\x01" + (4326).to_bytes(4, "little"), dtype=np.uint8)
_NULL, _REAL, _FALSE, _BLOB, _TEXT = 0, 7, 8, 12, 13
_INTEGERS: Final = ((1, ">i1"), (2, ">i2"), (4, ">i4"), (6, ">i8"))
"""Serial types of whole numbers, and how these are written."""
_IN_NODE: Final = 51
_ENTRY: Final = np.dtype([("id", ">i8"), ("box", ">f4", 4)])
_NODE: Final = np.dtype([("depth", ">u2"), ("count", ">u2"), ("entries", _ENTRY, _IN_NODE)])


def fill_points(file: Path, layer: str, features: pa.Table, *, geometry: str) -> None:
    """
    Fill an empty layer of points, WGS 84.

    Parameters
    ----------
    file : Path
        The GeoPackage, closed.
    layer : str
        Name of the layer; its R-tree is empty as well.
    features : pyarrow.Table
        Columns of the layer in their order, but for the geometry, which comes first there. Only floats may be
        missing, and texts of one column are of one length.
    geometry : str
        Column of points as WKB.
    """
    points = _fixed(features[geometry])
    place = points.view(POINT)[:, 0]
    nodes, node_of_row, parents = _tree(place["x"], place["y"])
    shapes = np.hstack([np.broadcast_to(_BLOB_HEADER, (len(points), 8)), points])
    columns = [_encoded(column) for column in features.drop([geometry]).itercolumns()]
    index = f"rtree_{layer}_{geometry}"
    fill_tables(
        file,
        {
            layer: Rows(_records([_octets(shapes, _BLOB), *columns])),
            f"{index}_node": Rows(_records([_octets(nodes, _BLOB)])),
            f"{index}_rowid": Rows(_records([_integers(node_of_row)])),
            # The first node is the root, which has no parent.
            f"{index}_parent": Rows(_records([_integers(parents)]), first=2),
        },
    )
    extent = [place["x"].min(), place["y"].min(), place["x"].max(), place["y"].max()]
    with closing(sqlite3.connect(file)) as database, database:
        # As GDAL does, to sixteen digits.
        _note(database, layer, len(features), [float(f"{end:.16g}") for end in extent])


def _note(database: sqlite3.Connection, layer: str, n: int, extent: Sequence[float]) -> None:
    """Say how many features a layer has, where they are, and what number the next one gets."""
    database.execute(
        "UPDATE gpkg_contents SET min_x = ?, min_y = ?, max_x = ?, max_y = ? WHERE table_name = ?",
        [*extent, layer],
    )
    database.execute(
        "UPDATE gpkg_ogr_contents SET feature_count = ? WHERE table_name = ?", [n, layer]
    )
    database.execute("DELETE FROM sqlite_sequence WHERE name = ?", [layer])
    database.execute("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", [layer, n])


# --------------------------------------------------------------------------- records


class _Column(NamedTuple):
    """Serial types of the values of a column, one for all or one for each, and their bytes."""

    kind: _Bytes
    body: _Bytes


def _records(columns: Sequence[_Column]) -> _Bytes:
    """Write rows that begin with their own number: it stands beside the record, which has a null there."""
    kinds = [np.array([[_NULL]], dtype=np.uint8), *(c.kind for c in columns)]
    size = sum(kind.shape[1] for kind in kinds)
    parts = [_varint(size + (1 if size < 127 else 2)), *kinds, *(c.body for c in columns)]
    ends = np.cumsum([part.shape[1] for part in parts])
    rows = np.empty((len(columns[0].body), ends[-1]), dtype=np.uint8)
    for part, end in zip(parts, ends, strict=True):
        rows[:, end - part.shape[1] : end] = part
    return rows


def _encoded(column: pa.ChunkedArray) -> _Column:
    """Write the values of a column as SQLite stores them."""
    if pa.types.is_floating(column.type):
        # What is not a number is read as null.
        values = column.to_numpy().astype(">f8")
        return _Column(_varint(_REAL), _rows_of(values))
    if column.null_count:
        raise ValueError("values are missing")
    if pa.types.is_boolean(column.type):
        kind = column.to_numpy().astype(np.uint8) + np.uint8(_FALSE)
        return _Column(kind[:, None], np.zeros((len(kind), 0), dtype=np.uint8))
    if pa.types.is_integer(column.type):
        return _integers(column.to_numpy().astype(np.int64))
    return _octets(_fixed(column), _TEXT)


def _integers(values: _Integers) -> _Column:
    """Write whole numbers, all as wide as the widest needs."""
    least, most = values.min(initial=0), values.max(initial=0)
    kind, width = next(
        (k, w) for k, w in _INTEGERS if np.iinfo(w).min <= least and most <= np.iinfo(w).max
    )
    return _Column(_varint(kind), _rows_of(values.astype(width)))


def _octets(rows: _Bytes, kind: int) -> _Column:
    """Write texts or blobs of one length, which is part of their type."""
    return _Column(_varint(kind + 2 * rows.shape[1]), rows)


def _varint(value: int) -> _Bytes:
    """
    Write a number in groups of seven bits.

    Examples
    --------
    >>> _varint(70).tolist(), _varint(2468).tolist()
    ([[70]], [[147, 36]])
    """
    groups = [value & 0x7F]
    while value := value >> 7:
        groups.insert(0, value & 0x7F | 0x80)
    return np.array([groups], dtype=np.uint8)


def _rows_of(values: npt.NDArray[Any]) -> _Bytes:
    return values.view(np.uint8).reshape(len(values), values.dtype.itemsize)


def _fixed(column: pa.ChunkedArray) -> _Bytes:
    """Give the bytes of texts or blobs that are all of one length."""
    array = column.cast(pa.binary()).combine_chunks()
    ends = np.frombuffer(array.buffers()[1], dtype=np.int32)[array.offset :][: len(array) + 1]
    widths = np.diff(ends)
    if array.null_count or (widths != widths[0]).any():
        raise ValueError("texts are not of one length")
    octets = np.frombuffer(array.buffers()[2], dtype=np.uint8)[ends[0] : ends[-1]]
    return octets.reshape(len(array), widths[0])


# --------------------------------------------------------------------------- R-tree


def _tree(x: _Floats, y: _Floats) -> tuple[_Bytes, _Integers, _Integers]:
    """
    Put points into the nodes of an R-tree as they come: those of neighbouring cells follow each other.

    Returns
    -------
    tuple
        The nodes, the root first; the node of each point; the parent of each node but the root.
    """
    boxes = np.stack([_below(x), -_below(-x), _below(y), -_below(-y)], axis=1)
    sizes = [len(x)]
    while len(sizes) == 1 or sizes[-1] > 1:
        sizes.append(-(-sizes[-1] // _IN_NODE))
    ids = np.arange(1, len(x) + 1)
    levels, owners = [], []
    for level, size in enumerate(sizes[1:], start=1):
        levels.append(_nodes(ids, boxes, size))
        boxes = _around(boxes)
        ids = 1 + sum(sizes[level + 1 :]) + np.arange(size)
        owners.append(np.repeat(ids, _IN_NODE)[: sizes[level - 1]])
    levels[-1]["depth"] = len(levels) - 1
    parents = [np.zeros(0, dtype=np.int64), *owners[:0:-1]]
    nodes = np.concatenate([_rows_of(nodes) for nodes in levels[::-1]])
    return nodes, owners[0], np.concatenate(parents)


def _nodes(ids: _Integers, boxes: _Boxes, size: int) -> npt.NDArray[Any]:
    """Put what has these numbers and boxes into full nodes, and the rest into the last."""
    entries = np.zeros(size * _IN_NODE, dtype=_ENTRY)
    entries["id"][: len(ids)], entries["box"][: len(ids)] = ids, boxes
    nodes = np.zeros(size, dtype=_NODE)
    nodes["entries"] = entries.reshape(size, _IN_NODE)
    nodes["count"] = _IN_NODE
    nodes["count"][-1] = len(ids) - _IN_NODE * (size - 1)
    return nodes


def _around(boxes: _Boxes) -> _Boxes:
    """Give the box of each node by those of its entries: least and greatest x, least and greatest y."""
    begins = np.arange(0, len(boxes), _IN_NODE)
    least, most = (extreme.reduceat(boxes, begins, axis=0) for extreme in (np.minimum, np.maximum))
    return np.where([True, False, True, False], least, most)


def _below(values: _Floats) -> _Boxes:
    """Round to narrow floats, down: a box holds its point."""
    narrow = values.astype(np.float32)
    return np.where(narrow > values, np.nextafter(narrow, np.float32(-np.inf)), narrow)
