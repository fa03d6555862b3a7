"""The report: its numbers against plain Python, sorting, printing, what changed, what may be missing."""
# ruff: noqa: RUF001 - names of clusters are joined by en dashes

from __future__ import annotations

import itertools
import json
import re

import numpy as np
import pandas as pd
import pytest
import synthetic_run
from browsing import PHONE, SIZES, opened, started
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from geoclusters import cli, results
from geoclusters.comparison import compare
from geoclusters.pages import Changes, draw_pages, locator, reliability, report, tables
from geoclusters.pages.axes import axis_of, even_ticks, labelled, log_ticks, spread
from geoclusters.pages.changes import changes_section, differences, moves
from geoclusters.pages.charts import concentration_chart, concentration_table, scatter_chart

# ------------------------------------------------------------------- concentration


@given(st.lists(st.floats(0, 0.01), min_size=1, max_size=140))
def test_concentration_is_what_the_first_add_up_to(shares):
    order = list(range(len(shares)))[::-1]
    frame = pd.DataFrame({"rank": [o + 1 for o in order], "share_p": [shares[o] for o in order]})
    found = {line["top"]: line["shares"][0] for line in concentration_table(frame, ["p"])}
    tops = {min(top, len(shares)) for top in (1, 10, 100)}
    assert found == pytest.approx({top: sum(shares[:top]) for top in tops})


def test_concentration_is_that_of_the_run(run):
    found = {line["top"]: line["shares"] for line in concentration_table(run.clusters, run.metrics)}
    for top in (10, 100):
        expected = list(run.run["concentration"][f"top_{top}"].values())
        assert found[min(top, len(run.clusters))] == pytest.approx(expected)


def test_the_curve_rises_and_ends_at_all_clusters(run):
    chart = concentration_chart(run.clusters, run.metrics)
    for line, metric in zip(chart["lines"], run.metrics, strict=True):
        places = [float(p.split(" ")[1]) for p in line["path"][1:].split("L")]
        assert all(later <= earlier for earlier, later in itertools.pairwise(places))
        assert len(places) == len(run.clusters)
        total = run.clusters[f"share_{metric}"].sum()
        assert line["end"] == f"{100 * total:.1f} %".replace("100.0", "100")


# ------------------------------------------------------------------- axes and labels


@given(st.floats(1e-6, 1e6), st.floats(1.001, 1e6))
def test_ticks_are_round_and_within_the_axis(low, factor):
    for ticks in (log_ticks(low, low * factor), even_ticks(0, low)):
        assert ticks == sorted(set(ticks))
        assert len(ticks) <= 24
    assert all(low <= t <= low * factor for t in log_ticks(low, low * factor))


@given(st.lists(st.floats(1e-4, 1e4), min_size=1, max_size=30))
def test_every_value_lies_on_its_axis(values):
    axis = axis_of(values, start=50.0, end=900.0)
    places = [axis.place(v) for v in values]
    assert all(50 <= p <= 900 for p in places)
    assert np.all(np.diff([axis.place(v) for v in sorted(values)]) >= 0)


@given(st.lists(st.floats(0, 300), max_size=12))
def test_spread_places_keep_their_distance_and_order(places):
    moved = spread(places, least=17.0, low=0.0, high=300.0)
    ordered = [m for _, m in sorted(zip(places, moved, strict=True))]
    assert all(b - a >= 17 - 1e-6 for a, b in itertools.pairwise(ordered))
    assert all(m <= 300 for m in moved)


@given(st.lists(st.tuples(st.floats(0, 400), st.floats(0, 300)), max_size=25))
def test_labels_do_not_cover_each_other(places):
    points = [{"x": x, "y": y, "r": 4.0, "name": f"Place {i}"} for i, (x, y) in enumerate(places)]
    labels = labelled(points, beside=points, type_size=12.0, width=400.0, height=300.0)
    boxes = []
    for label in labels:
        long = 0.56 * 12 * len(label["text"])
        left = label["x"] - {"start": 0, "middle": long / 2, "end": long}[label["anchor"]]
        boxes.append((left, label["y"], left + long, label["y"] + 12))
    for one, other in itertools.combinations(boxes, 2):
        apart = (one[0] - other[2], other[0] - one[2], one[1] - other[3], other[1] - one[3])
        assert max(apart) > -0.2


@given(st.floats(-180, 180), st.floats(-85, 85))
def test_equal_earth_keeps_areas(lon, lat):
    step = 1e-4
    (x0, x1, x2), (y0, y1, y2) = locator.equal_earth(
        np.array([lon, lon + step, lon]), np.array([lat, lat, lat + step])
    )
    area = abs((x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)) / np.radians(step) ** 2
    assert area == pytest.approx(np.cos(np.radians(lat)), rel=1e-3)


def test_places_lie_within_the_picture():
    places = locator.on_paper([-171.8, -168.0, 0.0, 180.0], [-13.8, 60.0, 51.5, -17.0])
    assert np.all(places >= 0)
    assert np.all(places <= [locator.WIDTH, locator.HEIGHT])
    assert places[0, 0] > places[3, 0] > places[2, 0] > places[1, 0]


# ------------------------------------------------------------------- what changed


def earlier_run(folder):
    """Write the same world with three clusters less and others in another order."""
    centres = [c for c in synthetic_run.CENTRES if c.name not in {"Seoul", "Paris", "Basel"}]
    return synthetic_run.write_run(folder, centres=tuple(centres), noise_cells=50, seed=4)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    earlier = earlier_run(folder / "earlier")
    earlier.run["settings"]["radius_km"] = 12.0
    results.write_json(earlier.folder / "run.json", earlier.run)
    result = synthetic_run.write_run(folder / "now", noise_cells=300)
    told = CliRunner().invoke(
        cli.app, ["map", str(result.folder), "--against", str(earlier.folder)]
    )
    assert told.exit_code == 0, told.output
    return result


@pytest.fixture(scope="module")
def changes(run):
    earlier = results.read_run(run.folder.parent / "earlier")
    return Changes(compare(earlier, run), earlier.run)


def test_moves_are_those_of_the_comparison(run, changes):
    told = moves(changes)
    by_name = run.clusters.set_index("name")
    before = results.read_run(run.folder.parent / "earlier").clusters.set_index("name")["rank"]
    for name in ("Beijing", "London", "Sydney"):
        row = by_name.loc[name]
        assert told[row["cluster_id"]]["change"] == before[name] - row["rank"]
    assert by_name.loc["Seoul", "cluster_id"] not in told


def test_a_part_that_was_split_off_has_no_change():
    row = {"rank_old": 1, "cluster_id_old": "a", "fate": "split", "score_old": 0.5}
    table = pd.DataFrame(
        [
            {**row, "cluster_id_new": "b", "rank_new": 1, "part_of_old": 0.8, "part_of_new": 1.0},
            {**row, "cluster_id_new": "c", "rank_new": 90, "part_of_old": 0.2, "part_of_new": 1.0},
        ]
    ).assign(rank_change=lambda t: t["rank_old"] - t["rank_new"])
    told = moves(Changes(table, {}))
    assert told["b"] == {"change": 0, "text": "0"}
    assert told["c"] == {"change": None, "text": "split off"}


def test_the_section_names_settings_that_differ_and_no_folder(run, changes):
    section = changes_section(run, changes, ())
    assert section["differences"] == ["Radius: 12 km before, 15 km now"]
    assert str(run.folder.parent) not in json.dumps(section, default=str)
    assert {f["label"]: f["count"] for f in section["fates"]}["new"] == "3"


def test_runs_alike_have_no_differences(run):
    assert differences(run.run, run.run) == []


# ------------------------------------------------------------------- addresses


def test_rejected_addresses_are_counted_by_reason_and_source(run):
    told = tables.addresses_table(run)
    assert [s["metric"] for s in told["sources"]] == ["Patents", "Publications", "VC deals"]
    assert told["rejected"] == ["550 (0.04 %)"] * 3
    assert [line["values"] for line in told["reasons"]] == [["400"] * 3, ["150"] * 3]


@pytest.mark.parametrize("section", ["ranking-section", "scatter-section"])
def test_where_the_population_is_from_stands_beside_it(run, section):
    page = (run.folder / "report.html").read_text(encoding="utf-8")
    shown = page.partition(f'<section id="{section}">')[2].partition("</section>")[0]
    assert f"Population: <bdi>{run.clusters['population_source'].iloc[0]}</bdi>." in shown


def test_documents_left_out_are_told_by_reason_and_source(tmp_path):
    result = synthetic_run.write_run(tmp_path, centres=synthetic_run.CENTRES[:1], noise_cells=0)
    result.run["rows"][1]["left_out"] = {"type Review": 3, "type <b>": 1204}
    (tmp_path / "run.json").write_text(json.dumps(result.run))
    told = tables.addresses_table(results.Result(tmp_path, result.run))
    values = {line["label"]: line["values"] for line in told["left_out"]}
    assert values == {"type <b>": ["0", "1,204", "0"], "type Review": ["0", "3", "0"]}
    draw_pages(results.read_run(tmp_path))
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "left out by the options" in page
    assert "type &lt;b&gt;" in page
    assert "type <b>" not in page


def test_a_run_that_does_not_count_its_rows_is_counted_from_its_table(tmp_path):
    result = synthetic_run.write_run(tmp_path, centres=synthetic_run.CENTRES[:1], noise_cells=0)
    del result.run["rows"]
    frame = result.rejected
    rows = [("a.csv", "patents", "placeholder")] * 2 + [("a.csv", "patents", "no_coordinates")]
    wide = pd.DataFrame(rows, columns=["source", "metric", "reason"]).reindex(columns=frame.columns)
    wide.to_parquet(tmp_path / "rejected.parquet", index=False)
    told = tables.addresses_table(results.Result(tmp_path, result.run))
    assert told["rejected"] == ["3"]
    assert [line["values"] for line in told["reasons"]] == [["2"], ["1"]]


# ------------------------------------------------------------------- quality of the data


def test_the_quality_of_each_source_stands_in_its_column(run):
    told = reliability.reliability(run)
    assert [s["metric"] for s in told["sources"]] == ["Patents", "Publications", "VC deals"]
    lines = {line["label"]: line["values"] for line in told["lines"]}
    assert lines["placed"] == ["95.0 %"] * 3
    assert lines["without coordinates, with a place"] == ["–", "900", "1,800"]
    assert lines["given a point: town"] == ["–", "500", "1,000"]
    assert lines["answer: ambiguous"] == ["–", "400", "800"]
    assert lines["known to a town at best"] == ["–", "33.3 %", "33.3 %"]
    assert lines["outside that country"] == ["6.00 %"] * 3
    assert [bar["label"] for bar in told["accuracy"]] == ["Publications", "VC deals"]
    assert len(told["doubts"]) == 3


def test_piles_come_largest_first_with_a_way_to_the_map(run):
    rows = reliability.reliability(run)["piles"]["rows"]
    documents = [float(row["cells"][4]["sort"]) for row in rows]
    assert documents == sorted(documents, reverse=True)
    assert len(rows) == 12
    first, second = rows[0]["cells"], rows[1]["cells"]
    assert (first[0]["text"], first[1]["text"]) == ("0.1, 0.1", "")
    assert second[0]["href"] == "map.html#view=11/-16.850/180.020"
    assert second[1]["text"] == "FJ"


def test_shares_are_drawn_over_the_years_that_have_rows_enough(run):
    charts = {c["title"]: c for c in reliability.reliability(run)["charts"]}
    placed = charts["Placed"]
    assert [len(line["marks"]) for line in placed["lines"]] == [4, 4, 4]
    assert placed["lines"][2]["marks"][3]["spoken"] == "VC deals, 2022: 80.0 %"
    ends = [line["marks"][3]["y"] for line in placed["lines"]]
    assert ends == sorted(ends)
    assert len(charts["Known to a town at best"]["lines"]) == 2


def test_sources_of_one_metric_are_told_apart(tmp_path):
    result = synthetic_run.write_run(tmp_path, centres=synthetic_run.CENTRES[:1], noise_cells=0)
    for row in result.run["rows"]:
        row["metric"] = "patents"
    names = [entry["name"] for entry in reliability.reliability(result)["legend"]]
    assert names == [f"Patents data/{m}.parquet" for m in synthetic_run.METRICS]
    del result.run["rows"]
    assert reliability.reliability(result)["legend"][0]["name"] == "data/patents.parquet"
    del result.run["quality"]
    assert reliability.reliability(result) is None


# ------------------------------------------------------------------- in the browser


@pytest.fixture(scope="module")
def browser():
    with started() as launched:
        yield launched


def report_of(run):
    return run.folder / report.REPORT_FILE


def sticking_out(page):
    """List what is wider than the window, apart from what scrolls by itself."""
    return page.evaluate(
        """() => document.documentElement.scrollWidth <= innerWidth ? [] :
            [...document.querySelectorAll("body *")]
                .filter((e) => e.getBoundingClientRect().right > innerWidth + 1)
                .filter((e) => !e.parentElement.closest(".wide"))
                .map((e) => `${e.tagName} ${e.id}: ${e.textContent.slice(0, 60)}`)"""
    )


def column(page, table, number):
    return page.evaluate(
        """([table, number]) => [...document.querySelectorAll(`#${table} tbody tr`)]
            .filter((row) => !row.hidden).map((row) => row.cells[number].textContent.trim())""",
        [table, number],
    )


@SIZES
def test_the_report_opens_with_the_printed_top(browser, run, size):
    with opened(browser, report_of(run), size=size) as page:
        top = run.run["settings"]["top"]
        assert column(page, "ranking", 0) == [str(n + 1) for n in range(top)]
        page.get_by_role("button", name=f"Show {len(run.clusters) - top} more clusters").click()
        assert len(column(page, "ranking", 0)) == len(run.clusters)
        assert sticking_out(page) == []
        assert page.locator(".notice").is_visible()
        for section in (
            "concentration",
            "league-section",
            "scatter-section",
            "cross-border",
            "quality",
        ):
            assert page.locator(f"#{section}").is_visible()
        assert "12 km before, 15 km now" in page.locator("#changes-section").inner_text()


def test_tables_sort_by_any_column_with_the_keyboard(browser, run):
    with opened(browser, report_of(run)) as page:
        heads = page.locator("#ranking thead th")
        names = heads.all_inner_texts()
        population = next(i for i, n in enumerate(names) if n.startswith("Population"))
        heads.nth(population).locator("button").focus()
        page.keyboard.press("Enter")
        assert heads.nth(population).get_attribute("aria-sort") == "descending"
        assert page.locator("#ranking [aria-sort]").count() == 1
        shown = [v for v in column(page, "ranking", population) if v != "–"]
        values = [float(v.replace(",", "")) for v in shown]
        assert values == sorted(values, reverse=True)
        page.keyboard.press("Space")
        assert heads.nth(population).get_attribute("aria-sort") == "ascending"
        shown = column(page, "ranking", population)
        page.locator("#ranking-section button.all").click()
        shown = column(page, "ranking", population)
        unknown = shown.index("–")
        assert unknown > 20
        assert set(shown[unknown:]) == {"–"}
        heads.nth(2).locator("button").click()
        assert column(page, "ranking", 2)[0].startswith(("=", "<", "{"))


def test_the_filter_ignores_accents_and_finds_what_is_behind_the_switch(browser, run):
    with opened(browser, report_of(run)) as page:
        search = page.get_by_label("Filter: Ranking by score")
        for typed, found in (("zurich", "Zürich"), ("namibia", "Windhoek")):
            search.fill(typed)
            assert [found in name for name in column(page, "ranking", 2)] == [True]
        search.fill("")
        assert len(column(page, "ranking", 0)) == run.run["settings"]["top"]


def test_links_lead_to_the_map_and_to_the_pages_and_back(browser, run):
    identifier = run.clusters["cluster_id"][0]
    with opened(browser, report_of(run)) as page:
        page.locator(f"#ranking a[href='map.html#cluster={identifier}']").click()
        page.wait_for_function("window.geoclusters && geoclusters.page")
        assert page.locator("#card h2").inner_text() == run.clusters["name"][0]
        page.go_back()
        page.locator(f"#ranking a[href='clusters/{identifier}.html']").first.click()
        page.locator("h1").wait_for()
        page.get_by_role("link", name="Report").first.click()
        page.locator("#ranking").wait_for()


def test_points_tell_their_cluster_under_the_pointer_and_in_focus(browser, run):
    with opened(browser, report_of(run)) as page:
        points = page.locator("#scatter [data-rank]")
        assert points.count() == scatter_chart(run, ())["points"].__len__()
        assert page.locator("#scatter [tabindex='0']").count() == 1
        page.locator("#scatter [tabindex='0']").focus()
        assert run.clusters["name"][0] in page.locator("#tip").inner_text()
        page.keyboard.press("ArrowRight")
        assert run.clusters["name"][1] in page.locator("#tip").inner_text()
        page.keyboard.press("Escape")
        assert page.locator("#tip").is_hidden()
        page.locator("#scatter [data-rank='5']").hover()
        assert run.clusters["name"][4] in page.locator("#tip").inner_text()


def test_a_pile_leads_to_its_place_on_the_map(browser, run):
    with opened(browser, report_of(run)) as page:
        page.locator("#piles tbody a").nth(1).click()
        page.wait_for_function("window.geoclusters && geoclusters.page")
        assert "view=11/-16.85/180.02" in page.url


def test_hostile_names_are_text(browser, run):
    page_text = report_of(run).read_text(encoding="utf-8")
    assert len(page_text) < 1_000_000
    assert synthetic_run.HOSTILE not in page_text
    with opened(browser, report_of(run), size=PHONE) as page:
        page.locator("#ranking-section button.all").click()
        names = " ".join(column(page, "ranking", 2))
        for name in (synthetic_run.HOSTILE, synthetic_run.TEMPLATE, synthetic_run.RIGHT_TO_LEFT):
            assert name in names
        assert synthetic_run.ENDLESS[:60] in names
        assert synthetic_run.ENDLESS[:120] not in names
        assert page.locator("img").count() == 0
        assert sticking_out(page) == []


def test_it_prints_on_white_paper_with_heads_and_without_buttons(browser, run):
    with opened(browser, report_of(run), scheme="dark") as page:
        page.emulate_media(media="print", color_scheme="dark")
        style = "(s) => getComputedStyle(document.querySelector(s))"
        assert page.evaluate(f"({style})('body').backgroundColor") == "rgb(255, 255, 255)"
        assert page.evaluate(f"({style})('#ranking thead').display") == "table-header-group"
        assert page.evaluate(f"({style})('#ranking thead').breakInside") == "avoid"
        assert page.evaluate(f"({style})('#ranking tbody tr').breakInside") == "avoid"
        assert not any(b.is_visible() for b in page.locator(".tools button, #print, nav").all())
        assert fitting(page)
        printed = page.pdf(prefer_css_page_size=True, print_background=True)
    sheets = re.findall(rb"/MediaBox ?\[([^\]]*)\]", printed)
    assert len(sheets) >= 3
    assert {tuple(round(float(v)) for v in s.split()) for s in sheets} <= {
        (0, 0, 595, 842),
        (0, 0, 596, 842),
    }


def fitting(page):
    """Tell whether every table is as wide as an A4 sheet between its margins, or less."""
    page.set_viewport_size({"width": 695, "height": 1000})
    return page.evaluate(
        "[...document.querySelectorAll('table')].every((t) => t.getBoundingClientRect().right <= 696)"
    )


# ------------------------------------------------------------------- what may be missing


@pytest.mark.parametrize("clusters", [0, 1, 2])
def test_a_run_with_little_in_it_has_a_sensible_report(browser, tmp_path, clusters):
    result = synthetic_run.write_run(
        tmp_path, metrics=("theses",), centres=synthetic_run.CENTRES[:clusters], noise_cells=5
    )
    if clusters == 1:
        for name in ("population", "intensity"):
            result.clusters[name] = np.nan
        result.clusters["intensity_rank"] = pd.array([None], dtype="Int64")
    for key in ("rows", "inputs", "documents", "concentration", "warnings", "quality"):
        result.run.pop(key, None)
    draw_pages(result)
    with opened(browser, tmp_path / "report.html") as page:
        said = page.locator("main").inner_text()
        assert "nan" not in said.lower()
        assert page.locator("#ranking tbody tr").count() == clusters
        assert page.locator("#scatter").count() == (clusters == 2)
        lead = page.locator(".lead").inner_text()
        assert ("No place is dense enough" in lead) == (clusters == 0)
        assert ("The only cluster is" in lead) == (clusters == 1)


def test_without_an_earlier_run_nothing_is_said_of_changes(tmp_path):
    result = synthetic_run.write_run(tmp_path, centres=synthetic_run.CENTRES[:2], noise_cells=5)
    report.draw_report(result, ())
    assert "What changed" not in report_of(result).read_text(encoding="utf-8")
