"""
A run whose addresses are read and added up by the executors of Spark.

    spark-submit docs/spark.py study.toml --out shared/run --partitions 64

The tasks of a run go through `mapInArrow`, one to a partition, and their answers come back as a column. What they
write lies in the folder of the run, which driver and executors must see at the same path, as they must the sources.
The result is that of a run on one machine, byte for byte.
"""

from __future__ import annotations

import argparse
import pickle
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from pyspark.sql import SparkSession
from pyspark.sql.types import LongType, StructField, StructType

import geoclusters as gc
from geoclusters.engine import DistributedEngine, tasks
from geoclusters.errors import GeoclustersError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from pyspark.sql import DataFrame

ANSWERS = "task bigint, answer binary"


def engine_on(spark: SparkSession, *, partitions: int | None = None) -> DistributedEngine:
    """
    Give an engine whose tasks Spark carries out: ``geoclusters.run(study, out, engine=engine_on(spark))``.

    Parameters
    ----------
    partitions : int, optional
        Partitions that the addresses are parted into; by default one for some million rows.
    """

    def carry_out(
        work: Callable[..., tasks.Facts], given: Sequence[tuple[Any, ...]], /
    ) -> list[tasks.Facts]:
        if not given:
            return []
        code = tasks.code_of_tasks()

        def answered(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
            for batch in batches:
                for task in batch["id"].to_pylist():
                    answer = pickle.dumps(tasks.attempted(work, given[task], code=code))
                    yield pa.RecordBatch.from_pydict({"task": [task], "answer": [answer]})

        one_to_a_partition = spark.range(0, len(given), 1, numPartitions=len(given))
        rows = one_to_a_partition.mapInArrow(answered, ANSWERS).collect()
        answers = [pickle.loads(row.answer) for row in sorted(rows)]  # noqa: S301 - our own executors
        for answer in answers:
            if isinstance(answer, GeoclustersError):
                raise answer
        return answers

    return DistributedEngine(carry_out, partitions=partitions)


def with_cells(
    table: DataFrame, resolution: int, *, lat: str = "lat", lon: str = "lon"
) -> DataFrame:
    """
    Give a table of Spark the H3 cell of each row as a column `cell` (bigint; null where there is no point).

    Parameters
    ----------
    resolution : int
        H3 resolution, 0 to 15.
    lat, lon : str
        Columns of WGS 84 degrees, as double.
    """

    def celled(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            degrees = (batch[name].to_numpy(zero_copy_only=False) for name in (lat, lon))
            cells = gc.latlng_to_cells(*degrees, resolution, n_threads=1)
            column = pa.array(cells.astype(np.int64), mask=cells == 0)
            yield batch.append_column("cell", column)

    return table.mapInArrow(celled, StructType([*table.schema, StructField("cell", LongType())]))


def main(arguments: Sequence[str] | None = None) -> None:
    """Carry out a study on the cluster that `spark-submit` was told."""
    asked = argparse.ArgumentParser(description="A run of geoclusters on Spark.")
    asked.add_argument("study")
    asked.add_argument("--out", help="folder of the run, which all machines share")
    asked.add_argument(
        "--partitions", type=int, help="partitions that the addresses are parted into"
    )
    given = asked.parse_args(arguments)
    spark = SparkSession.builder.appName("geoclusters").getOrCreate()
    result = gc.run(given.study, given.out, engine=engine_on(spark, partitions=given.partitions))
    print(f"The map is at {result.folder / 'map.html'}")


if __name__ == "__main__":
    main()
