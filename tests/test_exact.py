"""Exact runs: points without binning, the same clusters as plain DBSCAN finds, and what binning would change."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import h3
import numpy as np
import pandas as pd
import pyogrio
import pytest
import shapely
from four_cities import make_addresses, make_settings
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.cluster import DBSCAN

import geoclusters as gc
from geoclusters import geopackage
from geoclusters.assembly import Cells, find_clusters
from geoclusters.boundaries import boundaries
from geoclusters.cells import SiteTable, added_up, cell_rows, finish, rows_in, shards, sites
from geoclusters.clusters import territories
from geoclusters.comparison import compare
from geoclusters.earth import EARTH_RADIUS_KM
from geoclusters.engine import DistributedEngine
from geoclusters.errors import StudyError
from geoclusters.exactness import changed_weight
from geoclusters.locating import locate
from geoclusters.schema import DENSITY_ONE, WEIGHT_ONE
from geoclusters.sensitivity import sensitivity
from geoclusters.study import make_method
from geoclusters.workflow import recluster

SAME = ("clusters.parquet", "cells.parquet", "links.parquet", "years.parquet", "clusters.geojson")
SMALL = {"min_density": 0.002, "radius_km": 1.0, "merge_gap_km": 0.5}
"""A radius at which cells and points do not agree."""


# --------------------------------------------------------------------------- the table of the points


def random_rows(seed: int = 0, n: int = 400) -> pd.DataFrame:
    """Addresses on few points, near each other, around the origin: signs of zero come up."""
    random = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "lat": np.copysign(random.integers(0, 6, n) / 100, random.normal(size=n)),
            "lon": np.copysign(random.integers(0, 6, n) / 100, random.normal(size=n)),
            "metric": random.integers(0, 2, n).astype(np.uint8),
            "document": np.sort(random.integers(0, n // 3, n)),
            "weight": WEIGHT_ONE // random.integers(1, 25, n),
            "count": np.nan,
        }
    )


def add(table, rows):
    return table.add(**{name: rows[name].to_numpy() for name in rows})


def summed(rows):
    table = SiteTable()
    add(table, rows)
    return table.finish()[0]


def equal(one, other):
    return all(np.array_equal(a, b) for a, b in zip(vars(one).values(), vars(other).values()))  # noqa: B905


def test_sites_are_those_of_pandas():
    rows = random_rows()
    found = finish(summed(rows), metrics=["p", "q"], resolution="exact")
    assert not np.signbit(found.loc[found["lat"] == 0, "lat"]).any()
    where = [rows["lat"] + 0.0, rows["lon"] + 0.0]
    assert len(found) == rows.groupby(where).ngroups
    found = found.set_index(["lat", "lon"])
    for number, metric in enumerate(("p", "q")):
        mine = rows[rows["metric"] == number].groupby(where)
        weight, distinct = found[f"weight_{metric}"], found[f"distinct_{metric}"]
        assert weight[weight > 0].to_dict() == mine["weight"].sum().to_dict()
        assert distinct[distinct > 0].to_dict() == mine["document"].nunique().to_dict()
    assert found["addresses"].to_dict() == rows.groupby(where).size().to_dict()
    cells = [h3.str_to_int(h3.latlng_to_cell(*at, 8)) for at in found.index]
    assert found["cell"].tolist() == cells == sorted(cells)


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=15, deadline=None)
def test_parts_order_and_threads_leave_no_trace(seed):
    rows = random_rows()
    random = np.random.default_rng(seed)
    part = rows["document"].to_numpy() % random.integers(1, 6)
    pieces = [rows[part == p].reset_index(drop=True) for p in np.unique(part)]
    random.shuffle(pieces)
    wanted = summed(rows)
    parts = [summed(p) for p in pieces]
    total = added_up(parts)
    assert equal(total, wanted)
    table = SiteTable()
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda p: add(table, p), pieces))
    assert equal(table.finish()[0], wanted)
    for mine in parts:
        at = rows_in(total, mine)
        for name in ("cell", "lat", "lon", "metric"):
            assert np.array_equal(getattr(total, name)[at], getattr(mine, name))


@pytest.mark.parametrize("kept_bits", [0, 0x1, 0xF000000000000001, 0x0FFFFFFFF0000000])
def test_no_two_points_are_taken_for_one_where_their_keys_agree(monkeypatch, kept_bits):
    wanted = summed(random_rows())
    mix = sites.site_keys
    monkeypatch.setattr(sites, "site_keys", lambda *given: mix(*given) & np.uint64(kept_bits))
    monkeypatch.setattr(shards, "_FIRST_ROOM", 2)
    rows = random_rows()
    table = SiteTable()
    entries = np.concatenate([add(table, rows.iloc[:90]), add(table, rows.iloc[90:])])
    sums, row_of_entry = table.finish()
    assert equal(sums, wanted)
    at = row_of_entry[entries]
    assert np.array_equal(sums.lat[at], rows["lat"])
    assert np.array_equal(sums.lon[at], rows["lon"])
    assert np.array_equal(sums.metric[at], rows["metric"])


def test_keys_hang_on_every_part_of_a_point():
    random = np.random.default_rng(2)
    lat, lon = (np.unique(random.normal(0, 60, 3000)) for _ in range(2))
    bits = [v.view(np.int64) for v in (lat, lon)]
    zeros = np.zeros(3000, np.uint8)
    keys = [
        sites.site_keys(*bits, zeros),
        sites.site_keys(*bits, zeros + 1),
        sites.site_keys(bits[1], bits[0], zeros),
    ]
    assert len(np.unique(np.concatenate(keys))) == 9000


def test_many_sites_of_one_cell_are_put_in_order():
    random = np.random.default_rng(3)
    n = 5000
    rows = random_rows(n=n).assign(
        lat=48.1 + random.permutation(n) * 1e-7, lon=11.5 + random.integers(0, 3, n) * 1e-6
    )
    sums = summed(rows)
    order = np.lexsort((sums.metric, sums.lon, sums.lat, sums.cell))
    assert (order == np.arange(n)).all()
    assert len(finish(sums, metrics=["p", "q"], resolution="exact")) == cell_rows(sums)[-1] + 1


def test_counts_stand_for_many_documents():
    rows = random_rows().assign(count=40.0, document=range(400))
    assert finish(summed(rows), metrics=["p", "q"], resolution="exact")["addresses"].sum() == 16000


# --------------------------------------------------------------------------- clusters


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=20, deadline=None)
def test_labels_are_those_of_scikit_learn_on_the_points(seed):
    random = np.random.default_rng(seed)
    n = int(random.integers(1, 500))
    towns = np.column_stack([random.uniform(-85, 85, 4), random.uniform(-180, 180, 4)])
    at = towns[random.integers(0, 4, n)] + np.round(random.normal(0, 0.1, (n, 2)), 2)
    rows = random_rows(n=n + 2).iloc[:n]
    rows = rows.assign(lat=at[:, 0], lon=(at[:, 1] + 180) % 360 - 180)
    frame = finish(summed(rows), metrics=["p", "q"], resolution="exact")
    least = int(random.integers(1, 20))
    method = make_method(
        {"density": "addresses", "min_density": least, "merge_gap_km": 0.0, "resolution": "exact"}
    )
    facts = {"unplaced": {}, "documents": {"p": 1, "q": 1}}
    cells = Cells.from_frame(frame, metrics=["p", "q"], method=method, facts=facts)
    found = find_clusters(cells, method=method, store=None, doubting=False)
    wanted = DBSCAN(
        eps=15 / EARTH_RADIUS_KM, min_samples=least, metric="haversine", algorithm="ball_tree"
    ).fit(np.radians(frame[["lat", "lon"]].to_numpy()), sample_weight=frame["addresses"])
    core = np.zeros(len(frame), bool)
    core[wanted.core_sample_indices_] = True
    assert np.array_equal(found.core, core)
    assert np.array_equal(found.labels >= 0, wanted.labels_ >= 0)
    pairs = set(zip(wanted.labels_[core], found.labels[core], strict=True))
    assert len({a for a, _ in pairs}) == len({b for _, b in pairs}) == len(pairs)


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=40, deadline=None)
def test_a_cell_belongs_to_the_cluster_that_weighs_most_in_it(seed):
    random = np.random.default_rng(seed)
    n = int(random.integers(0, 40))
    cell = np.sort(random.integers(16, 24, n)).astype(np.uint64)
    labels = random.integers(-1, 4, n)
    labels = np.unique(np.append(labels, -1), return_inverse=True)[1][:n] - 1
    weight, core = random.integers(0, 4, n), random.random(n) < 0.5
    found = territories(cell=cell, weight=weight, core=core & (labels >= 0), labels=labels)
    table = pd.DataFrame({"cell": cell, "label": labels, "weight": weight, "core": core})
    table = table[table["label"] >= 0]
    sums = table.groupby(["cell", "label"]).agg({"weight": "sum", "core": "any"}).reset_index()
    best = sums.sort_values(["cell", "weight", "label"], ascending=[True, False, True])
    best = best.drop_duplicates("cell")
    without = sums[~sums["label"].isin(best["label"])]
    wanted = pd.concat([best, without]).sort_values(["label", "cell"])
    assert found.cell.tolist() == wanted["cell"].tolist()
    assert found.label.tolist() == wanted["label"].tolist()
    assert found.weight.tolist() == wanted["weight"].tolist()
    assert found.core.tolist() == wanted["core"].tolist()
    n_clusters = labels.max(initial=-1) + 1
    assert all(len(cells) for cells in found.of_clusters(n_clusters))


@given(st.lists(st.tuples(st.integers(-1, 3), st.integers(-1, 3), st.integers(0, 5)), max_size=30))
@settings(max_examples=60, deadline=None)
def test_changed_weight_is_that_of_plain_counting(points):
    exact, other, weight = np.array(points, dtype=np.int64).reshape(-1, 3).T
    common: dict[tuple[int, int], int] = {}
    for a, b, w in points:
        common[a, b] = common.get((a, b), 0) + w
    partner: dict[int, int] = {}
    for a, b in sorted(common, key=lambda pair: (-common[pair], pair)):
        if min(a, b) >= 0 and a not in partner and b not in partner.values():
            partner[a] = b
    total = max(sum(weight), 1)
    sides = {
        "in_exact_only": sum(w for a, b, w in points if a >= 0 > b),
        "in_binned_only": sum(w for a, b, w in points if b >= 0 > a),
        "in_another": sum(w for a, b, w in points if a >= 0 and b >= 0 and partner.get(a) != b),
    }
    found = changed_weight(exact, other, weight)
    assert found.pop("changed") == pytest.approx(sum(sides.values()) / total)
    assert found == {name: part / total for name, part in sides.items()}


# --------------------------------------------------------------------------- runs


@pytest.fixture(scope="module")
def exact(four_cities, tmp_path_factory):
    """An exact run of the four cities, with its pages."""
    study = gc.make_study(make_settings(resolution="exact", **SMALL), folder=four_cities)
    return gc.run(study, tmp_path_factory.mktemp("exact") / "run")


def bytes_of(folder):
    return {name: (folder / name).read_bytes() for name in SAME}


def test_nothing_is_lost(exact):
    told = exact.run["documents"]["patents"]
    assert told["in_clusters"] + told["noise"] + told["unplaced"] == pytest.approx(
        told["window"], rel=1e-9
    )
    assert exact.cells["patents"].sum() == pytest.approx(
        told["in_clusters"] + told["noise"], rel=1e-9
    )
    inside = exact.cells[exact.cells["cluster_id"].notna()]
    assert exact.clusters["patents"].sum() == pytest.approx(inside["patents"].sum(), rel=1e-9)
    raw = make_addresses()
    raw = raw[(raw["year"] >= 2019) & raw["lat"].notna() & (raw["lat"] != 0)]
    points = set(zip(exact.cells["lat"], exact.cells["lon"], strict=True))
    assert points <= set(zip(raw["lat"], raw["lon"], strict=True))
    assert len(points) == len(exact.cells) > 6000


def test_clusters_are_those_of_scikit_learn(exact):
    cells = exact.cells
    weight = np.rint(cells["weight"].to_numpy() * DENSITY_ONE).astype(np.int64)
    found = DBSCAN(
        eps=SMALL["radius_km"] / EARTH_RADIUS_KM,
        min_samples=round(SMALL["min_density"] * DENSITY_ONE),
        metric="haversine",
        algorithm="ball_tree",
    ).fit(np.radians(cells[["lat", "lon"]].to_numpy()), sample_weight=weight)
    core = np.zeros(len(cells), bool)
    core[found.core_sample_indices_] = True
    assert (core == cells["core"]).all()
    # Each of its clusters is a part of one of ours, which were merged over small gaps.
    pairs = set(zip(found.labels_[core], cells["cluster_id"][core], strict=True))
    assert len({a for a, _ in pairs}) == len(pairs) == exact.clusters["n_parts"].sum() > 7
    assert {b for _, b in pairs} == set(exact.clusters["cluster_id"])


@pytest.mark.usefixtures("no_pages")
def test_order_files_and_shares_leave_no_trace(exact, four_cities, tmp_path):
    rows = make_addresses().sample(frac=1, random_state=5)
    for number in range(5):
        rows.iloc[number::5].to_parquet(tmp_path / f"addresses-{number}.parquet", index=False)
    given = make_settings(resolution="exact", **SMALL)
    shuffled = gc.run(gc.make_study(given, folder=tmp_path), tmp_path / "shuffled")
    assert bytes_of(shuffled.folder) == bytes_of(exact.folder)
    one_by_one = DistributedEngine(lambda work, each: [work(*g) for g in each], partitions=4)
    spread = gc.run(
        gc.make_study(given, folder=four_cities), tmp_path / "spread", engine=one_by_one
    )
    assert bytes_of(spread.folder) == bytes_of(exact.folder)


@pytest.mark.usefixtures("no_pages")
def test_the_report_is_that_of_two_runs_side_by_side(exact, four_cities, tmp_path):
    binned = recluster(exact.folder, resolution=8, out=tmp_path / "binned")
    plain = gc.run(gc.make_study(make_settings(**SMALL), folder=four_cities), tmp_path / "plain")
    assert bytes_of(binned.folder) == bytes_of(plain.folder)
    told = exact.run["exact"]
    points, home = exact.cells, binned.cells.set_index("cell")["cluster_id"]
    ids = [None, *exact.clusters["cluster_id"], *binned.clusters["cluster_id"]]
    number = {c: at - 1 for at, c in enumerate(dict.fromkeys(ids))}
    a, b = (
        np.array([number[c] if isinstance(c, str) else -1 for c in column])
        for column in (points["cluster_id"], home.loc[points["cell"]])
    )
    weight = np.rint(points["weight"].to_numpy() * 1e12).astype(np.int64)
    wanted = changed_weight(a, b, weight)
    assert told["changed"] > 0
    assert {name: told[name] for name in wanted} == pytest.approx(wanted, abs=1e-9)
    assert (told["points"], told["cells"]) == (len(points), len(binned.cells))
    assert told["clusters"] == len(exact.clusters)
    assert told["clusters_binned"] == len(binned.clusters)
    assert "exact" not in binned.run
    back = recluster(binned.folder, resolution="exact", out=tmp_path / "back")
    assert bytes_of(back.folder) == bytes_of(exact.folder)
    both = compare(exact, binned)
    assert (both["part_of_old"].dropna() <= 1 + 1e-9).all()
    assert both.loc[0, "name_old"] == both.loc[0, "name_new"]


@pytest.mark.usefixtures("no_pages")
def test_another_radius_from_the_points(exact, four_cities, tmp_path):
    wider = recluster(exact.folder, radius_km=6.0, out=tmp_path / "wider")
    given = make_settings(resolution="exact", **{**SMALL, "radius_km": 6.0})
    again = gc.run(gc.make_study(given, folder=four_cities), tmp_path / "again")
    assert bytes_of(wider.folder) == bytes_of(again.folder)
    quick = boundaries(exact.folder, radius_km=6.0)
    assert quick["cluster_id"].tolist() == wider.clusters["cluster_id"].tolist()
    assert quick.geometry.geom_equals(wider.clusters.geometry).all()
    fates = compare(exact, exact)
    assert fates["fate"].eq("same").all()
    assert fates["part_of_old"].eq(1.0).all()


@pytest.mark.usefixtures("no_pages")
def test_links_decide_on_merging_as_in_a_binned_run(four_cities, tmp_path):
    given = {**SMALL, "merge_gap_km": 4.0, "merge_rule": "gap+links"}
    runs = [
        gc.run(gc.make_study(make_settings(**given, **more), folder=four_cities), tmp_path / name)
        for name, more in (("exact", {"resolution": "exact"}), ("binned", {}))
    ]
    assert runs[0].run["exact"]["clusters_binned"] == len(runs[1].clusters)


@pytest.mark.usefixtures("no_pages")
def test_clusters_far_smaller_than_a_cell_have_names_and_outlines(four_cities, tmp_path):
    given = make_settings(
        resolution="exact", density="addresses", min_density=2, radius_km=0.05, merge_gap_km=0.0
    )
    tiny = gc.run(gc.make_study(given, folder=four_cities), tmp_path / "tiny").clusters
    assert len(tiny) > 100
    assert tiny["cluster_id"].is_unique
    assert (tiny["n_cells"] > 0).all()
    assert {h3.get_resolution(c) for c in tiny["cluster_id"]} == {8, 15}


def test_a_run_without_a_cluster_ends_well(four_cities, tmp_path):
    given = make_settings(resolution="exact", min_density=0.9)
    none = gc.run(gc.make_study(given, folder=four_cities), tmp_path / "none")
    assert len(none.clusters) == none.run["exact"]["clusters_binned"] == 0
    assert none.run["exact"]["changed"] == 0
    assert locate(none, 48.1, 11.5).cluster_id is None


def test_points_of_a_cluster_are_inside_outlines(exact):
    cells, clusters = exact.cells, exact.clusters.set_index("cluster_id").geometry
    member = cells[cells["cluster_id"].notna()]
    everywhere = shapely.union_all(clusters.to_numpy()).buffer(1e-7)
    assert shapely.intersects(everywhere, member.geometry.to_numpy()).all()
    assert exact.clusters["n_cells"].sum() == member["cell"].nunique()
    for one in range(len(clusters)):
        for other in range(one):
            overlap = shapely.intersection(clusters.iloc[one], clusters.iloc[other])
            assert overlap.area < 1e-9


def test_pages_geopackage_and_answers(exact):
    page = exact.map_file.read_text(encoding="utf-8")
    assert "counts at its own point" in page
    assert "of the density weight changes sides" in page
    assert json.loads((exact.folder / "run.json").read_text())["exact"]["resolution"] == 8
    shapes = pyogrio.read_dataframe(exact.folder / geopackage.FILE, layer="cells")
    assert set(shapes.geom_type) == {"Point"}
    assert len(shapes) == exact.cells["cluster_id"].notna().sum()
    top = exact.clusters.iloc[0]
    place = locate(exact, top["lat"], top["lon"])
    assert place.cluster_id == top["cluster_id"]
    ranks = sensitivity(exact, replicates=20)
    assert ranks["cluster_id"].tolist() == exact.clusters["cluster_id"].tolist()
    # One of the nine settings is that of the run, so each cluster is found at least there.
    assert (ranks["grid_found"] >= 1 / 9).all()


def test_the_command_line_takes_it_and_names_mistakes(exact, capsys, monkeypatch):
    from geoclusters import cli, telling

    asked = {}
    monkeypatch.setattr("geoclusters.workflow.recluster", lambda *_, **given: asked | given)
    monkeypatch.setattr(telling, "report", lambda given, **_: asked.update(given))
    for text, setting in (("exact", "exact"), ("7", 7)):
        cli.cluster_command(exact.folder, resolution=text)
        assert asked["resolution"] == setting
    monkeypatch.undo()
    with pytest.raises(StudyError, match="resolution = 'fine': use an H3 resolution"):
        cli.cluster_command(exact.folder, resolution="fine")
    telling.report(exact, as_json=False)
    assert "weight changes sides" in " ".join(capsys.readouterr().err.split())
