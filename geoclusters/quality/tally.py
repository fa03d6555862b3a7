"""Counts what became of the addresses of each source, while they pass by."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

import numpy as np

from geoclusters.quality.drawing import DEFAULT_MAX_ROWS, DocumentSample
from geoclusters.schema import REASON_CODE, REASONS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import numpy.typing as npt

    Ints = npt.NDArray[np.integer]
    Floats = npt.NDArray[np.float64]
    Keys = npt.NDArray[np.uint64]

PLACED: Final = REASON_CODE["placed"]
OUTSIDE: Final = REASON_CODE["outside_country"]
IS_ASKED: Final = np.isin(np.arange(len(REASONS)), (PLACED, OUTSIDE))
"""By reason: whether the point could be held against the stated country."""
MOST_CODES: Final = 1 << 18
POINT_DIGITS: Final = 5
"""Decimals of a degree in which points are the same point: about a metre."""


class QualityTally:
    """
    Rows of each source by year, level of geocoding and reason, and a sample of their points.

    Parts of a run may be counted apart, in any order, and merged.

    Parameters
    ----------
    max_rows : int
        Rows of points that are kept for each source, to look for piles; 35 bytes each.

    Examples
    --------
    >>> tally = QualityTally()
    >>> tally.add(source=np.zeros(2, dtype=int), reason=np.array([0, 1]), accuracy=np.array([3, -1]),
    ...           year=np.array([2020, 2021]), country=np.array([7, 7]), lat=np.array([48.1, np.nan]),
    ...           lon=np.array([11.6, np.nan]), document=np.array([5, 6], dtype=np.uint64),
    ...           organisation=np.array([1, 2]))
    >>> sorted(tally.rows().items())
    [((0, 2020, 3, 0), 1), ((0, 2021, -1, 1), 1)]
    """

    def __init__(self, *, max_rows: int = DEFAULT_MAX_ROWS) -> None:
        self._max_rows = max_rows
        self._rows: Counter[tuple[int, ...]] = Counter()
        self._stated: Counter[tuple[int, ...]] = Counter()
        self._samples: dict[int, DocumentSample] = {}

    def add(
        self,
        *,
        source: Ints,
        reason: Ints,
        accuracy: Ints,
        year: Ints,
        country: Ints,
        lat: Floats,
        lon: Floats,
        document: Keys,
        organisation: Ints,
    ) -> None:
        """
        Take note of rows.

        Parameters
        ----------
        source : numpy.ndarray of int, shape (n,)
            Position of the source in the study.
        reason, accuracy : numpy.ndarray of int
            Codes of `schema.REASONS` and `schema.LEVELS`; accuracy -1 = not stated.
        year, country : numpy.ndarray of int
            -1 = none; countries as codes that mean the same in all parts.
        lat, lon : numpy.ndarray of float64
            WGS 84 degrees, NaN where missing.
        document : numpy.ndarray of uint64
            Key of the document; 0 for a row that stands for none or for a count of them.
        organisation : numpy.ndarray of int
            Code or key of the organisation, the same in all parts; -1 = none.
        """
        _count(self._rows, source, year, accuracy, reason)
        if (country >= 0).any():
            located = (np.abs(lat) <= 90) & (np.abs(lon) <= 180)
            asked = located & (country >= 0) & IS_ASKED[reason]
            _count(self._stated, source[asked], country[asked], reason[asked])
        for number in _values(source):
            sample = self._sample(number)
            rows = sample.draws(document)
            rows = rows[(np.abs(lat[rows]) <= 90) & (np.abs(lon[rows]) <= 180)]
            rows = rows[source[rows] == number]
            sample.add(
                document[rows],
                {
                    "lat": np.round(lat[rows], POINT_DIGITS),
                    "lon": np.round(lon[rows], POINT_DIGITS),
                    "organisation": organisation[rows].astype(np.int64),
                    "year": year[rows].astype(np.int16),
                    "placed": reason[rows] == PLACED,
                },
            )

    def merge(self, other: QualityTally) -> None:
        """Take in what another tally counted."""
        self._rows.update(other._rows)
        self._stated.update(other._stated)
        for number, sample in other._samples.items():
            self._sample(number).merge(sample)

    def write(self, file: Path) -> None:
        """Keep the counts and samples in an .npz file."""
        arrays: dict[str, npt.NDArray[np.generic]] = {}
        for name, counter in (("rows", self._rows), ("stated", self._stated)):
            arrays[name] = np.array([[*key, n] for key, n in counter.items()], dtype=np.int64)
        for number, sample in self._samples.items():
            arrays[f"sample-{number}-halvings"] = np.array([sample.halvings])
            for column, values in sample.columns().items():
                arrays[f"sample-{number}-column-{column}"] = values
        np.savez(file, **arrays)  # type: ignore[arg-type]

    @classmethod
    def read(cls, file: Path, *, max_rows: int = DEFAULT_MAX_ROWS) -> QualityTally:
        """Give back what `write` kept."""
        tally = cls(max_rows=max_rows)
        with np.load(file) as arrays:
            for name, counter in (("rows", tally._rows), ("stated", tally._stated)):
                counter.update({tuple(row[:-1]): row[-1] for row in arrays[name].tolist()})
            for name in arrays.files:
                if name.endswith("-halvings"):
                    prefix = name.removesuffix("halvings") + "column-"
                    columns = {
                        n.removeprefix(prefix): arrays[n]
                        for n in arrays.files
                        if n.startswith(prefix)
                    }
                    sample = DocumentSample(max_rows, halvings=int(arrays[name][0]))
                    if columns:
                        sample.add(columns.pop("document"), columns)
                    tally._samples[int(name.split("-")[1])] = sample
        return tally

    def rows(self) -> dict[tuple[int, ...], int]:
        """Rows by source, year, level and reason."""
        return dict(self._rows)

    def stated(self) -> dict[tuple[int, ...], int]:
        """Rows that have a point and a stated country, by source, country and reason (placed, outside_country)."""
        return dict(self._stated)

    def samples(self) -> Iterator[tuple[int, DocumentSample]]:
        """Give the number of each source and the sample of its points."""
        yield from sorted(self._samples.items())

    def _sample(self, source: int) -> DocumentSample:
        return self._samples.setdefault(source, DocumentSample(self._max_rows))


def _values(numbers: Ints) -> list[int]:
    """Give the numbers that stand there, of which there are few."""
    if len(numbers) and numbers.min() == numbers.max():
        return [int(numbers[0])]
    return [int(number) for number in np.unique(numbers)]


def _count(counter: Counter[tuple[int, ...]], *columns: Ints) -> None:
    """Add the rows of each combination of values to a counter."""
    if not len(columns[0]):
        return
    spans = [(int(c.min()), int(c.max()) - int(c.min()) + 1) for c in columns]
    if all(n == 1 for _, n in spans):
        counter[tuple(low for low, _ in spans)] += len(columns[0])
        return
    code = np.zeros(len(columns[0]), dtype=np.int64)
    for column, (low, n) in zip(columns, spans, strict=True):
        if n > 1:
            code *= n
            code += column
            code -= low
    if np.prod([float(n) for _, n in spans]) <= MOST_CODES:
        counted = np.bincount(code)
        groups = np.flatnonzero(counted)
        rows = counted[groups]
    else:
        groups, rows = np.unique(code, return_counts=True)
    for group, n_rows in zip(groups.tolist(), rows.tolist(), strict=True):
        values, rest = [], group
        for low, n in reversed(spans):
            values.append(low + rest % n)
            rest //= n
        counter[tuple(reversed(values))] += n_rows
