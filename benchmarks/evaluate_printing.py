"""Prints what the parts of the evaluation share: headings, the rows of a run, its quality, its first clusters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from geoclusters.earth import distance_km, unit_vectors

if TYPE_CHECKING:
    from geoclusters.results import Result


def heading(text: str) -> None:
    """Print an underlined heading."""
    print(f"\n{text}\n{'-' * len(text)}")


def print_rows(result: Result) -> None:
    """Print what became of the rows and of the documents of every source."""
    for row in result.run["rows"]:
        rejected = _counts(row["rejected"]) or "none"
        print(
            f"{row['metric']}: {row['read']} rows read, {row['placed']} placed; rejected: {rejected}"
        )
        geocoded = row["geocoded"]
        if geocoded["asked"]:
            print(f"    geocoded: {geocoded['asked']} asked; {_counts(geocoded['reasons'])}")
    for metric, documents in result.run["documents"].items():
        told = ", ".join(f"{name} {value:,.0f}" for name, value in documents.items())
        print(f"{metric}: documents {told}")


def print_quality(result: Result) -> None:
    """Print what the quality report doubts, source by source."""
    for source, row in zip(result.run["quality"], result.run["rows"], strict=True):
        outside, piles = source["outside_country"], source["piles"]
        countries = ", ".join(f"{c['country']} {c['outside']}" for c in outside["countries"])
        print(
            f"{row['metric']}: {source['placed']:.1%} of the rows placed; {_counts(source['accuracy'])}; "
            f"outside the stated country {outside['share']:.2%}{f' ({countries})' if countries else ''}; "
            f"on piles {piles['share']:.1%}"
        )
        for doubt in source["doubts"]:
            print(f"    {doubt}")


def _counts(numbers: dict[str, int]) -> str:
    return ", ".join(f"{n} {name}" for name, n in numbers.items())


def print_clusters(result: Result) -> None:
    """Print the first clusters, the widest one, and those across borders."""
    columns = ["rank", "name", "economies", *result.metrics, "score"]
    print(
        result.ranking[columns].head(15).to_string(index=False, float_format=lambda x: f"{x:.4g}")
    )
    width, widest = _widest(result)
    print(f"widest cluster: {widest}, {width:.0f} km across")
    crossing = result.clusters[result.clusters["cross_border"]]
    print(f"cross-border clusters: {len(crossing)}")
    for row in crossing.itertuples():
        print(f"    No {row.rank} {row.name}: {row.economies} {row.economy_shares}")
    for warning in result.run["warnings"]:
        print(f"warning: {warning}")


def _widest(result: Result) -> tuple[float, str]:
    """Give the cluster whose farthest cells are farthest apart, with the kilometres first."""
    cells = result.cells.dropna(subset=["cluster_id"])
    widths = {}
    for cluster, group in cells.groupby("cluster_id"):
        vectors = unit_vectors(group["lat"], group["lon"])
        widths[cluster] = max(float(distance_km(v, vectors).max()) for v in vectors)
    widest = max(widths, key=lambda c: widths[c])
    return widths[widest], result.clusters.set_index("cluster_id").loc[widest, "name"]
