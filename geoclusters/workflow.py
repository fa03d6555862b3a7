"""The order of the steps, and nothing else: from a study to the files of a finished run."""

from __future__ import annotations

import logging
import os
import re
import shutil
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from geoclusters import stages
from geoclusters.errors import RunError
from geoclusters.folders import begin_publishing
from geoclusters.hierarchy import EXACT
from geoclusters.planning import Plan, planned
from geoclusters.study import Study, make_study, read_study
from geoclusters.wording import changed_by_binning, changed_by_spreading

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from geoclusters import engine
    from geoclusters.assembly import Cells, Findings
    from geoclusters.indicators import PopulationSource
    from geoclusters.results import Result

SAMPLE: Final = "sample"
SAMPLE_FOLDER: Final = Path("out/sample")
READ: Final = "read"
ADDRESSES: Final = "addresses"
log = logging.getLogger("geoclusters")


def run(
    study: Study | str | Path | None = None,
    out: str | Path | None = None,
    *,
    engine: engine.Engine | None = None,
) -> Result:
    """
    Carry out every step of a study.

    Parameters
    ----------
    study : Study, str or Path, optional
        A study, or the TOML file of one; left out: the generated sample world.
    out : str or Path, optional
        Folder for the results; by default `out/` and the study's `name`, in small letters and with hyphens.
    engine : engine.Engine, optional
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
        folder = Path(out) if out is not None else SAMPLE_FOLDER
    else:
        study = study if isinstance(study, Study) else read_study(study)
        folder = Path(out) if out is not None else Path("out") / slug(study.name)
    state = stages.Stages(folder)
    with state.alone():
        plan, facts = added_up(study or read_study(_sample_study(state)), state, engine)
        return _finish(folder, state, plan, facts)


def added_up(
    study: Study, state: stages.Stages, given: engine.Engine | None = None
) -> tuple[Plan, dict[str, Any]]:
    """Have the addresses of a study read and added up; give with what they were made from what was found."""
    files = [source.files(study.folder) for source in study.sources]
    with planned(study, files) as plan:
        # The hashing of the files goes on beside the import.
        from geoclusters import engine  # noqa: PLC0415 - slow

        with nullcontext(given) if given else engine.chosen(study.engine) as chosen:
            return plan, _add_up(state, plan, files, chosen)


def _add_up(
    state: stages.Stages, plan: Plan, files: Sequence[Sequence[Path]], chosen: engine.Engine
) -> dict[str, Any]:
    """Have the addresses read and added up; what is there already is not done again."""
    from geoclusters.engine import geocoding_facts, left_out_facts  # noqa: PLC0415 - slow

    study = plan.study
    # The hashing of large files lasts longer than to look through them: they are added up meanwhile.
    with ThreadPoolExecutor(1) as beside:
        if state.facts(ADDRESSES, plan.key) is None:
            state.once(
                READ,
                lambda: stages.key_of([plan.read_key(), chosen.layout]),
                lambda part: chosen.read_sources(study, files, part),
                beside=beside,
            )
        facts = state.once(
            ADDRESSES,
            plan.key,
            _replacing(
                state,
                lambda part: {
                    "folder": str(study.folder.resolve()),
                    "geocoding": geocoding_facts(state.path(READ), len(study.sources)),
                    "left_out": left_out_facts(state.path(READ), len(study.sources)),
                    **chosen.add_up_addresses(state.path(READ), part, study=study),
                },
            ),
        )
    state.drop(READ)
    return facts


def _replacing(
    state: stages.Stages, make: Callable[[Path], dict[str, Any]]
) -> Callable[[Path], dict[str, Any]]:
    """Make addresses; the results that others gave are those of no finished run when these take their place."""

    def made(part: Path) -> dict[str, Any]:
        facts = make(part)
        begin_publishing(state.folder.parent)
        return facts

    return made


def _sample_study(state: stages.Stages) -> Path:
    """Have the sample world in the folder of its run."""
    from geoclusters.sample import write_sample  # noqa: PLC0415

    def make(part: Path) -> dict[str, Any]:
        write_sample(part)
        return {}

    state.once(SAMPLE, lambda: stages.code_hash("sample", "places.py"), make)
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
    from geoclusters import results  # noqa: PLC0415 - slow

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
    plan = Plan(study, lambda: old.run["inputs"])
    state = stages.Stages(folder)
    with state.alone():
        if state.folder.resolve() != before.folder.resolve():
            state.once(ADDRESSES, plan.key, _replacing(state, lambda part: _linked(before, part)))
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


def _finish(folder: Path, state: stages.Stages, plan: Plan, facts: dict[str, Any]) -> Result:
    """Everything after the addresses: cells, clusters, indicators, files, pages."""
    from geoclusters import (  # noqa: PLC0415 - slow
        assembly,
        engine,
        measuring,
        pages,
        publishing,
        results,
    )

    study, method = plan.study, plan.study.method
    people = _people(study)
    store = engine.AddressStore(state.path(ADDRESSES))
    with state.timed("clusters"):
        cells = assembly.Cells.from_frame(
            store.load_cells(), metrics=study.metrics, method=method, facts=facts
        )
        found = assembly.find_clusters(cells, method=method, store=store)
    compared = _compared(state, cells, found, plan, facts)
    with state.timed("indicators"):
        measured = measuring.measure_clusters(
            cells,
            found,
            method=method,
            weights=study.weights,
            store=store,
            stated=not facts["unstated"],
            people=people,
        )
    # Not before: what is wrong until here leaves earlier results from the same addresses as they were.
    begin_publishing(folder)
    with ThreadPoolExecutor(2) as beside:
        with state.timed("files"):
            documents = publishing.conserved(cells, found, facts, study.metrics)
            content = publishing.run_content(
                plan, facts, measured, documents=documents, timings=state.timings
            )
            content |= compared
            rejected = state.path(ADDRESSES) / engine.REJECTED_FILE
            result, written = publishing.publish(
                folder, measured, plan, content, rejected=rejected, beside=beside
            )
            # Pages are drawn from the tables; what these were made from need not lie in memory beside them.
            del cells, found, store, measured
        with state.timed("pages"):
            # Compiled loops and templates hardly wait for each other.
            pages.draw_pages(result, begun=pages.begin(result, beside))
            for file in written:
                file.result()
    results.write_json(folder / results.RUN_FILE, content)
    return results.read_run(folder)


def _compared(
    state: stages.Stages, cells: Cells, found: Findings, plan: Plan, facts: dict[str, Any]
) -> dict[str, Any]:
    """Say what binning and spreading changed, where a run asks for either."""
    from geoclusters.engine import AddressStore  # noqa: PLC0415 - slow
    from geoclusters.exactness import exactness  # noqa: PLC0415
    from geoclusters.unspread import spread_effect  # noqa: PLC0415

    method = plan.study.method
    compared: dict[str, Any] = {}
    given: Any = {"method": method, "store": AddressStore(state.path(ADDRESSES)), "facts": facts}
    if method.resolution == EXACT:
        with state.timed("exactness"):
            compared["exact"] = exactness(cells, found, **given)
        log.info(changed_by_binning(compared["exact"]))
    if method.spread != "none":
        with state.timed("spreading"):
            compared["spread"] = spread_effect(cells, found, **given)
        log.info(changed_by_spreading(compared["spread"]))
    return compared


def _people(study: Study) -> PopulationSource | None:
    """Say where the people are, if the study does."""
    from geoclusters.indicators import PopulationSource  # noqa: PLC0415 - slow

    given = study.population
    if given is None:
        return None
    files = tuple(given.files(study.folder))
    columns = {str(ours): theirs for ours, theirs in given.columns.items()}
    return PopulationSource(files, given.kind, columns, given.name, given.year)
