"""The page of a cluster: its numbers against plain Python, what it draws, what can be taken away."""
# ruff: noqa: RUF001 - names of clusters are joined by en dashes

from __future__ import annotations

import csv
import io
import json
import math
from collections import defaultdict

import numpy as np
import pandas as pd
import pytest
import shapely
import synthetic_run
from browsing import DESKTOP, PHONE, SIZES, opened, started
from hypothesis import given
from hypothesis import strategies as st

from geoclusters import schema
from geoclusters.pages import cluster, draw_pages, neighbourhood, quality, wording
from geoclusters.pages.cellmap import MOST_CELLS, CellMap, ratio_breaks
from geoclusters.pages.cells import Cells
from geoclusters.pages.shares import economy_parts
from geoclusters.pages.specialisation import quotient_bar, quotients

DOCUMENTS = st.floats(0, 1e4).map(lambda v: round(v, 3))


# ------------------------------------------------------------------- specialisation


def plain_quotients(rows):
    """Location quotients in plain Python, straight from the definition."""
    sums = defaultdict(float)
    for cluster_id, metric, field, documents in rows:
        for key in (
            ("world", metric),
            ("field", metric, field),
            ("cluster", metric, cluster_id),
            ("both", metric, cluster_id, field),
        ):
            sums[key] += documents
    return {
        (c, m, f): (d / sums["cluster", m, c]) / (sums["field", m, f] / sums["world", m])
        for c, m, f, d in rows
        if c is not None and d > 0
    }


@given(
    st.dictionaries(
        st.tuples(
            st.sampled_from(["a", "b", None]),
            st.sampled_from(["patents", "deals"]),
            st.sampled_from(["optics", "games", "food"]),
        ),
        DOCUMENTS,
        max_size=18,
    )
)
def test_quotients_are_those_of_the_definition(given_rows):
    rows = [(*key, documents) for key, documents in given_rows.items()]
    frame = pd.DataFrame(rows, columns=["cluster_id", "metric", "field", "documents"])
    found = quotients(frame)
    keys = zip(found["cluster_id"], found["metric"], found["field"], strict=True)
    assert dict(zip(keys, found["quotient"], strict=True)) == pytest.approx(plain_quotients(rows))


def test_a_cluster_like_the_world_is_specialised_in_nothing():
    rows = [(c, "p", f, w * d) for c, w in (("a", 2), (None, 5)) for f, d in (("x", 3), ("y", 1))]
    frame = pd.DataFrame(rows, columns=["cluster_id", "metric", "field", "documents"])
    assert quotients(frame)["quotient"].tolist() == pytest.approx([1, 1])


def test_documents_without_a_field_do_not_count():
    rows = [("a", "p", "x", 1.0), ("a", "p", None, 9.0), ("a", "p", "", 9.0), (None, "p", "y", 1.0)]
    frame = pd.DataFrame(rows, columns=["cluster_id", "metric", "field", "documents"])
    assert quotients(frame)[["field", "share", "quotient"]].to_numpy().tolist() == [["x", 1, 2]]


@given(st.floats(0, 1e6))
def test_the_bar_of_a_quotient_stays_within_its_field(quotient):
    bar = quotient_bar(quotient)
    assert 0 <= bar["left"] <= 50
    assert bar["left"] + bar["width"] <= 100
    assert bar["more"] == (quotient >= 1)


# ------------------------------------------------------------------- neighbours, economies, accuracy


@pytest.mark.parametrize(
    ("gap", "strongest", "settings", "said"),
    [
        (5.1, True, {"merge_gap_km": 5.0, "merge_rule": "gap"}, "wider than 5 km"),
        (4.9, False, {"merge_gap_km": 5.0, "merge_rule": "gap+links"}, "neither"),
        (4.9, True, {"merge_gap_km": 0.0, "merge_rule": "gap"}, "merges none"),
        (4.9, True, {}, wording.UNKNOWN),
    ],
)
def test_what_kept_two_clusters_apart(gap, strongest, settings, said):
    assert said in neighbourhood.reason(gap, strongest=strongest, settings=settings)


def test_parts_of_economies_add_up_to_the_whole():
    parts = economy_parts('{"CH": 0.8437, "DE": 0.1025, "FR": 0.04}', {"CH": "Switzerland"})
    assert [p["name"] for p in parts] == ["Switzerland", "DE", "FR", "others"]
    assert sum(p["width"] for p in parts) == pytest.approx(100)
    assert economy_parts(None, {}) == []


@given(st.dictionaries(st.sampled_from([*schema.LEVELS, "", "parish"]), st.floats(0.01, 1e5)))
def test_what_is_coarse_is_a_part_of_what_is_stated(levels):
    share = quality.coarse_share(levels)
    stated = sum(d for level, d in levels.items() if level)
    coarse = sum(levels.get(level, 0) for level in ("place", "region", "country"))
    assert share == (pytest.approx(coarse / stated) if stated else None)


def test_every_level_of_geocoding_has_a_word():
    assert tuple(quality.LEVELS) == schema.LEVELS


# ------------------------------------------------------------------- cells


@given(st.floats(1e-3, 1e6))
def test_the_threshold_is_always_a_limit_of_classes(highest):
    breaks = ratio_breaks(highest)
    assert 1.0 in breaks
    assert breaks == sorted(breaks)
    assert len(breaks) <= 6


def test_cells_are_classed_by_the_threshold(run):
    told = CellMap(run, Cells(run))
    identifier = run.clusters["cluster_id"][0]
    box = shapely.box(130, 30, 150, 40)
    data = told.data(identifier, told.hexagons(identifier), box)
    own = run.cells[run.cells["cluster_id"] == identifier]
    activity, density = data["scales"]
    assert density["values"] == pytest.approx((own["density"] / 5e-4).tolist(), rel=6e-3)
    assert activity["values"] == pytest.approx(own["weight"].tolist(), rel=6e-3)
    assert density["breaks"][density["under"] - 1] == 1


def test_many_cells_are_drawn_as_few(run, monkeypatch):
    monkeypatch.setattr("geoclusters.pages.cellmap.MOST_CELLS", 40)
    told = CellMap(run, Cells(run))
    identifier = run.clusters["cluster_id"][0]
    own = run.cells[run.cells["cluster_id"] == identifier]
    assert 0 < told.hexagons(identifier).n <= 40 < len(own) <= MOST_CELLS
    data = told.data(identifier, told.hexagons(identifier), shapely.box(0, 0, 1, 1))
    assert sum(data["counts"][0]) == pytest.approx(own["patents"].sum(), rel=0.02)
    assert "drawn as" in told.note(identifier)


# ------------------------------------------------------------------- whole pages


def write_neighbours(result):
    """Write who lies how far from whom; København is 3.2 km from Taveuni for once."""
    ids = result.clusters.set_index("name")["cluster_id"]
    pairs = [("København–Malmö", "Taveuni", 3.2), ("København–Malmö", synthetic_run.HOSTILE, 61.0)]
    rows = [(*sorted((ids[a], ids[b])), gap) for a, b, gap in pairs]
    frame = pd.DataFrame(rows, columns=["cluster_a", "cluster_b", "gap_km"])
    frame.to_parquet(result.folder / "neighbours.parquet", index=False)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    result = synthetic_run.write_run(tmp_path_factory.mktemp("run"))
    write_neighbours(result)
    result.clusters["n_parts"] = np.where(result.clusters["name"] == "Basel", 3, 1)
    draw_pages(result)
    return result


@pytest.fixture(scope="module")
def browser():
    with started() as launched:
        yield launched


def page_of(run, name):
    identifier = run.clusters.set_index("name")["cluster_id"][name]
    return run.folder / "clusters" / f"{identifier}.html"


@SIZES
def test_the_map_switches_between_activity_and_density(browser, run, size):
    with opened(browser, page_of(run, "Basel"), size=size) as page:
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        fills = "geoclusters.page.cells.map(c => c.options.fillColor)"
        before = page.evaluate(fills)
        page.get_by_label("Activity").focus()
        page.keyboard.press("ArrowRight")
        assert page.evaluate("geoclusters.page.shown()") == "density"
        assert page.evaluate(fills) != before
        assert "times the threshold" in page.locator("#legend").inner_text()


def test_the_page_tells_where_the_cluster_ends(browser, run):
    with opened(browser, page_of(run, "København–Malmö")) as page:
        rows = page.locator("#neighbours tbody tr").all_inner_texts()
        assert len(rows) == 2
        assert "Taveuni" in rows[0]
        assert "3.2 km" in rows[0]
        assert synthetic_run.HOSTILE in rows[1]
        assert "wider than 5 km" in rows[1]
    with opened(browser, page_of(run, "Basel")) as page:
        said = page.locator("#neighbours").inner_text()
        assert "Merged from 3 dense places" in said
        assert "No other cluster has a cell within 100 km" in said


def test_fields_are_compared_with_the_world(browser, run):
    fields = run.breakdown("fields")
    identifier = run.clusters.set_index("name")["cluster_id"]["Basel"]
    rows = fields[["cluster_id", "metric", "field", "documents"]].to_numpy().tolist()
    wanted = plain_quotients([(c if isinstance(c, str) else None, *rest) for c, *rest in rows])
    with opened(browser, page_of(run, "Basel")) as page:
        shown = page.locator("#fields table").first.locator("tbody tr")
        for text in shown.all_inner_texts():
            name, _, quotient, *_ = text.split("\t")
            known = wanted[identifier, "patents", name.strip()]
            assert float(quotient) == pytest.approx(known, abs=0.0051)
        assert "Batteries & <b>cells</b>" in page.locator("#fields").inner_text()
        assert page.locator("#fields b").count() == 0


def downloads(page):
    """Fetch the files that the page built, as a click would."""
    return page.evaluate(
        """() => Promise.all([...document.querySelectorAll("#takeaway a")].map(async (a) =>
            [a.download, new TextDecoder("utf-8", { ignoreBOM: true })
                .decode(await (await fetch(a.href)).arrayBuffer())]))"""
    )


@pytest.mark.parametrize("name", ["Basel", "Taveuni", synthetic_run.FORMULA])
def test_outline_and_numbers_can_be_taken_from_the_page(browser, run, name):
    with opened(browser, page_of(run, name)) as page:
        (outline_name, outline), (numbers_name, numbers) = downloads(page)
    row = run.clusters.set_index("name").loc[name]
    assert outline_name == f"cluster-{row['cluster_id']}.geojson"
    feature = json.loads(outline)["features"][0]
    shape = shapely.from_geojson(json.dumps(feature["geometry"]))
    assert shape.is_valid
    assert shapely.symmetric_difference(shape, row["geometry"]).area < 1e-3 * shape.area
    assert all(shapely.is_ccw(p.exterior) for p in shape.geoms)
    assert shape.bounds[0] >= -180
    assert shape.bounds[2] <= 180
    assert feature["properties"]["name"] == name
    assert feature["properties"]["score"] == pytest.approx(row["score"])
    assert numbers_name.endswith(".csv")
    check_numbers(numbers, row, run)


def check_numbers(text, row, run):
    assert text.startswith("\ufeff")
    lines = list(csv.DictReader(io.StringIO(text[1:])))
    by_key = {(r["table"], r["metric"], r["item"], r["quantity"]): r["value"] for r in lines}
    assert float(by_key["indicators", "", "", "patents"]) == pytest.approx(row["patents"])
    years = [r for r in lines if r["table"] == "years" and r["metric"] == "patents"]
    assert math.fsum(float(r["value"]) for r in years) == pytest.approx(row["patents"])
    assert not any(r["value"].startswith("=") for r in lines)
    if row.name.startswith("="):
        assert by_key["indicators", "", "", "name"] == f"'{row.name}"


def test_hostile_names_are_shown_or_shortened(browser, run):
    for name, size in (
        (synthetic_run.HOSTILE, DESKTOP),
        (synthetic_run.TEMPLATE, PHONE),
        (synthetic_run.RIGHT_TO_LEFT, DESKTOP),
        (synthetic_run.ENDLESS, PHONE),
    ):
        with opened(browser, page_of(run, name), size=size) as page:
            shown = page.locator("h1").inner_text()
            assert shown == (name if len(name) < 160 else f"{name[:159]}…")
            assert page.locator("img").count() == 0
            assert synthetic_run.HOSTILE in page.locator("body").inner_text()
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


# ------------------------------------------------------------------- what may be missing


def emptied(result, *names):
    """Take the rows out of tables of a run."""
    for name in names:
        file = result.folder / name
        pd.read_parquet(file).iloc[:0].to_parquet(file, index=False)


def test_a_bare_run_has_sensible_pages(browser, tmp_path):
    result = synthetic_run.write_run(
        tmp_path, metrics=("theses",), centres=synthetic_run.CENTRES[:1], noise_cells=0
    )
    emptied(result, "years.parquet", "fields.parquet", "organisations.parquet", "links.parquet")
    (tmp_path / "accuracy.parquet").unlink(missing_ok=True)
    result.clusters["population"] = np.nan
    result.clusters["intensity"] = np.nan
    result.clusters["intensity_rank"] = pd.array([None], dtype="Int64")
    draw_pages(result)
    with opened(
        browser, tmp_path / "clusters" / f"{result.clusters['cluster_id'][0]}.html"
    ) as page:
        for section in ("years", "fields", "organisations", "partners", "quality"):
            assert page.locator(f"#{section}").count() == 0
        assert "nan" not in page.locator("main").inner_text().lower()
        assert page.locator("#takeaway a").count() == 2


def test_a_metric_without_years_has_no_chart(tmp_path):
    result = synthetic_run.write_run(tmp_path, centres=synthetic_run.CENTRES[:1], noise_cells=0)
    years = pd.read_parquet(tmp_path / "years.parquet")
    years[years["metric"] == "patents"].to_parquet(tmp_path / "years.parquet", index=False)
    pages = cluster.clusters_with_page(result)
    cluster.draw_clusters(result, pages)
    page = (tmp_path / "clusters" / f"{pages[0]}.html").read_text(encoding="utf-8")
    assert page.count('class="years"') == 1


def test_sources_that_do_not_state_accuracy(tmp_path):
    result = synthetic_run.write_run(tmp_path, centres=synthetic_run.CENTRES[:1], noise_cells=0)
    row = result.clusters.iloc[0]
    frame = pd.DataFrame({"cluster_id": [row["cluster_id"]], "metric": ["patents"]})
    frame.assign(accuracy=None, documents=5.0).to_parquet(tmp_path / "accuracy.parquet")
    told = quality.Quality(result).of(row["cluster_id"])
    if "accuracy" in schema.BREAKDOWNS:
        assert told["stated"] is False
        assert told["bars"][0]["coarse"] is None
