"""Reads the dumps of the Research Organization Registry (ROR), whichever of their forms is given.

A release is a zip with JSON and CSV, in the registry's first schema, its second or both; the names of the files do
not tell which, so the keys decide. Facts about both: https://ror.readme.io/docs/data-dump.
"""

from __future__ import annotations

import csv
import json
import re
from typing import IO, TYPE_CHECKING, Any, Final

import duckdb
import pandas as pd
import pyarrow as pa

from geoclusters.addresses.sources.files import head_of, on_disk, unreadable
from geoclusters.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from geoclusters.addresses.sources.files import Member

FORMS: Final = ("json_v2", "json_v1", "csv_v2", "csv_v1")
"""Forms of a dump, the one that says most first; of a zip with several only the first is read."""

HEAD_RECORDS: Final = 1000
BYTES_PER_OBJECT: Final = 1 << 26
_ID: Final = re.compile(rb'"id"\s*:\s*"https://ror\.org/0[0-9a-z]{8}"')
_JSON_ID: Final = re.compile(r"https://ror\.org/(0[0-9a-z]{8})")

_JSON_COLUMNS: Final = {
    "id": "VARCHAR",
    "status": "VARCHAR",
    "types": "VARCHAR[]",
    "relationships": 'STRUCT("type" VARCHAR, id VARCHAR)[]',
    "names": "STRUCT(value VARCHAR, types VARCHAR[])[]",
    "locations": "STRUCT(geonames_details STRUCT(name VARCHAR, lat DOUBLE, lng DOUBLE, country_code VARCHAR,"
    " country_subdivision_name VARCHAR))[]",
    "name": "VARCHAR",
    "aliases": "VARCHAR[]",
    "acronyms": "VARCHAR[]",
    "labels": "STRUCT(label VARCHAR)[]",
    "addresses": "STRUCT(lat DOUBLE, lng DOUBLE, city VARCHAR, state VARCHAR,"
    " geonames_city STRUCT(geonames_admin1 STRUCT(name VARCHAR)))[]",
    "country": "STRUCT(country_code VARCHAR)",
}
"""Keys of the two schemas together; of the one that a file does not have, all are null."""

_JSON_QUERY: Final = """
SELECT
    substr(id, -9) AS ror_id,
    coalesce(name, list_filter(names, lambda n: list_contains(n.types, 'ror_display'))[1].value) AS name,
    list_distinct(coalesce(list_concat(
        aliases,
        list_transform(labels, lambda l: l.label),
        list_transform(
            list_filter(names, lambda n: list_has_any(n.types, ['alias', 'label', 'ror_display'])), lambda n: n.value
        )
    ), [])) AS aliases,
    list_distinct(coalesce(list_concat(
        acronyms,
        list_transform(list_filter(names, lambda n: list_contains(n.types, 'acronym')), lambda n: n.value)
    ), [])) AS acronyms,
    list_transform(coalesce(types, []), lambda t: lower(t)) AS types,
    lower(status) AS status,
    coalesce(locations[1].geonames_details.name, addresses[1].city) AS city,
    coalesce(
        locations[1].geonames_details.country_subdivision_name,
        addresses[1].geonames_city.geonames_admin1.name,
        addresses[1].state
    ) AS region,
    coalesce(locations[1].geonames_details.country_code, country.country_code) AS country,
    coalesce(locations[1].geonames_details.lat, addresses[1].lat) AS lat,
    coalesce(locations[1].geonames_details.lng, addresses[1].lng) AS lon,
    list_transform(
        list_filter(coalesce(relationships, []), lambda r: lower(r.type) = 'parent'), lambda r: substr(r.id, -9)
    ) AS parents,
    list_transform(
        list_filter(coalesce(relationships, []), lambda r: lower(r.type) = 'successor'), lambda r: substr(r.id, -9)
    ) AS successors
FROM read_json($file, columns = $columns, format = $layout, maximum_object_size = $bytes)
"""

_CSV_COLUMNS: Final = {
    "csv_v2": {
        "name": ("names.types.ror_display",),
        "aliases": ("names.types.label", "names.types.alias"),
        "acronyms": ("names.types.acronym",),
        "city": ("locations.geonames_details.name",),
        "region": ("locations.geonames_details.country_subdivision_name",),
        "country": ("locations.geonames_details.country_code",),
        "lat": ("locations.geonames_details.lat",),
        "lon": ("locations.geonames_details.lng",),
    },
    "csv_v1": {
        "name": ("name",),
        "aliases": ("labels", "aliases"),
        "acronyms": ("acronyms",),
        "city": ("addresses[0].geonames_city.name", "addresses[0].city"),
        "region": ("addresses[0].geonames_city.geonames_admin1.name",),
        "country": ("country.country_code",),
        "lat": ("addresses[0].lat",),
        "lon": ("addresses[0].lng",),
    },
}
_LANGUAGE: Final = re.compile(r"^(?:[a-z]{2,3}|no_lang_code): ")


def form_of(head: bytes) -> str | None:
    """
    Tell from the first bytes of a file whether it is a dump of ROR, and in which form.

    Returns
    -------
    str or None
        One of `FORMS`; None for any other file.

    Examples
    --------
    >>> form_of(b'[{"id": "https://ror.org/042nb2s44", "name": "x", "addresses": []}]')
    'json_v1'
    >>> form_of(b"id,name,addresses[0].lat,country.country_code")
    'csv_v1'
    """
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    if start[:1] in (b"[", b"{"):
        return _json_form(start)
    line = start.splitlines()[0] if start else b""
    names = next(csv.reader([line.decode("utf-8", errors="replace")]), [])
    for form, columns in _CSV_COLUMNS.items():
        if {"id", columns["name"][0], columns["lat"][0]} <= set(names):
            return form
    return None


def _json_form(start: bytes) -> str | None:
    if not _ID.search(start) or b"openalex.org/" in start[:2000]:
        return None
    if b'"names"' in start and b'"locations"' in start:
        return "json_v2"
    return "json_v1" if b'"addresses"' in start or b'"aliases"' in start else None


def as_objects(table: pa.Table) -> pd.DataFrame:
    """Give a table as plain objects: str, float, list, and None for what is null."""
    columns = {name: table.column(name).to_pylist() for name in table.column_names}
    return pd.DataFrame({name: pd.Series(v, dtype=object) for name, v in columns.items()})


def read_dump(files: Sequence[Member], *, head_only: bool = False) -> pd.DataFrame:
    """
    Read the organisations of a dump.

    Parameters
    ----------
    files : sequence of Member
        Files of one release or of several; of each archive the form that says most is read, and where releases
        hold the same organisation, that of the file which comes last counts.
    head_only : bool, default False
        Read only the first records.

    Returns
    -------
    pandas.DataFrame
        One row an organisation, by `ror_id` (nine characters), with a fresh index:

        - `name` str; `aliases` list of str, all its long names; `acronyms` list of str;
        - `types` list of str, lower case; `status` str, one of active, inactive, withdrawn;
        - `city`, `region` str or None; `country` str, ISO 3166-1 alpha-2; of its first location;
        - `lat`, `lon` float64, WGS 84 degrees, NaN where not known: the point of the city, not of the campus;
        - `parents`, `successors` list of str, their `ror_id`.

    Raises
    ------
    SourceError
        If none of the files is a dump, or one is broken.
    """
    tables = [_read(member, form, head_only=head_only) for member, form in _chosen(files)]
    if not tables:
        names = ", ".join(sorted({m.label for m in files})[:5]) or "no file"
        raise SourceError(
            f"{names}: no dump of ROR; give the zip of a release, as from https://doi.org/10.5281/zenodo.6347574"
        )
    table = pd.concat(tables, ignore_index=True).drop_duplicates("ror_id", keep="last")
    return table.sort_values("ror_id", ignore_index=True)


def _chosen(files: Sequence[Member]) -> list[tuple[Member, str]]:
    """Give the dumps among the files: of each archive one, of loose files all."""
    forms = [(member, form_of(head_of(member))) for member in files]
    known = [(member, form) for member, form in forms if form is not None]
    best: dict[Path, tuple[Member, str]] = {}
    for member, form in known:
        held = best.get(member.path)
        if held is None or FORMS.index(form) < FORMS.index(held[1]):
            best[member.path] = (member, form)
    return list(best.values())


def _read(member: Member, form: str, *, head_only: bool) -> pd.DataFrame:
    try:
        if form.startswith("json"):
            return _read_json(member, head_only=head_only)
        with member.opened() as stream:
            return _read_csv(stream, form, head_only=head_only)
    except (OSError, EOFError, duckdb.Error, pa.ArrowException, UnicodeError, ValueError) as error:
        raise unreadable(member, error) from None


def _read_json(member: Member, *, head_only: bool) -> pd.DataFrame:
    layout = "array" if head_of(member).lstrip()[:1] == b"[" else "auto"
    limit = f" LIMIT {HEAD_RECORDS}" if head_only else ""
    given = {"columns": _JSON_COLUMNS, "layout": layout, "bytes": BYTES_PER_OBJECT}
    with on_disk(member) as file, duckdb.connect() as connection:
        answer = connection.sql(_JSON_QUERY + limit, params={"file": str(file), **given})
        table = as_objects(answer.to_arrow_table())
    for column in ("aliases", "acronyms", "types", "parents", "successors"):
        table[column] = [sorted(filter(None, values)) for values in table[column]]
    return table.astype({"lat": "float64", "lon": "float64"})


def _read_csv(stream: IO[bytes], form: str, *, head_only: bool) -> pd.DataFrame:
    table = pd.read_csv(
        stream,
        dtype=str,
        keep_default_na=False,
        encoding="utf-8-sig",
        nrows=HEAD_RECORDS if head_only else None,
    )
    found: dict[str, Any] = {"ror_id": table["id"].str[-9:]}
    for column, sources in _CSV_COLUMNS[form].items():
        given = [table[s] for s in sources if s in table]
        if column in {"aliases", "acronyms"}:
            found[column] = pd.Series(
                [
                    sorted({n for cell in row for n in _names(cell)})
                    for row in zip(*given, strict=True)
                ]
            )
        else:
            cells = given[0] if given else [""] * len(table)
            found[column] = pd.Series([_first(cell) for cell in cells], dtype=object)
    for column in ("lat", "lon"):
        found[column] = pd.to_numeric(found[column]).astype("float64")
    found["types"] = table["types"].map(lambda cell: sorted(t.lower() for t in _names(cell)))
    found["status"] = table["status"].str.lower()
    relations = table.get("relationships", pd.Series([""] * len(table)))
    for column, kind in (("parents", "parent"), ("successors", "successor")):
        found[column] = relations.map(lambda cell, kind=kind: _related(cell, kind))
    return pd.DataFrame(found)


def _names(cell: str) -> list[str]:
    """
    Parts of a cell of the CSV, without the language before each.

    Examples
    --------
    >>> _names("en: University of Vienna; de: Universität Wien")
    ['University of Vienna', 'Universität Wien']
    """
    if cell.startswith("["):
        return [_LANGUAGE.sub("", str(name)) for name in json.loads(cell)]
    return [_LANGUAGE.sub("", name.strip()) for name in cell.split(";") if name.strip()]


def _first(cell: str) -> str | None:
    return _LANGUAGE.sub("", cell.split("; ", maxsplit=1)[0].strip()) or None


def _related(cell: str, kind: str) -> list[str]:
    """
    Organisations of one kind of relation.

    Examples
    --------
    >>> _related("child: https://ror.org/039p7nx39; parent: https://ror.org/04ttjf776", "parent")
    ['04ttjf776']
    """
    parts = [part for part in cell.lower().split(";") if part.strip().startswith(kind)]
    return sorted(_JSON_ID.findall(" ".join(parts)))
