"""The engine of one machine: batches stream through some threads, so that memory does not grow with the input."""

from __future__ import annotations

import json
import shutil
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from geoclusters import addresses
from geoclusters.engine.adding import Adder, Task
from geoclusters.engine.concluding import concluded
from geoclusters.engine.reading import check_sources, readings, runs_of, span_of, stated_span_of
from geoclusters.engine.store import VOLUMES
from geoclusters.folders import write_json
from geoclusters.machine import processors

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy.typing as npt

    from geoclusters.addresses import Part
    from geoclusters.study import Study

    Keys = npt.NDArray[np.uint64]

PARTS_FILE: Final = "parts.json"
SCATTERED_FILE: Final = "scattered.npy"
ROWS_A_PIECE: Final = 8_000_000
"""Of a part whose order is looked at: whole row groups, some of them at a time."""


class LocalEngine:
    """
    Reads and adds up in this process.

    Parameters
    ----------
    threads : int, optional
        Threads that add up, beside the one that reads; by default as many as there are processors.
    """

    layout: Final[dict[str, Any]] = {"engine": "local"}

    def __init__(self, *, threads: int | None = None) -> None:
        self._threads = threads or processors()

    def read_sources(
        self, study: Study, files: Sequence[Sequence[Path]], target: Path
    ) -> dict[str, Any]:
        """
        Have every source of a study as Parquet, and find the documents whose rows do not stand together.

        Parquet tables stay where they are; everything else is read by its format and kept in `target`. Where files
        say of themselves that documents rise from row group to row group, their rows are looked at while they are
        added up.

        Parameters
        ----------
        files : sequence of sequence of Path
            Files of each source.

        Raises
        ------
        SourceError
            If a source is empty or cannot be read.
        """
        parts = [reading.part(target) for reading in readings(study, files)]
        check_sources(study, parts)
        rising = _said_to_rise(parts)
        np.save(
            target / SCATTERED_FILE,
            scattered_documents([part for part in parts if part.metric not in rising]),
        )
        facts = {"parts": [part.facts() for part in parts], "rising": sorted(rising)}
        write_json(target / PARTS_FILE, facts)
        return {}

    def add_up_addresses(self, read: Path, target: Path, *, study: Study) -> dict[str, Any]:
        """
        Check, weigh, bin and add up the addresses of a study.

        Writes a store (`store.AddressStore`) and the rejected addresses into `target`.

        Returns
        -------
        dict
            `sources`: what became of the rows of each; `documents` and `unplaced` weight per metric in the window;
            `rows` by source and reason.

        Raises
        ------
        SourceError
            If a value cannot be what its column is mapped to, a source has no row in the window, or nothing can be
            placed.
        """
        facts = json.loads((read / PARTS_FILE).read_text(encoding="utf-8"))
        parts = [addresses.part_of_facts(f, read) for f in facts["parts"]]
        scattered = np.load(read / SCATTERED_FILE)
        volume = target / VOLUMES.replace("*", "0000")
        try:
            adder = self._added(study, parts, scattered, volume, rising=facts["rising"])
        except addresses.OrderError:
            shutil.rmtree(volume)
            adder = self._added(study, parts, scattered_documents(parts), volume)
        return concluded(target, study=study, held={volume: adder.sums})

    def _added(
        self,
        study: Study,
        parts: Sequence[Part],
        scattered: Keys,
        volume: Path,
        rising: Sequence[int] = (),
    ) -> Adder:
        """Add up all parts, as `Adder` has it."""
        task = Task.of(study)
        with Adder(task, scattered, volume, n_threads=self._threads, rising=rising) as adder:
            for part in parts:
                adder.add_part(part)
            adder.add_aside(adder.aside.take())
            adder.close()
        return adder


def _said_to_rise(parts: Sequence[Part]) -> set[int]:
    """Give the metrics whose files say of themselves that documents are numbers that rise."""
    spans: dict[int, list[list[int] | None]] = defaultdict(list)
    for part in parts:
        spans[part.metric].append(stated_span_of(part))
    return {metric for metric, stated in spans.items() if addresses.touching_numbers(stated) == []}


def scattered_documents(parts: Sequence[Part]) -> Keys:
    """Give the keys of the documents whose rows do not stand together, sorted."""
    runs = []
    for metric in {part.metric for part in parts}:
        mine = [part for part in parts if part.metric == metric]
        if not _are_ordered(mine):
            runs += [runs_of(part) for part in mine]
    return addresses.repeated_keys(np.concatenate([*runs, np.zeros(0, dtype=np.uint64)]))


def _are_ordered(parts: Sequence[Part]) -> bool:
    """Whether documents are numbers that rise from row to row; then none can be scattered."""
    with ThreadPoolExecutor(processors()) as pool:
        pieces = [addresses.split(part, _piece_of).values() for part in parts]
        spans = [pool.map(span_of, of_part) for of_part in pieces]
        joined = [addresses.joined_span(list(of_part)) for of_part in spans]
    return addresses.touching_numbers(joined) == []


def _piece_of(rows_before: int) -> int:
    return rows_before // ROWS_A_PIECE
