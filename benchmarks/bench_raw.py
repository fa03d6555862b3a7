"""DBSCAN on raw points: every address for itself, no cells.

    python benchmarks/bench_raw.py --size 1e7

The points are those of the table of addresses; a place is dense from one in two thousand of them within 15 km. The
core points of a sample are counted again with scipy's k-d tree, and on the first 20,000 points, where scikit-learn's
memory suffices, its labels are compared one by one. scikit-learn keeps all neighbourhoods: from 1e7 on it is tried
with a million points in as much memory as the machine can spare, 20 GiB at most.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any, Final

import bench_density
import measuring
import numpy as np
import points
from bench_density import CHORD, KD_TREE, OURS, PACKAGE, RADIUS_KM, WAYS, Cells, renumbered
from measuring import SPARED, Bench, Clock, Cost, script
from writing import Mark, Section, at_most, cost_table, count

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

POINTS_OF_DENSE: Final = 2000
CHECKED_POINTS: Final = 20_000
SAMPLE: Final = 2000
TRIED_POINTS: Final = 1_000_000
TRIED_GIB: Final = 20.0
TRIED_SECONDS: Final = 300.0
SEED: Final = 3


def _cells(source: str, n: int | None = None) -> Cells:
    latlon = np.array(points.read_pairs(source)[:n])
    need = max(len(latlon) // POINTS_OF_DENSE, 2)
    return Cells(latlon, np.ones(len(latlon), dtype=np.int64), need)


def find(name: str, source: str, target: str, n: str = "") -> dict[str, float]:
    """Find the clusters of all points."""
    cells = _cells(source, int(n) if n else None)
    few = bench_density.FEW_CELLS
    _fit(name, Cells(cells.latlon[:few], cells.weight[:few], 5))
    with Clock() as clock:
        labels, core = _fit(name, cells)
    if target != "-":
        np.savez(target, labels=labels, core=core)
    return clock.told("finding")


def _fit(name: str, cells: Cells) -> tuple[npt.NDArray[Any], npt.NDArray[np.bool_]]:
    """Give points to each way as its users would; ours takes them without weights."""
    if name != OURS:
        return WAYS[name](cells)()
    from geoclusters import GridDBSCAN

    model = GridDBSCAN(RADIUS_KM, cells.need, border="first").fit(cells.latlon)
    return model.labels_, model.core_sample_mask_


def compare(one: str, other: str) -> dict[str, int]:
    """Count the points in which the package and we differ."""
    with np.load(one) as a, np.load(other) as b:
        wrong = a["labels"] != renumbered(b["labels"], b["core"])
        wrong |= a["core"] != b["core"]
        return {"different": int(wrong.sum()), "compared": len(wrong)}


def count_again(source: str, found: str) -> dict[str, int]:
    """Count the neighbours of some points with a k-d tree, for their core flags."""
    from scipy.spatial import cKDTree

    cells = _cells(source)
    where = bench_density.vectors(cells.latlon)
    sample = np.random.default_rng(SEED).integers(len(where), size=SAMPLE)
    tree = cKDTree(where, balanced_tree=False, compact_nodes=False)
    near = tree.query_ball_point(where[sample], CHORD, return_length=True)
    with np.load(found) as ours:
        wrong = (near >= cells.need) != ours["core"][sample]
    return {"different": int(wrong.sum()), "compared": len(sample)}


def compare_few(source: str) -> dict[str, int]:
    """Compare with scikit-learn on the first points."""
    cells = _cells(source, CHECKED_POINTS)
    ours, theirs = _fit(OURS, cells), _fit(KD_TREE, cells)
    wrong = (ours[0] != theirs[0]) | (ours[1] != theirs[1])
    return {"different": int(wrong.sum()), "compared": len(wrong)}


def measured(bench: Bench) -> Section:
    """Measure the points of the table, all sizes up to ten million."""
    section = Section("Density on raw points", __doc__.split("\n\n", 2)[2])
    sizes = [n for n in bench.sizes if n <= 10_000_000]
    for n in sizes:
        costs, checks = _costs(bench, n)
        section.add(f"{count(n)} points", _table(costs), checks)
    section.marks = _marks(costs[OURS], sizes[-1])
    return section


def _table(costs: dict[str, Cost]) -> str:
    more = {
        "finding CPU s": lambda c: c.told["finding_cpu_s"],
        "finding MiB": lambda c: c.told["finding_mib"],
    }
    return cost_table(costs, base=OURS, more=more)


def _costs(bench: Bench, n: int) -> tuple[dict[str, Cost], str]:
    """Run every way, and check what they found; scikit-learn is only tried."""
    bench.say(f"raw points, {count(n)}")
    folder, source = bench.clean_folder("raw"), bench.points("cities", n)
    results = {name: folder / f"{number}.npz" for number, name in enumerate((OURS, PACKAGE))}
    few = bench.points("cities", CHECKED_POINTS)
    warm = {name: script(__file__, name, few, "-", cores=1) for name in results}
    bench.measure(warm, runs=1)
    ways = {name: script(__file__, name, source, results[name], cores=1) for name in results}
    costs = bench.measure(ways, runs=2 if n <= 1_000_000 and not bench.brief else 1)
    again = bench.ask(script(__file__, "count", source, results[OURS]))
    first = bench.ask(script(__file__, "few", source))
    if again["different"] or first["different"]:
        raise SystemExit(f"raw points: {again} {first}")
    found = bench.ask(script(__file__, "compare", results[OURS], results[PACKAGE]))
    if found["different"]:
        wrong = f"{found['different']:,} of {found['compared']:,} points differ"
        costs[f"{PACKAGE} ({wrong})"] = costs.pop(PACKAGE)
    shutil.rmtree(folder)
    if n >= 10 * TRIED_POINTS:
        costs[f"{KD_TREE}, {count(TRIED_POINTS)} points"] = _tried(bench, source)
    return costs, (
        f"Core flags counted again: {again['different']} of {again['compared']:,} differ. Labels and core flags "
        f"of the first {first['compared']:,} points against scikit-learn: {first['different']} differ."
    )


def _tried(bench: Bench, source: Path) -> Cost:
    """Let scikit-learn try a tenth of the points, in the memory that can be spared."""
    limits = {"memory_gib": min(TRIED_GIB, SPARED * measuring.free_gib()), "seconds": TRIED_SECONDS}
    way = script(__file__, KD_TREE, source, "-", TRIED_POINTS, cores=1, **limits)
    cost = measuring.measure(way, bench.folder)
    bench.say(f"{KD_TREE}: {cost.died or cost}")
    return cost


def _marks(ours: Cost, n: int) -> list[Mark]:
    what, enough = f"{count(n)} raw points, peak memory", n >= 10 * TRIED_POINTS
    return [at_most(what, 3, ours.peak_mib / 1024, "GiB", enough=enough)]


def main() -> None:
    """Work as a child, or measure and print."""
    names = (OURS, PACKAGE, KD_TREE)
    children = {name: lambda *given, name=name: find(name, *given) for name in names}
    more = {"compare": compare, "count": count_again, "few": compare_few}
    if not measuring.answer({**children, **more}):
        measuring.standalone(measured, __doc__)


if __name__ == "__main__":
    main()
