"""Files of a source: finding them, and opening them whatever they are packed in."""

from __future__ import annotations

import glob
import io
import zipfile
from contextlib import contextmanager
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Member:
    """One table file: on disk, packed or not, or inside a zip archive."""

    path: Path
    inside: str | None = None

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
        with self.opened() as stream:
            return io.BytesIO(stream.read())


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
    found = sorted(Path(p) for p in glob.glob(full, recursive=True) if Path(p).is_file())  # noqa: PTH207
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
