"""What is done with a partition of the addresses, on whichever machine: each task writes a folder of its own.

A task writes under the name of its attempt, and the folder gets the name of the task only when it is whole. So nothing
half-written is ever seen, and a task that is done again, because a machine was lost, finds what is there or puts the
same in its place.
"""

from __future__ import annotations

import json
import shutil
import socket
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

import numpy as np
import pyarrow.parquet as pq

from geoclusters import __version__, addresses
from geoclusters.engine.adding import Adder
from geoclusters.engine.reading import runs_of, span_of
from geoclusters.engine.store import write_tables
from geoclusters.errors import EngineError, GeoclustersError
from geoclusters.folders import write_json
from geoclusters.stages import ADDRESS_CODE, code_hash

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    import numpy.typing as npt
    import pyarrow as pa

    from geoclusters.addresses import Part
    from geoclusters.engine.adding import Task
    from geoclusters.engine.reading import Reading

    Keys = npt.NDArray[np.uint64]

Facts = dict[str, Any]
FACTS: Final = "facts.json"
VOLUME: Final = "volume"
ASIDE: Final = "aside"
RUNS: Final = "runs.npz"
SCATTERED: Final = "scattered.npz"
SEEN_AFTER_SECONDS: Final = 60.0
"""Machines may see what another one wrote some time later (60 s is the longest that NFS keeps a listing)."""
NO_KEYS: Final[Keys] = np.zeros(0, dtype=np.uint64)
ONE_AT_A_TIME: Final = threading.Lock()
"""Formats and geocoding may keep tables for their whole process, whose worker may have several threads."""


def code_of_tasks() -> str:
    """Hash of the code that decides over what a task finds: workers of another one would not give the same."""
    return code_hash(*ADDRESS_CODE)


def attempted(
    work: Callable[..., Facts], given: tuple[Any, ...], *, code: str
) -> Facts | GeoclustersError:
    """
    Do a task on a worker; a mistake of the user is an answer, since to try again would not help.

    Parameters
    ----------
    work : callable
        Called with the arguments `given`.
    code : str
        `code_of_tasks` where the run was started; this worker, which may have come later, must be of the same make.
    """
    try:
        if code_of_tasks() != code:
            raise EngineError(
                f"a worker has another geoclusters than this process ({__version__}), though perhaps of the same "
                "version; install the same one for all and start the workers again"
            )
        return work(*given)
    except GeoclustersError as error:
        return error


def whole(work: Path, name: str, make: Callable[[Path], Facts]) -> Facts:
    """
    Have a folder made whole or not at all.

    Parameters
    ----------
    work : Path
        Where the folder comes to lie; is there already, for every machine.
    make : callable
        Writes into the folder that it is given, which is not there yet, and says what it found.

    Raises
    ------
    EngineError
        If this machine does not see `work`.
    """
    see(work)
    final = work / name
    if not final.is_dir():
        attempt = work / f".{name}-{uuid4().hex}"
        try:
            write_json(attempt / FACTS, make(attempt))
            _rename(attempt, final)
        finally:
            shutil.rmtree(attempt, ignore_errors=True)
    found: Facts = json.loads((final / FACTS).read_text(encoding="utf-8"))
    return found


def _rename(attempt: Path, final: Path) -> None:
    try:
        attempt.rename(final)
    except OSError:
        # Another attempt at the same task, thought lost, was faster; it holds the same.
        if not final.is_dir():
            raise


def see(path: Path, *, within_seconds: float | None = None) -> None:
    """
    Wait until this machine sees a file or folder of the others.

    Raises
    ------
    EngineError
        If it does not.
    """
    wait = SEEN_AFTER_SECONDS if within_seconds is None else within_seconds
    end = time.monotonic() + wait
    while not path.exists():
        if time.monotonic() > end:
            raise EngineError(
                f"{path}: the worker on {socket.gethostname()} does not see this, {wait:g} s after it was asked for; "
                "run the study in a folder, and on files, of a file system that all workers share, at the same path"
            )
        time.sleep(min(0.2, wait))


def read_group(work: Path, reading: Reading) -> Facts:
    """Read a group of files by its format, into a folder of the name of the file that is made."""

    def make(folder: Path) -> Facts:
        for file in reading.files:
            see(file)
        folder.mkdir()
        with ONE_AT_A_TIME:
            return reading.part(folder).facts()

    return whole(work, reading.name, make)


def look_at(_work: Path, parts: Sequence[Part]) -> Facts:
    """
    Look whether the documents of each part are numbers that rise from row to row.

    Returns
    -------
    dict
        `spans`: for each part its first and last number, nothing when it is empty, or None when they do not rise.
    """
    for part in parts:
        _see_file(part)
    return {"spans": [span_of(part) for part in parts]}


def _see_file(part: Part) -> None:
    see(Path(part.path))


def leave_runs(work: Path, name: str, parts: Sequence[Part], n_ranges: int) -> Facts:
    """Keep the keys of the runs of parts, those of each range of keys by themselves."""

    def make(folder: Path) -> Facts:
        folder.mkdir()
        for part in parts:
            _see_file(part)
        keys = np.concatenate([NO_KEYS, *map(runs_of, parts)])
        keys = keys[np.argsort(_range_of(keys, n_ranges), kind="stable")]
        ends = np.searchsorted(_range_of(keys, n_ranges), np.arange(1, n_ranges))
        pieces = np.split(keys, ends)
        save(folder / RUNS, {str(number): keys for number, keys in enumerate(pieces)})
        return {"runs": len(keys)}

    return whole(work, name, make)


def _range_of(keys: Keys, n_ranges: int) -> Keys:
    """Part the keys into ranges that rise with the keys and are of one size by chance."""
    return np.asarray((keys >> np.uint64(32)) * np.uint64(n_ranges) >> np.uint64(32))


def compare_runs(work: Path, name: str, number: int, partitions: Sequence[str]) -> Facts:
    """Find the keys of one range that more than one run has, and keep for each partition those that it has."""

    def make(folder: Path) -> Facts:
        folder.mkdir()
        runs = [_load(work / partition / RUNS, str(number)) for partition in partitions]
        repeated = addresses.repeated_keys(np.concatenate([NO_KEYS, *runs]))
        mine = [np.unique(keys[addresses.is_member(keys, repeated)]) for keys in runs]
        save(folder / SCATTERED, dict(zip(partitions, mine, strict=True)))
        return {"scattered": len(repeated)}

    return whole(work, name, make)


def save(file: Path, keys: Mapping[str, Keys]) -> None:
    """Keep arrays of keys by name, so that each can be read without the others."""
    arrays: Any = keys  # numpy's stubs take every keyword for an option
    np.savez(file, **arrays)


def _load(file: Path, name: str) -> Keys:
    see(file)
    with np.load(file) as arrays:
        return np.asarray(arrays[name]) if name in arrays.files else NO_KEYS


def scattered_of(files: Iterable[Path], partition: str) -> Keys:
    """Give the keys of the scattered documents of which a partition has rows, sorted."""
    return np.unique(np.concatenate([NO_KEYS, *(_load(file, partition) for file in files)]))


def add_partition(
    work: Path,
    partition: str,
    parts: Sequence[Part],
    scattered: Sequence[Path],
    task: Task,
    n_buckets: int,
    n_threads: int,
) -> Facts:
    """
    Add some parts up into a volume; the rows of scattered documents are kept beside it, in buckets.

    Returns
    -------
    dict
        `aside`: rows in each bucket.
    """

    def make(folder: Path) -> Facts:
        for part in parts:
            _see_file(part)
        keys = scattered_of(scattered, partition)
        with Adder(task, keys, folder / VOLUME, n_threads=n_threads) as adder:
            buckets = _Buckets(folder / ASIDE, n_buckets)
            for part in parts:
                adder.add_part(part)
            adder.add_aside(_own(adder.aside.take(), keys, buckets))
            adder.close()
            write_tables(adder.folder, adder.sums())
        return {"aside": buckets.rows}

    return whole(work, partition, make)


def _own(tables: Iterable[pa.Table], scattered: Keys, buckets: _Buckets) -> Iterator[pa.Table]:
    """Give the rows of documents that are whole here; the others go to buckets that all partitions have."""
    for table in tables:
        elsewhere = addresses.is_member(table["key"].to_numpy(), scattered)
        buckets.add(table.filter(elsewhere))
        yield table.filter(~elsewhere)


class _Buckets:
    """Rows of scattered documents by their key, as files."""

    def __init__(self, folder: Path, n_buckets: int) -> None:
        folder.mkdir()
        self._folder = folder
        self._n_files = 0
        self.rows = [0] * n_buckets

    def add(self, table: pa.Table) -> None:
        """Keep rows; files are numbered in the order in which they come."""
        number = table["key"].to_numpy() % np.uint64(len(self.rows))
        for bucket in np.unique(number):
            rows = table.filter(number == bucket)
            file = self._folder / bucket_file(int(bucket), f"{self._n_files:06}")
            pq.write_table(rows, file, compression="lz4")
            self.rows[bucket] += rows.num_rows
            self._n_files += 1


def bucket_file(bucket: int, number: str) -> str:
    """Name of a file of a bucket, or with ``*`` as its number the pattern of them all."""
    return f"bucket-{bucket:06}-{number}.parquet"


def add_buckets(
    work: Path,
    name: str,
    buckets: Mapping[int, int],
    partitions: Sequence[str],
    task: Task,
    n_threads: int,
) -> Facts:
    """
    Add the rows of some buckets of all partitions up into a volume.

    Parameters
    ----------
    buckets : mapping of int to int
        Number of rows of each.
    """

    def make(folder: Path) -> Facts:
        for partition in partitions:
            see(work / partition)
        with Adder(task, NO_KEYS, folder / VOLUME, n_threads=n_threads) as adder:
            adder.add_aside(_together(work, partitions, *bucket) for bucket in buckets.items())
            adder.close()
            write_tables(adder.folder, adder.sums())
        return {}

    return whole(work, name, make)


def _together(work: Path, partitions: Sequence[str], bucket: int, n_rows: int) -> pa.Table:
    pattern = bucket_file(bucket, "*")
    files = [
        file
        for partition in partitions
        for file in sorted((work / partition / ASIDE).glob(pattern))
    ]
    table = addresses.together(pq.read_table(file) for file in files)
    if table.num_rows != n_rows:
        raise EngineError(
            f"{work}: the worker on {socket.gethostname()} sees {table.num_rows} of the {n_rows} rows that were set "
            f"aside in bucket {bucket}; the file system is not the same for all workers"
        )
    return table
