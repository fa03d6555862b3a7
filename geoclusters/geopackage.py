"""Writes a run as one GeoPackage: clusters, their drawn regions, cells and links, styled for QGIS.

Layers are written by GDAL. What GDAL does not write is added with SQL: styles, the meaning of every
column (the schema extension of the standard), and the time of the run in place of the time of
writing, so that the same results give the same file.

Source: OGC 12-128r19, GeoPackage Encoding Standard 1.4.
"""

from __future__ import annotations

import errno
import glob
import os
import sqlite3
import time
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyogrio

from geoclusters import qgis, schema, wkb
from geoclusters.geometry import great_circles
from geoclusters.hierarchy import EXACT, parents, resolution_of
from geoclusters.results import written_aside

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from geoclusters.results import Result

FILE: Final = "clusters.gpkg"
MOST_HEXAGONS: Final = 200_000
"""More cells are joined into their parents, or written as points: a hexagon takes 0.3 kB, a point half of it."""

WGS84: Final = "EPSG:4326"
GEOMETRY: Final = "geom"
CELL_COLUMNS: Final = ("cell", "cluster_id", "density", "core", "addresses", "{metric}")
_ADDED_COLUMNS: Final = {
    "name_a": "name of one cluster",
    "name_b": "name of the other",
    "documents": "distinct documents with an address in both, of all metrics",
}
_AT_ONCE: Final = 1 << 12
_STRAIGHT_ON: Final = {"OGR_SQLITE_SYNCHRONOUS": "OFF", "OGR_SQLITE_JOURNAL": "OFF"}
_EARLIEST: Final = "1970-01-01T00:00:00+00:00"


@dataclass(frozen=True)
class Layer:
    """One layer: its name, its features with their shapes as WKB, the kind of these, and its style."""

    name: str
    title: str
    features: pa.Table
    geometry_type: str
    style: str


def write_geopackage(result: Result, path: Path, *, made_by: str, each_cell: bool = False) -> None:
    """
    Write the clusters of a run with all that belongs to them as one GeoPackage.

    Parameters
    ----------
    result : Result
        A finished run.
    path : Path
        The file; it is written aside and renamed when it is whole.
    made_by : str
        How the run was made, as JSON; it becomes metadata of the file.
    each_cell : bool
        Write each cell, however many there are: more than `MOST_HEXAGONS` as points at their mean position. Otherwise
        so many cells are joined into their parents, at the finest resolution at which they are few enough.

    Notes
    -----
    Layers, all in WGS 84: `clusters` (outlines with every column of `schema.CLUSTERS`), `regions` (the
    same with gaps closed), `cells` (cells of clusters as hexagons, or the points of an exact run) and
    `links` (great circles between clusters that share documents). What crosses the date line is cut
    there. The table `layer_styles` holds a style for each layer, which QGIS takes as the default.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from geoclusters import read_run
    >>> write_geopackage(read_run("out/sample"), Path("clusters.gpkg"), made_by="{}")  # doctest: +SKIP
    """
    layers = (
        _clusters(result),
        _regions(result),
        _cells(result, each_cell=each_cell),
        _links(result),
    )
    finished = _timestamp(str(result.run.get("finished") or _EARLIEST))
    with _full_disk_told(path), written_aside(path) as part, _named_gpkg(part) as file:
        with _without_journal():
            for number, layer in enumerate(layers):
                options = {} if number else {"dataset_metadata": {"geoclusters": made_by}}
                _write_layer(file, layer, **options)
        with closing(sqlite3.connect(file)) as database, database:
            _add_styles(database, layers, finished)
            _add_meanings(database, layers, result.metrics)
            _set_times(database, finished)


def _write_layer(file: Path, layer: Layer, **options: Any) -> None:  # noqa: ANN401
    pyogrio.write_arrow(
        pa.RecordBatchReader.from_batches(layer.features.schema, _in_turns(layer.features)),
        file,
        layer=layer.name,
        driver="GPKG",
        append=file.exists(),
        geometry_name=GEOMETRY,
        geometry_type=layer.geometry_type,
        crs=WGS84,
        layer_options={"DESCRIPTION": layer.title, "IDENTIFIER": layer.name},
        **options,
    )


@contextmanager
def _without_journal() -> Iterator[None]:
    """Let GDAL write a database straight on: half a file never gets its name, and a whole one is settled then."""
    before = {name: pyogrio.get_gdal_config_option(name) for name in _STRAIGHT_ON}
    pyogrio.set_gdal_config_options(_STRAIGHT_ON)
    try:
        yield
    finally:
        pyogrio.set_gdal_config_options(before)


def _in_turns(features: pa.Table) -> Iterator[pa.RecordBatch]:
    """Give features in parts, between which other threads have their turn: GDAL is called with Python's lock held."""
    for batch in features.combine_chunks().to_batches(max_chunksize=_AT_ONCE):
        time.sleep(0)
        yield batch


@contextmanager
def _named_gpkg(part: Path) -> Iterator[Path]:
    """Give a name that ends as GDAL wants it; the database there becomes `part`, copied by SQLite.

    A database counts its transactions in its head, and GDAL does not always take as many. A copy begins anew.
    """
    file = part.with_name(f"{part.name}.gpkg")
    try:
        file.unlink(missing_ok=True)
        part.touch()  # where the folder cannot be written, the system says so better than GDAL
        part.unlink()
        yield file
        with closing(sqlite3.connect(file)) as database:
            database.execute("VACUUM INTO ?", [str(part)])
    finally:
        journal = part.with_name(f"{part.name}-journal")
        journal.unlink(missing_ok=True)
        for leftover in part.parent.glob(f"{glob.escape(file.name)}*"):
            leftover.unlink()


@contextmanager
def _full_disk_told(path: Path) -> Iterator[None]:
    """Say of a full disk what the system says of it, whichever library comes upon it."""
    try:
        yield
    except (sqlite3.Error, pyogrio.errors.DataLayerError, pyogrio.errors.DataSourceError) as error:
        if "disk is full" not in str(error):
            raise
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path)) from error


# --------------------------------------------------------------------------- layers


def _clusters(result: Result) -> Layer:
    names = [c.name for c in schema.CLUSTERS.resolved(result.metrics)]
    frame = pd.DataFrame(result.clusters[names])
    features = _features(frame, wkb.collections(result.clusters.geometry.to_numpy()))
    style = qgis.Graduated("score", "fill", unit="%", factor=100).qml(
        frame["score"],
        {"color": "{shade}", "outline_color": "20,24,29,255", "outline_width": "0.1"},
    )
    return Layer("clusters", "Clusters: the dissolved cells", features, "MultiPolygon", style)


def _regions(result: Result) -> Layer:
    names = ["cluster_id", "rank", "name", "economies", "score", "intensity"]
    clusters = result.clusters
    shapes = clusters["region"].where(clusters["region"].notna(), clusters.geometry)
    options = {
        "color": "0,0,0,0",
        "style": "no",
        "outline_color": "35,23,87,255",
        "outline_width": "0.4",
    }
    return Layer(
        "regions",
        "Clusters with gaps closed, for drawing",
        _features(pd.DataFrame(clusters[names]), wkb.collections(shapes.to_numpy())),
        "MultiPolygon",
        qgis.single("fill", options),
    )


def _cells(result: Result, *, each_cell: bool) -> Layer:
    names = [n for c in CELL_COLUMNS for n in _for_each(c, result.metrics)]
    inside = result.columns(
        schema.CELLS, [*names, "lat", "lon"], rows=pc.field("cluster_id").is_valid()
    )
    exact = result.run["settings"].get("resolution") == EXACT
    title = "Points of the clusters" if exact else "Cells of the clusters"
    if len(inside) > MOST_HEXAGONS and not each_cell and not exact:
        inside, resolution = _joined(inside, result.metrics)
        title += f", joined into resolution {resolution}: sums, and the highest density"
    cells = inside["cell"].to_numpy()
    as_hexagons = len(cells) <= MOST_HEXAGONS and not exact
    shapes = (
        wkb.cell_hexagons(cells)
        if as_hexagons
        else wkb.points(inside["lon"].to_numpy(), inside["lat"].to_numpy())
    )
    features = inside.select(names).set_column(0, "cell", wkb.hexadecimal(cells))
    graduated = qgis.Graduated("density", "fill" if as_hexagons else "marker")
    options = {"color": "{shade}", "outline_style": "no"}
    if not as_hexagons:
        options |= {"name": "circle", "size": "1"}
    return Layer(
        "cells",
        title,
        features.append_column(GEOMETRY, shapes),
        "MultiPolygon" if as_hexagons else "Point",
        graduated.qml(inside["density"].to_numpy(), options),
    )


def _joined(cells: pa.Table, metrics: Sequence[str]) -> tuple[pa.Table, int]:
    """
    Join the cells of each cluster into their parents, at the finest resolution at which there are few enough.

    Of a parent the density is the highest of its cells, it is core if one of them is, and the rest are sums.
    """
    sums = [(name, "sum") for name in ("addresses", *metrics)]
    added: list[tuple[str, str]] = [("density", "max"), ("core", "any"), *sums]
    names = ["cell", "cluster_id", *(name for name, _ in added)]
    resolution = resolution_of(cells["cell"][0].as_py())
    while len(cells) > MOST_HEXAGONS and resolution > 0:
        resolution -= 1
        parent = pa.array(parents(cells["cell"].to_numpy(), resolution))
        # In order of H3 index, as cells come, parents are so as well; one thread keeps it.
        grouped = cells.set_column(cells.schema.get_field_index("cell"), "cell", parent).group_by(
            ["cell", "cluster_id"], use_threads=False
        )
        cells = grouped.aggregate(added).rename_columns(names)
    return cells, resolution


def _for_each(name: str, metrics: Sequence[str]) -> list[str]:
    return [name.format(metric=m) for m in metrics] if "{metric}" in name else [name]


def _links(result: Result) -> Layer:
    frame = _pairs(result)
    places = result.clusters.set_index("cluster_id")[["lat", "lon"]]
    ends = (places.loc[frame[c]].to_numpy() for c in ("cluster_a", "cluster_b"))
    lines = great_circles(*ends)
    style = qgis.Graduated("documents", "line").qml(
        frame["documents"], {"line_color": "{shade}", "line_width": "0.2", "capstyle": "round"}
    )
    features = _features(frame, wkb.lines(lines))
    return Layer("links", "Documents shared by two clusters", features, "MultiLineString", style)


def _pairs(result: Result) -> pd.DataFrame:
    """Make one row a pair of clusters, strongest last so that it is drawn on top."""
    frame = result.pairs.copy()
    name = dict(zip(result.clusters["cluster_id"], result.clusters["name"], strict=True))
    for end in ("a", "b"):
        frame.insert(2, f"name_{end}", frame[f"cluster_{end}"].map(name).astype("str"))
    order = ["cluster_a", "cluster_b", "name_a", "name_b", "documents", *result.metrics]
    return pd.DataFrame(frame[order]).sort_values(["documents", "cluster_a", "cluster_b"])


# --------------------------------------------------------------------------- as GDAL takes them


def _features(frame: pd.DataFrame, shapes: pa.Array) -> pa.Table:
    """Put a shape beside each row."""
    table = pa.Table.from_pandas(frame, preserve_index=False)
    # A column without a value has no type of its own, and GDAL wants one.
    typed = [f.with_type(pa.string()) if pa.types.is_null(f.type) else f for f in table.schema]
    return table.cast(pa.schema(typed)).append_column(GEOMETRY, shapes)


# --------------------------------------------------------------------------- what GDAL leaves out


def _add_styles(database: sqlite3.Connection, layers: Sequence[Layer], time: str) -> None:
    """Write the table from which QGIS takes the style of a layer."""
    database.execute(
        "CREATE TABLE layer_styles (id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, "
        "f_table_catalog TEXT(256), f_table_schema TEXT(256), f_table_name TEXT(256), "
        "f_geometry_column TEXT(256), styleName TEXT(30), styleQML TEXT, styleSLD TEXT, "
        "useAsDefault BOOLEAN, description TEXT, owner TEXT(30), ui TEXT(30), update_time DATETIME)"
    )
    database.execute(
        "INSERT INTO gpkg_contents (table_name, data_type, identifier, description, last_change) "
        "VALUES ('layer_styles', 'attributes', 'layer_styles', 'Styles for QGIS', ?)",
        [time],
    )
    database.executemany(
        "INSERT INTO layer_styles (f_table_catalog, f_table_schema, f_table_name, f_geometry_column, "
        "styleName, styleQML, styleSLD, useAsDefault, description, owner, ui, update_time) "
        "VALUES ('', '', ?, 'geom', ?, ?, '', 1, ?, '', '', ?)",
        [(layer.name, layer.name, layer.style, layer.title, time) for layer in layers],
    )


def _add_meanings(
    database: sqlite3.Connection, layers: Sequence[Layer], metrics: Sequence[str]
) -> None:
    """Describe every column, in the tables of the standard's schema extension."""
    database.execute(
        "CREATE TABLE gpkg_data_columns (table_name TEXT NOT NULL, column_name TEXT NOT NULL, name TEXT, "
        "title TEXT, description TEXT, mime_type TEXT, constraint_name TEXT, "
        "CONSTRAINT pk_gdc PRIMARY KEY (table_name, column_name), "
        "CONSTRAINT gdc_tn UNIQUE (table_name, name))"
    )
    database.execute(
        "CREATE TABLE gpkg_data_column_constraints (constraint_name TEXT NOT NULL, "
        "constraint_type TEXT NOT NULL, value TEXT, min NUMERIC, min_is_inclusive BOOLEAN, "
        "max NUMERIC, max_is_inclusive BOOLEAN, description TEXT, "
        "CONSTRAINT gdcc_ntv UNIQUE (constraint_name, constraint_type, value))"
    )
    database.executemany(
        "INSERT INTO gpkg_extensions (table_name, column_name, extension_name, definition, scope) "
        "VALUES (?, NULL, 'gpkg_schema', 'http://www.geopackage.org/spec/#extension_schema', 'read-write')",
        [("gpkg_data_columns",), ("gpkg_data_column_constraints",)],
    )
    known = _meanings(metrics)
    database.executemany(
        "INSERT INTO gpkg_data_columns (table_name, column_name, description) VALUES (?, ?, ?)",
        [
            (layer.name, column, known[column])
            for layer in layers
            for column in layer.features.column_names
            if column in known
        ],
    )


def _meanings(metrics: Sequence[str]) -> Mapping[str, str]:
    columns = [
        *schema.LINKS.columns,
        *schema.CELLS.resolved(metrics),
        *schema.CLUSTERS.resolved(metrics),
    ]
    said = {c.name: f"{c.meaning} ({c.unit})" if c.unit else c.meaning for c in columns}
    return {**said, **_ADDED_COLUMNS}


def _set_times(database: sqlite3.Connection, time: str) -> None:
    """Put the end of the run where GDAL wrote the present time."""
    database.execute("UPDATE gpkg_contents SET last_change = ?", [time])
    tables: list[Any] = database.execute(
        "SELECT name FROM sqlite_master WHERE name = 'gpkg_metadata_reference'"
    ).fetchall()
    if tables:
        database.execute("UPDATE gpkg_metadata_reference SET timestamp = ?", [time])


def _timestamp(finished: str) -> str:
    """
    Write a time as GeoPackage wants it: UTC, to the millisecond.

    Examples
    --------
    >>> _timestamp("2026-01-02T03:04:05+01:00")
    '2026-01-02T02:04:05.000Z'
    """
    moment = datetime.fromisoformat(finished).astimezone(UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000Z")
