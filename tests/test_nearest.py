"""The nearest place is that of a search through all, and parts of larger places are found as one would by hand."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from geoclusters.clusters.nearest import nearest_within, parts_of_larger
from geoclusters.earth import chord_of, distance_km, unit_vectors


def scattered(rng, n, *, spots, around_deg):
    """Points near a few spots, some at the poles and at the date line; degrees."""
    at = rng.integers(0, spots, n)
    lat = np.append(rng.uniform(-90, 90, spots), [90.0, -90.0, 0.0])[at]
    lon = np.append(rng.uniform(-180, 180, spots), [0.0, 0.0, 180.0])[at]
    lat = np.clip(lat + rng.normal(0, around_deg, n), -90, 90)
    return lat, (lon + rng.normal(0, around_deg, n) + 540) % 360 - 180


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    n=st.integers(0, 50),
    k=st.integers(1, 120),
    max_km=st.sampled_from([5.0, 50.0, 300.0, 4000.0]),
    threads=st.integers(1, 2),
)
def test_the_nearest_is_that_of_all(seed, n, k, max_km, threads):
    rng = np.random.default_rng(seed)
    lat, lon = scattered(rng, n + k, spots=4, around_deg=0.5)
    points, places = (lat[:n], lon[:n]), (lat[n:], lon[n:])
    row, square = nearest_within(*points, *places, max_km=max_km, threads=threads)
    apart = unit_vectors(*points)[:, None] - unit_vectors(*places)[None]
    chord = np.sqrt((apart**2).sum(axis=2))
    least = chord.min(axis=1, initial=np.inf)
    near = least <= chord_of(max_km)
    np.testing.assert_array_equal(row >= 0, near)
    np.testing.assert_allclose(np.sqrt(square[near]), least[near], rtol=0, atol=1e-12)
    np.testing.assert_allclose(chord[near, row[near]], least[near], rtol=0, atol=1e-12)
    assert np.isinf(square[~near]).all()


def test_of_places_at_one_spot_the_first_is_the_nearest():
    lat, lon = np.full(100, 10.0), np.full(100, 20.0)
    row, square = nearest_within(lat[:3], lon[:3] + 0.1, lat, lon, max_km=50, threads=1)
    assert row.tolist() == [0, 0, 0]
    assert len(set(square)) == 1


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32), n=st.integers(0, 120), farthest=st.sampled_from([0.1, 30, 900]))
def test_parts_lie_within_the_reach_of_one_that_is_no_part(seed, n, farthest):
    rng = np.random.default_rng(seed)
    lat, lon = scattered(rng, n, spots=3, around_deg=0.1)
    group = rng.integers(0, 2, n)
    reach_km = np.sort(rng.uniform(0, farthest, n))[::-1]
    vectors = unit_vectors(lat, lon)
    expected = np.zeros(n, dtype=bool)
    for k in range(n):
        if not expected[k]:
            inside = distance_km(vectors, vectors[k]) <= reach_km[k]
            expected[k + 1 :] |= (inside & (group == group[k]))[k + 1 :]
    np.testing.assert_array_equal(parts_of_larger(lat, lon, group, reach_km), expected)
