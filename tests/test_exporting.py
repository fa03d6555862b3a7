"""One file of a run in each format: the same rows, openable by what people use."""

from __future__ import annotations

import geopandas as gpd
import h3
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import synthetic_run
from typer.testing import CliRunner

from geoclusters.cli import app
from geoclusters.errors import RunError
from geoclusters.exporting import export


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return synthetic_run.write_run(tmp_path_factory.mktemp("run"), noise_cells=50)


@pytest.mark.parametrize("ending", ["gpkg", "geojson", "csv", "parquet"])
@pytest.mark.parametrize("cells", [False, True])
def test_every_format_holds_every_row(run, tmp_path, ending, cells):
    out = export(run, tmp_path / f"a.{ending}", cells=cells)
    assert [p.name for p in tmp_path.iterdir()] == [out.name]
    readers = {
        "gpkg": lambda: gpd.read_file(out, layer="cells" if cells else "clusters"),
        "geojson": lambda: gpd.read_file(out),
        "csv": lambda: pd.read_csv(out, keep_default_na=False),
        "parquet": lambda: gpd.read_parquet(out),
    }
    read = readers[ending]()
    if cells:
        wanted = run.cells
        if ending == "gpkg":
            wanted = wanted[wanted["cluster_id"].notna()]
        index = [c if isinstance(c, str) else f"{c:x}" for c in read["cell"]]
        assert index == [f"{c:x}" for c in wanted["cell"]]
        np.testing.assert_allclose(read["density"], wanted["density"])
    else:
        assert read["cluster_id"].tolist() == run.clusters["cluster_id"].tolist()
        np.testing.assert_allclose(read["score"], run.clusters["score"])
    if ending != "csv":
        assert read.crs == "EPSG:4326"


def test_outlines_of_cells_are_the_cells(run, tmp_path):
    read = gpd.read_parquet(export(run, tmp_path / "cells.parquet", cells=True))
    for row in read.head(20).itertuples():
        corners = {(round(x, 9), round(y, 9)) for x, y in row.geometry.exterior.coords}
        given = h3.cell_to_boundary(h3.int_to_str(row.cell))
        assert corners == {(round(lon, 9), round(lat, 9)) for lat, lon in given}
    told = pq.read_schema(tmp_path / "cells.parquet").metadata
    assert b"settings" in told[b"geoclusters"]


def test_the_format_may_be_given_and_an_unknown_one_is_named(run, tmp_path):
    export(run, tmp_path / "table", file_format="csv")
    assert pd.read_csv(tmp_path / "table")["rank"].tolist() == run.clusters["rank"].tolist()
    with pytest.raises(RunError, match=r"a\.shp: no such format.*gpkg, geojson, csv, parquet"):
        export(run, tmp_path / "a.shp")


def test_the_command_prints_the_file(run, tmp_path):
    out = tmp_path / "c.csv"
    told = CliRunner().invoke(app, ["export", str(run.folder), "--out", str(out)])
    assert told.exit_code == 0
    assert told.stdout.strip() == str(out)
    assert out.is_file()
