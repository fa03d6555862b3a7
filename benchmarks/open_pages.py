"""Opens every page of finished runs in a real browser, offline, and tells what it asked for, logged and drew.

    python benchmarks/open_pages.py out/sample out/evaluation/world

For each run: pages, requests beyond the pages' own files, messages on the console, and on the world map the outlines
drawn against the clusters of the run. The exit status is 1 when anything is not as it should be.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from playwright.sync_api import sync_playwright

from geoclusters.results import read_run

if TYPE_CHECKING:
    from playwright.sync_api import Browser

WAIT_MS = 60_000
OUTLINES = "geoclusters.page.clusters.filter((c) => c.region.getLatLngs().length).length"


def main() -> int:
    """Open the pages of all runs."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("runs", nargs="+", type=Path)
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        sys.exit("chromium is needed: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        found = [open_run(browser, folder) for folder in parser.parse_args().runs]
        browser.close()
    return 0 if all(found) else 1


def open_run(browser: Browser, folder: Path) -> bool:
    """Open every page of a run and print what was seen."""
    result = read_run(folder)
    pages = [result.map_file, folder / "report.html", *sorted((folder / "clusters").glob("*.html"))]
    asked: list[str] = []
    logged: list[str] = []
    context = browser.new_context(offline=True, viewport={"width": 1440, "height": 900})
    context.on("request", lambda request: asked.append(request.url))
    page = context.new_page()
    page.on("console", lambda message: logged.append(f"{page.url}: {message.text}"))
    page.on("pageerror", lambda error: logged.append(f"{page.url}: {error}"))
    for file in pages:
        page.goto(file.resolve().as_uri(), wait_until="load", timeout=WAIT_MS)
    outside = [url for url in asked if not url.startswith(("file:", "data:", "blob:"))]
    page.goto(result.map_file.resolve().as_uri(), timeout=WAIT_MS)
    page.wait_for_function("window.geoclusters && geoclusters.page")
    drawn = page.evaluate(OUTLINES)
    context.close()
    print(
        f"{folder.name}: {len(pages)} pages opened, {len(outside)} requests to a network, "
        f"{len(logged)} console messages, {drawn} outlines for {len(result.clusters)} clusters"
    )
    for text in [*outside[:5], *logged[:5]]:
        print(f"  {text}")
    return not outside and not logged and drawn == len(result.clusters)


if __name__ == "__main__":
    sys.exit(main())
