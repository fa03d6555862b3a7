"""The format that docs/formats.md shows: installed as a package, it is recognised, proposed, read and run."""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

import pyarrow as pa
import pytest

import geoclusters as gc
from geoclusters.addresses.sources import find_format, known_formats
from geoclusters.checking import check_heads
from geoclusters.errors import SourceError
from geoclusters.proposing import propose_study

PAGE = Path(__file__).parent.parent / "docs" / "formats.md"
TEXT = PAGE.read_text(encoding="utf-8")


def blocks(kind):
    return re.findall(rf"```{kind}\n(.*?)```", TEXT, flags=re.DOTALL)


def install(folder, points):
    """Write the metadata that an installer writes for entry points."""
    info = folder / "geoclusters_atlantis-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: geoclusters-atlantis\nVersion: 1.0\n"
    )
    lines = ["[geoclusters.sources]", *(f"{name} = {value}" for name, value in points.items())]
    (info / "entry_points.txt").write_text("\n".join(lines) + "\n")


@pytest.fixture
def package(tmp_path, monkeypatch):
    """The package of the page, as installed."""
    folder = tmp_path / "site"
    (module,) = blocks("python")
    project = next(t for t in map(tomllib.loads, blocks("toml")) if "project" in t)
    install(folder, project["project"]["entry-points"]["geoclusters.sources"])
    (folder / "geoclusters_atlantis").mkdir()
    (folder / "geoclusters_atlantis" / "__init__.py").write_text(module, encoding="utf-8")
    monkeypatch.syspath_prepend(folder)
    yield folder
    sys.modules.pop("geoclusters_atlantis", None)


@pytest.fixture
def data(tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "marks-2021.csv").write_text(*blocks("csv"), encoding="utf-8")
    return folder


def rows_of(study):
    (source,) = study.source
    form = find_format(source.format)
    return pa.Table.from_batches(form.read(source.request(source.files(study.folder)))).to_pylist()


def test_the_format_is_found_and_its_files_are_recognised(package, data):
    assert "atlantis" in known_formats()
    proposal = propose_study([data])
    assert proposal.settings["source"] == [
        {"metric": "trademarks", "format": "atlantis", "path": "marks-2021.csv"}
    ]
    head = proposal.drafts[0].head
    assert (head.rows, head.with_coordinates, head.to_geocode, head.years) == (
        3,
        2,
        1,
        (2021, 2022),
    )


def test_the_study_of_the_page_reads_it(package, data):
    settings = next(t for t in map(tomllib.loads, blocks("toml")) if "source" in t)
    study = gc.make_study(settings, folder=data)
    assert [row["rows_looked_at"] for row in check_heads(study)] == [2]
    rows = rows_of(study)
    assert [(r["document"], r["place"], r["lat"], r["lon"], r["year"], r["row"]) for r in rows] == [
        ("M1", "Geneva", 46.2, 6.15, 2021, 1),
        ("M1", "Basel", None, None, 2021, 2),
    ]


def test_wrong_options_and_broken_files_are_named(package, data):
    settings = {"metric": "trademarks", "format": "atlantis", "path": "marks*.csv"}
    wrong = gc.make_study(
        {"name": "x", "source": [settings | {"options": {"kind": []}}]}, folder=data
    )
    with pytest.raises(SourceError, match="options of this format: kinds"):
        rows_of(wrong)
    (data / "marks-2022.csv").write_text("Mark;Filed;Kind;\nM1\n")
    with pytest.raises(SourceError, match=r"marks-2022\.csv: not readable: .*Fetch it again"):
        rows_of(gc.make_study({"name": "x", "source": [settings]}, folder=data))


def test_without_the_package_the_format_is_not_known(data):
    assert "atlantis" not in known_formats()
    with pytest.raises(SourceError, match="'atlantis' is not known"):
        find_format("atlantis")


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("no_such_module:FORMAT", r"'geoclusters-atlantis', which cannot be loaded: No module"),
        ("json:FORMAT", r"which cannot be loaded: .*FORMAT"),
        ("json:dumps", r"json:dumps of the package 'geoclusters-atlantis' is a function"),
    ],
)
def test_a_package_without_its_format_is_named_and_harms_no_other(
    tmp_path, monkeypatch, four_cities, value, said
):
    install(tmp_path / "site", {"atlantis": value})
    monkeypatch.syspath_prepend(tmp_path / "site")
    with pytest.raises(SourceError, match=said):
        find_format("atlantis")
    assert re.search(said, propose_study([four_cities / "addresses.parquet"]).text)


def test_the_page_names_every_format_and_every_part():
    named = re.findall(r"`([a-z-]+)`", "\n".join(re.findall(r"^\| (`.*?) \|", TEXT, re.MULTILINE)))
    assert set(known_formats()) <= set(named)
    parts = set(find_format("table").__dataclass_fields__)
    assert parts <= set(re.findall(r"`(\w+)`", TEXT))
    for link in re.findall(r"\]\((?!http)([^)#]+)", TEXT):
        assert (PAGE.parent / link).exists(), link
