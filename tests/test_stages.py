"""Finished steps: done once for a key, done again for another, and not taken for finished before their key is known."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from geoclusters.stages import Stages


@pytest.fixture
def made():
    return []


@pytest.fixture
def make(made):
    def make(part):
        made.append(part)
        (part / "found.txt").write_text("found", encoding="utf-8")
        return {"n": len(made)}

    return make


def test_a_step_is_done_once_for_a_key(tmp_path, make, made):
    for key, n in (("a", 1), ("a", 1), ("b", 2)):
        assert Stages(tmp_path).once("step", lambda key=key: key, make) == {"n": n}
    assert len(made) == 2


def test_the_key_may_become_known_after_the_step(tmp_path, make):
    known, state = Event(), Stages(tmp_path)

    def key():
        assert known.wait(60)
        return "a"

    with ThreadPoolExecutor(1) as beside:
        assert state.once("step", key, make, beside=beside) == {"n": 1}
        assert (state.path("step") / "found.txt").exists()
        assert state.facts("step") is None  # killed now, the step is done again
        known.set()
    assert Stages(tmp_path).once("step", lambda: "a", make) == {"n": 1}


def test_a_step_whose_key_never_became_known_is_done_again(tmp_path, make, made):
    def key():
        raise OSError

    with ThreadPoolExecutor(1) as beside:
        Stages(tmp_path).once("step", key, make, beside=beside)
    assert Stages(tmp_path).once("step", lambda: "a", make) == {"n": 2}
    assert len(made) == 2
    assert [path.name for path in (tmp_path / "stages").iterdir()] == ["step"]
