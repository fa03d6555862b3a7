"""The Earth as the method sees it: one sphere for distances, one ellipsoid for areas."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

EARTH_RADIUS_KM = 6371.0088
"""Mean radius of the Earth (IUGG), the sphere on which every distance is taken."""
WGS84_SEMI_MAJOR_KM = 6378.137
WGS84_ECCENTRICITY_SQUARED = 0.00669437999014133
"""The ellipsoid on which every area is taken, as PROJ has it."""


def as_floats(values: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """
    Give values as float64, without a copy where they are that; what a mask hides is not a number.

    Examples
    --------
    >>> as_floats(np.ma.masked_array([48, 0], mask=[False, True]))
    array([48., nan])
    """
    if isinstance(values, np.ma.MaskedArray):
        return np.asarray(np.ma.filled(values.astype(np.float64), np.nan))
    return np.asarray(values, dtype=np.float64)


def unit_vectors(
    lat: npt.ArrayLike,
    lon: npt.ArrayLike,
) -> npt.NDArray[np.float64]:
    """
    Points of the sphere as vectors of length 1.

    Parameters
    ----------
    lat, lon : array_like of float, shape (n,)
        WGS 84 degrees.

    Returns
    -------
    numpy.ndarray of float64, shape (n, 3)
        x towards (0° N, 0° E), y towards (0° N, 90° E), z towards the North Pole.

    Examples
    --------
    >>> unit_vectors([0.0], [90.0]).round(6) + 0.0
    array([[0., 1., 0.]])
    """
    phi = np.radians(np.asarray(lat, dtype=np.float64))
    lam = np.radians(np.asarray(lon, dtype=np.float64))
    return np.stack([np.cos(phi) * np.cos(lam), np.cos(phi) * np.sin(lam), np.sin(phi)], axis=-1)


def chord_of(distance_km: float) -> float:
    """
    Straight-line distance between unit vectors that lie `distance_km` apart on the sphere.

    Examples
    --------
    >>> round(chord_of(15.0) * EARTH_RADIUS_KM, 6)
    14.999997
    """
    return float(2.0 * np.sin(min(distance_km / EARTH_RADIUS_KM, np.pi) / 2.0))


def distance_km(
    a: npt.NDArray[np.float64],
    b: npt.NDArray[np.float64],
) -> npt.NDArray[np.float64]:
    """
    Great-circle distance between unit vectors, exact for near and for antipodal points.

    Parameters
    ----------
    a, b : numpy.ndarray of float64, shape (..., 3)
        Unit vectors, as `unit_vectors` gives them; broadcast against each other.

    Returns
    -------
    numpy.ndarray of float64
        Kilometres.

    Examples
    --------
    >>> paris, london = unit_vectors([48.8566, 51.5074], [2.3522, -0.1278])
    >>> round(float(distance_km(paris, london)), 1)
    343.6
    """
    half_chord = np.linalg.norm(np.asarray(a) - np.asarray(b), axis=-1) / 2.0
    return np.asarray(2.0 * EARTH_RADIUS_KM * np.arcsin(np.minimum(half_chord, 1.0)))
