"""The institutions of OpenAlex and ROR: where each is, and which of them belong to which."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from geoclusters.addresses.sources.files import head_of, on_disk, unreadable
from geoclusters.addresses.sources.openalex_files import PARQUET_MAGIC
from geoclusters.addresses.sources.ror_dump import (
    as_objects,
    read_dump,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from geoclusters.addresses.sources.files import Member

BYTES_PER_OBJECT: Final = 1 << 26
COLUMNS: Final = {
    "id": "VARCHAR",
    "ror": "VARCHAR",
    "display_name": "VARCHAR",
    "country_code": "VARCHAR",
    "lineage": "VARCHAR[]",
    "geo": "STRUCT(city VARCHAR, region VARCHAR, country_code VARCHAR, latitude DOUBLE, longitude DOUBLE)",
    "updated_date": "VARCHAR",
}
_SELECT: Final = """
SELECT
    id, ror, display_name AS name, coalesce(country_code, geo.country_code) AS country, geo.region AS region,
    geo.city AS place, geo.latitude AS lat, geo.longitude AS lon, lineage AS parents,
    CAST(updated_date AS VARCHAR) AS updated
FROM {records}
"""
OUR_COLUMNS: Final = {
    "name": "organisation",
    "country": "country",
    "region": "region",
    "place": "place",
}


@dataclass(frozen=True)
class Institutions:
    """
    Institutions, by their short OpenAlex id and by their ROR id.

    Attributes
    ----------
    rows : dict of str to pyarrow.Array
        `organisation`, `country`, `region`, `place`, `accuracy` (str), `lat`, `lon` (float64, WGS 84 degrees).
    by_id, by_ror : dict of str to int
        Position in `rows`; ids that were merged into others lead to these.
    first, above : numpy.ndarray of int64
        The institutions above institution i are ``above[first[i]:first[i + 1]]``.
    """

    rows: dict[str, pa.Array]
    by_id: dict[str, int]
    by_ror: dict[str, int]
    first: npt.NDArray[np.int64]
    above: npt.NDArray[np.int64]

    def find(self, ids: pa.Array, rors: pa.Array) -> npt.NDArray[np.int64]:
        """
        Positions of institutions in `rows`, -1 where neither id is known.

        Parameters
        ----------
        ids, rors : pyarrow.Array of str, shape (n,)
            OpenAlex and ROR ids, as addresses or short, nulls allowed; the OpenAlex id goes first.
        """
        found = _positions(ids, self.by_id)
        lost = np.flatnonzero(found < 0)
        if len(lost) and self.by_ror:
            found[lost] = _positions(rors.take(pa.array(lost)), self.by_ror)
        return found


def short(identifier: str) -> str:
    """
    Last part of an identifier that is an address.

    Examples
    --------
    >>> short("https://openalex.org/I63966007")
    'I63966007'
    """
    return identifier.rsplit("/", 1)[-1]


def _positions(ids: pa.Array, known: dict[str, int]) -> npt.NDArray[np.int64]:
    encoded = ids.dictionary_encode()
    distinct = [
        -1 if text is None else known.get(short(text), -1)
        for text in encoded.dictionary.to_pylist()
    ]
    codes = encoded.indices.fill_null(len(distinct)).to_numpy(zero_copy_only=False)
    return np.asarray(np.array([*distinct, -1], dtype=np.int64)[codes])


_LOCK: Final = threading.Lock()


def institutions_of(
    files: Sequence[Member],
    merged: Sequence[Member],
    ror: Sequence[Member],
    *,
    prefer_ror: bool = False,
) -> Institutions:
    """
    Read the institutions, once a process for the same files.

    Parameters
    ----------
    files, merged, ror : sequence of Member
        Institutions of OpenAlex; ids merged into others; a dump of ROR.
    prefer_ror : bool, default False
        Take the coordinates of ROR where both have some.

    Raises
    ------
    SourceError
        If a file is broken.
    """
    stamps = tuple(
        (m.path.stat().st_size, m.path.stat().st_mtime_ns) for m in (*files, *merged, *ror)
    )
    with _LOCK:
        return _read_all(tuple(files), tuple(merged), tuple(ror), stamps, prefer_ror)


@lru_cache(maxsize=2)
def _read_all(
    files: tuple[Member, ...],
    merged: tuple[Member, ...],
    ror: tuple[Member, ...],
    _stamps: tuple[tuple[int, int], ...],
    prefer_ror: bool,  # noqa: FBT001
) -> Institutions:
    table = pd.concat([_read(m) for m in files] or [_empty()], ignore_index=True)
    # The later version of an institution counts, and of two of the same day that of the file which comes last.
    table["updated"] = table["updated"].fillna("")
    table = table.sort_values("updated", kind="stable").drop_duplicates("id", keep="last")
    if ror:
        table = _with_ror(table, read_dump(ror), prefer=prefer_ror)
    table = table.sort_values(["id", "ror"], ignore_index=True)
    moved = {old: new for member in merged for old, new in _read_merged(member)}
    return _indexed(table, moved)


def _empty() -> pd.DataFrame:
    return pd.DataFrame(
        columns=["id", "ror", *OUR_COLUMNS, "lat", "lon", "parents", "updated"], dtype=object
    )


def _read(member: Member) -> pd.DataFrame:
    head = head_of(member)
    layout = "array" if head.lstrip()[:1] == b"[" else "newline_delimited"
    records = (
        f"read_json($file, columns = $columns, format = '{layout}', maximum_object_size = $bytes)"
    )
    params: dict[str, Any] = {"columns": COLUMNS, "bytes": BYTES_PER_OBJECT}
    if head.startswith(PARQUET_MAGIC):
        records, params = "read_parquet($file)", {}
    query = _SELECT.format(records=records)
    try:
        with on_disk(member) as file, duckdb.connect() as connection:
            answer = connection.sql(query, params={"file": str(file), **params})
            table = as_objects(answer.to_arrow_table())
    except (OSError, duckdb.Error, pa.ArrowException) as error:
        raise unreadable(member, error) from None
    for column in ("id", "ror"):
        table[column] = [None if value is None else short(value) for value in table[column]]
    table["parents"] = [
        [short(p) for p in ([] if ids is None else ids)] for ids in table["parents"]
    ]
    return table


def _read_merged(member: Member) -> list[tuple[str, str]]:
    try:
        with member.opened() as stream:
            table = pd.read_csv(stream, dtype=str, usecols=["id", "merge_into_id"]).dropna()
    except (OSError, EOFError, ValueError, pa.ArrowException) as error:
        raise unreadable(member, error) from None
    return [
        (short(old), short(new))
        for old, new in zip(table["id"], table["merge_into_id"], strict=True)
    ]


@lru_cache(maxsize=2)
def merged_numbers(files: tuple[Member, ...]) -> npt.NDArray[np.int64]:
    """Numbers of the works that were merged into others, in order."""
    old = sorted({old for member in files for old, _ in _read_merged(member)})
    return np.unique(work_numbers(pa.array(old, pa.string())))


def work_numbers(ids: pa.Array) -> npt.NDArray[np.int64]:
    """
    Numbers of works.

    Examples
    --------
    >>> work_numbers(pa.array(["https://openalex.org/W12", "W7"])).tolist()
    [12, 7]
    """
    digits = pc.replace_substring_regex(ids, "^.*W", "")
    return np.asarray(digits.cast(pa.int64()).to_numpy(zero_copy_only=False))


def _with_ror(table: pd.DataFrame, dump: pd.DataFrame, *, prefer: bool) -> pd.DataFrame:
    """Fill in coordinates from ROR, and add the organisations that OpenAlex does not have."""
    known = dump.rename(columns={"ror_id": "ror", "city": "place"}).assign(id=None, updated="")
    here = table[["ror"]].merge(known, how="left", on="ror").set_index(table.index)
    take = here["lat"].notna() & (table["lat"].isna() | prefer)
    filled = table.copy()
    for column in ("lat", "lon", "place", "region"):
        filled[column] = table[column].where(~take, here[column])
    added = known[~known["ror"].isin(set(table["ror"].dropna()))]
    return pd.concat([filled, added[list(filled.columns)]], ignore_index=True)


def _indexed(table: pd.DataFrame, moved: dict[str, str]) -> Institutions:
    by_id = {text: i for i, text in enumerate(table["id"]) if text is not None}
    by_ror: dict[str, int] = {}
    for i, text in enumerate(table["ror"]):
        if text is not None:
            by_ror.setdefault(text, i)
    for old in moved:
        target = _followed(old, moved)
        if target in by_id:
            by_id[old] = by_id[target]
    parents = [
        sorted({i for i in (by_id.get(p, by_ror.get(p, own)) for p in ids) if i != own})
        for own, ids in enumerate(table["parents"])
    ]
    first = np.cumsum([0, *map(len, parents)], dtype=np.int64)
    above = np.array([i for ids in parents for i in ids], dtype=np.int64)
    return Institutions(_columns(table), by_id, by_ror, first, above)


def _followed(old: str, moved: dict[str, str]) -> str:
    seen = {old}
    while (new := moved.get(old)) is not None and new not in seen:
        seen.add(new)
        old = new
    return old


def _columns(table: pd.DataFrame) -> dict[str, pa.Array]:
    rows = {ours: pa.array(table[theirs], pa.string()) for theirs, ours in OUR_COLUMNS.items()}
    lat, lon = (
        pd.to_numeric(table[c]).to_numpy(np.float64, na_value=np.nan) for c in ("lat", "lon")
    )
    placed = np.isfinite(lat) & np.isfinite(lon)
    rows["lat"] = pa.array(lat, mask=~placed)
    rows["lon"] = pa.array(lon, mask=~placed)
    rows["accuracy"] = pa.array(np.where(placed, "place", ""), pa.string(), mask=~placed)
    return rows
