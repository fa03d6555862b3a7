"""The pages on formats: the studies that they show are studies, and what they say of options is so."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

import geoclusters as gc
from geoclusters.addresses.sources import find_format

FOLDER = Path(__file__).parent.parent / "docs" / "formats"
PAGES = {
    "crunchbase.md": ["crunchbase"],
    "bibliographic.md": ["wos", "scopus", "dimensions", "lens"],
}


def text_of(page):
    return (FOLDER / page).read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES)
def test_studies_on_the_pages_are_studies(page):
    examples = re.findall(r"```toml\n(.*?)```", text_of(page), flags=re.DOTALL)
    formats = set()
    for example in examples:
        study = gc.make_study(tomllib.loads(example))
        for source in study.sources:
            found = find_format(source.format)
            found.options_of(source.request([]))
            formats.add(found.name)
    assert formats == set(PAGES[page])


@pytest.mark.parametrize("page", PAGES)
def test_every_option_is_on_its_page(page):
    text = text_of(page)
    for name in PAGES[page]:
        for option in find_format(name).options.model_fields:
            assert f"| `{option}` |" in text, (name, option)
