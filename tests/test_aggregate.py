"""Sums of cells: exact, whatever the order and the parts; positions right everywhere on the sphere."""

from __future__ import annotations

import h3
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoclusters.cells import finish, merge, partial
from geoclusters.earth import distance_km, unit_vectors
from geoclusters.schema import WEIGHT_ONE


def cells_of(lat, lon, resolution):
    return np.array(
        [h3.str_to_int(h3.latlng_to_cell(a, o, resolution)) for a, o in zip(lat, lon, strict=True)],
        np.uint64,
    )


def sums(rows, resolution=8):
    lat, lon = np.array(rows["lat"], float), np.array(rows["lon"], float)
    return partial(
        cell=cells_of(lat, lon, resolution),
        metric=np.array(rows["metric"], object),
        document=np.array(rows["document"], np.int64),
        weight=np.array(rows["weight"], np.int64),
        count=np.array(rows.get("count", [np.nan] * len(lat)), float),
        lat=lat,
        lon=lon,
        resolution=resolution,
    )


def random_rows(n=400, seed=0):
    random = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "lat": 48.1 + random.normal(0, 0.02, n),
            "lon": 11.5 + random.normal(0, 0.02, n),
            "metric": random.choice(["p", "q"], n),
            "document": np.sort(random.integers(0, n // 3, n)),
            "weight": WEIGHT_ONE // random.integers(1, 25, n),
        }
    )


@given(st.integers(0, 2**32 - 1))
def test_parts_and_order_leave_no_trace(seed):
    rows = random_rows()
    random = np.random.default_rng(seed)
    part = rows["document"].to_numpy() % random.integers(1, 6)
    pieces = [sums(rows[part == p].reset_index(drop=True)) for p in np.unique(part)]
    random.shuffle(pieces)
    pd.testing.assert_frame_equal(merge(pieces), sums(rows))
    shuffled = rows.sample(frac=1, random_state=int(seed % 1000)).reset_index(drop=True)
    pd.testing.assert_frame_equal(sums(shuffled), sums(rows))


def test_sums_are_those_of_pandas():
    rows = random_rows()
    found = finish(sums(rows), metrics=["p", "q"], resolution=8)
    rows["cell"] = cells_of(rows["lat"], rows["lon"], 8)
    for metric in ("p", "q"):
        mine = rows[rows["metric"] == metric].groupby("cell")
        wanted = found.set_index("cell")[f"weight_{metric}"]
        pd.testing.assert_series_equal(
            wanted[wanted > 0], mine["weight"].sum(), check_names=False, check_index_type=False
        )
        distinct = found.set_index("cell")[f"distinct_{metric}"]
        assert distinct[distinct > 0].to_dict() == mine["document"].nunique().to_dict()
    assert found["addresses"].sum() == len(rows)


@pytest.mark.parametrize("resolution", [0, 3, 8, 12])
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
        "metric": ["p"] * 60,
        "document": range(60),
        "weight": [WEIGHT_ONE // 2] * 60,
    }
    found = finish(sums(rows, resolution), metrics=["p"], resolution=resolution)
    cells = cells_of(lat, lon, resolution)
    for row in found.itertuples():
        mean = unit_vectors(lat[cells == row.cell], lon[cells == row.cell]).mean(axis=0)
        mean /= np.linalg.norm(mean)
        away = distance_km(mean, unit_vectors(row.lat, row.lon))
        # One part in 2^15 of the cell's radius, and what the tangent plane bends over a large cell.
        assert away < h3.average_hexagon_edge_length(resolution, unit="km") * 1e-4 + (
            600 if resolution == 0 else 1.0 if resolution <= 3 else 0
        )


def test_counts_stand_for_many_documents():
    rows = {"lat": [48.1, 48.1], "lon": [11.5, 11.5], "metric": ["p", "p"], "document": [1, 1]}
    found = finish(
        sums({**rows, "weight": [40 * WEIGHT_ONE, 2 * WEIGHT_ONE], "count": [40.0, 2.0]}),
        metrics=["p"],
        resolution=8,
    )
    assert found["distinct_p"].tolist() == [42]
    assert found["addresses"].tolist() == [42]
    assert found["weight_p"].tolist() == [42 * WEIGHT_ONE]
