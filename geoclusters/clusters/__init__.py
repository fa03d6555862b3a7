"""Clusters: dense cells are joined into clusters, merged, drawn and named."""

from typing import TYPE_CHECKING, Final

from geoclusters.clusters.territories import Territories, territories
from geoclusters.loading import loaded_when_asked

if TYPE_CHECKING:
    from geoclusters.clusters.density import (
        DenseClusters,
        dense_clusters,
        dense_clusters_and_weights,
        neighbourhood_weights,
    )
    from geoclusters.clusters.merging import Gaps, cluster_gaps, linked_pairs, merge_labels
    from geoclusters.clusters.naming import Names, name_clusters
    from geoclusters.clusters.outlines import (
        area_km2,
        cell_outline,
        drawing_region,
        outlines_and_areas,
    )
    from geoclusters.clusters.plausibility import Finding, implausible, proposed_threshold

_HOMES: Final = {
    "DenseClusters": ".density",
    "Finding": ".plausibility",
    "Gaps": ".merging",
    "Names": ".naming",
    "area_km2": ".outlines",
    "cell_outline": ".outlines",
    "cluster_gaps": ".merging",
    "dense_clusters": ".density",
    "dense_clusters_and_weights": ".density",
    "drawing_region": ".outlines",
    "implausible": ".plausibility",
    "linked_pairs": ".merging",
    "merge_labels": ".merging",
    "name_clusters": ".naming",
    "neighbourhood_weights": ".density",
    "outlines_and_areas": ".outlines",
    "proposed_threshold": ".plausibility",
}

__all__ = [
    "DenseClusters",
    "Finding",
    "Gaps",
    "Names",
    "Territories",
    "area_km2",
    "cell_outline",
    "cluster_gaps",
    "dense_clusters",
    "dense_clusters_and_weights",
    "drawing_region",
    "implausible",
    "linked_pairs",
    "merge_labels",
    "name_clusters",
    "neighbourhood_weights",
    "outlines_and_areas",
    "proposed_threshold",
    "territories",
]


__getattr__ = loaded_when_asked(__name__, _HOMES)
