"""What README and docs say is what the code does."""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

import pytest

import geoclusters as gc
from geoclusters.settings import Method

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_columns_are_written_down_as_they_are(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    import document_columns

    monkeypatch.delitem(sys.modules, "document_columns")
    assert document_columns.TARGET.read_text(encoding="utf-8") == document_columns.text()


def test_the_study_in_the_readme_is_a_study():
    (example,) = re.findall(r"```toml\n(.*?)```", README, flags=re.DOTALL)
    study = gc.make_study(tomllib.loads(example))
    assert study.metrics


def test_the_settings_table_has_every_setting_with_its_default():
    rows = dict(re.findall(r"^\| `(\w+)` \| ([^|]+) \|", README, flags=re.MULTILINE))
    method = Method()
    for name, field in Method.model_fields.items():
        assert name in rows, name
        default = field.get_default(call_default_factory=True)
        shown = rows[name].strip().strip("`")
        if name == "min_density":
            assert float(shown.split(",")[0]) == method.min_density_value
        elif isinstance(default, bool):
            assert shown == str(default).lower()
        elif isinstance(default, int | float):
            assert float(shown) == default
        elif isinstance(default, str):
            assert shown == f'"{default}"'


@pytest.mark.parametrize(
    "page", ["README.md", "CONTRIBUTING.md", "data/README.md", "data/studies/README.md"]
)
def test_links_between_files_lead_somewhere(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    for target in re.findall(r"\]\((?!http|#)([^)#]+)", text):
        assert ((ROOT / page).parent / target).exists(), target


def test_commands_of_the_readme_exist():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in set(re.findall(r"`?make ([a-z]+)", README)):
        assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE), target
