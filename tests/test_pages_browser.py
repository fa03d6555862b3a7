"""The pages in a real browser with the network off: what people see, click and type."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager

import pytest
import synthetic_run

from geoclusters.pages import draw_pages

playwright = pytest.importorskip("playwright.sync_api")

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
]
DESKTOP, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}


def chromium():
    """Find the browser; where a run of the tests must be complete, its absence is a failure."""
    path = os.environ.get("GEOCLUSTERS_CHROMIUM") or shutil.which("chromium")
    if path:
        return path
    reason = "no browser: install chromium, or name one in GEOCLUSTERS_CHROMIUM"
    if os.environ.get("CI", "").lower() == "true":
        pytest.fail(reason)
    return pytest.skip(reason)


@pytest.fixture(scope="module")
def browser():
    path = chromium()
    with playwright.sync_playwright() as driver:
        launched = driver.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield launched
        launched.close()


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    result = synthetic_run.write_run(tmp_path_factory.mktemp("run"))
    draw_pages(result)
    return result


@contextmanager
def opened(browser, file, *, fragment="", size=DESKTOP, scheme="light"):
    """Open a page; afterwards no network was asked, nothing complained, nothing popped up."""
    context = browser.new_context(
        viewport=size, offline=True, color_scheme=scheme, reduced_motion="reduce"
    )
    page = context.new_page()
    requests, complaints = [], []
    page.on("request", lambda r: requests.append(r.url))
    page.on("console", lambda m: complaints.append(m.text) if m.type != "log" else None)
    page.on("pageerror", lambda e: complaints.append(str(e)))
    page.on("dialog", lambda d: (complaints.append(f"dialog: {d.message}"), d.dismiss()))
    page.goto(file.as_uri() + fragment)
    page.wait_for_function("window.geoclusters && geoclusters.page")
    try:
        yield page
        page.wait_for_timeout(50)
        assert [r for r in requests if not r.startswith(("file:", "data:"))] == []
        assert complaints == []
    finally:
        context.close()


def cluster_id(run, name):
    return run.clusters.set_index("name")["cluster_id"][name]


def rows(page):
    return page.locator("#ranking li:visible")


def painted(page, selector="canvas"):
    """Count the pixels that the canvases of a pane have painted."""
    return page.evaluate(
        """(selector) => [...document.querySelectorAll(selector)].reduce((sum, canvas) => {
            const { width, height } = canvas;
            const data = canvas.getContext("2d").getImageData(0, 0, width, height).data;
            for (let i = 3; i < data.length; i += 4) sum += data[i] > 0;
            return sum;
        }, 0)""",
        selector,
    )


def test_the_world_opens_offline_with_every_cluster(browser, run):
    with opened(browser, run.map_file) as page:
        assert page.evaluate("geoclusters.page.regions.getLayers().length") == len(run.clusters)
        assert rows(page).count() == len(run.clusters)
        assert synthetic_run.HOSTILE in page.locator("#ranking").inner_text()
        assert page.locator(".notice").is_visible()
        assert painted(page, ".leaflet-land-pane canvas") > 50_000
        assert painted(page, ".leaflet-noise-pane canvas") > 100
        assert painted(page, ".leaflet-overlay-pane canvas") > 500
        assert painted(page, ".leaflet-labels-pane canvas") > 500


def test_a_click_in_the_list_zooms_and_opens_the_card(browser, run):
    with opened(browser, run.map_file) as page:
        before = page.evaluate("geoclusters.page.map.getZoom()")
        rows(page).nth(10).locator("button").click()
        name = run.clusters["name"][10]
        page.locator("#card h2").wait_for()
        assert page.locator("#card h2").inner_text() == name
        assert "Rank 11 of" in page.locator("#card").inner_text()
        assert page.evaluate("geoclusters.page.map.getZoom()") > before + 3
        centre = page.evaluate("(c => [c.lat, c.lng])(geoclusters.page.map.getCenter())")
        assert centre == pytest.approx([run.clusters["lat"][10], run.clusters["lon"][10]], abs=1.5)
        assert page.url.endswith(f"#cluster={run.clusters['cluster_id'][10]}")
        page.keyboard.press("Escape")
        assert page.locator("#card").is_hidden()
        page.go_back()
        page.locator("#card h2").wait_for()


def test_search_ignores_accents_and_case(browser, run):
    with opened(browser, run.map_file) as page:
        for typed, found in (
            ("zurich", "Zürich"),
            ("KOBENHAVN", "København\u2013Malmö"),
            ("sao paulo", "São Paulo"),
            ("hong kong shen", "Shenzhen\u2013Hong Kong\u2013Guangzhou"),
        ):
            page.fill("#search", typed)
            assert rows(page).count() == 1
            assert found in rows(page).first.inner_text()
            assert page.locator("#found").inner_text() == "1 cluster"
        page.fill("#search", "namibia")
        assert "Windhoek" in rows(page).first.inner_text()
        page.fill("#search", "nowhere at all")
        assert rows(page).count() == 0
        page.fill("#search", "")
        assert rows(page).count() == len(run.clusters)


@pytest.mark.parametrize("place", ["Taveuni", "Longyearbyen", "Apia"])
def test_a_link_restores_the_selection_at_the_ends_of_the_world(browser, run, place):
    fragment = f"#cluster={cluster_id(run, place)}"
    with opened(browser, run.map_file, fragment=fragment) as page:
        assert page.locator("#card h2").inner_text() == place
        view = page.evaluate("(b => [b.getWest(), b.getEast()])(geoclusters.page.map.getBounds())")
        assert view[1] - view[0] < 5
        assert page.locator("#ranking [aria-current]").count() == 1


def test_an_unknown_link_shows_the_world(browser, run):
    with opened(browser, run.map_file, fragment="#cluster=<script>alert(1)</script>") as page:
        assert page.locator("#card").is_hidden()


def test_hostile_names_are_shown_and_not_run(browser, run):
    for name in (synthetic_run.HOSTILE, synthetic_run.TEMPLATE):
        fragment = f"#cluster={cluster_id(run, name)}"
        with opened(browser, run.map_file, fragment=fragment) as page:
            assert page.locator("#card h2").inner_text() == name
            box = page.locator(".stage").bounding_box()
            page.mouse.move(box["x"] + box["width"] / 2 + 145, box["y"] + box["height"] / 2)
            assert name in page.locator(".tip").inner_text()
            assert page.locator("img").count() == 0
        with opened(browser, run.folder / "clusters" / f"{cluster_id(run, name)}.html") as page:
            assert page.locator("h1").inner_text() == name
            assert synthetic_run.HOSTILE in page.locator("body").inner_text()


def test_an_endless_name_does_not_break_the_page(browser, run):
    with opened(
        browser, run.map_file, fragment=f"#cluster={run.clusters['cluster_id'].iloc[-1]}"
    ) as page:
        assert page.locator("#card").bounding_box()["height"] < 600
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_layers_switch_what_is_drawn(browser, run):
    with opened(browser, run.map_file) as page:
        page.get_by_role("tab", name="Layers").click()
        page.get_by_label("Activity outside the clusters").uncheck()
        assert page.locator(".leaflet-noise-pane canvas").count() == 0
        page.get_by_label("Clusters beyond").uncheck()
        top = run.run["settings"]["top"]
        assert page.evaluate("geoclusters.page.regions.getLayers().length") == top
        before = page.evaluate("geoclusters.page.clusters.map(c => c.circle.options.fillColor)")
        page.get_by_label("VC deals").check()
        assert "VC deals" in page.locator("#legend").inner_text()
        after = page.evaluate("geoclusters.page.clusters.map(c => c.circle.options.fillColor)")
        assert before != after
        page.get_by_label("Intensity").check()
        assert "per million" in page.locator("#legend").inner_text()


def test_cells_come_when_one_is_near(browser, run):
    with opened(browser, run.map_file) as page:
        assert page.locator(".leaflet-outlines-pane canvas").count() == 0
        rows(page).nth(0).locator("button").click()
        page.wait_for_function("geoclusters.page.map.getZoom() > 7")
        page.wait_for_timeout(100)
        assert painted(page, ".leaflet-outlines-pane canvas") > 500


def test_the_keyboard_is_enough(browser, run):
    with opened(browser, run.map_file) as page:
        page.focus("#search")
        page.keyboard.press("ArrowDown")
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Enter")
        assert page.locator("#card h2").inner_text() == run.clusters["name"][1]
        page.focus("#ranking-tab")
        page.keyboard.press("ArrowRight")
        page.keyboard.press("ArrowRight")
        assert page.locator("#about-panel").is_visible()
        assert "CC BY 4.0" in page.locator("#about-panel").inner_text()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_shows_map_list_and_card(browser, run, scheme):
    with opened(browser, run.map_file, size=PHONE, scheme=scheme) as page:
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert page.locator(".stage").bounding_box()["height"] > 280
        page.fill("#search", "basel")
        rows(page).first.locator("button").click()
        card = page.locator("#card").bounding_box()
        assert card["x"] >= 0
        assert card["x"] + card["width"] <= 390
        assert card["y"] + card["height"] <= 845
        page.get_by_role("button", name="Close").click()
        assert page.locator("#card").is_hidden()


def test_dark_and_light_differ(browser, run):
    def paper(scheme):
        with opened(browser, run.map_file, scheme=scheme) as page:
            return page.evaluate("getComputedStyle(document.body).backgroundColor")

    assert paper("light") == "rgb(255, 255, 255)"
    assert paper("dark") != paper("light")


@pytest.mark.parametrize("place", ["Basel", "Taveuni", "Longyearbyen"])
def test_a_cluster_page_draws_its_cells_and_links_back(browser, run, place):
    identifier = cluster_id(run, place)
    with opened(browser, run.folder / "clusters" / f"{identifier}.html") as page:
        counted = int((run.cells["cluster_id"] == identifier).sum())
        assert page.evaluate("geoclusters.page.cells.length") == counted
        assert painted(page, ".leaflet-overlay-pane canvas") > 5000
        assert page.locator("svg").count() == len(run.metrics)
        page.get_by_role("link", name="World map").first.click()
        page.wait_for_function("window.geoclusters && geoclusters.page")
        assert page.locator("#card h2").inner_text() == place


def test_a_cluster_page_fits_a_phone_and_leads_to_partners(browser, run):
    page_file = run.folder / "clusters" / f"{run.clusters['cluster_id'][0]}.html"
    with opened(browser, page_file, size=PHONE) as page:
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        partner = page.locator("section a").first
        name = partner.inner_text()
        partner.click()
        page.wait_for_function("window.geoclusters && geoclusters.page")
        assert page.locator("h1").inner_text() == name


def test_it_is_drawn_soon(browser, run):
    with opened(browser, run.map_file) as page:
        paints = page.evaluate("performance.getEntriesByType('paint').map(e => e.startTime)")
        assert min(paints) < 2000
