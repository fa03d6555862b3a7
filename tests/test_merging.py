"""Gaps against brute force; merging and partner rules on small graphs."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geoclusters.clusters.merging import Gaps, cluster_gaps, linked_pairs, merge_labels
from geoclusters.earth import distance_km, unit_vectors


def brute_gaps(lat, lon, labels, max_gap_km):
    point = unit_vectors(lat, lon)
    distance = distance_km(point[:, None], point[None])
    rows = []
    known = np.unique(labels[labels >= 0])
    for i, a in enumerate(known):
        for b in known[i + 1 :]:
            gap = distance[np.ix_(labels == a, labels == b)].min()
            if gap <= max_gap_km:
                rows.append((a, b, gap))
    return table_of(Gaps(*np.array(rows).reshape(-1, 3).T))


def table_of(gaps):
    return pd.DataFrame(gaps._asdict()).astype({"label_a": np.int64, "label_b": np.int64})


def scene(seed, n, n_labels, place):
    """Points around one place; some labels are strips, some are mixed with each other."""
    rng = np.random.default_rng(seed)
    lat0, lon0 = place
    north, east = rng.uniform(-0.4, 0.4, (2, n))
    lat = np.clip(lat0 + north, -90, 90)
    lon = (lon0 + east / max(np.cos(np.radians(lat0)), 0.02) + 180) % 360 - 180
    strip = np.floor((east + 0.4) / 0.8 * n_labels).astype(int)
    labels = np.where(rng.random(n) < 0.9, strip, rng.integers(-1, n_labels, n))
    return lat, lon, labels


@pytest.mark.parametrize("place", [(48.0, 11.0), (-17.0, 179.9), (89.8, 30.0)])
@settings(max_examples=12, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    n=st.integers(2, 250),
    n_labels=st.integers(1, 30),
    max_gap_km=st.sampled_from([0.0, 0.05, 2.0, 5.0, 30.0, 9000.0]),
)
def test_gaps_are_those_of_brute_force(place, seed, n, n_labels, max_gap_km):
    lat, lon, labels = scene(seed, n, n_labels, place)
    lat[: n // 20], lon[: n // 20] = lat[-1], lon[-1]
    expected = brute_gaps(lat, lon, labels, max_gap_km)
    found = table_of(cluster_gaps(lat, lon, labels, max_gap_km=max_gap_km))
    pd.testing.assert_frame_equal(found, expected, atol=1e-7)


def test_many_pairs_of_clusters():
    side = np.arange(14) * 0.01
    lat, lon = (a.ravel() for a in np.meshgrid(side, side))
    labels = np.arange(196) * 10**9
    found = cluster_gaps(lat, lon, labels, max_gap_km=1.2)
    assert len(found.gap_km) == 2 * 14 * 13
    expected = brute_gaps(lat, lon, labels, 1.2)
    pd.testing.assert_frame_equal(table_of(found), expected, atol=1e-7)


def test_copies_of_one_place_cost_nothing():
    n = 200_000
    lat = np.zeros(2 * n)
    lon = np.r_[np.zeros(n), np.full(n, 0.01)]
    labels = np.r_[np.zeros(n, dtype=int), np.ones(n, dtype=int)]
    found = cluster_gaps(lat, lon, labels, max_gap_km=5)
    assert found.gap_km.tolist() == [pytest.approx(1.11195, abs=1e-5)]


def test_gap_equal_to_the_limit_counts_and_zero_means_one_place():
    found = cluster_gaps([0, 0, 5], [0, 0, 5], [0, 1, 2], max_gap_km=0)
    assert table_of(found).to_numpy().tolist() == [[0, 1, 0]]
    pair = [0, 1], [0, 0], [0, 1]
    gap_km = cluster_gaps(*pair, max_gap_km=200).gap_km[0]
    assert len(cluster_gaps(*pair, max_gap_km=gap_km * (1 + 1e-12)).gap_km) == 1
    assert len(cluster_gaps(*pair, max_gap_km=gap_km * (1 - 1e-12)).gap_km) == 0


@pytest.mark.parametrize("labels", [[], [-1], [4]])
def test_no_pairs_leave_empty_columns_of_the_same_types(labels):
    found = cluster_gaps([1.0] * len(labels), [1.0] * len(labels), labels, max_gap_km=5)
    assert [str(column.dtype) for column in found] == ["int64", "int64", "float64"]
    assert [len(column) for column in found] == [0, 0, 0]
    merged = merge_labels(np.array(labels, dtype=int), found)
    assert merged.tolist() == [min(label, 0) for label in labels]


@pytest.mark.parametrize(
    ("labels", "gap_km", "message"),
    [
        ([0, 1, 2], 5.0, "one for each of 2 points"),
        ([0.5, 1.0], 5.0, "must be integers, not float64"),
        ([0, 1], -1.0, "`max_gap_km` must be 0 or more, not -1.0"),
        ([0, 1], np.nan, "`max_gap_km` must be 0 or more, not nan"),
    ],
)
def test_what_is_wrong_is_named(labels, gap_km, message):
    with pytest.raises(ValueError, match=message):
        cluster_gaps([0.0, 1.0], [0.0, 1.0], labels, max_gap_km=gap_km)


def pairs_of(*pairs):
    a, b = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    return Gaps(a, b, np.arange(1.0, len(pairs) + 1))


def test_merging_follows_chains_and_keeps_the_order_of_the_smallest_label():
    labels = np.array([5, 2, -1, 9, 0, 7, 2])
    assert merge_labels(labels, pairs_of()).tolist() == [2, 1, -1, 4, 0, 3, 1]
    merged = merge_labels(labels, pairs_of((9, 7), (2, 9)))
    assert merged.tolist() == [2, 1, -1, 1, 0, 1, 1]
    assert merged.dtype == np.int64
    with pytest.raises(ValueError, match="`pairs` names cluster 3, which no point belongs to"):
        merge_labels(labels, pairs_of((3, 0)))


@settings(max_examples=20, deadline=None)
@given(data=st.data(), n=st.integers(1, 12))
def test_merging_joins_exactly_what_is_connected(data, n):
    labels = np.array(data.draw(st.lists(st.integers(-1, n - 1), min_size=n)) + list(range(n)))
    edge = st.tuples(st.integers(0, n - 1), st.integers(0, n - 1))
    edges = data.draw(st.lists(edge, max_size=n))
    merged = merge_labels(labels, pairs_of(*edges))
    joined = np.eye(n, dtype=bool)
    for a, b in edges:
        joined[a, b] = joined[b, a] = True
    for _ in range(n):
        joined = joined @ joined
    new = dict(zip(labels.tolist(), merged.tolist(), strict=True))
    assert new.get(-1, -1) == -1
    for a in range(n):
        for b in range(n):
            assert (new[a] == new[b]) == joined[a, b]
    firsts = [min(a for a in range(n) if new[a] == k) for k in range(merged.max() + 1)]
    assert firsts == sorted(firsts)


def links_of(*rows):
    return pd.DataFrame(rows, columns=["label_a", "label_b", "documents"])


def test_partners_are_the_strongest_of_either_side():
    gaps = pairs_of((0, 1), (1, 2), (2, 3))
    kept = linked_pairs(gaps, links_of((0, 1, 5.0), (1, 2, 9.0), (2, 3, 4.0), (3, 8, 4.5)))
    assert table_of(kept).to_numpy().tolist() == [[0, 1, 1.0], [1, 2, 2.0]]
    both_ways = links_of((1, 0, 3.0), (0, 1, 2.0), (0, 2, 4.9), (1, 3, 99.0))
    assert linked_pairs(gaps, both_ways).label_b.tolist() == [1]


def test_equally_strong_partners_all_count():
    gaps = pairs_of((0, 1), (0, 2), (0, 3))
    links = links_of((0, 1, 5.0), (2, 0, 5.0), (0, 3, 4.0), (1, 7, 9.0), (2, 7, 9.0), (3, 7, 9.0))
    assert linked_pairs(gaps, links).label_b.tolist() == [1, 2]


def test_work_with_the_outside_or_oneself_or_none_makes_no_partner():
    gaps = pairs_of((0, 1), (2, 3))
    links = pd.DataFrame(
        {
            "label_a": pd.array([0, 0, 0, 2], dtype="Int64"),
            "label_b": pd.array([None, 0, 1, 3], dtype="Int64"),
            "documents": [50.0, 70.0, 1.0, 0.0],
        }
    )
    assert table_of(linked_pairs(gaps, links)).to_numpy().tolist() == [[0, 1, 1.0]]
    assert linked_pairs(gaps, links.iloc[:0]).label_a.tolist() == []
    assert linked_pairs(pairs_of(), links).label_a.tolist() == []
