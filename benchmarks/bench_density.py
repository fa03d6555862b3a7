"""DBSCAN on cells: the grid against what a user would otherwise pick.

    python benchmarks/bench_density.py --size 1e7

Every way gets the same seeded cells, a tenth as many as a table of that size has rows and at most a million: discs
around cities with a thinning fringe, of heavy-tailed weight, with a threshold that a fifth of them reach. Labels and
core cells are compared one by one before a time is shown; with `border="first"` the labels are those of scikit-learn
one for one. "Finding" is the work alone, on one thread: the process has by then been through it once on a few cells,
so that all is imported and loaded; its MiB are what memory rose by at its peak. The package `dbscan` knows no weights,
so it has cells that weigh 1 each; where its answer is not the right one, its name says so.
"""

from __future__ import annotations

import math
import shutil
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import measuring
import numpy as np
from measuring import Bench, Clock, Cost, script
from writing import Mark, Section, at_least, cost_table, count

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    Found = tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]

RADIUS_KM: Final = 15.0
EARTH_RADIUS_KM: Final = 6371.0088
CHORD: Final = 2 * math.sin(RADIUS_KM / EARTH_RADIUS_KM / 2)
CORE_SHARE: Final = 0.2
SEED: Final = 1
FEW_CELLS: Final = 500
MOST_CELLS: Final = 1_000_000
OURS: Final = "geoclusters"
NEAREST: Final = "geoclusters, nearest border"
BALL_TREE: Final = "scikit-learn, haversine ball tree"
KD_TREE: Final = "scikit-learn, unit vectors, k-d tree"
PACKAGE: Final = "dbscan"


class Cells(NamedTuple):
    """Positions (n, 2) in degrees, whole weights (n,), and the threshold."""

    latlon: npt.NDArray[np.float64]
    weight: npt.NDArray[np.int64]
    need: int


def make_cells(n: int, resolution: int, seed: int) -> tuple[npt.NDArray[np.float64], ...]:
    """Distinct cells in the order of their indices: discs around cities, thinner towards the edge."""
    import h3.api.basic_int as h3

    rng = np.random.default_rng(seed)
    edge_km = h3.average_hexagon_edge_length(resolution, unit="km")
    cells: set[int] = set()
    while len(cells) < n:
        lat, lon = np.degrees(np.arcsin(rng.uniform(-0.6, 0.87))), rng.uniform(-180, 180)
        radius_km = min(6 * (rng.pareto(1.3) + 0.3), 150)
        middle = h3.latlng_to_cell(lat, lon, resolution)
        disc = np.array(h3.grid_disk(middle, int(radius_km / edge_km / 1.7) + 1))
        keep = np.clip(1.4 - np.linspace(0, 1, len(disc)), 0.1, 0.97)
        cells.update(disc[rng.random(len(disc)) < keep].tolist())
    ordered = sorted(sorted(cells)[:n])
    latlon = np.array([h3.cell_to_latlng(c) for c in ordered])
    return latlon, (rng.pareto(0.9, n) + 1).astype(np.int64)


def prepare(n: str, resolution: str, kind: str, target: str) -> dict[str, int]:
    """Make cells and choose the threshold."""
    from geoclusters.clusters.density import neighbourhood_weights

    latlon, weight = make_cells(int(n), int(resolution), SEED)
    if kind == "unweighted":
        weight = np.ones_like(weight)
    density = neighbourhood_weights(*latlon.T, weight, radius_km=RADIUS_KM)
    need = max(int(np.quantile(density, 1 - CORE_SHARE)), 2)
    np.savez(target, latlon=latlon, weight=weight, need=need)
    return {"need": need}


def load(path: str) -> Cells:
    with np.load(path) as file:
        return Cells(file["latlon"], file["weight"], int(file["need"]))


def by_grid(cells: Cells, border: str = "first") -> Callable[[], Found]:
    from geoclusters import GridDBSCAN

    def fit() -> Found:
        model = GridDBSCAN(RADIUS_KM, cells.need, border=border)
        model.fit(cells.latlon, sample_weight=cells.weight)
        return model.labels_, model.core_sample_mask_

    return fit


def by_scikit_learn(
    cells: Cells, turn: Callable[[npt.NDArray[np.float64]], Any], **options: object
) -> Callable[[], Found]:
    from sklearn.cluster import DBSCAN

    def fit() -> Found:
        model = DBSCAN(min_samples=cells.need, **options)
        model.fit(turn(cells.latlon), sample_weight=cells.weight)
        core = np.zeros(len(cells.weight), dtype=bool)
        core[model.core_sample_indices_] = True
        return model.labels_, core

    return fit


def by_ball_tree(cells: Cells) -> Callable[[], Found]:
    options = {"metric": "haversine", "algorithm": "ball_tree"}
    return by_scikit_learn(cells, np.radians, eps=RADIUS_KM / EARTH_RADIUS_KM, **options)


def by_kd_tree(cells: Cells) -> Callable[[], Found]:
    return by_scikit_learn(cells, vectors, eps=CHORD, algorithm="kd_tree")


def by_package(cells: Cells) -> Callable[[], Found]:
    from dbscan import DBSCAN

    return lambda: DBSCAN(vectors(cells.latlon), CHORD, cells.need)


def vectors(latlon: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    lat, lon = np.radians(latlon.T)
    return np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=1)


WAYS: Final[dict[str, Callable[[Cells], Callable[[], Found]]]] = {
    OURS: by_grid,
    NEAREST: lambda cells: by_grid(cells, "nearest"),
    BALL_TREE: by_ball_tree,
    KD_TREE: by_kd_tree,
    PACKAGE: by_package,
}


def find(name: str, source: str, target: str) -> dict[str, float]:
    """Find the clusters once on a few cells and then on all, and tell what the second time took."""
    cells = load(source)
    WAYS[name](Cells(cells.latlon[:FEW_CELLS], cells.weight[:FEW_CELLS], 5))()
    fit = WAYS[name](cells)
    with Clock() as clock:
        labels, core = fit()
    np.savez(target, labels=labels, core=core)
    return clock.told("finding")


def compare(reference: str, *given: str) -> dict[str, Any]:
    """Count the cells that differ from one result, for ways each followed by its result."""
    with np.load(reference) as file:
        right = file["labels"], file["core"]
    ways = zip(given[::2], given[1::2], strict=True)
    return {"different": [_different(name, result, *right) for name, result in ways]}


def _different(name: str, result: str, labels: Any, core: Any) -> int:  # noqa: ANN401
    """With the nearest border only core cells must have the same label."""
    with np.load(result) as found:
        mine = found["labels"]
        mine = renumbered(mine, found["core"]) if name == PACKAGE else mine
        judged = core if name == NEAREST else np.ones(len(core), dtype=bool)
        return int(((found["core"] != core) | (judged & (mine != labels))).sum())


def renumbered(labels: Any, core: Any) -> npt.NDArray[np.int64]:  # noqa: ANN401
    """Number clusters by their first core point; the package gives them numbers that come and go."""
    found, first = np.unique(labels[core], return_index=True)
    number = np.full(int(labels.max(initial=0)) + 2, -1, dtype=np.int64)
    number[found[np.argsort(first)]] = np.arange(len(found))
    return number[labels]


def measured(bench: Bench) -> Section:
    """Measure cells of two resolutions."""
    section = Section("Density on cells: `GridDBSCAN`", __doc__.split("\n\n", 2)[2])
    sizes = sorted({min(n // 10, MOST_CELLS) for n in bench.sizes})
    few = [OURS, KD_TREE] if bench.brief else list(WAYS)
    _costs(bench, 2 * FEW_CELLS, 7, few, weighted=False)
    for n in sizes:
        for resolution in (7, 8):
            names = [OURS, NEAREST, BALL_TREE, KD_TREE]
            if bench.brief or (n > MOST_CELLS // 10 and resolution == 8):
                names = [OURS, KD_TREE]  # the other takes longer, and minutes in the end
            costs = _costs(bench, n, resolution, names, weighted=True)
            section.add(f"{count(n)} cells of resolution {resolution}", _table(costs))
            section.marks += _marks(costs, n, resolution)
        if bench.brief:
            continue  # the package is measured on raw points too
        costs = _costs(bench, n, 7, [OURS, KD_TREE, PACKAGE], weighted=False)
        section.add(f"{count(n)} cells of resolution 7 that weigh 1 each", _table(costs))
    section.marks = [m for m in section.marks if count(sizes[-1]) in m.what]
    return section


def _table(costs: dict[str, Cost]) -> str:
    more = {
        "finding CPU s": lambda c: c.told["finding_cpu_s"],
        "finding MiB": lambda c: c.told["finding_mib"],
    }
    return cost_table(costs, base=OURS, more=more)


def _costs(
    bench: Bench, n: int, resolution: int, names: list[str], *, weighted: bool
) -> dict[str, Cost]:
    """Run every way, then compare its labels with those of scikit-learn; of one that differs no time is kept."""
    folder = bench.clean_folder("density")
    source, kind = folder / "cells.npz", "weighted" if weighted else "unweighted"
    bench.say(f"density, {count(n)} cells of resolution {resolution}, {kind}")
    bench.ask(script(__file__, "prepare", n, resolution, kind, source))
    results = {name: folder / f"{number}.npz" for number, name in enumerate(names)}
    ways = {name: script(__file__, name, source, results[name], cores=1) for name in names}
    costs = bench.measure(ways, runs=1 if n < MOST_CELLS // 10 or bench.brief else 2)
    pairs = (part for name in names for part in (name, results[name]))
    found = bench.ask(script(__file__, "compare", results[KD_TREE], *pairs))
    for name, different in zip(names, found["different"], strict=True):
        wrong = f"{different:,} of {n:,} cells differ"
        if different and name == PACKAGE:
            costs[f"{name} (wrong: {wrong})"] = costs.pop(name)
        elif different:
            costs[name] = Cost(0, 0, 0, died=wrong)
    shutil.rmtree(folder)
    return costs


def _marks(costs: dict[str, Cost], n: int, resolution: int) -> list[Mark]:
    ours, peers = costs[OURS], [c for k, c in costs.items() if k in (BALL_TREE, KD_TREE)]
    if ours.died:
        return []
    cells = f"{count(n)} cells of resolution {resolution}"
    faster = min(p.told["finding_cpu_s"] for p in peers) / ours.told["finding_cpu_s"]
    smaller = min(p.told["finding_mib"] for p in peers) / ours.told["finding_mib"]
    asked, enough = 10 if resolution == 7 else 20, n >= MOST_CELLS
    better = f"{cells} against the better of scikit-learn, finding, CPU"
    return [
        at_least(better, asked, faster, enough=enough),
        at_least(f"{cells} against scikit-learn, further memory", 20, smaller, enough=enough),
    ]


def main() -> None:
    """Work as a child, or measure and print."""
    children = {name: lambda *given, name=name: find(name, *given) for name in WAYS}
    if not measuring.answer({**children, "prepare": prepare, "compare": compare}):
        measuring.standalone(measured, __doc__)


if __name__ == "__main__":
    main()
