"""Reads a snapshot of OpenAlex as downloaded: works joined with the places of their authors' institutions."""

from __future__ import annotations

import os
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa

from geoclusters.addresses.sources.formats import Format, Request
from geoclusters.addresses.sources.openalex_files import (
    INSTITUTIONS,
    MERGED_INSTITUTIONS,
    MERGED_WORKS,
    PARQUET_MAGIC,
    ROR,
    WORKS,
    Tables,
    check_manifest,
    edition_of,
    held_once,
    kind_of,
    kind_of_head,
    partition_of,
    sort_files,
)
from geoclusters.addresses.sources.openalex_institutions import (
    Institutions,
    institutions_of,
    merged_numbers,
    work_numbers,
)
from geoclusters.addresses.sources.openalex_lanes import side_by_side
from geoclusters.addresses.sources.openalex_rows import PREFIX, addresses_of
from geoclusters.addresses.sources.openalex_works import WorksOptions, read_works

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import numpy.typing as npt

    from geoclusters.addresses.sources.files import Member

    Numbers = npt.NDArray[np.int64]


OLDER: Final = "older version, or merged into another work"
MOST_LANES: Final = 4
"""Files that are read at the same time; each takes some 200 MB."""


def read_openalex(request: Request) -> Iterator[pa.RecordBatch]:
    """
    Read works of OpenAlex into batches of `schema.READ`, one row an author and institution.

    Parameters
    ----------
    request : Request
        Files of works and of institutions, or a dump of ROR instead of these; also merged ids. Options as
        `WorksOptions` says.

    Raises
    ------
    SourceError
        If a table is missing, a file is broken, or the manifest beside the files says that one is out of date.

    Notes
    -----
    A snapshot holds a work in one partition only. Where several partitions are read together and no manifest
    vouches for them, the version in the latest partition counts and the others are left out; an id that is
    among the merged ones is left out as well.
    """
    options: WorksOptions = FORMAT.options_of(request)
    tables = sort_files(request.files)
    if options.check_manifest:
        check_manifest(tables.works)
    institutions = _institutions(tables, options)
    known = _Known(tables)
    lanes = 1 if request.head_only else min(MOST_LANES, os.cpu_count() or 1)

    def addresses(member: Member) -> Iterator[pa.RecordBatch]:
        label = _label(member)
        for works in read_works(
            member, options, head_only=request.head_only, left_out=request.left_out
        ):
            fresh = known.fresh(works)
            request.left_out.add(OLDER, works.num_rows - fresh.num_rows)
            if fresh.num_rows:
                yield addresses_of(
                    fresh, institutions, file=label, drop_parents=options.drop_parents
                )

    for files in known.editions(tables.works):
        yield from side_by_side([partial(addresses, member) for member in files], lanes)


def _institutions(tables: Tables, options: WorksOptions) -> Institutions:
    return institutions_of(
        tables.institutions,
        tables.merged_institutions,
        tables.ror,
        prefer_ror=options.prefer_ror,
    )


def _label(member: Member) -> str:
    """Name of a file with its partition: the parts of all partitions are called the same."""
    date = partition_of(member)
    return f"{member.path.parent.name}/{member.label}" if date else member.label


class _Known:
    """Numbers of works that must not be read again: those merged away, and those of later partitions."""

    def __init__(self, tables: Tables) -> None:
        self._looks = not held_once(tables.works)
        self._runs = [
            numbers for numbers in [merged_numbers(tuple(tables.merged_works))] if len(numbers)
        ]
        self._now: list[Numbers] = []

    def editions(self, works: Sequence[Member]) -> Iterator[list[Member]]:
        """Give the files that can be read side by side, and look back at what they held before the next."""
        if not self._looks:
            yield list(works)
            return
        for _, files in groupby(works, key=edition_of):
            yield list(files)
            if self._now:
                self._add(np.unique(np.concatenate(self._now)))
                self._now = []

    def _add(self, run: Numbers) -> None:
        # Runs fall in length by half or more, so that there are few and each number is moved few times.
        while self._runs and len(self._runs[-1]) <= 2 * len(run):
            run = np.union1d(self._runs.pop(), run)
        self._runs.append(run)

    def fresh(self, works: pa.RecordBatch) -> pa.RecordBatch:
        """Give the works that were not met in a later partition."""
        if not (self._looks or self._runs):
            return works
        numbers = work_numbers(works.column("id"))
        known = np.zeros(len(numbers), dtype=np.bool_)
        for run in self._runs:
            at = np.minimum(np.searchsorted(run, numbers), len(run) - 1)
            known |= run[at] == numbers
        if self._looks:
            self._now.append(numbers)
        return works.filter(pa.array(~known)) if known.any() else works


def _groups(files: Sequence[Path]) -> list[list[Path]]:
    """Each file of works with all other tables, where a work can stand in one of them only; else all together."""
    tables = sort_files(files)
    if not held_once(tables.works):
        return [list(files)]
    works = {member.path for member in tables.works}
    others = [file for file in files if file not in works]
    return [[file, *others] for file in files if file in works]


def _recognises(member: Member, head: bytes) -> bool:
    if head.startswith(PARQUET_MAGIC):
        return kind_of(member) in {WORKS, INSTITUTIONS}
    return PREFIX.encode() in head and kind_of_head(head) in {WORKS, INSTITUTIONS}


def _accompanies(_member: Member, head: bytes) -> bool:
    return kind_of_head(head) in {MERGED_WORKS, MERGED_INSTITUTIONS, ROR}


FORMAT: Final = Format(
    name="openalex",
    title="OpenAlex snapshot",
    read=read_openalex,
    options=WorksOptions,
    recognises=_recognises,
    groups=_groups,
    accompanies=_accompanies,
)
