"""Indicators: what each cluster and each economy holds, how clusters are linked, and their ranks."""

from geoclusters.indicators.breakdowns import documents_and_links, documents_by, links
from geoclusters.indicators.counts import as_documents, scored, summed_by_label, with_rates
from geoclusters.indicators.economies import economies_of_clusters, economy_scores, league
from geoclusters.indicators.members import OUTSIDE, DocumentParts, Members, document_parts
from geoclusters.indicators.population import (
    PLACES_SOURCE,
    PopulationSource,
    population_of_clusters,
    population_of_places,
)
from geoclusters.indicators.ranking import by_score, concentration, ranked

__all__ = [
    "OUTSIDE",
    "PLACES_SOURCE",
    "DocumentParts",
    "Members",
    "PopulationSource",
    "as_documents",
    "by_score",
    "concentration",
    "document_parts",
    "documents_and_links",
    "documents_by",
    "economies_of_clusters",
    "economy_scores",
    "league",
    "links",
    "population_of_clusters",
    "population_of_places",
    "ranked",
    "scored",
    "summed_by_label",
    "with_rates",
]
