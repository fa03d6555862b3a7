"""From the rows of a source to checked addresses of the window, and a tally of what happened to them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from geoclusters import countries, schema
from geoclusters.addresses.checks import check_addresses
from geoclusters.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import numpy.typing as npt

    from geoclusters.addresses.checks import Outside

LEVEL_NAMES: Final = {
    "point": ("point", "rooftop", "exact", "address", "building", "campus"),
    "street": ("street", "road", "range_interpolated", "block"),
    "postcode": ("postcode", "postal_code", "zip", "zipcode"),
    "place": ("place", "city", "town", "locality", "municipality"),
    "region": ("region", "state", "province", "admin1", "county"),
    "country": ("country", "nation"),
}
"""Words for the levels of geocoding, from the finest to the coarsest level."""


@dataclass
class Tally:
    """What became of the rows of one source."""

    read: int = 0
    outside_window: int = 0
    without_year: int = 0
    repaired: int = 0
    years_seen: list[int] = field(default_factory=list)
    reasons: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class Rules:
    """Settings of the checks, for one source."""

    metric: str
    source: int
    first_year: int | None
    last_year: int | None
    has_year: bool
    accuracy: str
    repair_swapped: bool
    outside: Outside | None


def checked_addresses(
    batches: Iterable[pa.RecordBatch], *, rules: Rules, tally: Tally
) -> Iterator[pa.RecordBatch]:
    """
    Keep the rows of the window and say of each address why it cannot be placed.

    Parameters
    ----------
    batches : iterable of pyarrow.RecordBatch
        Columns of `schema.READ`.
    tally : Tally
        Is added to.

    Yields
    ------
    pyarrow.RecordBatch
        Columns of `schema.CHECKED`.
    """
    for batch in batches:
        tally.read += batch.num_rows
        inside = _in_window(batch, rules, tally)
        if inside.num_rows:
            yield _checked(inside, rules, tally)


def _in_window(batch: pa.RecordBatch, rules: Rules, tally: Tally) -> pa.RecordBatch:
    if not rules.has_year or (rules.first_year is None and rules.last_year is None):
        return batch
    year = batch.column("year")
    seen = pc.min_max(year).as_py()
    tally.years_seen += [y for y in seen.values() if y is not None]
    inside = pc.and_(
        pc.greater_equal(year, pa.scalar(rules.first_year or 0, pa.int16())),
        pc.less_equal(year, pa.scalar(rules.last_year or 9999, pa.int16())),
    )
    tally.without_year += year.null_count
    tally.outside_window += batch.num_rows - (pc.sum(inside).as_py() or 0) - year.null_count
    return batch.filter(pc.fill_null(inside, fill_value=False))


def _checked(batch: pa.RecordBatch, rules: Rules, tally: Tally) -> pa.RecordBatch:
    stated = _iso2(batch.column("country"))
    count = batch.column("count")
    _check_counts(batch, count)
    found = check_addresses(
        lat=_floats(batch.column("lat")),
        lon=_floats(batch.column("lon")),
        country=stated,
        too_coarse=_too_coarse(batch, rules.accuracy),
        has_document=pc.or_(batch.column("document").is_valid(), count.is_valid()).to_numpy(
            zero_copy_only=False
        ),
        outside=rules.outside,
        repair_swapped=rules.repair_swapped,
    )
    placed = found.reason == schema.REASON_CODE["placed"]
    tally.repaired += int((found.repaired & placed).sum())
    added = {
        "metric": pa.repeat(pa.scalar(rules.metric), batch.num_rows),
        "source": pa.repeat(pa.scalar(rules.source, pa.int16()), batch.num_rows),
        "reason": pa.array(found.reason),
        "placed_lat": pa.array(found.lat),
        "placed_lon": pa.array(found.lon),
        "economy": pa.array(_economy(stated, found.lat, found.lon, placed), pa.string()),
    }
    layout = schema.CHECKED.arrow()
    columns = [added[f.name] if f.name in added else batch.column(f.name) for f in layout]
    return pa.RecordBatch.from_arrays(columns, schema=layout)


def _floats(column: pa.Array) -> npt.NDArray[np.float64]:
    return np.asarray(column.to_numpy(zero_copy_only=False), dtype=np.float64)


def _iso2(column: pa.Array) -> npt.NDArray[np.object_]:
    """Stated countries as ISO 3166-1 alpha-2; each distinct spelling is looked up once."""
    encoded = column.dictionary_encode()
    found = countries.iso2_of(encoded.dictionary.to_pylist())
    known = np.array([*found, None], dtype=object)
    codes = pc.fill_null(encoded.indices, -1).to_numpy(zero_copy_only=False)
    return np.asarray(known[codes], dtype=object)


def _economy(
    stated: npt.NDArray[np.object_],
    lat: npt.NDArray[np.float64],
    lon: npt.NDArray[np.float64],
    placed: npt.NDArray[np.bool_],
) -> npt.NDArray[np.object_]:
    """Stated country, or that of the point where none is stated; each distinct point is looked up once."""
    economy = stated.copy()
    asked = np.flatnonzero(placed & np.array([s is None for s in stated], dtype=bool))
    if len(asked):
        points, back = np.unique(np.stack([lat[asked], lon[asked]]), axis=1, return_inverse=True)
        economy[asked] = np.asarray(countries.country_at(*points), dtype=object)[back.ravel()]
    return economy


def _too_coarse(batch: pa.RecordBatch, coarsest: str) -> npt.NDArray[np.bool_]:
    levels = list(LEVEL_NAMES)
    allowed = levels.index(coarsest)
    encoded = batch.column("accuracy").dictionary_encode()
    flags = [_level(text) > allowed for text in encoded.dictionary.to_pylist()]
    codes = pc.fill_null(encoded.indices, -1).to_numpy(zero_copy_only=False)
    return np.asarray(np.array([*flags, False])[codes], dtype=bool)


def _level(text: str) -> int:
    for level, words in enumerate(LEVEL_NAMES.values()):
        if text.lower() in words:
            return level
    known = "; ".join(", ".join(words) for words in LEVEL_NAMES.values())
    raise SourceError(
        f"accuracy = {text!r} is no known level of geocoding; known, from fine to coarse: {known}"
    )


def _check_counts(batch: pa.RecordBatch, count: pa.Array) -> None:
    wrong = np.flatnonzero(
        pc.fill_null(pc.less(count, 0), fill_value=False).to_numpy(zero_copy_only=False)
    )
    if len(wrong):
        row: dict[str, Any] = batch.slice(int(wrong[0]), 1).to_pylist()[0]
        raise SourceError(
            f"{row['file']}, row {row['row']}: count = {row['count']:g} is negative; a count of documents is 0 or more"
        )
