"""The order of the steps, and nothing else: from a study to the files of a finished run."""

from __future__ import annotations

import json
import logging
import os
import re
import shutil
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from geoclusters import __version__, engine, geopackage, pages, results, schema, stages
from geoclusters.assembly import Cells, Findings, Measured, find_clusters, measure_clusters
from geoclusters.errors import RunError
from geoclusters.exactness import exactness
from geoclusters.hierarchy import EXACT
from geoclusters.indicators import PopulationSource
from geoclusters.sample import write_sample
from geoclusters.study import Population, Source, Study, make_study, read_study
from geoclusters.unspread import spread_effect
from geoclusters.wording import changed_by_binning, changed_by_spreading

if TYPE_CHECKING:
    from collections.abc import Sequence

    from geoclusters.results import Result

SAMPLE: Final = "sample"
SAMPLE_FOLDER: Final = Path("out/sample")
READ: Final = "read"
ADDRESSES: Final = "addresses"
ADDRESS_CODE: Final = (
    "addresses",
    "geocoding",
    "quality",
    "cells",
    "engine",
    "countries.py",
    "hierarchy.py",
    "schema.py",
)
TOLERANCE: Final = 1e-6
log = logging.getLogger("geoclusters")


@dataclass(frozen=True)
class Plan:
    """A study with the files that it is made from."""

    study: Study
    inputs: list[dict[str, Any]]

    @property
    def made_by(self) -> str:
        """How a result was made, for its metadata; no word of files: shuffled input says the same."""
        return json.dumps(
            {
                "geoclusters": __version__,
                "study": self.study.name,
                "window": self.study.window.model_dump(),
                "settings": self.study.method.model_dump(mode="json"),
                "weights": self.study.weights,
            },
            ensure_ascii=False,
            sort_keys=True,
        )


def run(
    study: Study | str | Path | None = None,
    out: str | Path | None = None,
    *,
    spread: engine.Engine | None = None,
) -> Result:
    """
    Carry out every step of a study.

    Parameters
    ----------
    study : Study, str or Path, optional
        A study, or the TOML file of one; left out: the generated sample world.
    out : str or Path, optional
        Folder for the results; by default `out/<name of the study>`.
    spread : engine, optional
        Carries out the steps that touch every address, in place of what the study's `[engine]` says.

    Returns
    -------
    Result
        The finished run; `Result.clusters` and `Result.cells` are GeoDataFrames.

    Raises
    ------
    StudyError, SourceError
        If the study or its input is wrong.
    EngineError
        If the machines that the study names cannot carry it out.
    """
    if study is None:
        study = _sample_study(Path(out) if out is not None else SAMPLE_FOLDER)
        out = out if out is not None else SAMPLE_FOLDER
    study = study if isinstance(study, Study) else read_study(study)
    folder = Path(out) if out is not None else Path("out") / slug(study.name)
    state = stages.Stages(folder)
    plan, facts = added_up(study, state, spread)
    return _finish(folder, state, plan, facts)


def added_up(
    study: Study, state: stages.Stages, spread: engine.Engine | None = None
) -> tuple[Plan, dict[str, Any]]:
    """Have the addresses of a study read and added up; give with what they were made from what was found."""
    files = [source.files(study.folder) for source in study.sources]
    plan = _plan(study, files)
    with nullcontext(spread) if spread else engine.chosen(study.engine) as chosen:
        return plan, _add_up(state, plan, files, chosen)


def _add_up(
    state: stages.Stages, plan: Plan, files: Sequence[Sequence[Path]], chosen: engine.Engine
) -> dict[str, Any]:
    """Have the addresses read and added up; what is there already is not done again."""
    study = plan.study
    read_key, key = _keys(plan)
    if state.facts(ADDRESSES, key) is None:
        read_key = stages.key_of([read_key, chosen.layout])
        state.once(READ, read_key, lambda part: chosen.read_sources(study, files, part))
    facts = state.once(
        ADDRESSES,
        key,
        lambda part: {
            "folder": str(study.folder.resolve()),
            "geocoding": engine.geocoding_facts(state.path(READ), len(study.sources)),
            **chosen.add_up_addresses(state.path(READ), part, study=study),
        },
    )
    state.drop(READ)
    return facts


def _sample_study(folder: Path) -> Path:
    """Have the sample world in the folder of its run."""
    state = stages.Stages(folder)

    def make(part: Path) -> dict[str, Any]:
        write_sample(part)
        return {}

    state.once(SAMPLE, stages.code_hash("sample", "places.py"), make)
    return state.path(SAMPLE) / "study.toml"


def recluster(
    source: str | Path,
    *,
    out: str | Path | None = None,
    radius_km: float | None = None,
    min_density: float | None = None,
    merge_gap_km: float | None = None,
    resolution: int | str | None = None,
) -> Result:
    """
    Draw new boundaries from the cells of a finished run; what is not given stays as it was.

    Parameters
    ----------
    source : str or Path
        Folder of a finished run.
    out : str or Path, optional
        Folder for the new results; by default the same folder, whose results are then replaced.
    resolution : int or 'exact', optional
        Another H3 resolution, or points without binning: the sources of the run are read and added up again.
    """
    old = results.read_run(source)
    before = stages.Stages(old.folder)
    facts = before.facts(ADDRESSES)
    if facts is None:
        raise RunError(
            f"{source}: its folder {results.STAGES!r} with the addresses is gone; run the study again, then recluster"
        )
    changes = {
        "radius_km": radius_km,
        "min_density": min_density,
        "merge_gap_km": merge_gap_km,
        "resolution": resolution,
    }
    study = study_of_run(old, Path(facts["folder"]), changes)
    folder = Path(out) if out is not None else old.folder
    if study.method.resolution != old.run["settings"]["resolution"]:
        return run(study, folder)
    plan = Plan(study, old.run["inputs"])
    state = stages.Stages(folder)
    if state.folder.resolve() != before.folder.resolve():
        state.once(ADDRESSES, _keys(plan)[1], lambda part: _linked(before, part))
    return _finish(folder, state, plan, facts)


def study_of_run(
    old: Result, folder: Path, changes: dict[str, float | str | None] | None = None
) -> Study:
    """Give the study of a finished run, with some settings changed."""
    run_facts = old.run
    given = {k: v for k, v in (changes or {}).items() if v is not None}
    return make_study(
        {
            **{k: v for k, v in run_facts["study"].items() if v is not None},
            "window": run_facts["window"],
            "method": run_facts["settings"] | given,
            "population": run_facts.get("population"),
            "geocoding": run_facts["geocoding"],
            "engine": run_facts.get("engine", {}),
            "source": run_facts["sources"],
        },
        folder=folder,
        origin="settings",
    )


def _linked(before: stages.Stages, part: Path) -> dict[str, Any]:
    """Have the addresses of a finished run in another folder as well."""
    origin = before.path(ADDRESSES)
    for file in sorted(f for f in origin.rglob("*") if f.is_file()):
        target = part / file.relative_to(origin)
        target.parent.mkdir(parents=True, exist_ok=True)
        _link(file, target)
    return before.facts(ADDRESSES) or {}


def _link(source: Path, target: Path) -> None:
    """Give a finished file a second place without a second copy, where the disk can."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def slug(name: str) -> str:
    """
    Name of a folder for a study.

    Examples
    --------
    >>> slug("My región, 2019-2023!")
    'my-región-2019-2023'
    """
    return re.sub(r"[^\w]+", "-", name.lower()).strip("-") or "study"


def _plan(study: Study, files: Sequence[Sequence[Path]]) -> Plan:
    log.info("hashing the input")
    inputs = [
        {"source": source.label, "metric": source.metric, **_input(file, source)}
        for source, paths in zip(study.sources, files, strict=True)
        for file in paths
    ]
    people = study.population
    if people is not None:
        inputs += [
            {"source": ", ".join(people.paths), "metric": "population", **_input(file, people)}
            for file in people.files(study.folder)
        ]
    return Plan(study, inputs)


def _input(file: Path, given: Source | Population) -> dict[str, Any]:
    return {
        "file": file.name,
        "bytes": file.stat().st_size,
        "sha256": stages.file_hash(file),
        "licence": given.licence,
        "attribution": given.attribution,
    }


def _keys(plan: Plan) -> tuple[str, str]:
    """Keys of the steps that touch the addresses: of reading, and of adding up."""
    study, method = plan.study, plan.study.method
    read = {
        "code": stages.code_hash(*ADDRESS_CODE),
        "sources": [s.model_dump() for s in study.sources],
        "geocoding": study.geocoding.told(),
        "inputs": [
            [i["source"], i["file"], i["bytes"], i["sha256"]]
            for i in plan.inputs
            if i["metric"] != "population"
        ],
    }
    checks = [method.accuracy, method.repair_swapped, method.check_country]
    window = study.window.model_dump()
    spread = [method.spread, method.spread_seed] if method.spread != "none" else []
    counted = [read, window, checks, method.resolution, *spread]
    return stages.key_of(read), stages.key_of(counted)


def _finish(folder: Path, state: stages.Stages, plan: Plan, facts: dict[str, Any]) -> Result:
    """Everything after the addresses: cells, clusters, indicators, files, pages."""
    study, method = plan.study, plan.study.method
    # Not before: wrong input leaves the results of an earlier run as they were.
    people = _people(study)
    results.begin_publishing(folder)
    store = engine.AddressStore(state.path(ADDRESSES))
    with state.timed("clusters"):
        cells = Cells.from_frame(
            store.load_cells(), metrics=study.metrics, method=method, facts=facts
        )
        found = find_clusters(cells, method=method, store=store)
    compared = {}
    if method.resolution == EXACT:
        with state.timed("exactness"):
            exact = exactness(cells, found, method=method, store=store, facts=facts)
        compared["exact"] = exact
        log.info(changed_by_binning(exact))
    if method.spread != "none":
        with state.timed("spreading"):
            spread = spread_effect(cells, found, method=method, store=store, facts=facts)
        compared["spread"] = spread
        log.info(changed_by_spreading(spread))
    with state.timed("indicators"):
        measured = measure_clusters(
            cells,
            found,
            method=method,
            weights=study.weights,
            store=store,
            stated=not facts["unstated"],
            people=people,
        )
    with state.timed("files"):
        documents = _conserved(cells, found, facts, study.metrics)
        _write(folder, measured, plan, state.path(ADDRESSES))
    with state.timed("pages"):
        content = _run_json(plan, facts, measured, documents, state) | compared
        # Pages read the files; what was written need not lie in memory beside it.
        del cells, found, store, measured
        result = results.Result(folder, content)
        geopackage.write_geopackage(result, folder / geopackage.FILE, made_by=plan.made_by)
        pages.draw_pages(result)
    results.write_json(folder / results.RUN_FILE, content)
    return results.read_run(folder)


def _people(study: Study) -> PopulationSource | None:
    """Say where the people are, if the study does."""
    given = study.population
    if given is None:
        return None
    files = tuple(given.files(study.folder))
    columns = {str(ours): theirs for ours, theirs in given.columns.items()}
    return PopulationSource(files, given.kind, columns, given.name, given.year)


def _conserved(
    cells: Cells, found: Findings, facts: dict[str, Any], metrics: Sequence[str]
) -> dict[str, dict[str, float]]:
    """Say where the documents of the window are; nothing may be lost on the way."""
    told = {}
    for metric in metrics:
        weight = cells.frame[f"weight_{metric}"].to_numpy()
        window, unplaced = facts["documents"].get(metric, 0), facts["unplaced"].get(metric, 0)
        inside = int(weight[found.labels >= 0].sum())
        noise = int(weight[found.labels < 0].sum())
        if abs(inside + noise + unplaced - window) > TOLERANCE * max(window, 1):
            raise RuntimeError(
                f"{metric}: documents are not conserved: {inside} in clusters + {noise} in noise + {unplaced} "
                f"unplaced is not {window}; this is a fault of geoclusters, please report it with run.json"
            )
        told[metric] = {
            name: value / schema.WEIGHT_ONE
            for name, value in (
                ("window", window),
                ("in_clusters", inside),
                ("noise", noise),
                ("unplaced", unplaced),
            )
        }
    return told


def _write(folder: Path, measured: Measured, plan: Plan, origin: Path) -> None:
    """Write every table of the results."""
    made_by, metrics = plan.made_by, plan.study.metrics
    results.write_clusters(folder, measured.clusters, metrics=metrics, made_by=made_by)
    results.write_csv(folder / schema.ECONOMIES.name, measured.economies)
    tables = {
        schema.CELLS: measured.cells,
        schema.LINKS: measured.links,
        schema.NEIGHBOURS: measured.neighbours,
    }
    tables |= {schema.BREAKDOWNS[by]: frame for by, frame in measured.breakdowns.items()}
    for layout, frame in tables.items():
        table = results.as_table(frame, layout, metrics)
        results.write_parquet(folder / layout.name, table, made_by=made_by)
    results.copy_parquet(
        origin / engine.REJECTED_FILE, folder / schema.REJECTED.name, made_by=made_by
    )


def _run_json(
    plan: Plan,
    facts: dict[str, Any],
    measured: Measured,
    documents: dict[str, dict[str, float]],
    state: stages.Stages,
) -> dict[str, Any]:
    study = plan.study
    return {
        "geoclusters": __version__,
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "study": {"name": study.name, "notice": study.notice, "generated": study.generated},
        "window": study.window.model_dump(),
        "settings": study.method.model_dump(mode="json")
        | {"min_density": study.method.min_density_value},
        "metrics": list(study.metrics),
        "weights": study.weights,
        "sources": [s.model_dump() for s in study.sources],
        "population": study.population and study.population.model_dump(),
        "geocoding": study.geocoding.told(),
        "engine": study.engine.model_dump(exclude_none=True),
        "inputs": plan.inputs,
        "rows": rows_told(study, facts),
        "quality": facts["quality"],
        "documents": documents,
        "concentration": measured.concentration,
        "clusters": len(measured.clusters),
        "warnings": measured.warnings,
        "stages": state.timings,
    }


def rows_told(study: Study, facts: dict[str, Any]) -> list[dict[str, Any]]:
    """Say what became of the rows of each source; read = outside_window + without_year + placed + rejected."""
    told = []
    for number, (source, tally) in enumerate(zip(study.sources, facts["sources"], strict=True)):
        by_reason = {reason: n for at, reason, n in facts["rows"] if at == number}
        placed = by_reason.pop("placed", 0)
        told.append(
            {
                "source": source.label,
                "metric": source.metric,
                **tally,
                "placed": placed,
                "rejected": by_reason,
                "geocoded": facts["geocoding"][number],
            }
        )
    return told
