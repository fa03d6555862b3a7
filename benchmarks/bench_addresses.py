"""Addresses to cells: read a table, bin its rows, add up weight, rows and distinct documents of each cell.

    python benchmarks/bench_addresses.py --size 1e6

Every way starts from the same Parquet file and leaves one row a cell. Cells, rows and documents are compared one by
one before a time is shown, the weights within the rounding of sums of floats. The peers find the share that a row has
of its document ready in a column, and so does the table of sums when it is fed alone, which adds up mean positions
besides. The engine of a run works the share out, looks whether rows of a document are scattered, checks each row, and
keeps every address for what is asked of it later.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import measuring
import numpy as np
from measuring import FEW, Bench, Cost, script
from writing import Mark, Section, at_least, at_most, cost_table, count, growth_table

if TYPE_CHECKING:
    from collections.abc import Iterator

RESOLUTION: Final = 8
OURS: Final = "geoclusters, engine of a run"
LIGHT: Final = "geoclusters, sums alone"
PANDAS: Final = "pandas + h3"
POLARS: Final = "polars streaming + polars-h3"
DUCKDB: Final = "duckdb over Arrow + h3ronpy"
FLOORS: Final = ("only reading, pyarrow", "only reading, duckdb")
PANDAS_ROWS: Final = 1_000_000
ASKED_ROWS: Final = 100_000_000
BATCH: Final = 1 << 18
WEIGHT_TOLERANCE: Final = 1e-9
"""Of a cell's weight: far above the rounding of 1e8 sums, far below a share of a document."""


def engine(source: str, target: str) -> None:
    """Do what the first steps of a run do: find scattered documents, check, weigh, bin, add up, keep."""
    from geoclusters.engine import LocalEngine
    from geoclusters.machine import collect_garbage_rarely

    collect_garbage_rarely()  # as every command does
    path, folder = Path(source), Path(target)
    study = study_of(path)
    read = folder / "read"
    read.mkdir(parents=True)
    local = LocalEngine()
    local.read_sources(study, [[path]], read)
    local.add_up_addresses(read, folder, study=study)


def study_of(path: Path) -> Any:  # noqa: ANN401
    """Give the study of a table."""
    from geoclusters.study import make_study

    columns = {"document": "document", "lat": "lat", "lon": "lon"}
    given = {"metric": "patents", "path": path.name, "columns": columns}
    return make_study(
        {"name": "benchmark", "source": [given]}, folder=path.parent, origin="benchmark"
    )


def sums_alone(source: str, target: str) -> None:
    """Feed the table of sums from batches of whole documents, two at a time, the shares as they stand in the file."""
    from concurrent.futures import ThreadPoolExecutor

    import pyarrow.parquet as pq

    from geoclusters.cells import SumTable

    table = SumTable(RESOLUTION)
    with ThreadPoolExecutor(2) as pool:
        waiting = []
        for batch in _whole_documents(source):
            waiting.append(pool.submit(_add, table, batch))
            if len(waiting) > 3:
                waiting.pop(0).result()
        for future in waiting:
            future.result()
    pq.write_table(_table(table.finish()[0]), target)


def _table(sums: Any) -> Any:  # noqa: ANN401
    import pyarrow as pa

    names = ("weight", "addresses", "documents")
    columns = {name: np.ascontiguousarray(sums.column(name)) for name in names}
    return pa.table({"cell": sums.cell, "metric": sums.metric, **columns})


def _add(table: Any, batch: Any) -> None:  # noqa: ANN401

    from geoclusters.schema import WEIGHT_ONE

    document, lat, lon, share = (batch.column(i).to_numpy() for i in range(4))
    n = len(document)
    table.add(
        lat=lat,
        lon=lon,
        metric=np.zeros(n, np.uint8),
        document=document,
        weight=np.rint(share * WEIGHT_ONE).astype(np.int64),
        count=np.full(n, np.nan),
    )


def _whole_documents(source: str) -> Iterator[Any]:
    """Give batches of whole documents: the rows between two batches' middles apart, the middles without a copy."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    between = []
    for batch in pq.ParquetFile(source, pre_buffer=False).iter_batches(BATCH):
        document = batch.column("document").to_numpy()
        begin = int(np.searchsorted(document, document[0], side="right"))
        end = int(np.searchsorted(document, document[-1]))
        between.append(batch.slice(0, begin))
        if end >= begin:
            yield pa.concat_batches(between)
            yield batch.slice(begin, end - begin)
            between = [batch.slice(end)]
    yield pa.concat_batches(between)


def by_pandas(source: str, target: str) -> None:
    import h3.api.basic_int as h3
    import pandas as pd

    rows = pd.read_parquet(source)
    rows["cell"] = [
        h3.latlng_to_cell(lat, lon, RESOLUTION)
        for lat, lon in zip(rows["lat"].tolist(), rows["lon"].tolist(), strict=True)
    ]
    grouped = rows.groupby("cell", sort=False)
    found = grouped.agg(
        weight=("share", "sum"), addresses=("share", "size"), documents=("document", "nunique")
    )
    found.reset_index().to_parquet(target)


def by_polars(source: str, target: str) -> None:
    import polars as pl
    import polars_h3

    cell = polars_h3.latlng_to_cell("lat", "lon", RESOLUTION, return_dtype=pl.UInt64)
    rows = pl.scan_parquet(source).select("document", "share", cell=cell)
    found = rows.group_by("cell").agg(
        weight=pl.col("share").sum(), addresses=pl.len(), documents=pl.col("document").n_unique()
    )
    found.collect(engine="streaming").write_parquet(target)


def by_duckdb(source: str, target: str) -> None:
    """Cells by batches through Arrow, since duckdb's own h3 extension has to be downloaded at run time."""
    import duckdb
    import pyarrow as pa
    import pyarrow.parquet as pq
    from h3ronpy.vector import coordinates_to_cells

    def batches() -> Iterator[pa.RecordBatch]:
        for batch in pq.ParquetFile(source).iter_batches(BATCH):
            cell = pa.array(coordinates_to_cells(batch["lat"], batch["lon"], RESOLUTION))
            yield pa.record_batch([cell, batch["document"], batch["share"]], schema=layout)

    layout = pa.schema([("cell", pa.uint64()), ("document", pa.int64()), ("share", pa.float64())])
    reader = pa.RecordBatchReader.from_batches(layout, batches())
    with duckdb.connect() as connection:
        connection.register("addresses", reader)
        connection.execute(
            "COPY (SELECT cell, sum(share) AS weight, count(*) AS addresses, "
            "count(DISTINCT document) AS documents FROM addresses GROUP BY cell) TO $target (FORMAT parquet)",
            {"target": target},
        )


def read_by_pyarrow(source: str, target: str) -> None:
    import pyarrow.parquet as pq

    del target
    columns = ["document", "lat", "lon"]
    for batch in pq.ParquetFile(source, pre_buffer=False).iter_batches(BATCH, columns=columns):
        del batch


def read_by_duckdb(source: str, target: str) -> None:
    import duckdb

    del target
    duckdb.execute(
        "SELECT sum(document), sum(lat), sum(lon) FROM read_parquet($source)", {"source": source}
    ).fetchall()


WAYS: Final = {
    OURS: engine,
    LIGHT: sums_alone,
    POLARS: by_polars,
    DUCKDB: by_duckdb,
    PANDAS: by_pandas,
    FLOORS[0]: read_by_pyarrow,
    FLOORS[1]: read_by_duckdb,
}


def compare(one: str, *others: str) -> dict[str, Any]:
    """Count the cells in which other results differ from one."""
    ours = _load(Path(one))
    return {"cells": len(ours[0]), "different": [_different(ours, _load(Path(o))) for o in others]}


def _different(a: tuple[Any, ...], b: tuple[Any, ...]) -> int:
    if len(a[0]) != len(b[0]):
        return abs(len(a[0]) - len(b[0]))
    wrong = ~np.isclose(a[3], b[3], rtol=WEIGHT_TOLERANCE, atol=0)
    for mine, theirs in zip(a[:3], b[:3], strict=True):
        wrong |= mine != theirs
    return int(wrong.sum())


def _load(path: Path) -> tuple[Any, ...]:
    """Give cells in their order, rows, documents, and weights in documents."""
    import pyarrow.parquet as pq

    names = ("cell", "addresses", "documents", "weight")
    if path.is_dir():
        from geoclusters.engine import AddressStore

        table = AddressStore(path).load_cells()
        names = ("cell", "addresses", "distinct_patents", "weight_patents")
    else:
        table = pq.read_table(path)
    cell, addresses, documents, weight = (np.asarray(table[name]) for name in names)
    if weight.dtype == np.int64:
        from geoclusters.schema import WEIGHT_ONE

        weight = weight / WEIGHT_ONE
    order = np.argsort(cell)
    return tuple(
        values[order].astype(kind)
        for values, kind in ((cell, np.uint64), (addresses, int), (documents, int), (weight, float))
    )


def measured(bench: Bench) -> Section:
    """Measure tables of several sizes."""
    section = Section("Addresses to cells: read, bin, add up", __doc__.split("\n\n", 2)[2])
    _costs(bench, FEW, list(WAYS), runs=1)  # leaves byte code and machine code behind
    every: dict[int, dict[str, Cost]] = {}
    for n in bench.sizes:
        names = [name for name in WAYS if name != PANDAS or n <= PANDAS_ROWS]
        every[n], cells = _costs(bench, n, names, runs=bench.runs(n))
        caption = f"{count(n)} rows, {count(cells)} cells of resolution {RESOLUTION}"
        section.add(caption, cost_table(every[n], base=OURS))
    if not bench.brief:
        start, _ = _costs(bench, FEW, list(WAYS), runs=2)
        section.add("Cost of a row", growth_table(every, start, list(WAYS)))
    section.marks = _marks(every[bench.sizes[-1]], bench.sizes[-1])
    return section


def _costs(bench: Bench, n: int, names: list[str], *, runs: int) -> tuple[dict[str, Cost], int]:
    """Run every way, then compare every result with ours; of one that differs no time is kept."""
    bench.say(f"addresses, {count(n)} rows")
    folder = bench.clean_folder("addresses")
    results = {name: folder / f"cells-{number}" for number, name in enumerate(names)}
    ways = {
        name: script(__file__, name, bench.table(n), result, clears=(result,))
        for name, result in results.items()
    }
    costs = bench.measure(ways, runs=runs)
    others = [name for name in names if name != OURS and name not in FLOORS]
    found = bench.ask(script(__file__, "compare", results[OURS], *(results[o] for o in others)))
    for name, different in zip(others, found["different"], strict=True):
        if different:
            costs[name] = Cost(0, 0, 0, died=f"{different} of {found['cells']} cells differ")
    shutil.rmtree(folder)
    return costs, found["cells"]


def _marks(costs: dict[str, Cost], n: int) -> list[Mark]:
    peers = [costs[name] for name in (POLARS, DUCKDB) if not costs[name].died]
    if not peers:
        return []
    floor, enough = costs[FLOORS[0]], n >= ASKED_ROWS
    wall, cpu = min(p.wall_s for p in peers), min(p.cpu_s for p in peers)
    marks = []
    for way, told in (
        (LIGHT, "the table of sums alone"),
        (OURS, "with checks, shares and a store"),
    ):
        ours, rows = costs[way], f"read, bin, add up {count(n)} rows, {told}"
        marks += [
            at_least(
                f"{rows}, against the better peer, wall", 5, wall / ours.wall_s, enough=enough
            ),
            at_least(f"{rows}, against the better peer, CPU", 5, cpu / ours.cpu_s, enough=enough),
            at_most(
                f"{rows}, against reading alone with pyarrow, wall",
                3,
                ours.wall_s / floor.wall_s,
                enough=enough,
            ),
            at_most(f"{rows}, peak memory", 2.5, ours.peak_mib / 1024, "GiB", enough=enough),
        ]
    return marks


def main() -> None:
    """Work as a child, or measure and print."""
    if not measuring.answer({**WAYS, "compare": compare}):
        measuring.standalone(measured, __doc__)


if __name__ == "__main__":
    main()
