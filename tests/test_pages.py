"""Pages as files: what is packed unpacks, data is never markup, nothing comes from a network."""

from __future__ import annotations

import ast
import base64
import json
import re
import shutil
import sys
from html.parser import HTMLParser
from pathlib import Path

import h3
import numpy as np
import pandas as pd
import pytest
import shapely
import synthetic_run
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from typer.testing import CliRunner

import geoclusters
from geoclusters import results
from geoclusters.cli import app
from geoclusters.errors import RunError
from geoclusters.pages import about, cluster, draw_pages, embedding, numbers, surroundings, wording
from geoclusters.pages.cellids import parents
from geoclusters.pages.cellmap import cell_rings, rings_of_each
from geoclusters.pages.embedding import as_json, asset
from geoclusters.pages.packing import pack_integers, pack_points, pack_shapes
from geoclusters.pages.shapes import SEAM_LON, packed_land, unrolled, unrolled_lon
from geoclusters.pages.wording import significant
from geoclusters.pages.world import STYLES, noise_dots, world_data

few = settings(max_examples=40, deadline=None)


# --------------------------------------------- the other half of packing, as core.js has it


def integers(text):
    values, value, shift = [], 0, 0
    for byte in base64.b64decode(text):
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            values.append((value >> 1) ^ -(value & 1))
            value = shift = 0
    return np.array(values, dtype=np.int64)


def points(packed):
    return np.cumsum(integers(packed["xy"]).reshape(-1, 2), axis=0) / 10 ** packed["decimals"]


def shapes(packed):
    at = iter(points(packed).tolist())
    rings = iter([[next(at) for _ in range(n)] for n in integers(packed["rings"])])
    polygons = iter([[next(rings) for _ in range(n)] for n in integers(packed["polygons"])])
    return [[next(polygons) for _ in range(n)] for n in integers(packed["shapes"])]


# ------------------------------------------------------------------- packing


@few
@given(arrays(np.int64, st.integers(0, 50), elements=st.integers(-(2**31) + 1, 2**31 - 1)))
def test_integers_unpack_to_what_was_packed(values):
    assert integers(pack_integers(values)).tolist() == values.tolist()


@few
@given(arrays(np.float64, (7, 2), elements=st.floats(-180, 190, width=32)), st.integers(0, 5))
def test_points_unpack_to_half_a_unit(lonlat, decimals):
    packed = pack_points(lonlat[:, 0], lonlat[:, 1], decimals=decimals)
    assert np.abs(points(packed) - lonlat).max() <= 0.5 * 10.0**-decimals + 1e-9


def test_shapes_keep_their_polygons_holes_and_order():
    square = shapely.box(0, 0, 1, 1)
    holed = shapely.Polygon(
        [(10, 10), (14, 10), (14, 14), (10, 14)], holes=[[(11, 11), (12, 11), (12, 12), (11, 12)]]
    )
    pair = shapely.MultiPolygon([holed, shapely.box(20, 20, 21, 21)])
    unpacked = shapes(pack_shapes([square, shapely.Point(1, 1), pair], decimals=3))
    assert [len(polygons) for polygons in unpacked] == [1, 0, 2]
    assert [len(rings) for rings in unpacked[2]] == [2, 1]
    again = [shapely.Polygon(rings[0], rings[1:]) for rings in unpacked[2]]
    assert shapely.MultiPolygon(again).equals(pair)


def test_rings_below_the_unit_go_away():
    speck = shapely.box(5, 5, 5.0001, 5.0001)
    unpacked = shapes(pack_shapes([speck, shapely.box(0, 0, 1, 1)], decimals=2))
    assert [len(polygons) for polygons in unpacked] == [0, 1]


# ------------------------------------------------------------------- the date line


def test_what_crosses_the_date_line_is_drawn_in_one_piece():
    fiji = shapely.MultiPolygon(
        [shapely.box(179.9, -17, 180, -16.8), shapely.box(-180, -17, -179.9, -16.8)]
    )
    west, _, east, _ = unrolled([fiji])[0].bounds
    assert (west, east) == pytest.approx((179.9, 180.1))


@few
@given(st.floats(-180, 180))
def test_longitudes_are_unrolled_to_the_same_meridian(lon):
    moved = float(unrolled_lon(lon))
    assert SEAM_LON <= moved < SEAM_LON + 360
    assert (moved - lon) % 360 in (pytest.approx(0), pytest.approx(360))


def test_the_land_lies_between_the_seams_and_is_light():
    packed = packed_land()
    lon = points(packed)[:, 0]
    assert lon.min() >= SEAM_LON - 2
    assert lon.max() <= SEAM_LON + 362
    assert len(json.dumps(packed)) < 500_000


@few
@given(st.floats(-89, 89), st.floats(-180, 180), st.integers(3, 10))
def test_cells_are_drawn_as_their_boundary(lat, lon, resolution):
    cell = h3.latlng_to_cell(lat, lon, resolution)
    if abs(h3.cell_to_latlng(cell)[0]) > 80:
        return
    drawn = cell_rings(np.array([h3.str_to_int(cell)], dtype=np.uint64))
    west, east = drawn.points[:, 0].min(), drawn.points[:, 0].max()
    assert east - west < 90
    assert len(drawn.points) == len(h3.cell_to_boundary(cell)) + 1
    assert drawn.points[0].tolist() == drawn.points[-1].tolist()


@few
@given(
    st.lists(
        st.lists(st.tuples(st.floats(-89, 89), st.floats(-180, 180)), max_size=5),
        min_size=1,
        max_size=4,
    ),
    st.integers(3, 10),
)
def test_outlines_of_many_groups_are_those_of_each(groups, resolution):
    cells = [
        np.array([h3.str_to_int(h3.latlng_to_cell(*p, resolution)) for p in group], np.uint64)
        for group in groups
    ]
    for own, rings in zip(cells, rings_of_each(cells), strict=True):
        points, ring_of, n = cell_rings(own)
        np.testing.assert_allclose(rings.points, points, atol=1e-7)
        assert rings.ring_of.tolist() == ring_of.tolist()
        assert rings.n == n


# ------------------------------------------------------------------- noise


@few
@given(st.floats(-90, 90), st.floats(-180, 180), st.integers(1, 15), st.data())
def test_parents_are_those_of_h3(lat, lon, resolution, data):
    coarser = data.draw(st.integers(0, resolution))
    cell = h3.latlng_to_cell(lat, lon, resolution)
    parent = parents(np.array([h3.str_to_int(cell)], dtype=np.uint64), coarser)[0]
    assert h3.int_to_str(int(parent)) == h3.cell_to_parent(cell, coarser)


def noise_cells(count):
    random = np.random.default_rng(3)
    at = np.column_stack([random.uniform(-5, 5, count), random.uniform(174, 186, count)])
    at[:, 1] = (at[:, 1] + 180) % 360 - 180
    cells = [h3.str_to_int(h3.latlng_to_cell(lat, lon, 8)) for lat, lon in at]
    return pd.DataFrame(
        {
            "cell": np.array(cells, dtype=np.uint64),
            "lat": at[:, 0],
            "lon": at[:, 1],
            "weight": random.lognormal(size=count),
            "cluster_id": None,
        }
    ).sort_values("cell")


def test_too_many_dots_are_joined_around_their_common_centre():
    cells = noise_cells(3000)
    packed = noise_dots(cells, most=500)
    drawn = points(packed)
    assert packed["cells"] == 3000
    assert len(drawn) == packed["dots"] <= 500
    assert drawn[:, 0].min() >= 173.9
    assert drawn[:, 0].max() <= 186.1
    assert len(base64.b64decode(packed["size"])) == len(drawn)


def test_few_dots_stay_where_they_are():
    cells = noise_cells(200)
    drawn = points(noise_dots(cells))
    assert np.abs(drawn[:, 0] - unrolled_lon(cells["lon"])).max() <= 0.00051
    assert np.abs(drawn[:, 1] - cells["lat"]).max() <= 0.00051


# ------------------------------------------------------------------- words and numbers


def test_templates_are_kept_where_python_keeps_its_modules(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    monkeypatch.setattr(sys, "pycache_prefix", str(tmp_path))
    embedding._templates.cache_clear()
    first = embedding._templates().get_template("report.html")
    kept = [path.name for path in tmp_path.rglob("*") if path.is_file()]
    assert any("jinja2" in name for name in kept)
    embedding._templates.cache_clear()
    monkeypatch.setattr("jinja2.Environment.compile", None)
    again = embedding._templates().get_template("report.html")
    assert again.blocks.keys() == first.blocks.keys()
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    embedding._templates.cache_clear()
    assert embedding._templates().bytecode_cache is None
    embedding._templates.cache_clear()


@few
@given(st.lists(st.floats(-1e18, 1e18)), st.integers(1, 5))
def test_significant_digits_are_those_that_python_prints(values, digits):
    assert significant(values, digits).tolist() == [float(f"{v:.{digits}g}") for v in values]


@few
@given(st.lists(st.tuples(st.floats(-180, 190), st.floats(-90, 90)), min_size=1))
def test_the_extent_of_points_is_that_of_each_axis(places):
    least, most = surroundings._extent(np.array(places))
    assert least.tolist() == [min(axis) for axis in zip(*places, strict=True)]
    assert most.tolist() == [max(axis) for axis in zip(*places, strict=True)]


@few
@given(st.recursive(st.text() | st.none() | st.integers(-5, 5), st.lists, max_leaves=5))
def test_json_cannot_end_a_script(content):
    written = str(as_json({"x": content}))
    assert json.loads(written) == {"x": content}
    assert not set(written) & set("<>&\u2028\u2029")


@few
@given(st.lists(st.floats(1e-6, 1e6), max_size=60))
def test_classes_are_few_rising_and_used(values):
    breaks = wording.class_breaks(values)
    assert breaks == sorted(set(breaks))
    assert len(breaks) <= 6
    assert all(min(values) < b <= max(values) for b in breaks)


# ------------------------------------------------------------------- colours


def luminance(colour):
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return float(np.dot([0.2126, 0.7152, 0.0722], linear))


def contrast(one, other):
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def palette(dark):
    """Colours of the world map in one theme, as its style sheets give them."""
    colours = {}
    for name in STYLES:
        blocks = re.findall(r":root \{(.*?)\}", asset(name), re.DOTALL)
        colours |= dict(re.findall(r"--([\w-]+): (#\w{6})", blocks[dark]))
    return colours


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("scale", ["ramp", "relief"])
def test_scales_go_by_lightness_so_that_any_eye_can_read_them(scale, dark):
    colours = palette(dark)
    steps = [colours[f"{scale}-{i}"] for i in range(7)]
    light = [luminance(step) for step in steps]
    assert light == sorted(light, reverse=not dark)
    assert all(contrast(a, b) > 1.14 for a, b in zip(steps, steps[1:], strict=False))
    assert contrast(steps[0], colours["land"]) > 1.14


@pytest.mark.parametrize("dark", [False, True])
def test_lines_stand_out_from_what_they_cross(dark):
    colours = palette(dark)
    for line in ("arc", "outline", "edge"):
        assert contrast(colours[line], colours["land"]) > 3
        assert contrast(colours[line], colours["sea"]) > 3
    for band in ("relief-2", "relief-3"):
        assert contrast(colours["threshold"], colours[band]) > 3
    assert contrast(colours["field"], colours["paper"]) > 3


# ------------------------------------------------------------------- whole pages


@pytest.fixture(scope="module")
def drawn(drawn_world):
    return drawn_world


class Seen(HTMLParser):
    """What a browser would make of a page: elements, attributes and text."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.addresses, self.text = [], [], ""
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.addresses += [v for k, v in attributes if k in ("src", "href") and v]
        assert not any(k.startswith("on") for k, _ in attributes)

    def handle_data(self, data):
        self.text += data


def all_pages(result):
    return [result.map_file, *sorted((result.folder / "clusters").glob("*.html"))]


def test_every_cluster_has_a_page_and_the_map_knows_it(drawn):
    names = {page.stem for page in (drawn.folder / "clusters").glob("*.html")}
    assert names == set(drawn.clusters["cluster_id"])
    page = drawn.map_file.read_text(encoding="utf-8")
    data = json.loads(re.search(r'id="data">(.*?)</script>', page, re.DOTALL).group(1))
    assert data["clusters"]["page"] == [1] * len(drawn.clusters)
    assert len(shapes(data["regions"])) == len(shapes(data["outlines"])) == len(drawn.clusters)
    assert data["noise"]["cells"] == int(drawn.cells["cluster_id"].isna().sum())


def test_files_that_are_still_written_are_linked_to(tmp_path):
    (tmp_path / "ranking.csv").touch()
    run = results.Result(tmp_path, {}, coming=["clusters.gpkg"])
    assert [file["name"] for file in numbers.files_of(run)] == ["ranking.csv", "clusters.gpkg"]


def test_pages_ask_for_nothing_but_files_beside_them(drawn):
    for page in all_pages(drawn):
        for address in Seen(page.read_text(encoding="utf-8")).addresses:
            if address.startswith(("#", "data:")):
                continue
            assert "//" not in address
            assert (page.parent / address.split("#")[0]).is_file(), address


def test_hostile_names_are_text(drawn):
    hostile = (synthetic_run.HOSTILE, synthetic_run.TEMPLATE)
    for page in all_pages(drawn):
        text = page.read_text(encoding="utf-8")
        assert not any(name in text for name in hostile)
        assert "img" not in Seen(text).tags
        assert len(text) < 1_500_000
    ids = drawn.clusters.set_index("name")["cluster_id"]
    for name in hostile:
        own = Seen((drawn.folder / "clusters" / f"{ids[name]}.html").read_text(encoding="utf-8"))
        assert name in own.text


def test_the_map_tells_method_sources_warnings_and_that_it_is_generated(drawn):
    text = Seen(drawn.map_file.read_text(encoding="utf-8")).text
    run = drawn.run
    for said in (
        run["study"]["notice"],
        run["warnings"][0],
        "CC BY 4.0",
        "Office of patents <office@example.invalid>",
        "geoclusters 0.1.0",
        "2024-05-06 07:08",
        "outside the stated country",
        "Natural Earth",
        "within 15 km",
        "0.05 % of the world",
    ):
        assert said in text, said


def test_drawn_twice_the_pages_are_the_same(drawn, tmp_path):
    again = results.read_run(shutil.copytree(drawn.folder, tmp_path / "again"))
    draw_pages(again)
    once, twice = ({page.name: page.read_bytes() for page in all_pages(r)} for r in (drawn, again))
    assert once == twice


@pytest.mark.parametrize("metrics", [("theses",), ("a", "b_c", "pct", "trade_marks")])
def test_any_metrics_will_do(tmp_path, metrics):
    result = synthetic_run.write_run(
        tmp_path, metrics=metrics, centres=synthetic_run.CENTRES[:3], noise_cells=10
    )
    draw_pages(result)
    data = world_data(result, ())
    assert [m["key"] for m in data["metrics"]] == list(metrics)
    assert set(data["breaks"]) == {"score", "intensity", *metrics}


def test_tiles_are_offered_only_when_they_are_asked_for(tmp_path):
    result = synthetic_run.write_run(tmp_path, centres=synthetic_run.CENTRES[:1], noise_cells=5)
    server = "tile.openstreetmap.org"
    for flags, offered in ((["--tiles"], True), ([], False)):
        answer = CliRunner().invoke(app, ["map", str(tmp_path), *flags])
        assert answer.output.strip().endswith("map.html")
        assert (server in result.map_file.read_text(encoding="utf-8")) == offered


def test_a_run_without_clusters_has_a_map(tmp_path):
    result = synthetic_run.write_run(tmp_path, centres=(), noise_cells=20)
    draw_pages(result)
    said = Seen(result.map_file.read_text(encoding="utf-8")).text
    assert "0 innovation clusters" in said
    assert "No place is dense enough" in said


def test_settings_of_an_older_run_may_be_missing(drawn, tmp_path):
    run = json.loads(json.dumps(drawn.run))
    run["settings"] = {"top": 5, "density": "addresses", "min_density": 4500, "radius_km": 15}
    run["study"] = {"name": "plain", "notice": None, "generated": False}
    for key in ("rows", "inputs", "documents", "concentration", "warnings"):
        del run[key]
    result = synthetic_run.write_run(tmp_path, centres=synthetic_run.CENTRES[:2], noise_cells=5)
    draw_pages(results.Result(result.folder, run))
    page = result.map_file.read_text(encoding="utf-8")
    assert "4,500 addresses" in page
    assert "Generated data" not in page


def test_only_so_many_pages_are_drawn(drawn, monkeypatch):
    monkeypatch.setattr(cluster, "MAX_PAGES", 7)
    assert len(cluster.clusters_with_page(drawn)) == drawn.run["settings"]["top"]
    monkeypatch.setitem(drawn.run["settings"], "top", 3)
    assert cluster.clusters_with_page(drawn) == list(drawn.clusters["cluster_id"][:7])


def test_an_identifier_that_leads_out_of_the_folder_is_refused(tmp_path):
    result = synthetic_run.write_run(tmp_path, centres=synthetic_run.CENTRES[:1], noise_cells=1)
    result.clusters["cluster_id"] = "../../elsewhere"
    with pytest.raises(RunError, match="elsewhere"):
        draw_pages(result)


def test_pages_know_only_results_and_common_tables():
    tables = {"schema", "results", "countries", "places"}
    common = {
        "densities",
        "errors",
        "earth",
        "geometry",
        "hierarchy",
        "compiling",
        "wkb",
        "wording",
    }
    allowed = {*tables, *common, "pages"}
    folder = Path(geoclusters.__file__).parent / "pages"
    for file in folder.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("geoclusters"):
                below = node.module.split(".")[1:2] or [alias.name for alias in node.names]
                assert set(below) <= allowed, (file.name, below)


def test_map_and_ranking_count_the_same_documents(drawn):
    data = world_data(drawn, ())
    for metric, counts in zip(drawn.metrics, data["clusters"]["counts"], strict=True):
        assert counts == [round(v) for v in drawn.clusters[metric]]


def test_settings_are_told_in_words_with_units_and_weights(drawn):
    told = dict(about.about(drawn)["settings"])
    assert told["Radius"] == "15 km"
    assert told["Least density of a core cell"] == "0.05 % of the world"
    assert told["Weights of the metrics"] == "Patents 1, Publications 1, VC deals 1"
    assert not [name for name in told if "seed" in name.lower()]
    unmerged = about.method_sentences({**drawn.run["settings"], "merge_gap_km": 0})
    assert "0 km" not in " ".join(unmerged)
