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
from geoclusters.compiling import compiled
from geoclusters.countries import country_codes
from geoclusters.indicators.counts import as_documents
from geoclusters.indicators.members import NOT_PLACED
from geoclusters.indicators.tables import KeySums

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy.typing as npt

    from geoclusters.indicators.members import Members, Volume

    Ints = npt.NDArray[np.int64]
    Codes = npt.NDArray[np.int32]
    Kinds = npt.NDArray[np.uint8]
    Economies = npt.NDArray[np.int16]

N_THREADS: Final = 2
LAST_YEAR: Final = 9999
COLUMNS: Final = ("economy", "year", "accuracy", "field", "organisation")
NAMED: Final = ("field", "organisation")
_FIRST_ROOM: Final = 1 << 12
_STARTS, _METRIC, _COUNTED = schema.STARTS, schema.METRIC_BITS, schema.COUNTED
_NOWHERE = NOT_PLACED + 1


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
    """What the addresses of a volume are asked with; its workers share it."""

    def __init__(self, volume: Volume, members: Members, columns: Sequence[str]) -> None:
        self.members = members
        self.label = members.labels_of(volume)
        self.economy = members.economies_of(volume) if columns else np.empty(0, np.int16)
        self.elsewhere = bool(columns) and bool((members.economy[members.label < 0] >= 0).any())
        self.names = {name: volume.names(name) for name in NAMED if name in columns}
        sizes = {
            "economy": len(country_codes()),
            "year": LAST_YEAR + 1,
            "accuracy": len(schema.LEVELS) + 1,
            **{name: max(len(texts), 1) for name, texts in self.names.items()},
        }
        self.sizes = {name: sizes[name] for name in columns}


class _Worker:
    """Sums by cluster, metric and the codes of each column; numbers of documents by pair of clusters and metric."""

    def __init__(self, asked: _Asked, *, linking: bool) -> None:
        self._asked = asked
        self._linking = linking
        members = asked.members
        n_groups = (members.n_labels + 1) * len(members.metrics)
        self._sums = {name: KeySums(n_groups * size) for name, size in asked.sizes.items()}
        self.links = _no_links(members)
        self._room = np.empty(members.n_labels + 1, dtype=np.int32)
        self._last = np.empty(members.n_labels + 1, dtype=np.int64)
        self._keys = np.empty(_FIRST_ROOM, dtype=np.int64)

    def see(self, batch: pa.RecordBatch) -> None:
        """Take in a batch of `schema.KEPT`."""
        asked = self._asked
        entry, kind = batch.column("entry").to_numpy(), batch.column("kind").to_numpy()
        place, group = (np.empty(len(entry), dtype=np.int32) for _ in range(2))
        _find_places(entry, kind, asked.label, len(asked.members.metrics), place, group)
        for name, sums in self._sums.items():
            code = self._codes(name, batch, entry, place)
            if code.max(initial=-1) >= 0:
                weight = batch.column("weight").to_numpy()
                sums.add_codes(group, code, asked.sizes[name], weight)
        if self._linking:
            self._link(kind, place)

    def _codes(self, name: str, batch: pa.RecordBatch, entry: Codes, place: Codes) -> Codes:
        """Give the codes of one column, -1 = none."""
        code: Codes = batch.column(name).to_numpy().astype(np.int32)
        if name == "economy":
            _look_up_economies(code, entry, place, self._asked.economy, self._asked.elsewhere)
        if name == "accuracy":
            code += np.int32(1)
        return code

    def _link(self, kind: Kinds, place: Codes) -> None:
        """Count the documents of each pair of places."""
        n_places, n_metrics = len(self._room), len(self._asked.members.metrics)
        row = 0
        while row < len(kind):
            self._last.fill(-1)
            before = row
            row, n = _pairs(
                *(row, kind, place, self._last, self._room, n_places, n_metrics, self._keys)
            )
            self.links.add(self._keys[:n], np.ones(n, dtype=np.int64))
            if row == before:
                self._keys = np.empty(2 * len(self._keys), dtype=np.int64)

    def frame(self, name: str) -> pd.DataFrame:
        """Give the sums by one column, its codes in words."""
        metrics = self._asked.members.metrics
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


@compiled
def _find_places(
    entry: Codes, kind: Kinds, label: Codes, n_metrics: int, place: Codes, group: Codes
) -> None:
    """
    Give the place of each row, and with its metric its group.

    Places are -1 not placed, 0 outside every cluster, and 1 more than the label; a group has the first two in one.
    """
    last = len(label) - 1
    for row in range(len(entry)):
        at = entry[row] if entry[row] >= 0 else last
        place[row] = label[np.uint64(at)] + 1
        group[row] = max(place[row], 0) * n_metrics + (kind[row] & _METRIC)


@compiled
def _look_up_economies(
    code: Codes,
    entry: Codes,
    place: Codes,
    economy: Economies,
    elsewhere: bool,  # noqa: FBT001
) -> None:
    """Replace missing economies by those of the entries; unless `elsewhere`, none outside the clusters has one."""
    last = len(economy) - 1
    for row in range(len(code)):
        if code[row] < 0 and (elsewhere or place[row] > 0):
            at = entry[row] if entry[row] >= 0 else last
            code[row] = economy[np.uint64(at)]


@compiled
def _pairs(
    begin: int,
    kind: Kinds,
    place: Codes,
    last: Ints,
    room: Codes,
    n_places: int,
    n_metrics: int,
    keys: Ints,
) -> tuple[int, int]:
    """
    Write a key for each pair of places of each document from row `begin` on.

    Stops at the first document whose keys have no room; gives its first row, and how many keys there are.
    """
    n, known = 0, 0
    document = begin
    for row in range(begin, len(place) + 1):
        if row == len(place) or kind[row] & _STARTS:
            if n + known * (known - 1) // 2 > len(keys):
                return document, n
            for i in range(known):
                for j in range(i):
                    a, b = min(room[i], room[j]), max(room[i], room[j])
                    metric = np.int64(kind[row - 1] & _METRIC)
                    keys[n] = (np.int64(a) * n_places + b) * n_metrics + metric
                    n += 1
            known = 0
            document = row
            if row == len(place):
                break
        where = _NOWHERE if kind[row] & _COUNTED else place[row]
        if where >= 0 and last[where] != document:
            last[where] = document
            room[known] = where
            known += 1
    return len(place), n
