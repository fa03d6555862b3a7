"""Engines: how the steps that touch every address are carried out."""

from geoclusters.engine.local import (
    ADDRESSES_FILE,
    REJECTED_FILE,
    SUMS_FILE,
    add_up_addresses,
    address_dataset,
    cell_sums,
    read_addresses,
    rebin_addresses,
)

__all__ = [
    "ADDRESSES_FILE",
    "REJECTED_FILE",
    "SUMS_FILE",
    "add_up_addresses",
    "address_dataset",
    "cell_sums",
    "read_addresses",
    "rebin_addresses",
]
