"""The order of the steps, and nothing else: from a study to the files of a finished run."""

from __future__ import annotations

import json
import logging
import os
import re
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow.parquet as pq

from geoclusters import __version__, addresses, engine, pages, results, schema, stages
from geoclusters.assembly import Cells, Findings, find_clusters, measure_clusters
from geoclusters.errors import RunError, SourceError
from geoclusters.sample import write_sample
from geoclusters.study import Method, Study, make_method, read_study

if TYPE_CHECKING:
    from collections.abc import Sequence

    from geoclusters.results import Result

SAMPLE: Final = "sample"
SAMPLE_FOLDER: Final = Path("out/sample")
READ: Final = "read"
ADDRESSES: Final = "addresses"
ADDRESS_CODE: Final = ("addresses", "cells", "engine", "countries.py", "schema.py")
TOLERANCE: Final = 1e-6
log = logging.getLogger("geoclusters")


@dataclass(frozen=True)
class Plan:
    """What a run is of: everything that its results depend on, apart from the addresses."""

    study: dict[str, Any]
    window: dict[str, Any]
    method: Method
    metrics: list[str]
    weights: dict[str, float]
    sources: list[dict[str, Any]]
    inputs: list[dict[str, Any]]

    @property
    def made_by(self) -> str:
        """How a result was made, for its metadata; no word of files: shuffled input says the same."""
        return json.dumps(
            {
                "geoclusters": __version__,
                "study": self.study["name"],
                "window": self.window,
                "settings": self.method.model_dump(mode="json"),
                "weights": self.weights,
            },
            ensure_ascii=False,
            sort_keys=True,
        )


def run(study: Study | str | Path | None = None, out: str | Path | None = None) -> Result:
    """
    Carry out every step of a study.

    Parameters
    ----------
    study : Study, str or Path, optional
        A study, or the TOML file of one; left out: the generated sample world.
    out : str or Path, optional
        Folder for the results; by default `out/<name of the study>`.

    Returns
    -------
    Result
        The finished run; `Result.clusters` and `Result.cells` are GeoDataFrames.

    Raises
    ------
    StudyError, SourceError
        If the study or its input is wrong.
    """
    if study is None:
        study = _sample_study(Path(out) if out is not None else SAMPLE_FOLDER)
        out = out if out is not None else SAMPLE_FOLDER
    study = study if isinstance(study, Study) else read_study(study)
    folder = Path(out) if out is not None else Path("out") / slug(study.name)
    state = stages.Stages(folder)
    files = [source.files(study.folder) for source in study.sources]
    plan = _plan(study, files)
    read_key, key = _keys(plan)
    read = {}
    if state.facts(ADDRESSES, key) is None:
        read = state.once(READ, read_key, lambda part: engine.read_addresses(study, files, part))
    # Not before: wrong input leaves the results of an earlier run as they were.
    results.begin_publishing(folder)
    facts = state.once(
        ADDRESSES,
        key,
        lambda part: {
            **read,
            **engine.add_up_addresses(state.path(READ), part, study=study),
        },
    )
    state.drop(READ)
    return _finish(folder, state, plan, facts)


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
    resolution: int | None = None,
) -> Result:
    """
    Draw new boundaries from the cells of a finished run; what is not given stays as it was.

    Parameters
    ----------
    source : str or Path
        Folder of a finished run.
    out : str or Path, optional
        Folder for the new results; by default the same folder, whose results are then replaced.
    resolution : int, optional
        Another H3 resolution: the addresses of the run are binned again, the sources are not read.
    """
    old = results.read_run(source)
    plan = _changed_plan(
        old.run,
        radius_km=radius_km,
        min_density=min_density,
        merge_gap_km=merge_gap_km,
        resolution=resolution,
    )
    before = stages.Stages(old.folder)
    facts = before.facts(ADDRESSES)
    if facts is None:
        raise RunError(
            f"{source}: its folder {results.STAGES!r} with the addresses is gone; run the study again, then recluster"
        )
    folder = Path(out) if out is not None else old.folder
    state = stages.Stages(folder)
    _bring_addresses(before, state, plan, old.run["settings"]["resolution"])
    results.begin_publishing(folder)
    return _finish(folder, state, plan, facts)


def _bring_addresses(
    before: stages.Stages, state: stages.Stages, plan: Plan, old_resolution: int
) -> None:
    """Have the addresses of a finished run in the folder of the new one, binned at its resolution."""
    origin = before.path(ADDRESSES)
    facts = before.facts(ADDRESSES) or {}
    key = _keys(plan)[1]
    if plan.method.resolution != old_resolution:

        def rebinned(part: Path) -> dict[str, Any]:
            engine.rebin_addresses(origin, part, resolution=plan.method.resolution)
            _link(origin / engine.REJECTED_FILE, part / engine.REJECTED_FILE)
            return facts

        state.once(ADDRESSES, key, rebinned)
    elif state.folder.resolve() != before.folder.resolve():

        def linked(part: Path) -> dict[str, Any]:
            for name in (engine.ADDRESSES_FILE, engine.SUMS_FILE, engine.REJECTED_FILE):
                _link(origin / name, part / name)
            return facts

        state.once(ADDRESSES, key, linked)


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
    return Plan(
        study={"name": study.name, "notice": study.notice, "generated": study.generated},
        window=study.window.model_dump(),
        method=study.method,
        metrics=list(study.metrics),
        weights=study.weights,
        sources=[s.model_dump() for s in study.sources],
        inputs=[
            {
                "source": source.label,
                "metric": source.metric,
                "file": file.name,
                "bytes": file.stat().st_size,
                "sha256": stages.file_hash(file),
                "licence": source.licence,
                "attribution": source.attribution,
            }
            for source, paths in zip(study.sources, files, strict=True)
            for file in paths
        ],
    )


def _changed_plan(run_facts: dict[str, Any], **changes: float | None) -> Plan:
    settings = run_facts["settings"] | {k: v for k, v in changes.items() if v is not None}
    return Plan(
        study=run_facts["study"],
        window=run_facts["window"],
        method=make_method(settings),
        metrics=run_facts["metrics"],
        weights=run_facts["weights"],
        sources=run_facts["sources"],
        inputs=run_facts["inputs"],
    )


def _keys(plan: Plan) -> tuple[str, str]:
    """Keys of the steps that touch the addresses: of reading, and of binning."""
    method = plan.method
    read = {
        "code": stages.code_hash(*ADDRESS_CODE),
        "window": plan.window,
        "sources": plan.sources,
        "inputs": [[i["source"], i["file"], i["bytes"], i["sha256"]] for i in plan.inputs],
        "checks": [method.accuracy, method.repair_swapped, method.check_country],
    }
    return stages.key_of(read), stages.key_of([read, method.resolution])


def _finish(folder: Path, state: stages.Stages, plan: Plan, facts: dict[str, Any]) -> Result:
    """Everything after the addresses: cells, clusters, indicators, files, pages."""
    origin = state.path(ADDRESSES)
    table = engine.address_dataset(origin)
    with state.timed("clusters"):
        cells = Cells.from_sums(
            engine.cell_sums([origin]), metrics=plan.metrics, method=plan.method, facts=facts
        )
        found = find_clusters(cells, method=plan.method, addresses=table)
    with state.timed("indicators"):
        measured = measure_clusters(
            cells, found, method=plan.method, weights=plan.weights, addresses=table
        )
    with state.timed("files"):
        documents = _conserved(cells, found, facts, plan.metrics)
        _write(folder, measured, plan, origin)
    with state.timed("pages"):
        content = _run_json(plan, facts, measured, documents, state)
        pages.draw_pages(results.Result(folder, content))
    results.write_json(folder / results.RUN_FILE, content)
    return results.read_run(folder)


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


def _write(folder: Path, measured: Any, plan: Plan, origin: Path) -> None:  # noqa: ANN401
    """Write every table of the results."""
    made_by = plan.made_by
    results.write_clusters(folder, measured.clusters, metrics=plan.metrics, made_by=made_by)
    results.write_csv(folder / schema.ECONOMIES.name, measured.economies)
    tables = {schema.CELLS: measured.cells, schema.LINKS: measured.links}
    tables |= {schema.BREAKDOWNS[by]: frame for by, frame in measured.breakdowns.items()}
    for layout, frame in tables.items():
        table = results.as_table(frame, layout, plan.metrics)
        results.write_parquet(folder / layout.name, table, made_by=made_by)
    rejected = pq.read_table(origin / engine.REJECTED_FILE)
    results.write_parquet(folder / schema.REJECTED.name, rejected, made_by=made_by)


def _run_json(
    plan: Plan,
    facts: dict[str, Any],
    measured: Any,  # noqa: ANN401
    documents: dict[str, dict[str, float]],
    state: stages.Stages,
) -> dict[str, Any]:
    return {
        "geoclusters": __version__,
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "study": plan.study,
        "window": plan.window,
        "settings": plan.method.model_dump(mode="json")
        | {"min_density": plan.method.min_density_value},
        "metrics": plan.metrics,
        "weights": plan.weights,
        "sources": plan.sources,
        "inputs": plan.inputs,
        "rows": _rows(plan, facts),
        "documents": documents,
        "concentration": measured.concentration,
        "clusters": len(measured.clusters),
        "warnings": measured.warnings,
        "stages": state.timings,
    }


def _rows(plan: Plan, facts: dict[str, Any]) -> list[dict[str, Any]]:
    """Say what became of the rows of each source; read = outside_window + without_year + placed + rejected."""
    told = []
    for number, (source, tally) in enumerate(zip(plan.sources, facts["sources"], strict=True)):
        by_reason = {reason: n for at, reason, n in facts["rows"] if at == number}
        placed = by_reason.pop("placed", 0)
        told.append(
            {
                "source": _label(source["path"]),
                "metric": source["metric"],
                **tally,
                "placed": placed,
                "rejected": by_reason,
            }
        )
    return told


def _label(path: str | Sequence[str]) -> str:
    return path if isinstance(path, str) else ", ".join(path)


def check_heads(study: Study) -> list[dict[str, Any]]:
    """
    Read the head of every source, say what is wrong, run nothing.

    Returns
    -------
    list of dict
        Per file: `source`, `metric`, `file`, `bytes`, `rows_looked_at`, `with_coordinates`.
    """
    told = []
    for source in study.sources:
        form = addresses.find_format(source.format)
        files = source.files(study.folder)
        for file in files if form.maps_columns else [files[0]]:
            asked = [file] if form.maps_columns else files
            batches = list(form.read(source.request(asked, head_only=True)))
            rows = sum(b.num_rows for b in batches)
            if not rows:
                raise SourceError(f"{file}: the file holds no row; give a file with data")
            with_point = sum(int(np.sum(~np.isnan(_point(b)))) for b in batches)
            told.append(
                {
                    "source": source.label,
                    "metric": source.metric,
                    "file": file.name,
                    "bytes": file.stat().st_size,
                    "rows_looked_at": rows,
                    "with_coordinates": with_point,
                }
            )
    return told


def _point(batch: Any) -> Any:  # noqa: ANN401
    """Sum of latitude and longitude: NaN where one of them is missing."""
    lat, lon = (
        np.asarray(batch.column(n).to_numpy(zero_copy_only=False), float) for n in ("lat", "lon")
    )
    return lat + lon
