"""Ways to do a thing, each as a process of its own: wall and processor time from its start to its end, and peak memory.

Whoever measures imports nothing large: a new process counts its parent's memory as its own until it has begun. Other
programs only ever add to a time, so of several runs the least time counts and the most memory. The runs take turns.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import os
import resource
import shutil
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from writing import Section

GIB: Final = 1 << 30
SIZES: Final = (1_000_000, 10_000_000, 100_000_000)
FEW: Final = 10_000
"""Rows of a table on which a way spends little but its start."""
SPARED: Final = 0.6
"""Part of the free memory that a way may take which is known to want all."""
SLOW_SECONDS: Final = 60.0
"""A way that took longer is not run again."""


@dataclass(frozen=True)
class Cost:
    """
    What a process took.

    Attributes
    ----------
    told : dict
        What it said of its work, such as the seconds of a part of it.
    died : str
        How it ended, if not well; its times and memory then say nothing.
    """

    wall_s: float
    cpu_s: float
    peak_mib: float
    told: dict[str, Any] = field(default_factory=dict)
    died: str = ""
    runs: int = 1


class Way(NamedTuple):
    """
    A process to measure.

    Attributes
    ----------
    cores : int, optional
        Processors that it may use.
    memory_gib : float, optional
        Address space that it may take.
    seconds : float, optional
        When to end it.
    clears : tuple of Path
        What an earlier run left and this one makes again.
    """

    command: Sequence[str]
    cores: int | None = None
    memory_gib: float | None = None
    seconds: float | None = None
    clears: tuple[Path, ...] = ()


def script(file: str, *arguments: object, **limits: Any) -> Way:  # noqa: ANN401
    """Give a way that is a function of one of our scripts, see `answer`."""
    return Way([sys.executable, file, "--child", *map(str, arguments)], **limits)


def measure(way: Way, folder: Path) -> Cost:
    """Run a process to its end and take its measures; what it prints last, as JSON, is what it told."""
    spoken = folder / "spoken.txt"
    for left in way.clears:
        shutil.rmtree(left) if left.is_dir() else left.unlink(missing_ok=True)
    start = time.perf_counter()
    with spoken.open("wb") as out, (folder / "complaints.txt").open("wb") as complaints:
        process = subprocess.Popen(
            list(way.command), stdout=out, stderr=complaints, env=_environment(way, folder)
        )
        timer = threading.Timer(way.seconds or 1e6, process.kill)
        timer.start()
        try:
            _, status, used = os.wait4(process.pid, 0)
        except BaseException:
            process.kill()  # nothing goes on working when the one who measures is stopped
            raise
        finally:
            timer.cancel()
        wall = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
    died = _death(process.returncode, wall, way, folder) if process.returncode else ""
    told = {} if died else _told(spoken)
    unit = 1 if sys.platform == "darwin" else 1024
    peak = max(used.ru_maxrss * unit / (1 << 20), told.pop("before_mib", 0.0))
    return Cost(wall, used.ru_utime + used.ru_stime, peak, told, died)


def _environment(way: Way, folder: Path) -> dict[str, str]:
    """Give the usual environment; byte code is kept, as an installation does once."""
    usual = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    usual["PYTHONPYCACHEPREFIX"] = str(folder / "bytecode")
    usual["MEASURED_CORES"] = str(way.cores or "")
    usual["MEASURED_GIB"] = str(way.memory_gib or "")
    if way.cores:
        names = ("POLARS_MAX_THREADS", "RAYON_NUM_THREADS", "OMP_NUM_THREADS", "PARLAY_NUM_THREADS")
        usual |= dict.fromkeys(names, str(way.cores))
    return usual


def _told(spoken: Path) -> dict[str, Any]:
    lines = spoken.read_text(encoding="utf-8").splitlines()
    try:
        told = json.loads(lines[-1])
    except (IndexError, ValueError):
        return {}
    return told if isinstance(told, dict) else {}


def _death(code: int, wall: float, way: Way, folder: Path) -> str:
    """Say how a process ended."""
    complaints = (folder / "complaints.txt").read_text(encoding="utf-8", errors="replace")
    last = (complaints.strip().splitlines() or ["no word"])[-1]
    if way.seconds and wall >= way.seconds:
        return f"not finished after {wall:.0f} s"
    if way.memory_gib and ("MemoryError" in complaints or "bad_alloc" in complaints or code < 0):
        return f"out of memory at {way.memory_gib:.3g} GiB after {wall:.0f} s"
    return f"ended with status {code}: {last}"


def interleaved(
    ways: Mapping[str, Way],
    folder: Path,
    *,
    runs: int,
    said: Callable[[str], None] = lambda _: None,
) -> dict[str, Cost]:
    """
    Run each way some times, in turns.

    Raises
    ------
    SystemExit
        If one dies that has no limit of memory or time to die of.
    """
    costs: dict[str, Cost] = {}
    for _ in range(runs):
        for name, way in ways.items():
            before = costs.get(name)
            if before and (before.died or before.wall_s > SLOW_SECONDS):
                continue
            cost = measure(way, folder)
            said(f"{name}: {cost.died or f'{cost.wall_s:.2f} s, CPU {cost.cpu_s:.2f} s'}")
            if cost.died and way.memory_gib is None and way.seconds is None:
                raise SystemExit(f"{name}: {cost.died}")
            costs[name] = best(before, cost) if before else cost
    return costs


def best(one: Cost, other: Cost) -> Cost:
    """Take the least times and the most memory of two runs."""
    told = {
        k: max(v, other.told[k])
        if k.endswith("_mib")
        else min(v, other.told[k])
        if isinstance(v, float)
        else v
        for k, v in one.told.items()
    }
    return Cost(
        min(one.wall_s, other.wall_s),
        min(one.cpu_s, other.cpu_s),
        max(one.peak_mib, other.peak_mib),
        told,
        one.died or other.died,
        one.runs + other.runs,
    )


def answer(functions: Mapping[str, Callable[..., dict[str, Any] | None]]) -> bool:
    """
    Be the process that is measured, if this is one: keep its limits, work, tell.

    Returns
    -------
    bool
        Whether it was; the script then has no more to do.
    """
    if sys.argv[1:2] != ["--child"]:
        return False
    keep_limits()
    name, *arguments = sys.argv[2:]
    told = functions[name](*arguments)
    print(json.dumps(told or {}))
    return True


def keep_limits() -> None:
    """Use no more processors and address space than the one who measures allows."""
    cores = os.environ.get("MEASURED_CORES")
    if cores and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-int(cores) :])
    gib = os.environ.get("MEASURED_GIB")
    if gib:
        limit = int(float(gib) * GIB)
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def peak_mib() -> float:
    """Most memory that this process has held; unlike `ru_maxrss`, without its parent's before it began."""
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii")
    except OSError:
        return float("nan")
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def free_gib() -> float:
    """Memory that is free on this machine, or can be made so."""
    try:
        facts = Path("/proc/meminfo").read_text(encoding="ascii")
    except OSError:
        return float("inf")
    return int(facts.split("MemAvailable:")[1].split()[0]) / (1 << 20)


def forget_peak() -> None:
    """Let the peak of this process be what it holds now, where the system can."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


class Clock:
    """Wall and processor seconds, and further memory, of a part of the work; use it as a context."""

    def __enter__(self) -> Self:
        self.before_mib = peak_mib()
        forget_peak()
        self.mib = peak_mib()
        self.wall_s, self.cpu_s = time.perf_counter(), time.process_time()
        return self

    def __exit__(self, *_: object) -> None:
        self.wall_s = time.perf_counter() - self.wall_s
        self.cpu_s = time.process_time() - self.cpu_s
        self.mib = peak_mib() - self.mib

    def told(self, prefix: str = "work") -> dict[str, float]:
        """Give the same under names."""
        return {
            f"{prefix}_s": self.wall_s,
            f"{prefix}_cpu_s": self.cpu_s,
            f"{prefix}_mib": self.mib,
            "before_mib": self.before_mib,
        }


class Bench:
    """
    A run of benchmarks: its folder, its points, and how often ways are run.

    Attributes
    ----------
    kept : dict
        Costs that one measure leaves for the next.
    """

    def __init__(self, folder: Path, *, most: int, quiet: bool = False) -> None:
        self.folder = folder
        self.most = most
        self.quiet = quiet
        self.kept: dict[str, Any] = {}
        folder.mkdir(parents=True, exist_ok=True)

    @property
    def sizes(self) -> list[int]:
        """Sizes to measure, each ten times the one before."""
        return [n for n in SIZES if n <= self.most] or [self.most]

    @property
    def brief(self) -> bool:
        """Whether this is the short run of one size, which leaves out what takes long and says little."""
        return len(self.sizes) == 1

    def runs(self, n: int) -> int:
        """Say how often a way is run at a size."""
        return 1 if self.brief else 2 if n > 1_000_000 else 3

    def say(self, text: str) -> None:
        """Tell whoever waits what is going on."""
        if not self.quiet:
            print(text, file=sys.stderr, flush=True)

    def measure(self, ways: Mapping[str, Way], *, runs: int) -> dict[str, Cost]:
        """Run each way some times, in turns."""
        return interleaved(ways, self.folder, runs=runs, said=self.say)

    def ask(self, way: Way) -> dict[str, Any]:
        """Run a process for what it tells."""
        cost = measure(way, self.folder)
        if cost.died:
            raise SystemExit(f"{' '.join(way.command[1:])}: {cost.died}")
        return cost.told

    def table(self, n: int) -> Path:
        """Have the addresses of `points.write_table`; they are kept for the next time."""
        return self._points("table", n, ".parquet")

    def points(self, kind: str, n: int) -> Path:
        """Have points as pairs of float64: 'sphere' or 'cities', the points of the table."""
        return self._points(kind, n, ".bin")

    def _points(self, kind: str, n: int, suffix: str) -> Path:
        maker = Path(__file__).with_name("points.py")
        made_by = hashlib.sha256(maker.read_bytes()).hexdigest()[:8]
        path = self.folder / f"{kind}-{n}-{made_by}{suffix}"
        if not path.exists():
            self.say(f"making {path.name}")
            self.ask(script(str(maker), kind, n, path))
        return path

    def clean_folder(self, name: str) -> Path:
        """Have an empty folder."""
        path = self.folder / name
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir()
        return path


def standalone(bench: Callable[[Bench], Section], text: str | None) -> None:
    """Be the command line of one measure: print its section."""
    parser = argparse.ArgumentParser(
        description=text, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--size", type=float, default=1e6, help="largest number of rows")
    parser.add_argument("--folder", type=Path, default=Path("out/bench"), help="for the points")
    given = parser.parse_args()
    print(bench(Bench(given.folder.resolve(), most=int(given.size))).markdown())
