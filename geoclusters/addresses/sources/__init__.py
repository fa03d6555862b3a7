"""The formats that a study can name, and the one function that reads any of them.

A format is a function that takes the files of a source and yields batches in the columns of `schema.READ`. Packages can
add their own under the entry-point group ``geoclusters.sources``.
"""

from __future__ import annotations

import difflib
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Final, Protocol

from geoclusters.addresses.sources.files import matching_files
from geoclusters.addresses.sources.table import read_tables
from geoclusters.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    import pyarrow as pa

__all__ = ["FORMATS", "Reader", "format_reader", "matching_files"]

ENTRY_POINTS: Final = "geoclusters.sources"


class Reader(Protocol):
    """Reads files of one format into batches of `schema.READ`, in bounded memory."""

    def __call__(
        self,
        files: Sequence[Path],
        *,
        columns: Mapping[str, str],
        delimiter: str | None,
        encoding: str,
        head_only: bool,
    ) -> Iterator[pa.RecordBatch]:
        """Yield the rows in the order of the files; with `head_only` only the first of each file."""
        ...


FORMATS: Final[dict[str, Reader]] = {"table": read_tables}


def format_reader(name: str) -> Reader:
    """
    Find the reader of a format by its name.

    Raises
    ------
    SourceError
        Lists the known formats when the name is none of them.
    """
    if name in FORMATS:
        return FORMATS[name]
    added = {point.name: point for point in entry_points(group=ENTRY_POINTS)}
    if name in added:
        reader: Reader = added[name].load()
        return reader
    known = sorted({*FORMATS, *added})
    close = difflib.get_close_matches(name, known, n=1)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    raise SourceError(f"format = {name!r} is not known{hint}; known formats: {', '.join(known)}")
