"""Fills in the points of addresses that name a place and have no coordinates, batch by batch."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from geoclusters.countries import iso2_of
from geoclusters.geocoding.answers import MIN_SCORE, geocode

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import numpy.typing as npt

    from geoclusters.geocoding.answers import Ambiguous
    from geoclusters.geocoding.external import Address, KeptGeocoder

Coarsest = Literal["place", "region", "country"]

UNKNOWN_PLACE: Final = "unknown place"
AMBIGUOUS_PLACE: Final = "ambiguous place"
"""Stand in the column `accuracy` of rows that name a place and could not be given a point."""

MOST_REMEMBERED: Final = 500_000
"""Distinct addresses that are remembered; when there are more, all are forgotten and looked up again."""
_LEVELS: Final = ("place", "region", "country")
_STATED: Final = ("place", "region", "country")


@dataclass(frozen=True)
class GeocodingRules:
    """
    Settings of geocoding.

    Attributes
    ----------
    min_score : float
        Answers below this chance are not given.
    ambiguous : {'reject', 'largest'}
        What to do where several places share the chance.
    coarsest : {'place', 'region', 'country'}
        Coarsest level whose point is filled in.
    external : KeptGeocoder or None
        Asked for what is not found otherwise.
    """

    min_score: float = MIN_SCORE
    ambiguous: Ambiguous = "reject"
    coarsest: Coarsest = "place"
    external: KeptGeocoder | None = None


@dataclass
class GeocodingTally:
    """
    What became of the rows without coordinates that name a place or a region.

    Attributes
    ----------
    asked : int
        Such rows.
    filled : Counter
        Rows that were given a point, by level.
    reasons : Counter
        All such rows by the reason of their answer (`geocoding.REASONS`).
    """

    asked: int = 0
    filled: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)


def geocoded(
    batches: Iterable[pa.RecordBatch],
    *,
    rules: GeocodingRules | None = None,
    tally: GeocodingTally | None = None,
) -> Iterator[pa.RecordBatch]:
    """
    Give a point to the addresses that name a place or region and have none.

    Parameters
    ----------
    batches : iterable of pyarrow.RecordBatch
        Columns of `schema.READ`, or others with `lat`, `lon`, `place`, `region`, `country` and `accuracy`.
    rules : GeocodingRules, optional
    tally : GeocodingTally, optional
        Is added to.

    Yields
    ------
    pyarrow.RecordBatch
        The same rows and columns. Rows that have coordinates, and rows that name neither place nor region,
        are as they were. Of the others `lat` and `lon` are filled in where the answer is fine enough, and
        `accuracy` says what it stands for: ``place``, ``region`` or ``country``. Where no point was filled in,
        `accuracy` is `UNKNOWN_PLACE` or `AMBIGUOUS_PLACE` if a place was named. `country` is that of the point
        where another or none was stated: Hong Kong in an address that states China.

    Examples
    --------
    >>> batch = pa.RecordBatch.from_pydict({
    ...     "lat": [None, 1.0], "lon": [None, 2.0], "place": ["Kyoto-shi", "Kyoto-shi"], "region": [None, None],
    ...     "country": ["JP", "JP"], "accuracy": pa.array([None, None], pa.string())})
    >>> [found] = geocoded([batch])
    >>> found.column("lat").to_pylist(), found.column("accuracy").to_pylist()
    ([35.0211, 1.0], ['place', None])
    """
    memory = _Memory(rules or GeocodingRules())
    count = GeocodingTally() if tally is None else tally
    for batch in batches:
        rows = _rows_without_point(batch)
        yield _filled(batch, rows, memory, count) if len(rows) else batch


@dataclass(frozen=True)
class _Answer:
    lat: float
    lon: float
    accuracy: str | None
    reason: str
    country: str | None = None


class _Memory:
    """Answers by address, so that each distinct one is looked up once."""

    def __init__(self, rules: GeocodingRules) -> None:
        self._rules = rules
        self._answers: dict[Address, _Answer] = {}

    def answers(self, addresses: list[Address]) -> list[_Answer]:
        new = [a for a in addresses if a not in self._answers]
        if len(self._answers) + len(new) > MOST_REMEMBERED:
            self._answers.clear()
            new = addresses
        if new:
            self._answers.update(zip(new, self._look_up(new), strict=True))
        return [self._answers[a] for a in addresses]

    def _look_up(self, addresses: list[Address]) -> list[_Answer]:
        rules = self._rules
        found = geocode(
            *([a[i] for a in addresses] for i in range(3)),
            min_score=rules.min_score,
            ambiguous=rules.ambiguous,
        )
        stated = iso2_of(np.array([a[2] for a in addresses], dtype=object))
        found["country"] = found["country"].mask(found["country"].to_numpy(object) == stated, None)
        columns = (found[name] for name in ("lat", "lon", "level", "reason", "country"))
        rows = zip(addresses, *(c.tolist() for c in columns), strict=True)
        return [self._answer(*row) for row in rows]

    def _answer(
        self,
        address: Address,
        lat: float,
        lon: float,
        level: str | None,
        reason: str,
        country: str | None,
    ) -> _Answer:
        rules = self._rules
        if level != "place" and rules.external is not None and address[0]:
            point = rules.external.find(address)
            if point is not None:
                return _Answer(*point, "place", "external")
        if level in _LEVELS[: _LEVELS.index(rules.coarsest) + 1]:
            return _Answer(lat, lon, level, reason, country)
        if not address[0]:
            return _Answer(np.nan, np.nan, None, reason)
        accuracy = AMBIGUOUS_PLACE if reason == "ambiguous" else UNKNOWN_PLACE
        return _Answer(np.nan, np.nan, accuracy, reason)


def _rows_without_point(batch: pa.RecordBatch) -> npt.NDArray[np.int64]:
    """Rows without latitude or longitude that name a place or a region."""
    lacking = pc.or_(*(pc.is_null(batch.column(c), nan_is_null=True) for c in ("lat", "lon")))
    named = pc.or_(*(_is_filled(batch.column(c)) for c in ("place", "region")))
    return np.flatnonzero(pc.and_(lacking, named).to_numpy(zero_copy_only=False))


def _is_filled(texts: pa.Array) -> pa.Array:
    length = pc.utf8_length(pc.utf8_trim_whitespace(_as_text(texts)))
    return pc.fill_null(pc.greater(length, 0), fill_value=False)


def _as_text(texts: pa.Array) -> pa.Array:
    return texts if pa.types.is_string(texts.type) else texts.cast(pa.string())


def _filled(
    batch: pa.RecordBatch,
    rows: npt.NDArray[np.int64],
    memory: _Memory,
    tally: GeocodingTally,
) -> pa.RecordBatch:
    which, addresses = _distinct_addresses(batch.take(pa.array(rows)))
    answers = memory.answers(addresses)
    _count(tally, answers, np.bincount(which, minlength=len(answers)))
    columns = {
        "lat": _replaced(batch, "lat", rows, [a.lat for a in answers], which),
        "lon": _replaced(batch, "lon", rows, [a.lon for a in answers], which),
        "accuracy": _replaced(batch, "accuracy", rows, [a.accuracy for a in answers], which),
    }
    if any(answer.country for answer in answers):
        columns["country"] = _replaced_countries(batch, rows, answers, which)
    for name, values in columns.items():
        at = batch.schema.get_field_index(name)
        batch = batch.set_column(at, batch.schema.field(at), values)
    return batch


def _distinct_addresses(batch: pa.RecordBatch) -> tuple[npt.NDArray[np.int64], list[Address]]:
    """Give the distinct addresses of the rows, and which of them each row has."""
    codes = np.zeros(batch.num_rows, dtype=np.int64)
    texts = []
    for name in _STATED:
        column = pc.fill_null(_as_text(batch.column(name)), "")
        encoded = column.dictionary_encode()
        texts.append(encoded.dictionary.to_pylist())
        codes = codes * len(texts[-1]) + encoded.indices.to_numpy(zero_copy_only=False)
    distinct, which = np.unique(codes, return_inverse=True)
    parts = []
    for values in reversed(texts):
        distinct, at = np.divmod(distinct, len(values))
        parts.append([values[i] for i in at])
    return which, list(zip(*reversed(parts), strict=True))


def _count(tally: GeocodingTally, answers: list[_Answer], rows: npt.NDArray[np.int64]) -> None:
    tally.asked += int(rows.sum())
    for answer, n in zip(answers, rows.tolist(), strict=True):
        tally.reasons[answer.reason] += n
        if not np.isnan(answer.lat) and answer.accuracy:
            tally.filled[answer.accuracy] += n


def _replaced_countries(
    batch: pa.RecordBatch,
    rows: npt.NDArray[np.int64],
    answers: list[_Answer],
    which: npt.NDArray[np.int64],
) -> pa.Array:
    """Countries of the batch; of rows whose point is in another one than stated, that of the point."""
    told = pa.array([answer.country for answer in answers], pa.string()).take(pa.array(which))
    column = _as_text(batch.column("country"))
    mask = np.zeros(len(column), dtype=bool)
    mask[rows] = told.is_valid().to_numpy(zero_copy_only=False)
    replaced = pc.replace_with_mask(column, pa.array(mask), told.drop_null())
    return replaced.cast(batch.column("country").type)


def _replaced(
    batch: pa.RecordBatch,
    name: str,
    rows: npt.NDArray[np.int64],
    values: list[float] | list[str | None],
    which: npt.NDArray[np.int64],
) -> pa.Array:
    column = batch.column(name)
    new = pa.array(
        pd.Series(values, dtype=object if name == "accuracy" else "float64"), from_pandas=True
    )
    mask = np.zeros(len(column), dtype=bool)
    mask[rows] = True
    return pc.replace_with_mask(column, pa.array(mask), new.cast(column.type).take(pa.array(which)))
