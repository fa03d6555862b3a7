"""Array versions of the h3 library's `latlng_to_cell` and `cell_to_latlng`, with its very answers.

Whatever lies so close to a boundary that rounding could decide, the library itself is asked.
"""

from __future__ import annotations

import operator
import os
from concurrent.futures import ThreadPoolExecutor
from typing import SupportsIndex

import h3.api.basic_int as h3
import numpy as np
import numpy.typing as npt

from geoclusters.cells import kernel_lattice as lattice
from geoclusters.cells.kernel_forward import points_to_cells

FINEST_RES = 15
POINTS_PER_THREAD = 1 << 17

CellArray = npt.NDArray[np.uint64]


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
    lats, lngs = np.broadcast_arrays(
        np.asarray(lat, dtype=np.float64), np.asarray(lng, dtype=np.float64)
    )
    flat_lat, flat_lng = _plain(lats), _plain(lngs)
    cells = np.empty(flat_lat.size, dtype=np.int64)
    bounds = _thread_bounds(cells.size, _checked_threads(n_threads, cells.size))
    with ThreadPoolExecutor(max_workers=max(1, len(bounds))) as pool:
        jobs = [
            pool.submit(_fill, flat_lat[span], flat_lng[span], cells[span], resolution)
            for span in bounds
        ]
        asked = sum(job.result() for job in jobs)
    if asked:
        _ask_library(flat_lat, flat_lng, cells, resolution)
    return cells.view(np.uint64).reshape(lats.shape)


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
        affinity = getattr(os, "sched_getaffinity", None)
        processors = len(affinity(0)) if affinity else os.cpu_count() or 1
        return max(1, min(processors, n_points // POINTS_PER_THREAD))
    try:
        value = operator.index(n_threads)
    except TypeError:
        value = 0
    if value < 1:
        raise ValueError(f"`n_threads` is {n_threads!r}; give a positive integer or None")
    return value


def _plain(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Flat, contiguous and marked read-only, so that one compiled version serves every input."""
    flat = np.require(values.reshape(-1), requirements=["C", "A"]).view(np.ndarray)
    flat = flat[:]
    flat.flags.writeable = False
    return flat


def _thread_bounds(n_points: int, n_threads: int) -> list[slice]:
    edges = [n_points * part // n_threads for part in range(n_threads + 1)]
    return [slice(a, b) for a, b in zip(edges, edges[1:], strict=False) if b > a]


def _fill(
    lat: npt.NDArray[np.float64],
    lng: npt.NDArray[np.float64],
    cells: npt.NDArray[np.int64],
    res: int,
) -> int:
    plan, frame = lattice.plan(res), lattice.frame()
    tables = lattice.digits_by_remainder(), lattice.base_cells_by_place()
    return int(points_to_cells(lat, lng, cells, plan, frame, *tables))


def _ask_library(
    lat: npt.NDArray[np.float64],
    lng: npt.NDArray[np.float64],
    cells: npt.NDArray[np.int64],
    res: int,
) -> None:
    pending = np.flatnonzero(cells == lattice.ASK)
    points = zip(lat[pending].tolist(), lng[pending].tolist(), strict=True)
    cells[pending] = [h3.latlng_to_cell(*point, res) for point in points]
