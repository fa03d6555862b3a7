"""Brings the rows of each document together, however they are scattered over the files.

In most tables the rows of a document stand one after the other. Whether that is so is found out while
the rows are read: each run of rows leaves the key of its document, and a key that is left twice is that
of a scattered document. The rows of those are set aside in buckets on disk and weighed bucket by bucket;
the others pass through as they come.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    import numpy.typing as npt

    Keys = npt.NDArray[np.uint64]

BUCKET_ROWS: Final = 2_000_000
BATCH_ROWS: Final = 1_000_000


def document_keys(batch: pa.RecordBatch) -> Keys:
    """
    Give a 64-bit key of metric and document for each row (equal documents have equal keys).

    Two documents may share a key by chance; they are then treated as scattered, which is slower and no less exact.
    """
    return _hashed(batch.column("document")) ^ (
        _hashed(batch.column("metric")) * np.uint64(0x9E3779B97F4A7C15)
    )


def _hashed(column: pa.Array) -> Keys:
    encoded = column.dictionary_encode()
    codes = pc.fill_null(encoded.indices, -1).to_numpy(zero_copy_only=False)
    values = encoded.dictionary.to_numpy(zero_copy_only=False).astype(object)
    hashes = np.append(pd.util.hash_array(values, categorize=False), np.uint64(0))
    return np.asarray(hashes[codes], dtype=np.uint64)


class ScatterFinder:
    """
    Finds the documents whose rows do not stand together, while batches pass by.

    Examples
    --------
    >>> finder = ScatterFinder()
    >>> for key in (1, 1, 2, 1): finder.see(np.array([key], dtype=np.uint64))
    >>> finder.scattered()
    array([1], dtype=uint64)
    """

    def __init__(self) -> None:
        self._runs: list[Keys] = []
        self._last: np.uint64 | None = None

    def see(self, keys: Keys) -> None:
        """Take note of the keys of the next rows."""
        if not len(keys):
            return
        first = np.ones(len(keys), dtype=bool)
        first[1:] = keys[1:] != keys[:-1]
        first[0] = self._last is None or keys[0] != self._last
        self._runs.append(keys[first])
        self._last = keys[-1]

    def scattered(self) -> Keys:
        """Keys that begin more than one run, sorted."""
        runs = np.sort(np.concatenate(self._runs)) if self._runs else np.zeros(0, dtype=np.uint64)
        return np.unique(runs[1:][runs[1:] == runs[:-1]])


def whole_documents(
    batches: Iterable[pa.RecordBatch], *, scattered: Keys, spill: Path
) -> Iterator[pa.Table]:
    """
    Give the same rows in tables that hold whole documents, rows of a document together.

    Parameters
    ----------
    batches : iterable of pyarrow.RecordBatch
        Rows with `metric` and `document`.
    scattered : numpy.ndarray of uint64
        Keys of documents whose rows do not stand together, sorted (`ScatterFinder`).
    spill : Path
        An existing folder for the rows of scattered documents; it is empty again at the end.
    """
    aside = _Buckets(spill)
    rest: pa.Table | None = None
    for batch in batches:
        keys = document_keys(batch)
        table = pa.Table.from_batches([batch])
        if len(scattered):
            is_scattered = _member(keys, scattered)
            aside.add(table.filter(pa.array(is_scattered)), keys[is_scattered])
            table, keys = table.filter(pa.array(~is_scattered)), keys[~is_scattered]
        if not table.num_rows:
            continue
        rest = table if rest is None else pa.concat_tables([rest, table])
        done = rest.num_rows - _last_run(keys)
        if done > 0 and len(keys) > _last_run(keys):
            yield rest.slice(0, done).combine_chunks()
            rest = rest.slice(done)
    if rest is not None and rest.num_rows:
        yield rest.combine_chunks()
    yield from aside.take()


def _member(keys: Keys, sorted_keys: Keys) -> npt.NDArray[np.bool_]:
    at = np.minimum(np.searchsorted(sorted_keys, keys), len(sorted_keys) - 1)
    return np.asarray(sorted_keys[at] == keys)


def _last_run(keys: Keys) -> int:
    """Length of the run of equal keys at the end."""
    different = np.flatnonzero(keys != keys[-1])
    return len(keys) - (int(different[-1]) + 1 if len(different) else 0)


class _Buckets:
    """Rows set aside by key in Parquet files, so many that each fits into memory."""

    COUNT: Final = 64

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._waiting: list[tuple[pa.Table, Keys]] = []
        self._rows = 0
        self._parts: dict[int, list[Path]] = {}

    def add(self, table: pa.Table, keys: Keys) -> None:
        """Set rows aside."""
        if table.num_rows:
            self._waiting.append((table, keys))
            self._rows += table.num_rows
        if self._rows >= BUCKET_ROWS:
            self._spill()

    def _spill(self) -> None:
        table = pa.concat_tables([t for t, _ in self._waiting])
        bucket = np.concatenate([k for _, k in self._waiting]) % np.uint64(self.COUNT)
        for number in range(self.COUNT):
            parts = self._parts.setdefault(number, [])
            file = self._folder / f"bucket-{number:02}-{len(parts):04}.parquet"
            pq.write_table(table.filter(pa.array(bucket == number)), file, compression="lz4")
            parts.append(file)
        self._waiting, self._rows = [], 0

    def take(self) -> Iterator[pa.Table]:
        """Give the rows back, each bucket at once, rows of a document together."""
        if self._waiting and not self._parts:
            yield _sorted_by_document(pa.concat_tables([t for t, _ in self._waiting]))
            return
        if self._waiting:
            self._spill()
        for parts in self._parts.values():
            table = pa.concat_tables([pq.read_table(p) for p in parts])
            for part in parts:
                part.unlink()
            if table.num_rows:
                yield _sorted_by_document(table)


def _sorted_by_document(table: pa.Table) -> pa.Table:
    """Bring the rows of each document together; a null document stands alone and is not counted."""
    return table.sort_by([("metric", "ascending"), ("document", "ascending")]).combine_chunks()
