"""The density surface of the world map: rings around what is high, densities against plain sums."""

from __future__ import annotations

import base64

import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from geoclusters.earth import distance_km, unit_vectors
from geoclusters.pages.contours import STRIDE, Grid, rings
from geoclusters.pages.relief import (
    LEVELS,
    PARTS,
    density_grid,
    grid_step,
    plane_x,
    plane_y,
    relief,
)

few = settings(max_examples=30, deadline=None)
HEIGHTS = arrays(np.float64, (6, 7), elements=st.sampled_from([0.0, 0.2, 0.5, 0.7, 1.0, 3.0]))


def full_grid(heights):
    rows, columns = np.indices(heights.shape) + 1
    nodes = (rows * STRIDE + columns).ravel()
    kept = heights.ravel() > 0
    return Grid(nodes[kept], heights.ravel()[kept]), columns.ravel(), rows.ravel()


def lines(grid, level):
    (found,) = rings(grid, [level])
    return np.split(found.points, np.cumsum(found.sizes)[:-1]) if len(found.sizes) else []


def inside(drawn):
    """Put rings together as they are filled: what is in an odd number of them is inside."""
    shape = shapely.Polygon()
    for ring in drawn:
        shape = shape.symmetric_difference(shapely.Polygon(ring))
    return shape


@few
@given(HEIGHTS, st.sampled_from([0.1, 0.45, 0.6, 2.0]))
def test_rings_part_what_is_high_from_what_is_low(heights, level):
    grid, columns, rows = full_grid(heights)
    drawn = lines(grid, level)
    assert all(shapely.Polygon(ring).is_valid for ring in drawn)
    found = (
        shapely.contains_xy(inside(drawn), columns, rows) if drawn else np.zeros(rows.shape, bool)
    )
    assert (found == (heights.ravel() >= level)).all()


@few
@given(HEIGHTS)
def test_a_higher_ring_lies_within_a_lower_one(heights):
    grid, _, _ = full_grid(heights)
    low, high = (inside(lines(grid, level)) for level in (0.3, 0.6))
    assert high.difference(low).area == pytest.approx(0, abs=1e-9)


def test_what_is_higher_is_to_the_left():
    grid, _, _ = full_grid(np.pad(np.array([[2.0, 2, 2], [2, 0, 2], [2, 2, 2]]), 1))
    ways = {shapely.LinearRing(r).is_ccw: shapely.Polygon(r).area for r in lines(grid, 1.0)}
    assert ways[True] > ways[False] > 0


def test_nothing_high_has_no_ring():
    grid, _, _ = full_grid(np.full((3, 3), 0.5))
    assert lines(grid, 1.0) == []
    assert lines(Grid(np.zeros(0, dtype=np.int64), np.zeros(0)), 1.0) == []


def some_cells(lat, lon, count=60, seed=1):
    random = np.random.default_rng(seed)
    reach = 0.4 / np.cos(np.radians(lat))
    return pd.DataFrame(
        {
            "lat": lat + random.uniform(-0.4, 0.4, count),
            "lon": (lon + random.uniform(-reach, reach, count) + 180) % 360 - 180,
            "weight": random.lognormal(0, 1, count),
        }
    )


def nodes_of(grid, step):
    row, column = np.divmod(grid.nodes, STRIDE)
    lat = np.degrees(np.arctan(np.sinh((0.5 - row * step / 256) * 2 * np.pi)))
    return lat, column * step * 360 / 256 - 180


@pytest.mark.parametrize(("lat", "lon"), [(0.0, 10.0), (48.0, 2.0), (-17.0, 180.0), (70.0, 25.0)])
def test_the_density_of_a_node_is_the_weight_within_the_radius(lat, lon):
    cells, radius_km = some_cells(lat, lon), 15.0
    step = grid_step(radius_km)
    grid = density_grid(cells, radius_km=radius_km, step=step)
    node_lat, node_lon = nodes_of(grid, step)
    gaps = distance_km(
        unit_vectors(node_lat, node_lon)[:, None], unit_vectors(cells["lat"], cells["lon"])[None]
    )
    soft = step * 156.5 * np.cos(np.radians(lat)) * 1.2
    least, most = (
        ((gaps <= radius_km + side * soft) * cells["weight"].to_numpy()).sum(axis=1)
        for side in (-1, 1)
    )
    assert (grid.heights >= least - 1e-9).all()
    assert (grid.heights <= most + 1e-9).all()
    assert (least > 0).sum() > 50


def test_the_line_around_a_lone_cell_is_the_circle_of_the_radius():
    """Where half the weight would do, the soft rim is crossed in its middle."""
    cells = pd.DataFrame({"lat": [47.5], "lon": [7.6], "weight": [2e-3]})
    drawn = relief(cells, {"radius_km": 15.0, "min_density": 1e-3})
    assert drawn["levels"] == list(LEVELS)
    ring = points(drawn, LEVELS.index(1.0))
    at = np.array([plane_x(np.array([7.6]))[0], plane_y(np.array([47.5]))[0]])
    assert ring.mean(axis=0) == pytest.approx(at, abs=drawn["unit"] * PARTS)
    km = np.hypot(*(ring - at).T) * 156.5 * np.cos(np.radians(47.5))
    assert km.min() > 13
    assert km.max() < 16
    assert drawn["lines"][LEVELS.index(3.0)]["rings"] == ""


def points(drawn, level):
    values, value, shift = [], 0, 0
    for byte in base64.b64decode(drawn["lines"][level]["xy"]):
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            values.append((value >> 1) ^ -(value & 1))
            value = shift = 0
    return np.cumsum(np.array(values).reshape(-1, 2), axis=0) * drawn["unit"]


def test_the_order_of_cells_does_not_matter():
    cells = some_cells(35.0, 139.0)
    settings_ = {"radius_km": 20.0, "min_density": 5.0}
    again = cells.sample(frac=1, random_state=2)
    assert relief(cells, settings_) == relief(again, settings_)


@pytest.mark.parametrize(
    "given_settings", [{}, {"radius_km": 15.0, "min_density": None}, {"min_density": 5e-4}]
)
def test_without_radius_or_threshold_there_is_no_surface(given_settings):
    assert relief(some_cells(0.0, 0.0), given_settings) is None


def test_no_cells_no_surface():
    assert relief(some_cells(0.0, 0.0).head(0), {"radius_km": 15.0, "min_density": 1.0}) is None


def test_weightless_cells_have_no_surface():
    cells = some_cells(0.0, 0.0).assign(weight=0.0)
    drawn = relief(cells, {"radius_km": 15.0, "min_density": 1.0})
    assert all(line["rings"] == "" for line in drawn["lines"])
