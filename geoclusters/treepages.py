"""Fills tables of an SQLite file with many rows at once, by writing the pages of their trees.

Rows come in order of their numbers, without gaps, so that every page is written once, full, and never looked for: some
ten times sooner than by statements. Rows are of one width. Pages are added behind those that are there; the root of a
table stays where it is.

Source: https://www.sqlite.org/fileformat2.html, sections 1.3 (header), 1.6 (trees) and 2.1 (records).
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, BinaryIO, Final, NamedTuple, TypeAlias

import numpy as np

from geoclusters.compiling import compiled

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import numpy.typing as npt

_Bytes: TypeAlias = "npt.NDArray[np.uint8]"
_Integers: TypeAlias = "npt.NDArray[np.int64]"

LOCKED_BYTE: Final = 1 << 30
"""The page with this byte is for locks of the system; a file that is longer leaves it out."""

_LEAF, _INTERIOR = 13, 5
_LEAF_HEADER, _INTERIOR_HEADER = 8, 12
_CHILD, _LONGEST_VARINT, _POINTER = 4, 9, 2
_LEAST_SPILLED = 35
_PAGES_AT_ONCE: Final = 1 << 12
# Where numbers stand in the header of a file.
_PAGE_SIZE, _RESERVED, _CHANGES, _N_PAGES, _AUTO_VACUUM, _VALID_FOR = 16, 20, 24, 28, 52, 92
_HEADER_SIZE: Final = 100


class Rows(NamedTuple):
    """
    Rows of a table.

    Attributes
    ----------
    records : numpy.ndarray of uint8, shape (rows, bytes)
        Each row as a record of the file format.
    first : int
        Number of the first row.
    """

    records: _Bytes
    first: int = 1


def fill_tables(path: Path, tables: Mapping[str, Rows]) -> None:
    """
    Fill empty tables of a closed SQLite file.

    Parameters
    ----------
    path : Path
        The file. One that is cut off meanwhile is broken: write it aside.
    tables : mapping of str to Rows
        Rows by the name of their table. What stood in it before, a page at the most, is replaced.

    Raises
    ------
    ValueError
        If the file is of another make than this can write, or a table holds more than a page.
    """
    with closing(sqlite3.connect(path)) as database:
        roots = dict(database.execute("SELECT name, rootpage FROM sqlite_master"))
    with path.open("rb+") as file:
        pages = _Pages(file)
        for name, rows in tables.items():
            if len(rows.records):
                _fill(pages, roots[name], *rows)
        pages.close()


class _Pages:
    """The pages of a file, to which more are added."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._header = bytearray(file.read(_HEADER_SIZE))
        size = int.from_bytes(self._header[_PAGE_SIZE : _PAGE_SIZE + 2], "big")
        self.size = 1 << 16 if size == 1 else size
        self._count = self._number(_N_PAGES)
        if self._header[_RESERVED] or self._number(_AUTO_VACUUM):
            raise ValueError("pages of this file hold more than their trees")

    def _number(self, at: int) -> int:
        return int.from_bytes(self._header[at : at + 4], "big")

    def kind(self, number: int) -> int:
        """Tell leaves and others apart."""
        self._file.seek((number - 1) * self.size)
        return self._file.read(1)[0]

    def put(self, number: int, page: _Bytes) -> None:
        """Write a page that is there already."""
        self._file.seek((number - 1) * self.size)
        self._file.write(page.data)

    def add(self, pages: _Bytes) -> _Integers:
        """Write pages behind all others, and give their numbers."""
        numbers = self._count + 1 + np.arange(len(pages), dtype=np.int64)
        numbers[numbers > LOCKED_BYTE // self.size] += 1
        before = int(np.searchsorted(numbers, LOCKED_BYTE // self.size, side="right"))
        for part in (slice(0, before), slice(before, None)):
            if len(numbers[part]):
                self._file.seek((int(numbers[part][0]) - 1) * self.size)
                self._file.write(np.ascontiguousarray(pages[part]).data)
        self._count = int(numbers[-1])
        return numbers

    def close(self) -> None:
        """Say in the header how many pages there are, and that they were changed."""
        changes = self._number(_CHANGES) + 1
        for at, value in ((_CHANGES, changes), (_N_PAGES, self._count), (_VALID_FOR, changes)):
            self._header[at : at + 4] = value.to_bytes(4, "big")
        self._file.seek(0)
        self._file.write(self._header)


def _fill(pages: _Pages, root: int, rows: _Bytes, first: int) -> None:
    """Write leaves, and levels of pages above them until one page leads to all: it becomes the root."""
    if pages.kind(root) != _LEAF or rows.shape[1] > pages.size - _LEAST_SPILLED:
        raise ValueError("a table with more than a page, or rows that are longer than one")
    room = np.zeros((min(_PAGES_AT_ONCE, len(rows)), pages.size), dtype=np.uint8)
    last = np.empty(len(room), dtype=np.int64)
    row = 0
    numbers: list[_Integers] = []
    keys: list[_Integers] = []
    while row < len(rows):
        n, row = _leaves(rows, first, row, room, last)
        if row == len(rows) and n == 1 and not numbers:
            pages.put(root, room[0])
            return
        numbers.append(pages.add(room[:n]))
        keys.append(last[:n].copy())
    _climb(pages, root, np.concatenate(numbers), np.concatenate(keys))


def _climb(pages: _Pages, root: int, numbers: _Integers, keys: _Integers) -> None:
    """Write the levels above pages with these numbers and last keys."""
    most = (pages.size - _INTERIOR_HEADER) // (_CHILD + _LONGEST_VARINT + _POINTER) + 1
    while True:
        bounds = np.linspace(0, len(numbers), -(-len(numbers) // most) + 1).astype(np.int64)
        level = np.zeros((len(bounds) - 1, pages.size), dtype=np.uint8)
        for page, begin, end in zip(level, bounds[:-1], bounds[1:], strict=True):
            _interior(numbers[begin:end], keys[begin:end], page)
        if len(level) == 1:
            pages.put(root, level[0])
            return
        numbers, keys = pages.add(level), keys[bounds[1:] - 1]


@compiled
def _leaves(rows: _Bytes, first: int, row: int, pages: _Bytes, last: _Integers) -> tuple[int, int]:
    """Fill pages with rows from one on, and note the number of the last in each; give the pages and the row after."""
    size, width, used = pages.shape[1], rows.shape[1], 0
    while row < len(rows) and used < len(pages):
        page, end, n = pages[used], size, 0
        page[:] = 0
        while row < len(rows):
            begin = end - _varint_size(width) - _varint_size(first + row) - width
            if begin < _LEAF_HEADER + _POINTER * (n + 1):
                break
            at = _put_varint(page, _put_varint(page, begin, width), first + row)
            for k in range(width):
                page[at + k] = rows[row, k]
            _put(page, _LEAF_HEADER + _POINTER * n, 2, begin)
            end, n, row = begin, n + 1, row + 1
        _put_header(page, _LEAF, n, end)
        last[used] = first + row - 1
        used += 1
    return used, row


@compiled
def _interior(numbers: _Integers, keys: _Integers, page: _Bytes) -> None:
    """Fill a page that leads to others: by the last key of each but the last one, which needs none."""
    end, n = len(page), len(numbers) - 1
    for k in range(n):
        end -= _CHILD + _varint_size(keys[k])
        _put(page, end, _CHILD, numbers[k])
        _put_varint(page, end + _CHILD, keys[k])
        _put(page, _INTERIOR_HEADER + _POINTER * k, 2, end)
    _put_header(page, _INTERIOR, n, end)
    _put(page, _LEAF_HEADER, _CHILD, numbers[n])


@compiled
def _put_header(page: _Bytes, kind: int, n: int, end: int) -> None:
    page[0] = kind
    _put(page, 3, 2, n)
    _put(page, 5, 2, end & 0xFFFF)


@compiled
def _put(page: _Bytes, at: int, size: int, value: int) -> None:
    """Write a number, its highest byte first."""
    for k in range(size):
        page[at + k] = value >> 8 * (size - 1 - k) & 0xFF


@compiled
def _varint_size(value: int) -> int:
    """Count the bytes of a number that is written in groups of seven bits; none here has more than 56."""
    size = 1
    while value >> 7 * size:
        size += 1
    return size


@compiled
def _put_varint(page: _Bytes, at: int, value: int) -> int:
    """Write a number in groups of seven bits, and give the place after it."""
    size = _varint_size(value)
    for k in range(size):
        more = 0x80 if k < size - 1 else 0
        page[at + k] = value >> 7 * (size - 1 - k) & 0x7F | more
    return at + size
