"""Rows of whole documents in; what can be placed, why the rest cannot, and each row's fraction out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from geoclusters import schema
from geoclusters.addresses.checks import check_addresses
from geoclusters.addresses.counting import weigh
from geoclusters.addresses.rows import LEVELS, Rows
from geoclusters.compiling import compiled

if TYPE_CHECKING:
    import numpy.typing as npt

    from geoclusters.addresses.checks import Outside

    Ints = npt.NDArray[np.int64]
    Keys = npt.NDArray[np.uint64]
    Floats = npt.NDArray[np.float64]
    Flags = npt.NDArray[np.bool_]

DUPLICATE = schema.REASON_CODE["duplicate"]
NO_COORDINATES = schema.REASON_CODE["no_coordinates"]


@dataclass(frozen=True)
class Rules:
    """Settings of the window and the checks."""

    first_year: int | None
    last_year: int | None
    accuracy: str
    repair_swapped: bool
    outside: Outside | None


@dataclass(frozen=True)
class WeighedRows:
    """
    Addresses of whole documents, checked and weighed, one entry a row.

    Attributes
    ----------
    reason : numpy.ndarray of int8
        Code of `schema.REASONS`; 0 = placed.
    lat, lon : numpy.ndarray of float64
        WGS 84 degrees after repair.
    repaired : numpy.ndarray of bool
        Latitude and longitude were swapped back.
    weight : numpy.ndarray of int64
        In 1/`schema.WEIGHT_ONE` document.
    starts : numpy.ndarray of bool
        First row of each document, and each row that stands for a count.
    """

    reason: npt.NDArray[np.int8]
    lat: Floats
    lon: Floats
    repaired: Flags
    weight: Ints
    starts: Flags


def in_window(rows: Rows, rules: Rules) -> Flags:
    """Tell which rows lie in the window; without one all do, with one only those that have a year."""
    inside = np.ones(len(rows), dtype=bool)
    if rules.first_year is not None:
        inside &= rows.year >= rules.first_year
    if rules.last_year is not None:
        inside &= (rows.year <= rules.last_year) & (rows.year >= 0)
    return inside


def weighed_rows(rows: Rows, rules: Rules, field_keys: Keys) -> WeighedRows:
    """
    Check and weigh the rows of whole documents; those of a document stand together.

    Parameters
    ----------
    field_keys : numpy.ndarray of uint64
        Key of the text of each code of a field, which decides between duplicates.
    """
    belongs = rows.document != 0
    if not belongs.all():
        belongs |= ~np.isnan(rows.count)
    found = check_addresses(
        lat=rows.lat,
        lon=rows.lon,
        country=rows.country,
        too_coarse=(rows.accuracy > LEVELS.index(rules.accuracy)) & (rows.accuracy < len(LEVELS)),
        has_document=belongs,
        outside=rules.outside,
        repair_swapped=rules.repair_swapped,
    )
    persons: dict[str, Keys] = {}
    if rows.person.max(initial=0):  # any() would first make flags of the keys
        place, tie_break = np.empty(len(rows), np.uint64), np.empty((len(rows), 2), np.uint64)
        persons = {"person": rows.person, "place": place, "tie_break": tie_break}
        _identify(
            found.lat,
            found.lon,
            found.reason,
            rows.organisation,
            rows.country,
            rows.year,
            np.append(field_keys, np.uint64(0))[rows.field],
            rows.source,
            rows.row,
            place,
            tie_break,
        )
    shares = weigh(document=rows.document, count=rows.count, **persons)
    reason = found.reason
    not_geocoded = rows.accuracy >= len(LEVELS)
    if not_geocoded.any():
        for code, why in enumerate(("place_unknown", "place_ambiguous"), start=len(LEVELS)):
            asked = (rows.accuracy == code) & (reason == NO_COORDINATES)
            reason[asked] = schema.REASON_CODE[why]
    reason[shares.duplicate] = DUPLICATE
    starts = np.empty(len(rows), dtype=bool)
    _starts(rows.document, starts)
    return WeighedRows(reason, found.lat, found.lon, found.repaired, shares.weight, starts)


@compiled
def _starts(document: Keys, starts: Flags) -> None:
    last = np.uint64(0)
    for row in range(len(document)):
        starts[row] = document[row] == 0 or document[row] != last
        last = document[row]


@compiled
def _identify(
    lat: Floats,
    lon: Floats,
    reason: npt.NDArray[np.int8],
    organisation: npt.NDArray[np.int32],
    country: npt.NDArray[np.int16],
    year: npt.NDArray[np.int16],
    field_key: Keys,
    source: npt.NDArray[np.int16],
    row: Ints,
    place: Keys,
    tie_break: Keys,
) -> None:
    """
    Give keys to point and organisation, and an order to rows that agree in them.

    The order comes from what the rows say; where they stood decides between rows that agree in all that is counted.
    """
    lat_bits, lon_bits = lat.view(np.uint64), lon.view(np.uint64)
    c1, c2 = np.uint64(0x87C37B91114253D5), np.uint64(0xFF51AFD7ED558CCD)
    for i in range(len(lat)):
        key = np.uint64(0)
        if lat[i] == lat[i] and lon[i] == lon[i]:
            north = lat_bits[i] if lat[i] != 0.0 else np.uint64(0)  # -0.0 is the same place as 0.0
            east = lon_bits[i] if lon[i] != 0.0 else np.uint64(0)
            key = (north * c1) ^ (east << np.uint64(1) | east >> np.uint64(63))
            key = (key ^ (key >> np.uint64(33))) * c2
            key = (key ^ (key >> np.uint64(29)) ^ np.uint64(organisation[i] + 1)) * c1
            key = (key ^ (key >> np.uint64(32))) | np.uint64(1)
        place[i] = key
        content = field_key[i] ^ (
            np.uint64(reason[i] + 1) * c1
            ^ np.uint64(country[i] + 1) * c2
            ^ np.uint64(year[i] + 1) * np.uint64(0x9E3779B97F4A7C15)
        )
        tie_break[i, 0] = content
        tie_break[i, 1] = (np.uint64(source[i]) << np.uint64(48)) | np.uint64(row[i])
