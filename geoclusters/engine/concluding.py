"""Brings what volumes hold together: tallies, sums of cells, rejected rows; whichever engine wrote them."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from geoclusters import schema
from geoclusters.countries import country_codes
from geoclusters.engine.adding import QUALITY_FILE, REJECTED_FILE, TALLY_FILE
from geoclusters.engine.store import VOLUMES, finish_store
from geoclusters.engine.tally import Tally, summed
from geoclusters.errors import SourceError
from geoclusters.quality import QualityTally, quality_report

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from geoclusters.engine.store import Tables
    from geoclusters.study import Study


def concluded(
    target: Path, *, study: Study, held: Mapping[Path, Callable[[], Tables]] | None = None
) -> dict[str, Any]:
    """
    Bring the tallies, the sums and the rejected rows of all volumes together, and complain of what is empty.

    Parameters
    ----------
    held : mapping of Path to callable, optional
        Gives the sums of the volumes that did not write them.
    """
    volumes = sorted(target.glob(VOLUMES))
    states = [json.loads((v / TALLY_FILE).read_text(encoding="utf-8")) for v in volumes]
    tally = summed(map(Tally.from_state, states), len(study.sources), len(study.metrics))
    facts = tally.facts(study.metrics)
    _complain(study, tally)
    with ThreadPoolExecutor(2) as pool:
        quality = pool.submit(_quality_facts, volumes, study)
        files = [volume / REJECTED_FILE for volume in volumes]
        rejected = pool.submit(order_rejected, files, target / REJECTED_FILE)
        tables = {volume: give() for volume, give in (held or {}).items()}
        finish_store(
            {volume: tables.get(volume) for volume in volumes},
            target,
            metrics=study.metrics,
            resolution=study.method.resolution,
        )
        facts["quality"] = quality.result()
        rejected.result()
    return facts


def _quality_facts(volumes: Sequence[Path], study: Study) -> list[dict[str, Any]]:
    return quality_report(
        _quality(volumes),
        sources=[source.label for source in study.sources],
        countries=country_codes(),
    )


def _quality(volumes: Sequence[Path]) -> QualityTally:
    """Bring the quality tallies of all volumes together."""
    total = QualityTally()
    for volume in volumes:
        total.merge(QualityTally.read(volume / QUALITY_FILE))
        (volume / QUALITY_FILE).unlink()
    return total


def _complain(study: Study, tally: Tally) -> None:
    window = study.window
    for number, source in enumerate(study.sources):
        gone = tally.outside_window[number] + tally.without_year[number]
        if tally.read[number] and tally.read[number] == gone:
            years = sorted(tally.years_seen)
            seen = f"{years[0]} to {years[-1]}" if years else "none"
            raise SourceError(
                f"{source.label}: no row lies in the window {window.first_year} to {window.last_year}; "
                f"years seen: {seen}; change [window], or the column that 'year' is mapped to"
            )
    if not tally.rows[:, schema.REASON_CODE["placed"]].sum():
        mapped = any(source.columns for source in study.sources)
        where = (
            "'lat' and 'lon' under 'columns' of the sources" if mapped else "the [geocoding] table"
        )
        raise SourceError(
            f"not one address of the study could be placed; look at {where}, and at the reasons that "
            "`geoclusters check STUDY --full` counts"
        )


def order_rejected(files: Sequence[Path], target: Path) -> None:
    """Bring rejected rows into the order of sources, files and rows, whatever order they came in."""
    layout = schema.REJECTED.arrow()
    with duckdb.connect() as connection:
        connection.execute("SET memory_limit = '1GB'")
        connection.execute("SET temp_directory = $folder", {"folder": str(target.parent)})
        rows = connection.sql(
            "SELECT * FROM read_parquet($files) ORDER BY ALL",
            params={"files": [str(f) for f in files]},
        )
        with pq.ParquetWriter(target, layout, compression="zstd") as writer:
            for batch in rows.to_arrow_reader(1 << 17):
                writer.write_table(pa.Table.from_batches([batch]).cast(layout))
    for file in files:
        file.unlink()
