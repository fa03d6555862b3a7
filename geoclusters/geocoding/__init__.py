"""Geocoding without a network: from the names of a place, a region and a country to a point."""

from geoclusters.geocoding.answers import REASONS, geocode

__all__ = ["REASONS", "geocode"]
