"""The GeoPackage: every cluster, cell and link in it, cut at the date line, styled, the same each time."""

from __future__ import annotations

import errno
import json
import sqlite3
import time
from contextlib import closing
from xml.etree import ElementTree as ET

import geopandas as gpd
import h3.api.basic_int as h3
import numpy as np
import pandas as pd
import pyogrio
import pytest
import shapely
import synthetic_run

from geoclusters import geopackage, qgis, schema
from geoclusters.exporting import export
from geoclusters.geopackage import write_geopackage

LAYERS = ("clusters", "regions", "cells", "links")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return synthetic_run.write_run(tmp_path_factory.mktemp("run"))


@pytest.fixture(scope="module")
def package(run, tmp_path_factory):
    path = tmp_path_factory.mktemp("package") / "clusters.gpkg"
    write_geopackage(run, path, made_by=json.dumps({"settings": {"radius_km": 15}}))
    return path


def asked(path, query):
    with closing(sqlite3.connect(path)) as database:
        return database.execute(query).fetchall()


def test_it_holds_every_cluster_cell_and_link(run, package):
    layers = {name: gpd.read_file(package, layer=name) for name in LAYERS}
    clusters = layers["clusters"]
    names = [c.name for c in schema.CLUSTERS.resolved(run.metrics)]
    assert list(clusters.columns) == [*names, "geometry"]
    assert clusters["name"].tolist() == run.clusters["name"].tolist()
    np.testing.assert_array_equal(clusters["score"], run.clusters["score"])
    assert shapely.equals(clusters.geometry, run.clusters.geometry).all()
    assert len(layers["regions"]) == len(clusters)
    mine = run.cells[run.cells["cluster_id"].notna()]
    assert layers["cells"]["cell"].tolist() == [f"{c:x}" for c in mine["cell"]]
    for column in ("density", "core", "cluster_id", *run.metrics):
        assert layers["cells"][column].tolist() == mine[column].tolist()
    inside = run.links[run.links["cluster_b"].notna()]
    assert layers["links"]["documents"].sum() == inside["documents"].sum()
    assert len(layers["links"]) == len(inside[["cluster_a", "cluster_b"]].drop_duplicates())


def test_shapes_are_valid_and_stay_on_their_side_of_the_date_line(package):
    for name in LAYERS:
        shapes = gpd.read_file(package, layer=name).geometry
        assert shapes.is_valid.all()
        assert not shapes.is_empty.any()
        bounds = shapely.bounds(shapely.get_parts(shapes.to_numpy()))
        assert (np.abs(bounds[:, [0, 2]]) <= 180).all()
        if name != "links":
            assert (bounds[:, 2] - bounds[:, 0] < 90).all()


def test_it_is_a_sound_geopackage_that_says_how_it_was_made(package):
    assert asked(package, "PRAGMA integrity_check") == [("ok",)]
    assert asked(package, "PRAGMA foreign_key_check") == []
    listed = {name for (name,) in asked(package, "SELECT table_name FROM gpkg_contents")}
    assert listed == {*LAYERS, "layer_styles"}
    assert "radius_km" in asked(package, "SELECT metadata FROM gpkg_metadata")[0][0]
    said = dict(
        asked(
            package,
            "SELECT column_name, description FROM gpkg_data_columns WHERE table_name = 'clusters'",
        )
    )
    assert said["area_km2"] == "area of the outline on the WGS 84 ellipsoid (km²)"
    assert set(said) == set(pyogrio.read_info(package, layer="clusters")["fields"])


@pytest.mark.parametrize("name", LAYERS)
def test_styles_are_well_formed_and_name_columns_that_exist(package, name):
    ((text, default),) = asked(
        package, f"SELECT styleQML, useAsDefault FROM layer_styles WHERE f_table_name = '{name}'"
    )
    style = ET.fromstring(text)
    info = pyogrio.read_info(package, layer=name)
    renderer = style.find("renderer-v2")
    assert default == 1
    assert style.get("version")
    kinds = {s.get("type") for s in renderer.iter("symbol")}
    wanted = {"MultiPolygon": {"fill"}, "MultiLineString": {"line"}, "Point": {"marker"}}
    assert kinds == wanted[info["geometry_type"]]
    if renderer.get("type") == "graduatedSymbol":
        assert renderer.get("attr") in info["fields"]
        ranges = list(renderer.iter("range"))
        ends = [(float(r.get("lower")), float(r.get("upper"))) for r in ranges]
        assert all(a[1] == b[0] for a, b in zip(ends, ends[1:], strict=False))
        values = gpd.read_file(package, layer=name)[renderer.get("attr")]
        assert ends[0][0] <= values.min()
        assert values.max() <= ends[-1][1]
        symbols = {s.get("name") for s in renderer.iter("symbol")}
        assert {r.get("symbol") for r in ranges} == symbols


def test_the_same_results_give_the_same_bytes(run, package, tmp_path):
    # The time of writing has a resolution of a millisecond in some tables, of a second in others.
    time.sleep(1.1)
    again = tmp_path / "again.gpkg"
    write_geopackage(run, again, made_by=json.dumps({"settings": {"radius_km": 15}}))
    assert again.read_bytes() == package.read_bytes()
    assert [p.name for p in tmp_path.iterdir()] == ["again.gpkg"]


def test_the_number_of_transactions_leaves_no_trace(run, package, tmp_path, monkeypatch):
    set_times = geopackage._set_times

    def with_more_transactions(database, moment):
        set_times(database, moment)
        (version,) = database.execute("PRAGMA user_version").fetchone()
        for number in (1, 2, version):
            database.commit()
            database.execute(f"PRAGMA user_version = {number}")

    monkeypatch.setattr(geopackage, "_set_times", with_more_transactions)
    again = tmp_path / "again.gpkg"
    write_geopackage(run, again, made_by=json.dumps({"settings": {"radius_km": 15}}))
    assert again.read_bytes() == package.read_bytes()


def test_a_break_leaves_the_earlier_file_and_nothing_else(run, package, tmp_path, monkeypatch):
    path = tmp_path / "clusters.gpkg"
    path.write_bytes(package.read_bytes())

    def broken(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(geopackage, "_add_styles", broken)
    with pytest.raises(KeyboardInterrupt):
        write_geopackage(run, path, made_by="{}")
    assert path.read_bytes() == package.read_bytes()
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_is_told_as_the_system_tells_it(run, tmp_path, monkeypatch):
    def full(*_):
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(geopackage, "_add_styles", full)
    with pytest.raises(OSError, match="No space left on device") as error:
        write_geopackage(run, tmp_path / "clusters.gpkg", made_by="{}")
    assert error.value.errno == errno.ENOSPC
    assert list(tmp_path.iterdir()) == []


def test_many_cells_are_joined_into_their_parents(run, tmp_path, monkeypatch):
    cells = pd.DataFrame(run.cells[run.cells["cluster_id"].notna()])
    resolution = h3.get_resolution(int(cells["cell"].iloc[0])) - 2
    up = lambda r: [h3.cell_to_parent(int(cell), r) for cell in cells["cell"]]  # noqa: E731
    n_joined = [
        len(cells.assign(up=up(r)).groupby(["up", "cluster_id"]))
        for r in (resolution, resolution + 1)
    ]
    monkeypatch.setattr(geopackage, "MOST_HEXAGONS", n_joined[1] - 1)
    path = tmp_path / "clusters.gpkg"
    write_geopackage(run, path, made_by="{}")
    wanted = cells.assign(cell=up(resolution)).groupby(["cell", "cluster_id"])
    found = gpd.read_file(path, layer="cells")
    assert len(found) == n_joined[0] < n_joined[1]
    found = found.assign(cell=[int(cell, 16) for cell in found["cell"]])
    found = found.set_index(["cell", "cluster_id"]).sort_index()
    for name, how in {
        "density": "max",
        "core": "any",
        "addresses": "sum",
        run.metrics[0]: "sum",
    }.items():
        assert found[name].tolist() == pytest.approx(wanted[name].agg(how).tolist())
    assert found.geometry.iloc[0].contains(
        shapely.Point(*h3.cell_to_latlng(found.index[0][0])[::-1])
    )
    (said,) = asked(path, "SELECT description FROM gpkg_contents WHERE table_name = 'cells'")
    assert f"joined into resolution {resolution}" in said[0]


def test_each_of_many_cells_is_a_point(run, tmp_path, monkeypatch):
    monkeypatch.setattr(geopackage, "MOST_HEXAGONS", 10)
    path = export(run, tmp_path / "cells.gpkg", cells=True)
    assert pyogrio.read_info(path, layer="cells")["geometry_type"] == "Point"
    assert (
        pyogrio.read_info(path, layer="cells")["features"] == run.cells["cluster_id"].notna().sum()
    )
    assert "SimpleMarker" in str(asked(path, "SELECT styleQML FROM layer_styles"))


def test_a_run_without_links(tmp_path):
    one = synthetic_run.write_run(tmp_path / "one", centres=synthetic_run.CENTRES[:1])
    write_geopackage(one, tmp_path / "one.gpkg", made_by="{}")
    assert len(gpd.read_file(tmp_path / "one.gpkg", layer="links")) == 0
    assert len(gpd.read_file(tmp_path / "one.gpkg", layer="cells")) > 0


def test_a_style_of_one_value_and_of_none():
    style = qgis.Graduated("score", "fill", unit="%", factor=100)
    for values in ([], [np.nan], [0.0, 0.0], [0.25]):
        ranges = list(ET.fromstring(style.qml(values, {"color": "{shade}"})).iter("range"))
        assert ranges
