"""The table source: every format and packing gives the same rows; what is wrong is named with its place."""

from __future__ import annotations

import gzip
import json
import re
import zipfile

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import geoclusters as gc
from geoclusters import schema
from geoclusters.addresses.sources import Request, find_format, matching_files
from geoclusters.addresses.sources.table import HEAD_ROWS, check_parquet, read_tables
from geoclusters.checking import check_heads
from geoclusters.errors import SourceError

COLUMNS = {
    "document": "id",
    "person": "who",
    "lat": "y",
    "lon": "x",
    "year": "when",
    "country": "land",
}
FRAME = pd.DataFrame(
    {
        "id": ["a", "a", "b", None],
        "who": ["Ann", "Bob, Jr.", 'Ce"c', "Dé\nnd"],
        "y": [48.5, None, -90.0, 1e-9],
        "x": [11.25, 2.0, None, 180.0],
        "when": [2019, 2020, None, 2023],
        "land": ["DE", "NA", "France", None],
        "unused": [1, 2, 3, 4],
    }
)


def rows(files):
    table = pa.Table.from_batches(list(read_tables(Request(files, COLUMNS))), schema.READ.arrow())
    return table.to_pandas().drop(columns="file")


def write(folder, name):
    path = folder / name
    as_json = [
        json.dumps({k: (None if pd.isna(v) else v) for k, v in r.items()})
        for r in FRAME.to_dict("records")
    ]
    text = {
        "csv": FRAME.to_csv(index=False),
        "tsv": FRAME.to_csv(index=False, sep="\t"),
        "jsonl": "\n".join(as_json) + "\n",
    }
    kind = name.split(".")[1]
    if kind == "parquet":
        FRAME.to_parquet(path, index=False)
    elif name.endswith(".gz"):
        path.write_bytes(gzip.compress(text[kind].encode()))
    elif name.endswith(".zst"):
        with pa.CompressedOutputStream(str(path), "zstd") as stream:
            stream.write(text[kind].encode())
    elif name.endswith(".zip"):
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(f"deep/inside.{kind}", text[kind])
            archive.writestr("__MACOSX/inside.csv", "rubbish")
            archive.writestr("readme.md", "rubbish")
    else:
        path.write_text(text[kind])
    return path


NAMES = [f"t.{kind}{pack}" for kind in ("csv", "tsv", "jsonl") for pack in ("", ".gz", ".zst")]


@pytest.mark.parametrize("name", [*NAMES, "t.parquet", "t.csv.zip", "t.jsonl.zip"])
def test_every_format_gives_the_same_rows(tmp_path, name):
    path = (
        write(tmp_path, name).rename(tmp_path / "t.zip")
        if name.endswith(".zip")
        else write(tmp_path, name)
    )
    found = rows([path])
    assert found["document"].tolist()[:3] == ["a", "a", "b"]
    assert found["document"].isna().tolist() == [False, False, False, True]
    assert found["person"].tolist() == ["Ann", "Bob, Jr.", 'Ce"c', "Dé\nnd"]
    assert found["country"].tolist()[:3] == ["DE", "NA", "France"]
    assert found["year"].dropna().tolist() == [2019, 2020, 2023]
    assert found["lat"].isna().tolist() == [False, True, False, False]
    assert found["lon"].dropna().tolist() == [11.25, 2.0, 180.0]
    assert found["row"].tolist() == [1, 2, 3, 4]


def test_integers_dates_and_other_types_are_taken(tmp_path):
    table = pa.table(
        {
            "id": pa.array([7, 8], pa.int64()),
            "who": pa.array(["x", "y"]).dictionary_encode(),
            "y": pa.array([1, 2], pa.int32()),
            "x": pa.array(["1.5", "NA"]),
            "when": pa.array(["2019-05-01", "2020"]),
            "land": pa.array(["DE", " "], pa.large_string()),
        }
    )
    pq.write_table(table, tmp_path / "t.parquet")
    found = rows([tmp_path / "t.parquet"])
    assert found["document"].tolist() == ["7", "8"]
    assert found["year"].tolist() == [2019, 2020]
    assert found["lon"].isna().tolist() == [False, True]
    assert found["country"].isna().tolist() == [False, True]


def test_patterns_are_sorted_and_missing_files_named(tmp_path):
    for name in ("b.csv", "a.csv"):
        (tmp_path / name).write_text("id\n1\n")
    assert [p.name for p in matching_files("*.csv", tmp_path)] == ["a.csv", "b.csv"]
    with pytest.raises(
        SourceError, match=r"c\.csv: there is no such file; its folder holds: a\.csv, b\.csv"
    ):
        matching_files("c.csv", tmp_path)
    with pytest.raises(SourceError, match="no file matches"):
        matching_files("*.parquet", tmp_path)
    with pytest.raises(SourceError, match="this is a folder"):
        matching_files(".", tmp_path)


def broken(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(SourceError) as error:
        rows([path])
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)
    return str(error.value)


HEAD = b"id,who,y,x,when,land\n"


def test_text_in_latitude_names_row_and_value(tmp_path):
    message = broken(tmp_path, "t.csv", HEAD + b"a,w,1,2,2019,DE\nb,w,north,2,2019,DE\n")
    assert "row 2: y (lat) = 'north' is not a number" in message
    assert "another column" in message


def test_a_wrong_year_names_row_and_value(tmp_path):
    assert "row 1: when (year) = '20x9'" in broken(tmp_path, "t.csv", HEAD + b"a,w,1,2,20x9,DE\n")


def test_a_missing_column_lists_those_that_are_there(tmp_path):
    message = broken(tmp_path, "t.csv", b"id,who,latitude,x,when,land\na,w,1,2,2019,DE\n")
    assert "no column 'y'" in message
    assert "latitude" in message


def test_another_delimiter_is_proposed(tmp_path):
    message = broken(tmp_path, "t.csv", HEAD.replace(b",", b";") + b"a;w;1;2;2019;DE\n")
    assert 'delimiter = ";"' in message


def test_broken_files_are_named(tmp_path):
    good = write(tmp_path, "good.parquet").read_bytes()
    packed = write(tmp_path, "good.csv.gz").read_bytes()
    assert "not readable as parquet" in broken(tmp_path, "cut.parquet", good[: len(good) // 2])
    assert "not readable" in broken(tmp_path, "cut.csv.gz", packed[: len(packed) // 2])
    assert "zip archive" in broken(tmp_path, "cut.zip", b"PK\x03\x04 no")
    assert "not readable as csv" in broken(tmp_path, "ragged.csv", HEAD + b"a,w,1\n")
    assert "not readable as jsonl" in broken(
        tmp_path, "bad.jsonl", write(tmp_path, "w.jsonl").read_bytes() + b'{"id": \n'
    )
    assert "empty" in broken(tmp_path, "empty.csv", b"")
    assert "not known" in broken(tmp_path, "table.xlsx", b"PK")


def test_encodings(tmp_path):
    (tmp_path / "t.csv").write_bytes(HEAD + "a,José,1,2,2019,DE\n".encode("latin-1"))
    batch = next(iter(read_tables(Request([tmp_path / "t.csv"], COLUMNS, encoding="latin-1"))))
    assert batch["person"].to_pylist() == ["José"]
    with pytest.raises(
        SourceError, match=r"line 2 is not UTF-8.*José.*encoding = \"windows-1252\""
    ):
        rows([tmp_path / "t.csv"])


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-8-sig"])
def test_marks_tell_the_encoding(tmp_path, encoding):
    text = HEAD.decode() + "a,José,1,2,2019,DE\n"
    mark = "\ufeff" if encoding.endswith("e") else ""
    (tmp_path / "t.csv").write_bytes((mark + text).encode(encoding))
    found = rows([tmp_path / "t.csv"])
    assert found[["document", "person"]].to_numpy().tolist() == [["a", "José"]]


def test_unknown_format_lists_the_known():
    with pytest.raises(SourceError, match="did you mean 'table'"):
        find_format("tabel")


@pytest.mark.parametrize("name", ["header.csv", "bare.csv", "none.parquet", "none.jsonl"])
def test_a_file_without_rows_beside_others_is_no_mistake(tmp_path, name):
    good = FRAME[["id", "y", "x"]].head(1)
    good.to_csv(tmp_path / "a-good.csv", index=False)
    empty = tmp_path / name
    if name.endswith("parquet"):
        good.head(0).to_parquet(empty)
    else:
        empty.write_text({"header.csv": "id,y,x\n", "bare.csv": "id,y,x", "none.jsonl": ""}[name])
    columns = {"document": "id", "lat": "y", "lon": "x"}

    def study(path):
        source = {"metric": "patents", "path": path, "columns": columns}
        settings = {"name": "x", "method": {"min_density": 0.5}, "source": [source]}
        return gc.make_study(settings, folder=tmp_path)

    both = study(["a-good.csv", name])
    assert sum(head["rows_looked_at"] for head in check_heads(both)) == 1
    assert gc.run(both, tmp_path / "out").run["rows"][0]["read"] == 1
    for refused in (check_heads, lambda alone: gc.run(alone, tmp_path / "alone")):
        with pytest.raises(SourceError, match=rf"{re.escape(name)}"):
            refused(study(name))


def test_blank_lines_before_the_first_object_hide_none(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text("\n" * HEAD_ROWS + '{"id": "a"}\n')
    request = Request([path], {"document": "id"})
    with pytest.raises(SourceError, match="there is no column 'id'"):
        list(read_tables(request))
    path.write_text("\n" * (HEAD_ROWS - 1) + '{"id": "a"}\n')
    assert sum(batch.num_rows for batch in read_tables(request)) == 1


def test_a_json_array_is_no_row(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('[{"id": "a"}, {"id": "b"}]')
    with pytest.raises(SourceError, match=r"there is no column 'id'"):
        list(read_tables(Request([path], {"document": "id"})))


def test_an_unknown_level_names_the_users_file(tmp_path):
    for name in ("a.csv", "b.parquet"):
        table = FRAME[["id", "y", "x"]].head(1).assign(level="roof?")
        path = tmp_path / name
        table.to_csv(path, index=False) if name == "a.csv" else table.to_parquet(path)
        columns = {"document": "id", "lat": "y", "lon": "x", "accuracy": "level"}
        source = {"metric": "patents", "path": name, "columns": columns}
        study = gc.make_study({"name": "x", "source": [source]}, folder=tmp_path)
        with pytest.raises(SourceError, match=rf"{name}: accuracy = 'roof\?' is no known level"):
            gc.run(study, tmp_path / "out")


def test_brackets_in_names_are_no_pattern(tmp_path):
    folder = tmp_path / "a [1]"
    folder.mkdir()
    for name in ("b [final].csv", "c.csv"):
        (folder / name).write_text("id\n1\n")
    found = [f.name for f in matching_files("b [final].csv", folder)]
    assert found == ["b [final].csv"]
    assert [f.name for f in matching_files("[bc]*.csv", folder)] == ["b [final].csv", "c.csv"]
    assert len(matching_files(f"{tmp_path}/a*/*.csv", folder)) == 2


@pytest.mark.parametrize(
    "kind", [pa.string_view(), pa.binary_view(), pa.binary(), pa.large_string()]
)
def test_texts_are_taken_however_they_are_stored(tmp_path, kind):
    names, path = ["a", "a", "b"], tmp_path / "views.parquet"
    columns = {"id": pa.array(names).cast(kind), "y": [48.5, 48.5, 49.0], "x": [11.0, 11.0, 12.0]}
    pq.write_table(pa.table(columns), path)
    mapped = {"document": "id", "lat": "y", "lon": "x", "organisation": "id"}
    source = {"metric": "patents", "path": "views.parquet", "columns": mapped}
    method = {"min_density": 0.1}
    study = gc.make_study({"name": "x", "method": method, "source": [source]}, folder=tmp_path)
    run = gc.run(study, tmp_path / "out")
    assert run.run["documents"]["patents"]["in_clusters"] == pytest.approx(2)
    assert set(run.breakdown("organisations")["organisation"]) == {"a", "b"}


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (pa.table({"id": [["a"], ["b"]]}), "column 'id' holds list<.*>, and one text"),
        (pa.table({"id": [{"n": 1}]}), "column 'id' holds struct<.*>, and one text"),
        (pa.table([pa.array([1]), pa.array([2])], names=["id", "id"]), "several columns 'id'"),
    ],
)
def test_columns_that_hold_no_single_value_are_named(tmp_path, table, said):
    path = tmp_path / "a.parquet"
    pq.write_table(table, path)
    with pytest.raises(SourceError, match=said):
        check_parquet(path, ["id"])
    with pytest.raises(SourceError, match=said):
        list(read_tables(Request([path], {"document": "id"})))


def test_a_column_that_stands_twice_in_a_csv_is_named(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("id,y,id\na,1,b\n")
    with pytest.raises(SourceError, match="several columns 'id'"):
        list(read_tables(Request([path], {"document": "id", "lat": "y"})))


def test_bytes_that_are_no_text_are_named(tmp_path):
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"id": pa.array([b"\xff\xfe"])}), path)
    source = {"metric": "patents", "path": "a.parquet", "columns": {"document": "id"}}
    study = gc.make_study({"name": "x", "source": [source]}, folder=tmp_path)
    with pytest.raises(
        SourceError, match=r"a\.parquet: column 'id' holds binary, which is no text"
    ):
        gc.run(study, tmp_path / "out")
