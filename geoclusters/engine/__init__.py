"""Engines: how the steps that touch every address are carried out."""

from geoclusters.engine.adding import REJECTED_FILE
from geoclusters.engine.local import add_up_addresses, read_sources
from geoclusters.engine.store import AddressStore

__all__ = ["REJECTED_FILE", "AddressStore", "add_up_addresses", "read_sources"]
