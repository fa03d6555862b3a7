"""Clusters: dense cells are joined into clusters, merged, drawn and named."""

from geoclusters.clusters.density import (
    DenseClusters,
    dense_clusters,
    dense_clusters_and_weights,
    neighbourhood_weights,
)
from geoclusters.clusters.merging import cluster_gaps, linked_pairs, merge_labels
from geoclusters.clusters.naming import name_clusters
from geoclusters.clusters.outlines import area_km2, cell_outline, drawing_region
from geoclusters.clusters.plausibility import Finding, implausible, proposed_threshold
from geoclusters.clusters.territories import Territories, territories

__all__ = [
    "DenseClusters",
    "Finding",
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
    "proposed_threshold",
    "territories",
]
