"""Runs that spread addresses over their cities: the same in any order, nothing lost, and what it changes is told."""

from __future__ import annotations

import json
from collections import Counter, defaultdict

import h3
import numpy as np
import pandas as pd
import pytest
from four_cities import COLUMNS, make_addresses, make_settings
from undrawn import undrawn

import geoclusters as gc
from geoclusters import engine, schema
from geoclusters.engine.binning import Binning
from geoclusters.quality import radius_of_places

COLUMNS = {**COLUMNS, "accuracy": "level"}
RESULTS = ("clusters.parquet", "cells.parquet", "ranking.csv", "links.parquet", "rejected.parquet")


def city_addresses():
    """Four cities in which half of the addresses are known to a city only: those lie on one point each."""
    rows = make_addresses()
    rows["level"] = np.where(rows.index % 2 == 0, "city", "point")
    rows.loc[rows.index % 10 == 7, "level"] = None
    centres = rows.groupby("country")[["lat", "lon"]].transform("median").round(4)
    on_centre = (rows["level"] == "city") & rows["lat"].notna()
    rows.loc[on_centre, ["lat", "lon"]] = centres[on_centre]
    return rows


def settings(**changes):
    given = make_settings(**{"resolution": 7, **changes})
    return {**given, "source": [{**given["source"][0], "columns": COLUMNS}]}


def ran(folder, out, **changes):
    return gc.run(gc.make_study(settings(**changes), folder=folder), out)


def bytes_of(folder):
    return {name: (folder / name).read_bytes() for name in RESULTS}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cities")
    city_addresses().to_parquet(folder / "addresses.parquet", index=False)
    return folder


@pytest.fixture(scope="module")
def spread(folder, tmp_path_factory):
    return ran(folder, tmp_path_factory.mktemp("spread"), spread="places")


@pytest.fixture(scope="module")
def still(folder, tmp_path_factory):
    with undrawn():
        return ran(folder, tmp_path_factory.mktemp("still"))


def ran_spread(folder, out, chosen=None):
    study = gc.make_study(settings(spread="places"), folder=folder)
    with undrawn():
        return gc.run(study, out, engine=chosen)


# ------------------------------------------------------------ the same in any order


def test_order_files_and_threads_leave_no_trace(spread, tmp_path):
    """Shuffled rows tear documents apart, so that they are put together again from what was set aside."""
    rows = city_addresses().sample(frac=1, random_state=5)
    for number, part in enumerate(np.array_split(np.arange(len(rows)), 3)):
        rows.iloc[part].to_parquet(tmp_path / f"addresses-{number}.parquet", index=False)
    shuffled = ran_spread(tmp_path, tmp_path / "out", engine.LocalEngine(threads=3))
    for name in ("clusters.parquet", "cells.parquet", "ranking.csv", "links.parquet"):
        assert bytes_of(shuffled.folder)[name] == bytes_of(spread.folder)[name], name
    assert shuffled.run["spread"] == spread.run["spread"]


def test_tasks_on_other_machines_leave_no_trace(spread, folder, tmp_path):
    chosen = engine.DistributedEngine(
        lambda work, given: [work(*each) for each in given], partitions=5
    )
    other = ran_spread(folder, tmp_path / "out", chosen)
    assert bytes_of(other.folder) == bytes_of(spread.folder)
    assert other.run["spread"] == spread.run["spread"]


def test_another_seed_puts_addresses_elsewhere(spread, folder, tmp_path):
    other = ran(folder, tmp_path / "out", spread="places", spread_seed=1)
    assert not spread.cells["cell"].equals(other.cells["cell"])


# ------------------------------------------------------------ nothing is lost, nothing else moves


def test_documents_are_conserved(spread, still):
    for told in (spread.run["documents"]["patents"], still.run["documents"]["patents"]):
        parts = told["in_clusters"] + told["noise"] + told["unplaced"]
        assert parts == pytest.approx(told["window"], rel=1e-9)
    for name in ("window", "unplaced"):
        assert spread.run["documents"]["patents"][name] == still.run["documents"]["patents"][name]
    assert spread.cells["patents"].sum() == pytest.approx(still.cells["patents"].sum(), rel=1e-9)
    assert spread.cells["addresses"].sum() == still.cells["addresses"].sum()
    assert spread.run["rows"] == still.run["rows"]
    assert spread.run["quality"] == still.run["quality"]


def test_addresses_come_to_lie_in_their_city_and_others_stay(spread):
    """What is spread lies within the city's radius of its old cell; the rest is in the same cell."""
    store = engine.AddressStore(spread.folder / "stages" / "addresses")
    before = store.unspread()
    now, was = store.load_cells(), before.load_cells()
    city = schema.LEVELS.index("place")
    moved, km = 0, []
    for one, other in zip(before.volumes, store.volumes, strict=True):
        for a, b in zip(one.batches(), other.batches(), strict=True):
            assert a.drop_columns("entry").equals(b.drop_columns("entry"))
            at = one.cells[a["entry"].to_numpy()], other.cells[b["entry"].to_numpy()]
            assert ((at[0] < 0) == (at[1] < 0)).all()
            level = b["accuracy"].to_numpy()
            for x, y, known in zip(*at, level, strict=True):
                if x < 0:
                    continue
                cells = was["cell"][x], now["cell"][y]
                if known != city:
                    assert cells[0] == cells[1]
                elif cells[0] != cells[1]:
                    moved += 1
                    ends = [h3.cell_to_latlng(h3.int_to_str(int(c))) for c in cells]
                    km.append(h3.great_circle_distance(*ends))
    assert moved > 100
    centres = city_addresses().query("level == 'city'")[["lat", "lon"]].dropna().drop_duplicates()
    widest = radius_of_places(centres["lat"].to_numpy(), centres["lon"].to_numpy()).max()
    assert max(km) < widest + 2 * h3.average_hexagon_edge_length(7, unit="km")


def test_without_spreading_a_run_is_what_it_was(still, folder, tmp_path):
    off = ran(folder, tmp_path / "out", spread="none", spread_seed=7)
    for table in ("cells", "economies", "links"):
        pd.testing.assert_frame_equal(getattr(off, table), getattr(still, table))
    assert "spread" not in still.run
    stage = still.folder / "stages" / "addresses"
    assert not list(stage.rglob("*unspread*"))


def test_the_unspread_cells_are_those_of_a_run_without(spread, still):
    stages = [result.folder / "stages" / "addresses" for result in (spread, still)]
    pd.testing.assert_frame_equal(
        engine.AddressStore(stages[0]).unspread().load_cells(),
        engine.AddressStore(stages[1]).load_cells(),
    )


def test_counts_of_documents_stay_where_they_are(tmp_path):
    table = pd.DataFrame(
        {"lat": [48.1374, 35.6895], "lon": [11.5755, 139.6917], "n": [30, 70], "level": "city"}
    )
    table.to_csv(tmp_path / "addresses.csv", index=False)
    columns = {"count": "n", "lat": "lat", "lon": "lon", "accuracy": "level"}
    source = {"metric": "patents", "path": "addresses.csv", "columns": columns}
    given = {"name": "counts", "method": {"spread": "places"}, "source": [source]}
    result = gc.run(gc.make_study(given, folder=tmp_path), tmp_path / "out")
    assert result.run["spread"]["addresses"] == 0
    assert result.run["spread"]["changed"] == 0
    wanted = {h3.latlng_to_cell(*point, 8) for point in table[["lat", "lon"]].to_numpy()}
    assert {h3.int_to_str(int(c)) for c in result.cells["cell"]} == wanted


# ------------------------------------------------------------ what it changes


def small_clusters(folder, out, **changes):
    """Two metrics of different size, and a radius within which a city does not fit."""
    rows = city_addresses()
    rows.to_parquet(folder / "patents.parquet", index=False)
    rows[rows.index % 3 == 0].to_parquet(folder / "articles.parquet", index=False)
    sources = [
        {"metric": metric, "path": f"{metric}.parquet", "columns": COLUMNS}
        for metric in ("patents", "articles")
    ]
    method = {"resolution": 8, "radius_km": 2.0, "merge_gap_km": 0.5, "min_density": 0.01}
    given = settings() | {"method": method | changes, "source": sources}
    with undrawn():
        return gc.run(gc.make_study(given, folder=folder), out)


def rows_of_both(store):
    """Give metric, cell before, cell after, weight and level of every placed address."""
    before = store.unspread()
    was, now = before.load_cells()["cell"].tolist(), store.load_cells()["cell"].tolist()
    for one, other in zip(before.volumes, store.volumes, strict=True):
        for a, b in zip(one.batches(), other.batches(), strict=True):
            x, y = one.cells[a["entry"].to_numpy()], other.cells[b["entry"].to_numpy()]
            columns = (b[name].to_pylist() for name in ("kind", "weight", "accuracy"))
            for i, j, kind, weight, level in zip(x, y, *columns, strict=True):
                if i >= 0:
                    yield kind & schema.METRIC_BITS, was[i], now[j], weight, level


def test_what_changed_is_what_a_count_one_by_one_finds(tmp_path):
    """Sides are looked up by cell in the results of two runs, row by row, in plain Python."""
    still = small_clusters(tmp_path, tmp_path / "still")
    spread = small_clusters(tmp_path, tmp_path / "spread", spread="places")
    rows = list(rows_of_both(engine.AddressStore(spread.folder / "stages" / "addresses")))
    total = Counter()
    for metric, _, _, weight, _ in rows:
        total[metric] += weight
    ids = [
        dict(zip(result.cells["cell"], result.cells["cluster_id"].fillna(""), strict=True))
        for result in (still, spread)
    ]
    shared = Counter()
    for metric, x, y, weight, _ in rows:
        shared[ids[0][x], ids[1][y]] += weight / total[metric] / 2
    common = defaultdict(Counter)
    for (was, now), share in shared.items():
        if was and now:
            common[now][was] += share
    match = {now: found.most_common(1)[0][0] for now, found in common.items()}
    sides = Counter()
    for (was, now), share in shared.items():
        if was and now and match[now] != was:
            sides["moved"] += share
        elif bool(was) != bool(now):
            sides["joined" if now else "left"] += share
    told = spread.run["spread"]
    for name in ("joined", "left", "moved"):
        assert told[name] == pytest.approx(sides[name], abs=1e-9)
    assert told["changed"] == pytest.approx(sides.total())
    assert min(told["joined"], told["left"]) > 0.001
    known = [row for row in rows if row[4] == schema.LEVELS.index("place")]
    assert told["addresses"] == len(known)
    patents = sum(weight for metric, _, _, weight, _ in known if metric == 0)
    assert told["documents"]["patents"] == pytest.approx(patents / schema.WEIGHT_ONE)
    assert told["clusters_unspread"] == still.run["clusters"]
    assert told["clusters"] == spread.run["clusters"]


def test_the_report_and_the_run_say_so(spread):
    text = (spread.folder / "report.html").read_text(encoding="utf-8")
    assert "addresses known to a city only are spread over it" in text
    assert json.loads((spread.folder / "run.json").read_text())["settings"]["spread"] == "places"


def test_other_boundaries_are_compared_anew(spread, folder, tmp_path):
    moved = gc.recluster(spread.folder, out=tmp_path / "moved", radius_km=8.0)
    direct = ran(folder, tmp_path / "direct", spread="places", radius_km=8.0)
    assert moved.run["spread"] == direct.run["spread"]
    assert bytes_of(moved.folder) == bytes_of(direct.folder)


def test_links_that_decide_on_merging_are_those_of_each_side(folder, tmp_path):
    rule = {"merge_rule": "gap+links", "merge_gap_km": 30.0, "radius_km": 3.0}
    both = [ran(folder, tmp_path / s, spread=s, **rule) for s in ("none", "places")]
    assert both[1].run["spread"]["clusters_unspread"] == both[0].run["clusters"]


def test_two_tables_are_kept_only_where_addresses_are_spread():
    binning = Binning(8, spread_seed=0)
    assert binning.spreads
    assert not Binning(8).spreads
    assert [len(sums.cell) for sums, _ in binning.finish()] == [0, 0]
