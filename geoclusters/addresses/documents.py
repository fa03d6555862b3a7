"""Finds the documents whose rows do not stand together, and brings those rows together.

In most tables the rows of a document stand one after the other. Whether that is so is checked, never hoped: each
run of rows leaves the key of its document, and a key that is left twice is that of a scattered document. The rows
of those are set aside, in buckets on disk where they are many, and given back document by document; all others pass
through as they come.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from geoclusters import schema
from geoclusters.addresses.stored import is_int64
from geoclusters.addresses.texts import OTHER_SEED, text_keys
from geoclusters.compiling import compiled

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    import numpy.typing as npt

    from geoclusters.addresses.parts import Part

    Keys = npt.NDArray[np.uint64]
    Span = list[int] | None

BUCKET_ROWS: Final = 2_000_000
METRIC_FACTOR: Final = 0x9E3779B97F4A7C15
ALL_BITS: Final = (1 << 64) - 1

ASIDE: Final = pa.schema(
    [
        *schema.READ.arrow(),
        pa.field("source", pa.int16()),
        pa.field("metric", pa.uint8()),
        pa.field("dated", pa.bool_()),
        pa.field("key", pa.uint64()),
        pa.field("other_key", pa.uint64()),
    ]
)


def of_metric(keys: Keys, metric: int) -> Keys:
    """Give documents of one metric keys of their own; 0 stays 0."""
    if metric == 0:
        return keys
    return np.where(keys == 0, np.uint64(0), keys ^ np.uint64(metric * METRIC_FACTOR & ALL_BITS))


class ScatterFinder:
    """
    Finds the documents whose rows do not stand together, while their keys pass by.

    Examples
    --------
    >>> finder = ScatterFinder()
    >>> for key in (1, 1, 2, 1): finder.see(np.array([key], dtype=np.uint64))
    >>> repeated_keys(finder.runs())
    array([1], dtype=uint64)
    """

    def __init__(self) -> None:
        self._runs: list[Keys] = []
        self._last = np.uint64(0)

    def see(self, keys: Keys) -> None:
        """Take note of the keys of the next rows; 0 is no document."""
        if len(keys):
            runs = np.empty(len(keys), dtype=np.uint64)
            self._runs.append(runs[: _run_keys(keys, self._last, runs)].copy())
            self._last = keys[-1]

    def runs(self) -> Keys:
        """Give the key of each run of rows."""
        return np.concatenate([*self._runs, np.zeros(0, dtype=np.uint64)])


@compiled
def _run_keys(keys: Keys, last: np.uint64, runs: Keys) -> int:
    n = 0
    for key in keys:
        if key != last and key != np.uint64(0):
            runs[n] = key
            n += 1
        last = key
    return n


def rising_span(columns: Iterable[pa.Array]) -> Span:
    """
    Give the first and last of documents that are whole numbers and never fall from row to row.

    Returns
    -------
    list of int or None
        Nothing where there is no row; None where they are no numbers, or one is missing, too large, or falls.

    Examples
    --------
    >>> rising_span([pa.array([1, 1, 2]), pa.array([2, 7])]), rising_span([pa.array([3, 1])])
    ([1, 7], None)
    """
    span: list[int] = []
    for column in columns:
        if not is_int64(column) or column.null_count:
            return None
        if len(column):
            values = column.to_numpy().astype(np.int64, copy=False)
            span = span or [int(values[0]), int(values[0])]
            if not _never_falls(values, span[1]):
                return None
            span = [span[0], int(values[-1])]
    return span


def joined_span(spans: Sequence[Span]) -> Span:
    """
    Give the span of rows that follow each other, from the spans of pieces of them.

    Examples
    --------
    >>> joined_span([[1, 5], [], [5, 9]]), joined_span([[1, 5], [4, 9]])
    ([1, 9], None)
    """
    known = [span for span in spans if span]
    if None in spans or any(a[1] > b[0] for a, b in pairwise(known)):
        return None
    return [known[0][0], known[-1][1]] if known else []


def touching_numbers(spans: Sequence[Span]) -> list[int] | None:
    """
    Give the numbers that one part ends and another begins with; None if parts, which may come in any order, overlap.

    Parameters
    ----------
    spans : sequence
        First and last number of each part, nothing if it is empty, None if its numbers do not rise.

    Examples
    --------
    >>> touching_numbers([[5, 9], [1, 5], []]), touching_numbers([[1, 5], [4, 9]])
    ([5], None)
    """
    known = sorted(span for span in spans if span)
    if None in spans or any(a[1] > b[0] for a, b in pairwise(known)):
        return None
    return sorted({a[1] for a, b in pairwise(known) if a[1] == b[0]})


class OrderError(Exception):
    """Documents do not rise from row to row, as the files of their metric had it."""


class RiseCheck:
    """
    Checks, while batches pass by, that the documents of some metrics are numbers that rise; then none is scattered.

    Parameters
    ----------
    metrics : iterable of int
        Those of which it is expected (`parts.stated_spans`).
    """

    def __init__(self, metrics: Iterable[int]) -> None:
        self._spans: dict[int, dict[Part, Span]] = {metric: {} for metric in metrics}

    def see(self, part: Part, batch: pa.RecordBatch) -> None:
        """
        Take note of the next batch of a part.

        Raises
        ------
        OrderError
            If a document may be scattered, within the part or over two of them.
        """
        spans = self._spans.get(part.metric)
        if spans is not None:
            before, now = spans.get(part, []), rising_span([batch.column("document")])
            spans[part] = joined_span([before, now])
            if touching_numbers(list(spans.values())) != []:
                raise OrderError


@compiled
def _never_falls(values: npt.NDArray[np.int64], last: int) -> bool:
    falls = len(values) > 0 and values[0] < last
    # To the end, since a loop that can be left looks at one row at a time.
    for row in range(len(values) - 1):
        falls |= values[row + 1] < values[row]
    return not falls


def repeated_keys(runs: Keys) -> Keys:
    """Give the keys that stand there more than once, sorted."""
    with ThreadPoolExecutor(2) as pool:
        halves = pool.map(_repeated, (runs[runs >> np.uint64(63) == half] for half in (0, 1)))
        return np.concatenate(list(halves))


def _repeated(runs: Keys) -> Keys:
    runs.sort()
    return np.unique(runs[1:][runs[1:] == runs[:-1]])


def is_member(keys: Keys, sorted_keys: Keys) -> npt.NDArray[np.bool_]:
    """Tell which keys are among `sorted_keys`."""
    if not len(sorted_keys):
        return np.zeros(len(keys), dtype=bool)
    at = np.minimum(np.searchsorted(sorted_keys, keys), len(sorted_keys) - 1)
    return np.asarray(sorted_keys[at] == keys)


def first_keys(keys: Keys, starts: npt.NDArray[np.bool_]) -> Keys:
    """
    Give the key of each document, from the keys of its rows and where it starts.

    Examples
    --------
    >>> first_keys(np.array([7, 7, 8], dtype=np.uint64), np.array([True, False, True]))
    array([7, 8], dtype=uint64)
    """
    found = np.empty(len(keys), dtype=np.uint64)
    return found[: _pick(keys, starts, found)]


@compiled
def _pick(keys: Keys, chosen: npt.NDArray[np.bool_], found: Keys) -> int:
    n = 0
    for row in range(len(keys)):
        found[n] = keys[row]  # overwritten by the next one, unless it was chosen
        n += chosen[row]
    return n


def open_ends(keys: Keys, last: np.uint64) -> tuple[int, int]:
    """
    Give the rows of a batch whose documents are surely whole.

    They lie between its first run, if that goes on from the batch before (whose last key was `last`), and its last
    run, which may go on in the next.

    Examples
    --------
    >>> open_ends(np.array([7, 7, 8, 9, 9], dtype=np.uint64), np.uint64(7))
    (2, 3)
    """
    first, stop = 0, len(keys)
    while first < len(keys) and keys[first] == last and last != 0:
        first += 1
    if len(keys) and keys[-1] != 0:
        while stop > first and keys[stop - 1] == keys[-1]:
            stop -= 1
    return first, stop


def aside_table(full: pa.RecordBatch, *, source: int, metric: int, dated: bool) -> pa.Table:
    """Give rows of `schema.READ` as they are set aside: with their source, metric and the keys of their document."""
    keys = of_metric(text_keys(full.column("document")), metric)
    n = full.num_rows
    added = [
        pa.array(np.full(n, source, dtype=np.int16)),
        pa.array(np.full(n, metric, dtype=np.uint8)),
        pa.array(np.full(n, dated)),
        pa.array(keys),
        pa.array(text_keys(full.column("document"), seed=OTHER_SEED)),
    ]
    return pa.Table.from_arrays([*full.columns, *added], schema=ASIDE)


class Aside:
    """Rows set aside until all of their document are there, in buckets on disk where they are many."""

    COUNT: Final = 64

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._waiting: list[pa.Table] = []
        self._rows = 0
        self._parts: dict[int, list[Path]] = {}

    def add(self, table: pa.Table) -> None:
        """Set rows aside (`aside_table`)."""
        if table.num_rows:
            self._waiting.append(table)
            self._rows += table.num_rows
        if self._rows >= BUCKET_ROWS:
            self._spill()

    def _spill(self) -> None:
        table = pa.concat_tables(self._waiting)
        bucket = table["key"].to_numpy() % np.uint64(self.COUNT)
        for number in range(self.COUNT):
            parts = self._parts.setdefault(number, [])
            file = self._folder / f"bucket-{number:02}-{len(parts):04}.parquet"
            pq.write_table(table.filter(pa.array(bucket == number)), file, compression="lz4")
            parts.append(file)
        self._waiting, self._rows = [], 0

    def take(self) -> Iterator[pa.Table]:
        """Give the rows back, each bucket at once, those of a document together, in an order of their own."""
        if self._waiting and self._parts:
            self._spill()
        if self._waiting:
            yield together(self._waiting)
        for parts in self._parts.values():
            tables = [pq.read_table(p) for p in parts]
            for part in parts:
                part.unlink()
            if any(t.num_rows for t in tables):
                yield together(tables)


def together(tables: Iterable[pa.Table]) -> pa.Table:
    """Bring the rows of each document together, in an order that does not depend on when they came."""
    table = pa.concat_tables(tables).combine_chunks()
    columns = [table[n].to_numpy() for n in ("row", "source", "other_key", "key")]
    return table.take(pa.array(np.lexsort(columns)))


def run_numbers(batch: pa.RecordBatch) -> Keys:
    """Give numbers to the documents of rows that were set aside and brought together, from 1."""
    starts = np.zeros(batch.num_rows, dtype=bool)
    for name in ("metric", "key", "other_key"):
        values = batch.column(name).to_numpy()
        starts[1:] |= values[1:] != values[:-1]
    return (np.cumsum(starts) + 1).astype(np.uint64)
