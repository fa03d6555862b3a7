"""Tables whose pages are written at once are what SQLite itself would have made of the rows."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import numpy as np
import pytest

from geoclusters.treepages import LOCKED_BYTE, Rows, fill_tables


@pytest.fixture
def empty(tmp_path):
    def make(page_size=4096, before=""):
        path = tmp_path / f"tables-{page_size}.sqlite"
        with closing(sqlite3.connect(path)) as database:
            database.executescript(
                f"{before}; PRAGMA page_size = {page_size};"
                "CREATE TABLE a (id INTEGER PRIMARY KEY, octets BLOB);"
                "CREATE TABLE b (id INTEGER PRIMARY KEY, octets BLOB);"
            )
        return path

    return make


def blobs(n, width, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (n, width), dtype=np.uint8)


def records(octets):
    """Records of a null and a blob of less than 8192 bytes."""
    kind = 12 + 2 * octets.shape[1]
    kinds = [kind] if kind < 128 else [kind >> 7 | 128, kind & 127]
    head = np.array([len(kinds) + 2, 0, *kinds], dtype=np.uint8)
    return np.hstack([np.broadcast_to(head, (len(octets), len(head))), octets])


def found(path, table):
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return database.execute(f"SELECT id, octets FROM {table} ORDER BY id").fetchall()


@pytest.mark.parametrize("page_size", [512, 4096, 65536])
@pytest.mark.parametrize("n", [0, 1, 2, 3, 10, 200, 20_000])
def test_rows_are_read_as_they_were_given(empty, n, page_size):
    path = empty(page_size)
    a, b = blobs(n, 21), blobs(min(n, 1000), min(page_size // 5, 8000), seed=1)
    fill_tables(path, {"a": Rows(records(a)), "b": Rows(records(b), first=2)})
    assert found(path, "a") == [(k, row.tobytes()) for k, row in enumerate(a, start=1)]
    assert found(path, "b") == [(k, row.tobytes()) for k, row in enumerate(b, start=2)]


@pytest.mark.parametrize("width", range(100, 140))
def test_pages_are_full_and_no_fuller(empty, width):
    path = empty(512)
    octets = blobs(50, width)
    fill_tables(path, {"a": Rows(records(octets))})
    assert [row for _, row in found(path, "a")] == [row.tobytes() for row in octets]


def test_rows_can_be_added_and_taken_away_afterwards(empty):
    path = empty()
    octets = blobs(5000, 40)
    fill_tables(path, {"a": Rows(records(octets))})
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("DELETE FROM a WHERE id % 3 = 0")
        database.executemany("INSERT INTO a (octets) VALUES (?)", [(b"new",)] * 2000)
        database.execute("INSERT INTO b (octets) VALUES (?)", [b"other"])
    rows = found(path, "a")
    assert len(rows) == 5000 - 5000 // 3 + 2000
    assert rows[0] == (1, octets[0].tobytes())
    assert rows[-1] == (7000, b"new")


def test_the_page_of_the_locks_stays_free(empty):
    path = empty()
    n_before = LOCKED_BYTE // 4096 - 5
    with path.open("rb+") as file:
        file.truncate(n_before * 4096)
        file.seek(28)
        file.write(n_before.to_bytes(4, "big"))
    octets = blobs(500, 1000)
    fill_tables(path, {"a": Rows(records(octets))})
    with path.open("rb") as file:
        file.seek(LOCKED_BYTE)
        assert not any(file.read(4096))
    with closing(sqlite3.connect(path)) as database:
        rows = database.execute("SELECT octets FROM a ORDER BY id").fetchall()
    assert rows == [(row.tobytes(),) for row in octets]


def test_files_of_another_make_are_refused(empty):
    octets = blobs(10, 20)
    with pytest.raises(ValueError, match="hold more"):
        fill_tables(empty(before="PRAGMA auto_vacuum = FULL"), {"a": Rows(records(octets))})
    path = empty(512)
    fill_tables(path, {"a": Rows(records(blobs(100, 60)))})
    with pytest.raises(ValueError, match="more than a page"):
        fill_tables(path, {"a": Rows(records(octets))})
    with pytest.raises(ValueError, match="longer than one"):
        fill_tables(path, {"b": Rows(records(blobs(1, 600)))})
