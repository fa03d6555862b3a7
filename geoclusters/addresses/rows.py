"""Batches of a source as plain arrays: keys, codes and numbers, which is what counting and binning take."""

from __future__ import annotations

import threading
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa

from geoclusters import countries, schema
from geoclusters.addresses.constant import constant
from geoclusters.addresses.documents import of_metric
from geoclusters.addresses.sources.columns import ColumnError, numbers, years
from geoclusters.addresses.texts import Names, text_keys
from geoclusters.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt

    from geoclusters.addresses.parts import Part

    Codes = npt.NDArray[np.int32]

NONE: Final = -1

LEVEL_NAMES: Final = {
    "point": ("point", "rooftop", "exact", "address", "building", "campus"),
    "street": ("street", "road", "range_interpolated", "block"),
    "postcode": ("postcode", "postal_code", "zip", "zipcode"),
    "place": ("place", "city", "town", "locality", "municipality"),
    "region": ("region", "state", "province", "admin1", "county"),
    "country": ("country", "nation"),
}
"""Words for the levels of geocoding, from the finest to the coarsest level."""
LEVELS: Final = schema.LEVELS
NOT_GEOCODED: Final = ("unknown place", "ambiguous place")
"""What stands for a level where geocoding gave no point; their codes follow those of the levels."""


@dataclass(frozen=True)
class Rows:
    """
    Addresses as arrays of one length.

    Attributes
    ----------
    document, person : numpy.ndarray of uint64
        Keys of the texts (`texts.text_keys`), 0 where there is none; `document` is 0 also where the row has a `count`.
    lat, lon : numpy.ndarray of float64
        WGS 84 degrees, NaN where missing.
    country, year, organisation, field, accuracy : numpy.ndarray of int
        Codes (of `countries.country_codes`, `Book.organisations`, `Book.fields`, `LEVELS`) and years; -1 = none.
    count : numpy.ndarray of float64
        Documents that the row stands for; NaN for an ordinary address.
    metric, source, row : numpy.ndarray of int
        Where the row comes from; `row` from 1.
    """

    document: npt.NDArray[np.uint64]
    person: npt.NDArray[np.uint64]
    lat: npt.NDArray[np.float64]
    lon: npt.NDArray[np.float64]
    country: npt.NDArray[np.int16]
    year: npt.NDArray[np.int16]
    organisation: Codes
    field: Codes
    accuracy: npt.NDArray[np.int8]
    count: npt.NDArray[np.float64]
    metric: npt.NDArray[np.uint8]
    source: npt.NDArray[np.int16]
    row: npt.NDArray[np.int64]

    def __len__(self) -> int:
        """Count the rows."""
        return len(self.document)

    @property
    def level(self) -> npt.NDArray[np.int8]:
        """Code of `LEVELS` of each row, -1 where none is stated and where geocoding gave no point."""
        known = self.accuracy < len(LEVELS)
        return self.accuracy if known.all() else np.where(known, self.accuracy, np.int8(NONE))

    def taken(self, which: Any) -> Rows:  # noqa: ANN401
        """Give the rows of a slice, a mask or positions."""
        return Rows(**{f.name: getattr(self, f.name)[which] for f in fields(self)})


class Meanings:
    """Codes of what texts mean: each distinct text is looked up once; threads may share one."""

    def __init__(self, meaning: Callable[[Sequence[str]], npt.ArrayLike]) -> None:
        self._meaning = meaning
        self._names = Names()
        self._lock = threading.Lock()
        self._codes = np.zeros(0, dtype=np.int16)

    def codes(self, column: pa.Array) -> npt.NDArray[np.int16]:
        """Give the code of each row's meaning, -1 where there is none."""
        if pa.types.is_null(column.type):
            return constant(NONE, len(column), np.int16)
        found = self._names.codes(column)
        with self._lock:
            known = len(self._codes)
            if len(self._names) > known:
                texts = self._names.texts()[known:].to_pylist()
                added = np.asarray(self._meaning(texts), dtype=np.int16)
                self._codes = np.concatenate([self._codes, added])
            of_name = np.append(self._codes, np.int16(NONE))
        return np.asarray(of_name[found])


def _level(text: str) -> int:
    if text in NOT_GEOCODED:
        return len(LEVELS) + NOT_GEOCODED.index(text)
    for level, words in enumerate(LEVEL_NAMES.values()):
        if text.lower() in words:
            return level
    known = "; ".join(", ".join(words) for words in LEVEL_NAMES.values())
    raise ColumnError(
        f"accuracy = {text!r} is no known level of geocoding; known, from fine to coarse: {known}"
    )


class Book:
    """Codes that all batches of a run share: countries, levels, organisations and fields."""

    def __init__(self) -> None:
        self.countries = Meanings(countries.code_of)
        self.levels = Meanings(lambda texts: [_level(t) for t in texts])
        self.organisations = Names()
        self.fields = Names()

    def rows(
        self,
        batch: pa.RecordBatch,
        part: Part,
        *,
        numbers_in_file: npt.NDArray[np.int64],
        document: npt.NDArray[np.uint64],
    ) -> Rows:
        """
        Turn a batch of a part into arrays.

        Parameters
        ----------
        numbers_in_file : numpy.ndarray of int64
            Number of each row in its file, from 1.
        document : numpy.ndarray of uint64
            Key of the document of each row (`document_keys`).

        Raises
        ------
        SourceError
            Names the file, the row, what was seen and what would do.
        """
        n = batch.num_rows
        given = set(batch.schema.names)
        first_row = int(numbers_in_file[0]) if n else 1

        def column(name: str) -> pa.Array:
            return batch.column(name) if name in given else pa.nulls(n)

        def number(field: schema.Column) -> npt.NDArray[np.float64]:
            name = part.columns.get(field.name)
            return numbers(column(field.name), field, first_row, name=name)

        try:
            return Rows(
                document=document,
                person=text_keys(column("person")),
                lat=number(schema.LAT),
                lon=number(schema.LON),
                country=self.countries.codes(column("country")),
                year=years(column("year"), first_row, name=part.columns.get("year", "year")),
                organisation=self.organisations.codes(column("organisation")),
                field=self.fields.codes(column("field")),
                accuracy=self.levels.codes(column("accuracy")).astype(np.int8),
                count=number(schema.COUNT),
                metric=_own(batch, "metric", part.metric, np.uint8),
                source=_own(batch, "source", part.source, np.int16),
                row=numbers_in_file,
            )
        except (ColumnError, pa.ArrowException) as error:
            file = batch.column("file")[0] if part.made else part.path
            raise SourceError(f"{file}: {error}") from None


def _own(
    batch: pa.RecordBatch, name: str, of_part: int, kind: type[np.generic]
) -> npt.NDArray[Any]:
    """Give what rows that were set aside carry themselves, and otherwise what holds for their part."""
    if name in batch.schema.names:
        return np.asarray(batch.column(name).to_numpy())
    return constant(of_part, batch.num_rows, kind)


def row_numbers(batch: pa.RecordBatch, part: Part, first_row: int) -> npt.NDArray[np.int64]:
    """Give the number of each row in its file, from 1; parts that we made carry them."""
    if part.made:
        return np.asarray(batch.column("row").to_numpy())
    return np.arange(first_row, first_row + batch.num_rows, dtype=np.int64)


def document_keys(batch: pa.RecordBatch, part: Part, first_row: int) -> npt.NDArray[np.uint64]:
    """
    Give the key of each row's document; 0 where there is none or the row stands for a count of documents.

    Raises
    ------
    SourceError
        If a count is not a number.
    """
    names = batch.schema.names
    if "document" not in names:
        return np.zeros(batch.num_rows, dtype=np.uint64)
    keys = of_metric(text_keys(batch.column("document")), part.metric)
    if "count" not in names:
        return keys
    try:
        name = part.columns.get("count")
        count = numbers(batch.column("count"), schema.COUNT, first_row, name=name)
    except ColumnError as error:
        raise SourceError(f"{part.path}: {error}") from None
    return np.where(np.isnan(count), keys, np.uint64(0))
