"""DBSCAN and ball sums against scikit-learn and brute force; the estimator against its checks."""

import subprocess
import sys

import h3
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.cluster import DBSCAN
from sklearn.utils.estimator_checks import parametrize_with_checks
from sklearn.utils.validation import check_array

import geoclusters as gc
from geoclusters.clusters.density import (
    dense_clusters,
    dense_clusters_and_weights,
    neighbourhood_weights,
)
from geoclusters.clusters.estimator import GridDBSCAN
from geoclusters.earth import EARTH_RADIUS_KM, chord_of, unit_vectors

quick = settings(max_examples=20, deadline=None)
seeds = st.integers(0, 2**32)


def clumps(rng, n):
    """Clumps of different width around random places, some points copied."""
    centre = rng.integers(0, max(n // 60, 1), n)
    lat0 = rng.uniform(-60, 60, n)[centre]
    lon0 = rng.uniform(-180, 180, n)[centre]
    width = rng.choice([0.01, 0.05, 0.3], n)[centre]
    lat = np.clip(lat0 + rng.normal(0, 1, n) * width, -90, 90)
    lon = (lon0 + rng.normal(0, 1, n) * width + 180) % 360 - 180
    copies = rng.integers(0, n, n // 10)
    lat[: len(copies)], lon[: len(copies)] = lat[copies], lon[copies]
    return np.column_stack([lat, lon])


def date_line(rng, n):
    lon = 180 + rng.normal(0, 0.3, n)
    return np.column_stack([rng.normal(-17, 0.3, n), np.where(lon > 180, lon - 360, lon)])


def pole(rng, n):
    side = rng.choice([-1, 1], n)
    return np.column_stack([side * (90 - np.abs(rng.normal(0, 0.4, n))), rng.uniform(-180, 180, n)])


def city_cells(rng, n):
    """Centres of the cells of two cities that touch."""
    centre = h3.latlng_to_cell(35.68, 139.69, 8)
    other = h3.latlng_to_cell(35.44, 139.64, 8)
    cells = sorted({*h3.grid_disk(centre, 20), *h3.grid_disk(other, 12)})
    keep = rng.permutation(len(cells))[:n]
    return np.array([h3.cell_to_latlng(cells[i]) for i in keep])


def globe(rng, n):
    z = rng.uniform(-1, 1, n)
    return np.column_stack([np.degrees(np.arcsin(z)), rng.uniform(-180, 180, n)])


WORLDS = {
    "clumps": (clumps, 15.0),
    "date line": (date_line, 15.0),
    "poles": (pole, 15.0),
    "city cells": (city_cells, 1.5),
    "globe": (globe, 1200.0),
    "half the globe": (globe, 9000.0),
}


def sklearn_of(latlon, weight, eps_km, need):
    model = DBSCAN(
        eps=eps_km / EARTH_RADIUS_KM, min_samples=need, metric="haversine", algorithm="ball_tree"
    )
    return model.fit(np.radians(latlon), sample_weight=weight)


def squared_chords(latlon):
    point = unit_vectors(latlon[:, 0], latlon[:, 1])
    return ((point[:, None] - point[None]) ** 2).sum(axis=-1)


@pytest.mark.parametrize("world", WORLDS)
@settings(max_examples=12, deadline=None)
@given(seed=seeds, n=st.integers(1, 600), share=st.floats(0.001, 0.6))
def test_same_labels_as_scikit_learn(world, seed, n, share):
    make, eps_km = WORLDS[world]
    rng = np.random.default_rng(seed)
    latlon = make(rng, n)
    weight = rng.integers(0, 6, len(latlon)) ** 3
    weight[-1] += 1
    need = max(int(weight.sum() * share), 1)
    theirs = sklearn_of(latlon, weight, eps_km, need)
    ours = GridDBSCAN(eps_km, need, border="first").fit(latlon, sample_weight=weight)
    np.testing.assert_array_equal(ours.core_sample_indices_, theirs.core_sample_indices_)
    np.testing.assert_array_equal(ours.labels_, theirs.labels_)


@pytest.mark.parametrize("world", WORLDS)
@settings(max_examples=8, deadline=None)
@given(seed=seeds, n=st.integers(1, 250), share=st.floats(0.005, 0.6))
def test_border_points_go_to_the_nearest_core_point(world, seed, n, share):
    make, eps_km = WORLDS[world]
    rng = np.random.default_rng(seed)
    latlon = make(rng, n)
    weight = rng.random(len(latlon)) ** 4
    need = weight.sum() * share
    found = dense_clusters(*latlon.T, weight, radius_km=eps_km, min_weight=need)
    distance = squared_chords(latlon)
    inside = distance <= chord_of(eps_km) ** 2
    np.testing.assert_array_equal(found.core, inside @ weight >= need)
    distance = np.where(found.core[None] & inside, distance, np.inf)
    for row in np.flatnonzero(~found.core):
        least = distance[row].min(initial=np.inf)
        nearest = np.flatnonzero(distance[row] <= least * (1 + 1e-9))
        expected = {-1} if least == np.inf else set(found.labels[nearest])
        assert found.labels[row] in expected


def test_equally_near_core_points_leave_the_choice_to_the_smallest_row():
    lat = [0.0, 0.0, 0.0]
    for lon in ([-0.1, 0.0, 0.1], [0.1, 0.0, -0.1]):
        found = dense_clusters(lat, lon, [9, 1, 9], radius_km=12, min_weight=10)
        assert found.labels.tolist() == [0, 0, 0]
        found = dense_clusters(lat, lon, [9, 0, 9], radius_km=12, min_weight=9)
        assert found.core.tolist() == [True, True, True]
        found = dense_clusters(
            [*lat, 0, 0], [*lon, -0.2, 0.2], [9, 0, 9, 9, 9], radius_km=11.2, min_weight=18
        )
        assert found.labels[1] == 0


@quick
@given(seed=seeds)
def test_the_order_of_rows_does_not_matter(seed):
    rng = np.random.default_rng(seed)
    latlon = np.unique(clumps(rng, 300), axis=0)
    weight = rng.random(len(latlon))
    order = rng.permutation(len(latlon))
    whole = dense_clusters(*latlon.T, weight, radius_km=15, min_weight=4.0)
    mixed = dense_clusters(*latlon[order].T, weight[order], radius_km=15, min_weight=4.0)
    np.testing.assert_array_equal(mixed.core, whole.core[order])
    pairs = set(zip(whole.labels[order].tolist(), mixed.labels.tolist(), strict=True))
    assert len(pairs) == len({a for a, _ in pairs}) == len({b for _, b in pairs})
    firsts = [
        np.flatnonzero((mixed.labels == k) & mixed.core)[0] for k in range(mixed.labels.max() + 1)
    ]
    assert firsts == sorted(firsts)


@quick
@given(seed=seeds, factor=st.sampled_from([2.0**-40, 1 / 3, 7.0, 2.0**40]))
def test_scaling_weights_and_threshold_changes_nothing(seed, factor):
    rng = np.random.default_rng(seed)
    latlon = clumps(rng, 200)
    weight = rng.integers(0, 20, 200)
    one = dense_clusters(*latlon.T, weight, radius_km=15, min_weight=60)
    other = dense_clusters(*latlon.T, weight * factor, radius_km=15, min_weight=60 * factor)
    np.testing.assert_array_equal(one.labels, other.labels)
    np.testing.assert_array_equal(one.core, other.core)


@quick
@given(seed=seeds, border=st.sampled_from(["nearest", "first"]))
def test_threads_do_not_matter(seed, border):
    rng = np.random.default_rng(seed)
    latlon = clumps(rng, 400)
    weight = rng.random(400)
    options = {"radius_km": 15, "min_weight": 6.0, "border": border}
    one = dense_clusters(*latlon.T, weight, **options)
    two = dense_clusters(*latlon.T, weight, **options, threads=2)
    np.testing.assert_array_equal(one.labels, two.labels)
    np.testing.assert_array_equal(
        neighbourhood_weights(*latlon.T, weight, radius_km=15),
        neighbourhood_weights(*latlon.T, weight, radius_km=15, threads=2),
    )


def test_a_distance_equal_to_the_radius_is_within():
    lat, lon = [0.0, 1.0], [0.0, 0.0]
    one_degree_km = np.radians(1.0) * EARTH_RADIUS_KM
    for radius_km, dense in (
        (one_degree_km * (1 + 1e-12), True),
        (one_degree_km * (1 - 1e-12), False),
    ):
        found = dense_clusters(lat, lon, radius_km=radius_km, min_weight=2)
        assert found.core.tolist() == [dense, dense]


def test_three_thirds_are_one_and_a_billionth_less_is_not():
    place = [0.0] * 3
    for weight in ([1 / 3] * 3, [0.1, 0.2, 0.7], [0.3, 0.7, 0.0]):
        assert dense_clusters(place, place, weight, radius_km=1, min_weight=1).core.all()
        less = np.array(weight) * (1 - 1e-9)
        assert not dense_clusters(place, place, less, radius_km=1, min_weight=1).core.any()


def test_whole_weights_are_exact_up_to_the_largest_threshold():
    place = [0.0, 0.0]
    for weight, dense in (([2**53 - 4, 4], True), ([2**53 - 4, 3], False)):
        given_weights = np.array(weight, dtype=np.int64)
        found = dense_clusters(place, place, given_weights, radius_km=1, min_weight=2**53)
        assert found.core.all() == dense
    with pytest.raises(ValueError, match=r"at most 2\*\*53"):
        dense_clusters(place, place, given_weights, radius_km=1, min_weight=2**53 + 2)
    huge = np.array([2**63 - 1, 2**63 - 1], dtype=np.int64)
    assert dense_clusters(place, place, huge, radius_km=1, min_weight=2**53).core.all()
    assert dense_clusters(place, place, [2.0, 3.0], radius_km=1, min_weight=4.5).core.all()
    assert dense_clusters(place, place, [1e300, 1e-300], radius_km=1, min_weight=1e-3).core.all()


def ring(rng, n, inner_km, outer_km):
    """Points between two distances from 10 degrees north, 20 degrees east."""
    away = np.sqrt(rng.uniform(inner_km**2, outer_km**2, n)) / 111.19
    turn = rng.uniform(0, 2 * np.pi, n)
    return np.column_stack(
        [10 + away * np.sin(turn), 20 + away * np.cos(turn) / np.cos(np.radians(10))]
    )


@pytest.mark.parametrize(("light", "heavy", "need"), [(0.001, 15.5, 15), (1, 2**53, 2**53)])
def test_sums_over_hundreds_of_full_cubes_around_a_light_place(light, heavy, need):
    n_light, n_heavy, rng = 8, 20_000, np.random.default_rng(0)
    lat_lon = np.vstack([ring(rng, n_light, 0, 30), ring(rng, n_heavy, 85, 190)])
    weight = np.repeat([light, heavy], [n_light, n_heavy])
    ours = GridDBSCAN(100, need).fit(lat_lon, sample_weight=weight).core_sample_mask_
    vectors = unit_vectors(lat_lon[:, 0], lat_lon[:, 1])
    apart = np.linalg.norm(vectors[:n_light, None] - vectors[None], axis=-1)
    assert ((apart <= chord_of(100)) @ (weight / need) > 1.01).all()
    assert ours.all()


def test_a_million_points_on_one_spot():
    n = 1_000_000
    lat = np.full(n + 3, 10.0)
    lon = np.full(n + 3, 20.0)
    lat[-3:], lon[-3:] = [10.1, 10.2, 10.0001], [20.0, 20.0, 20.0]
    found = dense_clusters(lat, lon, radius_km=15, min_weight=n + 2)
    assert found.core.tolist()[-3:] == [True, False, True]
    assert found.core[:n].all()
    assert (found.labels == 0).sum() == n + 3
    two = dense_clusters(
        np.r_[lat[:n], lat[:n] + 0.2], np.r_[lon[:n], lon[:n]], radius_km=15, min_weight=n
    )
    assert two.labels.max() == 1
    few = dense_clusters(lat, lon, radius_km=15, min_weight=2 * n, border="first")
    assert (few.labels == -1).all()
    total = neighbourhood_weights(lat, lon, np.ones(n + 3, dtype=np.int64), radius_km=15)
    assert total[[0, -3, -2, -1]].tolist() == [n + 2, n + 3, 2, n + 2]


def test_two_spots_just_out_of_reach_with_jitter_are_told_apart_quickly():
    rng = np.random.default_rng(5)
    n = 100_000
    lat = np.r_[rng.uniform(-1e-3, 1e-3, n), rng.uniform(-1e-3, 1e-3, n)]
    lon = np.r_[rng.uniform(0, 1e-3, n), rng.uniform(0, 1e-3, n) + 0.1369]
    found = dense_clusters(lat, lon, radius_km=15, min_weight=50)
    assert found.core.all()
    assert found.labels.max() == 1


@pytest.mark.parametrize("border", ["nearest", "first"])
def test_nothing_and_one_point(border):
    empty = dense_clusters([], [], [], radius_km=15, min_weight=1, border=border)
    assert empty.labels.shape == empty.core.shape == (0,)
    assert empty.labels.dtype == np.int64
    assert empty.core.dtype == np.bool_
    for weight, label in ((1, 0), (0, -1)):
        one = dense_clusters([90.0], [0.0], [weight], radius_km=15, min_weight=1, border=border)
        assert one.labels.tolist() == [label]
    assert neighbourhood_weights([], [], [], radius_km=15).shape == (0,)
    assert neighbourhood_weights([5], [5], [0.1], radius_km=15).tolist() == [0.1]


def test_the_whole_globe_is_within_half_its_circumference():
    latlon = globe(np.random.default_rng(0), 500)
    latlon[:2] = [[90, 0], [-90, 0]]
    assert dense_clusters(*latlon.T, radius_km=20_016, min_weight=500).core.all()
    weight = np.arange(500)
    assert set(neighbourhood_weights(*latlon.T, weight, radius_km=1e6)) == {weight.sum()}


def test_ten_centimetres_still_work():
    step = np.degrees(0.9e-4 / EARTH_RADIUS_KM)
    lat = 52.0 + np.arange(50) * step
    found = dense_clusters(lat, np.full(50, 13.0), radius_km=1e-4, min_weight=3)
    assert found.core.tolist() == [False, *[True] * 48, False]
    assert set(found.labels) == {0}


@pytest.mark.parametrize("world", WORLDS)
@settings(max_examples=8, deadline=None)
@given(seed=seeds, n=st.integers(1, 250))
def test_ball_sums_are_those_of_brute_force(world, seed, n):
    make, radius_km = WORLDS[world]
    rng = np.random.default_rng(seed)
    latlon = make(rng, n)
    inside = squared_chords(latlon) <= chord_of(radius_km) ** 2
    whole = rng.integers(0, 10**12, len(latlon))
    sums = neighbourhood_weights(*latlon.T, whole, radius_km=radius_km)
    assert sums.dtype == np.int64
    np.testing.assert_array_equal(sums, inside @ whole)
    part = rng.random(len(latlon)) ** 9
    sums = neighbourhood_weights(*latlon.T, part, radius_km=radius_km)
    assert sums.dtype == np.float64
    np.testing.assert_allclose(sums, inside @ part, rtol=1e-12, atol=1e-15)


def test_ball_sums_do_not_depend_on_the_order_of_rows():
    rng = np.random.default_rng(3)
    latlon = clumps(rng, 500)
    weight = rng.random(500)
    order = rng.permutation(500)
    sums = neighbourhood_weights(*latlon.T, weight, radius_km=15)
    mixed = neighbourhood_weights(*latlon[order].T, weight[order], radius_km=15)
    np.testing.assert_array_equal(mixed, sums[order])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"lat": [0.0, 91.3]}, "row 1: latitude 91.3 is outside -90..90"),
        ({"lon": [-400.0, 0.0]}, "row 0: longitude -400.0 is outside -360..360"),
        ({"lat": [0.0, np.nan]}, "row 1: latitude nan"),
        ({"lon": [0.0]}, "of one length"),
        ({"weight": [1.0, -2.0]}, "row 1: weight -2.0 must be finite and not negative"),
        ({"weight": [np.inf, 1.0]}, "row 0: weight inf"),
        ({"weight": [1.0]}, "one for each of the 2 points"),
        ({"weight": np.array([2**63, 1], dtype=np.uint64)}, "more than an int64"),
        ({"radius_km": 0.0}, "`radius_km` must be a number above 0, not 0.0"),
        ({"radius_km": np.nan}, "`radius_km` must be a number above 0"),
        ({"radius_km": 1e-5}, "`radius_km` must be at least 0.0001"),
        ({"min_weight": -1}, "`min_weight` must be a number above 0, not -1"),
        ({"min_weight": 2**56}, "at most 2\\*\\*53"),
        ({"border": "last"}, "`border` must be one of"),
        ({"threads": 0}, "`threads` must be at least 1"),
    ],
)
def test_what_is_wrong_is_named(change, message):
    good = {
        "lat": [0.0, 1.0],
        "lon": [0.0, 1.0],
        "weight": [1, 1],
        "radius_km": 15.0,
        "min_weight": 1,
    }
    with pytest.raises(ValueError, match=message):
        dense_clusters(**{**good, **change})


@quick
@given(seed=seeds, n=st.integers(1, 3000), resolution_km=st.sampled_from([0.05, 1.0, 8.0]))
def test_core_points_are_those_whose_ball_reaches_the_threshold(seed, n, resolution_km):
    rng = np.random.default_rng(seed)
    latlon = np.column_stack([48 + rng.normal(0, 0.2, n), 11 + rng.normal(0, 0.3, n)])
    latlon = np.round(latlon / resolution_km, 3) * resolution_km
    weight = rng.integers(0, 1000, n)
    sums = neighbourhood_weights(*latlon.T, weight, radius_km=5)
    need = max(int(np.median(sums)), 1)
    found = dense_clusters(*latlon.T, weight, radius_km=5, min_weight=need)
    np.testing.assert_array_equal(found.core, sums >= need)


@pytest.mark.parametrize("threads", [1, 2])
@quick
@given(seed=seeds, n=st.integers(0, 2000), border=st.sampled_from(["nearest", "first"]))
def test_clusters_and_weights_at_once_are_those_one_by_one(threads, seed, n, border):
    rng = np.random.default_rng(seed)
    latlon = clumps(rng, n) if n else np.empty((0, 2))
    weight = rng.integers(0, 1000, len(latlon))
    options = {"radius_km": 15, "min_weight": 0.1 * weight.sum() + 0.5, "border": border}
    found, sums = dense_clusters_and_weights(*latlon.T, weight, **options, threads=threads)
    expected = dense_clusters(*latlon.T, weight, **options)
    np.testing.assert_array_equal(found.labels, expected.labels)
    np.testing.assert_array_equal(found.core, expected.core)
    np.testing.assert_array_equal(sums, neighbourhood_weights(*latlon.T, weight, radius_km=15))


def test_clusters_and_weights_at_once_take_integers_only():
    with pytest.raises(ValueError, match="weights must be integers"):
        dense_clusters_and_weights([0.0], [0.0], [0.5], radius_km=15, min_weight=1)


def test_ball_sums_where_the_rims_of_balls_are_crowded():
    rng = np.random.default_rng(5)
    latlon = np.column_stack([48 + rng.uniform(0, 0.3, 5000), 11 + rng.uniform(0, 0.4, 5000)])
    latlon[::7] = latlon[0]
    weight = rng.integers(0, 10**6, 5000)
    sums = neighbourhood_weights(*latlon.T, weight, radius_km=15)
    inside = squared_chords(latlon) <= chord_of(15) ** 2
    np.testing.assert_array_equal(sums, inside @ weight)


def test_too_large_totals_are_refused():
    with pytest.raises(ValueError, match="add up to more than"):
        neighbourhood_weights([0, 0], [0, 0], [2**62, 2**62], radius_km=15)


def test_what_a_mask_hides_is_no_point_and_no_weight():
    latlon = np.ma.masked_array([[0.0, 0.0], [0.01, 0.0]], mask=[[False, False], [True, False]])
    with pytest.raises(ValueError, match="NaN"):
        GridDBSCAN(10, 2).fit(latlon)
    weight = np.ma.masked_array([1, 1], mask=[False, True])
    with pytest.raises(ValueError, match="row 1: weight nan"):
        GridDBSCAN(10, 2).fit([[0.0, 0.0], [0.01, 0.0]], sample_weight=weight)


def test_names_of_columns_are_kept_and_the_wrong_order_is_refused():
    frame = pd.DataFrame({"lat": [48.1, 48.2], "lon": [11.5, 11.6]})
    assert GridDBSCAN(15, 2).fit(frame).feature_names_in_.tolist() == ["lat", "lon"]
    with pytest.raises(ValueError, match="give latitude first"):
        GridDBSCAN(15, 2).fit(frame[["lon", "lat"]])


@pytest.mark.parametrize(
    ("n_jobs", "threads"), [(None, 1), (3, 3), (-1, 8), (-2, 7), (-1000, 1), (np.int64(2), 2)]
)
def test_threads_are_asked_for_as_scikit_learn_does(monkeypatch, n_jobs, threads):
    monkeypatch.setattr("geoclusters.clusters.estimator.processors", lambda: 8)
    latlon = clumps(np.random.default_rng(1), 400)
    asked = []
    monkeypatch.setattr(
        "geoclusters.clusters.estimator.dense_clusters",
        lambda *given, threads, **options: (
            asked.append(threads) or dense_clusters(*given, **options)
        ),
    )
    ours = GridDBSCAN(15, 4, n_jobs=n_jobs).fit_predict(latlon)
    assert asked == [threads]
    assert ours.max() >= 0


@pytest.mark.parametrize("n_jobs", [0, "2", 1.5])
def test_threads_that_are_no_number_are_named(n_jobs):
    with pytest.raises(ValueError, match="`n_jobs` must be None or a whole number other than 0"):
        GridDBSCAN(15, 2, n_jobs=n_jobs).fit([[0.0, 0.0]])


@pytest.mark.parametrize(
    ("eps_km", "said"), [(0, "above 0"), ("15", "above 0"), (1e-9, "at least")]
)
def test_an_impossible_radius_is_named_as_the_user_did(eps_km, said):
    with pytest.raises(ValueError, match=f"`eps_km` must be .*{said}"):
        GridDBSCAN(eps_km, 2).fit([[0.0, 0.0]])


def test_estimator_parameters_and_attributes():
    model = clone(GridDBSCAN(10, 2))
    assert model.get_params() == {
        "eps_km": 10,
        "min_weight": 2,
        "border": "nearest",
        "n_jobs": None,
    }
    latlon = [[0.0, 0.0], [0.01, 0.0], [50.0, 0.0]]
    assert model.fit_predict(latlon).tolist() == [0, 0, -1]
    assert model.labels_.dtype == np.int64
    assert model.core_sample_mask_.tolist() == [True, True, False]
    assert model.core_sample_indices_.tolist() == [0, 1]
    assert model.n_features_in_ == 2
    assert gc.GridDBSCAN is GridDBSCAN
    with pytest.raises(ValueError, match="2 columns, latitude and longitude"):
        model.fit([[1.0, 2.0, 3.0]])
    with pytest.raises(ValueError, match="every sample weight is zero"):
        model.fit(latlon, sample_weight=[0, 0, 0])


NOT_2_COLUMNS = "fits data of more or fewer than two columns, which are not latitude and longitude"
NOT_DEGREES = "fits data that leave -90..90, so that they are no latitudes"
EXPECTED_FAILURES = {
    "check_fit_score_takes_y": NOT_2_COLUMNS,
    "check_dont_overwrite_parameters": NOT_2_COLUMNS,
    "check_n_features_in_after_fitting": NOT_2_COLUMNS,
    "check_estimators_dtypes": NOT_2_COLUMNS,
    "check_sample_weights_list": NOT_2_COLUMNS,
    "check_all_zero_sample_weights_error": NOT_2_COLUMNS,
    "check_sample_weight_equivalence_on_dense_data": NOT_2_COLUMNS,
    "check_dtype_object": NOT_2_COLUMNS,
    "check_pipeline_consistency": NOT_2_COLUMNS,
    "check_estimators_nan_inf": NOT_2_COLUMNS,
    "check_estimators_pickle": NOT_2_COLUMNS,
    "check_f_contiguous_array_estimator": NOT_2_COLUMNS,
    "check_methods_sample_order_invariance": NOT_2_COLUMNS,
    "check_methods_subset_invariance": NOT_2_COLUMNS,
    "check_fit2d_1sample": NOT_2_COLUMNS,
    "check_array_api_input": NOT_2_COLUMNS,
    "check_dict_unchanged": NOT_2_COLUMNS,
    "check_fit2d_predict1d": NOT_2_COLUMNS,
    "check_positive_only_tag_during_fit": NOT_DEGREES,
    "check_fit_idempotent": NOT_DEGREES,
    "check_fit_check_is_fitted": NOT_DEGREES,
    "check_n_features_in": NOT_DEGREES,
    "check_clustering": "blobs of unit width are thousands of kilometres wide as degrees",
}


class OnAnyData(GridDBSCAN):
    """The estimator on the first and last column of any data, bent into degrees."""

    def _checked(self, X):
        data = check_array(X, dtype=np.float64, estimator=self)
        self.n_features_in_ = data.shape[1]
        return np.column_stack([np.arctan(data[:, 0]) * 50, np.arctan(data[:, -1]) * 50])


def failures_of(estimator):
    return {} if isinstance(estimator, OnAnyData) else EXPECTED_FAILURES


@pytest.mark.filterwarnings("ignore")
@parametrize_with_checks([GridDBSCAN(), OnAnyData(800.0)], expected_failed_checks=failures_of)
def test_scikit_learn_checks(estimator, check, monkeypatch):
    monkeypatch.setenv("SCIPY_ARRAY_API", "1")  # without it one of the checks is skipped
    check(estimator)


def test_import_needs_no_scikit_learn():
    code = "import sys, geoclusters.clusters.density; sys.exit('sklearn' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
