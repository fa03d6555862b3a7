"""Looks at each address and gives a reason to each one that cannot be placed.

Nothing is dropped: an address with a reason keeps its row and its fraction of the document.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from geoclusters.compiling import compiled
from geoclusters.schema import REASON_CODE

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Flags = npt.NDArray[np.bool_]
    Codes = npt.NDArray[np.int16]
    Outside = Callable[[Floats, Floats, Codes], Flags]

PLACEHOLDERS: Final = ((0.0, 0.0), (0.1, 0.1), (1.0, 1.0), (-1.0, -1.0))
"""Latitude and longitude of points in the open sea that stand for "unknown" in known tables."""
PLACEHOLDER_DEGREES: Final = 1e-6
_PLACEHOLDERS_WITHIN: Final = max(abs(c) for point in PLACEHOLDERS for c in point) + 1e-3
_NO_COORDINATES = REASON_CODE["no_coordinates"]
_OUTSIDE_RANGE = REASON_CODE["outside_range"]
_PLACEHOLDER = REASON_CODE["placeholder"]
_LOT = 256
"""Rows that are looked at together."""
POINT_NEMO: Final = (-48.9, -123.4)
"""The sea farthest from every land: outside each country whose outline is known."""


@dataclass(frozen=True)
class Checked:
    """
    Outcome of the checks, one entry an address.

    Attributes
    ----------
    lat, lon : numpy.ndarray of float64
        WGS 84 degrees, repaired where the study lets it.
    reason : numpy.ndarray of int8
        Code of `schema.REASONS`; 0 = can be placed.
    repaired : numpy.ndarray of bool
        Latitude and longitude were swapped back.
    """

    lat: Floats
    lon: Floats
    reason: npt.NDArray[np.int8]
    repaired: Flags


def check_addresses(
    *,
    lat: Floats,
    lon: Floats,
    country: Codes,
    too_coarse: Flags,
    has_document: Flags,
    outside: Outside | None,
    repair_swapped: bool = True,
) -> Checked:
    """
    Give a reason to each address that cannot be placed.

    Parameters
    ----------
    lat, lon : numpy.ndarray of float64, shape (n,)
        WGS 84 degrees, NaN where missing.
    country : numpy.ndarray of int16, shape (n,)
        Stated economy (`countries.code_of`), -1 where missing.
    too_coarse : numpy.ndarray of bool
        Geocoded more coarsely than allowed.
    has_document : numpy.ndarray of bool
        The row says which document it belongs to.
    outside : callable or None
        ``outside(lat, lon, country)`` tells which points certainly lie outside their country; None skips the check.
    repair_swapped : bool
        Swap latitude and longitude back where the stated country proves that they are swapped.

    Examples
    --------
    >>> none, unknown = np.zeros(3, dtype=bool), np.full(3, -1, dtype=np.int16)
    >>> check_addresses(lat=np.array([48.1, 95.0, 0.0]), lon=np.array([11.6, 10.0, 0.0]),
    ...                 country=unknown, too_coarse=none, has_document=~none, outside=None).reason
    array([0, 2, 3], dtype=int8)
    """
    reason = np.empty(len(lat), dtype=np.int8)
    _look(lat, lon, reason)
    repaired = np.zeros(len(lat), dtype=bool)
    if (country >= 0).any():
        abroad = _outside(lat, lon, country, reason == 0, outside)
        out_of_range = reason == REASON_CODE["outside_range"]
        swapped = _proven_swapped(lat, lon, country, out_of_range | abroad, outside)
        repaired = swapped if repair_swapped else repaired
        reason[swapped] = 0 if repair_swapped else REASON_CODE["swapped"]
        reason[abroad & ~swapped] = REASON_CODE["outside_country"]
    reason[too_coarse & (reason == 0)] = REASON_CODE["too_coarse"]
    reason[~has_document] = REASON_CODE["no_document"]
    moved = repaired.any()
    return Checked(
        lat=np.where(repaired, lon, lat) if moved else lat,
        lon=np.where(repaired, lat, lon) if moved else lon,
        reason=reason,
        repaired=repaired,
    )


@compiled
def _look(lat: Floats, lon: Floats, reason: npt.NDArray[np.int8]) -> None:
    """Say of each point by itself why it cannot be placed; most lots hold none, which is seen without a branch."""
    for begin in range(0, len(lat), _LOT):
        lot_lat, lot_lon, reasons = (
            lat[begin : begin + _LOT],
            lon[begin : begin + _LOT],
            reason[begin : begin + _LOT],
        )
        sound = True
        for row in range(len(reasons)):
            y, x = abs(lot_lat[row]), abs(lot_lon[row])
            sound &= (
                (y <= 90.0)
                & (x <= 180.0)
                & ((y > _PLACEHOLDERS_WITHIN) | (x > _PLACEHOLDERS_WITHIN))
            )
            reasons[row] = 0
        if not sound:
            _look_closely(lot_lat, lot_lon, reasons)


@compiled
def _look_closely(lat: Floats, lon: Floats, reason: npt.NDArray[np.int8]) -> None:
    for row in range(len(lat)):
        y, x = lat[row], lon[row]
        if not (y == y and x == x):  # noqa: PLR0124 - not a number
            reason[row] = _NO_COORDINATES
        elif abs(y) > 90.0 or abs(x) > 180.0:
            reason[row] = _OUTSIDE_RANGE
        else:
            reason[row] = 0
            if max(abs(y), abs(x)) > _PLACEHOLDERS_WITHIN:
                continue
            for place in range(len(PLACEHOLDERS)):
                away = max(abs(y - PLACEHOLDERS[place][0]), abs(x - PLACEHOLDERS[place][1]))
                if away <= PLACEHOLDER_DEGREES:
                    reason[row] = _PLACEHOLDER


def _outside(
    lat: Floats, lon: Floats, country: Codes, asked: Flags, outside: Outside | None
) -> Flags:
    found = np.zeros(len(lat), dtype=bool)
    asked = asked & (country >= 0)
    if outside is not None and asked.any():
        found[asked] = outside(lat[asked], lon[asked], country[asked])
    return found


def _proven_swapped(
    lat: Floats, lon: Floats, country: Codes, suspects: Flags, outside: Outside | None
) -> Flags:
    """Tell which wrong points lie in their stated country once latitude and longitude change places."""
    found = np.zeros(len(lat), dtype=bool)
    possible = suspects & (country >= 0) & (np.abs(lon) <= 90.0) & (np.abs(lat) <= 180.0)
    if outside is None or not possible.any():
        return found
    ones = np.ones(int(possible.sum()))
    known = outside(POINT_NEMO[0] * ones, POINT_NEMO[1] * ones, country[possible])
    found[possible] = known & ~outside(lon[possible], lat[possible], country[possible])
    return found
