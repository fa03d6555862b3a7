"""
Take the pictures of a run's pages for README and docs.

Run from a checkout with the group ``test`` and a Chromium::

    python scripts/screenshots.py RUN_DIR OUT_DIR

It writes ``world.png`` (1440 x 900), ``world-dark.png``, ``cluster.png`` (the first cluster, chosen
on the map), ``cluster-page.png`` and ``phone.png`` (390 x 844). The browser is ``chromium`` on the
path, or what the variable GEOCLUSTERS_CHROMIUM names.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from geoclusters.results import Result, read_run

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
    "--hide-scrollbars",
]
SETTLED_MS = 800
"""Until animations have ended and the tooltip of nothing is gone."""


@dataclass(frozen=True)
class Picture:
    """One picture: of which page, how large, in which theme, with which cluster chosen."""

    name: str
    page: Path
    fragment: str = ""
    width: int = 1440
    height: int = 900
    scheme: str = "light"
    scale: float = 1.0


def pictures(result: Result) -> list[Picture]:
    """Say what to take of a run."""
    taken = [
        Picture("world", result.map_file),
        Picture("world-dark", result.map_file, scheme="dark"),
        Picture("phone", result.map_file, width=390, height=844, scale=2),
    ]
    if len(result.clusters):
        first = result.clusters["cluster_id"].iloc[0]
        own = result.folder / "clusters" / f"{first}.html"
        taken += [
            Picture("cluster", result.map_file, fragment=f"#cluster={first}"),
            Picture("cluster-page", own, width=1200),
        ]
    return taken


def take(browser: Browser, picture: Picture, folder: Path) -> Path:
    """Open the page with the network off and write its picture."""
    context = browser.new_context(
        viewport={"width": picture.width, "height": picture.height},
        color_scheme="dark" if picture.scheme == "dark" else "light",
        device_scale_factor=picture.scale,
        reduced_motion="reduce",
        offline=True,
    )
    page = context.new_page()
    page.goto(picture.page.resolve().as_uri() + picture.fragment)
    page.wait_for_function("window.geoclusters && geoclusters.page")
    page.wait_for_timeout(SETTLED_MS)
    file = folder / f"{picture.name}.png"
    page.screenshot(path=file)
    context.close()
    return file


def main() -> None:
    """Take every picture."""
    parser = argparse.ArgumentParser(description="Take the pictures of a run's pages.")
    parser.add_argument("run", help="folder of a finished run")
    parser.add_argument("out", type=Path, help="folder for the pictures")
    given = parser.parse_args()
    chromium = os.environ.get("GEOCLUSTERS_CHROMIUM") or shutil.which("chromium")
    if chromium is None:
        sys.exit("no browser: install chromium, or name one in GEOCLUSTERS_CHROMIUM")
    result = read_run(given.run)
    given.out.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        for picture in pictures(result):
            print(take(browser, picture, given.out))
        browser.close()


if __name__ == "__main__":
    main()
