"""Runs the *record* study, papers by author and patents by inventor, and prints what it holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evaluate_printing import heading, print_clusters, print_rows

from geoclusters.settings import Method
from geoclusters.study import read_study
from geoclusters.workflow import run

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from geoclusters.results import Result


def evaluate(study: Path, out: Path) -> dict[str, float]:
    """
    Run the study, and its papers alone with every setting at its default.

    Parameters
    ----------
    study : Path
        `record.toml`.
    out : Path
        Folder in which the runs get theirs.

    Returns
    -------
    dict of str to float
        `record_clusters`, `record_share_placed` (of the rows of the papers), `papers_clusters`.
    """
    figures = print_record(run(study, out=out / "record"))
    papers = read_study(study).model_copy(
        update={"name": "Papers", "method": Method(metrics=("publications",))}
    )
    return figures | print_papers(run(papers, out=out / "papers"))


def print_record(result: Result) -> dict[str, float]:
    """Print what the record study holds and give its figures."""
    heading(f"Record study: {len(result.clusters)} clusters")
    print_rows(result)
    print_clusters(result)
    for metric in result.metrics:
        print(f"pairs of clusters with the most {metric} in common:")
        print(_top_links(result, metric).to_string(index=False, header=False))
    rows = {row["metric"]: row for row in result.run["rows"]}
    return {
        "record_clusters": len(result.clusters),
        "record_share_placed": rows["publications"]["placed"] / rows["publications"]["read"],
    }


def print_papers(result: Result) -> dict[str, float]:
    """Print what the papers alone give, and the figure."""
    heading(f"The papers alone, with every setting at its default: {len(result.clusters)} clusters")
    print_clusters(result)
    return {"papers_clusters": len(result.clusters)}


def _top_links(result: Result, metric: str, top: int = 8) -> pd.DataFrame:
    names = result.clusters.set_index("cluster_id")["name"]
    links = result.links[result.links["metric"] == metric].dropna(subset=["cluster_a", "cluster_b"])
    links = links.sort_values("documents", ascending=False, kind="stable").head(top)
    return links.assign(a=links["cluster_a"].map(names), b=links["cluster_b"].map(names))[
        ["a", "b", "documents"]
    ]
