"""Reads tables with raw affiliations, and places each through a dump of the Research Organization Registry (ROR)."""

from __future__ import annotations

import threading
from collections import defaultdict
from dataclasses import replace
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from geoclusters import schema
from geoclusters.addresses.sources.files import Member, head_of, members
from geoclusters.addresses.sources.formats import Format, Options, Request
from geoclusters.addresses.sources.ror_dump import form_of, read_dump
from geoclusters.addresses.sources.ror_index import Index
from geoclusters.addresses.sources.ror_matching import MIN_SCORE, ONE_PLACE_KM, Match, Matcher
from geoclusters.addresses.sources.ror_names import plain_words
from geoclusters.addresses.sources.table import read_tables
from geoclusters.countries import iso2_of
from geoclusters.earth import distance_km, unit_vectors
from geoclusters.errors import SourceError
from geoclusters.places import read_places

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import numpy.typing as npt

TEXT: Final = "organisation"
"""Our column in which the affiliations come from the tables."""

ANSWERED: Final = ("organisation", "country", "region", "place", "lat", "lon", "accuracy")


class RorOptions(Options):
    """
    Options of the format `ror-affiliations`.

    Attributes
    ----------
    affiliation : str, optional
        Column of the raw affiliations; by default the one that `columns` gives for `organisation`.
    separator : str, optional
        Sign between the affiliations of one person, where a cell holds several: each becomes a row of its own.
    min_score : float
        From 0 to 1: organisations that are less sure are not taken.
    """

    affiliation: str | None = Field(None, min_length=1)
    separator: str | None = Field(None, min_length=1)
    min_score: float = Field(MIN_SCORE, ge=0, le=1)


def read_affiliations(request: Request) -> Iterator[pa.RecordBatch]:
    """
    Read tables, and place their affiliations.

    Parameters
    ----------
    request : Request
        Tables of any kind that `table` reads, whose columns the study names, and one or more dumps of ROR, told
        apart by what is in them. Options as `RorOptions` says.

    Yields
    ------
    pyarrow.RecordBatch
        Columns of `schema.READ`. An affiliation whose organisation is found has its name and the point of its
        city (accuracy ``place``). Where the text names a place that is elsewhere, or no organisation is found,
        place, region and country are those of the text, and there are no coordinates. Coordinates, country and the
        like that the table gives itself stay.

    Raises
    ------
    SourceError
        If there is no dump or no table, or a file is broken.
    """
    options: RorOptions = FORMAT.options_of(request)
    tables, dumps = _apart(request.files)
    if request.head_only and not tables:
        yield _head_of_dump(dumps)
        return
    asked = replace(request, files=tables, columns=_columns(request, options))
    if not dumps:
        if not request.head_only:
            raise SourceError(
                f"{tables[0]}: none of the files is a dump of ROR; add the zip of a release to path, as from "
                "https://doi.org/10.5281/zenodo.6347574"
            )
        yield from read_tables(asked)
        return
    index = _index_of(tuple(dumps), _stamps(dumps), request.head_only)
    placer = _Placer(index, options.min_score)
    if not tables:
        raise SourceError(
            f"{dumps[0].path}: the files hold organisations only; add the tables with affiliations to path"
        )
    for batch in read_tables(asked):
        yield placer.placed(_parted(batch, options.separator))


def _apart(files: Sequence[Path]) -> tuple[list[Path], list[Member]]:
    """Tables, and the members of dumps."""
    tables: list[Path] = []
    dumps: list[Member] = []
    for file in files:
        held = [member for member in members([file]) if form_of(head_of(member))]
        dumps += held
        if not held:
            tables.append(file)
    return tables, dumps


def _columns(request: Request, options: RorOptions) -> dict[str, str]:
    columns = dict(request.columns)
    if options.affiliation is None and TEXT not in columns:
        raise SourceError(
            "format = 'ror-affiliations': which column holds the affiliations? Name it with "
            'options = {affiliation = "…"}'
        )
    if options.affiliation is not None:
        columns[TEXT] = options.affiliation
    return columns


def _stamps(dumps: Sequence[Member]) -> tuple[tuple[int, int], ...]:
    return tuple((m.path.stat().st_size, m.path.stat().st_mtime_ns) for m in dumps)


_LOCK: Final = threading.Lock()


def _index_of(
    dumps: tuple[Member, ...],
    stamps: tuple[tuple[int, int], ...],
    head_only: bool,  # noqa: FBT001
) -> Index:
    """Read the dump, once a process for the same files."""
    with _LOCK:
        return _read_index(dumps, stamps, head_only)


@lru_cache(maxsize=1)
def _read_index(
    dumps: tuple[Member, ...],
    _stamps: tuple[tuple[int, int], ...],
    head_only: bool,  # noqa: FBT001
) -> Index:
    return Index(read_dump(dumps, head_only=head_only))


def _head_of_dump(dumps: Sequence[Member]) -> pa.RecordBatch:
    """Organisations of the head of a dump as rows, so that a check shows that it can be read."""
    table = read_dump(dumps, head_only=True)
    n = len(table)
    given: dict[str, Any] = {
        "document": table["ror_id"],
        "organisation": table["name"],
        "country": table["country"],
        "region": table["region"],
        "place": table["city"],
        "lat": table["lat"],
        "lon": table["lon"],
        "file": [dumps[0].label] * n,
        "row": np.arange(1, n + 1),
    }
    layout = schema.READ.arrow()
    arrays = [
        pa.array(given[f.name], f.type, from_pandas=True)
        if f.name in given
        else pa.nulls(n, f.type)
        for f in layout
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=layout)


def _parted(batch: pa.RecordBatch, separator: str | None) -> pa.RecordBatch:
    """Give each affiliation of a cell a row of its own."""
    if separator is None:
        return batch
    lists = pc.split_pattern(batch.column(TEXT), separator)
    lists = pc.if_else(lists.is_valid(), lists, pa.scalar([None], lists.type))
    texts = pc.utf8_trim_whitespace(pc.list_flatten(lists))
    texts = pc.if_else(pc.equal(texts, ""), pa.scalar(None, pa.string()), texts)
    rows = pc.list_parent_indices(lists)
    # An empty piece, as behind a last separator, is no affiliation; a cell of nothing else keeps one row.
    number = np.bincount(
        rows.to_numpy()[texts.is_valid().to_numpy(zero_copy_only=False)], minlength=batch.num_rows
    )
    first = np.r_[True, np.diff(rows.to_numpy()) > 0][: len(rows)]
    kept = pc.or_(texts.is_valid(), pa.array(first & (number[rows.to_numpy()] == 0)))
    taken = batch.take(rows.filter(kept))
    at = taken.schema.get_field_index(TEXT)
    return taken.set_column(at, taken.schema.field(at), texts.filter(kept))


class _Placer:
    """Places batches; a text that came before is not looked at again."""

    def __init__(self, index: Index, min_score: float) -> None:
        self._index = index
        self._matcher = Matcher(index, min_score=min_score)
        self._known: dict[tuple[str, str | None], dict[str, Any]] = {}

    def placed(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        encoded = _pairs(batch.column(TEXT), batch.column("country"))
        answers = [self._answer(text, country) for text, country in encoded[0]]
        rows = pa.array(encoded[1])
        columns = []
        for name, field in zip(batch.schema.names, schema.READ.arrow(), strict=True):
            given = batch.column(name)
            if name in ANSWERED:
                found = pa.array([a[name] for a in answers], field.type).take(rows)
                given = found if name == TEXT else pc.coalesce(given, found)
            columns.append(given)
        return pa.RecordBatch.from_arrays(columns, schema=schema.READ.arrow())

    def _answer(self, text: str | None, country: str | None) -> dict[str, Any]:
        key = (text or "", country)
        if key not in self._known:
            code = iso2_of([country])[0] if country else None
            [match] = self._matcher.match([text], [code])
            self._known[key] = self._columns(match, text)
        return self._known[key]

    def _columns(self, match: Match, text: str | None) -> dict[str, Any]:
        stated, index, row = match.stated, self._index, match.row
        said = {
            "organisation": stated.organisation or text,
            "country": stated.country,
            "region": stated.region,
            "place": stated.place,
            "lat": None,
            "lon": None,
            "accuracy": None,
        }
        if row < 0:
            return said
        own = {"organisation": index.names[row], "country": stated.country or index.countries[row]}
        lat, lon = float(index.lat[row]), float(index.lon[row])
        if not np.isfinite(lat + lon) or _is_elsewhere(stated.place, own["country"], lat, lon):
            return said | own
        where = {"region": index.region_names[row], "place": index.city_names[row]}
        return {**said, **own, **where, "lat": lat, "lon": lon, "accuracy": "place"}


def _pairs(
    texts: pa.Array, countries: pa.Array
) -> tuple[list[tuple[str | None, str | None]], npt.NDArray[np.int64]]:
    """Distinct pairs of text and country, and which of them each row has."""
    a, b = texts.dictionary_encode(), countries.dictionary_encode()
    first = a.indices.fill_null(len(a.dictionary)).to_numpy(zero_copy_only=False).astype(np.int64)
    second = b.indices.fill_null(len(b.dictionary)).to_numpy(zero_copy_only=False).astype(np.int64)
    size = len(b.dictionary) + 1
    pairs, rows = np.unique(first * size + second, return_inverse=True)
    left, right = [*a.dictionary.to_pylist(), None], [*b.dictionary.to_pylist(), None]
    return [(left[p // size], right[p % size]) for p in pairs.tolist()], rows.ravel()


def _is_elsewhere(place: str | None, country: str | None, lat: float, lon: float) -> bool:
    """Tell whether all places of a name and country are far from a point; an unknown place is not."""
    points = _points().get((country or "", plain_words(place or "")))
    if points is None:
        return False
    here = unit_vectors([lat], [lon])
    there = unit_vectors(*np.array(points).T)
    return bool((distance_km(here, there) > ONE_PLACE_KM).all())


@cache
def _points() -> dict[tuple[str, tuple[str, ...]], list[tuple[float, float]]]:
    found: dict[tuple[str, tuple[str, ...]], list[tuple[float, float]]] = defaultdict(list)
    table = read_places()
    columns = (table[c].tolist() for c in ("country", "name", "ascii_name", "lat", "lon"))
    for country, name, plain, lat, lon in zip(*columns, strict=True):
        for words in {plain_words(name), plain_words(plain)} - {()}:
            found[country, words].append((lat, lon))
    return dict(found)


def _groups(files: Sequence[Path]) -> list[list[Path]]:
    """Each table with all dumps."""
    tables, _ = _apart(files)
    others = [file for file in files if file not in tables]
    return [[table, *others] for table in tables] or [list(files)]


def _recognises(_member: Member, head: bytes) -> bool:
    return form_of(head) is not None


FORMAT: Final = Format(
    name="ror-affiliations",
    title="affiliations placed through ROR",
    read=read_affiliations,
    maps_columns=True,
    options=RorOptions,
    recognises=_recognises,
    groups=_groups,
)
