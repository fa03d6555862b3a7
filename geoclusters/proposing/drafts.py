"""Puts files together into sources of a study, and tries these out on their first rows."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from geoclusters.addresses.sources import find_format
from geoclusters.checking import Head, head_of_rows
from geoclusters.errors import GeoclustersError
from geoclusters.proposing.columns import Guess, guess_columns
from geoclusters.proposing.files import TABLE, Formats, Found, short_paths
from geoclusters.proposing.samples import Sample, together
from geoclusters.study import make_study
from geoclusters.wording import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

ROR: Final = "ror-affiliations"
UNKNOWN_METRIC: Final = "records"
MOST_GROUPS: Final = 12
"""Files that are read apart from each other and looked at; more would say the same."""
LONGEST_EXAMPLE: Final = 40
WORTH_TELLING: Final = ("person", "country", "year", "organisation", "field")
USELESS: Final = "nothing in it tells of documents and where they are"
LONE_DUMP: Final = (
    "organisations of ROR; tables with affiliations to be placed through it are not among the files"
)
AFFILIATIONS: Final = (
    "the affiliations ({}) can be placed through ROR: add the zip of a release, "
    "https://doi.org/10.5281/zenodo.6347574, and check again"
)


@dataclass(frozen=True)
class Draft:
    """
    A source that is proposed.

    Attributes
    ----------
    settings : dict
        Its table in the study.
    files : tuple of Path
        Its files.
    title : str
        What it is.
    head : Head or None
        What its first rows hold; None where they cannot be read.
    remarks : tuple of str
        What its user should know.
    examples : dict of str to str
        Our column to a remark on what was guessed for it.
    """

    settings: dict[str, Any]
    files: tuple[Path, ...]
    title: str
    head: Head | None = None
    remarks: tuple[str, ...] = ()
    examples: dict[str, str] = field(default_factory=dict)


@dataclass
class Drafting:
    """
    Files, and what becomes of them.

    Attributes
    ----------
    found : sequence of Found
        What each file is.
    formats : Formats
        The formats that are installed.
    folder : Path
        Where paths start.
    unused : dict of Path to str
        Files that are in no source, and why; complete after `drafts`.
    """

    found: Sequence[Found]
    formats: Formats
    folder: Path
    unused: dict[Path, str] = field(default_factory=dict)

    def drafts(self) -> list[Draft]:
        """Make all sources."""
        self.unused = {one.path: one.remark for one in self.found if one.remark}
        made = _told_apart([*self._of_formats(), *self._of_tables()])
        used = {file for draft in made for file in draft.files}
        reasons = {one.path: self.unused.get(one.path, USELESS) for one in self.found}
        self.unused = {file: reason for file, reason in reasons.items() if file not in used}
        return made

    # ------------------------------------------------------------------- formats that know their columns

    def _of_formats(self) -> Iterator[Draft]:
        files: dict[str, list[Path]] = defaultdict(list)
        for one in self.found:
            if one.formats:
                files[one.formats[0]].append(one.path)
        for name, own in files.items():
            if name == ROR:
                continue  # dumps, which serve the tables beside them
            if self.formats.usable[name].maps_columns:
                remark = f"{self.formats.usable[name].title}: a study must name its columns"
                self.unused |= dict.fromkeys(own, remark)
                continue
            more = [o.path for o in self.found if name in o.beside and o.path not in own]
            yield from self._sources(name, [*own, *more])

    def _sources(self, name: str, files: Sequence[Path]) -> Iterator[Draft]:
        """Try all files of a format as one source; if that fails, those of each folder."""
        whole = self._tried(name, files)
        parts: dict[Path, list[Path]] = defaultdict(list)
        for file in files:
            parts[file.parent].append(file)
        apart = [self._tried(name, part) for part in parts.values()] if whole.head is None else []
        if not any(draft.head for draft in apart):
            yield whole
            return
        for draft in apart:
            if draft.head is None:
                self.unused |= dict.fromkeys(draft.files, draft.remarks[0])
            else:
                yield draft

    def _tried(self, name: str, files: Sequence[Path]) -> Draft:
        """Read the first rows, with the default options or the first others that do."""
        form = self.formats.usable[name]
        settings = {"metric": form.metric, "format": name, "path": self._path(files)}
        draft = Draft(settings, tuple(files), form.title)
        first = ""
        for options in ({}, *form.fallbacks):
            given = {**settings, "options": dict(options)} if options else settings
            try:
                head = self._head(given)
            except GeoclustersError as error:
                first = first or str(error)
                continue
            remarks = (f"these options, since by default: {first}",) if options else ()
            return replace(draft, settings=given, head=head, remarks=(*remarks, *_empty(head)))
        return replace(draft, remarks=(f"does not run yet: {first}",))

    def _path(self, files: Sequence[Path]) -> str | list[str]:
        paths = short_paths(files, self.folder)
        return paths[0] if len(paths) == 1 else paths

    def _head(self, settings: Mapping[str, Any]) -> Head:
        """Read the first rows of a source, of some groups of its files where there are many."""
        study = make_study({"name": "x", "source": [settings]}, folder=self.folder)
        (source,) = study.sources
        form = find_format(source.format)
        groups = form.groups(source.files(self.folder))[:MOST_GROUPS]
        asked = (source.request(group, head_only=True) for group in groups)
        return head_of_rows(batch for request in asked for batch in form.read(request))

    # ------------------------------------------------------------------- plain tables

    def _of_tables(self) -> Iterator[Draft]:
        dumps = [one.path for one in self.found if ROR in one.formats]
        # Beside files of a provider lie other tables of that provider, with names and towns in them.
        company = {o.path.parent for o in self.found if o.formats and ROR not in o.formats}
        placed = False
        for files, sample in _alike(self.found):
            guess = guess_columns(sample, file=files[0].name)
            sure = "lat" in guess.columns and "document" not in guess.unsure
            if guess.is_study and (sure or files[0].parent not in company):
                draft = self._table(files, sample, guess, dumps)
                placed |= draft.settings.get("format") == ROR
                yield draft
        if not placed:
            self.unused |= dict.fromkeys(dumps, LONE_DUMP)

    def _table(
        self, files: Sequence[Path], sample: Sample, guess: Guess, dumps: Sequence[Path]
    ) -> Draft:
        columns, text = dict(guess.columns), guess.affiliation
        remarks = [] if guess.metric else ["metric: say what is counted; nothing tells it here"]
        title = "table; its columns are guessed"
        options: dict[str, Any] = {}
        settings: dict[str, Any] = {"metric": guess.metric or UNKNOWN_METRIC}
        if text and dumps:
            files = [*files, *dumps]
            title = "table with affiliations, placed through ROR; its columns are guessed"
            settings["format"] = ROR
            options = {"options": _affiliations(text, sample)}
            columns = {ours: name for ours, name in columns.items() if name != text}
        elif text and not {"place", "region"} & set(columns):
            columns.setdefault("organisation", text)
            remarks.append(AFFILIATIONS.format(text))
        settings |= {"path": self._path(files), **options, **sample.settings, "columns": columns}
        remarks += _left(sample, {*columns.values(), text or ""})
        examples = {ours: _example(sample.columns[n], guess, ours) for ours, n in columns.items()}
        draft = Draft(settings, tuple(files), title, None, tuple(remarks), examples)
        try:
            return replace(draft, head=self._head(settings))
        except GeoclustersError as error:
            return replace(draft, remarks=(f"does not run yet: {error}", *draft.remarks))


def _empty(head: Head) -> tuple[str, ...]:
    missing = [name for name in WORTH_TELLING if name not in head.filled]
    return (f"empty in these rows: {', '.join(missing)}",) if missing and head.rows else ()


def _alike(found: Iterable[Found]) -> Iterator[tuple[list[Path], Sample]]:
    """Give the plain tables of one folder that have the same columns, with their first rows."""
    groups: dict[tuple[object, ...], list[tuple[Path, Sample]]] = defaultdict(list)
    for one in found:
        if one.sample is not None:
            key = (one.path.parent, *one.sample.columns, *one.sample.settings.items())
            groups[key].append((one.path, one.sample))
    for group in groups.values():
        yield [path for path, _ in group], together([s for _, s in group[:MOST_GROUPS]])


def _affiliations(column: str, sample: Sample) -> dict[str, str]:
    """Options of affiliations; several in a cell are told by the sign between them."""
    values = sample.columns[column]
    several = sum(";" in value for value in values) > 0.1 * len(values)
    return {"affiliation": column, **({"separator": ";"} if several else {})}


def _left(sample: Sample, taken: set[str]) -> list[str]:
    names = [name for name in sample.columns if name and name not in taken]
    return [f"columns left over: {', '.join(names[:30])}"] if names else []


def _example(values: Sequence[str], guess: Guess, ours: str) -> str:
    shown = printable(", ".join(dict.fromkeys(values[:3])), LONGEST_EXAMPLE)
    told = f"as {shown}" if shown else "empty in these rows"
    return f"{told}; guessed from the values" if ours in guess.unsure else told


def _told_apart(drafts: Sequence[Draft]) -> list[Draft]:
    """Give a second source of a metric a metric of its own: the same documents may stand in both."""
    names: set[str] = set()
    told = []
    for draft in drafts:
        metric = draft.settings["metric"]
        form = draft.settings.get("format", TABLE).replace("-", "_")
        others = (f"{metric}_{end}" for end in (form, *range(2, len(drafts) + 2)))
        own = next(name for name in (metric, *others) if name not in names)
        names.add(own)
        remark = f"a metric of its own, since the same {metric} may stand in both sources; keep one of them"
        remarks = draft.remarks if own == metric else (*draft.remarks, remark)
        told.append(replace(draft, settings={**draft.settings, "metric": own}, remarks=remarks))
    return told
