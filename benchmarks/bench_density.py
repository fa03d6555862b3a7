"""DBSCAN on cells: the grid against what a user would otherwise pick, each way as a process of its own.

Every way gets the same seeded cells: discs around cities with a thinning fringe, of heavy-tailed
weight, with a threshold that a fifth of them reach. Labels and core cells are compared one by one
before a time is shown. Wall and processor time are those of the whole process, from its start to
its end; memory is the peak above that of a process which only loads the cells. "Finding" is
the work alone: the same process has by then been through it once on a few cells, so that all is
imported and loaded. A first run of every way on a few cells, which does not count, leaves the byte
code and the machine code that an installation makes once.

    python benchmarks/bench_density.py --cells 1e6 --resolution 7
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import math
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Callable

RADIUS_KM = 15.0
CORE_SHARE = 0.2
Found = tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]


class Cells(NamedTuple):
    """Positions (n, 2) in degrees, whole weights (n,), and the threshold."""

    latlon: npt.NDArray[np.float64]
    weight: npt.NDArray[np.int64]
    need: int


class Cost(NamedTuple):
    """What a process took."""

    wall: float
    cpu: float
    peak_mib: float
    fit: float
    fit_mib: float


def make_cells(n: int, resolution: int, seed: int) -> tuple[npt.NDArray[np.float64], ...]:
    """Distinct cells in the order of their indices: discs around cities, thinner towards the edge."""
    import h3.api.basic_int as h3

    rng = np.random.default_rng(seed)
    edge_km = h3.average_hexagon_edge_length(resolution, unit="km")
    cells: set[int] = set()
    while len(cells) < n:
        lat, lon = np.degrees(np.arcsin(rng.uniform(-0.6, 0.87))), rng.uniform(-180, 180)
        radius_km = min(6 * (rng.pareto(1.3) + 0.3), 150)
        disc = np.array(
            h3.grid_disk(
                h3.latlng_to_cell(lat, lon, resolution), int(radius_km / edge_km / 1.7) + 1
            )
        )
        keep = np.clip(1.4 - np.linspace(0, 1, len(disc)), 0.1, 0.97)
        cells.update(disc[rng.random(len(disc)) < keep].tolist())
    ordered = sorted(sorted(cells)[:n])
    latlon = np.array([h3.cell_to_latlng(c) for c in ordered])
    return latlon, (rng.pareto(0.9, n) + 1).astype(np.int64)


def load(path: str) -> Cells:
    with np.load(path) as file:
        return Cells(file["latlon"], file["weight"], int(file["need"]))


def by_grid(cells: Cells) -> Callable[[], Found]:
    from geoclusters.clusters.density import dense_clusters

    lat, lon = cells.latlon[:, 0], cells.latlon[:, 1]
    options = {"radius_km": RADIUS_KM, "min_weight": cells.need}
    return lambda: tuple(dense_clusters(lat, lon, cells.weight, border="first", **options))


def by_grid_nearest(cells: Cells) -> Callable[[], Found]:
    from geoclusters.clusters.density import dense_clusters

    lat, lon = cells.latlon[:, 0], cells.latlon[:, 1]
    options = {"radius_km": RADIUS_KM, "min_weight": cells.need}
    return lambda: tuple(dense_clusters(lat, lon, cells.weight, **options))


def by_estimator(cells: Cells) -> Callable[[], Found]:
    from geoclusters.clusters.estimator import GridDBSCAN

    def fit() -> Found:
        model = GridDBSCAN(RADIUS_KM, cells.need, border="first")
        model.fit(cells.latlon, sample_weight=cells.weight)
        return model.labels_, model.core_sample_mask_

    return fit


def by_scikit_learn(
    prepare: Callable[[npt.NDArray[np.float64]], npt.NDArray[np.float64]], **options: object
) -> Callable[[Cells], Callable[[], Found]]:
    def way(cells: Cells) -> Callable[[], Found]:
        from sklearn.cluster import DBSCAN

        def fit() -> Found:
            model = DBSCAN(min_samples=cells.need, **options)
            model.fit(prepare(cells.latlon), sample_weight=cells.weight)
            core = np.zeros(len(cells.weight), dtype=bool)
            core[model.core_sample_indices_] = True
            return model.labels_, core

        return fit

    return way


def by_dbscan_package(cells: Cells) -> Callable[[], Found]:
    from dbscan import DBSCAN

    chord = 2 * math.sin(RADIUS_KM / 6371.0088 / 2)
    os.environ["OMP_NUM_THREADS"] = os.environ["PARLAY_NUM_THREADS"] = "1"
    return lambda: DBSCAN(vectors(cells.latlon), chord, cells.need)


def vectors(latlon: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    lat, lon = np.radians(latlon.T)
    return np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=1)


WAYS: dict[str, Callable[[Cells], Callable[[], Found]]] = {
    "geoclusters": by_grid,
    "geoclusters, nearest border": by_grid_nearest,
    "geoclusters, estimator": by_estimator,
    "scikit-learn, haversine ball tree": by_scikit_learn(
        np.radians, eps=RADIUS_KM / 6371.0088, metric="haversine", algorithm="ball_tree"
    ),
    "scikit-learn, unit vectors, k-d tree": by_scikit_learn(
        vectors, eps=2 * math.sin(RADIUS_KM / 6371.0088 / 2), algorithm="kd_tree"
    ),
    "dbscan": by_dbscan_package,
}


def peak_mib() -> float:
    """Most memory that this process has held; unlike `ru_maxrss`, without its parent's before it began."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def child(way: str, source: str, target: str) -> None:
    """Work of one process: load, find, save, and tell what the finding alone took."""
    cells = load(source)
    if way == "load":
        print(json.dumps([peak_mib(), 0.0, 0.0]))
        return
    WAYS[way](Cells(cells.latlon[:500], cells.weight[:500], 5))()
    fit = WAYS[way](cells)
    before, start = peak_mib(), time.perf_counter()
    labels, core = fit()
    seconds, peak = time.perf_counter() - start, peak_mib()
    print(json.dumps([peak, seconds, peak - before]))
    np.savez(target, labels=labels, core=core)


def measure(way: str, source: Path, target: Path) -> Cost:
    """Run one way as a process and take its measures."""
    command = [sys.executable, __file__, "--child", way, str(source), str(target)]
    usual = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    usual["PYTHONPYCACHEPREFIX"] = str(source.parent / "bytecode")
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, env=usual)
    assert process.stdout is not None
    answer = process.stdout.read()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{way}: ended with status {process.returncode}")
    wall = time.perf_counter() - start
    return Cost(wall, used.ru_utime + used.ru_stime, *json.loads(answer))


def check(way: str, target: Path, reference: Path) -> None:
    """End the run when labels or core cells differ."""
    with np.load(target) as ours, np.load(reference) as theirs:
        same = (
            np.ones(len(ours["core"]), dtype=bool)
            if way != "geoclusters, nearest border"
            else ours["core"]
        )
        wrong = (ours["core"] != theirs["core"]) | (same & (ours["labels"] != theirs["labels"]))
        if wrong.any():
            raise SystemExit(
                f"{way}: {wrong.sum()} cells differ, the first in row {wrong.argmax()}"
            )


def chosen_ways(*, slow: bool, weighted: bool) -> list[str]:
    ways = [way for way in WAYS if slow or "haversine" not in way]
    has_package = importlib.util.find_spec("dbscan") is not None and not weighted
    return [way for way in ways if way != "dbscan" or has_package]


def bench(n: int, resolution: int, *, seed: int, slow: bool, weighted: bool) -> None:
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "cells.npz"
        prepare(source, n, resolution, seed=seed, weighted=weighted)
        ways = chosen_ways(slow=slow, weighted=weighted)
        targets = {way: Path(folder) / f"{number}.npz" for number, way in enumerate(ways)}
        for way in ("load", *ways):
            measure(way, source.with_name("few.npz"), source.with_name("unused.npz"))
        base = measure("load", source, source)
        costs = {}
        for way, target in targets.items():
            costs[way] = measure(way, source, target)
            print(f"{way}: {costs[way].wall:.2f} s", file=sys.stderr)
        reference = next(way for way in ways if way.startswith("scikit-learn"))
        for way in ways:
            check(way, targets[way], targets[reference])
        show(n, resolution, load(str(source)), base, costs)


def prepare(source: Path, n: int, resolution: int, *, seed: int, weighted: bool) -> None:
    """Make the cells and choose the threshold; a few cells serve to warm up."""
    from geoclusters.clusters.density import neighbourhood_weights

    latlon, weight = make_cells(n, resolution, seed)
    if not weighted:
        weight = np.ones_like(weight)
    density = neighbourhood_weights(*latlon.T, weight, radius_km=RADIUS_KM)
    need = max(int(np.quantile(density, 1 - CORE_SHARE)), 2)
    np.savez(source, latlon=latlon, weight=weight, need=need)
    np.savez(source.with_name("few.npz"), latlon=latlon[:500], weight=weight[:500], need=5)


def show(n: int, resolution: int, cells: Cells, base: Cost, costs: dict[str, Cost]) -> None:
    """Print the table: the whole process, then what happens between the last import and the labels."""
    ours = costs["geoclusters"]
    machine = (
        f"{platform.machine()}, {os.cpu_count()} processors, Python {platform.python_version()}"
    )
    print(
        f"\n{n:,} cells, resolution {resolution}, {RADIUS_KM:g} km, threshold {cells.need}; {machine}"
    )
    print(
        f"Labels and core cells are the same. Only loading: {base.wall:.2f} s, {base.peak_mib:.0f} MiB.\n"
    )
    heads = ("process s", "CPU s", "MiB over loading", "finding s", "finding MiB")
    print("| way | " + " | ".join(f"{head} | ratio" for head in heads) + " |")
    print("|---" * (1 + 2 * len(heads)) + "|")
    own = figures(ours, base)
    for way, cost in costs.items():
        pairs = zip(figures(cost, base), own, strict=True)
        print(
            f"| {way} | " + " | ".join(f"{x:.2f} | {x / max(y, 1e-3):.1f}" for x, y in pairs) + " |"
        )


def figures(cost: Cost, base: Cost) -> tuple[float, ...]:
    return cost.wall, cost.cpu, cost.peak_mib - base.peak_mib, cost.fit, cost.fit_mib


def main() -> None:
    if sys.argv[1:2] == ["--child"]:
        child(*sys.argv[2:])
        return
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--cells", type=float, default=1e5)
    parser.add_argument("--resolution", type=int, choices=range(5, 10), default=7)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--without-haversine", action="store_true", help="leave out the slowest way"
    )
    parser.add_argument(
        "--unweighted", action="store_true", help="count cells; needed for the dbscan package"
    )
    given = parser.parse_args()
    bench(
        int(given.cells),
        given.resolution,
        seed=given.seed,
        slow=not given.without_haversine,
        weighted=not given.unweighted,
    )


if __name__ == "__main__":
    main()
