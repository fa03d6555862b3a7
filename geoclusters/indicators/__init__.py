"""Indicators: what each cluster and each economy holds, how clusters are linked, and their ranks."""

from typing import TYPE_CHECKING, Final

from geoclusters.loading import loaded_when_asked

if TYPE_CHECKING:
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

_HOMES: Final = {
    "OUTSIDE": ".members",
    "PLACES_SOURCE": ".population",
    "DocumentParts": ".members",
    "Members": ".members",
    "PopulationSource": ".population",
    "as_documents": ".counts",
    "by_score": ".ranking",
    "concentration": ".ranking",
    "document_parts": ".members",
    "documents_and_links": ".breakdowns",
    "documents_by": ".breakdowns",
    "economies_of_clusters": ".economies",
    "economy_scores": ".economies",
    "league": ".economies",
    "links": ".breakdowns",
    "population_of_clusters": ".population",
    "population_of_places": ".population",
    "ranked": ".ranking",
    "scored": ".counts",
    "summed_by_label": ".counts",
    "with_rates": ".counts",
}

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

__getattr__ = loaded_when_asked(__name__, _HOMES)
