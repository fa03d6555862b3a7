"""Nothing serious is found in any page by axe-core, large and small, light and dark."""

from __future__ import annotations

import pytest
import synthetic_run
from axe import findings, findings_of_both_schemes
from browsing import SIZES, opened, started

from geoclusters.pages import draw_pages


@pytest.fixture(scope="module")
def browser():
    with started() as launched:
        yield launched


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    result = synthetic_run.write_run(
        tmp_path_factory.mktemp("run"), noise_cells=200, centres=synthetic_run.CENTRES[:13]
    )
    result.run["settings"]["top"] = 9
    draw_pages(result)
    return result


@SIZES
def test_the_world_map_and_all_that_opens_in_it(browser, run, size):
    chosen = run.clusters["cluster_id"][run.clusters["name"].tolist().index("Basel")]
    fragment = f"#cluster={chosen}&shade=density&economy=CH&sort=population"
    with opened(browser, run.map_file, size=size, fragment=fragment) as page:
        assert page.locator("#card").is_visible()
        assert findings_of_both_schemes(page) == []
        page.keyboard.press("Escape")
        page.locator("#layers-tab").click()
        assert findings_of_both_schemes(page) == []
        page.locator("#about-tab").click()
        assert findings(page) == []


@SIZES
@pytest.mark.parametrize("kind", ["cluster", "report"])
def test_the_other_pages(browser, run, size, kind):
    page_file = {
        "cluster": run.folder / "clusters" / f"{run.clusters['cluster_id'][1]}.html",
        "report": run.folder / "report.html",
    }[kind]
    if not page_file.is_file():
        pytest.skip(f"this run has no {page_file.name}")
    with opened(browser, page_file, size=size, ready=None) as page:
        page.wait_for_load_state("load")
        assert findings_of_both_schemes(page) == []


def test_the_engine_finds_what_is_wrong(browser, tmp_path):
    wrong = tmp_path / "wrong.html"
    wrong.write_text(
        "<html lang=en><title>x</title><main><h1>x</h1><p style='color:#ccc'>pale</p>"
        "<img src='data:,'><button></button>",
        encoding="utf-8",
    )
    with opened(browser, wrong, ready=None) as page:
        found = " ".join(findings(page))
    assert all(rule in found for rule in ("color-contrast", "image-alt", "button-name"))
