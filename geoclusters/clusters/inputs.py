"""Checks of coordinates and weights, with messages that name the first row at fault."""

from __future__ import annotations

from numbers import Real
from typing import Final

import numpy as np
import numpy.typing as npt

from geoclusters.earth import as_floats

MOST_POINTS: Final = 2**31 - 2


def check_coordinates(
    lat: npt.ArrayLike, lon: npt.ArrayLike
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """
    Give latitudes and longitudes as float64 arrays, without a copy where they are that already.

    Raises
    ------
    ValueError
        When they differ in shape, are not 1-D, or leave -90..90 and -360..360.

    Examples
    --------
    >>> check_coordinates([91.3], [0.0])
    Traceback (most recent call last):
    ...
    ValueError: row 0: latitude 91.3 is outside -90..90
    """
    lat, lon = as_floats(lat), as_floats(lon)
    if lat.ndim != 1 or lat.shape != lon.shape:
        raise ValueError(
            "latitudes and longitudes must be 1-D and of one length,"
            f" not {lat.shape} and {lon.shape}"
        )
    if len(lat) > MOST_POINTS:
        raise ValueError(f"{len(lat)} points are more than the {MOST_POINTS} that can be numbered")
    for name, values, bound in (("latitude", lat, 90.0), ("longitude", lon, 360.0)):
        _check_range(name, values, -bound, bound)
    return lat, lon


def check_weights(weight: npt.ArrayLike, n_points: int) -> npt.NDArray[np.int64 | np.float64]:
    """
    Give weights as int64 where they are integers or booleans, as float64 otherwise.

    Raises
    ------
    ValueError
        When their number is not that of the points, or one is negative, infinite or not a number.

    Examples
    --------
    >>> check_weights([True, False], 2)
    array([1, 0])
    """
    weight = as_floats(weight) if isinstance(weight, np.ma.MaskedArray) else np.asarray(weight)
    if weight.shape != (n_points,):
        raise ValueError(
            f"weights must be 1-D, one for each of the {n_points} points,"
            f" not of shape {weight.shape}"
        )
    if weight.dtype.kind == "u" and n_points and int(weight.max()) > np.iinfo(np.int64).max:
        raise ValueError(f"weight {weight.max()} is more than an int64 holds")
    weight = weight.astype(np.int64 if weight.dtype.kind in "biu" else np.float64, copy=False)
    _check_range("weight", weight, 0.0, np.inf)
    return weight


def are_whole(weight: npt.NDArray[np.int64 | np.float64]) -> bool:
    """Tell whether every weight is a whole number."""
    return weight.dtype.kind == "i" or bool(np.all(np.floor(weight) == weight))


def check_positive(name: str, value: float) -> None:
    """Raise a ValueError unless `value` is a finite number above 0."""
    if not isinstance(value, Real) or not 0 < value < np.inf:
        raise ValueError(f"`{name}` must be a number above 0, not {value!r}")


def _check_range(
    name: str, values: npt.NDArray[np.int64 | np.float64], low: float, high: float
) -> None:
    """Raise a ValueError that names the first row outside, infinite or missing."""
    if len(values) == 0 or (values.min() >= low and values.max() <= high and values.max() < np.inf):
        return
    row = int(np.argmin((values >= low) & (values <= high) & (values < np.inf)))
    expected = (
        "must be finite and not negative" if high == np.inf else f"is outside {low:g}..{high:g}"
    )
    raise ValueError(f"row {row}: {name} {values[row]} {expected}")
