"""Sums of cells: exact, whatever the order and the parts; positions right everywhere on the sphere."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import h3
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geoclusters.cells import SumTable, added_up, finish
from geoclusters.cells import sums as cell_sums
from geoclusters.cells.kernel import latlng_to_cells
from geoclusters.cells.sums import SUMS
from geoclusters.earth import distance_km, unit_vectors
from geoclusters.schema import WEIGHT_ONE


def cells_of(lat, lon, resolution):
    return np.array(
        [h3.str_to_int(h3.latlng_to_cell(a, o, resolution)) for a, o in zip(lat, lon, strict=True)],
        np.uint64,
    )


def add(table, rows):
    n = len(rows["lat"])
    return table.add(
        lat=np.array(rows["lat"], float),
        lon=np.array(rows["lon"], float),
        metric=np.array(rows["metric"], np.uint8),
        document=np.array(rows["document"], np.int64),
        weight=np.array(rows["weight"], np.int64),
        count=np.array(rows.get("count", [np.nan] * n), float),
    )


def summed(rows, resolution=8):
    table = SumTable(resolution)
    add(table, rows)
    return table.finish()[0]


def random_rows(n=400, seed=0):
    random = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "lat": 48.1 + random.normal(0, 0.02, n),
            "lon": 11.5 + random.normal(0, 0.02, n),
            "metric": random.integers(0, 2, n),
            "document": np.sort(random.integers(0, n // 3, n)),
            "weight": WEIGHT_ONE // random.integers(1, 25, n),
        }
    )


def equal(one, other):
    return all(
        np.array_equal(getattr(one, name), getattr(other, name))
        for name in ("cell", "metric", "sums")
    )


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=25, deadline=None)
def test_parts_order_and_threads_leave_no_trace(seed):
    rows = random_rows()
    random = np.random.default_rng(seed)
    part = rows["document"].to_numpy() % random.integers(1, 6)
    pieces = [rows[part == p].reset_index(drop=True) for p in np.unique(part)]
    random.shuffle(pieces)
    wanted = summed(rows)
    assert equal(added_up([summed(p) for p in pieces]), wanted)
    table = SumTable(8)
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda p: add(table, p), pieces))
    assert equal(table.finish()[0], wanted)


def test_entries_lead_to_the_row_of_cell_and_metric():
    rows = random_rows()
    table = SumTable(8)
    entries = np.concatenate([add(table, rows.iloc[:150]), add(table, rows.iloc[150:])])
    sums, row_of_entry = table.finish()
    at = row_of_entry[entries]
    assert np.array_equal(sums.cell[at], cells_of(rows["lat"], rows["lon"], 8))
    assert np.array_equal(sums.metric[at], rows["metric"])


def test_many_cells_grow_the_tables():
    random = np.random.default_rng(5)
    n = 60_000
    rows = {
        "lat": np.degrees(np.arcsin(random.uniform(-1, 1, n))),
        "lon": random.uniform(-180, 180, n),
        "metric": np.zeros(n),
        "document": np.arange(n),
        "weight": np.full(n, WEIGHT_ONE),
    }
    sums = summed(rows)
    cells, counts = np.unique(cells_of(rows["lat"], rows["lon"], 8), return_counts=True)
    assert np.array_equal(sums.cell, cells)
    assert np.array_equal(sums.column("addresses"), counts)
    assert np.array_equal(sums.column("documents"), counts)


def test_sums_are_those_of_pandas():
    rows = random_rows()
    sums = summed(rows)
    found = finish(sums, metrics=["p", "q"], resolution=8).set_index("cell")
    rows["cell"] = cells_of(rows["lat"], rows["lon"], 8)
    for number, metric in enumerate(("p", "q")):
        mine = rows[rows["metric"] == number].groupby("cell")
        weight, distinct = found[f"weight_{metric}"], found[f"distinct_{metric}"]
        assert weight[weight > 0].to_dict() == mine["weight"].sum().to_dict()
        assert distinct[distinct > 0].to_dict() == mine["document"].nunique().to_dict()
    assert found["addresses"].sum() == len(rows)
    assert list(SUMS)[:3] == ["weight", "addresses", "documents"]


@pytest.mark.parametrize("resolution", [0, 3, 8, 12, 15])
@pytest.mark.parametrize(
    "at", [(48.1, 11.5), (-17.9, 180.0), (89.999, 40.0), (-89.9, -120.0), (0.0, 0.001)]
)
def test_mean_position_is_that_on_the_sphere(resolution, at):
    random = np.random.default_rng(1)
    spread = 60 / 3.0**resolution
    lat = np.clip(at[0] + random.normal(0, spread, 60), -90, 90)
    lon = (at[1] + random.normal(0, spread, 60) + 180) % 360 - 180
    rows = {
        "lat": lat,
        "lon": lon,
        "metric": [0] * 60,
        "document": range(60),
        "weight": [WEIGHT_ONE // 2] * 60,
    }
    found = finish(summed(rows, resolution), metrics=["p"], resolution=resolution)
    cells = cells_of(lat, lon, resolution)
    for row in found.itertuples():
        mean = unit_vectors(lat[cells == row.cell], lon[cells == row.cell]).mean(axis=0)
        mean /= np.linalg.norm(mean)
        away = distance_km(mean, unit_vectors(row.lat, row.lon))
        # One part in 2^15 of the cell's radius, and what degrees can tell.
        assert away < h3.average_hexagon_edge_length(resolution, unit="km") * 1e-4 + 1e-8


def test_sums_that_run_over_64_bits_give_the_position_all_the_same():
    n = 40
    rows = {
        "lat": np.linspace(48.1, 48.1005, n),
        "lon": np.full(n, 11.5),
        "metric": [0] * n,
        "document": range(n),
        "weight": [WEIGHT_ONE * 10**6] * n,
        "count": [1e6] * n,
    }
    sums = summed(rows)
    assert abs(float(sums.column("position_weight").sum())) * 1e8 > 2**63
    found = finish(sums, metrics=["p"], resolution=8)
    cells = cells_of(rows["lat"], rows["lon"], 8)
    wanted = [rows["lat"][cells == c].mean() for c in found["cell"]]
    np.testing.assert_allclose(found["lat"], wanted, atol=1e-6)


def test_counts_stand_for_many_documents():
    rows = {"lat": [48.1, 48.1], "lon": [11.5, 11.5], "metric": [0, 0], "document": [1, 2]}
    found = finish(
        summed({**rows, "weight": [40 * WEIGHT_ONE, 2 * WEIGHT_ONE], "count": [40.0, 2.0]}),
        metrics=["p"],
        resolution=8,
    )
    assert found["distinct_p"].tolist() == [42]
    assert found["addresses"].tolist() == [42]
    assert found["weight_p"].tolist() == [42 * WEIGHT_ONE]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 15), st.integers(0, 2**32 - 1), st.sampled_from([1, 2, 700, 1 << 14]))
def test_cells_and_metrics_are_put_in_order_at_every_resolution(resolution, seed, n):
    # At the finer resolutions the position has no room beside the cell, and positions are sorted.
    random = np.random.default_rng(seed)
    lat, lon = np.degrees(np.arcsin(random.uniform(-1, 1, n))), random.uniform(-180, 180, n)
    cell = latlng_to_cells(lat, lon, resolution)
    metric = random.integers(1, 256, n).astype(np.uint64)
    keys = random.permutation(np.unique((cell << np.uint64(8)) | metric))
    assert np.array_equal(cell_sums._order(keys, resolution), np.argsort(keys))


@given(st.lists(st.tuples(st.integers(0, 2**56 - 1), st.integers(0, 254)), min_size=1, max_size=20))
def test_hashes_give_back_cell_and_metric(pairs):
    cell = np.array([(0x08 << 56) | bits for bits, _ in pairs], np.uint64)
    metric = np.array([number for _, number in pairs], np.uint8)
    hashes = np.empty(len(pairs), np.uint64)
    cell_sums._hash(cell, metric, hashes)
    cell_sums._unmix(hashes)
    assert hashes.tolist() == [(bits << 8) | (number + 1) for bits, number in pairs]


@given(
    st.lists(st.lists(st.integers(0, 3), min_size=1, max_size=60), min_size=1, max_size=6),
    st.booleans(),
)
def test_a_document_counts_once_for_each_key(documents, told_by_hash):
    number = np.repeat(np.arange(len(documents)), [len(d) for d in documents])
    keys = np.concatenate([np.array(d) for d in documents])
    hashes = keys.astype(np.uint64) if told_by_hash else np.zeros(len(keys), np.uint64)
    rest = np.empty((0, len(keys)), np.int64) if told_by_hash else keys[None].astype(np.int64)
    added = cell_sums.documents_of(number, hashes, rest, np.full(len(keys), np.nan))
    pairs = list(zip(number.tolist(), keys.tolist(), strict=True))
    assert added.tolist() == [int(pair not in pairs[:at]) for at, pair in enumerate(pairs)]
