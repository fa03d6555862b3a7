"""The engine of one machine: batches stream through some threads, so that memory does not grow with the input."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from geoclusters import addresses, schema
from geoclusters.addresses.sources.table import check_parquet, is_parquet
from geoclusters.engine.adding import REJECTED_FILE, TALLY_FILE, Adder, Task
from geoclusters.engine.store import VOLUMES, finish_store
from geoclusters.engine.tally import Tally, summed
from geoclusters.errors import SourceError
from geoclusters.machine import processors
from geoclusters.results import write_json

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy.typing as npt

    from geoclusters.addresses import Part
    from geoclusters.study import Source, Study

    Keys = npt.NDArray[np.uint64]

PARTS_FILE: Final = "parts.json"
SCATTERED_FILE: Final = "scattered.npy"


def read_sources(study: Study, files: Sequence[Sequence[Path]], target: Path) -> dict[str, Any]:
    """
    Have every source of a study as Parquet, and find the documents whose rows do not stand together.

    Parquet tables stay where they are; everything else is read by its format and kept in `target`.

    Parameters
    ----------
    files : sequence of sequence of Path
        Files of each source.

    Raises
    ------
    SourceError
        If a source is empty or cannot be read.
    """
    parts: list[Part] = []
    for number, (source, paths) in enumerate(zip(study.sources, files, strict=True)):
        made = [
            _part(study, source, number, group, target / f"source-{number:02}-{at:05}.parquet")
            for at, group in enumerate(groups(source, paths))
        ]
        if not sum(_rows(part) for part in made):
            raise SourceError(
                f"{source.label}: the source is empty, it has a header and no row; give a file with data"
            )
        parts += made
    np.save(target / SCATTERED_FILE, scattered_documents(parts))
    write_json(target / PARTS_FILE, [part.facts() for part in parts])
    return {}


def groups(source: Source, paths: Sequence[Path]) -> list[list[Path]]:
    """Part the files of a source into groups that can be read apart."""
    return addresses.find_format(source.format).groups(list(paths))


def _part(study: Study, source: Source, number: int, group: list[Path], target: Path) -> Part:
    """Have one group of files of a source as Parquet."""
    form = addresses.find_format(source.format)
    metric = study.metrics.index(source.metric)
    dated = "year" in source.columns or not form.maps_columns
    if form.name == "table" and is_parquet(group[0]) and not source.names_places:
        check_parquet(group[0], source.columns.values())
        name = group[0].name
        return addresses.Part(str(group[0].resolve()), source.columns, number, metric, name, dated)
    writer = addresses.PartWriter(target)
    try:
        for batch in form.read(source.request(group)):
            writer.write(batch)
    finally:
        writer.close()
    return addresses.Part(str(target), addresses.OWN_COLUMNS, number, metric, target.name, dated)


def _rows(part: Part) -> int:
    return int(pq.read_metadata(part.path).num_rows)


def scattered_documents(parts: Sequence[Part]) -> Keys:
    """Give the keys of the documents whose rows do not stand together, sorted."""
    runs = []
    for metric in {part.metric for part in parts}:
        mine = [part for part in parts if part.metric == metric]
        if not _are_ordered(mine):
            runs += [_runs(part) for part in mine]
    return addresses.repeated_keys(np.concatenate([*runs, np.zeros(0, dtype=np.uint64)]))


def _are_ordered(parts: Sequence[Part]) -> bool:
    """Whether documents are numbers that rise from row to row; then none can be scattered."""
    ordered = addresses.OrderedNumbers()
    for part in parts:
        ordered.begin_part()
        for batch in part.batches(("document", "count")):
            if batch.schema.names != ["document"]:
                return False
            ordered.see(batch.column(0))
            if not ordered.proven:
                return False
    return True


def _runs(part: Part) -> Keys:
    """Give the key of each run of rows of one document."""
    finder, row = addresses.ScatterFinder(), part.first_row
    for batch in part.batches(("document", "count")):
        finder.see(addresses.document_keys(batch, part, row))
        row += batch.num_rows
    return finder.runs()


def read_parts(folder: Path) -> tuple[list[Part], Keys]:
    """Give what `read_sources` found: parts, and keys of the scattered documents, sorted."""
    facts = json.loads((folder / PARTS_FILE).read_text(encoding="utf-8"))
    parts = [addresses.part_of_facts(f, folder) for f in facts]
    return parts, np.load(folder / SCATTERED_FILE)


def add_up_addresses(read: Path, target: Path, *, study: Study) -> dict[str, Any]:
    """
    Check, weigh, bin and add up the addresses of a study.

    Writes a store (`store.AddressStore`) and the rejected addresses into `target`.

    Returns
    -------
    dict
        `sources`: what became of the rows of each; `documents` and `unplaced` weight per metric in the window; `rows`
        by source and reason.

    Raises
    ------
    SourceError
        If a value cannot be what its column is mapped to, a source has no row in the window, or nothing can be placed.
    """
    parts, scattered = read_parts(read)
    task = Task.of(study)
    with Adder(
        task, scattered, target / VOLUMES.replace("*", "0000"), n_threads=processors()
    ) as adder:
        for part in parts:
            adder.add_part(part)
        adder.add_aside(adder.aside.take())
        adder.close()
    return concluded(target, study=study)


def concluded(target: Path, *, study: Study) -> dict[str, Any]:
    """Bring the tallies and the rejected rows of all volumes together, and complain of what is empty."""
    volumes = sorted(target.glob(VOLUMES))
    states = [json.loads((v / TALLY_FILE).read_text(encoding="utf-8")) for v in volumes]
    tally = summed(map(Tally.from_state, states), len(study.sources), len(study.metrics))
    facts = tally.facts(study.metrics)
    _complain(study, tally)
    finish_store(target, metrics=study.metrics, resolution=study.method.resolution)
    order_rejected([v / REJECTED_FILE for v in volumes], target / REJECTED_FILE)
    return facts


def _complain(study: Study, tally: Tally) -> None:
    window = study.window
    for number, source in enumerate(study.sources):
        gone = tally.outside_window[number] + tally.without_year[number]
        if tally.read[number] and tally.read[number] == gone:
            years = sorted(tally.years_seen)
            seen = f"{years[0]} to {years[-1]}" if years else "none"
            raise SourceError(
                f"{source.label}: no row lies in the window {window.first_year} to {window.last_year}; "
                f"years seen: {seen}; change [window], or the column that 'year' is mapped to"
            )
    if not tally.rows[:, schema.REASON_CODE["placed"]].sum():
        raise SourceError(
            "not one address of the study could be placed; look at 'lat' and 'lon' under 'columns' of the sources"
        )


def order_rejected(files: Sequence[Path], target: Path) -> None:
    """Bring rejected rows into the order of sources, files and rows, whatever order they came in."""
    layout = schema.REJECTED.arrow()
    with duckdb.connect() as connection:
        connection.execute("SET memory_limit = '1GB'")
        connection.execute("SET temp_directory = $folder", {"folder": str(target.parent)})
        rows = connection.sql(
            "SELECT * FROM read_parquet($files) ORDER BY ALL",
            params={"files": [str(f) for f in files]},
        )
        with pq.ParquetWriter(target, layout, compression="zstd") as writer:
            for batch in rows.to_arrow_reader(1 << 17):
                writer.write_table(pa.Table.from_batches([batch]).cast(layout))
    for file in files:
        file.unlink()
