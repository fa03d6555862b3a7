"""Files of a source: finding them, and opening them whatever they are packed in."""

from __future__ import annotations

import glob
import io
import shutil
import tempfile
import zipfile
import zlib
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

import pyarrow as pa

from geoclusters.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Iterator

KINDS: Final = {
    ".parquet": "parquet",
    ".pq": "parquet",
    ".csv": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".txt": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
}
PACKINGS: Final = {".gz": "gzip", ".zst": "zstd", ".zstd": "zstd"}
HEAD_BYTES: Final = 1 << 16
"""Enough to tell what a file is."""
TRIAL_BYTES: Final = 1 << 20
"""Enough to read the first rows of a file on trial."""
LINES_BYTES: Final = 1 << 20
MOST_LINE_ENDS: Final = 200
UTF_16_MARKS: Final = (b"\xff\xfe", b"\xfe\xff")
BROKEN: Final = (
    OSError,
    EOFError,
    UnicodeError,
    RuntimeError,
    NotImplementedError,
    zipfile.BadZipFile,
    zlib.error,
    pa.ArrowException,
)
"""What the libraries raise on a file that is cut, damaged, encrypted or packed in an unknown way."""


@dataclass(frozen=True)
class Member:
    """
    One table file: on disk, packed or not, or inside a zip archive.

    Attributes
    ----------
    path : Path
        The file, or the archive that it lies in.
    inside : str or None
        Its name in the archive.
    head_only : bool
        Its text ends after the whole lines of the first `TRIAL_BYTES`: what reads ahead has soon read it all.
    """

    path: Path
    inside: str | None = None
    head_only: bool = False

    @property
    def label(self) -> str:
        """Name of the file as messages and rejected rows give it."""
        return f"{self.path.name}/{self.inside}" if self.inside else self.path.name

    @property
    def kind(self) -> str:
        """One of parquet, csv, tsv, jsonl."""
        suffix = _bare(self.inside or self.path.name)
        if suffix not in KINDS:
            known = ", ".join([*KINDS, *PACKINGS, ".zip"])
            raise SourceError(
                f"{self.path}: a file ending in {suffix!r} is not known; known: {known}"
            )
        return KINDS[suffix]

    @property
    def packing(self) -> str | None:
        """Compression named by the last suffix, if any."""
        return PACKINGS.get(Path(self.inside or self.path.name).suffix.lower())

    @contextmanager
    def opened(self) -> Iterator[IO[bytes]]:
        """Open the unpacked content as a binary stream."""
        with self._whole() as stream:
            yield pa.BufferReader(_whole_lines(stream)) if self.head_only else stream

    def head(self) -> Member:
        """Give the same file with nothing but its first lines."""
        return replace(self, head_only=True)

    @contextmanager
    def _whole(self) -> Iterator[IO[bytes]]:
        if self.inside is None:
            with self._plain() as stream:
                yield stream
        else:
            with zipfile.ZipFile(self.path) as archive, archive.open(self.inside) as stream:
                yield self._unpacked(stream)

    @contextmanager
    def _plain(self) -> Iterator[IO[bytes]]:
        with self.path.open("rb") as stream:
            yield self._unpacked(stream)

    def _unpacked(self, stream: IO[bytes]) -> IO[bytes]:
        if self.packing is None:
            return stream
        unpacked: IO[bytes] = pa.CompressedInputStream(
            pa.PythonFile(stream, mode="r"), self.packing
        )
        return unpacked

    def seekable(self) -> IO[bytes] | Path:
        """Give the content with random access: the file itself, or all of it in memory when it is packed."""
        if self.inside is None and self.packing is None:
            return self.path
        with self._whole() as stream:
            return io.BytesIO(stream.read())


def _whole_lines(stream: IO[bytes]) -> bytes:
    """Give the first `TRIAL_BYTES` up to a line end that is in no quotes, or all that there is."""
    head = _filled(stream, TRIAL_BYTES)
    if len(head) < TRIAL_BYTES:
        return head
    if head[:2] in UTF_16_MARKS:
        text = head.decode("utf-16", errors="ignore")
        return text[: text.rfind("\n") + 1].encode("utf-16")
    ends = _last_line_ends(head)
    outside = (end for end in ends if head.count(b'"', 0, end) % 2 == 0)
    # Where quotes do not pair, the file does not quote.
    return head[: next(outside, next(iter(ends), len(head)))]


def _last_line_ends(head: bytes) -> list[int]:
    """Positions behind the last line ends, from the last on."""
    ends: list[int] = []
    end = len(head)
    while end > 0 and len(ends) < MOST_LINE_ENDS:
        end = max(head.rfind(b"\n", 0, end), head.rfind(b"\r", 0, end))
        ends += [end + 1] if end > 0 else []
    return ends


def _filled(stream: IO[bytes], n: int) -> bytes:
    """Read n bytes, or all there are; a packed stream may give fewer at a time."""
    parts, size = [], 0
    while size < n and (part := stream.read(n - size)):
        parts.append(part)
        size += len(part)
    return b"".join(parts)


def place_of(member: Member) -> str:
    """Path of a file as messages give it, with the name inside its archive."""
    return f"{member.path}/{member.inside}" if member.inside else str(member.path)


def unreadable(member: Member, error: Exception) -> SourceError:
    """Turn what a library says of a broken file into an error that names it."""
    text = " ".join(str(error).split()).split(" Try setting ")[0] or type(error).__name__
    return SourceError(
        f"{place_of(member)}: not readable: {text[:300]}; is the file whole? Fetch it again"
    )


@contextmanager
def readable(member: Member) -> Iterator[None]:
    """Turn what the libraries raise on a broken file (`BROKEN`) into a `SourceError` that names it."""
    try:
        yield
    except BROKEN as error:
        raise unreadable(member, error) from None


def head_of(member: Member) -> bytes:
    """
    First `HEAD_BYTES` unpacked bytes of a file.

    Raises
    ------
    SourceError
        If the file cannot be unpacked.
    """
    with readable(member), member.opened() as stream:
        return _filled(stream, HEAD_BYTES)


def lines_of(stream: IO[bytes]) -> Iterator[bytes]:
    """Give the lines of a stream, without their ends, whatever kind of stream it is."""
    rest = b""
    while block := stream.read(LINES_BYTES):
        *whole, rest = (rest + block).split(b"\n")
        yield from whole
    if rest:
        yield rest


@contextmanager
def on_disk(member: Member) -> Iterator[Path]:
    """Give a path that duckdb can read: the file itself, or an unpacked copy that goes away after."""
    if member.inside is None and member.packing != "zstd":
        yield member.path
        return
    with tempfile.TemporaryDirectory(prefix="geoclusters-") as folder:
        copy = Path(folder) / "unpacked.json"
        with member.opened() as stream, copy.open("wb") as target:
            shutil.copyfileobj(stream, target)
        yield copy


def _bare(name: str) -> str:
    """
    Suffix of a file name below its packing.

    Examples
    --------
    >>> _bare("a.CSV.gz")
    '.csv'
    """
    path = Path(name.lower())
    return Path(path.stem).suffix if path.suffix in PACKINGS else path.suffix


def matching_files(path: str, folder: Path) -> list[Path]:
    """
    Files that a source's `path` names, sorted by name; relative paths start at `folder`.

    Raises
    ------
    SourceError
        If no file is there.
    """
    full = str(folder / path)
    if Path(full).is_file():  # also where its name holds what would be signs of a pattern
        return [Path(full)]
    there = glob.escape(str(folder)) if not Path(path).is_absolute() else ""
    pattern = str(Path(there) / path)
    found = sorted(Path(p) for p in glob.glob(pattern, recursive=True) if Path(p).is_file())  # noqa: PTH207
    if found:
        return found
    if Path(full).is_dir():
        raise SourceError(
            f"{full}: this is a folder; name its files, for example '{path.rstrip('/')}/*.parquet'"
        )
    if any(sign in path for sign in "*?["):
        raise SourceError(
            f"{full}: no file matches this pattern; check the path, it starts at {folder.resolve()}"
        )
    raise SourceError(f"{full}: there is no such file{_near(Path(full))}")


def _near(path: Path) -> str:
    parent = path.parent
    if not parent.is_dir():
        return f"; its folder {parent} does not exist either"
    names = sorted(p.name for p in parent.iterdir() if p.is_file())[:5]
    return f"; its folder holds: {', '.join(names)}" if names else "; its folder is empty"


def members(files: list[Path]) -> Iterator[Member]:
    """Give the table files, those inside zip archives one by one."""
    for file in files:
        if file.suffix.lower() == ".zip":
            yield from _zipped(file)
        else:
            yield Member(file)


def _zipped(file: Path) -> Iterator[Member]:
    try:
        with zipfile.ZipFile(file) as archive:
            names = [n for n in sorted(archive.namelist()) if not n.endswith("/")]
    except (OSError, zipfile.BadZipFile) as error:
        raise SourceError(
            f"{file}: not readable as a zip archive: {error}; fetch the file again"
        ) from None
    names = [n for n in names if not n.startswith("__MACOSX/") and _bare(n) in KINDS]
    if not names:
        raise SourceError(f"{file}: the archive holds no table; known: {', '.join(KINDS)}")
    yield from (Member(file, name) for name in names)
