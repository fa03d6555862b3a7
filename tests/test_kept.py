"""What every run draws alike: made once for an installation, and anew when what it depends on has changed."""

from __future__ import annotations

import sys

import pytest

from geoclusters.pages import embedding, kept


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    monkeypatch.setattr(sys, "pycache_prefix", str(tmp_path))
    return kept.kept_folder()


def counted():
    """A function that is kept, and the calls of what makes its content."""
    calls = []

    def drawn():
        calls.append(1)
        return {"name": "Zürich", "xy": [1, 2.5]}

    return drawn, calls


def test_what_is_kept_is_made_once(folder):
    drawn, calls = counted()
    first, again = kept.kept(drawn)(), kept.kept(drawn)()
    assert first == again == drawn()
    assert len(calls) == 2
    assert [file.name for file in folder.iterdir()] == ["drawn.json"]


def test_it_is_made_anew_when_what_it_depends_on_has_changed(folder, monkeypatch):
    drawn, calls = counted()
    kept.kept(drawn)()
    monkeypatch.setattr(kept, "_key", lambda: "of other code")
    kept.kept(drawn)()
    kept.kept(drawn)()
    assert len(calls) == 2


@pytest.mark.parametrize("text", ["", "[]", '{"key": 1}', "\x00"])
def test_a_damaged_file_does_no_harm(folder, text):
    drawn, calls = counted()
    kept.kept(drawn)()
    (folder / "drawn.json").write_text(text)
    assert kept.kept(drawn)() == {"name": "Zürich", "xy": [1, 2.5]}
    assert len(calls) == 2


def test_nothing_is_kept_where_python_keeps_no_modules(folder, monkeypatch):
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    drawn, calls = counted()
    kept.kept(drawn)()
    kept.kept(drawn)()
    assert len(calls) == 2
    assert not list(folder.iterdir())


def test_the_key_holds_the_code_the_tables_and_the_libraries(monkeypatch):
    found = {kept._key.__wrapped__()}
    for name, parts in (("_PARTS", kept._PARTS), ("_LIBRARIES", kept._LIBRARIES)):
        for part in parts:
            with monkeypatch.context() as changed:
                changed.setattr(kept, name, tuple(p for p in parts if p != part))
                found.add(kept._key.__wrapped__())
    assert len(found) == 1 + len(kept._PARTS) + len(kept._LIBRARIES)


def test_the_kept_map_is_the_one_that_folium_draws(folder):
    drawn = embedding.drawn_by_folium.__wrapped__
    assert kept.kept(drawn)() == kept.kept(drawn)() == drawn()
