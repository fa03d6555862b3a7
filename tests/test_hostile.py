"""Hostile texts go through the whole chain: they are shown or shortened, and never run."""

from __future__ import annotations

import csv
import json
import sqlite3
import sys
from contextlib import closing
from xml.etree import ElementTree as ET

import geopandas as gpd
import pandas as pd
import pytest
from browsing import DESKTOP, PHONE, opened, started
from hostile import (
    ENDLESS,
    FORMULAS,
    NOTICE,
    PATENTS_FILE,
    SCRIPT,
    STRINGS,
    make_rows,
    write_study,
)

import geoclusters as gc
from geoclusters.cli import main
from geoclusters.exporting import export

STARTS = ("=", "+", "-", "@", "\t", "\r")
MOST_CLICKS = 12


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hostile")
    write_study(folder)
    return folder


@pytest.fixture(scope="module")
def run(world):
    return gc.run(gc.read_study(world / "hostile.toml"), world / "out")


@pytest.fixture(scope="module")
def browser():
    with started() as launched:
        yield launched


def command(capsys, *arguments):
    """Carry out a command; give its exit status and what it wrote to both streams."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["geoclusters", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
    out, err = capsys.readouterr()
    return ended.value.code or 0, out + err


def is_number(text):
    try:
        float(text)
    except ValueError:
        return False
    return True


def dangerous_cells(file):
    """Give the cells that a spreadsheet would compute."""
    with file.open(encoding="utf-8", newline="") as lines:
        return [
            cell
            for row in csv.reader(lines)
            for cell in row
            if cell.startswith(STARTS) and not is_number(cell)
        ]


def pages_of(run):
    return sorted(run.folder.rglob("*.html"))


def test_texts_come_through_as_they_are(run):
    kept = set(run.breakdown("organisations")["organisation"].dropna())
    assert {s.strip() for s in kept} >= {s.strip() for s in STRINGS if len(s) < 1000 and s.strip()}
    assert len(run.rejected) > 10
    assert run.run["study"]["notice"] == NOTICE
    rows = {r["metric"]: r["read"] for r in run.run["rows"]}
    assert rows == {m: len(make_rows(3 * len(STRINGS), 3)) for m in ("patents", "vc_deals")}


def test_no_cell_of_a_table_is_a_formula(run, tmp_path):
    for name in ("clusters.csv", "cells.csv"):
        export(run, tmp_path / name, cells=name == "cells.csv")
    files = [*run.folder.rglob("*.csv"), *tmp_path.iterdir()]
    assert {f.name for f in files} >= {"ranking.csv", "economies.csv", "cells.csv"}
    for file in files:
        assert dangerous_cells(file) == [], file


def test_a_table_of_formulas_is_defused_and_readable(tmp_path):
    from geoclusters.results import write_csv

    frame = pd.DataFrame({"name": [*STRINGS], "rank": range(len(STRINGS))})
    write_csv(tmp_path / "a.csv", frame)
    assert dangerous_cells(tmp_path / "a.csv") == []
    read = pd.read_csv(tmp_path / "a.csv", keep_default_na=False)
    assert read["rank"].tolist() == frame["rank"].tolist()
    assert f"'{FORMULAS[0]}" in read["name"].tolist()


def test_json_stays_json(run):
    assert len(json.loads((run.folder / "clusters.geojson").read_text("utf-8"))["features"])
    told = json.loads((run.folder / "run.json").read_text("utf-8"))
    assert PATENTS_FILE in {i["file"] for i in told["inputs"]}


def test_no_page_holds_a_text_as_markup(run):
    """Before any browser: the strings stand in no page as they came."""
    assert len(pages_of(run)) >= 1 + len(run.clusters)
    for page in pages_of(run):
        source = page.read_text(encoding="utf-8")
        assert SCRIPT not in source, page
        assert "<img src=x" not in source, page
        assert ENDLESS not in source, page


def test_nothing_runs_in_any_page(browser, run):
    for file in pages_of(run):
        with opened(browser, file, ready=None) as page:
            page.wait_for_load_state("load")
            for size in (DESKTOP, PHONE):
                page.set_viewport_size(size)
                touch(page)
                assert page.evaluate("window.__hacked") is None, file
                assert page.locator("img[src='x'], svg[onload]").count() == 0, file
                assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), file


def touch(page):
    """Click what can be clicked, hover over the middle, scroll to the end."""
    for thing in page.locator("summary, [role=tab], button").all()[:MOST_CLICKS]:
        if thing.is_visible() and thing.is_enabled():
            thing.click(timeout=2000, force=True)
    page.mouse.move(300, 300)
    page.keyboard.press("End")
    page.wait_for_timeout(30)


def test_every_cluster_chosen_on_the_map(browser, run):
    with opened(
        browser, run.map_file, fragment="#cluster=</script><img src=x onerror=x()>"
    ) as page:
        assert page.locator("#card").is_hidden()
        page.fill("#search", SCRIPT)
        for identifier in run.clusters["cluster_id"]:
            page.evaluate(f"location.hash = '#cluster={identifier}'")
            page.wait_for_function(f"geoclusters.page.selected()?.id === '{identifier}'")
            assert page.locator("#card").is_visible()
        assert page.evaluate("window.__hacked") is None


def test_texts_are_shown_as_texts(browser, run):
    first = run.clusters["cluster_id"].iloc[0]
    with opened(browser, run.folder / "clusters" / f"{first}.html", ready=None) as page:
        shown = page.locator("body").inner_text()
    assert "window.__hacked=1" in shown
    assert "NaN" not in shown
    assert ENDLESS[:40] not in shown or ENDLESS not in shown


def test_the_geopackage_survives(run, tmp_path):
    file = export(run, tmp_path / "clusters.gpkg")
    assert len(gpd.read_file(file, layer="clusters")) == len(run.clusters)
    with closing(sqlite3.connect(file)) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        (told,) = database.execute("SELECT metadata FROM gpkg_metadata").fetchone()
        ET.fromstring(told)


@pytest.mark.parametrize("kind", ["world", "cluster", "concentration", "economies", "scatter"])
def test_figures_survive(run, tmp_path, kind):
    pytest.importorskip("matplotlib")
    from geoclusters.figures import write_figure

    files = write_figure(run, kind, tmp_path / "figure", dpi=60)
    svg = ET.parse(files[0])
    names = {e.tag.split("}")[-1] for e in svg.iter()}
    assert not names & {"script", "image", "foreignObject", "a"}
    texts = "".join(t for e in svg.iter() for t in e.itertext())
    assert "window.__hacked=1" in texts
    assert "\x1b" not in texts


def test_the_command_line_does_not_steer_the_terminal(world, run, capsys):
    for given in (
        ("check", world / "hostile.toml"),
        ("run", world / "hostile.toml", "--out", run.folder),
        ("locate", run.folder, "48.1", "11.6"),
        ("compare", run.folder, run.folder),
    ):
        status, told = command(capsys, *given)
        assert status == 0, told
        assert not {"\x1b", "\x07", "\u202e"} & set(told), given


def test_an_error_that_quotes_a_text_is_one_clear_message(world, tmp_path, capsys):
    study = (world / "hostile.toml").read_text(encoding="utf-8")
    (tmp_path / "bad.toml").write_text(study.replace("*.parquet", f"{'x' * 200}.parquet"), "utf-8")
    status, told = command(capsys, "check", tmp_path / "bad.toml")
    assert status == 2
    assert "Traceback" not in told
    assert "\x1b" not in told
