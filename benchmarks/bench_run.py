"""A whole run, from a table of addresses to the finished map, and another radius on its cells.

    python benchmarks/bench_run.py --size 1e7

The commands are those of a user, with the settings of a new study; their wall time is from the start of the command
to its end. Stages are those that the last run has written down. Another radius: `--quick` gives boundaries, names and
ranks; without it every table and page is made again. scikit-learn gets the cells of the finished run and gives labels;
core cells must be the same, and each of its clusters must lie in one of ours, which are merged after; of the quick
boundaries the cells and the core cells are counted.
"""

from __future__ import annotations

import json
import math
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import bench_addresses
import bench_density
import measuring
from measuring import FEW, SPARED, Bench, Cost, Way, script
from writing import (
    Mark,
    Section,
    at_least,
    at_most,
    cost_table,
    count,
    growth_table,
    number,
    table,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

RUN: Final = "geoclusters run"
QUICK: Final = "geoclusters cluster --quick"
CLUSTER: Final = "geoclusters cluster"
FLOOR: Final = bench_addresses.FLOORS[0]
PEER: Final = bench_density.KD_TREE
RADIUS_KM: Final = 20.0
OPTIONS: Final = ("--radius-km", f"{RADIUS_KM:g}")
CELLS_OF_MARK: Final = 1_700_000
ROWS_OF_MARK: Final = 30_000_000
"""A table of so many rows has about `CELLS_OF_MARK` cells, which is all that is asked of it."""
ASKED_ROWS: Final = 100_000_000
PEER_GIB: Final = 20.0
PEER_SECONDS: Final = 600.0
STUDY: Final = """name = "benchmark"
[[source]]
metric = "patents"
path = "{path}"
columns = {{ document = "document", lat = "lat", lon = "lon" }}
"""


def command(*arguments: object) -> list[str]:
    """Give a command line of geoclusters."""
    return [sys.executable, "-m", "geoclusters", "--quiet", *map(str, arguments)]


def by_scikit_learn(finished: str, target: str) -> dict[str, int]:
    """Find the clusters of the cells of a run with another radius."""
    import numpy as np
    import pyarrow.parquet as pq
    from sklearn.cluster import DBSCAN

    settings = json.loads((Path(finished) / "run.json").read_text(encoding="utf-8"))["settings"]
    columns = ["lat", "lon", "weight"]
    lat, lon, weight = (
        pq.read_table(Path(finished) / "cells.parquet", columns=columns)[name].to_numpy()
        for name in columns
    )
    chord = 2 * math.sin(RADIUS_KM / bench_density.EARTH_RADIUS_KM / 2)
    model = DBSCAN(eps=chord, min_samples=1, algorithm="kd_tree")
    where = bench_density.vectors(np.stack([lat, lon], axis=1))
    model.fit(where, sample_weight=weight / settings["min_density"])
    np.savez(target, labels=model.labels_, core=model.core_sample_indices_)
    return {"cells": len(lat)}


def compare(finished: str, theirs: str) -> dict[str, int]:
    """Count cells whose core flag differs, and clusters of scikit-learn that ours tear apart."""
    import numpy as np
    import pyarrow.parquet as pq

    cells = pq.read_table(Path(finished) / "cells.parquet", columns=["core", "cluster_id"])
    ours = cells["cluster_id"].combine_chunks().dictionary_encode().indices
    ours = ours.fill_null(-1).to_numpy()
    core = cells["core"].to_numpy()
    with np.load(theirs) as found:
        wrong = np.zeros(len(core), dtype=bool)
        wrong[found["core"]] = True
        wrong ^= core
        pairs = np.unique(np.stack([found["labels"][core], ours[core]]), axis=1)
    torn = pairs.shape[1] - len(np.unique(pairs[0]))
    return {"different": int(wrong.sum()) + torn, "compared": len(core)}


def compare_quick(quick: str, theirs: str) -> dict[str, int]:
    """Count the cells, and the core cells, that the quick boundaries have more or less than scikit-learn."""
    import numpy as np

    path = Path(quick) / "boundaries.geojson"
    ours = [f["properties"] for f in json.loads(path.read_text(encoding="utf-8"))["features"]]
    with np.load(theirs) as found:
        inside, core = int((found["labels"] >= 0).sum()), len(found["core"])
        more = abs(sum(c["n_cells"] for c in ours) - inside)
        more += abs(sum(c["n_core_cells"] for c in ours) - core)
        return {"different": more, "compared": len(found["labels"])}


def measured(bench: Bench) -> Section:
    """Measure tables of several sizes."""
    section = Section("A whole run, and another radius", (__doc__ or "").split("\n\n", 2)[2])
    _run(bench, FEW, runs=1)  # leaves byte code and machine code behind
    every, recluster, cells = {}, {}, {}
    for n in sorted({*bench.sizes, min(ROWS_OF_MARK, bench.sizes[-1])}):
        bench.say(f"whole run, {count(n)} rows")
        told = n in bench.sizes
        costs = _run(bench, n, runs=2 if told and not bench.brief else 1)
        if told:
            every[n] = costs
            section.add(f"{count(n)} rows to the finished map", cost_table(costs, base=RUN))
            section.add(f"Stages of {count(n)} rows", _stages(_out(bench)))
        recluster[n], cells[n] = _recluster(bench)
        caption = f"{RADIUS_KM:g} km instead of 15, {cells[n]:,} cells, without the run before"
        section.add(caption, cost_table(recluster[n], base=QUICK))
    start = {} if bench.brief else _run(bench, FEW, runs=2)
    if start:
        section.add("Cost of a row", growth_table(every, start, [RUN, FLOOR]))
    shutil.rmtree(_out(bench).parent)
    section.marks = [*_run_marks(every, start), *_recluster_marks(recluster, cells)]
    return section


def _out(bench: Bench) -> Path:
    return bench.folder / "run" / "out"


def _run(bench: Bench, n: int, *, runs: int) -> dict[str, Cost]:
    source, folder = bench.table(n), bench.clean_folder("run")
    study = folder / "study.toml"
    study.write_text(STUDY.format(path=f"../{source.name}"), encoding="utf-8")
    out = _out(bench)
    floor = script(bench_addresses.__file__, FLOOR, source, "-")
    ways = {RUN: Way(command("run", study, "--out", out), clears=(out,)), FLOOR: floor}
    return bench.measure(ways, runs=runs)


def _stages(out: Path) -> str:
    """Draw the stages as the run wrote them down."""
    facts = json.loads((out / "run.json").read_text(encoding="utf-8"))
    rows = [
        [s["stage"], number(s["seconds"]), number(s.get("peak_memory_mib", 0))]
        for s in facts["stages"]
    ]
    return table(["stage", "wall s", "peak MiB so far"], rows)


def _recluster(bench: Bench) -> tuple[dict[str, Cost], int]:
    """Draw new boundaries, quick and in full, and let scikit-learn find its own; then compare them."""
    old, new, quick = _out(bench), _out(bench).with_name("new"), _out(bench).with_name("quick")
    theirs = _out(bench).with_name("labels.npz")
    limits = {"memory_gib": min(PEER_GIB, SPARED * measuring.free_gib()), "seconds": PEER_SECONDS}
    ways = {
        QUICK: Way(command("cluster", old, *OPTIONS, "--quick", "--out", quick), clears=(quick,)),
        PEER: script(__file__, PEER, old, theirs, **limits),
    }
    costs = bench.measure(ways, runs=1 if bench.brief else 2)
    checks = {}
    if not bench.brief:
        full = Way(command("cluster", old, *OPTIONS, "--out", new), clears=(new,))
        costs |= bench.measure({CLUSTER: full}, runs=1)
        checks[CLUSTER] = script(__file__, "compare", new, theirs)
    checks[QUICK] = script(__file__, "quick", quick, theirs)
    for name, check in ({} if costs[PEER].died else checks).items():
        found = bench.ask(check)
        if found["different"]:
            wrong = f"{found['different']} of {found['compared']} cells differ"
            costs[name] = Cost(0, 0, 0, died=wrong)
    return costs, bench.ask(script(__file__, "cells", old))["cells"]


def cells_of(finished: str) -> dict[str, int]:
    """Count the cells of a run."""
    import pyarrow.parquet as pq

    return {"cells": pq.read_metadata(Path(finished) / "cells.parquet").num_rows}


def _run_marks(every: Mapping[int, Mapping[str, Cost]], start: Mapping[str, Cost]) -> list[Mark]:
    sizes = sorted(every)
    n, small = sizes[-1], sizes[0]
    run, floor, enough = every[n][RUN], every[n][FLOOR], n >= ASKED_ROWS
    rows = f"{count(n)} rows to the finished map"
    reading = f"{rows}, against reading alone with pyarrow"
    marks = [
        at_most(f"{reading}, wall", 10, run.wall_s / floor.wall_s, enough=enough),
        at_most(f"{reading}, CPU", 10, run.cpu_s / floor.cpu_s, enough=enough),
        at_most(f"{rows}, peak memory", 3, run.peak_mib / 1024, "GiB", enough=enough),
    ]
    if start:
        a_row = [(every[k][RUN].cpu_s - start[RUN].cpu_s) / k for k in (n, small)]
        what = f"cost of a row at {count(n)} against {count(small)}, CPU, less the start"
        marks.append(at_most(what, 1.2, a_row[0] / a_row[1], enough=enough))
    return marks


def _recluster_marks(costs: Mapping[int, Mapping[str, Cost]], cells: dict[int, int]) -> list[Mark]:
    n = min(cells, key=lambda k: abs(math.log(cells[k] / CELLS_OF_MARK)))
    ours, peer, what = costs[n][QUICK], costs[n][PEER], f"another radius on {cells[n]:,} cells"
    if ours.died:
        return []
    wall, cpu = peer.wall_s / ours.wall_s, peer.cpu_s / ours.cpu_s
    enough = cells[n] >= CELLS_OF_MARK / 2
    return [
        at_most(f"{what}, whole command, wall", 3, ours.wall_s, "s", enough=enough),
        at_most(f"{what}, whole command, CPU", 3, ours.cpu_s, "s", enough=enough),
        *(
            at_least(f"{what}, against scikit-learn, {kind}", 5, found, enough=enough)
            for kind, found in (("wall", wall), ("CPU", cpu))
            if not peer.died
        ),
    ]


def main() -> None:
    """Work as a child, or measure and print."""
    children: dict[str, Any] = {PEER: by_scikit_learn, "compare": compare, "cells": cells_of}
    children["quick"] = compare_quick
    if not measuring.answer(children):
        measuring.standalone(measured, __doc__)


if __name__ == "__main__":
    main()
