"""What the exports of bibliographic databases share: authors with affiliations, types of documents, years.

A record becomes a row for each author and affiliation, so that each author has an equal part of the document and each
of an author's affiliations an equal part of that. An author without an affiliation keeps a row that cannot be placed.
"""

from __future__ import annotations

import re
from collections import Counter
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import pyarrow as pa

from geoclusters import schema
from geoclusters.addresses.affiliations import Affiliation, is_remark, parse_affiliations
from geoclusters.addresses.sources.delimited import need, read_delimited
from geoclusters.addresses.sources.formats import Options

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from geoclusters.addresses.sources.files import Member
    from geoclusters.addresses.sources.formats import Request

ROWS_AT_ONCE: Final = 1 << 16
HEAD_RECORDS: Final = 200
YEAR: Final = re.compile(r"\b(1[5-9]\d\d|20\d\d)\b")


class RecordOptions(Options):
    """
    Options of all bibliographic formats.

    Attributes
    ----------
    types : list of str
        Types of documents that are taken, in any case, as the database names them; an empty list takes all.
    """

    types: list[str]

    def takes(self, stated: str | None) -> bool:
        """
        Tell whether a record is taken; of a record with several types one is enough.

        Examples
        --------
        >>> RecordOptions(types=["Article"]).takes("article; early access")
        True
        """
        names = {part.strip().casefold() for part in (stated or "").split(";")}
        return not self.types or not names.isdisjoint(name.casefold() for name in self.types)

    def counts(self, stated: str | None, request: Request) -> bool:
        """Tell whether a record is taken, and take note of one that is not."""
        taken = self.takes(stated)
        if not taken:
            request.left_out.add(f"type {stated or 'not stated'}")
        return taken


class Record(NamedTuple):
    """
    One document and who wrote it where.

    Attributes
    ----------
    document : str or None
        Its identifier.
    year : int or None
        Of publication.
    field : str or None
        The first of its fields.
    authorships : list of (str or None, str or Affiliation or None)
        Author, and one affiliation: as text, or taken apart. The author is None where the record does not say whose
        affiliation it is.
    row : int
        Number of the record in its file, from 1.
    """

    document: str | None
    year: int | None
    field: str | None
    authorships: list[tuple[str | None, str | Affiliation | None]]
    row: int


def rows_of_csv(
    member: Member,
    request: Request,
    options: RecordOptions,
    *,
    columns: Collection[str],
    one_of: Collection[Collection[str]],
    type_column: str,
    what: str,
    advice: str,
) -> Iterator[tuple[int, dict[str, Any]]]:
    """
    Give the rows of a CSV export whose type is taken.

    Parameters
    ----------
    columns : collection of str
        Simple names of the columns that are read.
    one_of, what, advice
        As `delimited.need` takes them.
    type_column : str
        Column of the type of a document; without it all rows are taken.

    Yields
    ------
    row : int
        Number of the row in its file, from 1.
    values : dict of str to (str or None)
        Value of each column that the file has.
    """
    encoding = request.encoding
    need(member, columns, one_of=one_of, what=what, advice=advice, encoding=encoding)
    batches = read_delimited(member, wanted=columns, encoding=encoding, head_only=request.head_only)
    rows = (values for batch in batches for values in batch.to_pylist())
    for row, values in enumerate(rows, start=1):
        if type_column not in values or options.counts(values[type_column], request):
            yield row, values


def read_records(
    records: Iterable[Record], *, file: str, head_only: bool = False
) -> Iterator[pa.RecordBatch]:
    """
    Bring records into batches of `schema.READ`.

    Parameters
    ----------
    records : iterable of Record
        Are taken one by one; a batch holds some `ROWS_AT_ONCE` rows.
    file : str
        Name of their file, which the rows carry.
    head_only : bool
        Take the first `HEAD_RECORDS` records only.
    """
    waiting: list[Record] = []
    rows = 0
    for record in islice(records, HEAD_RECORDS) if head_only else records:
        waiting.append(record)
        rows += max(1, len(record.authorships))
        if rows >= ROWS_AT_ONCE:
            yield _batch(waiting, file)
            waiting, rows = [], 0
    if waiting:
        yield _batch(waiting, file)


def _batch(records: Sequence[Record], file: str) -> pa.RecordBatch:
    rows = [(record, *pair) for record in records for pair in record.authorships or [(None, None)]]
    where = _parsed([affiliation for _, _, affiliation in rows])
    given = {
        "document": [record.document for record, _, _ in rows],
        "person": [person for _, person, _ in rows],
        "country": [found.country for found in where],
        "region": [found.region for found in where],
        "place": [found.place for found in where],
        "year": [record.year for record, _, _ in rows],
        "organisation": [found.organisation for found in where],
        "field": [record.field for record, _, _ in rows],
        "accuracy": [found.accuracy for found in where],
        "file": [file] * len(rows),
        "row": [record.row for record, _, _ in rows],
    }
    layout = schema.READ.arrow()
    columns = [
        pa.array(given[f.name], f.type) if f.name in given else pa.nulls(len(rows), f.type)
        for f in layout
    ]
    return pa.RecordBatch.from_arrays(columns, schema=layout)


def _parsed(given: Sequence[str | Affiliation | None]) -> list[Affiliation]:
    texts = [None if isinstance(one, Affiliation) else one for one in given]
    return [
        one if isinstance(one, Affiliation) else found
        for one, found in zip(given, parse_affiliations(texts), strict=True)
    ]


def authorships(
    authors: Sequence[str], affiliations: Sequence[Sequence[str | Affiliation]]
) -> list[tuple[str | None, str | Affiliation | None]]:
    """
    Pair each author with each of the author's affiliations.

    Notes on authors that stand among the affiliations are left out, and two authors of one name are told apart.

    Examples
    --------
    >>> authorships(["Li, W", "Li, W"], [["Univ A, Bern, Switzerland"], []])
    [('Li, W', 'Univ A, Bern, Switzerland'), ('Li, W (2)', None)]
    """
    pairs: list[tuple[str | None, str | Affiliation | None]] = []
    for author, own in zip(told_apart(authors), affiliations, strict=True):
        texts = [one for one in own if isinstance(one, Affiliation) or not is_remark(one)]
        pairs += [(author, one) for one in texts] or [(author, None)]
    return pairs


def told_apart(names: Sequence[str]) -> list[str]:
    """
    Add a number to each name that has come before.

    Examples
    --------
    >>> told_apart(["Wang Y.", "Li X.", "Wang Y."])
    ['Wang Y.', 'Li X.', 'Wang Y. (2)']
    """
    seen: Counter[str] = Counter()
    told = []
    for name in names:
        seen[name] += 1
        told.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return told


def items(text: str | None) -> list[str]:
    """
    Parts between semicolons, without blanks around them and without empty ones.

    Examples
    --------
    >>> items("Li, W; Ng, A;"), items(None)
    (['Li, W', 'Ng, A'], [])
    """
    return [part.strip() for part in (text or "").split(";") if part.strip()]


def first_item(text: str | None) -> str | None:
    """First part between semicolons, None where there is none."""
    return next(iter(items(text)), None)


def year_of(*texts: str | None) -> int | None:
    """
    Find the year in the first text that holds one.

    Examples
    --------
    >>> year_of(None, "NOV 2021"), year_of("2020-03-01"), year_of("n.d.")
    (2021, 2020, None)
    """
    for text in texts:
        found = YEAR.search(text or "")
        if found:
            return int(found[1])
    return None
