"""The settings of a run in words and with their units, as the pages print them."""

from __future__ import annotations

from typing import Any, Final

from geoclusters.densities import KINDS, density_text
from geoclusters.pages.wording import label, percent

NAMES: Final = {
    "resolution": "H3 resolution of the cells",
    "radius_km": "Radius",
    "density": "Density adds up",
    "min_density": "Least density of a core cell",
    "merge_gap_km": "Clusters merge up to a gap of",
    "merge_rule": "Merging asks for",
    "world_total": "World total",
    "weights": "Weights of the metrics",
    "top": "Clusters in the printed ranking",
    "holes": "Holes of the outlines",
    "cross_border_share": "Cross-border from a share of",
    "accuracy": "Coarsest addresses placed",
    "repair_swapped": "Swapped coordinates repaired",
    "check_country": "Points checked against the stated country",
    "spread": "Addresses known to a town only",
    "spread_seed": "Seed of the spreading",
}
"""What each setting is called; others are called by their key."""

WORDS: Final = {
    **{("density", name): kind.words for name, kind in KINDS.items()},
    ("merge_rule", "gap"): "the gap",
    ("merge_rule", "gap+links"): "the gap and the strongest link",
    ("world_total", "all"): "all documents of the window",
    ("world_total", "placed"): "placed documents",
    ("holes", "keep"): "kept",
    ("holes", "fill"): "filled",
    ("accuracy", "place"): "known to a town",
    ("accuracy", "region"): "known to a region",
    ("accuracy", "country"): "known to a country",
    ("spread", "none"): "stay at its middle",
    ("spread", "places"): "are spread over it",
}
_SHARES: Final = frozenset({"cross_border_share"})
_KM: Final = "_km"


def setting_rows(settings: dict[str, Any]) -> list[tuple[str, str]]:
    """
    List the settings of a run: name and value in words. What is not set, or has no effect, is left out.

    Examples
    --------
    >>> setting_rows({"radius_km": 7.5, "spread": "none", "spread_seed": 0, "profile": None})
    [('Radius', '7.5 km'), ('Addresses known to a town only', 'stay at its middle')]
    """
    return [
        (setting_name(key), setting_text(key, settings))
        for key, value in settings.items()
        if value not in (None, [], {}, ())
        and (key != "spread_seed" or settings.get("spread", "none") != "none")
    ]


def setting_name(key: str) -> str:
    """
    Name a setting.

    Examples
    --------
    >>> setting_name("radius_km"), setting_name("chunk_size")
    ('Radius', 'Chunk size')
    """
    return NAMES.get(key) or label(key.removesuffix(_KM))


def setting_text(key: str, settings: dict[str, Any]) -> str:
    """
    Write the value of a setting with its unit.

    Examples
    --------
    >>> study = {"density": "shares", "min_density": 5e-4, "check_country": True}
    >>> [setting_text(key, study) for key in study]
    ["shares of the world's documents", '0.05 % of the world', 'yes']
    """
    value = settings.get(key)
    if key == "min_density":
        return density_text(value, settings)
    match value:
        case bool():
            return "yes" if value else "no"
        case dict():
            return ", ".join(f"{label(str(k))} {_plain(v)}" for k, v in value.items())
        case list() | tuple():
            return ", ".join(label(str(v)) for v in value)
        case float() if key in _SHARES:
            return percent(value)
        case _:
            shown = WORDS.get((key, str(value))) or _plain(value)
            return f"{shown} km" if key.endswith(_KM) else shown


def _plain(value: Any) -> str:  # noqa: ANN401
    return f"{value:g}" if isinstance(value, float) else str(value)
