"""Figures: the same bytes each time, text as text, names that do not collide, equal areas, clear errors."""

from __future__ import annotations

import sys
from xml.etree import ElementTree as ET

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
import synthetic_run
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Geod
from typer.testing import CliRunner

from geoclusters import results
from geoclusters.cli import app
from geoclusters.errors import GeoclustersError

mpl = pytest.importorskip("matplotlib")

from geoclusters.figures import KINDS, Options, labels, projection, read_table, style, write_figure  # noqa: E402  # noqa: E402
from geoclusters.figures import cluster as cluster_figure  # noqa: E402
from geoclusters.figures.labels import Box, Mark, place_labels  # noqa: E402

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return synthetic_run.write_run(tmp_path_factory.mktemp("run"), noise_cells=300)


def margins(run):
    ranks = run.clusters["rank"]
    return pd.DataFrame(
        {
            "rank": ranks,
            "name": run.clusters["name"],
            "rank_low": (ranks - 1).clip(lower=1),
            "rank_high": ranks + 1,
            "grid_rank_best": pd.array([None, *ranks[1:]], dtype="Int64"),
            "grid_rank_worst": pd.array([None, *(ranks[1:] + 3)], dtype="Int64"),
        }
    )


def options_for(run, kind):
    table = {"margins": margins(run), "changes": read_table(run, "changes", against=run.folder)}
    return Options(table=table.get(kind))


def texts_of(file):
    """Texts of an SVG as they were written, joined: what is drawn as shapes is not among them."""
    return "\n".join("".join(e.itertext()) for e in ET.parse(file).iter(f"{SVG}text"))


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_drawn_twice_with_the_same_bytes(run, tmp_path, kind):
    given = options_for(run, kind)
    formats = ["svg", "png"] if kind == "concentration" else ["svg"]
    first = write_figure(run, kind, tmp_path / "a", options=given, formats=formats, dpi=80)
    with mpl.rc_context({"font.size": 40, "axes.grid": True, "svg.fonttype": "path"}):
        second = write_figure(run, kind, tmp_path / "b.png", options=given, formats=formats, dpi=80)
        assert mpl.rcParams["font.size"] == 40
    assert [f.name for f in first] == [f"a.{name}" for name in formats]
    assert [f.name for f in second] == [f"b.{name}" for name in formats]
    for one, other in zip(first, second, strict=True):
        assert one.read_bytes() == other.read_bytes()
    texts = texts_of(first[0])
    assert "2019\u20132023" in texts
    assert "geoclusters" in texts
    assert len([p for p in tmp_path.iterdir() if p.name.startswith(".")]) == 0


def test_the_notice_of_the_study_is_on_the_figure(run, tmp_path):
    (file,) = write_figure(run, "concentration", tmp_path / "a", formats=["svg"])
    assert run.run["study"]["notice"].split()[0] in texts_of(file)
    assert "CC BY 4.0" in texts_of(file)


@pytest.mark.parametrize("dpi", [50, 110, 300])
def test_lines_end_at_the_margin_however_few_the_dots(dpi):
    words = ("Score: share of the world's patents, publications and VC deals, summed. " * 6).strip()
    with style.themed():
        sheet = style.Sheet(120, 20, title=words, subtitle=words, caption=[words], warning=words)
        sheet.figure.set_dpi(dpi)
        widest = max(
            text.get_window_extent().x1 / sheet.figure.bbox.width for text in sheet.figure.texts
        )
    margin = style.MARGIN_MM / 120
    assert 1 - 4 * margin < widest <= 1 - 0.9 * margin


@pytest.mark.parametrize("centres", [(), synthetic_run.CENTRES[:1]])
def test_so_few_clusters_are_counted_in_words(tmp_path, centres):
    small = synthetic_run.write_run(tmp_path, centres=centres, noise_cells=5)
    said = style.counted_clusters(len(centres), "innovation ")
    for kind, title in (("world", said), ("concentration", "cluster")):
        (file,) = write_figure(small, kind, tmp_path / kind, formats=["svg"])
        assert title in texts_of(file)
        assert "1 clusters" not in texts_of(file)


def test_width_and_dots(run, tmp_path):
    from PIL import Image

    (file,) = write_figure(
        run, "economies", tmp_path / "a", formats=["png"], options=Options(width_mm=127), dpi=100
    )
    with Image.open(file) as picture:
        assert picture.width == 500
        colours = picture.convert("RGB").getcolors(1 << 20)
        assert max(colours)[1] == (255, 255, 255)
        assert len(colours) > 20


def test_pdf_has_no_date(run, tmp_path):
    (file,) = write_figure(run, "economies", tmp_path / "a", formats=["pdf"])
    assert file.read_bytes().startswith(b"%PDF")
    assert b"CreationDate" not in file.read_bytes()


def test_hostile_names_are_drawn_as_they_are_or_shortened(run, tmp_path):
    (file,) = write_figure(
        run, "economies", tmp_path / "a", formats=["svg"], options=Options(most=40)
    )
    source = file.read_text(encoding="utf-8")
    assert "<script>" not in source
    for text in ("$x^2$ \x1b[31m \x07", "a\u202eb", "\U0001f9ea", "x" * 10_000):
        drawn = style.drawable(text)
        assert len(drawn) <= 80
        assert all(c.isprintable() for c in drawn)
    assert style.drawable("$x$") == "$x$"


def test_a_cluster_is_found_by_rank_name_part_and_identifier(run):
    basel = run.clusters.set_index("name").loc["Basel"]
    for wanted in (str(basel["rank"]), "basel", "Basel", "base", basel["cluster_id"]):
        assert cluster_figure.find(run, wanted)["name"] == "Basel"
    assert cluster_figure.find(run, None)["rank"] == 1
    with pytest.raises(GeoclustersError, match=r"fits .* clusters"):
        cluster_figure.find(run, "an")
    with pytest.raises(GeoclustersError, match="no cluster is called 'Atlantis'"):
        cluster_figure.find(run, "Atlantis")


@pytest.mark.parametrize("place", ["Taveuni", "Longyearbyen"])
def test_the_ends_of_the_world_are_drawn(run, tmp_path, place):
    (file,) = write_figure(
        run, "cluster", tmp_path / "a", formats=["svg"], options=Options(cluster=place)
    )
    assert " km" in texts_of(file)
    row = cluster_figure.find(run, place)
    shape = projection.Plane(row["lat"], row["lon"]).outline(row["geometry"])
    ((_, area),) = [
        ("", abs(Geod(ellps="WGS84").geometry_area_perimeter(row["geometry"])[0]) / 1e6)
    ]
    assert shape.area == pytest.approx(area, rel=1e-3)
    left, _, right, _ = shape.bounds
    assert right - left < 100


@pytest.mark.parametrize(
    ("kind", "options", "said"),
    [
        ("world", Options(colour="beauty"), "'beauty' is nothing that a map can be coloured by"),
        ("world", Options(width_mm=5), "a figure of 5 mm"),
        ("pie", Options(), "'pie' is no kind of figure; known are world"),
        ("margins", Options(), "geoclusters sensitivity"),
        ("margins", Options(table=pd.DataFrame({"rank": [1]})), "has no column name"),
        ("changes", Options(), "--against"),
    ],
)
def test_mistakes_are_named(run, tmp_path, kind, options, said):
    with pytest.raises(GeoclustersError, match=said):
        write_figure(run, kind, tmp_path / "a", options=options)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("name", "formats", "written"),
    [
        ("a.pdf", None, ["a.pdf"]),
        ("a.PDF", [], ["a.pdf"]),
        ("a", None, ["a.svg", "a.png"]),
        ("a.b", None, ["a.b.svg", "a.b.png"]),
        ("a.svg", ["pdf"], ["a.pdf"]),
    ],
)
def test_the_ending_of_the_file_is_its_format(run, tmp_path, name, formats, written):
    files = write_figure(run, "concentration", tmp_path / name, formats=formats, dpi=50)
    assert [f.name for f in files] == written
    assert files == [f for f in files if f.stat().st_size]


def test_an_unknown_format_is_named(run, tmp_path):
    with pytest.raises(GeoclustersError, match="'gif' is no format; known are svg, png, pdf"):
        write_figure(run, "world", tmp_path / "a", formats=["gif"])


def test_without_matplotlib_it_says_what_to_install(run, tmp_path, monkeypatch):
    for name in list(sys.modules):
        if name.startswith("geoclusters.figures."):
            monkeypatch.delitem(sys.modules, name)
    for name in ("matplotlib", "matplotlib.backends", "matplotlib.backends.backend_agg"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(GeoclustersError, match=r"pip install 'geoclusters\[figures\]'"):
        write_figure(run, "world", tmp_path / "a")


def test_a_run_without_population_has_a_map_but_no_intensity(run, tmp_path):
    class Unpeopled(results.Result):
        @property
        def clusters(self):
            return run.clusters.assign(
                population=np.nan, intensity=np.nan, intensity_rank=pd.NA, population_source=None
            )

    bare = Unpeopled(run.folder, run.run)
    assert write_figure(bare, "world", tmp_path / "a", formats=["svg"])
    assert write_figure(bare, "cluster", tmp_path / "b", formats=["svg"])
    with pytest.raises(GeoclustersError, match="no cluster has a population"):
        write_figure(bare, "scatter", tmp_path / "c")


def test_the_command_prints_the_files(run, tmp_path):
    told = CliRunner().invoke(
        app,
        [
            "figure",
            str(run.folder),
            *("--kind", "concentration", "--format", "svg", "--out", str(tmp_path / "c.svg")),
        ],
    )
    assert told.exit_code == 0, told.output
    assert told.stdout.strip() == str(tmp_path / "c.svg")


# --------------------------------------------------------------------------- names

marks = st.lists(
    st.builds(
        Mark,
        st.floats(0, 100),
        st.floats(0, 60),
        st.floats(0.3, 4),
        st.floats(2, 30),
        st.floats(1, 3),
    ),
    max_size=25,
)


def box_of(mark, place):
    return Box(place.x, place.y, place.x + mark.width, place.y + mark.height)


@given(marks)
@settings(max_examples=25)
def test_names_do_not_meet_and_stay_on_the_page(given_marks):
    page, legend = Box(0, 0, 100, 60), Box(0, 0, 20, 15)
    found = place_labels(given_marks, page=page, taken=[legend])
    boxes = [box_of(m, p) for m, p in zip(given_marks, found, strict=True) if p]
    shapes = [shapely.box(*b) for b in [legend, *boxes]]
    for number, box in enumerate(boxes):
        assert box.within(page)
        assert not any(box.meets(other) for other in [legend, *boxes[:number]])
    lines = [shapely.LineString(p.leader) for p in found if p and p.leader]
    for number, line in enumerate(lines):
        assert not any(line.crosses(other) for other in lines[:number])
        assert sum(line.intersection(s).length > 1e-6 for s in shapes) == 0


@given(marks)
@settings(max_examples=10)
def test_a_name_never_gives_way_to_a_later_one(given_marks):
    page = Box(0, 0, 100, 60)
    whole = place_labels(given_marks, page=page)
    half = len(given_marks) // 2
    part = place_labels(given_marks[:half], page=page, others=given_marks[half:])
    assert part == whole[:half]


def test_crossing_and_touching():
    across, up = ((0.0, 0.0), (4.0, 0.0)), ((2.0, -1.0), (2.0, 1.0))
    assert labels._lines_cross(across, up)
    assert not labels._lines_cross(across, ((5.0, -1.0), (5.0, 1.0)))
    assert labels._line_meets(across, Box(1, -1, 2, 1))
    assert not labels._line_meets(((0.0, 3.0), (3.0, 0.0)), Box(0, 0, 1, 1))


# --------------------------------------------------------------------------- projections


def equal_earth(lon, lat):
    """The published polynomials on the sphere, for comparison with PROJ's on the ellipsoid."""
    a1, a2, a3, a4 = 1.340264, -0.081106, 0.000893, 0.003796
    theta = np.arcsin(np.sqrt(3) / 2 * np.sin(np.radians(lat)))
    slope = 9 * a4 * theta**8 + 7 * a3 * theta**6 + 3 * a2 * theta**2 + a1
    x = 2 * np.sqrt(3) * np.radians(lon) * np.cos(theta) / (3 * slope)
    return x, a4 * theta**9 + a3 * theta**7 + a2 * theta**3 + a1 * theta


@given(st.floats(-168.9, 190.9), st.floats(-56, 84))
def test_the_world_is_in_equal_earth(lon, lat):
    x, y = projection.project_world([lon if lon <= 180 else lon - 360], [lat])
    wanted = equal_earth(lon - projection.MIDDLE_LON, lat)
    assert np.hypot(x[0] - 6371.0 * wanted[0], y[0] - 6371.0 * wanted[1]) < 40


def test_land_lies_on_the_page_and_keeps_its_area():
    land, frame = projection.world_land(), projection.world_frame()
    assert shapely.within(land, frame.buffer(1)).all()
    assert 115e6 < shapely.area(land).sum() < 140e6


def test_a_plane_keeps_areas_and_gives_back_degrees():
    plane = projection.Plane(-16.85, 179.98)
    box = shapely.box(178.5, -18, 179.9, -16)
    (moved,) = plane.shapes([shapely.segmentize(box, 0.05)])
    wanted = (
        abs(Geod(ellps="WGS84").geometry_area_perimeter(shapely.segmentize(box, 0.05))[0]) / 1e6
    )
    assert moved.area == pytest.approx(wanted, rel=1e-4)
    lon, lat = plane.degrees(*plane.points([-179.5], [-17.0]))
    assert (lon[0], lat[0]) == pytest.approx((-179.5, -17.0))


@pytest.mark.parametrize(("lat", "lon"), [(47.6, 7.6), (-17.0, 179.9), (78.2, 15.6), (-17, -179.9)])
def test_the_window_holds_what_is_near(lat, lon):
    window = shapely.union_all(projection.Plane(lat, lon).window(200))
    for turn in range(0, 360, 15):
        x, y, _ = Geod(ellps="WGS84").fwd(lon, lat, turn, 199_000)
        assert window.intersects(shapely.Point(x, y))
    assert gpd.GeoSeries([window]).is_valid.all()
