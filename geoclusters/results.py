"""Reads and writes the tables of a run, and its folder as a whole."""

from __future__ import annotations

import shutil
from functools import cached_property
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import geopandas as gpd
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from geoclusters import schema
from geoclusters.folders import (
    RUN_FILE,
    STAGES,
    read_run_file,
    write_json,
    write_texts,
    written_aside,
)
from geoclusters.geojson import write_geojson

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

__all__ = [
    "MAP_FILE",
    "REPORT_FILE",
    "RUN_FILE",
    "STAGES",
    "Result",
    "as_table",
    "copy_parquet",
    "forget_pages",
    "read_run",
    "write_clusters",
    "write_csv",
    "write_geojson",
    "write_json",
    "write_outlines",
    "write_parquet",
    "write_texts",
    "written_aside",
]

MAP_FILE: Final = "map.html"
REPORT_FILE: Final = "report.html"
ROW_GROUP: Final = 1 << 17
ENCODINGS: Final = {
    "cell": "DELTA_BINARY_PACKED",
    "lat": "BYTE_STREAM_SPLIT",
    "lon": "BYTE_STREAM_SPLIT",
    "density": "BYTE_STREAM_SPLIT",
}
"""Columns whose values hardly repeat: half the time and three quarters of the room that a dictionary of them takes."""


def write_parquet(path: Path, table: pa.Table, *, made_by: str) -> None:
    """Write a table as Parquet (zstd); `made_by` goes into the file's metadata under ``geoclusters``."""
    table = table.replace_schema_metadata({b"geoclusters": made_by.encode()})
    encoded = {name: ENCODINGS[name] for name in table.column_names if name in ENCODINGS}
    with written_aside(path) as part:
        pq.write_table(
            table,
            part,
            compression="zstd",
            row_group_size=ROW_GROUP,
            column_encoding=encoded,
            use_dictionary=[name for name in table.column_names if name not in encoded],
        )


def copy_parquet(source: Path, target: Path, *, made_by: str) -> None:
    """Write a Parquet file again, a part at a time, with how it was made in its metadata."""
    with pq.ParquetFile(source) as file, written_aside(target) as part:
        layout = file.schema_arrow.with_metadata({b"geoclusters": made_by.encode()})
        with pq.ParquetWriter(part, layout, compression="zstd") as writer:
            for batch in file.iter_batches(ROW_GROUP):
                writer.write_batch(batch.cast(layout), row_group_size=ROW_GROUP)


def as_table(frame: pd.DataFrame, layout: schema.Table, metrics: Sequence[str]) -> pa.Table:
    """Bring a frame into the columns, order and types that the schema gives for a table."""
    wanted = layout.arrow(metrics)
    return pa.Table.from_arrays(
        [_as_array(frame[field.name], field.type) for field in wanted], schema=wanted
    )


def _as_array(column: pd.Series, kind: pa.DataType) -> pa.Array:
    if isinstance(column.dtype, pd.CategoricalDtype):
        return pa.Array.from_pandas(column).cast(kind)
    return pa.Array.from_pandas(column, type=kind, safe=False)


def write_clusters(
    folder: Path, clusters: gpd.GeoDataFrame, *, metrics: Sequence[str], made_by: str
) -> None:
    """
    Write clusters as GeoParquet 1.1.

    Parameters
    ----------
    clusters : geopandas.GeoDataFrame
        Columns of `schema.CLUSTERS`, `geometry` and `region`, WGS 84, in order of rank.
    """
    columns = [c.name for c in schema.CLUSTERS.resolved(metrics)]
    written = BytesIO()
    clusters[[*columns, "geometry", "region"]].to_parquet(
        written, index=False, compression=None, schema_version="1.1.0", write_covering_bbox=True
    )
    table = pq.read_table(written)
    kept = dict(table.schema.metadata)
    kept.pop(b"ARROW:schema", None)
    table = table.replace_schema_metadata({**kept, b"geoclusters": made_by.encode()})
    with written_aside(folder / schema.CLUSTERS.name) as part:
        pq.write_table(table, part, compression="zstd")


def write_outlines(folder: Path, clusters: gpd.GeoDataFrame, *, metrics: Sequence[str]) -> None:
    """Write clusters, as `write_clusters` takes them, as RFC 7946 GeoJSON and, without outlines, as the ranking."""
    columns = [c.name for c in schema.CLUSTERS.resolved(metrics)]
    write_geojson(folder / "clusters.geojson", clusters[[*columns, "geometry"]])
    ranking = [c.name for c in schema.RANKING.resolved(metrics)]
    write_csv(folder / schema.RANKING.name, pd.DataFrame(clusters[ranking]))


_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r")


def write_csv(path: Path, frame: pd.DataFrame) -> None:
    """
    Write a table as CSV, UTF-8, with full precision; texts that a spreadsheet would run are defused.

    A text that begins like a formula gets an apostrophe before it, so that it is shown and not computed. A carriage
    return in a text becomes a line feed: readers take a bare one for the end of the row, which would make a
    row, and perhaps a formula, of what stands after it.
    """
    texts = frame.select_dtypes(include=["object", "string"]).columns
    frame = frame.assign(**{name: frame[name].map(_defused) for name in texts})
    with written_aside(path) as part:
        frame.to_csv(part, index=False, encoding="utf-8", lineterminator="\n")


def _defused(value: Any) -> Any:  # noqa: ANN401
    if not isinstance(value, str):
        return value
    text = value.replace("\r\n", "\n").replace("\r", "\n")
    return f"'{text}" if value.startswith(_FORMULA_STARTS) else text


def forget_pages(folder: Path) -> None:
    """Take away the pages of an earlier run."""
    for name in (MAP_FILE, REPORT_FILE):
        (folder / name).unlink(missing_ok=True)
    for name in ("clusters", "assets"):
        shutil.rmtree(folder / name, ignore_errors=True)


class Result:
    """
    A finished run, read from its folder when asked.

    Attributes
    ----------
    folder : Path
        Where the files are.
    run : dict
        The content of `run.json`: settings, inputs, counts, warnings, stages.
    """

    def __init__(
        self,
        folder: Path,
        run: dict[str, Any],
        *,
        tables: Mapping[str, pa.Table] | None = None,
        coming: Collection[str] = (),
    ) -> None:
        self.folder = folder
        self.run = run
        self._coming = coming
        """Names of files that are still being written beside whoever reads these."""
        self._tables = tables or {}
        """Tables by the names of their files, of a run that has just written them and need not read them."""

    def __repr__(self) -> str:
        """Say what was run and how many clusters came out."""
        return f"<Result of {self.run['study']['name']!r}: {self.run['clusters']} clusters, {self.folder}>"

    def holds(self, name: str) -> bool:
        """Tell whether a file is in the folder, or will be when the run is finished."""
        return name in self._coming or (self.folder / name).is_file()

    @property
    def metrics(self) -> list[str]:
        """Metrics of the run, in the study's order."""
        return list(self.run["metrics"])

    @property
    def map_file(self) -> Path:
        """The world map."""
        return self.folder / MAP_FILE

    @cached_property
    def clusters(self) -> gpd.GeoDataFrame:
        """Clusters in order of rank (`schema.CLUSTERS`), outlines in WGS 84."""
        return gpd.read_parquet(self.folder / schema.CLUSTERS.name)

    @cached_property
    def ranking(self) -> pd.DataFrame:
        """The ranking without outlines (`schema.RANKING`)."""
        columns = [c.name for c in schema.RANKING.resolved(self.metrics)]
        return pd.DataFrame(self.clusters[columns])

    @cached_property
    def cells(self) -> gpd.GeoDataFrame:
        """Cells in order of H3 index (`schema.CELLS`); the geometry is the mean position, WGS 84."""
        frame = self.table(schema.CELLS)
        points = gpd.points_from_xy(frame["lon"], frame["lat"], crs="EPSG:4326")
        return gpd.GeoDataFrame(frame, geometry=points)

    @cached_property
    def economies(self) -> pd.DataFrame:
        """League table of economies (`schema.ECONOMIES`)."""
        return pd.read_csv(
            self.folder / schema.ECONOMIES.name, keep_default_na=False, na_values=[""]
        )

    @cached_property
    def links(self) -> pd.DataFrame:
        """Documents between clusters (`schema.LINKS`)."""
        return self.table(schema.LINKS)

    @cached_property
    def pairs(self) -> pd.DataFrame:
        """Links between two clusters, a row a pair: `cluster_a`, `cluster_b`, documents of each metric, `documents`."""
        inside = self.links.dropna(subset=["cluster_a", "cluster_b"])
        table = inside.pivot_table(
            index=["cluster_a", "cluster_b"],
            columns="metric",
            values="documents",
            aggfunc="sum",
            fill_value=0,
        )
        table = table.reindex(columns=self.metrics, fill_value=0).astype("int64")
        table = table.assign(documents=table.sum(axis=1).astype("int64"))
        return table.rename_axis(columns=None).reset_index()

    @cached_property
    def neighbours(self) -> pd.DataFrame:
        """Clusters that are near each other, and how near (`schema.NEIGHBOURS`)."""
        return self.table(schema.NEIGHBOURS)

    def breakdown(self, by: str) -> pd.DataFrame:
        """Documents of each cluster by 'years', 'fields', 'organisations' or 'accuracy'."""
        return self.table(schema.BREAKDOWNS[by])

    @cached_property
    def rejected(self) -> pd.DataFrame:
        """Addresses that were not placed, with their reason (`schema.REJECTED`)."""
        return self.table(schema.REJECTED)

    def table(self, layout: schema.Table) -> pd.DataFrame:
        """Read one of the Parquet tables."""
        found: pd.DataFrame = self.columns(layout).to_pandas()
        return found

    def columns(
        self,
        layout: schema.Table,
        names: Sequence[str] | None = None,
        *,
        rows: pc.Expression | None = None,
    ) -> pa.Table:
        """
        Read some columns of one of the Parquet tables: much less than all where there are millions of cells.

        Parameters
        ----------
        layout : schema.Table
            The table.
        names : sequence of str, optional
            Its columns; left out: all.
        rows : pyarrow.compute.Expression, optional
            Which rows; left out: all. They keep their order.
        """
        wanted = None if names is None else [*names]
        known = self._tables.get(layout.name)
        if known is not None and rows is None:
            return known if wanted is None else known.select(wanted)
        if known is not None:
            return ds.dataset(known).to_table(columns=wanted, filter=rows)
        return pq.read_table(self.folder / layout.name, columns=wanted, filters=rows)


def read_run(folder: str | Path) -> Result:
    """
    Open the folder of a finished run.

    Raises
    ------
    RunError
        If there is no finished run in the folder.
    """
    path = Path(folder)
    return Result(path, read_run_file(path))
