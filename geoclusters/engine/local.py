"""The engine of one machine: batches stream from file to file, so that memory does not grow with the input."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.dataset as pa_dataset
import pyarrow.parquet as pq

from geoclusters import addresses, schema
from geoclusters.cells import merge, partial
from geoclusters.cells.kernel import latlng_to_cells
from geoclusters.countries import COUNTRY_RESOLUTION, outside_country
from geoclusters.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    import numpy.typing as npt

    from geoclusters.study import Source, Study

MERGE_AT_ROWS: Final = 2_000_000
PLACED: Final = schema.REASON_CODE["placed"]
CHECKED_FILE: Final = "checked.parquet"
SCATTERED_FILE: Final = "scattered.npy"
ADDRESSES_FILE: Final = "addresses.parquet"
SUMS_FILE: Final = "cell_sums.parquet"
REJECTED_FILE: Final = "rejected.parquet"


def read_addresses(study: Study, files: Sequence[Sequence[Path]], target: Path) -> dict[str, Any]:
    """
    Read every source of a study, check its addresses, and keep those of the window.

    Parameters
    ----------
    files : sequence of sequence of Path
        Files of each source.
    target : Path
        Folder for the checked addresses and the keys of scattered documents.

    Returns
    -------
    dict
        `sources`: what became of the rows of each source.
    """
    finder = addresses.ScatterFinder()
    tallies = []
    with pq.ParquetWriter(
        target / CHECKED_FILE, schema.CHECKED.arrow(), compression="lz4"
    ) as writer:
        for number, (source, paths) in enumerate(zip(study.sources, files, strict=True)):
            tally = addresses.Tally()
            for batch in _checked(study, source, number, paths, tally):
                finder.see(addresses.document_keys(batch))
                writer.write_batch(batch)
            _complain_if_empty(source, tally, study)
            tallies.append(_as_facts(tally))
    np.save(target / SCATTERED_FILE, finder.scattered())
    return {"sources": tallies}


def _checked(
    study: Study, source: Source, number: int, paths: Sequence[Path], tally: addresses.Tally
) -> Iterator[pa.RecordBatch]:
    batches = addresses.find_format(source.format).read(source.request(paths))
    rules = addresses.Rules(
        metric=source.metric,
        source=number,
        first_year=study.window.first_year,
        last_year=study.window.last_year,
        has_year="year" in source.columns or not source.columns,
        accuracy=study.method.accuracy,
        repair_swapped=study.method.repair_swapped,
        outside=_outside if study.method.check_country else None,
    )
    return addresses.checked_addresses(batches, rules=rules, tally=tally)


def _outside(
    lat: npt.NDArray[np.float64], lon: npt.NDArray[np.float64], country: npt.NDArray[np.object_]
) -> npt.NDArray[np.bool_]:
    cells = latlng_to_cells(lat, lon, COUNTRY_RESOLUTION)
    return np.asarray(outside_country(cells, country), dtype=bool)


def _complain_if_empty(source: Source, tally: addresses.Tally, study: Study) -> None:
    if not tally.read:
        raise SourceError(
            f"{source.label}: the source is empty, it has a header and no row; give a file with data"
        )
    if tally.read == tally.outside_window + tally.without_year:
        window = study.window
        seen = f"{min(tally.years_seen)} to {max(tally.years_seen)}" if tally.years_seen else "none"
        raise SourceError(
            f"{source.label}: no row lies in the window {window.first_year} to {window.last_year}; "
            f"years seen: {seen}; change [window], or the column that 'year' is mapped to"
        )


def _as_facts(tally: addresses.Tally) -> dict[str, int]:
    return {
        "read": tally.read,
        "outside_window": tally.outside_window,
        "without_year": tally.without_year,
        "repaired": tally.repaired,
    }


def add_up_addresses(read: Path, target: Path, *, study: Study) -> dict[str, Any]:
    """
    Weigh checked addresses, bin them into cells and add them up.

    Writes the address table, the sums of each cell and the rejected addresses into `target`.

    Returns
    -------
    dict
        `documents` per metric in the window, `unplaced` weight per metric, `rows` by source and reason.
    """
    batches = pq.ParquetFile(read / CHECKED_FILE).iter_batches(batch_size=1 << 20)
    scattered = np.load(read / SCATTERED_FILE)
    adder = _Adder(study.method.resolution)
    paths = [source.label for source in study.sources]
    with (
        pq.ParquetWriter(
            target / ADDRESSES_FILE, schema.ADDRESSES.arrow(), compression="zstd"
        ) as kept,
        pq.ParquetWriter(
            target / REJECTED_FILE, schema.REJECTED.arrow(), compression="zstd"
        ) as rejected,
    ):
        for table in addresses.whole_documents(batches, scattered=scattered, spill=target):
            weighed = addresses.weighed_addresses(table)
            kept.write_table(adder.add(weighed))
            rejected.write_table(_rejected(weighed, paths))
    pq.write_table(pa.Table.from_pandas(adder.sums(), preserve_index=False), target / SUMS_FILE)
    return adder.facts()


def _rejected(table: pa.Table, paths: Sequence[str]) -> pa.Table:
    """Rows that were not placed, with their source and reason in words."""
    table = table.filter(pa.array(table["reason"].to_numpy() != PLACED))
    names = pa.array([name for name, _ in schema.REASONS])
    words = {
        "source": pa.array(paths, pa.string()).take(table["source"]),
        "reason": names.take(table["reason"]),
    }
    layout = schema.REJECTED.arrow()
    return pa.table(
        [
            words.get(f.name, table.column(f.name) if f.name in table.column_names else None)
            for f in layout
        ],
        schema=layout,
    )


class _Adder:
    """Adds whole documents up, table after table."""

    def __init__(self, resolution: int) -> None:
        self._resolution = resolution
        self._parts: list[pd.DataFrame] = []
        self._documents: Counter[str] = Counter()
        self._unplaced: Counter[str] = Counter()
        self._rows: Counter[tuple[int, str]] = Counter()

    def add(self, table: pa.Table) -> pa.Table:
        """Take in weighed addresses; give them in the columns of `schema.ADDRESSES`."""
        placed = table["reason"].to_numpy() == PLACED
        lat, lon = (table[n].to_numpy() for n in ("placed_lat", "placed_lon"))
        cell = np.zeros(table.num_rows, dtype=np.uint64)
        cell[placed] = latlng_to_cells(lat[placed], lon[placed], self._resolution)
        self._take_note(table, placed)
        whole = (
            table.append_column("cell", pa.array(cell))
            .drop_columns(["lat", "lon"])
            .rename_columns({"placed_lat": "lat", "placed_lon": "lon"})
            .select([c.name for c in schema.ADDRESSES.columns])
        )
        counts = table["weight"].to_numpy() > 0
        kept = whole.filter(pa.array(counts))
        self.add_binned(kept)
        return kept

    def add_binned(self, table: pa.Table) -> None:
        """Take in addresses that have their cell."""
        table = table.filter(pa.array(table["cell"].to_numpy() != 0))
        if not table.num_rows:
            return
        self._parts.append(
            partial(
                cell=table["cell"].to_numpy(),
                metric=_categories(table["metric"]),
                document=_document_codes(table),
                weight=table["weight"].to_numpy(),
                count=np.asarray(table["count"].to_numpy(), dtype=np.float64),
                lat=table["lat"].to_numpy(),
                lon=table["lon"].to_numpy(),
                resolution=self._resolution,
            )
        )
        if sum(len(p) for p in self._parts) > MERGE_AT_ROWS:
            self._parts = [merge(self._parts)]

    def _take_note(self, table: pa.Table, placed: npt.NDArray[np.bool_]) -> None:
        metric = _categories(table["metric"])
        weight = table["weight"].to_numpy()
        count = np.asarray(table["count"].to_numpy(), dtype=np.float64)
        counted = ~np.isnan(count)
        nobody = table["reason"].to_numpy() == schema.REASON_CODE["no_document"]
        first = _first_of_document(table, ~counted & ~nobody)
        for code, name in enumerate(metric.categories):
            of_metric = metric.codes == code
            self._documents[name] += int(first[of_metric].sum()) * schema.WEIGHT_ONE
            self._documents[name] += int(weight[of_metric & counted].sum())
            self._unplaced[name] += int(weight[of_metric & ~placed].sum())
        rows = pd.DataFrame(
            {"source": table["source"].to_numpy(), "reason": table["reason"].to_numpy()}
        )
        numbered = rows.groupby(["source", "reason"]).size().reset_index(name="n")
        for source, reason, n in numbered.itertuples(index=False):
            self._rows[int(source), schema.REASONS[int(reason)][0]] += int(n)

    def sums(self) -> pd.DataFrame:
        """Give the sums of all cells (`schema.CELL_SUMS`)."""
        if not self._parts:
            raise SourceError(
                "not one address of the study could be placed; look at 'lat' and 'lon' under 'columns' of the sources"
            )
        return merge(self._parts)

    def facts(self) -> dict[str, Any]:
        """Totals, for `run.json`."""
        return {
            "documents": dict(self._documents),
            "unplaced": dict(self._unplaced),
            "rows": [[source, reason, n] for (source, reason), n in sorted(self._rows.items())],
        }


def _categories(column: pa.ChunkedArray) -> pd.Categorical:
    encoded = column.combine_chunks().dictionary_encode()
    return pd.Categorical.from_codes(encoded.indices.to_numpy(), encoded.dictionary.to_pylist())


def _document_codes(table: pa.Table) -> npt.NDArray[np.int64]:
    """One number for each document; the rows of a document stand together."""
    return np.cumsum(_starts(table)).astype(np.int64)


def _starts(table: pa.Table) -> npt.NDArray[np.bool_]:
    """Mark the first row of each run of rows of one document."""
    first = np.zeros(table.num_rows, dtype=bool)
    first[:1] = True
    for name in ("metric", "document"):
        codes = table[name].combine_chunks().dictionary_encode().indices.fill_null(-1).to_numpy()
        first[1:] |= codes[1:] != codes[:-1]
    return first


def _first_of_document(table: pa.Table, asked: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Mark one of the asked rows of each document."""
    found = np.zeros(table.num_rows, dtype=bool)
    rows = np.flatnonzero(asked)
    if len(rows):
        found[rows[_starts(table.take(pa.array(rows)))]] = True
    return found


def rebin_addresses(source: Path, target: Path, *, resolution: int) -> dict[str, Any]:
    """
    Bin the addresses of a finished run into cells of another resolution.

    Writes the address table with its new cells and the sums of each cell into `target`.
    """
    adder = _Adder(resolution)
    batches = pq.ParquetFile(source / ADDRESSES_FILE).iter_batches(batch_size=1 << 20)
    nobody = np.zeros(0, dtype=np.uint64)
    with pq.ParquetWriter(
        target / ADDRESSES_FILE, schema.ADDRESSES.arrow(), compression="zstd"
    ) as kept:
        for table in addresses.whole_documents(batches, scattered=nobody, spill=target):
            placed = table["cell"].to_numpy() != 0
            cell = np.zeros(table.num_rows, dtype=np.uint64)
            lat, lon = (table[n].to_numpy()[placed] for n in ("lat", "lon"))
            cell[placed] = latlng_to_cells(lat, lon, resolution)
            at = table.schema.get_field_index("cell")
            moved = table.set_column(at, schema.ADDRESSES.arrow().field("cell"), pa.array(cell))
            adder.add_binned(moved)
            kept.write_table(moved)
    pq.write_table(pa.Table.from_pandas(adder.sums(), preserve_index=False), target / SUMS_FILE)
    return {}


def address_dataset(folder: Path) -> pa_dataset.Dataset:
    """Open the address table of a finished step, to be read in parts."""
    return pa_dataset.dataset(folder / ADDRESSES_FILE)


def cell_sums(folders: Iterable[Path]) -> pd.DataFrame:
    """Give the sums of all cells of finished steps."""
    return merge(pq.read_table(folder / SUMS_FILE).to_pandas() for folder in folders)
