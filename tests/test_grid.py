"""The grid holds every point once, in tight boxes, and answers as a direct comparison does."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geoclusters.clusters import balls
from geoclusters.clusters.grid import Scale, build_grid, squared_chord_limit
from geoclusters.clusters.trees import LEAF_SIZE
from geoclusters.earth import chord_of, unit_vectors

CAP = 1 << 62


def points_of(seed, n=300):
    """Random clumps, with copies of one point, poles and the date line among them."""
    rng = np.random.default_rng(seed)
    lat = np.concatenate([rng.normal(48, 0.1, n), np.full(n // 4, 48.0), [90, -90, 0, 0]])
    lon = np.concatenate([rng.normal(11, 0.1, n), np.full(n // 4, 11.0), [0, 5, 180, -180]])
    return lat, lon, rng.integers(0, 9, len(lat))


def grid_of(lat, lon, weight, side_km=10.0):
    return build_grid(lat, lon, weight, side=chord_of(side_km), scale=Scale(0, CAP))


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32), side_km=st.sampled_from([0.001, 0.5, 10.0, 3000.0, 20000.0]))
def test_every_row_is_in_one_leaf_and_boxes_are_tight(seed, side_km):
    lat, lon, weight = points_of(seed)
    grid = grid_of(lat, lon, weight, side_km)
    assert sorted(grid.row) == list(range(len(lat)))
    np.testing.assert_array_equal(grid.weight, weight[grid.row])
    np.testing.assert_allclose(grid.point.T, unit_vectors(lat, lon)[grid.row], atol=1e-15)
    n_cubes = len(grid.column)
    order = np.lexsort((grid.level, grid.column))
    np.testing.assert_array_equal(order, np.arange(n_cubes))
    assert grid.first[0] == 0
    assert grid.last[n_cubes - 1] == len(lat)
    np.testing.assert_array_equal(grid.first[1:n_cubes], grid.last[: n_cubes - 1])
    for node in range(len(grid.first)):
        members = slice(grid.first[node], grid.last[node])
        np.testing.assert_array_equal(grid.box[node, :3], grid.point[:, members].min(axis=1))
        np.testing.assert_array_equal(grid.box[node, 3:], grid.point[:, members].max(axis=1))
        assert grid.total[node] == grid.weight[members].sum()


def test_children_halve_their_parent_and_spots_are_not_split():
    lat, lon, weight = points_of(1, 1000)
    grid = grid_of(lat, lon, weight)
    parents = np.flatnonzero(grid.child >= 0)
    assert len(parents) > 10
    for node in parents:
        left, right = grid.child[node], grid.child[node] + 1
        assert grid.first[left] == grid.first[node]
        assert grid.last[left] == grid.first[right]
        assert grid.last[right] == grid.last[node]
    for node in np.flatnonzero(grid.child < 0):
        members = slice(grid.first[node], grid.last[node])
        if balls.is_spot(grid, node):
            assert grid.row[members].min() == grid.row[grid.first[node]]
        else:
            assert grid.last[node] - grid.first[node] <= LEAF_SIZE


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_boxes_never_contradict_a_pair_of_points(seed):
    lat, lon, weight = points_of(seed, 60)
    grid = grid_of(lat, lon, weight)
    rng = np.random.default_rng(seed)
    for a, b in rng.integers(0, len(grid.first), (40, 2)):
        p = rng.integers(grid.first[a], grid.last[a])
        q = rng.integers(grid.first[b], grid.last[b])
        distance = balls.squared_chord(grid, p, q)
        assert distance == balls.squared_chord(grid, q, p)
        assert balls.nearest_of_nodes(grid, a, b) <= balls.nearest_to_node(grid, p, b) <= distance
        assert balls.farthest_of_nodes(grid, a, b) >= balls.farthest_in_node(grid, p, b) >= distance


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 2**32), radius_km=st.sampled_from([1.0, 15.0, 900.0]))
def test_neighbours_are_all_cubes_in_reach(seed, radius_km):
    lat, lon, weight = points_of(seed, 100)
    grid = grid_of(lat, lon, weight, radius_km / 2)
    limit = squared_chord_limit(radius_km)
    n_cubes = len(grid.column)
    near = np.empty(125, dtype=np.int32)
    cursor = np.empty(25, dtype=np.int32)
    balls.set_cursors(grid, 0, 2, cursor)
    for c in range(n_cubes):
        count = balls.neighbours(grid, c, 2, limit, cursor, near)
        expected = [
            o for o in range(n_cubes) if o != c and balls.nearest_of_nodes(grid, c, o) <= limit
        ]
        assert sorted(near[:count]) == expected


def test_weights_become_whole_steps():
    lat = lon = np.zeros(4)
    weight = np.array([0.25, 0.3, 5.0, 1e300])
    grid = build_grid(lat, lon, weight, side=0.1, scale=Scale(-3, 16))
    assert dict(zip(grid.row.tolist(), grid.weight.tolist(), strict=True)) == {
        0: 2,
        1: 2,
        2: 16,
        3: 16,
    }
    assert grid.total.tolist() == [16]


@pytest.mark.parametrize("radius_km", [0.001, 15.0, 10007.0, 20015.0, 50000.0])
def test_squared_chord_limit_separates_distances(radius_km):
    lon = np.array([0.0, 0.0])
    for factor, inside in ((0.9999, True), (1.0001, radius_km > 20015.1)):
        lat = np.array([-90.0, np.degrees(min(radius_km * factor / 6371.0088, np.pi)) - 90.0])
        grid = grid_of(lat, lon, None)
        distance = balls.squared_chord(grid, 0, 1)
        assert (distance <= squared_chord_limit(radius_km)) == inside
