"""Finds the files that a study could read, tells their formats by their heads, and writes their paths shortly."""

from __future__ import annotations

import glob
import os
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from geoclusters.addresses.sources import find_format, known_formats
from geoclusters.addresses.sources.files import Member, head_of, members
from geoclusters.errors import SourceError, StudyError
from geoclusters.proposing.samples import Sample, sample_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from geoclusters.addresses.sources import Format

NO_DATA: Final = frozenset(
    {".toml", ".md", ".rst", ".html", ".pdf", ".py", ".ipynb", ".log", ".yml", ".yaml"}
)
NO_DATA_NAMES: Final = frozenset(
    {"manifest", "manifest.json", "redirect.json", "licence", "license", "readme.txt"}
)
NO_TABLE: Final = {
    **dict.fromkeys(
        (".7z", ".rar", ".tar", ".tgz"), "an archive of this kind is not read; unpack it first"
    ),
    **dict.fromkeys((".xlsx", ".xls", ".ods"), "a spreadsheet is not read; save its sheet as CSV"),
    **dict.fromkeys(
        (".tif", ".tiff", ".gpkg"), "no addresses; population goes under [population] of a study"
    ),
}
"""What to do with files that are no tables, by their ending."""
MOST_LISTED: Final = 6
"""Files of a source that are named one by one; more are put into patterns where these fit."""
TABLE: Final = "table"

NO_SOURCE: Final = {
    frozenset({"h3", "population"}): (
        "people by H3 cell, which is no source of documents: name it under [population] of a study, path = …"
    ),
    frozenset({"authorships.author.id", "authorships.institutions.id"}): (
        "an export of OpenAlex's web site, which does not say which author belongs to which institution: take the "
        "snapshot (docs/formats/openalex.md)"
    ),
}
"""Columns of tables that no source is made of, and what to do with them."""


@dataclass
class Found:
    """
    One file, and what its head tells.

    Attributes
    ----------
    path : Path
        The file.
    formats : tuple of str
        Formats that recognise it, the likeliest first.
    beside : frozenset of str
        Formats beside whose files it is of use.
    sample : Sample or None
        First rows, if it is a plain table.
    remark : str
        Why it is of no use, for people.
    """

    path: Path
    formats: tuple[str, ...] = ()
    beside: frozenset[str] = frozenset()
    sample: Sample | None = None
    remark: str = ""


@dataclass
class Formats:
    """The formats that are installed, and what is wrong with those that cannot be used."""

    usable: dict[str, Format] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)

    @classmethod
    def all(cls) -> Formats:
        """Load every format but that of plain tables."""
        formats = cls()
        for name in known_formats():
            try:
                formats.usable[name] = find_format(name)
            except SourceError as error:
                formats.broken.append(str(error))
        formats.usable.pop(TABLE)
        return formats


def listed_files(paths: Sequence[Path]) -> tuple[Path, list[Path]]:
    """
    Give the files to look at, and the folder that their paths can start from.

    Parameters
    ----------
    paths : sequence of Path
        Files, and folders that are searched through.

    Raises
    ------
    StudyError
        If a path does not exist, or there is no file.
    """
    found: list[Path] = []
    for path in paths:
        if not path.exists():
            raise StudyError(f"{path}: there is no such file or folder")
        found += [path] if path.is_file() else _within(path)
    if not found:
        raise StudyError(f"{', '.join(map(str, paths))}: there is no data file in it")
    folders = [path if path.is_dir() else path.parent for path in paths]
    start = (
        folders[0] if len(paths) == 1 else Path(os.path.commonpath([f.absolute() for f in folders]))
    )
    return start, list(dict.fromkeys(found))


def _within(folder: Path) -> list[Path]:
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return [file for file in files if _may_be_data(file.relative_to(folder))]


def _may_be_data(path: Path) -> bool:
    hidden = any(part.startswith((".", "__")) for part in path.parts)
    return (
        not hidden and path.suffix.lower() not in NO_DATA and path.name.lower() not in NO_DATA_NAMES
    )


def look_at(path: Path, formats: Formats) -> Found:
    """Tell what a file is; what goes wrong stands in its remark."""
    remark = NO_TABLE.get(path.suffix.lower())
    if remark:
        return Found(path, remark=remark)
    try:
        return _told([_member(member, formats) for member in members([path])], path)
    except SourceError as error:
        return Found(path, remark=str(error))


def _member(member: Member, formats: Formats) -> Found:
    head = head_of(member)
    if not head.strip():
        return Found(member.path, remark="the file is empty")
    known = tuple(n for n, form in formats.usable.items() if form.recognises(member, head))
    beside = frozenset(n for n, form in formats.usable.items() if form.accompanies(member, head))
    if known or beside:
        return Found(member.path, known, beside)
    sample = sample_of(member, head)
    remark = _remark_on(sample)
    return Found(member.path, remark=remark) if remark else Found(member.path, sample=sample)


def _remark_on(sample: Sample | None) -> str:
    """Say what a table is for, if it is one that no source is made of."""
    names = {name.strip().casefold() for name in sample.columns} if sample else set()
    return next((remark for known, remark in NO_SOURCE.items() if known <= names), "")


def _told(parts: Sequence[Found], path: Path) -> Found:
    """Bring together what the members of an archive are; most files are one member."""
    if len(parts) == 1:
        return parts[0]
    counted = Counter(name for part in parts for name in part.formats)
    if counted:
        return Found(path, tuple(name for name, _ in counted.most_common()))
    beside = frozenset().union(*(part.beside for part in parts))
    if beside:
        return Found(path, beside=beside)
    layouts = {tuple(part.sample.columns) for part in parts if part.sample}
    if len(layouts) == 1:
        return parts[0]
    return Found(
        path,
        remark="the archive holds several tables with other columns; unpack it and name one kind",
    )


def short_paths(files: Iterable[Path], folder: Path) -> list[str]:
    """
    Write the paths of a source, relative to a folder where they lie in it; many files become few patterns.

    A pattern is taken only where it matches files of the source and nothing else.

    Examples
    --------
    >>> short_paths([Path("data/a.csv"), Path("data/b [1].csv")], Path("data"))
    ['a.csv', 'b [[]1].csv']
    """
    given = [
        Path(os.path.relpath(f, folder)) if _is_inside(f, folder) else f.absolute() for f in files
    ]
    if len(given) <= MOST_LISTED:
        return [glob.escape(path.as_posix()) for path in given]
    return _patterns(set(given), folder)


def _is_inside(file: Path, folder: Path) -> bool:
    return file.absolute().is_relative_to(folder.absolute())


def _patterns(files: set[Path], folder: Path) -> list[str]:
    patterns: list[str] = []
    left = set(files)
    while left:
        pattern, matched = _widest(min(left), files, folder)
        patterns.append(pattern)
        left -= matched
    return patterns


def _widest(file: Path, files: set[Path], folder: Path) -> tuple[str, set[Path]]:
    """Find the pattern that matches most of the files and no other, begun as deep as it can be."""
    ending = glob.escape("".join(file.suffixes[-2:]))
    best, matched = glob.escape(file.as_posix()), {file}
    for depth, parent in enumerate(file.parents):
        start = "" if parent == Path() else f"{glob.escape(parent.as_posix())}/"
        pattern = f"{start}{'**/' if depth else ''}*{ending}"
        named = glob.glob(pattern, root_dir=folder, recursive=True)  # noqa: PTH207
        found = {Path(m) for m in named if (folder / m).is_file()}
        if not found <= files:
            break
        if len(found) > len(matched):
            best, matched = pattern, found
    return best, matched
