"""
Weigh a plain `GeoDataFrame.explore()` of a run's clusters and cells against the map that geoclusters draws of it.

Run from a checkout with the groups ``test`` and ``peers`` and a Chromium::

    python benchmarks/explore_weight.py RUN_DIR

Both are opened in headless Chromium, 1440 x 900, from a folder that is removed afterwards. Nothing leaves the machine:
what explore() asks of other hosts is counted, and answered from the disk where it is Leaflet, with nothing where it is
not, so that the times are those of a reader whose network costs no time.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import re
import shutil
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from playwright.sync_api import Browser, Error, Page, Route, sync_playwright

from geoclusters.geometry import hexagons
from geoclusters.results import Result, read_run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
LEAFLET = Path(str(files("js_lib_leaflet")))
LONGEST_MS = 120_000
PAN_STEPS = 12
DRAWN = ".leaflet-pane canvas, .leaflet-pane path"
LAYERS = {
    "clusters": "explore(): outlines of clusters",
    "clusters and cells of clusters": "explore(): outlines and the cells of clusters, as hexagons",
    "clusters and all cells": "explore(): outlines and all cells, as hexagons",
}


@dataclass
class Weight:
    """What a page weighs and costs."""

    page: str
    megabytes: float
    gzip_megabytes: float
    write_seconds: float | None
    load_seconds: float | None
    longest_task_ms: float | None
    other_hosts: int
    offline: str


def main() -> None:
    """Measure and print a table, or JSON."""
    parser = argparse.ArgumentParser(description="Weigh explore() against our map.")
    parser.add_argument("run", help="folder of a finished run")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--layers", nargs="*", default=list(LAYERS)[:2], choices=list(LAYERS))
    given = parser.parse_args()
    result = read_run(given.run)
    with tempfile.TemporaryDirectory() as folder, browsing() as browser:
        weights = [weigh(browser, "geoclusters: map.html", result.map_file, None)]
        for name in given.layers:
            file = Path(folder) / "explore.html"
            began = time.perf_counter()
            write_explore(result, name, file)
            weights.append(weigh(browser, LAYERS[name], file, time.perf_counter() - began))
    if given.json:
        print(json.dumps([asdict(w) for w in weights], indent=1))
    else:
        print_table(weights)


def write_explore(result: Result, name: str, file: Path) -> None:
    """Write what a user of GeoPandas would: all columns, colours; no legend, which would need one more library."""
    shown = result.clusters.drop(columns="region").explore(
        column="score", name="clusters", legend=False
    )
    if name != "clusters":
        cells = result.cells
        if name == "clusters and cells of clusters":
            cells = cells[cells["cluster_id"].notna()]
        cells = cells.set_geometry(hexagons(cells["cell"].to_numpy()), crs=cells.crs)
        cells = cells.assign(cell=[f"{int(c):x}" for c in cells["cell"]])
        shown = cells.explore(column="density", m=shown, name="cells", legend=False)
    shown.save(str(file))


def weigh(browser: Browser, name: str, file: Path, write_seconds: float | None) -> Weight:
    """Open a page with the other hosts answered, then with the network off."""
    content = file.read_bytes()
    asked: list[str] = []
    with opened(browser, offline=False) as page:
        page.route(re.compile("^https?:"), lambda route: _answer(route, asked))
        seconds, longest = _timed(page, file)
    with opened(browser, offline=True) as page:
        offline = _offline(page, file)
    return Weight(
        name,
        len(content) / 1e6,
        len(gzip.compress(content, 6)) / 1e6,
        write_seconds,
        seconds,
        longest,
        len({url.split("/")[2] for url in asked if "tile." not in url})
        + any("tile." in u for u in asked),
        offline,
    )


def _timed(page: Page, file: Path) -> tuple[float | None, float | None]:
    """Seconds until the page has painted its layers; the longest task while it is dragged about."""
    began = time.perf_counter()
    try:
        page.goto(file.as_uri(), timeout=LONGEST_MS, wait_until="load")
        page.wait_for_selector(DRAWN, state="attached", timeout=LONGEST_MS)
        # Two frames after the load: what the scripts drew is on the screen.
        page.evaluate(
            "new Promise(d => requestAnimationFrame(() => requestAnimationFrame(() => d())))"
        )
        seconds = time.perf_counter() - began
        page.evaluate(
            "window.tasks = []; new PerformanceObserver(l => l.getEntries().forEach(e => tasks.push(e.duration)))"
            ".observe({ entryTypes: ['longtask'] })"
        )
        _drag(page)
        return seconds, page.evaluate("Math.max(0, ...tasks)")
    except Error as error:
        print(f"{file.name}: {str(error).splitlines()[0]}", file=sys.stderr)
        return None, None


def _drag(page: Page) -> None:
    page.mouse.move(700, 450)
    page.mouse.down()
    for step in range(PAN_STEPS):
        page.mouse.move(700 - 25 * step, 450 - 10 * step)
        page.wait_for_timeout(30)
    page.mouse.up()
    page.wait_for_timeout(500)


def _offline(page: Page, file: Path) -> str:
    """Say what is left of a page without a network."""
    failures: list[str] = []
    page.on("pageerror", lambda e: failures.append(str(e).splitlines()[0]))
    try:
        page.goto(file.as_uri(), timeout=LONGEST_MS, wait_until="load")
    except Error as error:
        failures.append(str(error).splitlines()[0])
    drawn = page.locator(DRAWN).count()
    return (
        f"{failures[0]}; nothing drawn" if failures and not drawn else "works" if drawn else "empty"
    )


def _answer(route: Route, asked: list[str]) -> None:
    """Answer a request to another host from the disk."""
    url = route.request.url
    asked.append(url)
    name = url.split("?")[0].rsplit("/", 1)[-1]
    found = next((f.read_bytes() for f in LEAFLET.rglob(name)), b"")
    kinds = {"css": "text/css", "js": "text/javascript", "png": "image/png"}
    kind = kinds.get(name.rsplit(".", 1)[-1], "application/octet-stream")
    route.fulfill(status=200, content_type=kind, body=found)


@contextmanager
def browsing() -> Iterator[Browser]:
    """Start the browser."""
    chromium = os.environ.get("GEOCLUSTERS_CHROMIUM") or shutil.which("chromium")
    if chromium is None:
        sys.exit("no browser: install chromium, or name one in GEOCLUSTERS_CHROMIUM")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        yield browser
        browser.close()


@contextmanager
def opened(browser: Browser, *, offline: bool) -> Iterator[Page]:
    """Open an empty page."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, offline=offline)
    yield context.new_page()
    context.close()


def print_table(weights: list[Weight]) -> None:
    """Print one line a page."""
    shown: dict[str, Callable[[Weight], str]] = {
        "page": lambda w: w.page,
        "MB": lambda w: f"{w.megabytes:.1f}",
        "MB gzip": lambda w: f"{w.gzip_megabytes:.1f}",
        "written, s": lambda w: "-" if w.write_seconds is None else f"{w.write_seconds:.1f}",
        "drawn, s": lambda w: (
            f"> {LONGEST_MS // 1000}" if w.load_seconds is None else f"{w.load_seconds:.1f}"
        ),
        "longest task, ms": lambda w: (
            "-" if w.longest_task_ms is None else f"{w.longest_task_ms:.0f}"
        ),
        "other hosts": lambda w: str(w.other_hosts),
        "without a network": lambda w: w.offline,
    }
    print("| " + " | ".join(shown) + " |")
    print("|" + "---|" * len(shown))
    for weight in weights:
        print("| " + " | ".join(text(weight) for text in shown.values()) + " |")


if __name__ == "__main__":
    main()
