"""Every benchmark in one run, written to RESULTS.md; nothing stands there that this run did not measure.

python benchmarks/report.py --size 1e7
"""

from __future__ import annotations

import argparse
import os
import platform
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Final

import bench_addresses
import bench_density
import bench_kernel
import bench_raw
import bench_run
from measuring import Bench
from writing import count, table

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from writing import Mark, Section

MEASURES: Final[dict[str, Callable[[Bench], Section]]] = {
    "kernel": bench_kernel.measured,
    "addresses": bench_addresses.measured,
    "density": bench_density.measured,
    "raw": bench_raw.measured,
    "run": bench_run.measured,
}
PACKAGES: Final = (
    *("geoclusters", "numpy", "numba", "pyarrow", "h3", "scikit-learn", "scipy", "duckdb"),
    *("h3ronpy", "polars", "polars-h3", "pandas", "dbscan"),
)
INTRODUCTION: Final = """# Benchmarks

`make bench` writes this page; `make bench SIZE=1e6` is the quick one, `SIZE=1e8` the large one. Every number on it was
measured in one run on one machine. Each way is a process of its own, and its times are those of the whole process,
from its start to its end, imports included; memory is its peak. Every way was run once before on a few rows, which
does not count, so that byte code and compiled code are on disk as an installation leaves them after its first use.
Then all ways took turns; of several runs the least time counts and the most memory. A way that took longer than 60 s
was not run again. {times} is how many times that of geoclusters a number is. The results of all ways were compared
before a time was written down. Other programs on the machine disturb wall time more than CPU time.
"""


def main() -> None:
    """Measure what was asked for and write the page."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--size", type=float, default=1e7, help="largest number of rows")
    parser.add_argument("--folder", type=Path, default=Path("out/bench"), help="for the points")
    parser.add_argument(
        "--target", type=Path, default=Path(__file__).with_name("RESULTS.md"), help="what to write"
    )
    parser.add_argument("--only", nargs="+", choices=list(MEASURES), default=list(MEASURES))
    given = parser.parse_args()
    bench = Bench(given.folder.resolve(), most=int(given.size))
    began, load = time.time(), os.getloadavg()[0]
    sections = [MEASURES[name](bench) for name in given.only]
    minutes = (time.time() - began) / 60
    text = page(sections, facts(bench, minutes=minutes, load=load))
    given.target.write_text(text, encoding="utf-8")
    print(text.split("\n## ", 2)[1])
    print(given.target)


def page(sections: Sequence[Section], told: str) -> str:
    """Give the whole page: what was asked and found first, then machine and versions, then every table."""
    marks = [mark for section in sections for mark in section.marks]
    parts = [
        INTRODUCTION.format(times="\N{MULTIPLICATION SIGN}").strip(),
        "## Marks\n\n" + marks_table(marks),
        "## Machine and versions\n\n" + told,
        *(section.markdown() for section in sections),
    ]
    return "\n\n".join(parts) + "\n"


def marks_table(marks: Sequence[Mark]) -> str:
    """Give what was asked of each measure, and what was found."""
    words = {True: "yes", False: "no", None: "asked of a larger size"}
    return table(
        ["measure", "asked", "found", "met"],
        [[m.what, m.asked, m.found, words[m.met]] for m in marks],
    )


def facts(bench: Bench, *, minutes: float, load: float) -> str:
    """Name machine, versions and sizes; nothing that tells whose machine it is."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / (1 << 30)
    sizes = ", ".join(count(n) for n in bench.sizes)
    lines = [
        f"- {processor()}, {cores} cores, {memory:.0f} GiB of memory, {platform.system()}",
        f"- Python {platform.python_version()}; {', '.join(versions())}",
        f"- sizes {sizes} rows; {minutes:.0f} minutes in all, on {time.strftime('%Y-%m-%d')}",
        f"- programs that wanted a processor when it began: {load:.1f} on average over a minute",
    ]
    return "\n".join(lines)


def processor() -> str:
    """Give the model of the processor."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def versions() -> list[str]:
    """Give the versions of what takes part."""
    told = []
    for name in PACKAGES:
        try:
            told.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            told.append(f"{name} not installed")
    return told


if __name__ == "__main__":
    main()
