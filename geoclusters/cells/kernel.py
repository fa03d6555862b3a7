"""Array versions of the h3 library's `latlng_to_cell` and `cell_to_latlng`, with its very answers.

Whatever lies so close to a boundary that rounding could decide, the library itself is asked.
"""

from __future__ import annotations

import operator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import SupportsIndex, TypeVar

import h3.api.basic_int as h3
import numpy as np
import numpy.typing as npt

from geoclusters.cells import kernel_lattice as lattice
from geoclusters.cells.kernel_forward import points_to_cells
from geoclusters.cells.kernel_inverse import cells_to_points
from geoclusters.earth import as_floats
from geoclusters.machine import processors

FINEST_RES = 15
POINTS_PER_THREAD = 1 << 17
LEAST_POINTS_PER_THREAD = 1 << 8

CellArray = npt.NDArray[np.uint64]
FloatArray = lattice.FloatArray
IntArray = lattice.IntArray
PlainArray = TypeVar("PlainArray", FloatArray, IntArray)


def latlng_to_cells(
    lat: npt.ArrayLike,
    lng: npt.ArrayLike,
    res: SupportsIndex,
    *,
    n_threads: int | None = None,
) -> CellArray:
    """
    H3 cells of many points at once, the same cells as `h3.latlng_to_cell` gives one by one.

    Parameters
    ----------
    lat, lng : array_like of float
        WGS 84 degrees, computed as float64; broadcast against each other. Longitudes outside
        -180 to 180 are wrapped, as the h3 library does.
    res : int
        H3 resolution, 0 to 15.
    n_threads : int, optional
        Threads among which the points are divided. By default one for every 131,072 points, but
        no more than the processors that may be used. The result does not depend on it.

    Returns
    -------
    numpy.ndarray of uint64, of the shape that `lat` and `lng` broadcast to
        H3 indices; 0, which is no cell, where a coordinate is NaN or infinite or where the
        latitude lies outside -90 to 90.

    Raises
    ------
    ValueError
        When `res` is not an integer from 0 to 15, `n_threads` not a positive integer, or the
        shapes of `lat` and `lng` do not go together.

    Notes
    -----
    Points are brought onto the faces of H3's icosahedron by gnomonic projection, rounded to its
    hexagons and numbered with tables that were read off the library. Points within rounding error
    of an edge of a hexagon or of a face are handed to the library itself, so that they too get
    its answer; they are some in ten million, unless the points were put there on purpose.
    H3: https://h3geo.org/docs/core-library/latLngToCellDesc.

    Examples
    --------
    >>> cells = latlng_to_cells([48.8566, float("nan")], [2.3522, 0.0], 8)
    >>> [f"{cell:x}" for cell in cells]
    ['881fb46625fffff', '0']
    """
    resolution = _checked_res(res)
    lats, lngs = np.broadcast_arrays(as_floats(lat), as_floats(lng))
    flat_lat, flat_lng = _plain(lats), _plain(lngs)
    cells = np.empty(flat_lat.size, dtype=np.int64)
    n_parts = _checked_threads(n_threads, cells.size)
    asked = _fill_in_threads(flat_lat, flat_lng, cells, resolution, n_parts)
    if asked:
        _ask_library(flat_lat, flat_lng, cells, resolution)
    return cells.view(np.uint64).reshape(lats.shape)


def cells_and_vectors(
    lat: FloatArray, lng: FloatArray, res: int, *, scale: float, vectors: IntArray
) -> CellArray:
    """
    H3 cells of points as `latlng_to_cells` gives them, and beside them the points' unit vectors in whole numbers.

    Parameters
    ----------
    lat, lng : numpy.ndarray of float64, shape (n,)
        WGS 84 degrees, on the Earth; one thread works on them.
    scale : float
        What a length of 1 is in whole numbers.
    vectors : numpy.ndarray of int64, shape (3, n)
        Gets the vectors, in the frame of H3's icosahedron (`kernel_lattice.frame`).

    Returns
    -------
    numpy.ndarray of uint64, shape (n,)
    """
    cells = np.empty(lat.size, dtype=np.int64)
    flat_lat, flat_lng = _plain(lat), _plain(lng)
    if lat.size and _fill(flat_lat, flat_lng, cells, res, scale=scale, vectors=vectors):
        _ask_library(flat_lat, flat_lng, cells, res)
    return cells.view(np.uint64)


def _checked_res(res: SupportsIndex) -> int:
    try:
        value = operator.index(res)
    except TypeError:
        value = -1
    if not 0 <= value <= FINEST_RES:
        raise ValueError(f"`res` is {res!r}; an H3 resolution is an integer from 0 to {FINEST_RES}")
    return value


def _checked_threads(n_threads: int | None, n_points: int) -> int:
    if n_threads is None:
        return max(1, min(processors(), n_points // POINTS_PER_THREAD))
    try:
        value = operator.index(n_threads)
    except TypeError:
        value = 0
    if value < 1:
        raise ValueError(f"`n_threads` is {n_threads!r}; give a positive integer or None")
    return min(value, max(1, n_points // LEAST_POINTS_PER_THREAD))


def _plain(values: PlainArray) -> PlainArray:
    """Flat, contiguous and marked read-only, so that one compiled version serves every input."""
    flat = np.require(values.reshape(-1), requirements=["C", "A"])[:]
    flat.flags.writeable = False
    return flat


def _fill_in_threads(
    lat: FloatArray, lng: FloatArray, cells: IntArray, res: int, n_threads: int
) -> int:
    if n_threads == 1:
        return _fill(lat, lng, cells, res)
    edges = [cells.size * part // n_threads for part in range(n_threads + 1)]
    with ThreadPoolExecutor(max_workers=n_threads) as pool:
        jobs = [
            pool.submit(_fill, lat[a:b], lng[a:b], cells[a:b], res)
            for a, b in pairwise(edges)
            if b > a
        ]
        return sum(job.result() for job in jobs)


_NO_VECTORS = np.empty((3, 0), dtype=np.int64)


def _fill(
    lat: FloatArray,
    lng: FloatArray,
    cells: IntArray,
    res: int,
    *,
    scale: float = 1.0,
    vectors: IntArray = _NO_VECTORS,
) -> int:
    plan, frame = lattice.plan(res), lattice.frame()
    tables = lattice.digits_by_remainder(), lattice.base_cells_by_place()
    return int(points_to_cells(lat, lng, cells, plan, frame, *tables, scale, vectors))


def _ask_library(
    lat: FloatArray,
    lng: FloatArray,
    cells: IntArray,
    res: int,
) -> None:
    pending = np.flatnonzero(cells == lattice.ASK)
    points = zip(lat[pending].tolist(), lng[pending].tolist(), strict=True)
    cells[pending] = [h3.latlng_to_cell(*point, res) for point in points]


def cell_centers(cells: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
    """
    Centres of many H3 cells at once, as `h3.cell_to_latlng` gives them one by one.

    Parameters
    ----------
    cells : array_like of int
        H3 indices, of any resolutions.

    Returns
    -------
    lat, lng : numpy.ndarray of float64, of the shape of `cells`
        WGS 84 degrees, within 1e-9 of the library's; NaN where an index is no valid H3 cell.

    Raises
    ------
    ValueError
        When `cells` holds anything but integers.

    Notes
    -----
    The inverse of `latlng_to_cells`, with the same tables.
    H3: https://h3geo.org/docs/core-library/cellToLatLngDesc.

    Examples
    --------
    >>> lat, lng = cell_centers([0x881FB46625FFFFF, 0])
    >>> lat.round(4), lng.round(4)
    (array([48.8543,     nan]), array([2.3513,    nan]))
    """
    indices = np.asarray(cells)
    if indices.size and indices.dtype.kind not in "iu":
        raise ValueError(f"`cells` holds {indices.dtype}; H3 indices are integers, as uint64")
    flat = _plain(indices.astype(np.uint64, copy=False).reshape(-1).view(np.int64))
    lat, lng = np.empty(flat.size), np.empty(flat.size)
    tables = lattice.candidates(), lattice.places_by_digits(), lattice.chart_axes()
    cells_to_points(flat, lat, lng, *tables)
    _ask_library_for_centers(flat, lat, lng)
    return lat.reshape(indices.shape), lng.reshape(indices.shape)


def _ask_library_for_centers(cells: IntArray, lat: FloatArray, lng: FloatArray) -> None:
    for place in np.flatnonzero(np.isnan(lat)).tolist():
        index = int(cells[place])
        if index > 0 and h3.is_valid_cell(index):
            lat[place], lng[place] = h3.cell_to_latlng(index)
