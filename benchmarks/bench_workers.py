"""From which size workers pay: reading and adding up on one machine with one thread, and on two workers of dask.

    python benchmarks/bench_workers.py --size 1e7

Each way is a command of its own, whose CPU seconds are those of all its processes, their start included; one thread
adds up, and what brings the cells together may use more. A table of three columns has documents whose rows stand
together; the works of OpenAlex are generated, as lines of JSON in four files, and measured whatever the size. All ways
leave the same sums, which is looked at before a time is shown; `docs/scale.md` tells the figures.
"""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import bench_addresses
import bench_openalex
import measuring
from measuring import Bench, Cost, script
from writing import Section, cost_table, count

if TYPE_CHECKING:
    from geoclusters.study import Study

ALONE: Final = "one machine, 1 thread"
WORKERS: Final = "dask, 2 workers, {} partitions"
PARTITIONS: Final = {1_000_000: (2,), 10_000_000: (2, 10)}
"""Of tables of so many rows."""
WORKS: Final = (bench_openalex.PARTS, 100_000, 400_000)
"""Works in as many files as there are parts of a snapshot; a file is a partition."""
INSTITUTIONS: Final = 110_000


def add_up(engine: dict[str, Any], study: Study, target: Path) -> None:
    """Carry out the steps that touch addresses."""
    from geoclusters.engine import chosen
    from geoclusters.machine import collect_garbage_rarely
    from geoclusters.settings import Engine

    collect_garbage_rarely()  # as every command does
    files = [source.files(study.folder) for source in study.sources]
    read = target / "read"
    read.mkdir(parents=True)
    with chosen(Engine(**engine)) as carrying:
        carrying.read_sources(study, files, read)
        carrying.add_up_addresses(read, target, study=study)


def alone(source: str, target: str) -> None:
    """Work with one thread that adds up."""
    add_up({"threads": 1}, _study(Path(source)), Path(target))


def by_workers(source: str, target: str, partitions: str) -> None:
    """Work with two processes of one thread each."""
    engine = {"kind": "dask", "workers": 2, "partitions": int(partitions)}
    add_up(engine, _study(Path(source)), Path(target))


def _study(source: Path) -> Study:
    from geoclusters.study import make_study

    if source.is_file():
        return bench_addresses.study_of(source)
    files = [f"{source.name}/data/{name}/*/*.gz" for name in ("works", "institutions")]
    given = {"metric": "publications", "format": "openalex", "path": files}
    return make_study(
        {"name": "benchmark", "source": [given]}, folder=source.parent, origin="benchmark"
    )


def digest(target: str) -> dict[str, str]:
    """Give a hash of the table of the cells."""
    folder = Path(target) / "cells"
    found = hashlib.sha256()
    for file in sorted(folder.iterdir()):
        found.update(file.name.encode() + file.read_bytes())
    return {"sums": found.hexdigest()}


def measured(bench: Bench) -> Section:
    """Measure tables and snapshots of several sizes."""
    section = Section("From which size workers pay", (__doc__ or "").split("\n\n", 2)[2])
    for n, partitions in PARTITIONS.items():
        if n <= bench.most:
            costs = _costs(bench, bench.table(n), partitions)
            section.add(f"Parquet, three columns, {count(n)} rows", cost_table(costs, base=ALONE))
    for n in WORKS:
        source = bench.folder / f"works-{n}"
        if not source.is_dir():
            bench.say(f"making {source.name}")
            bench_openalex.write_world(source, n, INSTITUTIONS)
        packed = sum(f.stat().st_size for f in source.rglob("*.gz")) / 2**20
        costs = _costs(bench, source, (bench_openalex.PARTS,))
        caption = f"OpenAlex's JSON, {n:,} works, {packed:.0f} MiB packed with the institutions"
        section.add(caption, cost_table(costs, base=ALONE))
    return section


def _costs(bench: Bench, source: Path, partitions: tuple[int, ...]) -> dict[str, Cost]:
    """Run every way twice, in turns; of one whose sums differ no time is kept."""
    folder = bench.clean_folder("workers")
    wanted = {ALONE: (ALONE,)} | {WORKERS.format(n): ("workers", n) for n in partitions}
    results = {name: folder / str(number) for number, name in enumerate(wanted)}
    ways = {
        name: script(__file__, way, source, results[name], *more, clears=(results[name],))
        for name, (way, *more) in wanted.items()
    }
    costs = bench.measure(ways, runs=2)
    sums = {name: bench.ask(script(__file__, "digest", results[name]))["sums"] for name in costs}
    for name in costs:
        if sums[name] != sums[ALONE]:
            costs[name] = Cost(0, 0, 0, died="the sums of its cells differ")
    shutil.rmtree(folder)
    return costs


def main() -> None:
    """Work as a child, or measure and print."""
    if not measuring.answer({ALONE: alone, "workers": by_workers, "digest": digest}):
        measuring.standalone(measured, __doc__)


if __name__ == "__main__":
    main()
