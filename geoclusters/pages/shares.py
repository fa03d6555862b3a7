"""Which economies a cluster lies in, as a bar whose segments are their shares."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from geoclusters.pages.wording import percent, shortened

if TYPE_CHECKING:
    from geoclusters.results import Result

COLOURS: Final = 8
"""Colours that the style sheet has for segments; the last is for all others together."""
_LEAST_REST: Final = 0.001


def economy_names(result: Result) -> dict[str, str]:
    """Give the names of economies by their codes."""
    economies = result.economies
    return dict(zip(economies["economy"], economies["name"], strict=True))


def economy_parts(shares: str | None, names: dict[str, str]) -> list[dict[str, Any]]:
    """
    Lay out the shares of a cluster's economies as segments of a bar, the largest first.

    Examples
    --------
    >>> parts = economy_parts('{"SG": 0.947, "MY": 0.046}', {"SG": "Singapore"})
    >>> [(p["name"], p["share"]) for p in parts]
    [('Singapore', '94.7 %'), ('MY', '4.60 %'), ('others', '0.70 %')]
    """
    given = sorted(json.loads(shares or "{}").items(), key=lambda pair: -pair[1])
    rest = 1.0 - sum(share for _, share in given)
    parts = [(shortened(names.get(code, code), 60), share) for code, share in given]
    if given and rest > _LEAST_REST:
        parts.append(("others", rest))
    return [
        {
            "name": name,
            "share": percent(share),
            "width": 100 * share,
            "kind": COLOURS - 1 if place >= len(given) else place % (COLOURS - 1),
        }
        for place, (name, share) in enumerate(parts)
    ]
