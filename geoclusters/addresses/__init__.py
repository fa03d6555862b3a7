"""Addresses: read from the sources of a study, checked, and weighed as fractions of their documents."""

from geoclusters.addresses.documents import ScatterFinder, document_keys, whole_documents
from geoclusters.addresses.reading import Rules, Tally, checked_addresses
from geoclusters.addresses.sources import Request, find_format, known_formats, matching_files
from geoclusters.addresses.weighing import weighed_addresses

__all__ = [
    "Request",
    "Rules",
    "ScatterFinder",
    "Tally",
    "checked_addresses",
    "document_keys",
    "find_format",
    "known_formats",
    "matching_files",
    "weighed_addresses",
    "whole_documents",
]
