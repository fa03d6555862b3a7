"""The addresses of a run, as small as they can be kept: what later steps need of each, and no more.

A store is a folder of volumes, one for each process that added addresses up. A volume holds the addresses as codes
and numbers, those of a document together, and what the codes mean; together the volumes hold the sums of all cells.
"""

from __future__ import annotations

import json
import threading
from contextlib import ExitStack
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
UNSPREAD: Final = "unspread"
"""Folder of the sums and cells of addresses where they were before they were spread, in a volume and in the store."""
NAMES_FILE: Final = "{}.parquet"
NAMED: Final = ("organisation", "field")

KEPT: Final = schema.KEPT.arrow()


class VolumeWriter:
    """
    Writes the addresses of one volume; each thread writes a file of its own.

    Parameters
    ----------
    unspread : bool
        Addresses were spread: where each one was before is kept as well.
    """

    def __init__(self, folder: Path, *, unspread: bool = False) -> None:
        folder.mkdir(parents=True)
        self.folder = folder
        self._beside = ("documents", UNSPREAD) if unspread else ("documents",)
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
        Take in addresses (`schema.KEPT`) and the key of each document that starts among them.

        Parameters
        ----------
        unspread : numpy.ndarray of int32, optional
            Entry of each address where it was before it was spread.
        """
        if not hasattr(self._own, "files"):
            with self._lock:
                number = len(self._open)
                rows = pa.ipc.new_file(self.folder / f"rows-{number:02}.arrow", KEPT)
                beside = [
                    (self.folder / f"{name}-{number:02}.bin").open("wb") for name in self._beside
                ]
                self._own.files = (rows, *beside)
                self._open.append(self._own.files)
        rows, *beside = self._own.files
        rows.write_batch(batch)
        keys.tofile(beside[0])
        if unspread is not None:
            unspread.tofile(beside[1])

    def release(self) -> None:
        """Close the files, whether or not the volume is finished."""
        for files in self._open:
            for file in files:
                file.close()
        self._open = []

    def close(
        self,
        tables: Sequence[tuple[Sums, npt.NDArray[np.int32]]],
        names: dict[str, pa.Array],
    ) -> None:
        """Finish the volume with the sums of its cells, then of unspread addresses, and the texts of its codes."""
        self.release()
        for folder, (sums, rows_of_entries) in zip(
            (self.folder, self.folder / UNSPREAD), tables, strict=False
        ):
            folder.mkdir(exist_ok=True)
            np.savez(folder / SUMS_FILE, **vars(sums))
            np.save(folder / ENTRIES_FILE, rows_of_entries)
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
    unspread : bool
        Give the addresses with the entries where they were before they were spread.
    """

    folder: Path
    cells: npt.NDArray[np.int32]
    unspread: bool = False

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Give the addresses (`schema.KEPT`); the rows of a document are in one batch."""
        for batch, _ in self.batches_with_documents():
            yield batch

    def batches_with_documents(
        self,
    ) -> Iterator[tuple[pa.RecordBatch, npt.NDArray[np.uint64]]]:
        """Give the addresses, and the key of each document that starts in a batch."""
        for path in sorted(self.folder.glob("rows-*.arrow")):
            beside = path.with_suffix(".bin")
            documents = beside.with_name(beside.name.replace("rows", "documents"))
            entries = beside.with_name(beside.name.replace("rows", UNSPREAD))
            with ExitStack() as files:
                reader = pa.ipc.open_file(files.enter_context(pa.OSFile(str(path))))
                keys = files.enter_context(documents.open("rb"))
                moved = files.enter_context(entries.open("rb")) if self.unspread else None
                for number in range(reader.num_record_batches):
                    batch = reader.get_batch(number)
                    if moved is not None:
                        entry = np.fromfile(moved, dtype=np.int32, count=batch.num_rows)
                        batch = batch.set_column(0, KEPT.field(0), pa.array(entry))
                    starts = int(((batch.column("kind").to_numpy() & schema.STARTS) != 0).sum())
                    yield batch, np.fromfile(keys, dtype=np.uint64, count=starts)

    def names(self, name: str) -> pa.Array:
        """Give the texts of the codes of 'organisation' or 'field'."""
        column = pq.read_table(self.folder / NAMES_FILE.format(name))[name]
        return column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)


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
        folder = _under(self._folder, unspread=self._unspread) / CELLS_FOLDER
        names = json.loads((folder / "columns.json").read_text(encoding="utf-8"))
        return pd.DataFrame({n: np.load(folder / f"{n}.npy") for n in names}, copy=False)

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
    folder: Path, *, metrics: Sequence[str], resolution: int | Literal["exact"]
) -> None:
    """Add the sums of all volumes up to the table of the cells, and let each volume point at its rows."""
    volumes = sorted(folder.glob(VOLUMES))
    for unspread in (False, True):
        parts = [_under(volume, unspread=unspread) for volume in volumes]
        if all(part.is_dir() for part in parts):
            target = _under(folder, unspread=unspread) / CELLS_FOLDER
            _finish_cells(parts, target, metrics=metrics, resolution=resolution)


def _finish_cells(
    parts: Sequence[Path],
    target: Path,
    *,
    metrics: Sequence[str],
    resolution: int | Literal["exact"],
) -> None:
    sums = added_up(_read_sums(part) for part in parts)
    cell_of_row = cell_rows(sums).astype(np.int32)
    for part in parts:
        entries = np.load(part / ENTRIES_FILE)
        if len(parts) > 1:
            entries = rows_in(sums, _read_sums(part))[entries]
        np.save(part / CELLS_FILE, np.append(cell_of_row[entries], NO_CELL))
        (part / ENTRIES_FILE).unlink()
    del cell_of_row
    frame = finish(sums, metrics=metrics, resolution=resolution)
    target.mkdir(parents=True)
    for name in frame:
        np.save(target / f"{name}.npy", frame[name].to_numpy())
    write_json(target / "columns.json", list(frame))
    for part in parts:
        (part / SUMS_FILE).unlink()


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
