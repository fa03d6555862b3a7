"""Opens pages in a real browser with the network off, for whatever tests pages."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager

import pytest

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
    # A page that still scrolls after a key moves away from under the click that follows.
    "--disable-smooth-scrolling",
]
DESKTOP, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}
SIZES = pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])

READY = "window.geoclusters && geoclusters.page"


def chromium():
    """Find the browser; where a run of the tests must be complete, its absence is a failure."""
    path = os.environ.get("GEOCLUSTERS_CHROMIUM") or shutil.which("chromium")
    if path:
        return path
    reason = "no browser: install chromium, or name one in GEOCLUSTERS_CHROMIUM"
    if os.environ.get("CI", "").lower() == "true":
        pytest.fail(reason)
    return pytest.skip(reason)


@contextmanager
def started():
    """Start the browser."""
    playwright = pytest.importorskip("playwright.sync_api")
    path = chromium()
    with playwright.sync_playwright() as driver:
        launched = driver.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield launched
        launched.close()


@contextmanager
def opened(browser, file, *, fragment="", size=DESKTOP, scheme="light", before=None, ready=READY):
    """Open a page; afterwards no network was asked, nothing complained, nothing popped up."""
    context = browser.new_context(
        viewport=size, offline=True, color_scheme=scheme, reduced_motion="reduce"
    )
    page = context.new_page()
    if before:
        page.add_init_script(before)
    requests, complaints = [], []
    page.on("request", lambda r: requests.append(r.url))
    page.on("console", lambda m: complaints.append(m.text) if m.type != "log" else None)
    page.on("pageerror", lambda e: complaints.append(str(e)))
    page.on("dialog", lambda d: (complaints.append(f"dialog: {d.message}"), d.dismiss()))
    page.goto(file.as_uri() + fragment)
    if ready:
        page.wait_for_function(ready)
    try:
        yield page
        page.wait_for_timeout(50)
        assert [r for r in requests if not r.startswith(("file:", "data:", "blob:"))] == []
        assert complaints == []
    finally:
        context.close()
