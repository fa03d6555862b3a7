"""Rings around cells, against those of the h3 library, and against the cells themselves."""

from __future__ import annotations

import h3.api.basic_int as h3
import numpy as np
import pytest
import shapely
from h3.api import numpy_int
from hypothesis import example, given, settings
from hypothesis import strategies as st

from geoclusters.cells import dissolving
from geoclusters.cells.dissolving import rings_around
from geoclusters.clusters import cell_outline

MIDDLE_OF_A_FACE = (45.0, -28.0)
places = st.sampled_from(
    [
        MIDDLE_OF_A_FACE,
        (48.1, 11.6),
        (35.7, 139.7),
        (-33.9, 151.2),
        (0.0, 179.999),
        (-16.5, -179.99),
        (71.0, 25.0),
        (89.9, 0.0),
        (58.28, -24.0),  # where three faces meet
        (64.7, 10.5),  # a pentagon
    ]
)


def some_cells(place, resolution, size, kept, seed):
    """Cells around a place, of which a part is left out, so that there are islands, holes and islands in holes."""
    disk = np.array(sorted(h3.grid_disk(h3.latlng_to_cell(*place, resolution), size)), np.uint64)
    chosen = disk[np.random.default_rng(seed).random(len(disk)) < kept]
    return chosen if len(chosen) else disk[:1]


def of_the_library(cells):
    """Join cells by the library, which does not cut at the date line either."""
    shape = numpy_int.cells_to_h3shape(cells, tight=False)
    return shapely.MultiPolygon(
        [
            shapely.Polygon(
                *([(x, y) for y, x in p.outer], [[(x, y) for y, x in h] for h in p.holes])
            )
            for p in shape
        ]
    )


def polygons_of(rings):
    parts = np.split(rings.points, np.cumsum(rings.sizes)[:-1])
    polygons = []
    for number in np.unique(rings.group):
        outer, *holes = (parts[k] for k in np.flatnonzero(rings.group == number))
        polygons.append(shapely.Polygon(outer, holes))
    return shapely.MultiPolygon(polygons)


def alike(one, other):
    return shapely.equals_exact(one.normalize(), other.normalize(), tolerance=1e-7)


@given(places, st.integers(4, 9), st.integers(0, 7), st.floats(0.1, 1), st.integers(0, 99))
@example(MIDDLE_OF_A_FACE, 8, 12, 0.6, 1)
@settings(max_examples=60)
def test_rings_are_those_of_the_library(place, resolution, size, kept, seed):
    cells = some_cells(place, resolution, size, kept, seed)
    rings = rings_around(cells)
    assert alike(polygons_of(rings), of_the_library(cells))
    parts = np.split(rings.points, np.cumsum(rings.sizes)[:-1])
    for ring, (begins, part) in enumerate(
        zip(np.diff(rings.group, prepend=-1) != 0, parts, strict=True)
    ):
        if np.ptp(part[:, 0]) < 180:
            assert shapely.LinearRing(part).is_ccw == begins, ring


@given(places, st.integers(4, 9), st.integers(0, 6), st.floats(0.3, 1), st.integers(0, 99))
@settings(max_examples=40)
def test_an_outline_covers_its_cells_and_nothing_else(place, resolution, size, kept, seed):
    cells = some_cells(place, resolution, size, kept, seed)
    outline = cell_outline(cells)
    assert outline.is_valid
    disk = h3.grid_disk(h3.latlng_to_cell(*place, resolution), size + 1)
    if abs(place[0]) > 80 or abs(place[1]) > 170:
        return
    inside = {c for c in disk if outline.contains(shapely.Point(h3.cell_to_latlng(c)[::-1]))}
    assert inside == set(cells.tolist())


def test_only_groups_at_the_edges_of_faces_are_asked_of_the_library(monkeypatch):
    corner = h3.get_pentagons(8)[3]  # where five faces meet
    at_edges = np.array(sorted(h3.grid_disk(corner, 2)), np.uint64)
    around = np.array(
        sorted(set(h3.grid_disk(corner, 60)) - set(h3.grid_disk(corner, 50))), np.uint64
    )
    scattered = around[np.random.default_rng(1).random(len(around)) < 0.3]
    far = np.concatenate(
        [some_cells((48.1, 11.6), 8, 3, 0.5, 1), some_cells((0.0, 100.0), 8, 3, 0.5, 2)]
    )
    asked = []

    def by_library(cells):
        asked.append(cells)
        return given(cells)

    given = dissolving._by_library
    monkeypatch.setattr(dissolving, "_by_library", by_library)
    cells = np.sort(np.concatenate([at_edges, scattered, far]))
    assert alike(polygons_of(rings_around(cells)), of_the_library(cells))
    (asked,) = asked
    assert np.isin(at_edges, asked).all()
    assert not np.isin(far, asked).any()
    assert len(asked) < 0.5 * len(scattered)


@pytest.mark.parametrize("resolution", [0, 1, 2, 15])
def test_the_coarsest_and_the_finest_cells(resolution):
    cells = some_cells(MIDDLE_OF_A_FACE, resolution, 1 if resolution else 0, 1.0, 0)
    rings = rings_around(cells)
    assert len(rings.sizes) == 1
    assert alike(polygons_of(rings), of_the_library(cells))
