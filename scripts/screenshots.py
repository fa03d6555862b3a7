"""
Take the pictures of a run's pages and figures for README and docs.

Run from a checkout with the group ``test`` and a Chromium::

    python scripts/screenshots.py RUN_DIR OUT_DIR [--only NAME ...]

It draws the pages of the run again, then writes a PNG for each line of `pictures` and `figures`. The browser is
``chromium`` on the path, or what the variable GEOCLUSTERS_CHROMIUM names. Pictures are the same for the
same run, pages and browser.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import Browser, sync_playwright
from scipy.spatial import cKDTree

from geoclusters.figures import Options, write_figure
from geoclusters.pages import draw_pages
from geoclusters.results import Result, read_run

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
    "--hide-scrollbars",
    "--font-render-hinting=none",
]
SETTLED_MS = 800
"""Until animations have ended and the tooltip of nothing is gone."""

COLOURS, KEPT = 256, 128
"""Of a picture; the commonest are kept exactly, so that a legend shows the colours of its map."""
FIGURE_DPI = 130


@dataclass(frozen=True)
class Picture:
    """One picture: of which page, at which place in it, how large, in which theme."""

    name: str
    page: Path
    fragment: str = ""
    scroll_to: str = ""
    width: int = 1440
    height: int = 900
    scheme: str = "light"
    scale: float = 1.0
    ready: str = "window.geoclusters && geoclusters.page"


def pictures(result: Result) -> list[Picture]:
    """Say what to take of a run's pages."""
    world, report = result.map_file, result.folder / "report.html"
    taken = [
        Picture("world", world),
        Picture("world-dark", world, scheme="dark"),
        Picture("phone", world, width=390, height=844, scale=2),
    ]
    if report.is_file():
        taken += [
            Picture("report", report, width=1200, ready=""),
            Picture("report-charts", report, width=1200, scroll_to="#concentration", ready=""),
        ]
    if len(result.clusters):
        first = result.clusters["cluster_id"].iloc[0]
        lat, lon = result.clusters[["lat", "lon"]].iloc[0]
        own = result.folder / "clusters" / f"{first}.html"
        taken += [
            Picture("density", world, fragment=f"#shade=density&view=7/{lat:.2f}/{lon:.2f}"),
            Picture("links", world, fragment=f"#cluster={first}&view=3/30/100"),
            Picture("cluster", world, fragment=f"#cluster={first}"),
            Picture("cluster-page", own, width=1200),
        ]
    return taken


def figures(result: Result) -> dict[str, tuple[str, Options]]:
    """Say which figures to draw of a run: the name of the picture, the kind, its options."""
    kinds = {"figure-world": ("world", Options()), "figure-scatter": ("scatter", Options())}
    if len(result.clusters):
        kinds["figure-cluster"] = ("cluster", Options())
    return kinds


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
    if picture.ready:
        page.wait_for_function(picture.ready)
    if picture.scroll_to:
        page.locator(picture.scroll_to).scroll_into_view_if_needed()
        page.evaluate(
            "s => document.querySelector(s).scrollIntoView({ block: 'start' })", picture.scroll_to
        )
    page.wait_for_timeout(SETTLED_MS)
    file = folder / f"{picture.name}.png"
    page.screenshot(path=file)
    context.close()
    return lightened(file)


def lightened(file: Path) -> Path:
    """Keep as many colours as the eye needs, those of maps and legends as they are: a third of the bytes."""
    with Image.open(file) as picture:
        whole = picture.convert("RGB")
    pixels = np.asarray(whole)
    colours, place, counts = np.unique(
        pixels.reshape(-1, 3), axis=0, return_inverse=True, return_counts=True
    )
    common = colours[np.argsort(-counts, kind="stable")[:KEPT]]
    others = whole.quantize(COLOURS - len(common), kmeans=1, dither=Image.Dither.NONE).getpalette()
    palette = np.vstack([common, np.reshape(others or [], (-1, 3))])[:COLOURS].astype(np.uint8)
    nearest = cKDTree(palette.astype(np.float64)).query(colours.astype(np.float64))[1]
    small = Image.fromarray(nearest[place].reshape(pixels.shape[:2]).astype(np.uint8), mode="P")
    small.putpalette(palette.tobytes())
    small.save(file, optimize=True)
    return file


def draw(result: Result, name: str, folder: Path) -> Path:
    """Draw a figure as a picture."""
    kind, options = figures(result)[name]
    (file,) = write_figure(
        result, kind, folder / name, options=options, formats=["png"], dpi=FIGURE_DPI
    )
    return lightened(file)


def main() -> None:
    """Take every picture."""
    parser = argparse.ArgumentParser(description="Take the pictures of a run's pages and figures.")
    parser.add_argument("run", help="folder of a finished run")
    parser.add_argument("out", type=Path, help="folder for the pictures")
    parser.add_argument(
        "--only", nargs="*", metavar="NAME", help="names of pictures; left out: all"
    )
    given = parser.parse_args()
    chromium = os.environ.get("GEOCLUSTERS_CHROMIUM") or shutil.which("chromium")
    if chromium is None:
        sys.exit("no browser: install chromium, or name one in GEOCLUSTERS_CHROMIUM")
    result = read_run(given.run)
    draw_pages(result)
    given.out.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        for picture in pictures(result):
            if not given.only or picture.name in given.only:
                print(take(browser, picture, given.out))
        browser.close()
    for name in figures(result):
        if not given.only or name in given.only:
            print(draw(result, name, given.out))


if __name__ == "__main__":
    main()
