"""Population of clusters: from a raster, a table of H3 cells or of coordinates, or estimated from the places table."""

from geoclusters.indicators.population.gridded import population_of_clusters
from geoclusters.indicators.population.places import (
    PLACES_SOURCE,
    is_district,
    population_of_places,
)
from geoclusters.indicators.population.sources import PopulationSource

__all__ = [
    "PLACES_SOURCE",
    "PopulationSource",
    "is_district",
    "population_of_clusters",
    "population_of_places",
]
