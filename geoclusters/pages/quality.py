"""How finely the documents of a cluster were placed: at a point, a street, or only at a town."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from geoclusters.pages.wording import label, percent, shortened

if TYPE_CHECKING:
    import pandas as pd

    from geoclusters.results import Result

LEVELS: Final = {
    "point": "exact point",
    "street": "street",
    "postcode": "postal code",
    "place": "town",
    "region": "region",
    "country": "country",
}
COARSE: Final = frozenset({"place", "region", "country"})
_NOT_STATED: Final = ""
_OTHERS: Final = 6
"""Class of colour for a level that is not one of `LEVELS`; the next is for what is not stated."""


class Quality:
    """Documents by accuracy, grouped by cluster once for all pages."""

    def __init__(self, result: Result) -> None:
        self._metrics = result.metrics
        table = _accuracy(result)
        self._groups = None if table is None else _grouped(table)

    def of(self, identifier: str) -> dict[str, Any] | None:
        """Tell how finely each metric's documents were placed; None where the run does not say."""
        if self._groups is None:
            return None
        known = [(m, self._groups.get((identifier, m), {})) for m in self._metrics]
        bars = [_bar(label(m), levels) for m, levels in known if sum(levels.values()) > 0]
        if not bars:
            return None
        stated = any(level != _NOT_STATED for _, levels in known for level in levels)
        return {"bars": bars, "stated": stated}

    def rows(self, identifier: str) -> list[tuple[str, str, float]]:
        """Give metric, accuracy and documents, for the download."""
        return [
            (m, level or "not stated", documents)
            for m in self._metrics
            for level, documents in (self._groups or {}).get((identifier, m), {}).items()
        ]


def coarse_share(levels: dict[str, float]) -> float | None:
    """
    Part of the documents that were placed at a town or more coarsely, of those that say.

    Examples
    --------
    >>> coarse_share({"point": 6.0, "place": 3.0, "country": 1.0, "": 90.0})
    0.4
    >>> coarse_share({"": 5.0}) is None
    True
    """
    stated = {level: documents for level, documents in levels.items() if level != _NOT_STATED}
    whole = sum(stated.values())
    return sum(stated[level] for level in COARSE & set(stated)) / whole if whole else None


def _bar(title: str, levels: dict[str, float]) -> dict[str, Any]:
    whole = sum(levels.values())
    kinds = {level: kind for kind, level in enumerate(LEVELS)}
    kinds[_NOT_STATED] = _OTHERS + 1
    ordered = sorted(levels, key=lambda level: (kinds.get(level, _OTHERS), level))
    coarse = coarse_share(levels)
    return {
        "label": title,
        "coarse": None if coarse is None else percent(coarse),
        "segments": [
            {
                "name": shortened(LEVELS.get(level, level) or "not stated", 60),
                "share": percent(levels[level] / whole),
                "width": 100 * levels[level] / whole,
                "kind": kinds.get(level, _OTHERS),
            }
            for level in ordered
        ],
    }


def _grouped(table: pd.DataFrame) -> dict[tuple[str, str], dict[str, float]]:
    inside = table[table["cluster_id"].notna() & (table["documents"] > 0)]
    inside = inside.assign(accuracy=inside["accuracy"].fillna(_NOT_STATED).astype("str"))
    keys = ["cluster_id", "metric", "accuracy"]
    summed = inside.groupby(keys, as_index=False)["documents"].sum()
    columns = (summed[name].tolist() for name in (*keys, "documents"))
    grouped: dict[tuple[str, str], dict[str, float]] = {}
    for identifier, metric, level, documents in zip(*columns, strict=True):
        grouped.setdefault((identifier, metric), {})[level] = documents
    return grouped


def _accuracy(result: Result) -> pd.DataFrame | None:
    """Give the breakdown by accuracy, which runs of earlier versions do not have."""
    try:
        return result.breakdown("accuracy")
    except (KeyError, FileNotFoundError):
        return None
