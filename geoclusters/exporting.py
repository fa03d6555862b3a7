"""Writes the clusters or the cells of a run as one file, in the format that is asked for."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from geoclusters import schema
from geoclusters.errors import RunError
from geoclusters.geometry import hexagons
from geoclusters.geopackage import write_geopackage
from geoclusters.hierarchy import EXACT
from geoclusters.results import write_csv, written_aside

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import geopandas as gpd

    from geoclusters.results import Result

DECIMALS: Final = 5
"""Of coordinates in GeoJSON: about a metre."""


def export(
    result: Result, out: Path, *, file_format: str | None = None, cells: bool = False
) -> Path:
    """
    Write the clusters of a run, or its cells, as one file.

    Parameters
    ----------
    result : Result
        A finished run.
    out : Path
        The file.
    file_format : {"gpkg", "geojson", "csv", "parquet"}, optional
        Left out: by the ending of `out`.
    cells : bool
        Cells with their outlines (hexagons) instead of clusters. A GeoPackage holds both in any case, and with `cells`
        each cell, however many there are (`geopackage.write_geopackage`).

    Returns
    -------
    Path
        `out`.

    Notes
    -----
    All geometry is WGS 84. CSV has none: clusters have the columns of `schema.CLUSTERS`, cells those of
    `schema.CELLS`. The H3 index of a cell is written in hexadecimal, since many readers of CSV and
    GeoJSON keep whole numbers to 53 bits only. Parquet keeps it as a number.

    Raises
    ------
    RunError
        If the format is not known.

    Examples
    --------
    >>> sorted(WRITERS)
    ['csv', 'geojson', 'gpkg', 'parquet']
    """
    wanted = (file_format or out.suffix.removeprefix(".")).lower()
    if wanted not in WRITERS:
        raise RunError(
            f"{file_format or out}: no such format is known; give --format {', '.join(WRITERS)}, "
            "or a file name that ends so"
        )
    WRITERS[wanted](result, out, cells)
    return out


def _gpkg(result: Result, out: Path, cells: bool) -> None:  # noqa: FBT001
    write_geopackage(result, out, made_by=_made_by(result), each_cell=cells)


def _geojson(result: Result, out: Path, cells: bool) -> None:  # noqa: FBT001
    frame = _shaped(result, _readable(result.cells)) if cells else _outlined(result)
    with written_aside(out) as part:
        frame.to_file(
            part, driver="GeoJSON", engine="pyogrio", RFC7946="YES", COORDINATE_PRECISION=DECIMALS
        )


def _csv(result: Result, out: Path, cells: bool) -> None:  # noqa: FBT001
    frame = _readable(result.cells) if cells else _outlined(result)
    write_csv(out, pd.DataFrame(frame.drop(columns="geometry")))


def _parquet(result: Result, out: Path, cells: bool) -> None:  # noqa: FBT001
    with written_aside(out) as part:
        if not cells:
            shutil.copyfile(result.folder / schema.CLUSTERS.name, part)
            return
        _shaped(result, result.cells).to_parquet(
            part, index=False, compression="zstd", schema_version="1.1.0", write_covering_bbox=True
        )
        table = pq.read_table(part)
        told = {**table.schema.metadata, b"geoclusters": _made_by(result).encode()}
        pq.write_table(table.replace_schema_metadata(told), part, compression="zstd")


WRITERS: Final[dict[str, Callable[[Result, Path, bool], None]]] = {
    "gpkg": _gpkg,
    "geojson": _geojson,
    "csv": _csv,
    "parquet": _parquet,
}
"""How each format is written; another format is another function here."""


def _outlined(result: Result) -> gpd.GeoDataFrame:
    names = [c.name for c in schema.CLUSTERS.resolved(result.metrics)]
    return result.clusters[[*names, "geometry"]]


def _readable(cells: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    return cells.assign(cell=[f"{int(c):x}" for c in cells["cell"]])


def _shaped(result: Result, cells: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Give cells their outlines; the points of an exact run stay points."""
    if result.run["settings"].get("resolution") == EXACT:
        return cells
    index = [int(c, 16) if isinstance(c, str) else int(c) for c in cells["cell"]]
    return cells.set_geometry(hexagons(np.array(index, dtype=np.uint64)), crs=cells.crs)


def _made_by(result: Result) -> str:
    """Say how the run was made, as the metadata of its other files does."""
    run = result.run
    told = {k: run.get(k) for k in ("geoclusters", "study", "window", "settings", "weights")}
    return json.dumps(told, ensure_ascii=False, allow_nan=False)
