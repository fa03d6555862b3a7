"""Writes GeoJSON (RFC 7946), with the corners of outlines put into text by compiled code."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
import shapely

from geoclusters.compiling import compiled
from geoclusters.folders import written_aside

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    import numpy.typing as npt

    Bytes = npt.NDArray[np.uint8]
    Shapes = npt.NDArray[np.object_]

DECIMALS: Final = 5
"""One metre."""
_ONE: Final = 10**DECIMALS
_LEAST_PLAIN: Final = _ONE // 10**4
"""Smaller parts of one than 0.0001 are written with an exponent, as others do."""
_HEAD, _COUNT, _NUMBER = 5, 4, 8
"""Bytes before the counts, of a count and of a number in Well-known Binary, the least byte first."""
_TEXT_PER_BYTE: Final = 2
"""A point of 16 bytes is at most 24 long in text, with all that stands around it; a ring has three and more."""
_COMMA, _POINT, _MINUS, _ZERO, _OPEN, _CLOSE = b",.-0[]"
_EXPONENT: Final = np.frombuffer(b"e-05", dtype=np.uint8)
_MULTIPOLYGON: Final = shapely.GeometryType.MULTIPOLYGON


def write_geojson(path: Path, frame: pd.DataFrame) -> None:
    """
    Write RFC 7946 GeoJSON with five decimals, one metre; polygons are cut and oriented as it asks already.

    Parameters
    ----------
    frame : pandas.DataFrame
        Properties, and the column `geometry` of shapely geometries, WGS 84.
    """
    shapes = np.asarray(frame["geometry"], dtype=object)
    table = pd.DataFrame(frame.drop(columns="geometry")).astype(object)
    rows = table.where(table.notna(), None).to_dict("records")
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
    if not len(shapes) or (shapely.get_type_id(shapes) != _MULTIPOLYGON).any():
        rounded = shapely.transform(shapes, lambda points: np.round(points, DECIMALS))
        yield from (text.encode() for text in shapely.to_geojson(rounded))
        return
    for shape in shapes:
        # No other way out of the library is as quick.
        packed = np.frombuffer(shapely.to_wkb(shape, byte_order=1), dtype=np.uint8)
        text = np.empty(len(packed) * _TEXT_PER_BYTE, dtype=np.uint8)
        end = _write_outline(packed, text)
        yield b'{"type":"MultiPolygon","coordinates":%b}' % text[:end].tobytes()


@compiled
def _write_outline(packed: Bytes, text: Bytes) -> int:
    """Write the corners of a multipolygon in the Well-known Binary format, bracket in bracket."""
    point = np.empty(2)
    point_bytes = point.view(np.uint8)
    n = _put(text, 0, _OPEN)
    at = _HEAD + _COUNT
    for polygon in range(_read_count(packed, _HEAD)):
        n = _put_between(text, n, polygon > 0)
        n_rings = _read_count(packed, at + _HEAD)
        at += _HEAD + _COUNT
        for ring in range(n_rings):
            n = _put_between(text, n, ring > 0)
            n_points = _read_count(packed, at)
            at += _COUNT
            for k in range(n_points):
                n = _put_between(text, n, k > 0)
                _read_point(packed, at, point_bytes)
                n = _put(text, _put_number(text, n, point[0]), _COMMA)
                n = _put(text, _put_number(text, n, point[1]), _CLOSE)
                at += 2 * _NUMBER
            n = _put(text, n, _CLOSE)
        n = _put(text, n, _CLOSE)
    return _put(text, n, _CLOSE)


@compiled
def _read_count(packed: Bytes, at: int) -> int:
    count = 0
    for k in range(_COUNT):
        count |= int(packed[at + k]) << 8 * k
    return count


@compiled
def _read_point(packed: Bytes, at: int, point: Bytes) -> None:
    for k in range(2 * _NUMBER):
        point[k] = packed[at + k]


@compiled
def _put(text: Bytes, n: int, byte: int) -> int:
    text[n] = byte
    return n + 1


@compiled
def _put_between(text: Bytes, n: int, follows: bool) -> int:  # noqa: FBT001
    """Open a bracket, after a comma where something stands before it."""
    if follows:
        n = _put(text, n, _COMMA)
    return _put(text, n, _OPEN)


@compiled
def _put_number(text: Bytes, n: int, value: float) -> int:
    """Write a number, rounded, as briefly as it can be read back: 12.5, 12.0, -0.0, 2e-05."""
    if math.copysign(1.0, value) < 0.0:
        n = _put(text, n, _MINUS)
    parts = int(np.rint(abs(value) * _ONE))
    if 0 < parts < _LEAST_PLAIN:
        n = _put(text, n, _ZERO + parts)
        for byte in _EXPONENT:
            n = _put(text, n, byte)
        return n
    whole, parts = parts // _ONE, parts % _ONE
    n = _put_digits(text, n, whole, _digits_of(whole))
    n = _put_digits(text, _put(text, n, _POINT), parts, DECIMALS)
    for _ in range(DECIMALS - 1):
        if text[n - 1] != _ZERO:
            break
        n -= 1
    return n


@compiled
def _digits_of(whole: int) -> int:
    digits = 1
    while whole >= 10:
        whole //= 10
        digits += 1
    return digits


@compiled
def _put_digits(text: Bytes, n: int, whole: int, digits: int) -> int:
    for k in range(n + digits - 1, n - 1, -1):
        text[k] = _ZERO + whole % 10
        whole //= 10
    return n + digits
