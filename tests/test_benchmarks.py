"""The ways that `make bench` compares give equal results, and what it measures it measures."""

import importlib
import importlib.util
import os
import platform
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from geoclusters.schema import WEIGHT_ONE

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"
N = 20_000


@pytest.fixture(scope="module", autouse=True)
def _found():
    """Let the scripts find each other as they do when they are run."""
    sys.path.insert(0, str(BENCHMARKS))
    yield
    sys.path.remove(str(BENCHMARKS))


def script(name):
    return importlib.import_module(name)


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    path = tmp_path_factory.mktemp("points") / "table.parquet"
    script("points").write_table(str(N), str(path))
    return path


def has(way):
    needed = {
        "polars streaming + polars-h3": "polars_h3",
        "duckdb over Arrow + h3ronpy": "h3ronpy",
        "h3ronpy": "h3ronpy",
        "polars-h3": "polars_h3",
        "dbscan": "dbscan",
    }
    return way not in needed or importlib.util.find_spec(needed[way]) is not None


# -- points --


def test_a_larger_table_begins_with_the_smaller_one():
    points = script("points")
    where = points.places()
    small, large = points.block(0, 1000, where), points.block(0, N, where)
    for name in ("document", "lat", "lon"):
        assert np.array_equal(getattr(small, name), getattr(large, name)[:1000])
    assert not np.array_equal(large.lat, points.block(1, N, where).lat)


def test_documents_stand_together_and_shares_add_up_to_one():
    points = script("points")
    rows = points.block(3, N, points.places())
    assert (np.diff(rows.document) >= 0).all()
    shares = np.bincount(rows.document - rows.document[0], weights=rows.share)
    np.testing.assert_allclose(shares[shares > 0], 1.0)
    assert np.abs(rows.lat).max() < 90
    assert np.abs(rows.lon).max() <= 180


# -- ways --


@pytest.mark.parametrize(
    "way",
    [
        "geoclusters, sums alone",
        "polars streaming + polars-h3",
        "duckdb over Arrow + h3ronpy",
        "pandas + h3",
    ],
)
def test_every_way_adds_up_to_the_same_cells(way, table, tmp_path):
    if not has(way):
        pytest.skip("a peer is not installed")
    bench = script("bench_addresses")
    bench.engine(str(table), str(tmp_path / "ours"))
    bench.WAYS[way](str(table), str(tmp_path / "theirs"))
    found = bench.compare(str(tmp_path / "ours"), str(tmp_path / "theirs"))
    assert found["different"] == [0]
    assert found["cells"] > N / 10


def test_a_wrong_sum_is_found(table, tmp_path):
    bench = script("bench_addresses")
    bench.sums_alone(str(table), str(tmp_path / "one"))
    rows = pd.read_parquet(tmp_path / "one")
    for column, step in (("addresses", 1), ("documents", 1), ("weight", WEIGHT_ONE // 1000)):
        wrong = rows[column] + step * (rows.index == 5)
        rows.assign(**{column: wrong}).to_parquet(tmp_path / "other")
        assert bench.compare(str(tmp_path / "one"), str(tmp_path / "other"))["different"] == [1]


@pytest.mark.parametrize("way", ["geoclusters", "h3ronpy", "polars-h3"])
def test_every_way_finds_the_cells_of_h3(way):
    if not has(way):
        pytest.skip("a peer is not installed")
    bench, points = script("bench_kernel"), script("points")
    lat, lng = next(points.sphere(N))
    for res in (8, 15):
        cells = bench.WAYS[way]()(lat, lng, res)
        assert np.array_equal(cells, bench.h3_loop()(lat, lng, res))


@pytest.mark.parametrize(
    "way", ["scikit-learn, haversine ball tree", "geoclusters, nearest border"]
)
def test_every_way_finds_the_same_clusters(way, tmp_path):
    bench = script("bench_density")
    source = tmp_path / "cells.npz"
    bench.prepare("2000", "7", "weighted", str(source))
    for name in (way, "geoclusters", "scikit-learn, unit vectors, k-d tree"):
        told = bench.find(name, str(source), str(tmp_path / f"{name}.npz"))
        assert told["finding_s"] > 0
    found = {name: str(tmp_path / f"{name}.npz") for name in (way, "geoclusters")}
    reference = str(tmp_path / "scikit-learn, unit vectors, k-d tree.npz")
    pairs = (part for pair in found.items() for part in pair)
    assert bench.compare(reference, *pairs)["different"] == [0, 0]


def test_clusters_are_renumbered_by_their_first_core_point():
    renumbered = script("bench_density").renumbered
    labels, core = np.array([7, -1, 2, 7, 2]), np.array([False, False, True, True, True])
    assert renumbered(labels, core).tolist() == [1, -1, 0, 1, 0]


# -- measuring --


def test_a_process_is_measured_from_its_start_to_its_end(tmp_path):
    measuring = script("measuring")
    code = (
        "import json; x = bytearray(200 << 20); print('talk'); print(json.dumps({'work_s': 1.5}))"
    )
    cost = measuring.measure(measuring.Way([sys.executable, "-c", code]), tmp_path)
    assert cost.told == {"work_s": 1.5}
    assert cost.peak_mib > 200
    assert 0 < cost.cpu_s <= cost.wall_s * (os.cpu_count() or 1)


def test_a_process_that_dies_says_why(tmp_path):
    measuring = script("measuring")
    limited = "import resource; resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30)); bytearray(2 << 30)"
    way = measuring.Way([sys.executable, "-c", limited], memory_gib=1)
    assert measuring.measure(way, tmp_path).died.startswith("out of memory at 1 GiB")
    way = measuring.Way([sys.executable, "-c", "import time; time.sleep(60)"], seconds=0.3)
    assert measuring.measure(way, tmp_path).died.startswith("not finished after")
    with pytest.raises(SystemExit, match="ended with status 1: ZeroDivisionError"):
        measuring.interleaved(
            {"broken": measuring.Way([sys.executable, "-c", "1 / 0"])}, tmp_path, runs=1
        )


def test_of_several_runs_the_least_time_and_the_most_memory_count(tmp_path):
    measuring = script("measuring")
    one = measuring.Cost(2.0, 1.0, 50.0, {"work_s": 1.0, "work_mib": 3.0})
    other = measuring.Cost(1.0, 2.0, 60.0, {"work_s": 2.0, "work_mib": 4.0})
    best = measuring.best(one, other)
    assert (best.wall_s, best.cpu_s, best.peak_mib, best.runs) == (1.0, 1.0, 60.0, 2)
    assert best.told == {"work_s": 1.0, "work_mib": 4.0}


def test_what_died_shows_no_time():
    writing, measuring = script("writing"), script("measuring")
    costs = {
        "ours": measuring.Cost(1.0, 1.0, 10.0),
        "wrong": measuring.Cost(7.7, 7.7, 77.0, died="3 of 9 cells differ"),
        "slow": measuring.Cost(20.0, 10.0, 40.0),
    }
    drawn = writing.cost_table(costs, base="ours")
    assert "3 of 9 cells differ" in drawn
    assert "7.7" not in drawn
    assert "| slow | 20.0 | 20.0 | 10.0 | 10.0 | 40.0 | 4.00 | 1 |" in drawn
    assert len({line.count("|") for line in drawn.splitlines()}) == 1


def test_the_page_says_what_was_measured_but_not_where(tmp_path):
    report, measuring, writing = script("report"), script("measuring"), script("writing")
    section = writing.Section("Points", "Some text.", marks=[writing.at_least("speed", 5, 7.5)])
    section.marks += [
        writing.at_most("size", 3, 4.0, "GiB"),
        writing.at_least("more", 5, 1, enough=False),
    ]
    facts = report.facts(measuring.Bench(tmp_path, most=10_000_000), minutes=1, load=0.5)
    page = report.page([section], facts)
    times = writing.TIMES
    assert f"| speed | ≥ 5 {times} | 7.50 {times} | yes |" in page
    assert "| size | ≤ 3 GiB | 4.00 GiB | no |" in page
    assert f"| more | ≥ 5 {times} | 1.00 {times} | asked of a larger size |" in page
    assert "numpy " + np.__version__ in page
    assert "sizes 1e6, 1e7 rows" in page
    for private in (str(tmp_path), str(BENCHMARKS.parent), platform.node()):
        assert private not in page


# -- workers --


def test_what_is_held_against_workers_adds_every_row_up(table, tmp_path):
    bench = script("bench_workers")
    bench.alone(str(table), str(tmp_path / "one"))
    bench.alone(str(table), str(tmp_path / "two"))
    addresses = tmp_path / "two" / "cells" / "addresses.npy"
    assert np.load(addresses).sum() == N
    assert bench.digest(str(tmp_path / "one")) == bench.digest(str(tmp_path / "two"))
    np.save(addresses, np.load(addresses) + 1)
    assert bench.digest(str(tmp_path / "one")) != bench.digest(str(tmp_path / "two"))
