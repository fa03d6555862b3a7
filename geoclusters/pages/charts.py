"""Charts of the report as inline SVG: concentration, and size against intensity."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from geoclusters.pages.axes import Axis, axis_of, labelled, spread
from geoclusters.pages.shares import COLOURS
from geoclusters.pages.wording import label, measured, number, percent, shortened

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from geoclusters.results import Result

TOPS: Final = (1, 10, 100)
"""How many of the first clusters the table of concentration adds up."""

NAMED_ECONOMIES: Final = 5
"""Economies that have a colour of their own among the points; the last colour is for the others."""

LONGEST_LABEL: Final = 26
_TYPE: Final = 12.0
_LABELS_BY_SCORE, _LABELS_BY_INTENSITY = 16, 10


def concentration_table(clusters: pd.DataFrame, metrics: Sequence[str]) -> list[dict[str, Any]]:
    """
    Part of the world that the first clusters hold, per metric; of a smaller run all stand for the rest.

    Parameters
    ----------
    clusters : pandas.DataFrame
        `rank` and a `share_<metric>` column a metric.

    Examples
    --------
    >>> clusters = pd.DataFrame({"rank": range(1, 13), "share_patents": 0.0625})
    >>> concentration_table(clusters, ["patents"])
    [{'top': 1, 'shares': [0.0625]}, {'top': 10, 'shares': [0.625]}, {'top': 12, 'shares': [0.75]}]
    """
    whole = max(len(clusters), 1)
    return [
        {
            "top": top,
            "shares": [
                float(clusters.loc[clusters["rank"] <= top, f"share_{m}"].sum()) for m in metrics
            ],
        }
        for top in sorted({min(top, whole) for top in TOPS})
    ]


def concentration_chart(clusters: pd.DataFrame, metrics: Sequence[str]) -> dict[str, Any] | None:
    """Lay out the cumulative shares of the first 1, 2, 3, … clusters; None if there are too few."""
    if len(clusters) < 2:
        return None
    ordered = clusters.sort_values("rank")
    curves: list[Any] = [ordered[f"share_{m}"].astype(float).cumsum().to_numpy() for m in metrics]
    highest = max(float(c[-1]) for c in curves)
    if highest <= 0:
        return None
    width, height, left, right, foot = 720.0, 340.0, 52.0, 150.0, 40.0
    x = Axis(1.0, float(len(ordered)), left, width - right, log=True)
    y = Axis(0.0, 1.04 * highest, height - foot, 12.0, log=False)
    lines = [
        _line(m, kind, curve, x, y)
        for kind, (m, curve) in enumerate(zip(metrics, curves, strict=True))
    ]
    ends = spread([line["end_y"] for line in lines], least=17, low=14, high=height - foot)
    return {
        "width": width,
        "height": height,
        "left": left,
        "right": width - right,
        "ground": height - foot,
        "x": x.ticks(number),
        "y": y.ticks(lambda v: f"{100 * v:g} %"),
        "lines": [{**line, "end_y": end} for line, end in zip(lines, ends, strict=True)],
        "spoken": "; ".join(m["spoken"] for line in lines for m in line["marks"]),
    }


def _line(metric: str, kind: int, curve: Any, x: Axis, y: Axis) -> dict[str, Any]:  # noqa: ANN401
    return {
        "label": label(metric),
        "kind": kind % COLOURS,
        "path": _path(x, y, curve),
        "end": percent(float(curve[-1])),
        "end_y": y.place(float(curve[-1])),
        "marks": [
            {"x": x.place(top), "y": y.place(curve[top - 1]), "spoken": _mark(metric, top, curve)}
            for top in TOPS
            if top <= len(curve)
        ],
    }


def _mark(metric: str, top: int, curve: Any) -> str:  # noqa: ANN401
    return f"{label(metric)}: the first {top} hold {percent(float(curve[top - 1]))}"


def _path(x: Axis, y: Axis, curve: Any) -> str:  # noqa: ANN401
    """Draw a line through so many points as the width can show."""
    picked = np.unique(np.geomspace(1, len(curve), 160).round().astype(int))
    return "M" + "L".join(f"{x.place(float(n))} {y.place(float(curve[n - 1]))}" for n in picked)


def scatter_chart(result: Result, pages: Collection[str]) -> dict[str, Any] | None:
    """Lay out score against intensity, a circle a cluster; None if fewer than two have both."""
    clusters = result.clusters.drop(columns=["geometry", "region"])
    known = pd.DataFrame(clusters[(clusters["score"] > 0) & (clusters["intensity"] > 0)])
    if len(known) < 2:
        return None
    width, height, left, foot = 1080.0, 560.0, 58.0, 48.0
    score, intensity = (known[c].astype(float).tolist() for c in ("score", "intensity"))
    x = axis_of(score, start=left, end=width - 50)
    y = axis_of(intensity, start=height - foot, end=14)
    kinds, legend = _economy_kinds(result, known)
    most = max(known["population"].astype(float).max(), 1.0)
    points = [
        _point(row, x, y, most, kinds.get(_first(row), COLOURS - 1), pages)
        for row in known.to_dict("records")
    ]
    return {
        "width": width,
        "height": height,
        "left": left,
        "right": width - 50,
        "ground": height - foot,
        "x": x.ticks(lambda v: f"{100 * v:g} %"),
        "y": y.ticks(lambda v: f"{v:g}"),
        "log": " and ".join(n for n, a in (("score", x), ("intensity", y)) if a.log),
        "points": points,
        "labels": labelled(
            _worth_naming(points),
            beside=points,
            type_size=_TYPE,
            width=width,
            height=height - foot,
        ),
        "legend": legend,
        "left_out": len(clusters) - len(known),
    }


def _first(row: dict[Any, Any]) -> str:
    return str(row["economies"] or "").split("/")[0]


def _economy_kinds(
    result: Result, clusters: pd.DataFrame
) -> tuple[dict[str, int], list[dict[str, Any]]]:
    """Give the economies with the most clusters a colour each."""
    first = clusters["economies"].fillna("").astype("str").str.split("/").str[0]
    counted = first[first != ""].value_counts().rename_axis("economy").reset_index(name="n")
    counted = counted.sort_values(["n", "economy"], ascending=[False, True])
    chosen = counted["economy"].head(NAMED_ECONOMIES).tolist()
    names = dict(zip(result.economies["economy"], result.economies["name"], strict=True))
    legend = [{"name": shortened(names.get(e, e), 40), "kind": k} for k, e in enumerate(chosen)]
    if len(counted) > NAMED_ECONOMIES:
        legend.append({"name": "other economies", "kind": COLOURS - 1})
    return {economy: kind for kind, economy in enumerate(chosen)}, legend


def _point(
    row: dict[Any, Any], x: Axis, y: Axis, most: float, kind: int, pages: Collection[str]
) -> dict[str, Any]:
    return {
        "id": row["cluster_id"] if row["cluster_id"] in pages else None,
        "x": x.place(row["score"]),
        "y": y.place(row["intensity"]),
        "r": round(3.0 + 13.0 * math.sqrt(row["population"] / most), 1),
        "kind": kind,
        "rank": row["rank"],
        "intensity_rank": row["intensity_rank"],
        "name": shortened(row["name"], LONGEST_LABEL),
        "spoken": (
            f"{row['rank']} {shortened(row['name'], 80)}: score {percent(row['score'])}, "
            f"intensity {measured(row['intensity'])}, {number(row['population'])} inhabitants"
        ),
    }


def _worth_naming(points: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Choose the points that get a label, the first by score before the first by intensity."""
    by_score = sorted(points, key=lambda p: p["rank"])[:_LABELS_BY_SCORE]
    by_intensity = sorted(points, key=lambda p: p["intensity_rank"])[:_LABELS_BY_INTENSITY]
    chosen = {p["rank"]: p for p in (*by_score, *by_intensity)}
    return list(chosen.values())
