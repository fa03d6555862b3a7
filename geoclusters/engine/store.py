"""The addresses of a run, as small as they can be kept: what later steps need of each, and no more.

A store is a folder of volumes, one for each process that added addresses up. A volume holds the addresses as codes
and numbers, those of a document together, and what the codes mean; together the volumes hold the sums of all cells.
"""

from __future__ import annotations

import threading
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from geoclusters import schema
from geoclusters.cells import CellSums, SiteSums, added_up, cell_rows, finish, rows_in
from geoclusters.compiling import compiled
from geoclusters.engine.shares import OTHER, shares_of, weights_of
from geoclusters.folders import CELLS, read_columns, write_columns

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path
    from typing import BinaryIO

    import numpy.typing as npt

    from geoclusters.addresses import Rows
    from geoclusters.cells import Sums

    Ints = npt.NDArray[np.int64]
    Codes = npt.NDArray[np.int32]
    Tables = Sequence[tuple[Sums, Codes]]
    """Sums of a volume's cells and the row of each entry in them; second those of unspread addresses, if any."""

VOLUMES: Final = "volume-*"
SUMS_FILE: Final = "sums.npz"
CELLS_FILE: Final = "cell_of_entry.npy"
ENTRIES_FILE: Final = "entries.npy"
UNSPREAD: Final = "unspread"
"""Folder of the sums and cells of addresses where they were before they were spread, in a volume and in the store."""
NAMES_FILE: Final = "{}.parquet"
NAMED: Final = ("organisation", "field")

KEPT: Final = schema.KEPT.arrow()
SHARE: Final = pa.field("share", pa.uint8())
"""What is written instead of the weight."""
_WEIGHT = KEPT.get_field_index("weight")
OPTIONAL: Final = {
    "economy": "country",
    "year": "year",
    "accuracy": "accuracy",
    "field": "field",
    "organisation": "organisation",
}
"""Columns that are not kept where no source can fill them, and the columns of sources that fill them."""


class VolumeWriter:
    """
    Writes the addresses of one volume; each thread writes files of its own.

    These are the rows, and beside them the keys of the documents, the weights that are no shares (`engine.shares`), and
    the entries where addresses were before they were spread.

    Parameters
    ----------
    stated : frozenset of str
        Columns of `OPTIONAL` that are kept.
    unspread : bool
        Addresses were spread: where each one was before is kept as well.
    """

    def __init__(self, folder: Path, *, stated: frozenset[str], unspread: bool = False) -> None:
        folder.mkdir(parents=True)
        self._layout = _layout(stated).set(_WEIGHT, SHARE)
        self.folder = folder
        self._beside = ("documents", "weights", *((UNSPREAD,) if unspread else ()))
        self._lock = threading.Lock()
        self._own = threading.local()
        self._open: list[Any] = []

    def write(
        self,
        batch: pa.RecordBatch,
        keys: npt.NDArray[np.uint64],
        unspread: npt.NDArray[np.int32] | None = None,
    ) -> None:
        """
        Take in addresses (of `kept`) and the key of each document that starts among them.

        Parameters
        ----------
        unspread : numpy.ndarray of int32, optional
            Entry of each address where it was before it was spread.
        """
        if not hasattr(self._own, "files"):
            with self._lock:
                number = len(self._open)
                rows = pa.ipc.new_file(self.folder / f"rows-{number:02}.arrow", self._layout)
                beside = [
                    (self.folder / f"{name}-{number:02}.bin").open("wb") for name in self._beside
                ]
                self._own.files = (rows, *beside)
                self._open.append(self._own.files)
        rows, documents, weights, *beside = self._own.files
        shares, others = shares_of(batch.column("weight").to_numpy())
        rows.write_batch(batch.set_column(_WEIGHT, SHARE, pa.array(shares)))
        keys.tofile(documents)
        others.tofile(weights)
        if unspread is not None:
            unspread.tofile(beside[0])

    def release(self) -> None:
        """Close the files, whether or not the volume is finished."""
        for files in self._open:
            for file in files:
                file.close()
        self._open = []

    def close(self, names: dict[str, pa.Array]) -> None:
        """Finish the files, with the texts of the codes."""
        self.release()
        for name, texts in names.items():
            pq.write_table(
                pa.table({name: texts}), self.folder / NAMES_FILE.format(name), compression="lz4"
            )


def write_tables(folder: Path, tables: Tables) -> None:
    """Keep the sums of a volume in its folder, for another process to finish the store."""
    for place, table in zip((folder, folder / UNSPREAD), tables, strict=False):
        place.mkdir(exist_ok=True)
        sums, rows_of_entries = table
        np.savez(place / SUMS_FILE, **vars(sums))
        np.save(place / ENTRIES_FILE, rows_of_entries)


@dataclass(frozen=True)
class Volume:
    """
    A finished volume.

    Attributes
    ----------
    cells : numpy.ndarray of int32
        Row of the table of the cells for each entry; the last one, for entry -1, is -1.
    unspread : bool
        Give the addresses with the entries where they were before they were spread.
    """

    folder: Path
    cells: npt.NDArray[np.int32]
    unspread: bool = False

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Give the addresses (`schema.KEPT`); the rows of a document are in one batch."""
        for path in self._files():
            yield from self._batches_of(path)

    def batches_with_documents(
        self,
    ) -> Iterator[tuple[pa.RecordBatch, npt.NDArray[np.uint64]]]:
        """Give the addresses, and the key of each document that starts in a batch."""
        for path in self._files():
            with _beside(path, "documents").open("rb") as keys:
                for batch in self._batches_of(path):
                    starts = int(((batch.column("kind").to_numpy() & schema.STARTS) != 0).sum())
                    yield batch, np.fromfile(keys, dtype=np.uint64, count=starts)

    def _files(self) -> list[Path]:
        return sorted(self.folder.glob("rows-*.arrow"))

    def _batches_of(self, path: Path) -> Iterator[pa.RecordBatch]:
        with ExitStack() as files:
            reader = pa.ipc.open_file(files.enter_context(pa.memory_map(str(path))))
            weights = files.enter_context(_beside(path, "weights").open("rb"))
            moved = None
            if self.unspread:
                moved = files.enter_context(_beside(path, UNSPREAD).open("rb"))
            for number in range(reader.num_record_batches):
                batch = _completed(_read(reader.get_batch(number), weights))
                if moved is not None:
                    entry = np.fromfile(moved, dtype=np.int32, count=batch.num_rows)
                    batch = batch.set_column(0, KEPT.field(0), pa.array(entry))
                yield batch

    def names(self, name: str) -> pa.Array:
        """Give the texts of the codes of 'organisation' or 'field'."""
        column = pq.read_table(self.folder / NAMES_FILE.format(name))[name]
        return column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)


def _beside(path: Path, name: str) -> Path:
    """Name the file that holds more of the rows of a file."""
    return path.with_name(path.with_suffix(".bin").name.replace("rows", name))


class AddressStore:
    """
    The addresses of a finished step: volumes of them, and the table of the cells that they add up to.

    Parameters
    ----------
    unspread : bool
        Give everything as if addresses had stayed where they were; only for a store in which they were spread.
    """

    def __init__(self, folder: Path, *, unspread: bool = False) -> None:
        self._folder = folder
        self._unspread = unspread

    def load_cells(self) -> pd.DataFrame:
        """Read the table of the cells (`cells.finish`)."""
        folder = _under(self._folder, unspread=self._unspread) / CELLS
        return pd.DataFrame(read_columns(folder), copy=False)

    @cached_property
    def volumes(self) -> list[Volume]:
        """The volumes, with the cell of each entry."""
        return [
            Volume(
                folder,
                np.load(_under(folder, unspread=self._unspread) / CELLS_FILE),
                self._unspread,
            )
            for folder in sorted(self._folder.glob(VOLUMES))
        ]

    def unspread(self) -> AddressStore:
        """Give the same addresses where they were before they were spread."""
        return AddressStore(self._folder, unspread=True)


def _under(folder: Path, *, unspread: bool) -> Path:
    return folder / UNSPREAD if unspread else folder


def finish_store(
    volumes: Mapping[Path, Tables | None],
    folder: Path,
    *,
    metrics: Sequence[str],
    resolution: int | Literal["exact"],
) -> None:
    """
    Add the sums of all volumes up to the table of the cells, and let each volume point at its rows.

    Parameters
    ----------
    volumes : mapping of Path to Tables or None
        Folder of each volume, and its sums where they were not written (`write_tables`).
    """
    for number, name in enumerate(("", UNSPREAD)):
        parts = {
            volume / name: None if tables is None else tables[number : number + 1]
            for volume, tables in volumes.items()
            if ((volume / name).is_dir() if tables is None else number < len(tables))
        }
        if parts:
            _finish_cells(parts, folder / name / CELLS, metrics=metrics, resolution=resolution)


def _finish_cells(
    parts: dict[Path, Tables | None],
    target: Path,
    *,
    metrics: Sequence[str],
    resolution: int | Literal["exact"],
) -> None:
    held = {part: tables[0] if tables else None for part, tables in parts.items()}
    sums = added_up(_sums(part, table) for part, table in held.items())
    cell_of_row = cell_rows(sums).astype(np.int32)
    for part, table in held.items():
        part.mkdir(exist_ok=True)
        entries = np.load(part / ENTRIES_FILE) if table is None else table[1]
        if len(parts) > 1:
            entries = rows_in(sums, _sums(part, table))[entries]
        np.save(part / CELLS_FILE, np.append(cell_of_row[entries], NO_CELL))
    del cell_of_row
    frame = finish(sums, metrics=metrics, resolution=resolution)
    write_columns(target, {str(name): frame[name].to_numpy() for name in frame})
    for part in parts:
        (part / ENTRIES_FILE).unlink(missing_ok=True)
        (part / SUMS_FILE).unlink(missing_ok=True)


def _sums(folder: Path, held: tuple[Sums, Codes] | None) -> Sums:
    if held is not None:
        return held[0]
    with np.load(folder / SUMS_FILE) as arrays:
        kind = SiteSums if "lat" in arrays else CellSums
        return kind(**arrays)


NO_CELL: Final = np.int32(-1)
NONE: Final = -1
_COUNTED, _STARTS = schema.COUNTED, schema.STARTS


def kept(
    *,
    entry: Codes,
    weight: Ints,
    starts: npt.NDArray[np.bool_],
    rows: Rows,
    stated: frozenset[str],
) -> pa.RecordBatch:
    """
    Put addresses into the columns of `schema.KEPT`, without those of `OPTIONAL` that no source states.

    Parameters
    ----------
    starts : numpy.ndarray of bool
        First row of each document.
    """
    kind = np.empty(len(entry), dtype=np.uint8)
    _kinds(rows.metric, rows.count, starts, kind)
    columns = {
        "entry": entry,
        "weight": weight,
        "kind": kind,
        "economy": rows.country,
        "year": rows.year,
        "field": rows.field,
        "organisation": rows.organisation,
    }
    if "accuracy" in stated:
        columns["accuracy"] = rows.level
    layout = _layout(stated)
    return pa.RecordBatch.from_arrays([pa.array(columns[n]) for n in layout.names], schema=layout)


@compiled
def _kinds(
    metric: npt.NDArray[np.uint8],
    count: npt.NDArray[np.float64],
    starts: npt.NDArray[np.bool_],
    kind: npt.NDArray[np.uint8],
) -> None:
    for row in range(len(kind)):
        counted = np.uint8(0) if np.isnan(count[row]) else np.uint8(_COUNTED)
        kind[row] = metric[row] | counted | (np.uint8(_STARTS) if starts[row] else np.uint8(0))


def _layout(stated: frozenset[str]) -> pa.Schema:
    return pa.schema([f for f in KEPT if f.name in stated or f.name not in OPTIONAL])


def _read(batch: pa.RecordBatch, weights: BinaryIO) -> pa.RecordBatch:
    """Give the weights of a batch, those that are no shares from the file beside it."""
    shares = batch.column(_WEIGHT).to_numpy()
    others = np.fromfile(weights, dtype=np.int64, count=np.count_nonzero(shares == OTHER))
    weight = pa.array(weights_of(shares, others))
    return batch.set_column(_WEIGHT, KEPT.field(_WEIGHT), weight)


def _completed(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Give the columns that were not kept as well: nothing is known there."""
    if batch.num_columns == len(KEPT):
        return batch
    given = set(batch.schema.names)
    columns = [
        batch.column(f.name) if f.name in given else _nothing(f.type, batch.num_rows) for f in KEPT
    ]
    return pa.RecordBatch.from_arrays(columns, schema=KEPT)


def _nothing(kind: pa.DataType, n: int) -> pa.Array:
    """Give a column in which nothing is known; all of one type share their memory."""
    room = 1 << max(n - 1, 1).bit_length()
    return _room_of_nothing(kind, room).slice(0, n)


@cache
def _room_of_nothing(kind: pa.DataType, n: int) -> pa.Array:
    return pa.array(np.full(n, NONE, dtype=kind.to_pandas_dtype()))
