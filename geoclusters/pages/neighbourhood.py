"""Which clusters lie next to one, how far, how strongly linked, and why they are not one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from geoclusters.pages.partners import partners_by_identifier
from geoclusters.pages.wording import UNKNOWN, number, shortened

if TYPE_CHECKING:
    from collections.abc import Collection

    from geoclusters.results import Result

MOST_NEIGHBOURS: Final = 8
REACH_KM: Final = 100
"""Gap up to which the table of neighbours lists a pair; the bar of a gap ends here."""


class Neighbourhood:
    """Gaps and links of a run, both ways, prepared once for all pages."""

    def __init__(self, result: Result) -> None:
        clusters = result.clusters
        self._settings = result.run["settings"]
        self._metrics = result.metrics
        self._names = dict(zip(clusters["cluster_id"], clusters["name"], strict=True))
        self._ranks = dict(zip(clusters["cluster_id"], clusters["rank"], strict=True))
        gaps = _gaps(result)
        self._gaps = None if gaps is None else _by_cluster(gaps)
        self._links = {} if gaps is None else _places(result, gaps)

    def of(self, row: dict[str, Any], pages: Collection[str]) -> dict[str, Any] | None:
        """Tell the neighbours of one cluster and of how many parts it was made; None = not known."""
        made_of = parts_sentence(row.get("n_parts"), self._settings)
        if self._gaps is None and not made_of:
            return None
        gaps = [] if self._gaps is None else self._gaps.get(row["cluster_id"], [])
        rows = [self._row(row["cluster_id"], other, gap, pages) for gap, other in gaps]
        return {
            "made_of": made_of,
            "rule": rule_sentence(self._settings),
            "reach_km": REACH_KM,
            "known": self._gaps is not None,
            "rows": rows[:MOST_NEIGHBOURS],
            "more": max(0, len(rows) - MOST_NEIGHBOURS),
            "limit": min(100.0, 100 * float(self._settings.get("merge_gap_km") or 0) / REACH_KM),
        }

    def gaps_of(self, identifier: str) -> list[tuple[float, str]]:
        """Give gap in km and identifier of every neighbour, the nearest first."""
        return list((self._gaps or {}).get(identifier, []))

    def _row(
        self, identifier: str, other: str, gap_km: float, pages: Collection[str]
    ) -> dict[str, Any]:
        there, back = self._links.get((identifier, other)), self._links.get((other, identifier))
        first = bool((there and there["place"] == 1) or (back and back["place"] == 1))
        return {
            "id": other if other in pages else None,
            "rank": self._ranks.get(other, ""),
            "name": shortened(self._names.get(other, other)),
            "gap": f"{number(round(gap_km, 1))} km",
            "bar": min(100.0, 100 * gap_km / REACH_KM),
            "documents": number(there["documents"]) if there else "0",
            "place": f"{there['place']} of {there['partners']}" if there else UNKNOWN,
            "reason": reason(gap_km, strongest=first, settings=self._settings),
        }


def reason(gap_km: float, *, strongest: bool, settings: dict[str, Any]) -> str:
    """
    Say what kept two clusters apart.

    Parameters
    ----------
    strongest : bool
        One of the two is the other's strongest partner.

    Examples
    --------
    >>> reason(7.2, strongest=True, settings={"merge_gap_km": 5.0, "merge_rule": "gap"})
    'wider than 5 km'
    >>> reason(3.0, strongest=False, settings={"merge_gap_km": 5.0, "merge_rule": "gap+links"})
    'near enough, but neither is the other\u2019s strongest partner'
    """
    limit = settings.get("merge_gap_km")
    if limit is None:
        return UNKNOWN
    if not limit:
        return "this study merges none"
    if gap_km > limit:
        return f"wider than {number(limit)} km"
    if settings.get("merge_rule") == "gap+links" and not strongest:
        return "near enough, but neither is the other\u2019s strongest partner"
    return UNKNOWN


def rule_sentence(settings: dict[str, Any]) -> str:
    """Tell by which rule clusters of the run became one."""
    limit = settings.get("merge_gap_km")
    if limit is None:
        return ""
    if not limit:
        return "This study does not merge clusters, however near they are."
    also = " and one is the other\u2019s strongest partner"
    return (
        f"Two clusters become one where their closest cells are at most {number(limit)} km apart"
        f"{also if settings.get('merge_rule') == 'gap+links' else ''}."
    )


def parts_sentence(parts: float | None, settings: dict[str, Any]) -> str:
    """
    Tell of how many dense places a cluster was made; nothing where the run does not say.

    Examples
    --------
    >>> parts_sentence(3, {"merge_gap_km": 5.0})
    'Merged from 3 dense places, with at most 5 km between the closest cells.'
    """
    if parts is None or pd.isna(parts) or parts < 1:
        return ""
    if parts == 1:
        return "One dense place, connected within the radius; nothing was merged into it."
    between = f"with at most {number(settings.get('merge_gap_km'))} km between the closest cells"
    return f"Merged from {number(parts)} dense places, {between}."


def _gaps(result: Result) -> pd.DataFrame | None:
    """Give the table of neighbours, which runs of earlier versions do not have."""
    try:
        found: pd.DataFrame | None = getattr(result, "neighbours", None)
    except FileNotFoundError:
        return None
    return found


def _by_cluster(gaps: pd.DataFrame) -> dict[str, list[tuple[float, str]]]:
    """Turn the pairs both ways; the nearest first, ties by identifier."""
    found: dict[str, list[tuple[float, str]]] = {}
    columns = (gaps[name].tolist() for name in ("cluster_a", "cluster_b", "gap_km"))
    for a, b, gap in zip(*columns, strict=True):
        found.setdefault(a, []).append((gap, b))
        found.setdefault(b, []).append((gap, a))
    return {identifier: sorted(pairs) for identifier, pairs in found.items()}


def _places(result: Result, gaps: pd.DataFrame) -> dict[tuple[str, str], dict[str, int]]:
    """Say what the links between neighbours are: their documents, and the place among the partners of each."""
    identifiers, partners = partners_by_identifier(result)
    known = pd.Index(identifiers)
    a, b = (known.get_indexer(gaps[end]) for end in ("cluster_a", "cluster_b"))
    key = partners.one * len(known) + partners.other
    near = np.isin(key, np.concatenate([a * len(known) + b, b * len(known) + a]))
    counted = np.bincount(partners.one)[partners.one[near]]
    ends = (identifiers[ends[near]].tolist() for ends in (partners.one, partners.other))
    counts = (c.tolist() for c in (partners.documents[near], partners.rank[near], counted))
    return {
        (one, other): {"documents": documents, "place": place, "partners": n}
        for one, other, documents, place, n in zip(*ends, *counts, strict=True)
    }
