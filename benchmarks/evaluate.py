"""Runs the studies on real data, measures geocoding, ROR and population, and tells what fell under its floor.

    python benchmarks/evaluate.py --data ../shared/data --out out/evaluation

Five parts, each in a module of its own: the *world* study is held against ranks 1-35 of the Global
Innovation Index 2023 (WIPO), before and after geocoding and checks; the *record* study is described;
place names, affiliations and the population of outlines are held against labels and counts.

The exit status is 1 when a figure falls under its floor or a miss exceeds its limit, and 2 when the
data are not there.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

import evaluate_geocoding
import evaluate_population
import evaluate_record
import evaluate_ror
import evaluate_world
from evaluate_printing import heading

STUDIES: Final = Path(__file__).resolve().parent.parent / "data" / "studies"

FLOORS: Final[dict[str, float]] = {
    "world_found": 30,
    "world_matched": 34,
    "world_correlation": 0.76,
    "world_gain": 0,
    "world_found_two_metrics": 27,
    "world_correlation_two_metrics": 0.80,
    "world_gain_two_metrics": 0,
    "record_clusters": 50,
    "record_share_placed": 0.86,
    "papers_clusters": 220,
    **{f"geocoding_{name}": floor for name, floor in evaluate_geocoding.FLOORS.items()},
    **{f"ror_{name}": floor for name, floor in evaluate_ror.FLOORS.items()},
}
"""Least values: of geocoding what is asked of it, else what was measured, less a little where it is of many parts."""

LIMITS: Final[dict[str, float]] = {
    "population_outlines": evaluate_population.MISS_MARK,
    "population_tokyo": evaluate_population.MISS_MARK,
}
"""Largest values: how far populations may be off, as fractions of 1."""


def prepare_tables(data: Path, prepared: Path) -> None:
    """Have the tables of the world study brought into shape."""
    script = STUDIES / "prepare.py"
    subprocess.run([sys.executable, script, "--data", data, "--out", prepared], check=True)


def name_folders(data: Path, prepared: Path) -> None:
    """Tell the study files where the data and the prepared tables are."""
    os.environ["GEOCLUSTERS_EVALUATION"] = str(data.resolve())
    os.environ["GEOCLUSTERS_PREPARED"] = str(prepared.resolve())


def measure_geocoding(data: Path) -> dict[str, float]:
    """Print how well place names are geocoded, with the worst confusions, and give the figures that have floors."""
    heading("Geocoding of labelled names (typos: the held-out half)")
    found = evaluate_geocoding.evaluate(data)
    print("\n".join(evaluate_geocoding.lines_of(found)))
    return {f"geocoding_{name}": found[name] for name in evaluate_geocoding.FLOORS}


def measure_ror(data: Path) -> dict[str, float]:
    """Print how well affiliations are matched with organisations, and give the figures that have floors."""
    heading("Affiliations matched with organisations of ROR")
    found = evaluate_ror.evaluate(data)
    evaluate_ror.show(found)
    return {f"ror_{name}": value for name, value in evaluate_ror.marked(found).items()}


def measure_population(data: Path, run: Path) -> dict[str, float]:
    """Print how far populations are off, and give the largest misses."""
    heading("Population on the world table of 5 arc-minutes")
    world = data / evaluate_population.WORLD
    return {
        "population_outlines": evaluate_population.evaluate_run(run, world),
        "population_tokyo": evaluate_population.evaluate_tokyo(world),
    }


def failures(figures: dict[str, float]) -> list[str]:
    """Say which figures fall under their floors or exceed their limits."""
    fallen = [
        f"{name} is {figures[name]:.3f}, under its floor of {floor}"
        for name, floor in FLOORS.items()
        if not figures[name] >= floor
    ]
    return fallen + [
        f"{name} is {figures[name]:.3f}, over its limit of {limit}"
        for name, limit in LIMITS.items()
        if not figures[name] <= limit
    ]


def print_marks(figures: dict[str, float], fallen: list[str]) -> None:
    """Print every figure beside its floor or limit."""
    heading("Floors and limits")
    for signs, marks in ((("<", ">="), FLOORS), ((">", "<="), LIMITS)):
        for name, mark in marks.items():
            missed = any(line.startswith(f"{name} is ") for line in fallen)
            note = "MISSED" if missed else ""
            print(f"{name:32} {figures[name]:8.4g} {signs[not missed]:2} {mark:g} {note}".rstrip())


def evaluate(data: Path, out: Path, *, sensitivity: bool = True) -> dict[str, float]:
    """Carry out the five parts and give their figures."""
    prepared = out / "prepared"
    prepare_tables(data, prepared)
    name_folders(data, prepared)
    figures, world = evaluate_world.evaluate(STUDIES / "world.toml", out, sensitivity=sensitivity)
    figures |= evaluate_record.evaluate(STUDIES / "record.toml", out)
    figures |= measure_geocoding(data)
    figures |= measure_ror(data)
    figures |= measure_population(data, world.folder)
    return figures


def main() -> int:
    """Carry out the evaluation."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="folder of the evaluation data")
    parser.add_argument("--out", type=Path, required=True, help="folder for the runs")
    parser.add_argument(
        "--no-sensitivity", action="store_true", help="leave out other radii and densities"
    )
    given = parser.parse_args()
    if not (given.data / "patents_metro_world").is_dir():
        print(
            f"{given.data}: the evaluation data are not there; data/studies/README.md lists them",
            file=sys.stderr,
        )
        return 2
    begun = time.perf_counter(), time.process_time()
    figures = evaluate(given.data, given.out, sensitivity=not given.no_sensitivity)
    fallen = failures(figures)
    print_marks(figures, fallen)
    print("\n".join(fallen) or "every figure holds")
    print(f"maps: {given.out / 'world' / 'map.html'} and {given.out / 'record' / 'map.html'}")
    print(
        f"{time.perf_counter() - begun[0]:.0f} s, {time.process_time() - begun[1]:.0f} s of processor"
    )
    return 1 if fallen else 0


if __name__ == "__main__":
    sys.exit(main())
