"""The plan of the steps that touch every address, for any way to carry out tasks: dask, Spark, or one after the other.

Sources are parted into partitions. Documents whose rows stand in several places are found by the keys of runs of rows,
which tasks compare range by range, so that no machine ever needs all of them. Each partition is added up into a volume
of its own; the rows of scattered documents wait in buckets, which are added up into volumes at the end. All sums are
whole numbers: number and order of the tasks leave no trace in the results.
"""

from __future__ import annotations

import json
import logging
import shutil
from collections import Counter, defaultdict
from contextlib import contextmanager
from functools import partial
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol
from uuid import uuid4

import numpy as np
import pyarrow as pa

from geoclusters import addresses
from geoclusters.addresses.documents import of_metric
from geoclusters.addresses.texts import text_keys
from geoclusters.engine import tasks
from geoclusters.engine.adding import Task
from geoclusters.engine.concluding import concluded
from geoclusters.engine.reading import check_sources, readings, rows_of
from geoclusters.engine.store import VOLUMES
from geoclusters.folders import write_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from geoclusters.addresses import Part
    from geoclusters.study import Study

PARTITIONS_FILE: Final = "partitions.json"
SCATTERED_FILE: Final = "scattered-{}.npz"
ROWS_OF_PARTITION: Final = 4_000_000
"""Some seconds of work: little is lost with a machine, and there is far more to do than a volume costs."""
ROWS_OF_BUCKET: Final = 1_000_000
LEAST_BUCKETS: Final = 16
MOST_RANGES: Final = 256
PARTITIONS_PER_SLOT: Final = 2
log = logging.getLogger("geoclusters")


class CarryOut(Protocol):
    """Carries tasks out, wherever; gives what they found in the order of the tasks."""

    def __call__(
        self, work: Callable[..., tasks.Facts], given: Sequence[tuple[Any, ...]], /
    ) -> list[tasks.Facts]:
        """Call `work(*arguments)` for all arguments; `work` can be pickled, and be done more than once."""
        ...


class DistributedEngine:
    """
    Spreads the addresses over tasks.

    Parameters
    ----------
    carry_out : callable
        Carries out tasks (`CarryOut`). All of them, and this process, share the file system that the run's folder and
        the sources lie on.
    partitions : int, optional
        Partitions that the addresses are parted into; by default one for some million rows.
    threads : int
        Threads of each task, beside the one that reads.

    Examples
    --------
    >>> one_by_one = DistributedEngine(lambda work, given: [work(*each) for each in given], partitions=20)
    """

    def __init__(
        self, carry_out: CarryOut, *, partitions: int | None = None, threads: int = 1
    ) -> None:
        self._carry_out = carry_out
        self._partitions = partitions
        self._threads = threads

    def slots(self) -> int:
        """Count the tasks that can be done at once, as far as is known."""
        return 1

    @property
    def layout(self) -> dict[str, Any]:
        """What the files of `read_sources` depend on, beside the study."""
        return {"engine": "spread", "partitions": self._partitions}

    def read_sources(
        self, study: Study, files: Sequence[Sequence[Path]], target: Path
    ) -> dict[str, Any]:
        """
        Have every source of a study as Parquet, part it into partitions, and find the scattered documents of each.

        Parameters
        ----------
        files : sequence of sequence of Path
            Files of each source.

        Raises
        ------
        SourceError
            If a source is empty or cannot be read.
        EngineError
            If the tasks cannot be carried out.
        """
        target = target.resolve()
        with _workplace(target) as work:
            parts = self._parts(study, files, work, target)
            check_sources(study, parts)
            rows = sum(map(rows_of, parts))
            least = PARTITIONS_PER_SLOT * self.slots()
            n_partitions = self._partitions or max(least, -(-rows // ROWS_OF_PARTITION))
            partitions = parted(parts, n_partitions)
            self._find_scattered(partitions, work, target)
        facts = {name: [part.facts() for part in mine] for name, mine in partitions.items()}
        write_json(target / PARTITIONS_FILE, {"rows": rows, "partitions": facts})
        return {}

    def _parts(
        self, study: Study, files: Sequence[Sequence[Path]], work: Path, target: Path
    ) -> list[Part]:
        """Have every group of files as Parquet, those that are to be read by tasks."""
        study = study.model_copy(update={"folder": study.folder.resolve()})
        asked = readings(study, [[file.resolve() for file in paths] for paths in files])
        made = [reading for reading in asked if not (reading.in_place or reading.asks_a_service)]
        facts = self._carry_out(tasks.read_group, [(work, reading) for reading in made])
        found = {}
        for reading, fact in zip(made, facts, strict=True):
            for file in (work / reading.name).glob(f"{Path(reading.name).stem}*"):
                file.replace(target / file.name)
            found[reading.name] = addresses.part_of_facts(fact, target)
        return [found[r.name] if r.name in found else r.part(target) for r in asked]

    def _find_scattered(
        self, partitions: Mapping[str, list[Part]], work: Path, target: Path
    ) -> None:
        """Write for each partition the keys of those of its documents that have rows elsewhere, too."""
        looked = self._carry_out(tasks.look_at, [(work, parts) for parts in partitions.values()])
        spans: dict[int, list[list[int] | None]] = defaultdict(list)
        for parts, fact in zip(partitions.values(), looked, strict=True):
            for part, span in zip(parts, fact["spans"], strict=True):
                spans[part.metric].append(span)
        touching = {metric: addresses.touching_numbers(found) for metric, found in spans.items()}
        keys = [_keys(numbers, metric) for metric, numbers in touching.items() if numbers]
        if keys:
            everywhere = dict.fromkeys(partitions, np.concatenate(keys))
            tasks.save(target / SCATTERED_FILE.format("touching"), everywhere)
        self._compare(partitions, {m for m, numbers in touching.items() if numbers is None}, work)
        for number, folder in enumerate(sorted(work.glob("range-*"))):
            file = target / SCATTERED_FILE.format(f"{number:04}")
            (folder / tasks.SCATTERED).replace(file)

    def _compare(self, partitions: Mapping[str, list[Part]], metrics: set[int], work: Path) -> None:
        """Compare the runs of those metrics that are not in order."""
        wanted = {
            name: [part for part in parts if part.metric in metrics]
            for name, parts in partitions.items()
            if any(part.metric in metrics for part in parts)
        }
        n_ranges = min(len(wanted), MOST_RANGES)
        names = list(wanted)
        self._carry_out(
            tasks.leave_runs, [(work, name, parts, n_ranges) for name, parts in wanted.items()]
        )
        ranges = [(work, f"range-{n:04}", n, names) for n in range(n_ranges)]
        self._carry_out(tasks.compare_runs, ranges)

    def add_up_addresses(self, read: Path, target: Path, *, study: Study) -> dict[str, Any]:
        """
        Check, weigh, bin and add up the addresses of a study; as `local.add_up_addresses`.

        Raises
        ------
        SourceError
            If a value cannot be what its column is mapped to, a source has no row in the window, or nothing can be
            placed.
        EngineError
            If the tasks cannot be carried out.
        """
        read, target = read.resolve(), target.resolve()
        content = json.loads((read / PARTITIONS_FILE).read_text(encoding="utf-8"))
        partitions = {
            name: [addresses.part_of_facts(f, read) for f in facts]
            for name, facts in content["partitions"].items()
        }
        with _workplace(target) as work:
            names = [
                *partitions,
                *self._add(partitions, work, read, Task.of(study), content["rows"]),
            ]
            for number, name in enumerate(names):
                (work / name / tasks.VOLUME).replace(target / VOLUMES.replace("*", f"{number:04}"))
        return concluded(target, study=study)

    def _add(
        self, partitions: Mapping[str, list[Part]], work: Path, read: Path, task: Task, n_rows: int
    ) -> list[str]:
        """Add up the partitions and then what they set aside; give the names of the tasks of the latter."""
        scattered = sorted(read.glob(SCATTERED_FILE.format("*")))
        n_buckets = max(LEAST_BUCKETS, n_rows // ROWS_OF_BUCKET)
        settings = task, n_buckets, self._threads
        given = [(work, name, parts, scattered, *settings) for name, parts in partitions.items()]
        found = self._carry_out(tasks.add_partition, given)
        aside: Counter[int] = Counter()
        for fact in found:
            aside.update(dict(enumerate(fact["aside"])))
        groups = grouped(aside, max(ROWS_OF_BUCKET, -(-n_rows // len(partitions))))
        names = [f"buckets-{number:04}" for number in range(len(groups))]
        self._carry_out(
            tasks.add_buckets,
            [
                (work, name, rows, list(partitions), task, self._threads)
                for name, rows in zip(names, groups, strict=True)
            ],
        )
        return names


@contextmanager
def _workplace(target: Path) -> Iterator[Path]:
    """Give a folder that no other run, and no task that is left of one, writes to."""
    work = target / f"work-{uuid4().hex}"
    work.mkdir()
    try:
        yield work
    finally:
        shutil.rmtree(work, ignore_errors=True)


def parted(parts: Sequence[Part], n_partitions: int) -> dict[str, list[Part]]:
    """Part the rows into so many even partitions, as far as row groups let; a partition has a name and some parts."""
    sizes = [rows_of(part) for part in parts]
    partitions: dict[int, list[Part]] = defaultdict(list)
    for part, before in zip(parts, accumulate(sizes, initial=0), strict=False):
        pieces = addresses.split(part, partial(_partition_of, before, n_partitions, sum(sizes)))
        for number, piece in pieces.items():
            partitions[number].append(piece)
    return {f"partition-{number:04}": partitions[number] for number in sorted(partitions)}


def _partition_of(before: int, n_partitions: int, all_rows: int, row: int) -> int:
    return (before + row) * n_partitions // all_rows


def _keys(numbers: list[int], metric: int) -> tasks.Keys:
    column = pa.array(numbers, pa.int64())
    return of_metric(text_keys(column), metric)


def grouped(rows: Mapping[int, int], at_least: int) -> list[dict[int, int]]:
    """
    Put buckets together until they have enough rows for a task; empty ones are left out.

    Examples
    --------
    >>> grouped({0: 3, 1: 0, 2: 4, 3: 9, 4: 1}, 6)
    [{0: 3, 2: 4}, {3: 9}, {4: 1}]
    """
    groups: list[dict[int, int]] = []
    for bucket, n_rows in sorted(rows.items()):
        if n_rows and (not groups or sum(groups[-1].values()) >= at_least):
            groups.append({})
        if n_rows:
            groups[-1][bucket] = n_rows
    return groups
