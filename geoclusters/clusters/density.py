"""Where addresses are dense: weighted DBSCAN on the sphere, and the weight around every point.

Nothing here needs scikit-learn, whose import takes longer than the work; its estimator interface,
`GridDBSCAN`, stands in `geoclusters.clusters.estimator`.
"""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, get_args

import numpy as np
import numpy.typing as npt

from geoclusters.clusters import dbscan
from geoclusters.clusters.balls import REACH, ROOM
from geoclusters.clusters.borders import label_points
from geoclusters.clusters.cores import mark_cores
from geoclusters.clusters.grid import Scale, build_grid, squared_chord_limit
from geoclusters.clusters.inputs import are_whole, check_coordinates, check_positive, check_weights
from geoclusters.clusters.pieces import in_pieces
from geoclusters.clusters.surroundings import sum_surroundings
from geoclusters.earth import chord_of

if TYPE_CHECKING:
    from geoclusters.clusters.grid import Flags, Grid, Ints, Weights

__all__ = [
    "DenseClusters",
    "dense_clusters",
    "dense_clusters_and_weights",
    "neighbourhood_weights",
]

Border = Literal["nearest", "first"]

SMALLEST_RADIUS_KM: Final = 1e-4
"""Ten centimetres: below it, rounding would move points from one cube to another."""

_STEP_BITS = 62 - ROOM.bit_length()
LARGEST_THRESHOLD: Final = 1 << _STEP_BITS
"""Largest threshold for whole weights: a node counts for it at most, and sums of so many fit into 64 bits."""

LARGEST_TOTAL: Final = 1 << 62
"""Largest sum of integer weights."""

_TOLERANCE_BITS = 40
_TIGHT = 1.0 - 1e-6


class DenseClusters(NamedTuple):
    """
    What DBSCAN finds.

    Attributes
    ----------
    labels : numpy.ndarray of int64, shape (n,)
        Number of the cluster of every point, -1 for noise. Clusters are numbered by the smallest
        row of their core points.
    core : numpy.ndarray of bool, shape (n,)
        Whether a point is dense itself.
    """

    labels: npt.NDArray[np.int64]
    core: npt.NDArray[np.bool_]


def dense_clusters(
    lat: npt.ArrayLike,
    lon: npt.ArrayLike,
    weight: npt.ArrayLike | None = None,
    *,
    radius_km: float,
    min_weight: float,
    border: Border = "nearest",
    threads: int = 1,
) -> DenseClusters:
    """
    Weighted DBSCAN under great-circle distance, exact.

    A point is a core point when the points within `radius_km` of it, itself included, weigh
    `min_weight` or more. Core points within the radius of each other are in one cluster; so are
    border points, which are near a core point without being one. The rest is noise.

    Parameters
    ----------
    lat, lon : array_like of float, shape (n,)
        WGS 84 degrees; latitude in -90..90, longitude in -360..360.
    weight : array_like of int or float, shape (n,), optional
        Not negative; 1 where left out. Whole numbers are summed exactly, whatever their dtype.
        Fractions count as multiples of 2**-53 of the next power of two above `min_weight`, so that
        sums do not depend on the order of addition, and a sum that misses `min_weight` by less
        than 1e-12 of it reaches it: three thirds are one.
    radius_km : float
        Radius on the sphere of `geoclusters.earth.EARTH_RADIUS_KM`, at least 1e-4; a distance
        equal to it is within.
    min_weight : float
        Weight from which a place is dense; more than 0, and at most 2**53 for whole weights.
    border : {"nearest", "first"}
        Cluster of a border point that is near several: that of its nearest core point (ties: the
        smallest row), or the one with the smallest number, as scikit-learn has it.
    threads : int
        How many threads may work; the result does not depend on it.

    Returns
    -------
    DenseClusters
        `labels` and `core`, in the order of the input.

    Raises
    ------
    ValueError
        When an argument is out of its range; the message names it and the first row at fault.

    Notes
    -----
    The definition is that of Ester, Kriegel, Sander and Xu (1996), "A density-based algorithm for
    discovering clusters in large spatial databases with noise". Cubes whose diagonal is the radius
    go back to Gunawan (2013), "A faster algorithm for DBSCAN": whatever is in one cube belongs
    together, so a cube that weighs enough needs no distances at all.

    Examples
    --------
    >>> lat, lon = [48.1, 48.1, 52.5, 0.0], [11.5, 11.6, 13.4, 0.0]
    >>> found = dense_clusters(lat, lon, [3, 2, 9, 1], radius_km=15, min_weight=5)
    >>> found.labels.tolist(), found.core.tolist()
    ([0, 0, 1, -1], [True, True, True, False])
    """
    lat, lon = check_coordinates(lat, lon)
    weight = None if weight is None else check_weights(weight, len(lat))
    _check_settings(radius_km, min_weight, border)
    if len(lat) == 0:
        return DenseClusters(np.empty(0, dtype=np.int64), np.empty(0, dtype=np.bool_))
    limit = squared_chord_limit(radius_km)
    scale = _threshold_scale(min_weight, whole=weight is None or are_whole(weight))
    grid = build_grid(lat, lon, weight, side=_side(radius_km), scale=scale, threads=threads)
    core = np.zeros(len(lat), dtype=np.uint8)
    in_pieces(threads, len(grid.column), mark_cores, grid, limit, scale.cap, core)
    grid = grid._replace(weight=grid.weight[:0].copy())
    label = _labels(grid, limit, core, nearest=border == "nearest", threads=threads)
    row = grid.row
    del grid  # its points are the most of the memory, and need not be held beside the answer
    return _put_back(row, label, core, threads=threads)


def dense_clusters_and_weights(
    lat: npt.ArrayLike,
    lon: npt.ArrayLike,
    weight: npt.ArrayLike,
    *,
    radius_km: float,
    min_weight: float,
    border: Border = "nearest",
    threads: int = 1,
) -> tuple[DenseClusters, npt.NDArray[np.int64]]:
    """
    Give what `dense_clusters` and `neighbourhood_weights` give, in less time than both.

    Parameters
    ----------
    weight : array_like of int, shape (n,)
        Not negative; whole numbers that add up to no more than 2**62.
    lat, lon, radius_km, min_weight, border, threads
        As `dense_clusters` takes them.

    Returns
    -------
    clusters : DenseClusters
    weights : numpy.ndarray of int64, shape (n,)
        Weight within `radius_km` of every point.

    Raises
    ------
    ValueError
        When an argument is out of its range, or weights are no integers.

    Examples
    --------
    >>> lat, lon = [48.1, 48.1, 52.5], [11.5, 11.6, 13.4]
    >>> found, weights = dense_clusters_and_weights(lat, lon, [3, 2, 4], radius_km=15, min_weight=5)
    >>> found.labels.tolist(), weights.tolist()
    ([0, 0, -1], [5, 5, 4])
    """
    lat, lon = check_coordinates(lat, lon)
    weight = check_weights(weight, len(lat))
    _check_settings(radius_km, min_weight, border)
    if weight.dtype.kind != "i":
        raise ValueError(
            "weights must be integers where clusters and weights are asked for at once"
        )
    around = np.zeros(len(lat), dtype=np.int64)
    if len(lat) == 0:
        return DenseClusters(around, around.astype(np.bool_)), around
    limit = squared_chord_limit(radius_km)
    need = _threshold_scale(min_weight, whole=True).cap
    scale = _total_scale(weight)
    grid = build_grid(lat, lon, weight, side=_side(radius_km), scale=scale, threads=threads)
    in_pieces(threads, len(grid.column), sum_surroundings, grid, limit, around)
    grid = grid._replace(weight=grid.weight[:0].copy())
    core = (around >= need)[grid.row].view(np.uint8)
    label = _labels(grid, limit, core, nearest=border == "nearest", threads=threads)
    return _put_back(grid.row, label, core, threads=threads), around


def neighbourhood_weights(
    lat: npt.ArrayLike,
    lon: npt.ArrayLike,
    weight: npt.ArrayLike,
    *,
    radius_km: float,
    threads: int = 1,
) -> Weights:
    """
    Weight within a radius of every point, the point itself included.

    Parameters
    ----------
    lat, lon : array_like of float, shape (n,)
        WGS 84 degrees; latitude in -90..90, longitude in -360..360.
    weight : array_like of int or float, shape (n,)
        Not negative. Fractions count as multiples of 2**-61 of the power of two above their total,
        so that sums do not depend on the order of addition; whole numbers are summed exactly.
    radius_km : float
        Great-circle distance up to which points count, at least 1e-4.
    threads : int
        How many threads may work; the result does not depend on it.

    Returns
    -------
    numpy.ndarray of int64 or float64, shape (n,)
        int64 for integer and boolean weights, float64 otherwise.

    Raises
    ------
    ValueError
        When an argument is out of its range, or the weights add up to more than 2**62.

    Examples
    --------
    >>> neighbourhood_weights([0.0, 0.1, 5.0], [0.0, 0.0, 0.0], [2, 3, 4], radius_km=15)
    array([5, 5, 4])
    """
    lat, lon = check_coordinates(lat, lon)
    weight = check_weights(weight, len(lat))
    check_radius("radius_km", radius_km)
    result = np.zeros(len(lat), dtype=np.int64)
    if len(lat) == 0:
        return result.astype(weight.dtype)
    scale = _total_scale(weight)
    limit = squared_chord_limit(radius_km)
    grid = build_grid(lat, lon, weight, side=_side(radius_km), scale=scale, threads=threads)
    in_pieces(threads, len(grid.column), sum_surroundings, grid, limit, result)
    if weight.dtype.kind == "i":
        return result
    return np.ldexp(result.astype(np.float64), scale.exponent)


def _side(radius_km: float) -> float:
    """Edge of a cube whose points are all within the radius of each other."""
    return chord_of(radius_km) / math.sqrt(3.0) * _TIGHT


def _labels(grid: Grid, limit: float, core: Flags, *, nearest: bool, threads: int) -> Ints:
    """Join core points and give each border point a cluster; all in the order of the grid."""
    n_cubes = len(grid.column)
    flag = dbscan.flag_nodes(grid, core)
    parent = dbscan.link_cubes(grid, limit, core, flag, _forward_offsets())
    number = dbscan.number_clusters(grid, core, flag, parent)
    label = np.empty(len(core), dtype=np.int32)
    in_pieces(threads, n_cubes, label_points, grid, limit, core, flag, number, nearest, label)
    return label


def _put_back(row: Ints, label: Ints, core: Flags, *, threads: int) -> DenseClusters:
    """Give labels and core flags in the order of the input."""
    n = len(row)
    found = DenseClusters(np.empty(n, dtype=np.int64), np.empty(n, dtype=np.bool_))
    in_pieces(threads, n, dbscan.put_back, row, label, core, *found)
    return found


def _forward_offsets() -> Ints:
    """Half of the places around a cube, so that every pair comes once; the nearest first."""
    span = range(-REACH, REACH + 1)
    offsets = [o for o in itertools.product(span, repeat=3) if o > (0, 0, 0)]
    return np.array(sorted(offsets, key=lambda o: (sum(x * x for x in o), o)), dtype=np.int32)


def _threshold_scale(min_weight: float, *, whole: bool) -> Scale:
    """Whole weights as they are; others in steps fine enough for the threshold."""
    if whole:
        need = math.ceil(min_weight)
        if need > LARGEST_THRESHOLD:
            raise ValueError(
                f"`min_weight` must be at most 2**53 for whole weights, not {min_weight!r}."
                " Divide the weights and the threshold by the same number."
            )
        return Scale(0, need)
    exponent = math.frexp(min_weight)[1] - _STEP_BITS
    need = round(math.ldexp(min_weight, -exponent))
    return Scale(exponent, need - (need >> _TOLERANCE_BITS))


def _total_scale(weight: Weights) -> Scale:
    """Integers as they are; floats in steps fine enough for their total, found in integers."""
    largest = float(weight.max())
    if weight.dtype.kind == "i":
        if float(weight.sum(dtype=np.float64)) > LARGEST_TOTAL:
            raise ValueError("the weights add up to more than 2**62; divide them by some number")
        return Scale(0, LARGEST_TOTAL)
    exponent = math.frexp(largest)[1] - 31
    total = int(np.ceil(np.ldexp(weight, -exponent)).astype(np.int64).sum())
    return Scale(exponent + total.bit_length() - 61, LARGEST_TOTAL)


def _check_settings(radius_km: float, min_weight: float, border: str) -> None:
    check_radius("radius_km", radius_km)
    check_positive("min_weight", min_weight)
    if border not in get_args(Border):
        raise ValueError(f"`border` must be one of {get_args(Border)}, not {border!r}")


def check_radius(name: str, radius_km: float) -> None:
    """Raise a ValueError unless a radius, which the caller calls `name`, is one that can be kept to."""
    check_positive(name, radius_km)
    if radius_km < SMALLEST_RADIUS_KM:
        raise ValueError(f"`{name}` must be at least {SMALLEST_RADIUS_KM}, not {radius_km!r}")
