"""Reads works of OpenAlex, JSON lines or Parquet, into the few nested columns that addresses are made from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pydantic import Field

from geoclusters.addresses.sources.files import head_of, on_disk, unreadable
from geoclusters.addresses.sources.formats import LeftOut, Options
from geoclusters.addresses.sources.openalex_files import PARQUET_MAGIC
from geoclusters.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from geoclusters.addresses.sources.files import Member

BATCH_WORKS: Final = 1 << 13
HEAD_WORKS: Final = 1000
BYTES_PER_OBJECT: Final = 1 << 25
"""Longest record that is taken: a work with some 10,000 authors."""

THREADS: Final = 1
"""Of each file: a gzip file cannot be unpacked by more, and files are read side by side."""

OLDER_TYPES: Final = {
    "article": ("journal-article",),
    "conference-paper": ("proceedings-article",),
    "preprint": ("posted-content",),
    "book": ("monograph", "edited-book", "reference-book"),
    "book-chapter": ("book-part", "book-section"),
}
"""Names of a type in records from before 2024, when OpenAlex used those of Crossref."""

Domain = Literal["Physical Sciences", "Life Sciences", "Health Sciences", "Social Sciences"]
DOMAINS: Final[dict[Domain, tuple[str, ...]]] = {
    "Physical Sciences": (
        *(
            "Chemical Engineering",
            "Chemistry",
            "Computer Science",
            "Earth and Planetary Sciences",
            "Energy",
        ),
        *(
            "Engineering",
            "Environmental Science",
            "Materials Science",
            "Mathematics",
            "Physics and Astronomy",
        ),
        *("Computer science", "Environmental science", "Geology", "Materials science", "Physics"),
    ),
    "Life Sciences": (
        *("Agricultural and Biological Sciences", "Biochemistry, Genetics and Molecular Biology"),
        *(
            "Immunology and Microbiology",
            "Neuroscience",
            "Pharmacology, Toxicology and Pharmaceutics",
        ),
        "Biology",
    ),
    "Health Sciences": ("Dentistry", "Health Professions", "Medicine", "Nursing", "Veterinary"),
    "Social Sciences": (
        *("Arts and Humanities", "Business, Management and Accounting", "Decision Sciences"),
        *("Economics, Econometrics and Finance", "Psychology", "Social Sciences"),
        *(
            "Art",
            "Business",
            "Economics",
            "Geography",
            "History",
            "Philosophy",
            "Political science",
            "Sociology",
        ),
    ),
}
"""Domains of OpenAlex and their fields, those of topics first and then those concepts of the top level that differ."""

_AUTHORSHIPS: Final = (
    "STRUCT(author STRUCT(id VARCHAR), institutions STRUCT(id VARCHAR, display_name VARCHAR, ror VARCHAR, "
    "country_code VARCHAR)[], countries VARCHAR[])[]"
)
_COLUMNS: Final = {
    "id": "VARCHAR",
    "type": "VARCHAR",
    "publication_year": "DOUBLE",
    "is_retracted": "BOOLEAN",
    "is_paratext": "BOOLEAN",
    "is_xpac": "BOOLEAN",
    "primary_topic": "STRUCT(field STRUCT(display_name VARCHAR))",
    "authorships": _AUTHORSHIPS,
}
_CONCEPTS: Final = "STRUCT(display_name VARCHAR, level INTEGER, score DOUBLE)[]"
_TOPIC_FIELD: Final = "primary_topic.field.display_name"
_CONCEPT_FIELD: Final = """list_max(list_transform(
    list_filter(concepts, lambda c: c.level = 0), lambda c: {'score': c.score, 'name': c.display_name}
)).name"""
"""Works had no topics before 2024; of their concepts those of level 0 are the fields."""

_PARQUET_LEAVES: Final = (
    "id",
    "type",
    "publication_year",
    "is_retracted",
    "is_paratext",
    "is_xpac",
    "primary_topic.field.display_name",
    "authorships.author.id",
    "authorships.institutions.id",
    "authorships.institutions.display_name",
    "authorships.institutions.ror",
    "authorships.institutions.country_code",
    "authorships.countries",
)
FLAGS: Final = {"retracted": "retracted", "paratext": "paratext", "xpac": "extra pack (xpac)"}
"""Marks of works that do not count unless an option takes them, and what is said of these."""
_LIST_STEPS: Final = {"list", "element", "item", "array", "bag"}


class WorksOptions(Options):
    """
    Options of the format `openalex`.

    Attributes
    ----------
    types : list of str
        Types of works that count, in today's names; records with an older name of a type count as well.
    domains : list of {"Physical Sciences", "Life Sciences", "Health Sciences", "Social Sciences"}
        Domains whose works count; empty: all. With some given, a work of no known field does not count.
    include_retracted, include_paratext, include_xpac : bool
        Take works that are retracted; covers, contents and the like; the extra pack of records of low quality
        that came in 2025.
    drop_parents : bool
        Of two institutions of one author of which one is the other's parent, take the other only.
    prefer_ror : bool
        Take coordinates from the dump of ROR where both it and the institutions have them.
    check_manifest : bool
        Compare the files with the snapshot's manifest, where it lies beside them.
    """

    types: list[str] = Field(default=["article"], min_length=1)
    domains: list[Domain] = Field(default_factory=list)
    include_retracted: bool = False
    include_paratext: bool = False
    include_xpac: bool = False
    drop_parents: bool = True
    prefer_ror: bool = False
    check_manifest: bool = True

    @property
    def fields_taken(self) -> list[str]:
        """Fields of the domains that count."""
        return [field for domain in self.domains for field in DOMAINS[domain]]

    @property
    def all_types(self) -> list[str]:
        """Types with the older names of each."""
        return [name for t in self.types for name in (t, *OLDER_TYPES.get(t, ()))]


def read_works(
    member: Member,
    options: WorksOptions,
    *,
    head_only: bool = False,
    left_out: LeftOut | None = None,
) -> Iterator[pa.RecordBatch]:
    """
    Read the works of one file that count.

    Parameters
    ----------
    member : Member
        JSON lines, a JSON array, a page of the API, or Parquet.
    head_only : bool, default False
        Look at the first works only.
    left_out : LeftOut, optional
        Is told of the works that do not count.

    Yields
    ------
    pyarrow.RecordBatch
        `row` int64 (record of the file, from 1), `id` str as the file has it, `year` int16, `field` str and
        `authorships`, a list of structs with `author`, `institutions` and `countries`.

    Raises
    ------
    SourceError
        If the file is broken or its records are not works.
    """
    head = head_of(member)
    read = _read_parquet if head.startswith(PARQUET_MAGIC) else _read_json
    try:
        for batch in read(member, head, options, head_only=head_only):
            works = _counting(batch, options, left_out or LeftOut())
            _check_ids(member, works)
            yield works
    except (OSError, EOFError, duckdb.Error, pa.ArrowException) as error:
        raise unreadable(member, error) from None


def _counting(batch: pa.RecordBatch, options: WorksOptions, left_out: LeftOut) -> pa.RecordBatch:
    """Give the works that count, and tell of the others why they do not."""
    reasons = batch.column("reason")
    if options.domains:
        field = pc.fill_null(batch.column("field"), "not stated")
        other = pc.invert(pc.is_in(field, value_set=pa.array(options.fields_taken)))
        told = pc.binary_join_element_wise("field", field, " ")
        reasons = pc.coalesce(reasons, pc.if_else(other, told, pa.scalar(None, pa.string())))
    left_out.add_all(reasons)
    works = batch.filter(reasons.is_null()) if reasons.null_count < len(reasons) else batch
    return works.drop_columns(["reason"])


def _check_ids(member: Member, batch: pa.RecordBatch) -> None:
    kinds = pc.match_substring_regex(batch.column("id"), r"^(https?://openalex\.org/)?W\d+$")
    wrong = np.flatnonzero(~pc.fill_null(kinds, fill_value=False).to_numpy(zero_copy_only=False))
    if len(wrong):
        row = batch.slice(int(wrong[0]), 1).to_pylist()[0]
        raise SourceError(
            f"{member.path}, record {row['row']}: id = {row['id']!r} is not that of a work, as "
            "'https://openalex.org/W123'; are these the works of OpenAlex?"
        )


def _read_json(
    member: Member, head: bytes, options: WorksOptions, *, head_only: bool
) -> Iterator[pa.RecordBatch]:
    query, columns = works_query(head, options)
    if head_only:
        query = f"SELECT * FROM ({query}) WHERE reason IS NULL LIMIT {HEAD_WORKS}"
    params = {"columns": columns, "bytes": BYTES_PER_OBJECT, "types": options.all_types}
    with on_disk(member) as file, duckdb.connect(config={"threads": THREADS}) as connection:
        answer = connection.sql(query, params={"file": str(file), **params})
        yield from answer.to_arrow_reader(BATCH_WORKS)


def works_query(head: bytes, options: WorksOptions) -> tuple[str, dict[str, str]]:
    """
    Give the query that reads works, and the columns of its JSON.

    Parameters
    ----------
    head : bytes
        First bytes of the file: they tell how the records stand in it, and whether they have topics.

    Returns
    -------
    query : str
        SQL with the parameters ``file``, ``columns``, ``bytes`` and ``types``.
    columns : dict of str to str
        Keys of the JSON and their types.
    """
    columns: dict[str, str] = dict(_COLUMNS)
    field = _TOPIC_FIELD
    if b'"primary_topic"' not in head:
        columns["concepts"] = _CONCEPTS
        field = f"coalesce({_TOPIC_FIELD}, {_CONCEPT_FIELD})"
    layout = "array" if head.lstrip()[:1] == b"[" else "newline_delimited"
    records = (
        f"read_json($file, columns = $columns, format = '{layout}', maximum_object_size = $bytes)"
    )
    if b'"results"' in head and head.lstrip().startswith(b'{"meta"'):
        keys = ", ".join(f'"{key}" {kind}' for key, kind in columns.items())
        columns = {"results": f"STRUCT({keys})[]"}
        records = records.replace(layout, "auto")
        records = f"(SELECT work.* FROM (SELECT unnest(results) AS work FROM {records}))"
    flags = " ".join(f"WHEN {flag} THEN '{words}'" for flag, words in _excluded(options).items())
    # What does not count is handed on without its authors, to be counted.
    query = (
        f'SELECT row, id, TRY_CAST(publication_year AS SMALLINT) AS "year", {field} AS field, '
        "CASE WHEN reason IS NULL THEN authorships END AS authorships, reason "
        "FROM (SELECT row_number() OVER () AS row, *, CASE WHEN NOT coalesce(list_contains($types, type), false) "
        f"THEN concat('type ', coalesce(type, 'not stated')) {flags} END AS reason FROM {records})"
    )
    return query, columns


def _excluded(options: WorksOptions) -> dict[str, str]:
    """Give the flags of works that do not count, and what is said of them."""
    return {
        f"is_{name}": words
        for name, words in FLAGS.items()
        if not getattr(options, f"include_{name}")
    }


def _read_parquet(
    member: Member, _head: bytes, options: WorksOptions, *, head_only: bool
) -> Iterator[pa.RecordBatch]:
    first_row = 1
    with pq.ParquetFile(member.seekable()) as file:
        leaves = [file.schema.column(i).path for i in range(len(file.schema))]
        columns = [leaf for leaf in leaves if _plain(leaf) in _PARQUET_LEAVES]
        for batch in file.iter_batches(BATCH_WORKS, columns=columns):
            yield _from_parquet(batch, options, first_row)
            first_row += batch.num_rows
            if head_only:
                return


def _plain(leaf: str) -> str:
    """
    Name of a leaf of Parquet without the steps that lists add.

    Examples
    --------
    >>> _plain("authorships.list.element.author.id")
    'authorships.author.id'
    """
    return ".".join(step for step in leaf.split(".") if step not in _LIST_STEPS)


def _from_parquet(batch: pa.RecordBatch, options: WorksOptions, first_row: int) -> pa.RecordBatch:
    n = batch.num_rows
    field = pa.nulls(n, pa.string())
    if "primary_topic" in batch.schema.names:
        field = pc.struct_field(batch.column("primary_topic"), ["field", "display_name"])
    year = pc.cast(batch.column("publication_year"), pa.int64())
    year = pc.if_else(pc.less(pc.abs(year), 1 << 15), year, pa.scalar(None, pa.int64()))
    found: dict[str, Any] = {
        "row": pa.array(np.arange(first_row, first_row + n, dtype=np.int64)),
        "id": batch.column("id"),
        "year": year.cast(pa.int16()),
        "field": field,
        "authorships": batch.column("authorships"),
        "reason": _reasons(batch, options),
    }
    return pa.RecordBatch.from_pydict(found)


def _reasons(batch: pa.RecordBatch, options: WorksOptions) -> pa.Array:
    """Say why works do not count; null for those that do."""
    kind = pc.fill_null(batch.column("type").cast(pa.string()), "not stated")
    other = pc.invert(pc.is_in(kind, value_set=pa.array(options.all_types)))
    reason = pc.if_else(
        other, pc.binary_join_element_wise("type", kind, " "), pa.scalar(None, pa.string())
    )
    for flag, words in _excluded(options).items():
        if flag in batch.schema.names:
            flagged = pc.fill_null(batch.column(flag).cast(pa.bool_()), fill_value=False)
            said = pc.if_else(flagged, pa.scalar(words), pa.scalar(None, pa.string()))
            reason = pc.coalesce(reason, said)
    return reason
