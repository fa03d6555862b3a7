"""Finished steps: done once for a key, done again for another, and not taken for finished before their key is known."""

from __future__ import annotations

import fcntl
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from geoclusters.errors import RunError
from geoclusters.stages import LOCK, Stages


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


def test_a_second_run_into_the_same_folder_waits_for_nobody(tmp_path):
    with Stages(tmp_path / "out").alone():
        second = Stages(tmp_path / "out").alone()
        with pytest.raises(RunError, match="out: another geoclusters is at work"), second:
            pass
        with Stages(tmp_path / "other").alone():
            pass
    with Stages(tmp_path / "out").alone():
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_lock_without_a_name_is_none(tmp_path, monkeypatch):
    """The other took its file away between our opening and locking it."""
    flock, taken_away = fcntl.flock, []

    def late(held, how):
        if not taken_away:
            taken_away.append((tmp_path / "out" / "stages" / LOCK).unlink())
        flock(held, how)

    monkeypatch.setattr(fcntl, "flock", late)
    with Stages(tmp_path / "out").alone():
        second = Stages(tmp_path / "out").alone()
        with pytest.raises(RunError, match="another geoclusters is at work"), second:
            pass


def test_who_is_killed_holds_nobody_up(tmp_path):
    script = (
        "import sys, time; from pathlib import Path; from geoclusters.stages import Stages\n"
        "with Stages(Path(sys.argv[1])).alone(): print('in', flush=True); time.sleep(60)"
    )
    words = [sys.executable, "-c", script, str(tmp_path / "out")]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "in\n"
        with (
            pytest.raises(RunError, match="at work in this folder"),
            Stages(tmp_path / "out").alone(),
        ):
            pass
        other.kill()
    with Stages(tmp_path / "out").alone():
        (tmp_path / "out" / "stages" / "kept").touch()
    assert (tmp_path / "out" / "stages" / "kept").exists()


def test_what_was_there_before_stays(tmp_path):
    (tmp_path / "out").mkdir()
    with Stages(tmp_path / "out" / "a" / "b").alone():
        pass
    assert list(tmp_path.rglob("*")) == [tmp_path / "out"]
