"""Measures that need the addresses themselves: by economy, year, field, organisation and accuracy, and links.

The addresses are read once for all of them. Sums are whole numbers, so neither order nor the number of threads leaves
a trace.
"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa

from geoclusters import schema
from geoclusters.countries import country_codes
from geoclusters.indicators.counts import as_documents
from geoclusters.indicators.loops import count_pairs, take_in
from geoclusters.indicators.members import NOT_PLACED, OUTSIDE
from geoclusters.indicators.tables import KeySums

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy.typing as npt

    from geoclusters.indicators.members import Members, Volume

    Ints = npt.NDArray[np.int64]
    Codes = npt.NDArray[np.int32]
    Kinds = npt.NDArray[np.uint8]

N_THREADS: Final = 2
LAST_YEAR: Final = 9999
COLUMNS: Final = ("economy", "year", "accuracy", "field", "organisation")
NAMED: Final = ("field", "organisation")
DERIVED: Final = ("economy", "accuracy")
"""What is known of rows without a code, too: the economy of their cell, and that no level is stated."""
_FIRST_ROOM: Final = 1 << 12
_NONE: Final = np.zeros(0, dtype=np.int64)
_ECONOMY_BITS = 9
_ECONOMY_MASK = (1 << _ECONOMY_BITS) - 1
_N_LEVELS = len(schema.LEVELS) + 1


def documents_and_links(
    volumes: Iterable[Volume], members: Members
) -> tuple[dict[str, pd.DataFrame], pd.DataFrame]:
    """Give what `documents_by` and `links` give, and read the addresses only once."""
    parts: dict[str, list[pd.DataFrame]] = {name: [] for name in COLUMNS}
    between = _no_links(members)
    for volume in volumes:
        asked = _Asked(volume, members, COLUMNS)
        for worker in _spread(volume, [_Worker(asked, linking=True) for _ in range(N_THREADS)]):
            between.add(*worker.links.result())
            for name, frames in parts.items():
                frames.append(worker.frame(name))
    return {name: _added(frames, name) for name, frames in parts.items()}, _linked(between, members)


def documents_by(volumes: Iterable[Volume], members: Members) -> dict[str, pd.DataFrame]:
    """
    Documents of each cluster by economy, year, field, organisation and accuracy.

    Returns
    -------
    dict of str to pandas.DataFrame
        For each of these columns: `label` (-1 = outside every cluster or not placed), `metric`, the column,
        `documents` (fractional), ordered. Rows without a value are left out; by accuracy they are kept, as null.
    """
    return documents_and_links(volumes, members)[0]


def links(volumes: Iterable[Volume], members: Members) -> pd.DataFrame:
    """
    Documents that join two clusters, or a cluster and the world outside every cluster.

    Rows that stand for many documents join nothing; addresses that could not be placed are nowhere.

    Returns
    -------
    pandas.DataFrame
        `label_a`, `label_b` (-1 = outside every cluster, else label_a < label_b), `metric`, `documents`: distinct
        documents with an address in both.
    """
    between = _no_links(members)
    for volume in volumes:
        asked = _Asked(volume, members, ())
        for worker in _spread(volume, [_Worker(asked, linking=True) for _ in range(N_THREADS)]):
            between.add(*worker.links.result())
    return _linked(between, members)


def _spread(volume: Volume, workers: list[_Worker]) -> list[_Worker]:
    """Let workers take turns at the batches of a volume, each in a thread."""
    batches, lock = volume.batches(), threading.Lock()

    def work(worker: _Worker) -> None:
        while True:
            with lock:
                batch = next(batches, None)
            if batch is None:
                return
            worker.see(batch)

    with ThreadPoolExecutor(len(workers)) as pool:
        list(pool.map(work, workers))
    return workers


class _Asked:
    """
    What the addresses of a volume are asked with; its workers share it.

    Labels and economies of cells are few together. A code for both is so narrow that those of all cells lie in the
    processor's cache, and rows that state nothing more are summed by it alone.
    """

    def __init__(self, volume: Volume, members: Members, columns: Sequence[str]) -> None:
        self.members = members
        codes, holders = pd.factorize(_holder(members.label.astype(np.int64), members.economy))
        holders = np.append(holders, [_holder(OUTSIDE, -1), _holder(NOT_PLACED, -1)])
        narrow = len(holders) <= 1 << 16
        codes = np.append(codes, len(holders) - 2).astype(np.uint16 if narrow else np.int32)
        self.holders = codes[volume.cells]
        self.holders[-1] = len(holders) - 1
        self.places = ((holders >> _ECONOMY_BITS) + NOT_PLACED + 1).astype(np.int32)
        self.economies = ((holders & _ECONOMY_MASK) - 1).astype(np.int16)
        self.names = {name: volume.names(name) for name in NAMED if name in columns}
        sizes = {
            "economy": len(country_codes()),
            "year": LAST_YEAR + 1,
            "accuracy": _N_LEVELS,
            **{name: max(len(texts), 1) for name, texts in self.names.items()},
        }
        self.sizes = {name: sizes[name] for name in columns}


def _holder(label: Any, economy: Any) -> Any:  # noqa: ANN401
    return (label - NOT_PLACED << _ECONOMY_BITS) + (economy + 1)


class _Worker:
    """Sums by cluster, metric and the codes of each column; numbers of documents by pair of clusters and metric."""

    def __init__(self, asked: _Asked, *, linking: bool) -> None:
        self._asked = asked
        self._linking = linking
        members = asked.members
        n_groups = (members.n_labels + 1) * len(members.metrics)
        self._sums = {name: KeySums(n_groups * size) for name, size in asked.sizes.items()}
        plain = {name: sums.plain for name, sums in self._sums.items()}
        self._hashed = {name: self._sums[name] for name, sums in plain.items() if not len(sums)}
        self._sizes: Any = tuple(asked.sizes.get(name, 0) for name in COLUMNS)
        self._plain: Any = tuple(plain.get(name, _NONE) for name in COLUMNS)
        n_held = len(asked.places) * len(members.metrics)
        self._unstated = {name: np.zeros(n_held, dtype=np.int64) for name in DERIVED}
        self.links = _no_links(members)
        self._room = np.empty(members.n_labels + 1, dtype=np.int32)
        self._keys = np.empty(_FIRST_ROOM, dtype=np.int64)
        self._held = asked.holders[:0]
        self._found = np.empty((3, 0), dtype=np.int32)

    def see(self, batch: pa.RecordBatch) -> None:
        """Take in a batch of `schema.KEPT`."""
        asked, n = self._asked, batch.num_rows
        columns = {name: batch.column(name).to_numpy() for name in batch.schema.names}
        if n > len(self._held):
            self._held = np.empty(n, dtype=asked.holders.dtype)
            self._found = np.empty((3, n), dtype=np.int32)
        place, group, economy = self._found[:, :n]
        take_in(
            tuple(columns[name] for name in ("entry", "kind", "weight", *COLUMNS)),
            (asked.holders, asked.places, asked.economies),
            len(asked.members.metrics),
            self._sizes,
            self._plain,
            (self._unstated["economy"], self._unstated["accuracy"]),
            (self._held[:n], place, group, economy),
        )
        for name, sums in self._hashed.items():
            code = columns[name]
            if code.max(initial=-1) < 0:
                continue
            code = economy if name == "economy" else code + np.int32(name == "accuracy")
            sums.add_codes(group, code, asked.sizes[name], columns["weight"])
        if self._linking:
            self._link(columns["kind"], place)

    def _link(self, kind: Kinds, place: Codes) -> None:
        """Count the documents of each pair of places."""
        n_places, n_metrics = len(self._room), len(self._asked.members.metrics)
        row = 0
        while row < len(kind):
            before = row
            row, n = count_pairs(
                *(row, kind, place, self._room, n_places, n_metrics, self.links.plain, self._keys)
            )
            self.links.add(self._keys[:n], np.ones(n, dtype=np.int64))
            if row == before:
                self._keys = np.empty(2 * len(self._keys), dtype=np.int64)

    def frame(self, name: str) -> pd.DataFrame:
        """Give the sums by one column, its codes in words."""
        metrics = self._asked.members.metrics
        if name in DERIVED:
            self._derive(name)
        key, weight = self._sums[name].result()
        group, code = np.divmod(key, self._asked.sizes[name])
        label, metric = np.divmod(group, len(metrics))
        return pd.DataFrame(
            {
                "label": label - 1,
                "metric": np.array(metrics, dtype=object)[metric],
                name: _meaning(name, code, self._asked.names),
                "weight": weight,
            }
        )

    def _derive(self, name: str) -> None:
        """Add the rows of batches that state nothing in a column: their cells tell."""
        asked, n_metrics = self._asked, len(self._asked.members.metrics)
        known = np.flatnonzero(self._unstated[name])
        held, metric = np.divmod(known, n_metrics)
        group = np.maximum(asked.places[held], 0) * n_metrics + metric
        code = asked.economies[held].astype(np.int32) if name == "economy" else np.zeros_like(group)
        self._sums[name].add_codes(group, code, asked.sizes[name], self._unstated[name][known])
        self._unstated[name][:] = 0


def _meaning(name: str, code: Ints, names: dict[str, pa.Array]) -> npt.NDArray[Any]:
    if name == "year":
        return code
    if name == "economy":
        return np.array(country_codes(), dtype=object)[code]
    if name == "accuracy":
        return np.array([None, *schema.LEVELS], dtype=object)[code]
    texts = names[name].take(pa.array(code))
    return np.asarray(texts.to_numpy(zero_copy_only=False), dtype=object)


def _added(frames: list[pd.DataFrame], name: str) -> pd.DataFrame:
    """Add the sums of threads and volumes up."""
    keys = ["label", "metric", name]
    frame = pd.concat(frames, ignore_index=True)
    total = frame.groupby(keys, sort=True, dropna=False)["weight"].sum().reset_index()
    total["documents"] = as_documents(total.pop("weight").to_numpy())
    return total


def _no_links(members: Members) -> KeySums:
    return KeySums((members.n_labels + 1) ** 2 * len(members.metrics))


def _linked(between: KeySums, members: Members) -> pd.DataFrame:
    """Links by the labels of their clusters."""
    key, documents = between.result()
    pair, metric = np.divmod(key, len(members.metrics))
    low, high = np.divmod(pair, members.n_labels + 1)
    outside = low == 0
    frame = pd.DataFrame(
        {
            "label_a": np.where(outside, high, low) - 1,
            "label_b": np.where(outside, low, high) - 1,
            "metric": np.array(members.metrics, dtype=object)[metric],
            "documents": documents,
        }
    )
    return frame.sort_values(["label_a", "label_b", "metric"], ignore_index=True)
