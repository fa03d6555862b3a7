"""Clusters: dense cells are joined into clusters, merged, drawn and named."""

from geoclusters.clusters.density import dense_clusters, neighbourhood_weights
from geoclusters.clusters.merging import cluster_gaps, linked_pairs, merge_labels
from geoclusters.clusters.naming import name_clusters
from geoclusters.clusters.outlines import area_km2, cell_outline, drawing_region
from geoclusters.clusters.plausibility import implausible, proposed_threshold
from geoclusters.clusters.territories import Territories, territories

__all__ = [
    "Territories",
    "area_km2",
    "cell_outline",
    "cluster_gaps",
    "dense_clusters",
    "drawing_region",
    "implausible",
    "linked_pairs",
    "merge_labels",
    "name_clusters",
    "neighbourhood_weights",
    "proposed_threshold",
    "territories",
]
