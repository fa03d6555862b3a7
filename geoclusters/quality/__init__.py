"""Quality of the addresses: what could be placed and how finely, where they pile up, and spreading over cities."""

from geoclusters.quality.piles import PILE_KINDS, find_piles
from geoclusters.quality.report import quality_report
from geoclusters.quality.spreading import (
    address_keys,
    changed_sides,
    radius_of_places,
    spread_over_places,
)
from geoclusters.quality.tally import QualityTally

__all__ = [
    "PILE_KINDS",
    "QualityTally",
    "address_keys",
    "changed_sides",
    "find_piles",
    "quality_report",
    "radius_of_places",
    "spread_over_places",
]
