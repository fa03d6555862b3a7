"""Addresses: read from the sources of a study, checked, and weighed as fractions of their documents."""

from geoclusters.addresses.documents import (
    Aside,
    ScatterFinder,
    aside_table,
    first_keys,
    is_member,
    joined_span,
    open_ends,
    repeated_keys,
    rising_span,
    run_numbers,
    together,
    touching_numbers,
)
from geoclusters.addresses.parts import (
    OWN_COLUMNS,
    Part,
    PartWriter,
    group_rows,
    part_of_facts,
    split,
)
from geoclusters.addresses.rows import LEVELS, Book, Rows, document_keys, row_numbers
from geoclusters.addresses.sources import Request, find_format, known_formats, matching_files
from geoclusters.addresses.weighing import Rules, WeighedRows, in_window, weighed_rows

__all__ = [
    "LEVELS",
    "OWN_COLUMNS",
    "Aside",
    "Book",
    "Part",
    "PartWriter",
    "Request",
    "Rows",
    "Rules",
    "ScatterFinder",
    "WeighedRows",
    "aside_table",
    "document_keys",
    "find_format",
    "first_keys",
    "group_rows",
    "in_window",
    "is_member",
    "joined_span",
    "known_formats",
    "matching_files",
    "open_ends",
    "part_of_facts",
    "repeated_keys",
    "rising_span",
    "row_numbers",
    "run_numbers",
    "split",
    "together",
    "touching_numbers",
    "weighed_rows",
]
