"""The H3 kernel against the h3 library: the same cells for every point, at every resolution."""

from __future__ import annotations

import h3.api.basic_int as h3
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba.core.caching import CacheImpl

import geoclusters.cells.kernel as kernel_module
from geoclusters.cells import kernel_lattice as lattice
from geoclusters.cells.kernel import cell_centers, latlng_to_cells
from geoclusters.cells.kernel_forward import BLOCK, compiled

RESOLUTIONS = range(16)


def library(lat, lng, res):
    pairs = zip(np.asarray(lat).tolist(), np.asarray(lng).tolist(), strict=True)
    return np.array([h3.latlng_to_cell(a, b, res) for a, b in pairs], dtype=np.uint64)


def assert_same_cells(lat, lng, res):
    ours, theirs = latlng_to_cells(lat, lng, res), library(lat, lng, res)
    wrong = np.flatnonzero(ours != theirs)
    seen = [(float(lat[k]), float(lng[k]), hex(ours[k]), hex(theirs[k])) for k in wrong[:3]]
    assert not len(wrong), f"{len(wrong)} of {len(ours)} differ at resolution {res}: {seen}"


def degrees(vectors):
    x, y, z = np.transpose(vectors)
    return np.degrees(np.arctan2(z, np.hypot(x, y))), np.degrees(np.arctan2(y, x))


def vectors(lat, lng):
    phi, lam = np.radians(lat), np.radians(lng)
    return np.stack([np.cos(phi) * np.cos(lam), np.cos(phi) * np.sin(lam), np.sin(phi)], axis=-1)


def on_sphere(n, seed=0):
    return degrees(np.random.default_rng(seed).normal(size=(n, 3)))


def boundary_points(cells, size=(-12, -6)):
    """Corners and middles of the cells' edges, as they are and nudged by 10**size degrees."""
    rings = [vectors(*np.transpose(h3.cell_to_boundary(int(cell)))) for cell in cells]
    corners = np.concatenate(rings)
    middles = np.concatenate([ring + np.roll(ring, 1, axis=0) for ring in rings])
    points = np.stack(degrees(np.concatenate([corners, middles])))
    rng = np.random.default_rng(0)
    nudge = rng.normal(size=points.shape) * 10 ** rng.uniform(*size, size=points.shape)
    lat, lng = np.concatenate([points, points + nudge], axis=1)
    return np.clip(lat, -90, 90), lng


def icosahedron():
    """Corners, and the pairs and triples of them that are edges and faces."""
    corners = vectors(*np.transpose([h3.cell_to_latlng(c) for c in sorted(h3.get_pentagons(0))]))
    near = np.isclose(corners @ corners.T, 5**-0.5)
    pairs = [(a, b) for a in range(12) for b in range(a) if near[a, b]]
    faces = [(a, b, c) for a, b in pairs for c in range(b) if near[a, c] and near[b, c]]
    assert (len(pairs), len(faces)) == (30, 20)
    return corners, np.array(pairs), np.array(faces)


@pytest.mark.parametrize("res", RESOLUTIONS)
class TestSameAsLibrary:
    def test_random_points(self, res):
        assert_same_cells(*on_sphere(4000, seed=res), res)

    def test_a_city(self, res):
        rng = np.random.default_rng(res)
        assert_same_cells(
            48.85 + rng.normal(size=1500) / 10, 2.35 + rng.normal(size=1500) / 10, res
        )

    def test_corners_and_edges_of_cells(self, res):
        cells = library(*on_sphere(30, seed=res), res)
        assert_same_cells(*boundary_points(cells), res)

    def test_pentagons_and_the_cells_around_them(self, res):
        around = [c for pentagon in h3.get_pentagons(res) for c in h3.grid_disk(pentagon, 1)]
        assert_same_cells(*boundary_points(around), res)
        centres = vectors(*np.transpose([h3.cell_to_latlng(c) for c in h3.get_pentagons(res)]))
        rng = np.random.default_rng(res)
        spread = rng.normal(size=(100, 12, 3)) * rng.uniform(0, 1.5, (100, 1, 1)) / 7 ** (res / 2)
        assert_same_cells(*degrees((centres + spread).reshape(-1, 3)), res)

    def test_corners_edges_and_centres_of_the_icosahedron(self, res):
        corners, pairs, faces = icosahedron()
        rng = np.random.default_rng(res)
        share = rng.random((20, 30, 1))
        along = corners[pairs[:, 0]] * share + corners[pairs[:, 1]] * (1 - share)
        points = np.concatenate([corners, along.reshape(-1, 3), corners[faces].mean(axis=1)])
        points = np.tile(points, (3, 1))
        size = 10 ** rng.uniform(-17, -3, size=(len(points), 1))
        size[: len(points) // 3] = 0
        assert_same_cells(*degrees(points + rng.normal(size=points.shape) * size), res)

    def test_close_to_the_centres_of_faces(self, res):
        # There the library's arc cosine is at its worst, and its place in the plane is off.
        corners, _, faces = icosahedron()
        centres = corners[faces].mean(axis=1)
        cells = [c for c in library(*degrees(centres), res).tolist() for c in h3.grid_disk(c, 2)]
        assert_same_cells(*boundary_points(cells, size=(-16, -9)), res)

    def test_poles_date_line_and_signed_zeros(self, res):
        lat = [90.0, -90.0, 89.9999999, -89.9999999, 0.0, -0.0, 45.0, -45.0, 1e-300, -12.5]
        lng = [0.0, -0.0, 180.0, -180.0, 179.9999999, -179.9999999, 90.0, -90.0, 1e-300, -1e-17]
        lats, lngs = (axis.ravel() for axis in np.meshgrid(lat, lng))
        assert_same_cells(lats, lngs, res)

    def test_longitudes_beyond_the_usual_range_are_wrapped(self, res):
        lng = np.array(
            [181.0, -181.0, 359.9, 360.0, 540.0, -540.0, 720.0, 721.0, 1e6, -1e15, 1e300]
        )
        lats, lngs = (axis.ravel() for axis in np.meshgrid([-90.0, -33.3, 0.0, 51.5, 90.0], lng))
        assert_same_cells(lats, lngs, res)

    def test_centres(self, res):
        lat, lng = on_sphere(1500, seed=res)
        around = [c for pentagon in h3.get_pentagons(res) for c in h3.grid_disk(pentagon, 2)]
        edge_lat, edge_lng = degrees(icosahedron()[0][icosahedron()[1]].sum(axis=1))
        beside = library(edge_lat, edge_lng, res)
        cells = np.array([*library(lat, lng, res), *beside, *around], dtype=np.uint64)
        ours = np.stack(cell_centers(cells))
        theirs = np.transpose([h3.cell_to_latlng(c) for c in cells.tolist()])
        apart = np.abs(ours - theirs)
        assert np.minimum(apart, 360 - apart).max() < 1e-9
        assert (latlng_to_cells(*ours, res) == cells).all()


class TestProperties:
    @given(
        lat=st.floats(-90, 90),
        lng=st.floats(allow_nan=False, allow_infinity=False),
        res=st.integers(0, 15),
    )
    @settings(deadline=None, max_examples=200)
    def test_any_point(self, lat, lng, res):
        assert latlng_to_cells(lat, lng, res) == h3.latlng_to_cell(lat, lng, res)

    @given(
        decimals=st.integers(0, 6),
        points=st.lists(st.tuples(st.floats(-90, 90), st.floats(-180, 180))),
    )
    @settings(deadline=None, max_examples=50)
    def test_rounded_coordinates(self, decimals, points):
        lat, lng = np.round(np.array(points).reshape(-1, 2), decimals).T
        for res in (7, 9, 15):
            assert_same_cells(lat, lng, res)

    def test_the_library_is_asked_for_few_ordinary_points(self, monkeypatch):
        asked = []
        monkeypatch.setattr(
            kernel_module, "_ask_library", lambda lat, lng, cells, res: asked.append(len(cells))
        )
        lat, lng = on_sphere(50_000)
        cells = [latlng_to_cells(lat, lng, res) for res in (0, 8, 15)]
        assert sum(int((c == lattice.ASK).sum()) for c in cells) <= 3

    def test_centres_of_ordinary_cells_never_need_the_library(self, monkeypatch):
        monkeypatch.setattr(kernel_module, "_ask_library_for_centers", lambda *_: None)
        for res in (0, 1, 5, 10, 15):
            around = [c for pentagon in h3.get_pentagons(res) for c in h3.grid_disk(pentagon, 2)]
            cells = [*around, *library(*on_sphere(500), res).tolist()]
            assert np.isfinite(cell_centers(np.array(cells, dtype=np.uint64))).all()


class TestNotOnEarth:
    def test_no_cell_where_there_is_no_place(self):
        nan, inf = float("nan"), float("inf")
        lat = [nan, 0.0, nan, inf, -inf, 0.0, 0.0, 90.0000001, -91.0, 1e300, 10.0]
        lng = [0.0, nan, nan, 0.0, 0.0, inf, -inf, 0.0, 0.0, 0.0, 20.0]
        cells = latlng_to_cells(lat, lng, 9)
        assert (cells[:-1] == 0).all()
        assert cells[-1] == h3.latlng_to_cell(10.0, 20.0, 9)

    def test_gaps_leave_their_neighbours_alone(self):
        lat, lng = on_sphere(3 * BLOCK + 17)
        whole = latlng_to_cells(lat, lng, 8)
        gaps = np.random.default_rng(0).random(lat.size) < 0.3
        cells = latlng_to_cells(np.where(gaps, np.nan, lat), lng, 8)
        assert (cells == np.where(gaps, np.uint64(0), whole)).all()

    def test_what_a_mask_hides_is_no_place(self):
        lat = np.ma.masked_array([10, 0, 10], mask=[False, True, False])
        lng = np.ma.masked_array([20.0, 0.0, 0.0], mask=[False, False, True])
        assert latlng_to_cells(lat, lng, 8).tolist() == [h3.latlng_to_cell(10, 20, 8), 0, 0]

    def test_more_threads_than_points_are_no_use(self):
        assert latlng_to_cells([10.0], [20.0], 8, n_threads=2**30)[0]

    def test_centre_of_what_is_no_cell(self):
        good = h3.latlng_to_cell(10, 20, 8)
        bad = [0, 1, 2**64 - 1, good | 1 << 63, good ^ 1 << 59, good ^ 1, good | 1 << 56]
        lat, lng = cell_centers(np.array([*bad, good], dtype=np.uint64))
        assert np.isnan(lat[:-1]).all()
        assert np.isnan(lng[:-1]).all()
        assert (lat[-1], lng[-1]) == pytest.approx(h3.cell_to_latlng(good), abs=1e-9)

    def test_validity_is_the_library_s(self):
        rng = np.random.default_rng(0)
        cells = np.array([*library(*on_sphere(1000), 7), *h3.get_pentagons(3), 0], dtype=np.uint64)
        broken = (cells[:, None] ^ (np.uint64(1) << np.arange(64, dtype=np.uint64))).ravel()
        broken = rng.permutation(broken)[:20_000]
        valid = np.array([h3.is_valid_cell(cell) for cell in broken.tolist()])
        assert 0 < valid.sum() < valid.size
        assert (np.isfinite(cell_centers(broken)[0]) == valid).all()


class TestArrays:
    @pytest.mark.parametrize("n", [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 5 * BLOCK + 3])
    @pytest.mark.parametrize("n_threads", [1, 2, 7])
    def test_threads_change_nothing(self, n, n_threads):
        lat, lng = on_sphere(n)
        assert (latlng_to_cells(lat, lng, 11, n_threads=n_threads) == library(lat, lng, 11)).all()

    def test_many_points_are_divided_by_themselves(self, monkeypatch):
        monkeypatch.setattr(kernel_module, "POINTS_PER_THREAD", 100)
        lat, lng = on_sphere(1000)
        assert (latlng_to_cells(lat, lng, 8) == library(lat, lng, 8)).all()

    def test_shapes_and_dtype(self):
        lat, lng = (axis.reshape(4, 5) for axis in on_sphere(20))
        cells = latlng_to_cells(lat, lng, 6)
        assert (cells.shape, cells.dtype) == ((4, 5), np.uint64)
        assert (cells.ravel() == library(lat.ravel(), lng.ravel(), 6)).all()
        assert latlng_to_cells([], [], 6).shape == (0,)
        assert latlng_to_cells(np.zeros((0, 3)), 1.0, 6).shape == (0, 3)
        scalar = latlng_to_cells(1, 2, 6)
        assert (scalar.shape, int(scalar)) == ((), h3.latlng_to_cell(1, 2, 6))
        assert latlng_to_cells(lat[:, :1], lng[:1], 6).shape == (4, 5)

    def test_memory_layouts(self):
        lat, lng = on_sphere(200)
        expected = library(lat, lng, 9)
        table = np.stack([lat, lng], axis=1)
        unaligned = np.frombuffer(b"\0" + lat.tobytes(), dtype=np.uint8)[1:].view(np.float64)
        frozen = lat.copy()
        frozen.flags.writeable = False
        for one in (table[:, 0], unaligned, frozen, lat.astype(">f8"), lat.tolist()):
            assert (latlng_to_cells(one, table[:, 1], 9) == expected).all()
        assert (latlng_to_cells(lat[::-1], lng[::-1], 9) == expected[::-1]).all()
        assert lat.flags.writeable

    def test_single_precision_is_widened(self):
        lat, lng = (axis.astype(np.float32) for axis in on_sphere(200))
        assert (latlng_to_cells(lat, lng, 15) == library(lat, lng, 15)).all()

    def test_centres_keep_shapes(self):
        cells = latlng_to_cells(*(axis.reshape(4, 5) for axis in on_sphere(20)), 6)
        lat, lng = cell_centers(cells)
        assert (lat.shape, lng.shape, lat.dtype) == ((4, 5), (4, 5), np.float64)
        assert (cell_centers(cells.astype(np.int64))[0] == lat).all()
        assert [axis.size for axis in cell_centers([])] == [0, 0]
        assert cell_centers(int(cells[0, 0]))[0] == lat[0, 0]


class TestMistakes:
    @pytest.mark.parametrize("res", [-1, 16, 8.0, "8", None])
    def test_resolution(self, res):
        with pytest.raises(ValueError, match=r"`res` is .*; an H3 resolution is an integer from 0"):
            latlng_to_cells([0.0], [0.0], res)

    @pytest.mark.parametrize("n_threads", [0, -1, 1.5])
    def test_threads(self, n_threads):
        with pytest.raises(ValueError, match="`n_threads` is"):
            latlng_to_cells([0.0], [0.0], 8, n_threads=n_threads)

    def test_shapes_that_do_not_match(self):
        with pytest.raises(ValueError, match="broadcast"):
            latlng_to_cells([0.0, 1.0], [0.0, 1.0, 2.0], 8)

    def test_cells_that_are_no_integers(self):
        with pytest.raises(ValueError, match="`cells` holds float64"):
            cell_centers([1.0])


class TestTables:
    def test_every_base_cell_is_met(self):
        found = lattice.entries()
        assert {entry.base_cell for entry in found} == set(range(122))
        pentagons = {h3.get_base_cell_number(c) for c in h3.get_pentagons(0)}
        assert {e.base_cell for e in found if e.is_pentagon} == pentagons

    def test_frame_is_a_rotation_that_carries_corners_to_corners(self):
        frame = lattice.frame()
        assert np.abs(frame @ frame.T - np.eye(3)).max() < 1e-15
        assert np.linalg.det(frame) == pytest.approx(1)
        golden = lattice.GOLDEN
        ours = np.sort(np.abs(icosahedron()[0] @ frame.T), axis=1) * np.hypot(1, golden)
        assert np.abs(ours - [0, 1, golden]).max() < 1e-14

    def test_digits_and_places_are_each_other_s_inverse(self):
        word = lattice.digits_by_remainder()
        place = lattice.places_by_digits()[word & 0o7777]
        carry = np.stack([word >> 12 & 15, word >> 16 & 15], axis=1)
        remainder = np.stack(np.divmod(np.arange(lattice.STEP**2), lattice.STEP), axis=1)
        assert (place + lattice.STEP * carry == remainder).all()


class TestCompiled:
    def test_works_where_nothing_can_be_kept(self, monkeypatch):
        monkeypatch.setattr(CacheImpl, "_locator_classes", [])

        @compiled
        def twice(x):
            return 2 * x

        assert twice(21) == 42
