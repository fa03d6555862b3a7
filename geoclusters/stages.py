"""State of a run's folder: which steps are finished, what they found, and how long they took.

A step writes into a folder of its own that gets its name only when the step has ended. It carries a key, a hash of
everything that its outcome depends on; a step whose key is there already is not done again, one without a key is.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import logging
import os
import shutil
import time
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

from geoclusters.errors import RunError
from geoclusters.folders import STAGES, write_json
from geoclusters.machine import peak_memory_mib

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from concurrent.futures import Executor
    from threading import Event

ADDRESS_CODE: Final = (
    "addresses",
    "cells",
    "countries.py",
    "engine",
    "geocoding",
    "hierarchy.py",
    "quality",
    "schema.py",
)
"""Code that decides over what is found in addresses: where another one was at work, results are not taken over."""
_HASHED_BYTES: Final = 1 << 20
FACTS: Final = "facts.json"
LOCK: Final = ".lock"
log = logging.getLogger("geoclusters")


def key_of(content: Any) -> str:  # noqa: ANN401
    """
    Hash of anything that can be written as JSON.

    Examples
    --------
    >>> key_of({"a": 1, "b": 2}) == key_of({"b": 2, "a": 1})
    True
    """
    text = json.dumps(content, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def file_hash(path: Path, *, stopped: Event | None = None) -> str:
    """SHA-256 of a file; none where `stopped` is set before the end, as nobody waits for it any more."""
    digest = hashlib.sha256()
    with path.open("rb", buffering=0) as file:
        part = memoryview(bytearray(_HASHED_BYTES))
        while size := file.readinto(part):
            if stopped and stopped.is_set():
                return ""
            digest.update(part[:size])
    return digest.hexdigest()


@cache
def code_hash(*parts: str) -> str:
    """
    Hash of the package's own code below `parts`, so that steps done by other code are done again.

    Parameters
    ----------
    *parts : str
        Modules and folders of the package, such as ``"addresses"`` or ``"schema.py"``.
    """
    package = Path(__file__).parent
    files = [f for part in parts for f in (package / part).rglob("*.py")]
    files += [package / part for part in parts if (package / part).is_file()]
    return key_of([[f.relative_to(package).as_posix(), file_hash(f)] for f in sorted(files)])


def _settle(folder: Path, key: Callable[[], str], found: dict[str, Any]) -> None:
    """Write down that a step is finished: without this file its folder says nothing."""
    write_json(folder / FACTS, {"key": key(), "facts": found})


def _is_at(file: Path, held: IO[str]) -> bool:
    """Whether an open file still has its name."""
    try:
        return os.path.samestat(os.fstat(held.fileno()), file.stat())
    except FileNotFoundError:
        return False


def _take_away(folders: Sequence[Path]) -> None:
    """Remove folders in turn as long as they are empty."""
    with suppress(OSError):
        for folder in folders:
            folder.rmdir()


class Stages:
    """Finished steps in the folder of a run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / STAGES
        self.timings: list[dict[str, Any]] = []

    @contextmanager
    def alone(self) -> Iterator[None]:
        """
        Keep others from writing into the folder of the run meanwhile; the system lets go of it if this process dies.

        Raises
        ------
        RunError
            If another process is at work in it.
        """
        made = [f for f in (self.folder, *self.folder.parents) if not f.exists()]
        file = self.folder / LOCK
        with self._locked(file):
            try:
                yield
            finally:
                if made and [p.name for p in self.folder.iterdir()] == [LOCK]:
                    file.unlink()
                    _take_away(made)

    def _locked(self, file: Path) -> IO[str]:
        """Open the file that stands for the folder, so that nobody else can until it is closed."""
        while True:
            self.folder.mkdir(parents=True, exist_ok=True)
            try:
                held = file.open("a")
            except FileNotFoundError:  # another has just ended, and taken away what it left empty
                continue
            try:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                held.close()
                raise RunError(
                    f"{self.folder.parent}: another geoclusters is at work in this folder; wait until it has ended, or "
                    "choose another folder with --out"
                ) from None
            except OSError:
                log.warning("%s: this disk knows no locks; do not start two runs into it", file)
            if _is_at(file, held):
                return held
            held.close()

    def path(self, name: str) -> Path:
        """Folder of a step."""
        return self.folder / name

    def facts(self, name: str, key: Callable[[], str] | None = None) -> dict[str, Any] | None:
        """
        Give what a finished step found; None when it is not there, or (with `key`) not this one.

        The key is asked for only where there is one to compare it with: it may take time.
        """
        try:
            content: dict[str, Any] = json.loads(
                (self.path(name) / FACTS).read_text(encoding="utf-8")
            )
        except (OSError, ValueError):
            return None
        return content["facts"] if key is None or key() == content["key"] else None

    def once(
        self,
        name: str,
        key: Callable[[], str],
        make: Callable[[Path], dict[str, Any]],
        *,
        beside: Executor | None = None,
    ) -> dict[str, Any]:
        """
        Give what the step found, doing it unless it is there already; the key may become known meanwhile.

        Parameters
        ----------
        beside : Executor, optional
            Waits for the key and writes it down while others go on with what the step found.
        """
        found = self.facts(name, key)
        if found is not None:
            log.info("%s: done before", name)
            self.timings.append({"stage": name, "seconds": 0.0, "reused": True})
            return found
        part = self.folder / f".{name}.part"
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        with self.timed(name):
            try:
                found = make(part)
                if beside is None:
                    _settle(part, key, found)
                self.drop(name)
                part.replace(self.path(name))
            finally:
                shutil.rmtree(part, ignore_errors=True)
        if beside is not None:
            beside.submit(_settle, self.path(name), key, found)
        return found

    def drop(self, name: str) -> None:
        """Forget a step and its files."""
        shutil.rmtree(self.path(name), ignore_errors=True)

    @contextmanager
    def timed(self, name: str) -> Iterator[None]:
        """Note how long a step takes and the peak of memory at its end."""
        log.info("%s …", name)
        begin = time.perf_counter()
        yield
        seconds = time.perf_counter() - begin
        self.timings.append(
            {
                "stage": name,
                "seconds": round(seconds, 3),
                "peak_memory_mib": round(peak_memory_mib(), 1),
                "reused": False,
            }
        )
