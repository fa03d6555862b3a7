"""What a source format is: a name, its options, and a function that reads its files into our columns."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from pydantic import BaseModel, ConfigDict, ValidationError

from geoclusters.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    import pyarrow as pa

    from geoclusters.addresses.sources.files import Member


class Options(BaseModel):
    """Options of a format; an unknown one is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class LeftOut:
    """
    Documents that a reader leaves out, by reason; several threads may count at the same time.

    Examples
    --------
    >>> left_out = LeftOut()
    >>> for kind in ("Review", "Letter", "Review"): left_out.add(f"type {kind}")
    >>> left_out.told()
    {'type Letter': 1, 'type Review': 2}
    """

    def __init__(self) -> None:
        self._counted: Counter[str] = Counter()
        self._lock = threading.Lock()

    def add(self, reason: str, n: int = 1) -> None:
        """Count documents: `reason` is a few words, and few different ones."""
        with self._lock:
            self._counted[reason] += n

    def update(self, counted: Iterable[tuple[str, int]]) -> None:
        """Count documents by pairs of reason and number."""
        for reason, n in counted:
            self.add(reason, n)

    def add_all(self, reasons: pa.Array) -> None:
        """Count a document for each reason that is not null."""
        pairs = reasons.drop_null().value_counts().to_pylist()
        self.update((pair["values"], pair["counts"]) for pair in pairs)

    def told(self) -> dict[str, int]:
        """Give the documents of each reason, by the alphabet."""
        return {reason: n for reason, n in sorted(self._counted.items()) if n}


@dataclass(frozen=True)
class Request:
    """
    What a reader is asked for.

    Attributes
    ----------
    files : sequence of Path
        Files of the source, in order; a format with several tables tells them apart itself.
    columns : mapping of str to str
        Our column (`schema.MAPPED`) to the file's column; only of formats with `maps_columns`.
    delimiter : str, optional
        Of CSV; by default as the ending says.
    encoding : str
        Of text files.
    options : mapping of str to Any
        Options of the format as the study gives them; see `Format.options_of`.
    head_only : bool
        Read only the first rows of each file, to check it.
    left_out : LeftOut
        The reader counts here the documents that it leaves out, as by its options.
    """

    files: Sequence[Path]
    columns: Mapping[str, str] = field(default_factory=dict)
    delimiter: str | None = None
    encoding: str = "utf-8"
    options: Mapping[str, Any] = field(default_factory=dict)
    head_only: bool = False
    left_out: LeftOut = field(default_factory=LeftOut, compare=False)


class Reader(Protocol):
    """Reads files of one format into batches of `schema.READ`, in bounded memory."""

    def __call__(self, request: Request) -> Iterator[pa.RecordBatch]:
        """Yield the rows in the order of the files; with `head_only` only the first of each file."""
        ...


def _never(_member: Member, _head: bytes) -> bool:
    return False


def _together(files: Sequence[Path]) -> list[list[Path]]:
    return [list(files)]


def apart(files: Sequence[Path]) -> list[list[Path]]:
    """Part files that can each be read for itself."""
    return [[file] for file in files]


@dataclass(frozen=True)
class Format:
    """
    A source format.

    Attributes
    ----------
    name : str
        What a study writes after `format =`.
    title : str
        What it is, for messages and docs: ``"OpenAlex snapshot"``.
    read : Reader
        Reads its files.
    maps_columns : bool
        The study names the columns (`columns = {…}`); False where the format knows them.
    options : type of Options
        Model of its options.
    recognises : callable
        ``recognises(member, head)`` tells from a file's name and first `files.HEAD_BYTES` unpacked bytes whether it is
        one of this format.
    groups : callable
        Parts files into groups that can be read apart from each other.
    metric : str
        The metric that such files usually hold, for a proposed study.
    accompanies : callable
        As `recognises`, of files that say nothing alone and are of use beside files of this format.
    fallbacks : tuple of mapping
        Options that a proposed study tries in order, where files do not suffice for the defaults.
    """

    name: str
    title: str
    read: Reader
    maps_columns: bool = False
    options: type[Options] = Options
    recognises: Callable[[Member, bytes], bool] = _never
    groups: Callable[[Sequence[Path]], list[list[Path]]] = _together
    metric: str = "publications"
    accompanies: Callable[[Member, bytes], bool] = _never
    fallbacks: tuple[Mapping[str, Any], ...] = ()

    def options_of(self, request: Request) -> Any:  # noqa: ANN401
        """
        Check the options of a request: an instance of `options`.

        Raises
        ------
        SourceError
            Names the option, what was seen and what is known.
        """
        try:
            return self.options.model_validate(dict(request.options))
        except ValidationError as error:
            first = error.errors()[0]
            key = ".".join(str(p) for p in first["loc"])
            known = ", ".join(sorted(self.options.model_fields)) or "none"
            raise SourceError(
                f"format = {self.name!r}: options: {key} = {first['input']!r}: {first['msg'].lower()}; "
                f"options of this format: {known}"
            ) from None
