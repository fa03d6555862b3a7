"""Geocoding without a network: from the names of a place, a region and a country to a point."""

from geoclusters.geocoding.answers import REASONS, geocode
from geoclusters.geocoding.batches import (
    AMBIGUOUS_PLACE,
    UNKNOWN_PLACE,
    GeocodingRules,
    GeocodingTally,
    geocoded,
)
from geoclusters.geocoding.external import KeptGeocoder, open_geocoder

__all__ = [
    "AMBIGUOUS_PLACE",
    "REASONS",
    "UNKNOWN_PLACE",
    "GeocodingRules",
    "GeocodingTally",
    "KeptGeocoder",
    "geocode",
    "geocoded",
    "open_geocoder",
]
