"""Reads every row of a study and says how far its addresses can be trusted, without looking for clusters."""

from __future__ import annotations

import tempfile
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from geoclusters import publishing, stages, workflow
from geoclusters.wording import number, percent, printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from geoclusters.study import Study

COUNTED: Final = {
    "outside_window": "outside the window",
    "without_year": "without a year",
    "repaired": "repaired",
    "placed": "placed",
}
DRIFTING: Final = {
    "placed": "placed, by year",
    "coarse": "known to a town at best, by year",
    "piled": "on piles, by year",
}
LONGEST_TEXT: Final = 60

Told = dict[str, Any]


def audit(study: Study, out: str | Path | None = None) -> list[Told]:
    """
    Read every row of a study: what could be placed, how finely, and what is to be doubted.

    Parameters
    ----------
    study : Study
    out : str or Path, optional
        Folder of a run, which keeps what was read and added up: `run` into the same folder goes on from there. By
        default nothing is kept.

    Returns
    -------
    list of dict
        For each source `source` and `metric`; rows `read`, `outside_window`, `without_year`, `repaired` and `placed`;
        `rejected` rows by reason; `geocoded`; and `quality` (`quality.quality_report`), None without rows.

    Raises
    ------
    SourceError
        If a source is missing, wrong or empty, or nothing can be placed.
    """
    with nullcontext(out) if out is not None else tempfile.TemporaryDirectory() as folder:
        state = stages.Stages(Path(folder))
        with state.alone():
            plan, facts = workflow.added_up(study, state)
    rows = publishing.rows_told(plan.study, facts)
    quality = iter(facts["quality"])
    current = next(quality, None)
    for row in rows:
        known = current is not None and current["source"] == row["source"]
        row["quality"] = current if known else None
        current = next(quality, None) if known else current
    return rows


def doubts(audited: Sequence[Told]) -> list[str]:
    """Give what is to be doubted, each sentence with the source that it is about."""
    return [
        f"{row['source']}: {text}"
        for row in audited
        if row["quality"]
        for text in row["quality"]["doubts"]
    ]


def lines(audited: Sequence[Told]) -> list[list[str]]:
    """
    Lay out a table: in each line the words, and the value of each source.

    Examples
    --------
    >>> row = {"source": "a.csv", "metric": "patents", "read": 4, "placed": 3, "rejected": {"duplicate": 1},
    ...        "geocoded": {"asked": 0}, "quality": None}
    >>> for line in lines([row]):
    ...     print(": ".join(line))
    source: a.csv
    rows read: 4
    placed: 3
    rejected: 1
    - duplicate: 1
    """
    told = [
        _line("source", audited, lambda row: printable(row["source"], LONGEST_TEXT)),
        _line("documents left out", audited, lambda row: _count(sum(_left_out(row).values()))),
        *_by_name("", audited, _left_out),
        _line("rows read", audited, lambda row: number(row["read"])),
        *([words, *(_count(row.get(key)) for row in audited)] for key, words in COUNTED.items()),
        _line("rejected", audited, lambda row: _count(sum(row["rejected"].values()))),
        *_by_name("", audited, lambda row: row["rejected"]),
        _line("asked of geocoding", audited, lambda row: _count(row["geocoded"].get("asked"))),
        *_by_name("given a point: ", audited, lambda row: row["geocoded"].get("filled", {})),
        *_by_name("answer: ", audited, lambda row: row["geocoded"].get("reasons", {})),
        *_of_quality(audited),
    ]
    return [line for line in told if any(line[1:])]


def _left_out(row: Told) -> Mapping[str, int]:
    """Documents that the options of the source leave out, by reason; a run of old does not say."""
    counted: Mapping[str, int] = row.get("left_out") or {}
    return counted


def _line(words: str, audited: Sequence[Told], value: Callable[[Told], str]) -> list[str]:
    return [words, *(value(row) for row in audited)]


def _count(n: int | None) -> str:
    """Write a count; nothing that is not there."""
    return number(n) if n else ""


def _by_name(
    words: str, audited: Sequence[Told], counted: Callable[[Told], Mapping[str, int]]
) -> Iterator[list[str]]:
    """Give a line for each name that any source has counted, the most frequent first."""
    total: dict[str, int] = {}
    for row in audited:
        for name, n in counted(row).items():
            total[name] = total.get(name, 0) + n
    for name in sorted(total, key=lambda n: (-total[n], n)):
        shown = f"- {words}{name.replace('_', ' ')}"
        yield [shown, *(_count(counted(row).get(name)) for row in audited)]


def _of_quality(audited: Sequence[Told]) -> Iterator[list[str]]:
    """Give the lines of accuracy, countries, piles and years."""
    known = [row["quality"] or {} for row in audited]
    yield from _by_name("level: ", audited, lambda row: (row["quality"] or {}).get("accuracy", {}))
    yield ["outside the stated country", *(_abroad(q) for q in known)]
    yield ["on piles", *(percent(q["piles"]["share"]) if q else "" for q in known)]
    yield ["- largest", *(_largest(q) for q in known)]
    for key, words in DRIFTING.items():
        yield [words, *(_drift(q, key) for q in known)]


def _abroad(quality: Mapping[str, Any]) -> str:
    if not quality or not quality["outside_country"]["rows"]:
        return ""
    found = quality["outside_country"]
    worst = [f"{c['country']} {number(c['outside'])}" for c in found["countries"][:3]]
    return percent(found["share"]) + (f" ({', '.join(worst)})" if worst else "")


def _largest(quality: Mapping[str, Any]) -> str:
    points = quality["piles"]["points"] if quality else []
    if not points:
        return ""
    top = points[0]
    return f"{number(top['documents'])} documents on {top['lat']:g}, {top['lon']:g} ({top['kind']})"


def _drift(quality: Mapping[str, Any], key: str) -> str:
    """Give the shares of the first and the last year."""
    years = {y: v[key] for y, v in quality.get("years", {}).items() if y.isdecimal()}
    known = [(y, share) for y, share in sorted(years.items()) if share is not None]
    if len(known) < 2 or not any(share for _, share in known):
        return ""
    (first, a), (last, b) = known[0], known[-1]
    return f"{percent(a)} in {first}, {percent(b)} in {last}"
