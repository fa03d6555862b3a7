"""What changed between an earlier run and this one, for the report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import pandas as pd

from geoclusters.pages.settings import setting_name, setting_text
from geoclusters.pages.tables import column, number_cell, text_cell
from geoclusters.pages.wording import UNKNOWN, label, number, percent, shortened, window

if TYPE_CHECKING:
    from collections.abc import Collection

    from geoclusters.results import Result

FATES: Final = {
    "same": "went on",
    "split": "split",
    "merged": "merged",
    "gone": "gone",
    "new": "new",
}
MOST_MOVERS: Final = 8
_MINUS: Final = "\N{MINUS SIGN}"


class Changes(NamedTuple):
    """
    An earlier run, and which of its clusters became which.

    Attributes
    ----------
    table : pandas.DataFrame
        As `geoclusters.comparison.compare` gives it, this run being the new one.
    earlier : dict
        The content of the earlier run's `run.json`.
    """

    table: pd.DataFrame
    earlier: dict[str, Any]


def change_text(change: float | None) -> str:
    """
    Write by how many ranks a cluster moved.

    Examples
    --------
    >>> [change_text(c) for c in (3, -2, 0, None)]
    ['+3', '\u22122', '0', '\u2013']
    """
    if change is None or pd.isna(change):
        return UNKNOWN
    return f"+{change:.0f}" if change > 0 else f"{_MINUS}{-change:.0f}" if change < 0 else "0"


def moves(changes: Changes) -> dict[str, dict[str, Any]]:
    """
    Say for each cluster of this run that has a predecessor by how many ranks it moved.

    Of several predecessors the one counts that it shares the largest part of itself with. A
    predecessor hands its rank on to the one successor that has the largest part of it; the others
    were split off, and their ranks are not compared.
    """
    known = changes.table[
        changes.table["cluster_id_new"].notna() & changes.table["cluster_id_old"].notna()
    ]
    heirs = _first(known, "cluster_id_old", ["part_of_old", "rank_new"])
    heir = dict(zip(heirs["cluster_id_old"], heirs["cluster_id_new"], strict=True))
    told: dict[str, dict[str, Any]] = {}
    for row in _first(known, "cluster_id_new", ["part_of_new", "rank_old"]).to_dict("records"):
        own = heir[row["cluster_id_old"]] == row["cluster_id_new"]
        change = int(row["rank_change"]) if own else None
        text = change_text(change) if own else "split off"
        told[str(row["cluster_id_new"])] = {"change": change, "text": text}
    return told


def _first(table: pd.DataFrame, key: str, order: list[str]) -> pd.DataFrame:
    """Keep one row a key: the largest by the first column of the order, then the smallest."""
    ordered = table.sort_values(order, ascending=[False, True], kind="stable")
    return pd.DataFrame(ordered.drop_duplicates(key))


def changes_section(result: Result, changes: Changes, pages: Collection[str]) -> dict[str, Any]:
    """Gather what the report tells about an earlier run."""
    table = changes.table
    top = int(result.run["settings"]["top"])
    rows = table.to_dict("records")
    shown = [_shown(row, top) for row in rows]
    return {
        "earlier": {
            "name": shortened(changes.earlier["study"]["name"]),
            "window": window(changes.earlier),
            "finished": str(changes.earlier.get("finished", "")).replace("T", " ")[:16],
        },
        "differences": differences(changes.earlier, result.run),
        "fates": [
            {"label": words, "count": number(_counted(table, fate))}
            for fate, words in FATES.items()
        ],
        "up": _movers(rows, pages, sign=1),
        "down": _movers(rows, pages, sign=-1),
        "table": {
            "id": "changes",
            "caption": "Clusters of the earlier run and of this one",
            "columns": _columns(),
            "rows": [
                {"beyond": not seen, "cells": _cells(row, pages)}
                for row, seen in zip(rows, shown, strict=True)
            ],
            "beyond": len(shown) - sum(shown),
            "what": "rows",
            "top": sum(shown),
        },
    }


def _counted(table: pd.DataFrame, fate: str) -> int:
    """Count clusters, not rows: a split one has a row for each successor."""
    own = table[table["fate"] == fate]
    return int(
        own["cluster_id_old" if fate in {"same", "split", "gone"} else "cluster_id_new"].nunique()
    )


def differences(earlier: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """
    Say what is different between two runs besides their data.

    Examples
    --------
    >>> old = {"geoclusters": "0.1.0", "settings": {"radius_km": 15.0, "top": 100}}
    >>> differences(old, {"geoclusters": "0.1.0", "settings": {"radius_km": 25.0, "top": 100}})
    ['Radius: 15 km before, 25 km now']
    """
    before, after = earlier.get("settings", {}), now.get("settings", {})
    told = [
        f"{setting_name(name)}: {_value(name, before)} before, {_value(name, after)} now"
        for name in dict.fromkeys((*after, *before))
        if before.get(name) != after.get(name)
    ]
    if earlier.get("metrics") != now.get("metrics"):
        lists = (", ".join(label(m) for m in r.get("metrics", [])) for r in (earlier, now))
        told.append("Metrics: {} before, {} now".format(*lists))
    if earlier.get("geoclusters") != now.get("geoclusters"):
        told.append(f"Version: {earlier.get('geoclusters')} before, {now.get('geoclusters')} now")
    return told


def _value(name: str, settings: dict[str, Any]) -> str:
    given = settings.get(name) is not None
    return shortened(setting_text(name, settings), 120) if given else "not set"


def _shown(row: dict[Any, Any], top: int) -> bool:
    """Show at once what did not simply go on, among the printed top of either run."""
    ranks = (row["rank_old"], row["rank_new"])
    return row["fate"] != "same" and any(not pd.isna(rank) and rank <= top for rank in ranks)


def _movers(
    rows: list[dict[Any, Any]], pages: Collection[str], *, sign: int
) -> list[dict[str, Any]]:
    """List the clusters that went on and moved the most, in one direction."""
    went_on = [r for r in rows if r["fate"] == "same" and sign * r["rank_change"] > 0]
    ordered = sorted(went_on, key=lambda r: (-sign * r["rank_change"], r["rank_new"]))
    return [
        {
            "id": r["cluster_id_new"] if r["cluster_id_new"] in pages else None,
            "name": shortened(r["name_new"], 80),
            "change": change_text(r["rank_change"]),
            "ranks": f"{r['rank_old']} \u2192 {r['rank_new']}",
        }
        for r in ordered[:MOST_MOVERS]
    ]


def _columns() -> list[dict[str, Any]]:
    return [
        column("Rank before", "number"),
        column("Cluster before", "text"),
        column("Rank now", "number"),
        column("Cluster now", "text"),
        column("Change", "number"),
        column("Score before", "number"),
        column("Score now", "number"),
        column("What happened", "text"),
    ]


def _cells(row: dict[Any, Any], pages: Collection[str]) -> list[dict[str, Any]]:
    now = None if pd.isna(row["cluster_id_new"]) else row["cluster_id_new"]
    return [
        number_cell(row["rank_old"], number(_known(row["rank_old"]))),
        text_cell(shortened(_word(row["name_old"])) or UNKNOWN),
        number_cell(row["rank_new"], number(_known(row["rank_new"]))),
        text_cell(shortened(_word(row["name_new"])) or UNKNOWN, id=now, page=now in pages),
        number_cell(row["rank_change"], change_text(row["rank_change"])),
        number_cell(row["score_old"], percent(_known(row["score_old"]))),
        number_cell(row["score_new"], percent(_known(row["score_new"]))),
        text_cell(FATES.get(row["fate"], str(row["fate"]))),
    ]


def _known(value: Any) -> float | None:  # noqa: ANN401
    return None if pd.isna(value) else float(value)


def _word(value: Any) -> str:  # noqa: ANN401
    return "" if value is None or pd.isna(value) else str(value)
