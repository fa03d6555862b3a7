"""What the workers of pytest-xdist do once for all of them: fill a folder, compile a function."""

from __future__ import annotations

import os
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING

import pytest
from filelock import FileLock
from numba.core.compiler_lock import global_compiler_lock
from numba.core.dispatcher import Dispatcher

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


def common_folder(factory: pytest.TempPathFactory) -> Path:
    """Folder of this run of the tests that all workers see."""
    own = factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


def filled_once(folder: Path, fill: Callable[[Path], object]) -> Path:
    """Let the first worker that asks fill a folder; others wait until it has. Nobody may change it."""
    filled = folder.with_name(f"{folder.name}.filled")
    with FileLock(f"{folder}.lock"):
        if not filled.exists():
            fill(folder)
            filled.touch()
    return folder


@contextmanager
def compiled_once(folder: Path) -> Iterator[None]:
    """
    Keep workers from compiling the same function at the same time; the later ones find it on disk.

    Each function has a lock of its own, so that different ones are compiled side by side. Nobody waits
    in a circle: while a worker holds the lock of a function it asks for those of the functions called
    by it, and numba's own lock comes first, which threads of one process take while they compile.
    """
    folder.mkdir(exist_ok=True)
    compile_now, lock_of = Dispatcher.compile, cache(FileLock)

    def compile_once(self: Dispatcher, signature: object) -> object:
        function = self.py_func
        if not self.stats.cache_path:  # its code is not kept, so that nobody else would find it
            return compile_now(self, signature)
        line = function.__code__.co_firstlineno
        name = f"{function.__module__}-{function.__name__}-{line}.lock"
        with global_compiler_lock, lock_of(folder / name):
            return compile_now(self, signature)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Dispatcher, "compile", compile_once)
        yield
