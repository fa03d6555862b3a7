"""Writes the sample world: three sources of different formats, a study on them, and the truth."""

from __future__ import annotations

import gzip
import json
import shutil
import tempfile
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from geoclusters.errors import RunError, StudyError
from geoclusters.sample.documents import BLOCK_DOCUMENTS, Block, add_counts, draw_block
from geoclusters.sample.seats import METRICS
from geoclusters.sample.truth import make_truth
from geoclusters.sample.world import FIRST_YEAR, LAST_YEAR, World, make_world

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PARTS: Final = {"patents": 3, "publications": 7, "vc_deals": 1}
"""How documents are divided over the metrics. The real world has some 1.3 million, 8 million and
0.24 million in five years; patents and deals get more here, so that each metric tells something."""

MIN_DOCUMENTS: Final = 100
BLOCKS_PER_FILE: Final = 16
THREADS: Final = 2
AHEAD: Final = 2
"""Blocks that may wait for the writer; with the threads they bound the memory."""

NAME: Final = "sample world (generated)"
NOTICE: Final = (
    "Generated data: every patent, article, deal, organisation and person is invented. Volumes of "
    "the largest clusters follow figures published in WIPO's Global Innovation Index; the rest is "
    "made up. Nothing here says anything about a real place."
)
TRUTH: Final = "truth.json"
PATHS: Final = {
    "patents": "patents/*.parquet",
    "publications": "publications/*.parquet",
    "vc_deals": "vc_deals/deals.csv.gz",
}
COLUMNS: Final = {
    "patents": {
        "document": "patent_id",
        "person": "inventor_id",
        "lat": "latitude",
        "lon": "longitude",
        "country": "country",
        "year": "year",
        "organisation": "applicant",
        "field": "field",
    },
    "publications": {
        "document": "article_id",
        "person": "author_id",
        "lat": "lat",
        "lon": "lon",
        "country": "country_code",
        "year": "pub_year",
        "organisation": "institution",
        "field": "topic",
    },
    "vc_deals": {
        "document": "deal_id",
        "lat": "lat",
        "lon": "lon",
        "country": "country",
        "year": "year",
        "organisation": "company",
        "field": "sector",
    },
}


def write_sample(
    out_dir: str | Path,
    *,
    documents: int = 330_000,
    seed: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> Path:
    """
    Write the sample world: three sources, a study that runs on them, and what was put in.

    The world (its centres, volumes, organisations) is always the same; `seed` draws the documents.
    The same `documents` and `seed` give the same bytes. Rows are made in blocks, so memory does
    not grow with their number. There are about three times as many addresses as documents.

    Parameters
    ----------
    out_dir : str or Path
        A folder; new, empty, or with an earlier sample, which is replaced.
    documents : int, default 330_000
        Patents, articles and deals together, in the proportion 3 : 7 : 1; at least 100.
    seed : int, default 1
        Not negative.
    progress : callable, optional
        Called with the documents written so far and the documents wanted.

    Returns
    -------
    Path
        The folder, with ``study.toml``, ``truth.json``, ``patents/*.parquet``,
        ``publications/*.parquet`` and ``vc_deals/deals.csv.gz``.

    Raises
    ------
    StudyError
        Where `documents` or `seed` is out of range.
    RunError
        Where the folder holds something else than a sample.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     out = write_sample(Path(folder) / "world", documents=110)
    ...     sorted(p.name for p in out.iterdir())
    ['patents', 'publications', 'study.toml', 'truth.json', 'vc_deals']
    """
    _check(documents, seed)
    out = Path(out_dir)
    _make_way(out)
    world = make_world()
    with tempfile.TemporaryDirectory(prefix=".sample-", dir=out) as aside:
        counts = _write_sources(Path(aside), world, documents, seed, progress)
        truth = make_truth(world, counts, documents=documents, seed=seed)
        text = json.dumps(truth, ensure_ascii=False, indent=1)
        (Path(aside) / TRUTH).write_text(text + "\n", encoding="utf-8")
        (Path(aside) / "study.toml").write_text(study_text(), encoding="utf-8")
        _move_in(Path(aside), out)
    return out


def documents_by_metric(documents: int) -> dict[str, int]:
    """
    Divide documents over the metrics.

    Examples
    --------
    >>> documents_by_metric(330_000)
    {'patents': 90000, 'publications': 210000, 'vc_deals': 30000}
    """
    whole = sum(PARTS.values())
    patents, deals = (documents * PARTS[m] // whole for m in ("patents", "vc_deals"))
    return {"patents": patents, "publications": documents - patents - deals, "vc_deals": deals}


def study_text() -> str:
    """Give the study file of the sample, which is the same at every size."""
    head = (
        "# The sample world of geoclusters, generated. truth.json says what was put in.\n"
        f"name = {json.dumps(NAME)}\ngenerated = true\nnotice = {json.dumps(NOTICE)}\n\n"
        f"[window]\nfirst_year = {FIRST_YEAR}\nlast_year = {LAST_YEAR}\n\n"
        "[method]\n# the defaults: H3 resolution 8, 15 km, shares, 5e-4, gap 5 km\n"
    )
    return head + "".join(_source_text(metric) for metric in METRICS)


def _source_text(metric: str) -> str:
    columns = ", ".join(f"{key} = {json.dumps(value)}" for key, value in COLUMNS[metric].items())
    return (
        f'\n[[source]]\nmetric = "{metric}"\nformat = "table"\npath = "{PATHS[metric]}"\n'
        f"columns = {{ {columns} }}\n"
        'licence = "CC0: generated"\nattribution = "geoclusters, generated sample world"\n'
    )


def _check(documents: int, seed: int) -> None:
    if documents < MIN_DOCUMENTS:
        raise StudyError(
            f"documents = {documents}: a sample has at least {MIN_DOCUMENTS} documents; "
            "try 330000, which gives about 1,000,000 addresses"
        )
    if seed < 0:
        raise StudyError(f"seed = {seed}: a seed is a whole number from 0 on, for example 1")


def _make_way(out: Path) -> None:
    if out.exists() and not out.is_dir():
        raise RunError(f"{out}: this is a file; a sample is written to a folder")
    if out.is_dir() and any(out.iterdir()) and not (out / TRUTH).is_file():
        raise RunError(
            f"{out}: the folder holds something else than a sample; give a new or empty one"
        )
    out.mkdir(parents=True, exist_ok=True)


def _move_in(aside: Path, out: Path) -> None:
    """Replace an earlier sample; the truth comes last, as the mark of a whole one."""
    names = sorted(p.name for p in aside.iterdir() if p.name != TRUTH)
    for name in names:
        old = out / name
        if old.is_dir():
            shutil.rmtree(old)
        (aside / name).replace(old)
    (aside / TRUTH).replace(out / TRUTH)


def _write_sources(
    out: Path,
    world: World,
    documents: int,
    seed: int,
    progress: Callable[[int, int], None] | None,
) -> dict[str, dict[str, Any]]:
    """Write every source block by block and add up what is in it."""
    wanted = documents_by_metric(documents)
    totals: dict[str, dict[str, Any]] = {}
    done = 0
    for metric in METRICS:
        total: dict[str, Any] = {}
        with closing(_sink(out, metric)) as sink:
            for block in _blocks(world, metric, wanted[metric], seed):
                sink.write(block.table)
                total = add_counts(total, block.counts)
                done += block.counts["documents"]
                if progress is not None:
                    progress(done, documents)
        totals[metric] = total
    return totals


def _blocks(world: World, metric: str, documents: int, seed: int) -> Iterator[Block]:
    """Blocks in their order, made on threads a few ahead of the writer."""
    numbers = range(-(-documents // BLOCK_DOCUMENTS))
    waiting: deque[Any] = deque()
    with ThreadPoolExecutor(THREADS) as pool:
        for number in numbers:
            waiting.append(
                pool.submit(draw_block, world, metric, block=number, documents=documents, seed=seed)
            )
            if len(waiting) > AHEAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


class _Sink(Protocol):
    def write(self, table: pa.Table) -> None: ...

    def close(self) -> None: ...


def _sink(out: Path, metric: str) -> _Sink:
    folder = out / metric
    folder.mkdir()
    return _CsvSink(folder / "deals.csv.gz") if metric == "vc_deals" else _ParquetSink(folder)


class _ParquetSink:
    """Numbered Parquet files of `BLOCKS_PER_FILE` row groups each."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._blocks = 0
        self._writer: pq.ParquetWriter | None = None

    def write(self, table: pa.Table) -> None:
        if self._writer is None or self._blocks % BLOCKS_PER_FILE == 0:
            self.close()
            path = (
                self._folder / f"{self._folder.name}-{self._blocks // BLOCKS_PER_FILE:05d}.parquet"
            )
            texts = [
                f.name for f in table.schema if pa.types.is_string(f.type) and f.name[-3:] != "_id"
            ]
            self._writer = pq.ParquetWriter(
                path, table.schema, compression="zstd", use_dictionary=texts
            )
        self._writer.write_table(table, row_group_size=table.num_rows)
        self._blocks += 1

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None


class _CsvSink:
    """One CSV file, gzipped without a time stamp so that the bytes depend on the content only."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("wb")
        self._zip = gzip.GzipFile(
            filename="", mode="wb", fileobj=self._file, compresslevel=1, mtime=0
        )
        self._header = True

    def write(self, table: pa.Table) -> None:
        buffer = pa.BufferOutputStream()
        options = pa_csv.WriteOptions(include_header=self._header, quoting_style="needed")
        pa_csv.write_csv(table, buffer, options)
        self._zip.write(buffer.getvalue())
        self._header = False

    def close(self) -> None:
        self._zip.close()
        self._file.close()
