"""Following clusters from run to run, how sure ranks are, and where a point stands."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import geoclusters as gc
from geoclusters.comparison import compare, shared_weight
from geoclusters.earth import distance_km, unit_vectors
from geoclusters.locating import locate
from geoclusters.sensitivity import sensitivity

sides = st.lists(
    st.tuples(st.integers(0, 8), st.sampled_from("abc"), st.integers(1, 9)), min_size=1, max_size=12
)


def as_side(rows):
    frame = pd.DataFrame(rows, columns=["cell", "cluster_id", "weight"])
    return frame.drop_duplicates("cell").astype({"weight": float})


@given(sides, sides)
def test_shared_weight_by_counting(old, new):
    old, new = as_side(old), as_side(new)
    found = shared_weight(old, new).set_index(["cluster_id_old", "cluster_id_new"])
    for a, mine in old.groupby("cluster_id"):
        for b, other in new.groupby("cluster_id"):
            both = set(mine["cell"]) & set(other["cell"])
            assert ((a, b) in found.index) == bool(both)
            if both:
                part = mine[mine["cell"].isin(both)]["weight"].sum() / mine["weight"].sum()
                assert found.loc[(a, b), "part_of_old"] == pytest.approx(part)


def test_a_run_against_itself_is_the_same(finished):
    table = compare(finished, finished)
    assert (table["fate"] == "same").all()
    assert (table["rank_change"] == 0).all()
    assert table["part_of_old"].tolist() == pytest.approx([1.0] * len(finished.clusters))


@pytest.mark.usefixtures("no_pages")
def test_runs_without_a_cluster_in_common(finished, tmp_path):
    none = gc.recluster(finished.folder, out=tmp_path / "none", min_density=0.9)
    assert compare(finished, none)["fate"].tolist() == ["gone"] * len(finished.clusters)
    assert compare(none, finished)["fate"].tolist() == ["new"] * len(finished.clusters)
    assert len(compare(none, none)) == 0


@pytest.mark.usefixtures("no_pages")
def test_clusters_that_go_come_and_merge(finished, tmp_path):
    fewer = gc.recluster(finished.folder, out=tmp_path / "fewer", min_density=0.3)
    assert len(fewer.clusters) < len(finished.clusters)
    assert (compare(finished, fewer)["fate"] == "gone").sum() == len(finished.clusters) - len(
        fewer.clusters
    )
    assert (compare(fewer, finished)["fate"] == "new").any()
    wide = gc.recluster(finished.folder, out=tmp_path / "wide", merge_gap_km=1000.0)
    assert (compare(finished, wide)["fate"] == "merged").sum() == 2
    assert (compare(wide, finished)["fate"] == "split").sum() == 2


def test_margins_are_those_of_the_binomial(finished):
    """Whole documents lie in one city each, so a share varies about as a binomial proportion does."""
    table = sensitivity(finished, replicates=400, radius_factors=(1.0,), density_factors=(1.0,))
    assert (table["grid_rank_best"] == table["rank"]).all()
    assert (table["grid_found"] == 1.0).all()
    n = finished.run["documents"]["patents"]["window"]
    half = (table["score_high"] - table["score_low"]) / 2
    expected = 1.96 * np.sqrt(table["score"] * (1 - table["score"]) / n)
    np.testing.assert_allclose(half, expected, rtol=0.25)
    again = sensitivity(finished, replicates=400, radius_factors=(1.0,), density_factors=(1.0,))
    pd.testing.assert_frame_equal(table, again)


def test_density_and_distance_of_a_point_by_brute_force(finished):
    cells = finished.cells
    here = (48.4, 11.9)
    place = locate(finished, *here)
    away = distance_km(unit_vectors(cells["lat"], cells["lon"]), unit_vectors(*here))
    assert place.density == pytest.approx(cells["weight"][away <= 15].sum())
    assert place.cluster_id is None
    assert place.nearest_name == "Munich"
    assert place.nearest_km == pytest.approx(away[cells["cluster_id"].notna()].min())
    assert place.missing_density == pytest.approx(0.02 - place.density)
