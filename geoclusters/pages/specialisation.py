"""Fields of a cluster, and in which of them it does more than the world.

The measure is the location quotient: the part of the field in the cluster's documents, divided by
its part in the world's. Both count documents with a stated field only; the world is every cluster
and what lies outside or could not be placed.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import pandas as pd

from geoclusters.pages.wording import label, number, percent, shortened

if TYPE_CHECKING:
    from geoclusters.results import Result

MOST_FIELDS: Final = 8
MOST_SPECIAL: Final = 3
LEAST_DOCUMENTS: Final = 5.0
"""With fewer documents in a field, a high quotient is chance and is not singled out."""

LEAST_SPECIAL: Final = 1.05
"""Less is the world's part, give or take."""

WIDEST_QUOTIENT: Final = 5.0
"""The bar of a quotient ends here, on a logarithmic axis from the inverse of it."""


def quotients(fields: pd.DataFrame) -> pd.DataFrame:
    """
    Location quotient of every field in every cluster.

    Parameters
    ----------
    fields : pandas.DataFrame
        `cluster_id` (null = outside every cluster), `metric`, `field`, `documents`.

    Returns
    -------
    pandas.DataFrame
        The rows with a cluster and a field, with `share` (part of the cluster's documents of the
        metric that have a field) and `quotient` added; by falling documents, ties by field.

    Notes
    -----
    Q = (d[c, f] / d[c]) / (d[f] / d), as in P. S. Florence, Investment, Location, and Size of
    Plant (1948). 1 is the world's part; 2 is twice as much.

    Examples
    --------
    >>> fields = pd.DataFrame(
    ...     {
    ...         "cluster_id": ["a", "a", None],
    ...         "metric": "patents",
    ...         "field": ["Optics", "Games", "Games"],
    ...         "documents": [3.0, 1.0, 4.0],
    ...     }
    ... )
    >>> quotients(fields)[["field", "share", "quotient"]].values.tolist()
    [['Optics', 0.75, 2.0], ['Games', 0.25, 0.4]]
    """
    stated = fields[fields["field"].notna() & (fields["field"] != "") & (fields["documents"] > 0)]
    of_field = stated.groupby(["metric", "field"])["documents"].transform("sum")
    in_world = of_field / stated.groupby("metric")["documents"].transform("sum")
    table = stated.assign(in_world=in_world)[stated["cluster_id"].notna()]
    whole = table.groupby(["cluster_id", "metric"])["documents"].transform("sum")
    table = table.assign(share=table["documents"] / whole)
    table = table.assign(quotient=table["share"] / table["in_world"]).drop(columns="in_world")
    ordered = table.sort_values(["documents", "field"], ascending=[False, True], kind="stable")
    return pd.DataFrame(ordered).reset_index(drop=True)


class Field(NamedTuple):
    """One field of one cluster and metric."""

    name: str
    documents: float
    share: float
    quotient: float


class Specialisation:
    """The fields of a run with their quotients, grouped by cluster once for all pages."""

    def __init__(self, result: Result) -> None:
        self._metrics = result.metrics
        table = quotients(result.breakdown("fields"))
        keys = zip(table["cluster_id"].tolist(), table["metric"].tolist(), strict=True)
        columns = (table[c].tolist() for c in ("field", "documents", "share", "quotient"))
        self._groups: dict[tuple[str, str], list[Field]] = {}
        for key, *values in zip(keys, *columns, strict=True):
            self._groups.setdefault(key, []).append(Field(*values))

    def of(self, identifier: str) -> list[dict[str, Any]]:
        """List the largest fields for each metric, and those that stand out."""
        known = [(m, self._groups.get((identifier, m), [])) for m in self._metrics]
        return [
            {"label": label(m), "rows": _rows(own[:MOST_FIELDS]), "special": _special(own)}
            for m, own in known
            if own
        ]

    def rows(self, identifier: str) -> list[tuple[str, str, float, float]]:
        """Give metric, field, documents and quotient of every field, for the download."""
        return [
            (m, str(field.name), field.documents, field.quotient)
            for m in self._metrics
            for field in self._groups.get((identifier, m), [])
        ]


def _rows(fields: list[Field]) -> list[dict[str, Any]]:
    return [
        {
            "name": shortened(field.name),
            "documents": number(field.documents),
            "share": percent(field.share),
            "quotient": quotient_text(field.quotient),
            **quotient_bar(field.quotient),
        }
        for field in fields
    ]


def _special(fields: list[Field]) -> list[dict[str, str]]:
    """Name the fields that stand out: enough documents, and more than the world."""
    enough = [f for f in fields if f.documents >= LEAST_DOCUMENTS and f.quotient >= LEAST_SPECIAL]
    first = sorted(enough, key=lambda f: (-f.quotient, str(f.name)))[:MOST_SPECIAL]
    return [{"name": shortened(f.name, 80), "quotient": quotient_text(f.quotient)} for f in first]


def quotient_text(quotient: float) -> str:
    """
    Write a quotient with two digits after the point, fewer where they say nothing.

    Examples
    --------
    >>> [quotient_text(v) for v in (0.004, 1.238, 12.34, 140.2)]
    ['0.00', '1.24', '12.3', '140']
    """
    return (
        f"{quotient:.2f}"
        if quotient < 10
        else f"{quotient:.1f}"
        if quotient < 100
        else f"{quotient:.0f}"
    )


def quotient_bar(quotient: float) -> dict[str, Any]:
    """
    Lay a bar from the world's 1, in the middle, to the quotient, in percent of the width.

    Examples
    --------
    >>> quotient_bar(8.0), quotient_bar(0.0)["left"], quotient_bar(1.0)["width"]
    ({'left': 50.0, 'width': 50.0, 'more': True}, 0.0, 0.0)
    """
    span = math.log(WIDEST_QUOTIENT)
    place = math.log(quotient) / span if quotient > 0 else -1.0
    width = round(50 * min(abs(place), 1.0), 1)
    more = place >= 0
    return {"left": 50.0 if more else 50.0 - width, "width": width, "more": more}
