"""The folder of a run: how files come into it, and the one that says that the run is finished.

A file is written beside its place under another name and renamed when it is whole. `run.json` is taken away before the
first result is replaced and written after the last one, so that a folder with a `run.json` is that of a finished run.
"""

from __future__ import annotations

import json
import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from geoclusters.errors import RunError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    import numpy.typing as npt

RUN_FILE: Final = "run.json"
STAGES: Final = "stages"
CELLS: Final = "cells"
"""Folder of the table of the cells, in that of the sums of the addresses."""
FILES_AT_ONCE: Final = 8
_NAMES: Final = "columns.json"


@contextmanager
def written_aside(path: Path) -> Iterator[Path]:
    """
    Give a name to write to; it becomes `path` when the block ends well, and goes away when it does not.

    Examples
    --------
    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "a.txt"
    >>> with written_aside(file) as part:
    ...     _ = part.write_text("whole")
    >>> file.read_text()
    'whole'
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    try:
        yield part
        _settle(part)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def write_texts(texts: Iterable[tuple[Path, str]]) -> None:
    """Write many files; they are brought to the disk together at the end, which is much quicker than one by one."""
    paths = []
    for path, text in texts:
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f".{path.name}.part")
        try:
            part.write_text(text, encoding="utf-8")
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
        paths.append(path)
    with ThreadPoolExecutor(FILES_AT_ONCE) as pool:
        list(pool.map(_settle, paths))


def _settle(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def write_json(path: Path, content: Any) -> None:  # noqa: ANN401
    """Write JSON with a fixed order of keys as given, UTF-8, ending in a newline."""
    with written_aside(path) as part:
        part.write_text(
            json.dumps(content, ensure_ascii=False, indent=1, allow_nan=False) + "\n",
            encoding="utf-8",
        )


def begin_publishing(folder: Path) -> None:
    """Make the folder one of an unfinished run, before the first result or the addresses are replaced."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / RUN_FILE).unlink(missing_ok=True)


def read_run_file(folder: str | Path) -> dict[str, Any]:
    """
    Read the `run.json` of a finished run.

    Raises
    ------
    RunError
        If there is no finished run in the folder.
    """
    path = Path(folder)
    if not path.is_dir():
        raise RunError(f"{folder}: there is no such folder; give the folder of a run (its --out)")
    file = path / RUN_FILE
    try:
        content: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise RunError(
            f"{folder}: holds no {RUN_FILE}, so no finished run; start it (again) with "
            f"'geoclusters run STUDY.toml --out {folder}'"
        ) from None
    except (OSError, ValueError) as error:
        raise RunError(f"{file}: not readable as JSON: {error}; run the study again") from None
    if not isinstance(content, dict) or "settings" not in content:
        raise RunError(f"{file}: tells of no run; run the study again")
    return content


def write_columns(folder: Path, columns: Mapping[str, npt.NDArray[Any]]) -> None:
    """Write a table into a new folder, a file a column: nothing is read faster."""
    folder.mkdir(parents=True)
    with ThreadPoolExecutor(FILES_AT_ONCE) as pool:
        files = (folder / f"{name}.npy" for name in columns)
        list(pool.map(np.save, files, columns.values()))
    write_json(folder / _NAMES, list(columns))


def read_columns(folder: Path) -> dict[str, npt.NDArray[Any]]:
    """
    Read a table that `write_columns` wrote.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp()) / "table"
    >>> write_columns(folder, {"lat": np.array([48.1, 52.5])})
    >>> read_columns(folder)
    {'lat': array([48.1, 52.5])}
    """
    names = json.loads((folder / _NAMES).read_text(encoding="utf-8"))
    return {name: np.load(folder / f"{name}.npy") for name in names}
