"""What the machine offers, and what was used of it."""

from __future__ import annotations

import os
import resource
import sys


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


def peak_memory_mib() -> float:
    """Largest resident memory of this process so far, in MiB."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / (1 << 20)
