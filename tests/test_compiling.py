"""Compiled code: what it asks of the processor changes nothing, and what is kept is never an earlier version."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from geoclusters.compiling import compiled, prefetch


@compiled
def gathered(rows, order, ahead):
    total = 0
    for at in range(len(order)):
        prefetch(rows, order[min(at + ahead, len(order) - 1)])
        total += rows[order[at], 0]
    return total


@pytest.mark.parametrize("shape", [(1, 1), (1000, 8), (1000, 3)])
def test_memory_asked_for_ahead_is_the_same_memory(shape):
    rng = np.random.default_rng(2)
    rows = rng.integers(0, 1000, shape)
    order = rng.integers(0, shape[0], 5000)
    assert gathered(rows, order, 16) == rows[order, 0].sum()


@compiled
def asked_for_nothing(rows):
    for row in (-1, len(rows), 1 << 40):
        prefetch(rows, row)
    return len(rows)


def test_rows_that_are_none_may_be_asked_for():
    assert asked_for_nothing(np.zeros(4)) == 4


PACKAGE = {
    "__init__.py": "",
    "constants.py": "FACTOR = 2\nCENTRE = (1.0, 2.0)\n",
    "called.py": """
from geoclusters.compiling import compiled

@compiled
def shifted(x):
    return x + 10
""",
    "calling.py": """
from geoclusters.compiling import compiled
from package import constants
from package.called import shifted
from package.constants import CENTRE

@compiled
def worked_out(x):
    return shifted(x) * constants.FACTOR + CENTRE[1]
""",
}
ASK = """
from package.calling import worked_out
print(worked_out(1), sum(worked_out.stats.cache_hits.values()))
"""


@pytest.mark.parametrize(
    ("file", "before", "after", "expected"),
    [
        ("called.py", "x + 10", "x + 20", 44.0),
        ("constants.py", "FACTOR = 2", "FACTOR = 3", 35.0),
        ("constants.py", "(1.0, 2.0)", "(1.0, 7.0)", 29.0),
    ],
)
def test_what_another_file_changes_is_compiled_anew(tmp_path, file, before, after, expected):
    folder = tmp_path / "package"
    folder.mkdir()
    for name, text in PACKAGE.items():
        (folder / name).write_text(text, encoding="utf-8")

    def told():
        command = [sys.executable, "-B", "-c", ASK]  # Python's own byte code knows only seconds
        value, hits = subprocess.check_output(command, cwd=tmp_path, text=True).split()
        return float(value), int(hits)

    assert [told(), told()] == [(24.0, 0), (24.0, 1)]
    (folder / file).write_text(PACKAGE[file].replace(before, after), encoding="utf-8")
    assert [told(), told()] == [(expected, 0), (expected, 1)]
