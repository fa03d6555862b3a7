"""What the addresses themselves are asked with, and the parts of documents that clusters hold.

Addresses come in batches of `schema.KEPT`, some volumes of them; what a cluster is, is told by the label of each
cell. Sums are whole numbers, so neither order nor the number of threads leaves a trace.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

import numpy as np
import pandas as pd

from geoclusters import schema

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import numpy.typing as npt
    import pyarrow as pa

    Ints = npt.NDArray[np.int64]
    Keys = npt.NDArray[np.uint64]
    Codes = npt.NDArray[np.int32]

OUTSIDE: Final = -1
"""Label of what lies in no cluster, or could not be placed."""
NOT_PLACED: Final = -2


class Volume(Protocol):
    """Addresses with what their codes mean."""

    @property
    def cells(self) -> Codes:
        """Cell of each entry, by its row in the table of the cells; the last one, for entry -1, is -1."""
        ...

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Give batches of `schema.KEPT`, documents whole."""
        ...

    def batches_with_documents(self) -> Iterator[tuple[pa.RecordBatch, Keys]]:
        """Give the same batches, and the key of each document that starts in them."""
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
