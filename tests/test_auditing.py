"""A full check reads every row as a run does, keeps nothing unless told to, and says what to doubt."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from four_cities import COLUMNS, make_addresses, make_settings
from typer.testing import CliRunner

import geoclusters as gc
from geoclusters import cli
from geoclusters.auditing import audit, doubts, lines

STUDY = """
name = "four cities"
[window]
first_year = 2019
last_year = 2023
[method]
min_density = 0.02
"""
SOURCE = '[[source]]\nmetric = "{}"\npath = "{}"\ncolumns = {{ {} }}\n'


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Four cities, and the same with each address of Tokyo in the middle of its city."""
    folder = tmp_path_factory.mktemp("audit")
    rows = make_addresses()
    rows.to_parquet(folder / "addresses.parquet", index=False)
    town = rows[rows["country"] == "JP"].assign(lat=35.6895, lon=139.6917)
    town["applicant"] = [f"Works {n % 90}" for n in range(len(town))]
    pd.concat([rows[rows["country"] != "JP"], town]).to_csv(folder / "piled.csv", index=False)
    named = ", ".join(f'{k} = "{v}"' for k, v in COLUMNS.items())
    sources = [("patents", "addresses.parquet"), ("articles", "piled.csv")]
    text = STUDY + "".join(SOURCE.format(m, p, named) for m, p in sources)
    (folder / "study.toml").write_text(text)
    return folder


@pytest.fixture(scope="module")
def audited(folder):
    return audit(gc.read_study(folder / "study.toml"))


def test_rows_are_those_that_a_plain_count_finds(audited):
    rows = make_addresses()
    (first, second) = audited
    assert first["read"] == len(rows) == second["read"]
    assert first["outside_window"] == int((rows["year"] < 2019).sum())
    kept = first["placed"] + sum(first["rejected"].values())
    assert kept == first["quality"]["rows"] == len(rows) - first["outside_window"]
    inside = rows[rows["year"] >= 2019]
    assert first["rejected"]["no_coordinates"] <= inside["lat"].isna().sum()
    assert first["rejected"]["placeholder"] <= (inside["lat"] == 0).sum()


def test_it_says_what_a_run_says(audited, folder, tmp_path):
    result = gc.run(folder / "study.toml", tmp_path)
    assert [row.pop("quality") for row in json.loads(json.dumps(audited))] == result.run["quality"]
    told = [{k: v for k, v in row.items() if k != "quality"} for row in audited]
    assert told == result.run["rows"]


def test_piles_are_doubted_where_they_are(audited):
    (text,) = [text for text in doubts(audited) if "pile up" in text]
    assert text.startswith("piled.csv: ")
    assert "near Tokyo" in text
    table = {line[0]: line[1:] for line in lines(audited)}
    assert table["rows read"] == [f"{len(make_addresses()):,}"] * 2
    assert "35.6895, 139.692 (place)" in table["- largest"][1]
    assert set(table) >= {"placed", "rejected", "- no coordinates", "placed, by year"}


def test_a_run_goes_on_from_what_a_check_kept(folder, tmp_path):
    told = CliRunner().invoke(
        cli.app, ["-q", "check", str(folder / "study.toml"), "--full", "--out", str(tmp_path)]
    )
    assert told.exit_code == 0, told.output
    assert "doubt: piled.csv: " in told.output
    assert "every row was read" in told.output.splitlines()[-1]
    assert not (tmp_path / "run.json").exists()
    result = gc.run(folder / "study.toml", tmp_path)
    assert {s["stage"]: s["reused"] for s in result.run["stages"]}["addresses"]


def test_as_json_it_is_the_whole_report_and_nothing_is_left(folder, audited, monkeypatch):
    monkeypatch.chdir(folder)
    before = sorted(folder.rglob("*"))
    told = CliRunner().invoke(cli.app, ["-q", "check", "study.toml", "--full", "--json"])
    assert told.exit_code == 0, told.output
    assert json.loads(told.stdout) == json.loads(json.dumps(audited))
    assert sorted(folder.rglob("*")) == before


def test_nothing_placed_is_an_error_here_too(tmp_path):
    rows = make_addresses().head(50)
    rows.assign(lat=np.nan).to_parquet(tmp_path / "addresses.parquet")
    with pytest.raises(gc.errors.SourceError, match="not one address"):
        audit(gc.make_study(make_settings(), folder=tmp_path))


@pytest.mark.parametrize("words", [["a.csv", "--full"], ["study.toml", "--out", "x"]])
def test_options_that_do_not_go_together(folder, words, monkeypatch):
    monkeypatch.chdir(folder)
    told = CliRunner().invoke(cli.app, ["check", *words])
    assert isinstance(told.exception, gc.errors.StudyError)


def test_what_options_leave_out_is_told_by_reason():
    row = {"source": "a.csv", "metric": "m", "read": 2, "placed": 2, "rejected": {}, "geocoded": {}}
    row |= {"quality": None, "left_out": {"type Review": 1200, "type Letter": 3}}
    table = {line[0]: line[1:] for line in lines([row, {**row, "left_out": {}}])}
    assert table["documents left out"] == ["1,203", ""]
    assert list(table)[2:4] == ["- type Review", "- type Letter"]
