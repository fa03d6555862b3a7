"""Innovation clusters from geocoded addresses."""
