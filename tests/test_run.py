"""The whole chain: the same bytes for any order of the rows, nothing lost, resumed after a break."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import shapely
from four_cities import COLUMNS, make_addresses, make_settings

import geoclusters as gc
from geoclusters import engine, schema
from geoclusters.assembly import Cells, find_clusters
from geoclusters.errors import RunError, SourceError
from geoclusters.settings import Method

SAME = (
    "clusters.parquet",
    "ranking.csv",
    "cells.parquet",
    "clusters.geojson",
    "links.parquet",
    "years.parquet",
)


def bytes_of(folder):
    return {name: (folder / name).read_bytes() for name in SAME}


@pytest.mark.usefixtures("no_pages")
def test_twice_and_shuffled_into_seven_files_gives_the_same_bytes(finished, four_cities, tmp_path):
    again = gc.run(gc.make_study(make_settings(), folder=four_cities), tmp_path / "again")
    assert bytes_of(again.folder) == bytes_of(finished.folder)

    rows = make_addresses().sample(frac=1, random_state=5)
    for number in range(7):
        rows.iloc[number::7].to_parquet(tmp_path / f"addresses-{number}.parquet", index=False)
    shuffled = gc.run(gc.make_study(make_settings(), folder=tmp_path), tmp_path / "shuffled")
    assert bytes_of(shuffled.folder) == bytes_of(finished.folder)


@pytest.mark.usefixtures("no_pages")
def test_the_sample_world_comes_out_the_same_when_shuffled(tmp_path):
    from geoclusters.sample import write_sample

    world = write_sample(tmp_path / "world", documents=3000, seed=3)
    study = gc.read_study(world / "study.toml")
    method = study.method.model_copy(update={"min_density": 0.01, "merge_rule": "gap+links"})
    study = study.model_copy(update={"method": method})
    first = gc.run(study, tmp_path / "first")
    sources = []
    for source in study.source:
        paths = sorted(world.glob(source.path))
        read = pd.read_csv if ".csv" in source.path else pd.read_parquet
        rows = pd.concat([read(p) for p in paths]).sample(frac=1, random_state=2)
        for number in range(7):
            rows.iloc[number::7].to_parquet(
                tmp_path / f"{source.metric}-{number}.parquet", index=False
            )
        sources.append(source.model_copy(update={"path": f"{source.metric}-*.parquet"}))
    study = study.model_copy(update={"source": tuple(sources), "folder": tmp_path})
    other = gc.run(study, tmp_path / "other")
    assert bytes_of(other.folder) == bytes_of(first.folder)
    assert len(first.clusters) > 3


def test_documents_are_conserved(finished):
    told = finished.run["documents"]["patents"]
    in_clusters, noise, unplaced, window = (
        told[k] for k in ("in_clusters", "noise", "unplaced", "window")
    )
    assert in_clusters + noise + unplaced == pytest.approx(window, rel=1e-6)
    rows = make_addresses()
    assert window == rows[rows["year"] >= 2019]["patent"].nunique()
    assert finished.clusters["patents"].sum() == pytest.approx(in_clusters, rel=1e-9)
    assert finished.cells["patents"].sum() == pytest.approx(in_clusters + noise, rel=1e-9)


def test_every_row_is_accounted_for(finished):
    (rows,) = finished.run["rows"]
    raw = make_addresses()
    assert rows["read"] == len(raw)
    assert rows["outside_window"] == (raw["year"] == 2011).sum()
    assert rows["read"] == (
        rows["outside_window"]
        + rows["without_year"]
        + rows["placed"]
        + sum(rows["rejected"].values())
    )
    rejected = finished.rejected
    assert rejected["reason"].value_counts().to_dict() == rows["rejected"]
    inside = raw[raw["year"] >= 2019]
    assert rows["rejected"]["placeholder"] + rows["rejected"]["no_coordinates"] > 100
    twice = inside.duplicated(["patent", "inventor", "lat", "lon"]) & inside["lat"].notna()
    assert rows["rejected"]["duplicate"] == twice.sum()
    shown = rejected[rejected["reason"] == "placeholder"].iloc[0]
    assert (shown["lat"], shown["lon"], shown["file"]) == (0.0, 0.0, "addresses.parquet")
    assert raw.iloc[shown["row"] - 1]["inventor"] == shown["person"]


def test_counts_are_those_of_a_plain_computation(finished):
    """Fractions by pandas, labels from the cells: the documents of every cluster again."""
    import h3

    rows = make_addresses()
    rows = rows[rows["year"] >= 2019].drop_duplicates(["patent", "inventor", "lat", "lon"])
    persons = rows.groupby("patent")["inventor"].transform("nunique")
    mine = rows.groupby(["patent", "inventor"])["lat"].transform("size")
    rows["part"] = 1 / persons / mine
    abroad = finished.rejected.query("reason == 'outside_country'")["person"]
    rows = rows[rows["lat"].notna() & (rows["lat"] != 0) & ~rows["inventor"].isin(abroad)]
    home = dict(zip(finished.cells["cell"], finished.cells["cluster_id"], strict=True))
    rows["cluster_id"] = [
        home[h3.str_to_int(h3.latlng_to_cell(a, o, 8))]
        for a, o in zip(rows["lat"], rows["lon"], strict=True)
    ]
    expected = rows.groupby("cluster_id")["part"].sum()
    got = finished.clusters.set_index("cluster_id")["patents"]
    pd.testing.assert_series_equal(got.sort_index(), expected, check_names=False, rtol=1e-8)


def test_clusters_are_the_cities(finished):
    clusters = finished.clusters
    assert set(clusters["name"]) >= {"Munich", "Basel", "Tokyo"}
    assert clusters["rank"].tolist() == list(range(1, len(clusters) + 1))
    assert clusters["score"].is_monotonic_decreasing
    assert clusters.loc[clusters["name"] == "Basel", "economies"].item() == "CH"
    assert clusters.geometry.is_valid.all()
    assert (clusters.bounds["maxx"] - clusters.bounds["minx"])[
        clusters["economies"] != "FJ"
    ].max() < 3
    for _, row in clusters.iterrows():
        for part in row.geometry.geoms:
            assert part.bounds[2] - part.bounds[0] < 180


def test_cells_of_a_cluster_are_inside_its_outline(finished):
    cells = finished.cells
    outlines = finished.clusters.set_index("cluster_id").geometry
    for cluster_id, mine in cells[cells["cluster_id"].notna()].groupby("cluster_id"):
        assert shapely.intersects(outlines[cluster_id].buffer(1e-7), mine.geometry.to_numpy()).all()


def test_labels_are_those_of_scikit_learn(finished):
    from sklearn.cluster import DBSCAN

    from geoclusters.earth import EARTH_RADIUS_KM

    cells, settings = finished.cells, finished.run["settings"]
    weight = np.rint(cells["weight"].to_numpy() * schema.DENSITY_ONE).astype(np.int64)
    found = DBSCAN(
        eps=settings["radius_km"] / EARTH_RADIUS_KM,
        min_samples=round(settings["min_density"] * schema.DENSITY_ONE),
        metric="haversine",
        algorithm="ball_tree",
    ).fit(np.radians(cells[["lat", "lon"]].to_numpy()), sample_weight=weight)
    core = np.zeros(len(cells), bool)
    core[found.core_sample_indices_] = True
    assert (core == cells["core"]).all()
    # The merge gap is smaller than the radius, so core cells are joined by DBSCAN alone.
    pairs = set(zip(found.labels_[core], cells["cluster_id"][core], strict=True))
    assert len({a for a, _ in pairs}) == len({b for _, b in pairs}) == len(pairs)


def test_result_files_follow_the_schema(finished):
    metrics = finished.metrics
    for layout in (schema.CELLS, schema.LINKS, schema.REJECTED, *schema.BREAKDOWNS.values()):
        assert pq.read_schema(finished.folder / layout.name).names == layout.arrow(metrics).names
    clusters = gpd.read_parquet(finished.folder / "clusters.parquet")
    names = [c.name for c in schema.CLUSTERS.resolved(metrics)]
    assert list(clusters.columns) == [*names, "geometry", "region"]
    metadata = pq.read_schema(finished.folder / "clusters.parquet").metadata
    assert json.loads(metadata[b"geoclusters"])["settings"]["radius_km"] == 15
    assert json.loads(metadata[b"geo"])["version"] == "1.1.0"
    ranking = pd.read_csv(finished.folder / "ranking.csv")
    assert list(ranking.columns)[:7] == [
        "rank",
        "name",
        "economies",
        "cross_border",
        "patents",
        "share_patents",
        "score",
    ]
    geojson = json.loads((finished.folder / "clusters.geojson").read_text())
    assert "crs" not in geojson
    assert len(geojson["features"]) == len(clusters)


def test_years_fields_and_organisations_add_up(finished):
    inside = finished.run["documents"]["patents"]["in_clusters"]
    for by in schema.BREAKDOWNS:
        table = finished.breakdown(by)
        assert table.loc[table["cluster_id"].notna(), "documents"].sum() == pytest.approx(inside)


@pytest.mark.usefixtures("no_pages")
def test_a_second_run_goes_on_from_the_finished_stage(finished, four_cities, tmp_path):
    study = gc.make_study(make_settings(), folder=four_cities)
    gc.run(study, tmp_path)
    again = gc.run(gc.make_study(make_settings(radius_km=20.0), folder=four_cities), tmp_path)
    assert {s["stage"]: s["reused"] for s in again.run["stages"]}["addresses"]
    other = gc.run(gc.make_study(make_settings(resolution=7), folder=four_cities), tmp_path)
    assert not {s["stage"]: s["reused"] for s in other.run["stages"]}["addresses"]


def test_a_run_killed_half_way_looks_unfinished_and_can_be_finished(
    finished, four_cities, tmp_path
):
    """The process is killed at its first write of a result; nothing there may look whole."""
    script = (
        "import os, signal, sys\n"
        "import geoclusters as gc\n"
        "from geoclusters import results\n"
        "results.write_clusters = lambda *a, **k: os.kill(os.getpid(), signal.SIGKILL)\n"
        "sys.path.insert(0, sys.argv[3])\n"
        "from four_cities import make_settings\n"
        "gc.run(gc.make_study(make_settings(), folder=sys.argv[1]), sys.argv[2])\n"
    )
    out = tmp_path / "out"
    here = os.path.dirname(__file__)
    ended = subprocess.run(
        [sys.executable, "-c", script, str(four_cities), str(out), here], check=False
    )
    assert ended.returncode == -signal.SIGKILL
    with pytest.raises(RunError, match="no finished run"):
        gc.read_run(out)
    assert not [p for p in out.iterdir() if p.is_file()]
    began = time.perf_counter()
    result = gc.run(gc.make_study(make_settings(), folder=four_cities), out)
    assert {s["stage"]: s["reused"] for s in result.run["stages"]}["addresses"]
    assert bytes_of(out) == bytes_of(finished.folder)
    assert time.perf_counter() - began < 60


@pytest.mark.usefixtures("no_pages")
def test_reclustering_equals_a_run_with_these_settings(finished, four_cities, tmp_path):
    for number, changes in enumerate(
        ({"radius_km": 25.0}, {"min_density": 0.05, "merge_gap_km": 9.0}, {"resolution": 6})
    ):
        direct = gc.run(
            gc.make_study(make_settings(**changes), folder=four_cities), tmp_path / f"d{number}"
        )
        moved = gc.recluster(finished.folder, out=tmp_path / f"m{number}", **changes)
        assert bytes_of(moved.folder) == bytes_of(direct.folder)
        assert (
            gc.recluster(moved.folder, radius_km=15.0, out=tmp_path / "again").run["settings"][
                "radius_km"
            ]
            == 15
        )


def test_a_study_that_is_wrong_leaves_no_folder(tmp_path):
    source = {"metric": "patents", "path": "none.csv", "columns": {"document": "id"}}
    with pytest.raises(SourceError, match="no such file"):
        gc.run(gc.make_study({"name": "x", "source": [source]}, folder=tmp_path), tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("no_pages")
def test_boundaries_that_fail_leave_the_run_as_it_was(finished, tmp_path, monkeypatch):
    moved = gc.recluster(finished.folder, out=tmp_path / "moved", radius_km=20.0)
    before = bytes_of(moved.folder)
    monkeypatch.setattr("geoclusters.measuring.measure_clusters", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        gc.recluster(moved.folder, radius_km=10.0)
    assert bytes_of(moved.folder) == before
    assert gc.read_run(moved.folder).run["settings"]["radius_km"] == 20


@pytest.mark.usefixtures("no_pages")
def test_other_addresses_end_what_was_found_in_those_before(four_cities, tmp_path, monkeypatch):
    study = gc.make_study(make_settings(), folder=four_cities)
    gc.run(study, tmp_path / "out")
    monkeypatch.setattr("geoclusters.measuring.measure_clusters", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        gc.run(gc.make_study(make_settings(resolution=6), folder=four_cities), tmp_path / "out")
    with pytest.raises(RunError, match="no finished run"):
        gc.read_run(tmp_path / "out")


@pytest.mark.usefixtures("no_pages")
@pytest.mark.parametrize(("n", "near"), [(10, 3), (20, 3), (30, 29), (1000, 7)])
def test_a_threshold_that_is_just_reached_is_reached(tmp_path, n, near):
    """However many cells the documents of a place lie in, and however shares of them round."""
    table = pd.DataFrame({"id": range(n), "lat": 35.68, "lon": 139.7})
    table.loc[: near - 1, "lat"] = 48.85 + 0.004 * np.arange(near)
    table.loc[: near - 1, "lon"] = 2.35
    table.to_csv(tmp_path / "a.csv", index=False)
    columns = {"document": "id", "lat": "lat", "lon": "lon"}
    source = {"metric": "patents", "path": "a.csv", "columns": columns}
    for threshold, dense in ((near / n, True), (near / n * (1 + 1e-6), False)):
        settings = {"name": "x", "method": {"min_density": threshold}, "source": [source]}
        run = gc.run(gc.make_study(settings, folder=tmp_path), tmp_path / f"out{dense}")
        cells = run.cells
        assert cells.loc[cells["lat"] > 40, "core"].all() == dense


@pytest.mark.parametrize("worth", [1.0, 0.5])
@pytest.mark.parametrize("n_cells", [1, 3, 10, 300, 5000])
def test_rounding_in_many_cells_of_a_large_world_hides_no_core(n_cells, worth):
    """A hundred million documents, of which each cell holds one, or half of one."""
    world = 100_000_000
    weight = np.full(n_cells, round(worth * schema.WEIGHT_ONE))
    columns = {
        "lat": np.full(n_cells, 48.0),
        "lon": np.full(n_cells, 11.0),
        "weight_patents": weight,
        "addresses": np.ones(n_cells, np.int64),
    }
    facts = {"documents": {"patents": world * schema.WEIGHT_ONE}, "unplaced": {"patents": 0}}
    threshold = n_cells * worth / world
    for factor, dense in ((1.0, True), (1 + 1e-6, False)):
        method = Method(min_density=threshold * factor)
        cells = Cells.from_columns(columns, metrics=["patents"], method=method, facts=facts)
        found = find_clusters(cells, method=method, store=None, doubting=False)
        assert found.core.all() == dense


@pytest.mark.parametrize(
    "settings", [{"min_density": 0.9}, {"density": "addresses", "min_density": 1e15}]
)
def test_a_threshold_beyond_the_world_finds_nothing(settings):
    """As one may be that is tried out around the one that is set."""
    columns = {
        "lat": np.array([48.0, 48.1]),
        "lon": np.array([11.0, 11.1]),
        "weight_patents": np.array([schema.WEIGHT_ONE, schema.WEIGHT_ONE]),
        "addresses": np.array([1, 1]),
    }
    facts = {"documents": {"patents": 2 * schema.WEIGHT_ONE}, "unplaced": {"patents": 0}}
    method = Method.model_validate(settings)
    cells = Cells.from_columns(columns, metrics=["patents"], method=method, facts=facts)
    for factor in (1.2, 50.0):
        beyond = method.model_copy(update={"min_density": settings["min_density"] * factor})
        found = find_clusters(cells, method=beyond, store=None, doubting=False)
        assert not found.core.any()
        assert (found.labels == -1).all()


@pytest.mark.usefixtures("no_pages")
def test_a_document_of_very_many_rows_is_one_document(tmp_path):
    n = 100_003
    table = pd.DataFrame({"id": "D", "lat": 48.85 + np.arange(n) % 7 * 0.01, "lon": 2.35})
    table.to_parquet(tmp_path / "a.parquet", index=False)
    columns = {"document": "id", "lat": "lat", "lon": "lon"}
    source = {"metric": "patents", "path": "a.parquet", "columns": columns}
    run = gc.run(gc.make_study({"name": "x", "source": [source]}, folder=tmp_path), tmp_path / "o")
    assert run.run["documents"]["patents"]["window"] == 1
    assert run.run["documents"]["patents"]["in_clusters"] == pytest.approx(1, abs=1e-4)


def test_density_of_addresses_counts_addresses(four_cities, tmp_path):
    study = gc.make_study(make_settings(density="addresses", min_density=200.0), folder=four_cities)
    result = gc.run(study, tmp_path)
    assert result.cells["weight"].sum() == result.run["rows"][0]["placed"]
    assert (result.cells["density"] >= 200).tolist() == result.cells["core"].tolist()


@pytest.mark.usefixtures("no_pages")
def test_world_total_of_the_placed_part(four_cities, finished, tmp_path):
    study = gc.make_study(make_settings(world_total="placed"), folder=four_cities)
    result = gc.run(study, tmp_path)
    told = finished.run["documents"]["patents"]
    ratio = result.clusters["share_patents"].sum() / finished.clusters["share_patents"].sum()
    assert ratio == pytest.approx(told["window"] / (told["window"] - told["unplaced"]), rel=0.02)


def test_an_empty_window_names_the_years_that_are_there(four_cities, tmp_path):
    settings = make_settings() | {"window": {"first_year": 1900, "last_year": 1950}}
    with pytest.raises(SourceError, match=r"window 1900 to 1950; years seen: 2011 to 2023"):
        gc.run(gc.make_study(settings, folder=four_cities), tmp_path)


@pytest.mark.usefixtures("no_pages")
def test_wrong_input_leaves_an_earlier_run_as_it_was(four_cities, tmp_path):
    settings = make_settings()
    gc.run(gc.make_study(settings, folder=four_cities), tmp_path)
    before = bytes_of(tmp_path)
    (tmp_path / "addresses.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(SourceError, match="not readable"):
        gc.run(gc.make_study(settings, folder=tmp_path), tmp_path)
    assert gc.read_run(tmp_path).run["clusters"] > 0
    assert bytes_of(tmp_path) == before


def test_nothing_placed_is_an_error_and_not_an_empty_map(tmp_path):
    make_addresses().assign(lat=np.nan).to_parquet(tmp_path / "addresses.parquet")
    with pytest.raises(SourceError, match="not one address"):
        gc.run(gc.make_study(make_settings(), folder=tmp_path), tmp_path / "out")


def test_counts_of_documents_instead_of_addresses(tmp_path):
    table = pd.DataFrame(
        {"city": ["Munich", "Tokyo"], "lat": [48.1, 35.7], "lon": [11.6, 139.7], "n": [30.5, 69.5]}
    )
    table.to_csv(tmp_path / "cities.csv", index=False)
    settings = {
        "name": "counts",
        "method": {"min_density": 0.1},
        "source": [
            {
                "metric": "patents",
                "path": "cities.csv",
                "columns": {"count": "n", "lat": "lat", "lon": "lon"},
            }
        ],
    }
    result = gc.run(gc.make_study(settings, folder=tmp_path), tmp_path / "out")
    assert result.clusters["share_patents"].tolist() == pytest.approx([0.695, 0.305])
    assert result.clusters["economies"].tolist() == ["JP", "DE"]
    assert len(result.links) == 0


@pytest.mark.parametrize("ending", ["csv", "parquet"])
@pytest.mark.parametrize(
    ("files", "said"),
    [
        ([[5, -5.0]], r"cities0\.\w+: row 2: n \(count\) = -5 is no number of documents"),
        ([[5, 1.8e9]], r"cities0\.\w+: row 2: n \(count\) = 1.8e\+09 is no number of documents"),
        ([[1e9, 1e9, 1e9]], r"cities0\.\w+: rows 1 to 3: n \(count\) adds up to 3e\+09 documents"),
        ([[1e9], [1e9], [1e9]], "add up to more documents than fit"),
    ],
)
def test_counts_that_do_not_fit_are_refused(tmp_path, ending, files, said):
    for number, counts in enumerate(files):
        table = pd.DataFrame({"lat": 48.1, "lon": 11.6, "n": np.array(counts, dtype=float)})
        path = tmp_path / f"cities{number}.{ending}"
        table.to_csv(path, index=False) if ending == "csv" else table.to_parquet(path)
    columns = {"count": "n", "lat": "lat", "lon": "lon"}
    source = {"metric": "patents", "path": f"cities*.{ending}", "columns": columns}
    study = gc.make_study({"name": "counts", "source": [source]}, folder=tmp_path)
    with pytest.raises(SourceError, match=said):
        gc.run(study, tmp_path / "out")


def test_links_follow_documents_between_clusters(tmp_path):
    places = {"Munich": (48.14, 11.58), "Tokyo": (35.68, 139.69), "nowhere": (-30.0, -100.0)}
    rows = [
        ("a", "Munich"),
        ("a", "Tokyo"),
        ("b", "Munich"),
        ("b", "Tokyo"),
        ("b", "nowhere"),
        ("c", "Munich"),
    ]
    frame = pd.DataFrame(
        [
            {"patent": d, "inventor": f"{d}{p}", "lat": places[p][0], "lon": places[p][1]}
            for d, p in rows
        ]
    )
    frame.to_parquet(tmp_path / "a.parquet")
    columns = {k: COLUMNS[k] for k in ("document", "person", "lat", "lon")}
    settings = {
        "name": "links",
        "method": {"min_density": 0.2},
        "source": [{"metric": "patents", "path": "a.parquet", "columns": columns}],
    }
    result = gc.run(gc.make_study(settings, folder=tmp_path), tmp_path / "out")
    name = result.clusters.set_index("cluster_id")["name"]
    links = {
        frozenset({name[r.cluster_a], name.get(r.cluster_b)}): r.documents
        for r in result.links.itertuples()
    }
    assert links == {
        frozenset({"Munich", "Tokyo"}): 2,
        frozenset({"Munich", None}): 1,
        frozenset({"Tokyo", None}): 1,
    }


def test_the_kept_addresses_hold_what_measures_need(finished):
    store = engine.AddressStore(finished.folder / "stages" / "addresses")
    (volume,) = store.volumes
    batches = list(volume.batches_with_documents())
    assert all(b.schema.equals(schema.KEPT.arrow()) for b, _ in batches)
    weight = sum(b["weight"].to_numpy().sum() for b, _ in batches) / schema.WEIGHT_ONE
    documents = finished.run["documents"]["patents"]["window"]
    assert weight == pytest.approx(documents, rel=1e-9)
    assert len({k for _, keys in batches for k in keys.tolist()}) == documents
