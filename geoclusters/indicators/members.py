"""Measures that need the addresses themselves: by economy, year, field, organisation and accuracy, and links.

Addresses come in batches of `schema.KEPT`, some volumes of them; what a cluster is, is told by the label of each
cell. Sums are whole numbers, so neither order nor the number of threads leaves a trace.
"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

import numpy as np
import pandas as pd
import pyarrow as pa

from geoclusters import schema
from geoclusters.compiling import compiled
from geoclusters.countries import country_codes
from geoclusters.indicators.counts import as_documents
from geoclusters.indicators.tables import NO_KEY, KeySums

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import numpy.typing as npt

    Ints = npt.NDArray[np.int64]
    Keys = npt.NDArray[np.uint64]
    Codes = npt.NDArray[np.int32]

OUTSIDE: Final = -1
"""Label of what lies in no cluster, or could not be placed."""
NOT_PLACED: Final = -2
N_THREADS: Final = 2
LAST_YEAR: Final = 9999
NAMED: Final = ("field", "organisation")
_STARTS, _METRIC = schema.STARTS, schema.METRIC_BITS


class Volume(Protocol):
    """Addresses with what their codes mean."""

    @property
    def cells(self) -> Codes:
        """Cell of each entry, by its row in the table of the cells; the last one, for entry -1, is -1."""
        ...

    def batches_with_documents(self) -> Iterator[tuple[pa.RecordBatch, Keys]]:
        """Give batches of `schema.KEPT`, documents whole, and the key of each document that starts in them."""
        ...

    def names(self, name: str) -> pa.Array:
        """Give the texts of the codes of 'field' or 'organisation'."""
        ...


@dataclass(frozen=True)
class Members:
    """
    What the addresses are asked with.

    Attributes
    ----------
    label : numpy.ndarray of int32
        Cluster of each cell, -1 = none.
    n_labels : int
        Number of clusters.
    metrics : sequence of str
        Names of the metrics by number.
    economy : numpy.ndarray of int16
        Economy of each cell, for addresses that state none; -1 = none.
    """

    label: Codes
    n_labels: int
    metrics: Sequence[str]
    economy: npt.NDArray[np.int16]

    def labels_of(self, volume: Volume) -> Codes:
        """Label of each entry of a volume; the last one, for what was not placed, is `NOT_PLACED`."""
        found = np.append(self.label, np.int32(OUTSIDE))[volume.cells]
        found[-1] = NOT_PLACED
        return found

    def economies_of(self, volume: Volume) -> npt.NDArray[np.int16]:
        """Economy of each entry of a volume."""
        return np.append(self.economy, np.int16(-1))[volume.cells]


class _Worker(Protocol):
    """Takes in batches, one after the other."""

    def see(self, batch: pa.RecordBatch, documents: Keys) -> None:
        """Take in a batch of `schema.KEPT` and the keys of the documents that start in it."""
        ...


W = TypeVar("W", bound=_Worker)


def _spread(volume: Volume, workers: list[W]) -> list[W]:
    """Let workers take turns at the batches of a volume, each in a thread."""
    batches, lock = volume.batches_with_documents(), threading.Lock()

    def work(worker: W) -> None:
        while True:
            with lock:
                item = next(batches, None)
            if item is None:
                return
            worker.see(*item)

    with ThreadPoolExecutor(len(workers)) as pool:
        list(pool.map(work, workers))
    return workers


def documents_by(volumes: Iterable[Volume], members: Members) -> dict[str, pd.DataFrame]:
    """
    Documents of each cluster by economy, year, field, organisation and accuracy.

    Returns
    -------
    dict of str to pandas.DataFrame
        For each of these columns: `label` (-1 = outside every cluster or not placed), `metric`, the column,
        `documents` (fractional), ordered. Rows without a value are left out; by accuracy they are kept, as null.
    """
    found: dict[str, list[pd.DataFrame]] = {name: [] for name in _COLUMNS}
    for volume in volumes:
        workers = _spread(volume, [_Breakdowns(volume, members) for _ in range(N_THREADS)])
        for name, frames in found.items():
            frames += [worker.frame(name, volume) for worker in workers]
    return {name: _added(frames, name) for name, frames in found.items()}


_COLUMNS: Final = ("economy", "year", "accuracy", "field", "organisation")


class _Breakdowns:
    """Sums by cluster, metric and the codes of each column."""

    def __init__(self, volume: Volume, members: Members) -> None:
        self._members = members
        self._label = members.labels_of(volume)
        self._economy = members.economies_of(volume)
        self._sizes = {
            "economy": len(country_codes()),
            "year": LAST_YEAR + 1,
            "accuracy": len(schema.LEVELS) + 1,
            **{name: max(len(volume.names(name)), 1) for name in NAMED},
        }
        self._n_groups = (members.n_labels + 1) * len(members.metrics)
        self._sums = {n: KeySums(self._n_groups * size) for n, size in self._sizes.items()}

    def see(self, batch: pa.RecordBatch, documents: Keys) -> None:  # noqa: ARG002
        columns = {name: batch.column(name).to_numpy() for name in batch.schema.names}
        entry, weight = columns["entry"], columns["weight"]
        metric = (columns["kind"] & schema.METRIC_BITS).astype(np.int64)
        group = np.maximum(self._label[entry], OUTSIDE).astype(np.int64) + 1
        group = group * len(self._members.metrics) + metric
        stated = columns["economy"]
        columns["economy"] = np.where(stated >= 0, stated, self._economy[entry])
        columns["accuracy"] = columns["accuracy"] + 1
        for name, sums in self._sums.items():
            code = columns[name]
            key = group * self._sizes[name] + code
            key[code < 0] = NO_KEY
            sums.add(key, weight)

    def frame(self, name: str, volume: Volume) -> pd.DataFrame:
        """Give the sums by one column, its codes in words."""
        key, weight = self._sums[name].result()
        group, code = np.divmod(key, self._sizes[name])
        label, metric = np.divmod(group, len(self._members.metrics))
        return pd.DataFrame(
            {
                "label": label - 1,
                "metric": np.array(self._members.metrics, dtype=object)[metric],
                name: _meaning(name, code, volume),
                "weight": weight,
            }
        )


def _meaning(name: str, code: Ints, volume: Volume) -> npt.NDArray[Any]:
    if name == "year":
        return code
    if name == "economy":
        return np.array(country_codes(), dtype=object)[code]
    if name == "accuracy":
        return np.array([None, *schema.LEVELS], dtype=object)[code]
    texts = volume.names(name).take(pa.array(code))
    return np.asarray(texts.to_numpy(zero_copy_only=False), dtype=object)


def _added(frames: list[pd.DataFrame], name: str) -> pd.DataFrame:
    """Add the sums of threads and volumes up."""
    keys = ["label", "metric", name]
    frame = pd.concat(frames, ignore_index=True)
    total = frame.groupby(keys, sort=True, dropna=False)["weight"].sum().reset_index()
    total["documents"] = as_documents(total.pop("weight").to_numpy())
    return total


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
    total = KeySums((members.n_labels + 1) ** 2 * len(members.metrics))
    for volume in volumes:
        for worker in _spread(volume, [_Links(volume, members) for _ in range(N_THREADS)]):
            total.add(*worker.sums.result())
    key, documents = total.result()
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


class _Links:
    """Numbers of documents by pair of clusters and metric."""

    def __init__(self, volume: Volume, members: Members) -> None:
        self._label = members.labels_of(volume)
        self._n_metrics = len(members.metrics)
        self._n_places = members.n_labels + 1
        self.sums = KeySums(self._n_places**2 * self._n_metrics)

    def see(self, batch: pa.RecordBatch, documents: Keys) -> None:  # noqa: ARG002
        entry, kind = batch.column("entry").to_numpy(), batch.column("kind").to_numpy()
        place = self._label[entry] + 1
        counted = (kind & schema.COUNTED) != 0
        place = np.where(counted, NOT_PLACED + 1, place)
        room = np.empty(self._n_places, dtype=np.int32)
        last = np.full(self._n_places, -1, dtype=np.int64)
        n = _pairs(place, kind, last, room, self._n_places, self._n_metrics, _NOTHING)
        keys = np.empty(n, dtype=np.int64)
        last.fill(-1)
        _pairs(place, kind, last, room, self._n_places, self._n_metrics, keys)
        self.sums.add(keys, np.ones(n, dtype=np.int64))


_NOTHING: Final = np.empty(0, dtype=np.int64)


@compiled
def _pairs(
    place: Codes,
    kind: npt.NDArray[np.uint8],
    last: Ints,
    room: Codes,
    n_places: int,
    n_metrics: int,
    keys: Ints,
) -> int:
    """Write a key for each pair of places of each document, if there is room for them; count them."""
    n, known = 0, 0
    document = 0
    for row in range(len(place) + 1):
        if row == len(place) or kind[row] & _STARTS:
            for i in range(known):
                for j in range(i):
                    if len(keys):
                        a, b = min(room[i], room[j]), max(room[i], room[j])
                        metric = np.int64(kind[row - 1] & _METRIC)
                        keys[n] = (np.int64(a) * n_places + b) * n_metrics + metric
                    n += 1
            known = 0
            document = row
        if row < len(place) and place[row] >= 0 and last[place[row]] != document:
            last[place[row]] = document
            room[known] = place[row]
            known += 1
    return n


@dataclass(frozen=True)
class DocumentParts:
    """
    Part of each document of one metric in each cluster, in an order that rows do not change.

    Attributes
    ----------
    document : numpy.ndarray of int64, shape (n,)
        Number of the document.
    label : numpy.ndarray of int32, shape (n,)
        Cluster, -1 = elsewhere.
    weight : numpy.ndarray of int64, shape (n,)
        In 1/`schema.WEIGHT_ONE` document.
    counted : numpy.ndarray of bool, shape (n,)
        The row stands for many documents.
    """

    document: Ints
    label: Codes
    weight: Ints
    counted: npt.NDArray[np.bool_]


def document_parts(volumes: Iterable[Volume], members: Members, *, metric: int) -> DocumentParts:
    """Take the addresses of one metric together by document and cluster."""
    keys, labels, weights, counts = [], [], [], []
    for volume in volumes:
        label_of = members.labels_of(volume)
        for batch, documents in volume.batches_with_documents():
            kind = batch.column("kind").to_numpy()
            mine = (kind & schema.METRIC_BITS) == metric
            number = np.cumsum((kind & schema.STARTS) != 0) - 1
            keys.append(documents[number[mine]])
            labels.append(np.maximum(label_of[batch.column("entry").to_numpy()[mine]], OUTSIDE))
            weights.append(batch.column("weight").to_numpy()[mine])
            counts.append((kind[mine] & schema.COUNTED) != 0)
    frame = pd.DataFrame(
        {
            "document": np.concatenate(keys),
            "counted": np.concatenate(counts),
            "label": np.concatenate(labels),
            "weight": np.concatenate(weights),
        }
    )
    total = frame.groupby(["document", "counted", "label"], sort=True)["weight"].sum().reset_index()
    number = np.cumsum(total["document"].diff().ne(0).to_numpy()) - 1
    return DocumentParts(
        number,
        total["label"].to_numpy(np.int32),
        total["weight"].to_numpy(np.int64),
        total["counted"].to_numpy(bool),
    )
