"""Affiliations matched with ROR, held against labels by hand and against a table that was joined elsewhere.

    python benchmarks/evaluate_ror.py --data ../shared/data

The labels (S2AFF) are split in two by a hash of the organisation they name: the tuning half was looked at while the
matching was written, the held-out half was not, and is what counts. An answer is right when its organisation is among
the labels; its place is right when it lies within 50 km of a labelled organisation. Recall is over the texts of which a
labelled organisation is in the table of organisations at all.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from geoclusters.addresses.sources.ror_index import Index
from geoclusters.addresses.sources.ror_matching import Matcher
from geoclusters.earth import distance_km, unit_vectors

if TYPE_CHECKING:
    from collections.abc import Sequence

    from geoclusters.addresses.sources.ror_matching import Match

RIGHT_KM: Final = 50.0
SPEED_TEXTS: Final = 100_000
PAPER_TEXTS: Final = 20_000
"""Distinct texts of the conference papers that are matched, drawn with a fixed seed."""

FLOORS: Final[dict[str, float]] = {
    "precision": 0.92,
    "recall": 0.82,
    "place_precision": 0.97,
    "place_recall": 0.87,
    "papers_agree": 0.96,
}
"""Least values on the held-out half, of texts whose organisation is in the table, and on the papers."""

_ID: Final = re.compile(r"0[0-9a-z]{8}")


def read_organisations(data: Path) -> pd.DataFrame:
    """Give the table of organisations as a dump would be read."""
    table = pd.read_parquet(data / "institutions_ror/ror_records.parquet")
    names = [[t for t in str(cell or "").split("|") if t] for cell in table["aliases"].fillna("")]
    short = [[t for t in several if t.isupper() and " " not in t] for several in names]
    none: list[list[str]] = [[] for _ in range(len(table))]
    given = {
        "ror_id": table["ror_id"].str[-9:],
        "name": table["name"],
        "aliases": [[t for t in a if t not in b] for a, b in zip(names, short, strict=True)],
        "acronyms": short,
        "types": [str(t).split("|") for t in table["types"]],
        "status": table["status"],
        "city": table["city"].astype(object).where(table["city"].notna(), None),
        "region": table["admin1"].astype(object).where(table["admin1"].notna(), None),
        "country": table["country_code"].astype(object).where(table["country_code"].notna(), None),
        "lat": table["lat"].astype("float64"),
        "lon": table["lon"].astype("float64"),
        "parents": none,
        "successors": none,
    }
    return pd.DataFrame(given).sort_values("ror_id", ignore_index=True)


def read_labels(data: Path) -> pd.DataFrame:
    """Give `text`, `labels` (set of ids) and `held_out` of the texts that were labelled by hand."""
    folder = data / "validation_affiliation_to_ror"
    table = pd.read_csv(folder / "gold_affiliation_annotations.csv").dropna(
        subset=["original_affiliation"]
    )
    labels = [frozenset(_ID.findall(str(cell))) for cell in table["labels"]]
    half = [
        _half(str(sorted(one)) if one else str(cell))
        for one, cell in zip(labels, table["labels"], strict=True)
    ]
    return pd.DataFrame({"text": table["original_affiliation"], "labels": labels, "held_out": half})


def _half(text: str) -> bool:
    return hashlib.blake2b(text.encode(), digest_size=1).digest()[0] % 2 == 1


def compare(
    matches: Sequence[Match], labels: Sequence[frozenset[str]], index: Index
) -> dict[str, float]:
    """Give precision and recall of organisations and of places."""
    row_of = {identifier: row for row, identifier in enumerate(index.ids)}
    known = [[row_of[i] for i in sorted(one) if i in row_of] for one in labels]
    answered = np.array([m.row >= 0 for m in matches])
    right = np.array([m.row in rows for m, rows in zip(matches, known, strict=True)])
    near = np.array([_near(m.row, rows, index) for m, rows in zip(matches, known, strict=True)])
    possible = np.array([bool(rows) for rows in known])
    return {
        "texts": len(labels),
        "possible": int(possible.sum()),
        "answered": int(answered.sum()),
        "precision": float(right[answered].mean()),
        "precision_possible": float(right[answered & possible].mean()),
        "recall": float(right[possible].mean()),
        "place_precision": float(near[answered & possible].mean()),
        "place_recall": float(near[possible].mean()),
    }


def _near(row: int, rows: Sequence[int], index: Index) -> bool:
    if row < 0 or not rows:
        return False
    points = unit_vectors(index.lat[[row, *rows]], index.lon[[row, *rows]])
    return bool((distance_km(points[:1], points[1:]) <= RIGHT_KM).any())


def evaluate(data: Path) -> dict[str, Any]:
    """
    Measure the matching.

    Parameters
    ----------
    data : Path
        Folder of the evaluation data.

    Returns
    -------
    dict
        `tuning` and `held_out`: precision and recall on the labels; `papers`: agreement on the conference papers,
        of distinct texts with a point there; `seconds_100k`: time for that many distinct texts.
    """
    index = Index(read_organisations(data))
    matcher = Matcher(index)
    labels = read_labels(data)
    found: dict[str, Any] = {}
    for name, part in (
        ("tuning", labels[~labels["held_out"]]),
        ("held_out", labels[labels["held_out"]]),
    ):
        found[name] = compare(matcher.match(part["text"]), part["labels"].tolist(), index)
    found["papers"], found["seconds_100k"] = _papers(data, index, matcher)
    return found


def _papers(data: Path, index: Index, matcher: Matcher) -> tuple[dict[str, float], float]:
    """Give the agreement with the points of the conference papers, each distinct text weighed by its rows."""
    table = pd.read_parquet(data / "publications_cs_conferences/paper_author_affiliations.parquet")
    distinct = pd.Series(table["affiliation"].dropna().unique())
    texts = distinct.sample(min(PAPER_TEXTS, len(distinct)), random_state=0).tolist()
    start = time.perf_counter()
    matches = dict(zip(texts, matcher.match(texts), strict=True))
    seconds = (time.perf_counter() - start) * SPEED_TEXTS / len(texts)
    rows = table[table["affiliation"].isin(texts)]
    ours = np.array([matches[t].row for t in rows["affiliation"]])
    answered = ours >= 0
    theirs = rows["lat"].notna().to_numpy()
    both = answered & theirs
    here = unit_vectors(index.lat[ours[both]], index.lon[ours[both]])
    there = unit_vectors(rows["lat"].to_numpy()[both], rows["lon"].to_numpy()[both])
    agree = distance_km(here, there) <= RIGHT_KM
    return {
        "rows": len(rows),
        "texts": len(texts),
        "answered": float(answered.mean()),
        "answered_there": float(theirs.mean()),
        "agree": float(agree.mean()),
    }, seconds


def marked(found: dict[str, Any]) -> dict[str, float]:
    """Give the figures that have floors."""
    held_out = found["held_out"]
    return {
        "precision": held_out["precision_possible"],
        "recall": held_out["recall"],
        "place_precision": held_out["place_precision"],
        "place_recall": held_out["place_recall"],
        "papers_agree": found["papers"]["agree"],
    }


def show(found: dict[str, Any]) -> None:
    """Print the figures."""
    for half in ("tuning", "held_out"):
        figures = " ".join(
            f"{k} {v:.3f}" if isinstance(v, float) else f"{k} {v}" for k, v in found[half].items()
        )
        print(f"{half:9} {figures}")
    papers = found["papers"]
    print(
        f"papers    {papers['rows']} rows, {papers['texts']} texts: answered {papers['answered']:.3f} of the rows "
        f"(there {papers['answered_there']:.3f}), {papers['agree']:.3f} of those with both within {RIGHT_KM:.0f} km"
    )
    print(f"speed     {found['seconds_100k']:.1f} s for 100,000 distinct texts")


def main() -> None:
    """Print the figures; exit status 1 when one is under its floor."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="folder of the evaluation data")
    found = evaluate(parser.parse_args().data)
    show(found)
    fallen = [name for name, value in marked(found).items() if not value >= FLOORS[name]]
    if fallen:
        raise SystemExit(f"under their floor: {', '.join(fallen)}")


if __name__ == "__main__":
    main()
