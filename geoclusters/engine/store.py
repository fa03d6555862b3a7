"""The addresses of a run, as small as they can be kept: what later steps need of each, and no more.

A store is a folder of volumes, one for each process that added addresses up. A volume holds the addresses as codes
and numbers, those of a document together, and what the codes mean; together the volumes hold the sums of all cells.
"""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from geoclusters import schema
from geoclusters.cells import CellSums, SiteSums, added_up, cell_rows, finish, rows_in
from geoclusters.results import write_json

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import numpy.typing as npt

    from geoclusters.addresses import Rows
    from geoclusters.cells import Sums

    Ints = npt.NDArray[np.int64]

VOLUMES: Final = "volume-*"
SUMS_FILE: Final = "sums.npz"
CELLS_FOLDER: Final = "cells"
CELLS_FILE: Final = "cell_of_entry.npy"
ENTRIES_FILE: Final = "entries.npy"
NAMES_FILE: Final = "{}.parquet"
NAMED: Final = ("organisation", "field")

KEPT: Final = schema.KEPT.arrow()


class VolumeWriter:
    """Writes the addresses of one volume; each thread writes a file of its own."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        self.folder = folder
        self._lock = threading.Lock()
        self._own = threading.local()
        self._open: list[Any] = []

    def write(self, batch: pa.RecordBatch, keys: npt.NDArray[np.uint64]) -> None:
        """Take in addresses (`schema.KEPT`) and the key of each document that starts among them."""
        if not hasattr(self._own, "files"):
            with self._lock:
                number = len(self._open)
                rows = pa.ipc.new_file(self.folder / f"rows-{number:02}.arrow", KEPT)
                documents = (self.folder / f"documents-{number:02}.bin").open("wb")
                self._own.files = (rows, documents)
                self._open.append(self._own.files)
        rows, documents = self._own.files
        rows.write_batch(batch)
        keys.tofile(documents)

    def release(self) -> None:
        """Close the files, whether or not the volume is finished."""
        for files in self._open:
            for file in files:
                file.close()
        self._open = []

    def close(
        self, sums: Sums, rows_of_entries: npt.NDArray[np.int32], names: dict[str, pa.Array]
    ) -> None:
        """Finish the volume with the sums of its cells and the texts of its codes."""
        self.release()
        np.savez(self.folder / SUMS_FILE, **vars(sums))
        np.save(self.folder / ENTRIES_FILE, rows_of_entries)
        for name, texts in names.items():
            pq.write_table(
                pa.table({name: texts}), self.folder / NAMES_FILE.format(name), compression="lz4"
            )


@dataclass(frozen=True)
class Volume:
    """
    A finished volume.

    Attributes
    ----------
    cells : numpy.ndarray of int32
        Row of the table of the cells for each entry; the last one, for entry -1, is -1.
    """

    folder: Path
    cells: npt.NDArray[np.int32]

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Give the addresses (`schema.KEPT`); the rows of a document are in one batch."""
        for batch, _ in self.batches_with_documents():
            yield batch

    def batches_with_documents(
        self,
    ) -> Iterator[tuple[pa.RecordBatch, npt.NDArray[np.uint64]]]:
        """Give the addresses, and the key of each document that starts in a batch."""
        for path in sorted(self.folder.glob("rows-*.arrow")):
            twin = path.with_name(path.name.replace("rows", "documents")).with_suffix(".bin")
            with pa.OSFile(str(path)) as source, twin.open("rb") as documents:
                reader = pa.ipc.open_file(source)
                for number in range(reader.num_record_batches):
                    batch = reader.get_batch(number)
                    starts = int(((batch.column("kind").to_numpy() & schema.STARTS) != 0).sum())
                    yield batch, np.fromfile(documents, dtype=np.uint64, count=starts)

    def names(self, name: str) -> pa.Array:
        """Give the texts of the codes of 'organisation' or 'field'."""
        column = pq.read_table(self.folder / NAMES_FILE.format(name))[name]
        return column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)


class AddressStore:
    """The addresses of a finished step: volumes of them, and the table of the cells that they add up to."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def load_cells(self) -> pd.DataFrame:
        """Read the table of the cells (`cells.finish`)."""
        folder = self._folder / CELLS_FOLDER
        names = json.loads((folder / "columns.json").read_text(encoding="utf-8"))
        return pd.DataFrame({n: np.load(folder / f"{n}.npy") for n in names}, copy=False)

    @cached_property
    def volumes(self) -> list[Volume]:
        """The volumes, with the cell of each entry."""
        folders = sorted(self._folder.glob(VOLUMES))
        return [Volume(folder, np.load(folder / CELLS_FILE)) for folder in folders]


def finish_store(
    folder: Path, *, metrics: Sequence[str], resolution: int | Literal["exact"]
) -> None:
    """Add the sums of all volumes up to the table of the cells, and let each volume point at its rows."""
    folders = sorted(folder.glob(VOLUMES))
    sums = added_up(_read_sums(f) for f in folders)
    cell_of_row = cell_rows(sums).astype(np.int32)
    for volume in folders:
        entries = np.load(volume / ENTRIES_FILE)
        if len(folders) > 1:
            entries = rows_in(sums, _read_sums(volume))[entries]
        np.save(volume / CELLS_FILE, np.append(cell_of_row[entries], NO_CELL))
        (volume / ENTRIES_FILE).unlink()
    del cell_of_row
    frame = finish(sums, metrics=metrics, resolution=resolution)
    target = folder / CELLS_FOLDER
    target.mkdir()
    for name in frame:
        np.save(target / f"{name}.npy", frame[name].to_numpy())
    write_json(target / "columns.json", list(frame))
    for volume in folders:
        (volume / SUMS_FILE).unlink()


def _read_sums(folder: Path) -> Sums:
    with np.load(folder / SUMS_FILE) as arrays:
        kind = SiteSums if "lat" in arrays else CellSums
        return kind(**arrays)


NO_CELL: Final = np.int32(-1)


def kept(
    *, entry: npt.NDArray[np.int32], weight: Ints, starts: npt.NDArray[np.bool_], rows: Rows
) -> pa.RecordBatch:
    """
    Put addresses into the columns of `schema.KEPT`.

    Parameters
    ----------
    starts : numpy.ndarray of bool
        First row of each document.
    """
    kind = rows.metric | np.where(np.isnan(rows.count), 0, schema.COUNTED).astype(np.uint8)
    kind |= np.where(starts, schema.STARTS, 0).astype(np.uint8)
    level = np.where(rows.accuracy < len(schema.LEVELS), rows.accuracy, np.int8(-1))
    codes = (rows.country, rows.year, level, rows.field, rows.organisation)
    return pa.RecordBatch.from_arrays(
        [pa.array(c) for c in (entry, weight, kind, *codes)], schema=KEPT
    )
