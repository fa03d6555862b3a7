"""The pages in a real browser with the network off: what people see, click and type."""

from __future__ import annotations

import itertools
import json
import re
import shutil

import pytest
import synthetic_run
from browsing import DESKTOP, PHONE, SIZES, opened, started

from geoclusters.pages.world import draw_world
from geoclusters.results import read_run

LONGEST_TASK_MS = 400


@pytest.fixture(scope="module")
def browser():
    with started() as launched:
        yield launched


@pytest.fixture(scope="module")
def run(drawn_world):
    return drawn_world


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


def shown_names(page):
    return page.eval_on_selector_all(
        "#ranking li:not([hidden]) .name bdi", "all => all.map((one) => one.textContent)"
    )


def settled(page):
    """Wait until no movement of the map is under way and its address is written."""
    page.wait_for_timeout(120)


def gone(page, steps):
    """Go through the history within the page; the browser's own way waits for a load that never comes."""
    page.evaluate(
        """(steps) => new Promise((done) => {
            addEventListener("popstate", () => setTimeout(done), { once: true });
            history.go(steps);
        })""",
        steps,
    )


def linked(page, fragment):
    """Follow a link within the page."""
    page.evaluate(
        """(fragment) => new Promise((done) => {
            addEventListener("popstate", () => setTimeout(done), { once: true });
            location.hash = fragment;
        })""",
        fragment,
    )


def fills(page):
    return page.evaluate("geoclusters.page.clusters.map((c) => c.circle.options.fillColor)")


@SIZES
def test_the_world_opens_offline_with_every_cluster(browser, run, size):
    with opened(browser, run.map_file, size=size) as page:
        assert page.evaluate("geoclusters.page.regions.getLayers().length") == len(run.clusters)
        outlines = "geoclusters.page.clusters.filter((c) => c.region.getLatLngs().length).length"
        assert page.evaluate(outlines) == len(run.clusters)
        assert rows(page).count() == len(run.clusters)
        assert synthetic_run.HOSTILE in page.locator("#ranking").inner_text()
        assert page.locator("#found").inner_text() == f"{len(run.clusters)} clusters"
        assert page.locator(".notice").is_visible()
        assert painted(page, ".leaflet-land-pane canvas") > 10_000
        assert painted(page, ".leaflet-noise-pane canvas") > 100
        assert painted(page, ".leaflet-overlay-pane canvas") > 500
        assert painted(page, ".leaflet-labels-pane canvas") > 500
        assert "#" not in page.url


@SIZES
def test_a_click_in_the_list_zooms_and_opens_the_card(browser, run, size):
    with opened(browser, run.map_file, size=size) as page:
        before = page.evaluate("geoclusters.page.map.getZoom()")
        rows(page).nth(10).locator("button").click()
        row = run.clusters.iloc[10]
        page.locator("#card h2").wait_for()
        card = page.locator("#card")
        assert page.locator("#card h2").inner_text() == row["name"]
        for said in ("Rank 11 of", "estimate from the places table", "Main partners", "km²"):
            assert said in card.inner_text()
        assert page.evaluate("geoclusters.page.map.getZoom()") > before + 3
        centre = page.evaluate("(c => [c.lat, c.lng])(geoclusters.page.map.getCenter())")
        assert centre == pytest.approx([row["lat"], row["lon"]], abs=1.5)
        assert f"#cluster={row['cluster_id']}" in page.url
        page.keyboard.press("Escape")
        assert card.is_hidden()
        assert page.evaluate("document.activeElement.textContent").startswith("Rank 11")
        gone(page, -1)
        page.locator("#card h2").wait_for()


def test_the_card_names_organisations_fields_and_shares_of_economies(browser, run):
    chosen = f"#cluster={cluster_id(run, 'Basel')}"
    with opened(browser, run.map_file, fragment=chosen) as page:
        said = page.locator("#card").inner_text()
        for name in ("Örsted A/S", synthetic_run.HOSTILE, "Batteries & <b>cells</b>"):
            assert name in said
        assert re.search(r"Switzerland\s+57\.1 %\s+Germany\s+28\.6 %\s+France\s+14\.3 %", said)
        widths = page.eval_on_selector_all(
            "#card .stacked .bar i", "all => all.map((i) => i.style.width)"
        )
        assert widths == ["57.1%", "28.6%", "14.3%"]


def test_search_ignores_accents_and_case(browser, run):
    with opened(browser, run.map_file) as page:
        for typed, found in (
            ("zurich", "Zürich"),
            ("KOBENHAVN", "København\u2013Malmö"),
            ("sao paulo", "São Paulo"),
            ("hong kong shen", "Shenzhen\u2013Hong Kong\u2013Guangzhou"),
        ):
            page.fill("#search", typed)
            assert shown_names(page) == [found]
            assert page.locator("#found").inner_text() == f"1 of {len(run.clusters)} clusters"
        page.fill("#search", "namibia")
        assert shown_names(page) == ["Windhoek"]
        page.fill("#search", "nowhere at all")
        assert rows(page).count() == 0
        page.get_by_role("button", name="Show all clusters").click()
        assert rows(page).count() == len(run.clusters)
        assert page.locator("#search").input_value() == ""


def test_the_list_is_ordered_by_any_quantity(browser, run):
    clusters = run.clusters
    with opened(browser, run.map_file) as page:
        for key, column in (
            ("intensity", "intensity"),
            ("population", "population"),
            ("vc_deals", "share_vc_deals"),
            ("score", "score"),
        ):
            page.select_option("#order", key)
            order = clusters.sort_values([column, "rank"], ascending=[False, True])
            ranks = page.eval_on_selector_all(
                "#ranking .rank", "all => all.map((one) => Number(one.textContent.slice(5)))"
            )
            assert ranks == order["rank"].tolist()
        page.select_option("#order", "name")
        names = [n.lower() for n in shown_names(page) if n.isascii() and n[0].isalpha()]
        assert names == sorted(names)


@SIZES
def test_an_economy_has_also_what_it_shares_with_others(browser, run, size):
    with opened(browser, run.map_file, size=size) as page:
        for code, names in (
            ("DE", {"Basel", "München"}),
            ("FR", {"Basel", "Paris"}),
            ("CH", {"Basel", "Zürich"}),
            (synthetic_run.HOSTILE, {synthetic_run.HOSTILE}),
        ):
            page.select_option("#economy", code)
            assert set(shown_names(page)) == names
            assert page.locator("#found").inner_text().startswith(f"{len(names)} of ")
            pale = page.evaluate(
                "geoclusters.page.clusters.filter((c) => c.circle.options.fillOpacity < 0.2).length"
            )
            assert pale == len(run.clusters) - len(names)
        page.fill("#search", "Tokyo")
        assert page.locator("#none").is_visible()


def test_a_link_restores_the_selection_at_the_ends_of_the_world(browser, run):
    with opened(browser, run.map_file) as page:
        for place in ("Taveuni", "Longyearbyen", "Apia"):
            linked(page, f"#cluster={cluster_id(run, place)}")
            assert page.locator("#card h2").inner_text() == place
            view = page.evaluate(
                "(b => [b.getWest(), b.getEast()])(geoclusters.page.map.getBounds())"
            )
            assert view[1] - view[0] < 5
            assert page.locator("#ranking [aria-current]").count() == 1


def test_an_unknown_link_shows_the_world(browser, run):
    with opened(browser, run.map_file, fragment="#cluster=<script>alert(1)</script>") as page:
        assert page.locator("#card").is_hidden()
        assert "cluster <script>alert(1)</script>" in page.locator("#missing").inner_text()
        rows(page).first.locator("button").click()
        assert page.locator("#missing").is_hidden()


def test_hostile_names_are_shown_and_not_run(browser, run):
    with opened(browser, run.map_file) as page:
        for name in (synthetic_run.HOSTILE, synthetic_run.TEMPLATE):
            linked(page, f"#cluster={cluster_id(run, name)}")
            assert page.locator("#card h2").inner_text() == name
            box = page.locator(".stage").bounding_box()
            page.mouse.move(box["x"] + box["width"] / 2 + 145, box["y"] + box["height"] / 2)
            page.locator(".tip bdi").get_by_text(name, exact=True).wait_for()
            assert page.locator("img").count() == 0
            page.mouse.move(1, 1)


def test_an_endless_name_does_not_break_the_page(browser, run):
    with opened(
        browser, run.map_file, fragment=f"#cluster={run.clusters['cluster_id'].iloc[-1]}"
    ) as page:
        card, legend = (page.locator(f"#{i}").bounding_box() for i in ("card", "legend"))
        assert card["y"] + card["height"] < legend["y"]
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@SIZES
def test_layers_switch_what_is_drawn(browser, run, size):
    with opened(browser, run.map_file, size=size) as page:
        page.get_by_role("tab", name="Layers").click()
        page.get_by_label("Activity outside the clusters").uncheck()
        assert page.locator(".leaflet-noise-pane canvas").count() == 0
        page.get_by_label("Clusters beyond").uncheck()
        top = run.run["settings"]["top"]
        assert page.evaluate("geoclusters.page.regions.getLayers().length") == top
        land = painted(page, ".leaflet-labels-pane canvas")
        page.get_by_label("Ranks and names").uncheck()
        assert page.locator(".leaflet-labels-pane canvas").count() == 0 < land
        by_score = fills(page)
        for name in ("Patents", "VC deals", "Intensity"):
            page.get_by_label(name, exact=True).check()
            assert page.locator("#legend strong").inner_text() == name
        assert fills(page) != by_score
        assert "per million" in page.locator("#legend").inner_text()
        page.evaluate(
            "geoclusters.legend({ label: 'Fine', breaks: [0.001, 0.003, 0.012, 0.03], factor: 1 })"
        )
        limits = page.eval_on_selector_all(
            "#legend .limit:not(:empty)",
            "all => all.map((one) => one.getBoundingClientRect()).map(({ left, right }) => [left, right])",
        )
        assert all(a[1] < b[0] for a, b in itertools.pairwise(limits))


@pytest.mark.parametrize(("size", "scheme"), [(DESKTOP, "light"), (PHONE, "dark")])
def test_the_density_shows_why_a_cluster_is_where_it_is(browser, run, size, scheme):
    fragment = f"#cluster={cluster_id(run, 'Paris')}"
    with opened(browser, run.map_file, fragment=fragment, size=size, scheme=scheme) as page:
        assert page.locator(".leaflet-relief-pane canvas").count() == 0
        page.keyboard.press("Escape")
        page.get_by_role("tab", name="Layers").click()
        page.get_by_label("Density").check()
        settled(page)
        legend = page.locator("#legend").inner_text()
        for said in ("within 15 km", "threshold: 0.05 % of the world", "1/30"):
            assert said in legend
        middle = """() => {
            const { map, clusters } = geoclusters.page, paris = clusters.find((c) => c.name === "Paris");
            const canvas = document.querySelector(".leaflet-relief-pane canvas"), own = canvas.getBoundingClientRect();
            const base = map.getContainer().getBoundingClientRect(), ratio = canvas.width / own.width;
            const at = map.latLngToContainerPoint([paris.lat, paris.lon]);
            const x = (base.x + at.x - own.x) * ratio, y = (base.y + at.y - own.y) * ratio;
            return [...canvas.getContext("2d").getImageData(x, y, 1, 1).data];
        }"""
        colour = page.evaluate("geoclusters.colour('relief-6')")
        expected = [int(colour[i : i + 2], 16) for i in (1, 3, 5)] + [255]
        assert page.evaluate(middle) == expected
        assert page.evaluate(
            "geoclusters.page.clusters.every((c) => c.region.options.fillOpacity === 0)"
        )


def test_links_are_arcs_with_partners_and_counts(browser, run):
    chosen = cluster_id(run, "Tokyo\u2013Yokohama")
    with opened(browser, run.map_file, fragment=f"#cluster={chosen}") as page:
        index = run.clusters["cluster_id"].tolist().index(chosen)
        partners = page.evaluate(f"geoclusters.page.partners[{index}]")
        links = run.links.dropna(subset=["cluster_b"])
        own = links[(links["cluster_a"] == chosen) | (links["cluster_b"] == chosen)]
        assert len(partners) == len(own)
        assert [p["documents"] for p in partners] == sorted(own["documents"], reverse=True)
        drawn = min(len(own), 15)
        assert page.locator(".leaflet-links-pane .arc").count() == drawn
        page.get_by_role("button", name="Show the links on the map").click()
        settled(page)
        assert page.evaluate("geoclusters.page.map.getZoom()") < 4
        first = page.locator(".partners button").first
        name = first.inner_text()
        first.click()
        assert page.locator("#card h2").inner_text() == name
        page.keyboard.press("Escape")
        assert page.locator(".leaflet-links-pane .arc").count() == 0


def test_an_arc_tells_its_partner(browser, run):
    fragment = f"#cluster={cluster_id(run, 'London')}&view=2/40/20"
    with opened(browser, run.map_file, fragment=fragment) as page:
        box = page.evaluate("""() => {
            const lines = [...document.querySelectorAll(".leaflet-links-pane .arc-broad")];
            const at = lines.map((line) => line.getPointAtLength(line.getTotalLength() / 2)
                .matrixTransform(line.getScreenCTM())).map(({ x, y }) => [x, y]);
            return at.find(([x, y]) => document.elementFromPoint(x, y)?.classList.contains("arc-broad"));
        }""")
        page.mouse.move(*box)
        tip = page.locator(".tip").inner_text()
        assert "London" in tip
        assert "documents with an address in both" in tip
        page.mouse.click(*box)
        assert page.locator("#card h2").inner_text() != "London"


def test_arcs_are_the_shortest_way_also_over_the_date_line(browser, run):
    with opened(browser, run.map_file) as page:
        way = "([a, b]) => geoclusters.greatCircle({ lat: a[0], lon: a[1] }, { lat: b[0], lon: b[1] })"
        for start, end, pieces in (
            ([35.7, 139.7], [37.4, -122.1], 2),
            ([37.4, -122.1], [35.7, 139.7], 2),
            ([51.5, 0.0], [48.9, 2.3], 1),
            ([-16.9, 179.9], [-13.8, 188.2], 1),
            ([10.0, 20.0], [10.0, 20.0], 1),
        ):
            drawn = page.evaluate(way, [start, end])
            assert len(drawn) == pieces
            for piece in drawn:
                jumps = [abs(b[1] - a[1]) for a, b in zip(piece, piece[1:], strict=False)]
                assert max(jumps) < 20
                assert all(-169.001 <= lon <= 191.001 and abs(lat) <= 90 for lat, lon in piece)
            assert drawn[0][0] == pytest.approx(start)
            assert drawn[-1][-1] == pytest.approx(end)
            if pieces == 2:
                assert drawn[0][-1][0] == pytest.approx(drawn[1][0][0])
                assert {round(drawn[0][-1][1]), round(drawn[1][0][1])} == {-169, 191}


@SIZES
def test_a_link_restores_view_choice_and_layers(browser, run, size):
    with opened(browser, run.map_file, size=size) as page:
        page.select_option("#order", "population")
        page.select_option("#economy", "CH")
        page.get_by_role("tab", name="Layers").click()
        page.get_by_label("Activity outside the clusters").uncheck()
        page.get_by_label("Publications", exact=True).check()
        page.get_by_role("tab", name="Ranking").click()
        rows(page).first.locator("button").click()
        page.evaluate("geoclusters.page.map.setView([46.5, 8.25], 6.5, { animate: false })")
        settled(page)
        sent = "#" + page.url.split("#")[1]
    with opened(browser, run.map_file, size=size, fragment=sent) as page:
        assert page.locator("#card h2").inner_text() == "Basel"
        assert page.locator("#order").input_value() == "population"
        assert shown_names(page) == ["Basel", "Zürich"]
        assert "Publications" in page.locator("#legend").inner_text()
        assert page.locator(".leaflet-noise-pane canvas").count() == 0
        view = page.evaluate(
            "(m => [m.getZoom(), m.getCenter().lat, m.getCenter().lng])(geoclusters.page.map)"
        )
        assert view == pytest.approx([6.5, 46.5, 8.25], abs=0.01)
        assert "#" + page.url.split("#")[1] == sent


@SIZES
def test_the_way_back_goes_through_what_was_chosen(browser, run, size):
    with opened(browser, run.map_file, size=size) as page:
        home = page.evaluate("geoclusters.page.map.getZoom()")
        for place in (0, 5):
            rows(page).nth(place).locator("button").click()
            settled(page)
            page.evaluate(
                f"geoclusters.page.map.panBy([{40 * (place + 1)}, 30], {{ animate: false }})"
            )
            settled(page)
            if size == PHONE:
                page.evaluate("document.getElementById('card').scrollTop = 0")
                if place == 0:
                    page.get_by_role("button", name="Close").click()
        centre = "(c => [c.lat, c.lng])(geoclusters.page.map.getCenter())"
        last = page.evaluate(centre)
        gone(page, -1)
        if size == PHONE:
            assert page.locator("#card").is_hidden()
            gone(page, -1)
        assert page.locator("#card h2").inner_text() == run.clusters["name"][0]
        gone(page, -1)
        assert page.locator("#card").is_hidden()
        assert page.evaluate("geoclusters.page.map.getZoom()") == home
        for _ in range(3 if size == PHONE else 2):
            gone(page, 1)
        assert page.locator("#card h2").inner_text() == run.clusters["name"][5]
        assert page.evaluate(centre) == pytest.approx(last, abs=0.01)


BROKEN = (
    "#cluster=%3Cimg%20src=x%20onerror=alert(1)%3E&shade=__proto__&economy=zz&sort=constructor",
    "#view=NaN/1e999/x&show=..&cluster=",
    "#view=4/95/10",
    "#view=99/10/10&show=tiles.noise",
    "#%E0%A4%A=",
)


def test_a_broken_link_shows_the_world(browser, run):
    with opened(browser, run.map_file, fragment=BROKEN[0]) as page:
        for fragment in (*BROKEN[1:], BROKEN[0]):
            assert page.locator("#card").is_hidden()
            assert rows(page).count() == len(run.clusters)
            assert "Score" in page.locator("#legend").inner_text()
            assert 0 <= page.evaluate("geoclusters.page.map.getZoom()") <= 13
            linked(page, fragment)


def test_cells_come_when_one_is_near(browser, run):
    with opened(browser, run.map_file) as page:
        assert page.locator(".leaflet-outlines-pane canvas").count() == 0
        rows(page).nth(0).locator("button").click()
        page.wait_for_function("geoclusters.page.map.getZoom() > 7")
        page.wait_for_timeout(100)
        assert painted(page, ".leaflet-outlines-pane canvas") > 500


def test_the_keyboard_is_enough(browser, run):
    with opened(browser, run.map_file) as page:
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip"
        page.keyboard.press("Enter")
        page.focus("#search")
        for key in ("ArrowDown", "End", "Home", "ArrowDown", "Enter"):
            page.keyboard.press(key)
        assert page.locator("#card h2").inner_text() == run.clusters["name"][1]
        assert page.evaluate("document.activeElement.tagName") == "H2"
        for _ in range(3):
            page.keyboard.press("Tab")
        ring = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert ring == "solid"
        page.keyboard.press("Escape")
        assert page.evaluate("document.activeElement.closest('li') !== null")
        page.keyboard.press("ArrowUp")
        page.keyboard.press("ArrowUp")
        assert page.evaluate("document.activeElement.id") == "search"
        page.focus("#ranking-tab")
        page.keyboard.press("ArrowRight")
        page.keyboard.press("ArrowRight")
        assert page.locator("#about-panel").is_visible()
        assert "CC BY 4.0" in page.locator("#about-panel").inner_text()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_shows_map_list_and_card(browser, run, scheme):
    with opened(browser, run.map_file, size=PHONE, scheme=scheme) as page:
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        stage = page.locator(".stage").bounding_box()
        assert stage["height"] > 280
        page.fill("#search", "basel")
        rows(page).first.locator("button").click()
        card = page.locator("#card").bounding_box()
        assert card["x"] >= 0
        assert card["x"] + card["width"] <= 390
        assert card["y"] + card["height"] <= 845
        assert card["y"] - stage["y"] > 280
        page.get_by_role("button", name="Close").click()
        assert page.locator("#card").is_hidden()


def test_the_sheet_of_a_phone_gives_room_to_the_map(browser, run):
    with opened(browser, run.map_file, size=PHONE) as page:
        height = "document.querySelector('.stage').clientHeight"
        half = page.evaluate(height)
        grip = page.locator("#grip")
        grip.click()
        assert page.evaluate(height) > half + 200
        assert grip.get_attribute("aria-expanded") == "false"
        page.get_by_role("tab", name="Ranking").click()
        assert page.evaluate(height) == half
        grip.press("ArrowUp")
        assert 60 < page.evaluate(height) < half
        box = grip.bounding_box()
        page.mouse.move(box["x"] + 190, box["y"] + 8)
        page.mouse.down()
        page.mouse.move(box["x"] + 190, 440, steps=4)
        page.mouse.up()
        assert page.evaluate(height) == half
        assert painted(page, ".leaflet-land-pane canvas") > 10_000


CONTRASTS = """() => Array.from({ length: 7 }, (_, i) => {
    const light = (hex) => hex.match(/\\w\\w/g).map((part) => parseInt(part, 16) / 255)
        .map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
        .reduce((sum, v, k) => sum + [0.2126, 0.7152, 0.0722][k] * v, 0.05);
    const fill = geoclusters.colour(`ramp-${i}`), pair = [light(fill), light(geoclusters.ink(fill))];
    return Math.max(...pair) / Math.min(...pair);
})"""


def test_dark_and_light_differ_and_numbers_can_be_read_in_both(browser, run):
    papers = []
    with opened(browser, run.map_file) as page:
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            papers.append(page.evaluate("getComputedStyle(document.body).backgroundColor"))
            assert min(page.evaluate(CONTRASTS)) >= 4
    assert papers[0] == "rgb(255, 255, 255)" != papers[1]


def assert_it_prints_on_a_sheet(page):
    """Wide as A4 within its margins, on a dark screen: dark text, nothing cut off, all put back afterwards."""
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print", color_scheme="dark")
    page.set_viewport_size({"width": 695, "height": 900})
    for selector in (".stage", "table.measures", ".stacked .bar"):
        box = page.locator(selector).first.bounding_box()
        assert 400 < box["width"] <= 695 - box["x"]
    ink = page.evaluate("getComputedStyle(document.body).color")
    assert max(map(int, re.findall(r"\d+", ink))) < 80
    assert page.evaluate("getComputedStyle(document.body).printColorAdjust") == "exact"
    page.set_viewport_size(DESKTOP)
    page.emulate_media(media="screen", color_scheme="light")
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.locator(".stage").get_attribute("style") is None


@pytest.mark.parametrize("place", ["Basel", "Taveuni", "Longyearbyen"])
def test_a_cluster_page_draws_its_cells_and_links_back(browser, run, place):
    identifier = cluster_id(run, place)
    with opened(browser, run.folder / "clusters" / f"{identifier}.html") as page:
        counted = int((run.cells["cluster_id"] == identifier).sum())
        assert page.evaluate("geoclusters.page.cells.length") == counted
        assert painted(page, ".leaflet-overlay-pane canvas") > 5000
        assert page.locator("svg").count() == len(run.metrics)
        if place != "Basel":
            return
        assert_it_prints_on_a_sheet(page)
        page.get_by_role("link", name="World map").first.click()
        page.wait_for_function("window.geoclusters && geoclusters.page")
        assert page.locator("#card h2").inner_text() == place


LABELS_AND_THOSE_COVERED = """() => {
    const labels = document.querySelector(".leaflet-labels-pane canvas"), frame = labels.getBoundingClientRect();
    const copy = Object.assign(document.createElement("canvas"), { width: labels.width, height: labels.height });
    const context = copy.getContext("2d", { willReadFrequently: true }), scale = labels.width / frame.width;
    context.drawImage(labels, 0, 0);
    const painted = (...box) => {
        const data = context.getImageData(...box.map((value) => Math.round(value * scale))).data;
        return data.filter((value, i) => i % 4 === 3 && value > 0).length;
    };
    const over = [...document.querySelectorAll(".legend, .switch, .leaflet-control")];
    const boxes = over.map((e) => e.getBoundingClientRect());
    const covered = boxes.map((box) => painted(box.left - frame.left, box.top - frame.top, box.width, box.height));
    const map = geoclusters.page.map.getContainer().getBoundingClientRect();
    const top = painted(map.left - frame.left, map.top - frame.top, map.width, 1);
    return [painted(0, 0, frame.width, frame.height), Math.max(top, ...covered), covered.length];
}"""


def test_no_name_is_written_under_the_legend_or_a_control_or_across_an_edge(browser, run):
    file = run.folder / "clusters" / f"{cluster_id(run, 'Basel')}.html"
    with opened(browser, file) as page:
        for x, y in itertools.product((-40, 0, 40), (-30, 0, 30)):
            page.evaluate(f"geoclusters.page.map.panBy([{x}, {y}], {{ animate: false }})")
            painted, covered, controls = page.evaluate(LABELS_AND_THOSE_COVERED)
            assert painted > 500
            assert controls == 4  # legend, switch, zoom, scale
            assert covered == 0


def test_a_cluster_page_fits_a_phone_and_leads_to_partners(browser, run):
    page_file = run.folder / "clusters" / f"{run.clusters['cluster_id'][0]}.html"
    with opened(browser, page_file, size=PHONE) as page:
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        partner = page.locator("section a").first
        name = partner.inner_text()
        partner.click()
        page.wait_for_function("window.geoclusters && geoclusters.page")
        assert page.locator("h1").inner_text() == name


WATCH = """
window.long = [];
new PerformanceObserver((list) => { for (const task of list.getEntries()) long.push(task.duration); })
    .observe({ type: "longtask", buffered: true });
"""


@pytest.fixture(scope="module")
def crowded(tmp_path_factory):
    """A run with so many cells outside the clusters that a map has enough to draw."""
    result = synthetic_run.write_run(
        tmp_path_factory.mktemp("crowded"), noise_cells=20_000, centres=synthetic_run.CENTRES[:12]
    )
    result.run["settings"]["min_density"] = 1e-4
    draw_world(result, ())
    return result


def longest_task_of_a_drag(page):
    """Pull the map to and fro; a long task of the browser is one during which it does not answer."""
    page.evaluate("long.length = 0")
    for turn in range(4):
        page.mouse.move(700, 500)
        page.mouse.down()
        for step in range(1, 11):
            page.mouse.move(700 + (25 if turn % 2 else -25) * step, 500 + 6 * step)
        page.mouse.up()
        page.wait_for_timeout(150)
    return max(page.evaluate("long"), default=0)


def test_it_is_drawn_soon_and_answers_while_it_is_moved(browser, crowded):
    """Zoom 4 with every dot and the density surface on; what other programs held up is tried again."""
    fragment = "#shade=density&view=4/48/9"
    with opened(browser, crowded.map_file, fragment=fragment, before=WATCH) as page:
        paints = page.evaluate("performance.getEntriesByType('paint').map(e => e.startTime)")
        assert min(paints) < 2000
        attempts = []
        while not attempts or (min(attempts) >= LONGEST_TASK_MS and len(attempts) < 4):
            attempts.append(longest_task_of_a_drag(page))
        assert min(attempts) < LONGEST_TASK_MS, attempts
        assert painted(page, ".leaflet-relief-pane canvas") > 5000
        assert painted(page, ".leaflet-noise-pane canvas") > 5000


def test_tiles_come_from_the_network_only_when_they_are_chosen(browser, run, tmp_path):
    """A page with the layer, online: a server that stands in for OpenStreetMap's is asked, no other."""
    picture = bytes.fromhex(
        "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de"
        "0000000c4944415408d763f8ffff3f0005fe02fea735816e0000000049454e44ae426082"
    )
    own = read_run(shutil.copytree(run.folder, tmp_path / "run"))
    draw_world(own, (), tiles=True)
    context = browser.new_context(viewport=DESKTOP)
    asked = []
    context.route(
        re.compile("^https?:"),
        lambda route: (
            asked.append(route.request.url),
            route.fulfill(body=picture, content_type="image/png"),
        ),
    )
    page = context.new_page()
    page.goto(own.map_file.as_uri() + "#show=tiles")
    page.wait_for_function("window.geoclusters && geoclusters.page")
    page.get_by_role("tab", name="Layers").click()
    page.wait_for_timeout(100)
    assert asked == []
    with page.expect_request(re.compile("tile")):
        page.get_by_label("OpenStreetMap").check()
    assert (
        page.locator(".leaflet-control-attribution").inner_text() == "© OpenStreetMap contributors"
    )
    assert page.locator(".leaflet-land-pane canvas").count() == 0
    page.get_by_label("OpenStreetMap").uncheck()
    assert page.locator(".leaflet-land-pane canvas").count() == 1
    assert all(url.startswith("https://tile.openstreetmap.org/") for url in asked)
    context.close()
    plain = run.map_file.read_text(encoding="utf-8")
    assert "tile.openstreetmap.org" not in plain
    data = json.loads(re.search(r'id="data">(.*?)</script>', plain, re.DOTALL).group(1))
    assert data["tiles"] is None
