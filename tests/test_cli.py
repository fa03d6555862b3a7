"""The command line as its user meets it: answers, exit status, one message for a mistake."""

from __future__ import annotations

import contextlib
import errno
import gc
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from four_cities import COLUMNS, make_addresses

from geoclusters import __version__, cli
from geoclusters.machine import OBJECTS_BETWEEN_COLLECTIONS


def geoclusters(*words, cwd="."):
    """Enter where the console script enters, in this process: a new one takes seconds to import."""
    out, err, status = io.StringIO(), io.StringIO(), 0
    before, sys.argv = sys.argv, ["geoclusters", *map(str, words)]
    try:
        with (
            contextlib.chdir(cwd),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
        ):
            cli.main()
    except SystemExit as ended:
        status = ended.code or 0
    finally:
        sys.argv = before
    return subprocess.CompletedProcess(words, status, out.getvalue(), err.getvalue())


def test_the_command_is_a_process_of_its_own(tmp_path):
    words = [sys.executable, "-m", "geoclusters", "map", str(tmp_path)]
    ended = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "no finished run" in ended.stderr


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (errno.ENOSPC, "No space left on device; make room"),
        (errno.EROFS, "Read-only file system; choose another folder"),
        (errno.EFBIG, "File too large; make room"),
    ],
)
def test_what_the_disk_refuses_is_one_message(tmp_path, monkeypatch, number, said):
    def refused(*_, **__):
        raise OSError(number, os.strerror(number), "out/cells.parquet")

    monkeypatch.setattr("geoclusters.workflow.run", refused)
    ended = geoclusters("run", cwd=tmp_path)
    assert ended.returncode == 2
    assert ended.stderr.startswith(f"geoclusters: out/cells.parquet: {said}")
    assert len(ended.stderr.splitlines()) == 1


def test_other_errors_of_the_system_are_ours(tmp_path, monkeypatch):
    monkeypatch.setattr("geoclusters.workflow.run", lambda *_, **__: Path("not there").read_text())
    ended = geoclusters("run", cwd=tmp_path)
    assert ended.returncode == 1
    assert "Traceback" in ended.stderr


def study_text(path="addresses.parquet", columns=COLUMNS, extra=""):
    named = ", ".join(f'{k} = "{v}"' for k, v in columns.items())
    return (
        f'name = "four cities"\n{extra}\n[window]\nfirst_year = 2019\nlast_year = 2023\n[method]\nmin_density = 0.02\n'
        f'[[source]]\nmetric = "patents"\npath = "{path}"\ncolumns = {{ {named} }}\n'
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cli")
    make_addresses().to_parquet(folder / "addresses.parquet", index=False)
    (folder / "study.toml").write_text(study_text())
    return folder


def test_run_and_everything_after_it(folder):
    ran = geoclusters("run", "study.toml", "--out", "out", cwd=folder)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.splitlines()[-1] == "map: out/map.html"
    assert "Tokyo" in ran.stdout
    assert "documents" in ran.stderr
    assert (folder / "out" / "map.html").is_file()

    inside = geoclusters("locate", "out", "35.68", "139.69", "--json", cwd=folder)
    assert json.loads(inside.stdout)["name"] == "Tokyo"
    outside = geoclusters("locate", "out", "-33.9", "-60", cwd=folder)
    assert "lies in no cluster" in outside.stdout
    assert "is missing" in outside.stdout

    wider = geoclusters(
        "cluster", "out", "--radius-km", "25", "--out", "wider", "--json", cwd=folder
    )
    assert json.loads(wider.stdout)["settings"]["radius_km"] == 25

    words = ("cluster", "out", "--radius-km", "25", "--quick", "--json")
    quick = json.loads(geoclusters(*words, cwd=folder).stdout)
    assert quick["boundaries"] is None
    assert len(quick["clusters"]) == json.loads(wider.stdout)["clusters"]
    assert quick["clusters"][0]["rank"] == 1

    compared = geoclusters("compare", "out", "wider", "--json", cwd=folder)
    rows = json.loads(compared.stdout)
    assert {"same"} <= {r["fate"] for r in rows}
    shown = geoclusters("compare", "out", "wider", cwd=folder).stdout
    assert "Munich" in shown
    assert "…" not in shown
    assert "radius_km" in compared.stderr

    sure = geoclusters("sensitivity", "out", "--replicates", "40", "--json", cwd=folder)
    table = pd.DataFrame(json.loads(sure.stdout))
    assert (table["rank_low"] <= table["rank"]).all()
    assert (table["rank"] <= table["rank_high"]).all()
    assert (table["score_low"] < table["score_high"]).all()
    assert table["grid_found"].between(0, 1).all()

    (folder / "out" / "map.html").unlink()
    drawn = geoclusters("map", "out", cwd=folder)
    assert drawn.stdout.strip() == "out/map.html"
    assert (folder / "out" / "map.html").is_file()


def test_check_reads_heads_and_runs_nothing(folder):
    checked = geoclusters("check", "study.toml", "--json", cwd=folder)
    (row,) = json.loads(checked.stdout)
    assert row["file"] == "addresses.parquet"
    assert row["rows_looked_at"] == 1000
    assert "sound" in geoclusters("check", "study.toml", cwd=folder).stdout


def test_sample_of_any_size(tmp_path):
    made = geoclusters("sample", "--documents", "1000", "--seed", "2", "--out", tmp_path / "w")
    assert made.returncode == 0, made.stderr
    assert geoclusters("check", tmp_path / "w" / "study.toml").returncode == 0


def test_help_has_examples_everywhere():
    top = geoclusters("--help")
    assert top.returncode == 0
    for command in ("run", "check", "cluster", "map", "locate", "compare", "sensitivity", "sample"):
        assert command in top.stdout
        helped = geoclusters(command, "--help")
        assert helped.returncode == 0
        assert "Example: geoclusters" in helped.stdout
    assert geoclusters("--version").stdout.strip() == __version__


MISTAKES = {
    "misspelt key": (
        study_text(extra="[methods]"),
        ["study.toml", "'methods'", "did you mean 'method'"],
    ),
    "missing column": (
        study_text(columns={**COLUMNS, "lat": "latitude"}),
        ["addresses.parquet", "no column 'latitude'", "the file has: patent"],
    ),
    "no such file": (
        study_text(path="inventors.parquet"),
        ["inventors.parquet", "no such file", "addresses.parquet"],
    ),
    "truncated Parquet": (
        study_text(path="cut.parquet"),
        ["cut.parquet", "not readable as parquet", "whole"],
    ),
    "text in lat": (
        study_text(path="text.csv"),
        ["text.csv", "row 3", "lat", "'north'", "not a number"],
    ),
    "empty source": (study_text(path="empty.csv"), ["empty.csv", "empty", "give a file with data"]),
    "nothing at all": (study_text(path="nothing.csv"), ["nothing.csv", "empty", "header"]),
    "negative radius": (
        study_text().replace("min_density = 0.02", "radius_km = -5"),
        ["radius_km = -5", "greater than or equal to 0.0001"],
    ),
    "unknown format": (
        study_text().replace("metric = ", 'format = "tabel"\nmetric = '),
        ["'tabel'", "did you mean 'table'"],
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
@pytest.mark.parametrize("command", ["run", "check"])
def test_mistakes_end_with_status_2_and_one_message(folder, tmp_path, mistake, command):
    text, said = MISTAKES[mistake]
    rows = make_addresses().head(5)
    rows.to_parquet(tmp_path / "addresses.parquet", index=False)
    whole = (tmp_path / "addresses.parquet").read_bytes()
    (tmp_path / "cut.parquet").write_bytes(whole[: len(whole) * 2 // 3])
    rows.head(0).to_csv(tmp_path / "empty.csv", index=False)
    (tmp_path / "nothing.csv").touch()
    bad = rows.astype({"lat": object})
    bad.loc[bad.index[2], "lat"] = "north"
    bad.to_csv(tmp_path / "text.csv", index=False)
    (tmp_path / "study.toml").write_text(text)

    out = ["--out", "out"] if command == "run" else []
    ended = geoclusters("--quiet", command, "study.toml", *out, cwd=tmp_path)
    assert ended.returncode == 2, ended.stderr
    assert ended.stdout == ""
    (line,) = ended.stderr.strip().splitlines()
    for part in said:
        assert part in line
    assert not (tmp_path / "out" / "run.json").exists()


def test_folders_that_are_no_run(tmp_path):
    for words in (
        ["map", tmp_path],
        ["locate", tmp_path, "1", "2"],
        ["cluster", tmp_path],
        ["sensitivity", tmp_path],
    ):
        ended = geoclusters(*words)
        assert ended.returncode == 2
        assert "no finished run" in ended.stderr
        assert "Traceback" not in ended.stderr
    assert "no such folder" in geoclusters("map", tmp_path / "x").stderr


def test_points_that_are_not_on_the_earth(folder):
    if not (folder / "out" / "run.json").is_file():
        geoclusters("run", "study.toml", "--out", "out", cwd=folder)
    ended = geoclusters("locate", "out", "139.69", "35.68", cwd=folder)
    assert ended.returncode == 2
    assert "latitude first" in ended.stderr


def test_impossible_settings_of_reclustering(folder):
    if not (folder / "out" / "run.json").is_file():
        geoclusters("run", "study.toml", "--out", "out", cwd=folder)
    ended = geoclusters("cluster", "out", "--radius-km", "-3", "--out", "x", cwd=folder)
    assert ended.returncode == 2
    assert "radius_km = -3" in ended.stderr


def test_the_fractions_of_a_run_are_finite(folder):
    if not (folder / "out" / "run.json").is_file():
        geoclusters("run", "study.toml", "--out", "out", cwd=folder)
    ranking = pd.read_csv(folder / "out" / "ranking.csv")
    assert np.isfinite(ranking["score"]).all()
    assert ranking["share_patents"].sum() == pytest.approx(ranking["score"].sum())


def test_a_command_looks_for_garbage_seldom_but_still_does():
    before = gc.get_threshold()
    gc.set_threshold(700)
    try:
        geoclusters("--version")
        assert gc.get_threshold()[0] == OBJECTS_BETWEEN_COLLECTIONS
        assert gc.isenabled()
    finally:
        gc.set_threshold(*before)


def test_a_command_that_ends_does_not_look_for_garbage_once_more():
    told = "import atexit, gc; atexit.register(lambda: print(gc.get_freeze_count()))"
    command = f"{told}; from geoclusters import cli; cli.main()"
    ended = subprocess.run(
        [sys.executable, "-c", command, "--version"], capture_output=True, text=True, check=True
    )
    assert int(ended.stdout.split()[-1]) > 1000
