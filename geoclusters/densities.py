"""The kinds of density: what is added up around a place, in which whole numbers, and how it is written.

A further kind is an entry of `KINDS`, its name in `settings.Density`, and the weights of its cells in
`assembly.WEIGHTS`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from geoclusters import schema
from geoclusters.wording import number, percent

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


@dataclass(frozen=True)
class Kind:
    """
    One kind of density.

    Attributes
    ----------
    default, most : float
        Threshold where a study gives none, and the largest that makes sense.
    parts : int
        Whole numbers that 1 of it is added up in.
    exact : bool
        Whole numbers say it exactly, so that a threshold is reached or not; where cells round, a little less will do.
    words : str
        What is added up.
    text : callable
        Writes an amount of it.
    unit, factor : str, float
        Unit of legends, and what an amount is multiplied by for it.
    small_unit, small_factor, small : str, float, float
        The same for legends that begin below `small`.
    """

    default: float
    most: float
    parts: int
    exact: bool
    words: str
    text: Callable[[float | None], str]
    unit: str
    factor: float
    small_unit: str = ""
    small_factor: float = 1.0
    small: float = 0.0

    def legend(self, least: float) -> dict[str, Any]:
        """Give the unit in which the limits of classes are short, of which `least` is the first."""
        if least < self.small:
            return {"unit": self.small_unit, "factor": self.small_factor}
        return {"unit": self.unit, "factor": self.factor}


KINDS: Final = {
    "shares": Kind(
        default=5e-4,
        most=1.0,
        parts=schema.DENSITY_ONE,
        exact=False,
        words="shares of the world's documents",
        text=lambda value: f"{percent(value)} of the world",
        unit="% of the world",
        factor=100,
        small_unit="millionths of the world",
        small_factor=1e6,
        small=1e-5,
    ),
    "addresses": Kind(
        default=4500.0,
        most=1e15,
        parts=1,
        exact=True,
        words="addresses",
        text=lambda value: f"{number(value)} addresses",
        unit="addresses",
        factor=1,
    ),
}


def kind_of(settings: Mapping[str, Any]) -> Kind:
    """Give the kind of density of a run with these settings."""
    return KINDS[settings.get("density", "shares")]


def density_text(value: float | None, settings: Mapping[str, Any]) -> str:
    """
    Write a density in the unit of the study.

    Examples
    --------
    >>> density_text(5e-4, {"density": "shares"}), density_text(4500, {"density": "addresses"})
    ('0.05 % of the world', '4,500 addresses')
    """
    return kind_of(settings).text(value)
