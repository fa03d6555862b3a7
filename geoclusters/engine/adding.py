"""Adds the addresses of parts up: batches of whole documents are checked, weighed, binned and kept, by some threads."""

from __future__ import annotations

import threading
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any, Final, Literal, Self

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from geoclusters import addresses, schema
from geoclusters.addresses import Aside, Book, Part, Rows, Rules
from geoclusters.addresses.constant import constant
from geoclusters.cells.kernel import latlng_to_cells
from geoclusters.compiling import compiled
from geoclusters.countries import COUNTRY_RESOLUTION, outside_country
from geoclusters.engine.binning import Binning
from geoclusters.engine.store import OPTIONAL, VolumeWriter, kept
from geoclusters.engine.tally import PLACED, Tally
from geoclusters.folders import write_json
from geoclusters.quality import QualityTally

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    import numpy.typing as npt

    from geoclusters.engine.store import Tables
    from geoclusters.settings import Source
    from geoclusters.study import Study

    Keys = npt.NDArray[np.uint64]
    Ints = npt.NDArray[np.int64]

REJECTED_FILE: Final = "rejected.parquet"
TALLY_FILE: Final = "tally.json"
QUALITY_FILE: Final = "quality.npz"
REJECTED_AT_ONCE: Final = 1 << 16
ASIDE_AT_ONCE: Final = 1 << 14
ASIDE: Final = Part("", addresses.OWN_COLUMNS, 0, 0, "", dated=True)
"""Rows that were set aside carry all that a part made by us carries."""


@dataclass(frozen=True)
class Task:
    """
    What is to be done with every address; the same for each worker.

    Attributes
    ----------
    spread_seed : int or None
        With which addresses that are known to a city are spread over it; None = they are not.
    """

    resolution: int | Literal["exact"]
    rules: Rules
    sources: tuple[str, ...]
    metrics: tuple[str, ...]
    stated: frozenset[str] = frozenset(OPTIONAL)
    spread_seed: int | None = None

    @classmethod
    def of(cls, study: Study) -> Task:
        """Take it from the settings of a study."""
        method = study.method
        rules = Rules(
            first_year=study.window.first_year,
            last_year=study.window.last_year,
            accuracy=method.accuracy,
            repair_swapped=method.repair_swapped,
            outside=outside if method.check_country else None,
        )
        labels = tuple(source.label for source in study.sources)
        seed = method.spread_seed if method.spread == "places" else None
        stated = frozenset().union(*map(_stated, study.sources))
        return cls(method.resolution, rules, labels, study.metrics, stated, seed)

    def tally(self) -> Tally:
        """Begin to count."""
        return Tally.of(len(self.sources), len(self.metrics))


def _stated(source: Source) -> frozenset[str]:
    """Columns of `schema.KEPT` that a source can fill: those that are mapped, or what geocoding and formats give."""
    if source.names_places:
        return frozenset(OPTIONAL)
    return frozenset(kept for kept, ours in OPTIONAL.items() if ours in source.columns)


def outside(
    lat: npt.NDArray[np.float64], lon: npt.NDArray[np.float64], country: npt.NDArray[np.int16]
) -> npt.NDArray[np.bool_]:
    """Tell which points certainly lie outside the country stated for them."""
    found = np.zeros(len(lat), dtype=bool)
    stated = country >= 0
    if stated.any():
        cells = latlng_to_cells(lat[stated], lon[stated], COUNTRY_RESOLUTION, n_threads=1)
        found[stated] = outside_country(cells, country[stated])
    return found


class Adder:
    """
    Adds parts up into one volume of the store; use it as a context.

    Parameters
    ----------
    scattered : numpy.ndarray of uint64
        Keys of the documents whose rows do not stand together, sorted.
    folder : Path
        Where the volume is written; does not exist yet.
    n_threads : int
        Threads that work on batches, beside the one that reads.
    rising : iterable of int
        Metrics whose documents are expected to be numbers that rise, so that none of them is scattered.
    """

    def __init__(
        self,
        task: Task,
        scattered: Keys,
        folder: Path,
        *,
        n_threads: int,
        rising: Iterable[int] = (),
    ) -> None:
        self._task = task
        self._scattered = scattered
        self._rise = addresses.RiseCheck(rising)
        self._book = Book()
        self._binning = Binning(task.resolution, spread_seed=task.spread_seed)
        self._volume = VolumeWriter(folder, stated=task.stated, unspread=self._binning.spreads)
        self.folder = folder
        self.aside = Aside(folder)
        self.tally = task.tally()
        self._qualities: list[QualityTally] = []
        self._own = threading.local()
        self._rejected = _Rejected(folder / REJECTED_FILE, task)
        self._lock = threading.Lock()
        self._blocks = count()
        self._pool = ThreadPoolExecutor(n_threads)
        self._most_waiting = 2 * n_threads + 1  # so that nobody waits for a batch that takes longer
        self._waiting: deque[Future[None]] = deque()

    def __enter__(self) -> Self:
        """Give the adder itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Let the threads end; what was submitted and not begun is not done any more."""
        self._pool.shutdown(cancel_futures=True)
        self._volume.release()
        self._rejected.close()

    def add_part(self, part: Part) -> None:
        """
        Read a part and add up its whole documents; the rows of others are set aside.

        Raises
        ------
        OrderError
            If documents that are expected to rise do not.
        """
        last, row, ends = np.uint64(0), part.first_row, _Ends(part, self.aside)
        for batch in part.batches():
            self._rise.see(part, batch)
            rows = addresses.row_numbers(batch, part, row)
            keys = addresses.document_keys(batch, part, row)
            open_rows = addresses.is_member(keys, self._scattered)
            first, stop = addresses.open_ends(keys, last)
            open_rows[:first] = open_rows[stop:] = True
            last, row = keys[-1] if len(keys) else last, row + batch.num_rows
            ends.add(batch, rows, open_rows)
            if open_rows[first:stop].any():
                whole = ~open_rows
                batch = batch.filter(pa.array(whole))  # noqa: PLW2901 - the rows that stay
                self._submit(part, batch, rows[whole], keys[whole])
            elif stop > first:
                part_of_batch = slice(first, stop)
                self._submit(
                    part, batch.slice(first, stop - first), rows[part_of_batch], keys[part_of_batch]
                )
        ends.set_aside()
        self._wait_for_all()

    def _submit(self, part: Part, batch: pa.RecordBatch, rows: Ints, keys: Keys) -> None:
        self._put(self._add, part, batch, rows, keys, next(self._blocks))

    def _put(self, work: Callable[..., None], *given: Any) -> None:  # noqa: ANN401
        if len(self._waiting) >= self._most_waiting:
            self._waiting.popleft().result()
        self._waiting.append(self._pool.submit(work, *given))

    def _wait_for_all(self) -> None:
        while self._waiting:
            self._waiting.popleft().result()

    def _add(
        self, part: Part, batch: pa.RecordBatch, numbers: Ints, keys: Keys, block: int
    ) -> None:
        """Add up the rows of whole documents of one part."""
        rows = self._book.rows(batch, part, numbers_in_file=numbers, document=keys)
        tally = self._task.tally()
        inside = np.ones(len(rows), dtype=bool)
        if part.dated:
            inside = addresses.in_window(rows, self._task.rules)
        tally.see_window(rows, inside)
        if not inside.all():
            rows, batch, keys = rows.taken(inside), batch.filter(pa.array(inside)), keys[inside]
        reason = self._keep(rows, keys, block, tally)
        bad = reason != PLACED
        if bad.any():
            full = part.in_full(batch.filter(pa.array(bad)), rows.row[bad])
            self._rejected.write(full, rows.taken(bad), reason[bad])

    def add_aside(self, tables: Iterable[pa.Table]) -> None:
        """Add up rows that were set aside, those of a document together (`documents.together`)."""
        for table in tables:
            for batch in table.combine_chunks().to_batches():
                self._put(self._add_aside, batch, next(self._blocks))
        self._wait_for_all()

    def _add_aside(self, batch: pa.RecordBatch, block: int) -> None:
        rows = self._book.rows(
            batch,
            ASIDE,
            numbers_in_file=batch.column("row").to_numpy(),
            document=addresses.run_numbers(batch),
        )
        tally = self._task.tally()
        dated = batch.column("dated").to_numpy(zero_copy_only=False)
        inside = addresses.in_window(rows, self._task.rules) | ~dated
        tally.see_window(rows, inside)
        rows, batch = rows.taken(inside), batch.filter(pa.array(inside))
        reason = self._keep(rows, batch.column("key").to_numpy(), block, tally)
        bad = reason != PLACED
        full = batch.select(schema.READ.arrow().names).filter(pa.array(bad))
        self._rejected.write(full, rows.taken(bad), reason[bad])

    def _keep(self, rows: Rows, keys: Keys, block: int, tally: Tally) -> npt.NDArray[np.int8]:
        """Weigh, bin and keep rows of whole documents; give the reason of each."""
        weighed = addresses.weighed_rows(rows, self._task.rules, self._book.fields.keys())
        tally.see_weighed(rows, weighed)
        with self._lock:
            self.tally.add(tally)
        self._quality().add(
            source=rows.source,
            reason=weighed.reason,
            accuracy=rows.level,
            year=rows.year,
            country=rows.country,
            lat=weighed.lat,
            lon=weighed.lon,
            document=keys,
            organisation=self._organisation_keys(rows),
        )
        number = np.empty(len(rows), dtype=np.int64)
        _number(weighed.starts, block << 32, number)
        weighs = weighed.weight > 0
        placed = _all_or((weighed.reason == PLACED) & weighs)
        counts, starts = _all_or(weighs), weighed.starts
        binned = self._binning.add(rows, weighed, placed, keys=keys, number=number)
        if keys.min(initial=1) == 0:
            keys = np.where(keys == 0, _content_keys(rows, weighed.weight), keys)
        if not isinstance(counts, slice):
            starts, keys = np.diff(number[counts], prepend=-1) != 0, keys[counts]
        entries = binned.of(counts)
        batch = kept(
            entry=entries.found,
            weight=weighed.weight[counts],
            starts=starts,
            rows=rows.taken(counts),
            stated=self._task.stated,
        )
        self._volume.write(batch, addresses.first_keys(keys, starts), entries.unspread)
        return weighed.reason

    def _quality(self) -> QualityTally:
        """Give the tally of this thread."""
        if not hasattr(self._own, "quality"):
            self._own.quality = QualityTally()
            with self._lock:
                self._qualities.append(self._own.quality)
        tally: QualityTally = self._own.quality
        return tally

    def _organisation_keys(self, rows: Rows) -> Ints:
        """Give the key of the organisation of each row, which is the same in all volumes; -1 = none."""
        keys = self._book.organisations.keys()
        if not len(keys):
            return constant(-1, len(rows), np.int64)
        return np.append(keys.view(np.int64), np.int64(-1))[rows.organisation]

    def close(self) -> None:
        """Finish the volume, but for the sums; what was set aside must have been added somewhere."""
        self._wait_for_all()
        self._rejected.close()
        names = {
            "organisation": self._book.organisations.texts(),
            "field": self._book.fields.texts(),
        }
        self._volume.close(names)
        write_json(self.folder / TALLY_FILE, self.tally.state())
        quality = QualityTally()
        for tally in self._qualities:
            quality.merge(tally)
        quality.write(self.folder / QUALITY_FILE)

    def sums(self) -> Tables:
        """Give the sums, after all is added."""
        return self._binning.finish()


@compiled
def _number(starts: npt.NDArray[np.bool_], first: int, number: Ints) -> None:
    """Give documents numbers from `first` + 1 on."""
    for row in range(len(starts)):
        first += starts[row]
        number[row] = first


def _all_or(mask: npt.NDArray[np.bool_]) -> slice | npt.NDArray[np.bool_]:
    """Give the mask, or where it leaves nothing out a slice, which copies nothing."""
    return slice(None) if mask.all() else mask


def _content_keys(rows: Rows, weight: Ints) -> Keys:
    """Give rows that stand for a count of documents a key of what they say."""
    key = rows.lat.view(np.uint64) * np.uint64(0x87C37B91114253D5)
    key ^= rows.lon.view(np.uint64) * np.uint64(0x4CF5AD432745937F)
    key ^= weight.view(np.uint64) * np.uint64(0xFF51AFD7ED558CCD)
    return (key ^ (key >> np.uint64(29))) + rows.year.astype(np.uint64)


class _Ends:
    """Rows of a part whose documents are not whole in their batch, mostly a few of each, set aside many at once."""

    def __init__(self, part: Part, aside: Aside) -> None:
        self._part = part
        self._aside = aside
        self._batches: list[pa.RecordBatch] = []
        self._rows: list[Ints] = []

    def add(self, batch: pa.RecordBatch, rows: Ints, which: npt.NDArray[np.bool_]) -> None:
        """Take in some rows of a batch and their numbers in the file."""
        of_batch = np.flatnonzero(which)
        if len(of_batch):
            self._batches.append(batch.take(pa.array(of_batch)))
            self._rows.append(rows[of_batch])
        if sum(map(len, self._rows)) >= ASIDE_AT_ONCE:
            self.set_aside()

    def set_aside(self) -> None:
        """Have them set aside."""
        if self._rows:
            batch = pa.concat_batches(self._batches)
            part, full = self._part, self._part.in_full(batch, np.concatenate(self._rows))
            table = addresses.aside_table(
                full, source=part.source, metric=part.metric, dated=part.dated
            )
            self._aside.add(table)
        self._batches, self._rows = [], []


class _Rejected:
    """Writes the rows that were not placed (`schema.REJECTED`), as they come."""

    def __init__(self, path: Path, task: Task) -> None:
        self._writer = pq.ParquetWriter(path, schema.REJECTED.arrow(), compression="zstd")
        self._sources = pa.array(task.sources, pa.string())
        self._metrics = pa.array(task.metrics, pa.string())
        self._reasons = pa.array([name for name, _ in schema.REASONS])
        self._lock = threading.Lock()
        self._waiting: list[pa.Table] = []

    def write(self, full: pa.RecordBatch, rows: Rows, reason: npt.NDArray[np.int8]) -> None:
        """Take in rows of `schema.READ` with what else is known of them."""
        words = {
            "source": self._sources.take(pa.array(rows.source)),
            "reason": self._reasons.take(pa.array(reason)),
            "metric": self._metrics.take(pa.array(rows.metric)),
        }
        layout = schema.REJECTED.arrow()
        columns = [
            words.get(f.name, full.column(f.name) if f.name not in words else None) for f in layout
        ]
        table = pa.Table.from_arrays(columns, schema=layout)
        with self._lock:
            self._waiting.append(table)
            if sum(t.num_rows for t in self._waiting) >= REJECTED_AT_ONCE:
                self._flush()

    def _flush(self) -> None:
        if self._waiting:
            self._writer.write_table(pa.concat_tables(self._waiting))
        self._waiting = []

    def close(self) -> None:
        """Finish the file."""
        self._flush()
        self._writer.close()
