"""Runs axe-core, the accessibility engine, in a page that is open."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

import pytest

WEIGHTY = ("serious", "critical")


@cache
def engine():
    """Read the engine, which a package for tests carries."""
    pytest.importorskip("axe_playwright_python")
    return (files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8")


def findings(page, rules=None):
    """List what axe-core finds serious or critical by all rules, or by those named."""
    # Nothing is fetched: pages opened from disk may not read their own style sheets.
    if not page.evaluate("typeof axe === 'object'"):
        page.evaluate(engine())
    options = {"resultTypes": ["violations"], "preload": False} | (
        {"runOnly": rules} if rules else {}
    )
    found = page.evaluate("(options) => axe.run(document, options)", options)
    assert found["passes"] or found["violations"]
    return [
        f"{violation['id']} ({violation['impact']}): {node['html'][:160]}: {node['failureSummary']}"
        for violation in found["violations"]
        if violation["impact"] in WEIGHTY
        for node in violation["nodes"]
    ]


def findings_of_both_schemes(page):
    """List the same in light and in dark; the theme changes nothing but the contrasts."""
    page.emulate_media(color_scheme="light")
    found = [f"light: {finding}" for finding in findings(page)]
    page.emulate_media(color_scheme="dark")
    return found + [f"dark: {finding}" for finding in findings(page, ["color-contrast"])]
