"""What the machine offers, what was used of it, and how a process of our own uses it."""

from __future__ import annotations

import atexit
import gc
import os
import resource
import sys
from typing import Final

OBJECTS_BETWEEN_COLLECTIONS: Final = 200_000
"""After so many new objects the interpreter looks for garbage."""


def processors() -> int:
    """
    Count the processors that this process may use.

    Examples
    --------
    >>> processors() >= 1
    True
    """
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def collect_garbage_rarely() -> None:
    """
    Have the interpreter look for garbage after many new objects, and not when it ends; for processes of our own.

    By itself it looks after 700. What a command loads are many objects that stay: to look through them again and again
    is a fifteenth of a short command, and to look through them at its end, for which they are frozen, most of a second.
    """
    gc.set_threshold(OBJECTS_BETWEEN_COLLECTIONS)
    atexit.register(gc.freeze)


def peak_memory_mib() -> float:
    """Largest resident memory of this process so far, in MiB."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / (1 << 20)
