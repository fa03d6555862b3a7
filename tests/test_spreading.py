"""Spreading over cities: within the disc, uniform by area, the same in any order; and what it changes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.spatial import cKDTree

from geoclusters.earth import EARTH_RADIUS_KM, chord_of, distance_km, unit_vectors
from geoclusters.places import read_places
from geoclusters.quality import (
    address_keys,
    changed_sides,
    radius_of_places,
    spread_over_places,
)
from geoclusters.quality.mixing import mixed

places = st.tuples(st.floats(-90, 90), st.floats(-180, 179.99), st.floats(0.01, 40))


def spread(lat, lon, radius_km, n=2000, *, seed=0):
    key = mixed(np.arange(n, dtype=np.uint64), seed=9)
    return spread_over_places(
        np.full(n, lat), np.full(n, lon), key, radius_km=np.full(n, radius_km), seed=seed
    )


@given(places)
def test_no_point_leaves_its_disc_or_the_map(place):
    lat, lon, radius_km = place
    new_lat, new_lon = spread(lat, lon, radius_km, n=200)
    km = distance_km(unit_vectors(lat, lon), unit_vectors(new_lat, new_lon))
    assert km.max() <= radius_km * (1 + 1e-9) + 1e-6
    assert km.max() > 0.8 * radius_km
    assert np.abs(new_lat).max() <= 90
    assert new_lon.min() >= -180
    assert new_lon.max() <= 180


@pytest.mark.parametrize("where", [(48.1, 11.6), (-18.0, 179.99), (89.99, 0.0), (0.0, 0.0)])
def test_points_are_uniform_by_area_and_their_mean_stays(where):
    n, radius_km = 20_000, 10.0
    new = unit_vectors(*spread(*where, radius_km, n=n))
    centre = unit_vectors(*where)
    km = distance_km(centre, new)
    area = np.sin(km / EARTH_RADIUS_KM / 2) ** 2 / np.sin(radius_km / EARTH_RADIUS_KM / 2) ** 2
    assert stats.kstest(area, "uniform").pvalue > 1e-3
    north = np.array([0.0, 0.0, 1.0]) - centre * centre[2]
    north /= np.linalg.norm(north)
    east = np.cross(north, centre)
    direction = np.arctan2(new @ east, new @ north) / (2 * np.pi) % 1
    assert stats.kstest(direction, "uniform").pvalue > 1e-3
    # The standard error of a mean in each direction is r / 2√n.
    mean_km = np.array([(new @ east).mean(), (new @ north).mean()]) * EARTH_RADIUS_KM
    assert np.abs(mean_km).max() < 4 * radius_km / (2 * np.sqrt(n))


@given(st.integers(1, 300), st.integers(0, 5), st.randoms(use_true_random=False))
def test_a_row_moves_alike_in_any_order_and_company(n, seed, random):
    rng = np.random.default_rng(n)
    lat, lon = rng.uniform(-80, 80, n), rng.uniform(-180, 180, n)
    radius, key = rng.uniform(0.5, 20, n), rng.integers(0, 2**63, n).astype(np.uint64)
    whole = np.stack(spread_over_places(lat, lon, key, radius_km=radius, seed=seed))
    order = np.array(random.sample(range(n), random.randint(1, n)))
    some = np.stack(
        spread_over_places(lat[order], lon[order], key[order], radius_km=radius[order], seed=seed)
    )
    assert some.tobytes() == np.ascontiguousarray(whole[:, order]).tobytes()


def test_seeds_differ_and_a_radius_of_zero_stays():
    assert not np.array_equal(spread(48.1, 11.6, 5.0, seed=0), spread(48.1, 11.6, 5.0, seed=1))
    lat, lon = spread(48.1, 11.6, 0.0, n=3)
    assert lat.tolist() == [48.1] * 3
    assert lon.tolist() == [11.6] * 3
    nothing = np.array([np.nan])
    lat, lon = spread_over_places(
        nothing, nothing, np.ones(1, dtype=np.uint64), radius_km=np.array([5.0])
    )
    assert np.isnan([lat[0], lon[0]]).all()


def test_keys_tell_addresses_apart_and_nothing_else():
    document = np.array([1, 1, 2, 1, 1], dtype=np.uint64)
    person = np.array([5, 5, 5, 6, 5], dtype=np.uint64)
    lat = np.array([48.1, 48.1, 48.1, 48.1, 52.5])
    lon = np.array([11.6, 11.6, 11.6, 11.6, 13.4])
    key = address_keys(document, person, lat, lon)
    assert key[0] == key[1]
    assert len(set(key.tolist())) == 4
    assert (
        address_keys(document[::-1], person[::-1], lat[::-1], lon[::-1]).tolist()
        == key[::-1].tolist()
    )


def test_the_extent_of_a_city_follows_its_people():
    lat = np.array([48.1374, 48.15, 52.52, -40.0])
    lon = np.array([11.5755, 11.58, 13.40, -110.0])
    munich, beside, berlin, nowhere = radius_of_places(lat, lon)
    assert munich == beside
    assert 5 < munich < berlin < 15
    assert nowhere == 1.0
    assert radius_of_places(lat[:1], lon[:1], density_per_km2=2000.0) == pytest.approx(2 * munich)
    assert len(radius_of_places(lat[:0], lon[:0])) == 0


@given(st.integers(0, 1000))
@settings(max_examples=10, deadline=None)
def test_the_largest_place_within_reach_is_that_of_a_search_tree(seed):
    known = read_places()
    random = np.random.default_rng(seed)
    near = known.iloc[random.integers(0, len(known), 60)]
    lat = np.r_[near["lat"] + random.normal(0, 0.03, 60), 90.0, -90.0, -16.85, -16.85]
    lon = np.r_[near["lon"] + random.normal(0, 0.06, 60), 0.0, 180.0, 180.0, -180.0]
    lon = (lon + 180) % 360 - 180
    tree = cKDTree(unit_vectors(known["lat"], known["lon"]))
    found = tree.query_ball_point(unit_vectors(lat, lon), chord_of(5.0))
    people = np.array([known["population"].to_numpy()[rows].max(initial=0) for rows in found])
    radius_km = np.maximum(np.sqrt(people / (8000 * np.pi)), 1.0)
    assert radius_of_places(lat, lon) == pytest.approx(radius_km, rel=1e-12)


labels = st.lists(
    st.tuples(st.integers(-1, 3), st.integers(-1, 3), st.integers(0, 9)), min_size=1, max_size=60
)


@given(labels, st.permutations(range(4)))
def test_shares_add_up_and_numbers_of_clusters_mean_nothing(table, numbers):
    before, after, weight = (np.array(c) for c in zip(*table, strict=True))
    told = changed_sides(before, after, weight)
    parts = sum(told[k] for k in ("joined", "left", "moved", "stayed"))
    assert parts == pytest.approx(1.0 if weight.sum() else 0.0)
    renumbered = np.array([*numbers, -1])[before]
    same = changed_sides(before, renumbered, weight)
    assert same["stayed"] == pytest.approx(1.0 if weight.sum() else 0.0)
    joined = sum(w for b, a, w in table if b < 0 <= a)
    assert told["joined"] * told["total"] == pytest.approx(joined)


def test_a_split_cluster_counts_its_smaller_part_as_it_is():
    told = changed_sides(np.zeros(4, int), np.array([0, 0, 0, -1]), np.array([5, 3, 1, 1]))
    assert (told["stayed"], told["left"]) == (0.9, 0.1)
    merged = changed_sides(np.array([0, 0, 1]), np.zeros(3, int), np.array([4, 3, 3]))
    assert (merged["stayed"], merged["moved"]) == (0.7, 0.3)
