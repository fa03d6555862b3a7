"""A proposed study: its settings, and its text with remarks on what was seen."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

from geoclusters.errors import SourceError
from geoclusters.proposing.drafts import Draft, Drafting
from geoclusters.proposing.files import Formats, listed_files, look_at
from geoclusters.proposing.toml import toml_key, toml_text, toml_value
from geoclusters.wording import joined, printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from geoclusters.checking import Head

MOST_REMARKS: Final = 20
LONGEST_REMARK: Final = 600
WINDOW_YEARS: Final = 5
HOW: Final = (
    "# Proposed from the heads of the files ({files}). Save it as study.toml in {folder}:",
    "# its paths start there. Look through it, choose the years, then `geoclusters check study.toml`.",
)
A_TABLE: Final = (
    "and any table (Parquet, CSV, TSV, JSON lines) with a column that names the document and columns that say where "
    "(coordinates, or a place or region)"
)


@dataclass(frozen=True)
class Proposal:
    """
    A study that is proposed for files.

    Attributes
    ----------
    folder : Path
        Where the study is to be saved; its paths start there.
    settings : dict
        The study, as `make_study` takes it.
    drafts : tuple of Draft
        Its sources, with what was seen.
    unused : dict of Path to str
        Files that are in no source, and why.
    remarks : tuple of str
        What concerns the whole.
    """

    folder: Path
    settings: dict[str, Any]
    drafts: tuple[Draft, ...]
    unused: dict[Path, str]
    remarks: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The study as TOML, with remarks."""
        return "\n".join(_lines(self)) + "\n"

    def as_dict(self) -> dict[str, Any]:
        """Give all of it in forms that JSON has."""
        sources = [
            {
                "title": draft.title,
                "files": [str(file) for file in draft.files],
                "remarks": list(draft.remarks),
                "head": asdict(draft.head) if draft.head else None,
            }
            for draft in self.drafts
        ]
        return {
            "folder": str(self.folder),
            "study": self.settings,
            "sources": sources,
            "unused": {str(file): remark for file, remark in self.unused.items()},
            "remarks": list(self.remarks),
            "toml": self.text,
        }


def propose_study(paths: Sequence[Path]) -> Proposal:
    """
    Propose a study for files, by looking at their heads.

    Parameters
    ----------
    paths : sequence of Path
        Files, and folders that are searched through.

    Raises
    ------
    StudyError
        If there are no such files.
    SourceError
        If no source can be made of them; says of each file why, and which formats are known.
    """
    folder, files = listed_files(paths)
    formats = Formats.all()
    drafting = Drafting([look_at(file, formats) for file in files], formats, folder)
    drafts = drafting.drafts()
    if not drafts:
        raise SourceError(_nothing(drafting.unused, formats))
    name = folder.resolve().name or "my study"
    settings = {"name": name, "source": [draft.settings for draft in drafts]}
    return Proposal(folder, settings, tuple(drafts), drafting.unused, tuple(formats.broken))


def _nothing(unused: Mapping[Path, str], formats: Formats) -> str:
    told = [f"{file.name}: {remark}" for file, remark in list(unused.items())[:MOST_REMARKS]]
    lines = [printable(line, LONGEST_REMARK) for line in told]
    known = joined([f"{name} ({form.title})" for name, form in formats.usable.items()])
    return "\n".join(
        [
            "no source of addresses is among these files",
            *lines,
            *formats.broken,
            f"known formats: {known}; {A_TABLE}",
        ]
    )


def _lines(proposal: Proposal) -> Iterator[str]:
    files = len({file for draft in proposal.drafts for file in draft.files})
    folder = printable(proposal.folder, LONGEST_REMARK)
    yield from (line.format(files=files, folder=folder) for line in HOW)
    yield f"name = {toml_text(proposal.settings['name'])}"
    yield ""
    yield from _window(proposal.drafts)
    for draft in proposal.drafts:
        yield ""
        yield from _source(draft)
    remarks = [*proposal.remarks, *_unused(proposal.unused)]
    if remarks:
        yield ""
        yield from map(_remark, remarks)


def _remark(text: str) -> str:
    return f"# {printable(text, LONGEST_REMARK)}"


def _unused(unused: Mapping[Path, str]) -> Iterator[str]:
    for file, remark in list(unused.items())[:MOST_REMARKS]:
        yield f"not used: {file.name}: {remark}"
    if len(unused) > MOST_REMARKS:
        yield f"not used: {len(unused) - MOST_REMARKS} more files"


def _window(drafts: Sequence[Draft]) -> Iterator[str]:
    years = [year for draft in drafts if draft.head for year in draft.head.years]
    if not years:
        yield "# No year was seen; without [window] everything counts."
        return
    first, last = min(years), max(years)
    yield f"# The first rows of the files are of the years {first} to {last}; without [window] everything counts."
    yield "# [window]"
    yield f"# first_year = {max(first, last - WINDOW_YEARS + 1)}"
    yield f"# last_year = {last}"


def _source(draft: Draft) -> Iterator[str]:
    yield _remark(draft.title + _seen(draft.head))
    yield from map(_remark, draft.remarks)
    yield "[[source]]"
    for key, value in draft.settings.items():
        if key != "columns":
            yield f"{key} = {toml_value(value)}"
    yield '# licence = "…"'
    columns = draft.settings.get("columns")
    if columns:
        yield "[source.columns]"
        for ours, name in columns.items():
            yield f"{toml_key(ours)} = {toml_text(name)}  # {draft.examples[ours]}"


def _seen(head: Head | None) -> str:
    if head is None:
        return ""
    if not head.rows:
        return ": of the first rows none is taken; look at the options"
    told = f": {head.rows} rows looked at, {head.with_coordinates} with coordinates"
    return f"{told}, {head.to_geocode} that name a place instead" if head.to_geocode else told
