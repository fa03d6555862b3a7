"""Loads what a package offers when it is asked for, so that one function does not cost the import of all."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def loaded_when_asked(package: str, homes: Mapping[str, str]) -> Callable[[str], Any]:
    """
    Give the `__getattr__` of a package.

    Parameters
    ----------
    package : str
        Name of the package, for messages and relative homes.
    homes : mapping of str to str
        Module of each name that the package offers, relative to the package.

    Examples
    --------
    >>> get = loaded_when_asked("geoclusters", {"chord_of": ".earth"})
    >>> get("chord_of").__module__
    'geoclusters.earth'
    """

    def get(name: str) -> Any:  # noqa: ANN401
        if name in homes:
            return getattr(import_module(homes[name], package), name)
        raise AttributeError(f"module {package!r} has no attribute {name!r}")

    return get
