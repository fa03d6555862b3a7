"""The formats that a study can name, and the one function that finds any of them.

A format is a module with a `FORMAT` (`formats.Format`). Packages can add their own under the entry-point group
``geoclusters.sources``, whose entries name such an object.
"""

from __future__ import annotations

import difflib
from importlib import import_module
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Final

from geoclusters.addresses.sources.columns import canonical
from geoclusters.addresses.sources.files import Member, matching_files, members, readable
from geoclusters.addresses.sources.formats import Format, Options, Request
from geoclusters.errors import SourceError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

__all__ = [
    "Format",
    "Member",
    "Options",
    "Request",
    "canonical",
    "find_format",
    "known_formats",
    "matching_files",
    "members",
    "readable",
]

ENTRY_POINTS: Final = "geoclusters.sources"
MODULES: Final = {
    "table": "table",
    "openalex": "openalex",
    "ror-affiliations": "ror",
    "crunchbase": "crunchbase",
    "wos": "wos",
    "scopus": "scopus",
    "dimensions": "dimensions",
    "lens": "lens",
    "patentsview": "patentsview",
    "regpat": "regpat",
    "geopat": "geopat",
    "patstat": "patstat",
}
"""Format to the module of this folder that reads it; a module is imported when its format is asked for."""


def known_formats() -> list[str]:
    """Names of all formats, ours and those of installed packages."""
    return sorted({*MODULES, *(point.name for point in entry_points(group=ENTRY_POINTS))})


def find_format(name: str) -> Format:
    """
    Find a format by its name.

    Raises
    ------
    SourceError
        Lists the known formats when the name is none of them; or says that a package does not hold what it promises.

    Examples
    --------
    >>> find_format("table").name
    'table'
    """
    if name in MODULES:
        found: Format = import_module(f"{__name__}.{MODULES[name]}").FORMAT
        return found
    for point in entry_points(group=ENTRY_POINTS):
        if point.name == name:
            return _loaded(point)
    known = known_formats()
    close = difflib.get_close_matches(name, known, n=1)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    raise SourceError(f"format = {name!r} is not known{hint}; known formats: {', '.join(known)}")


def _loaded(point: EntryPoint) -> Format:
    """Get a format from the package that announces it."""
    package = point.dist.name if point.dist else point.module
    try:
        found = point.load()
    except (ImportError, AttributeError) as error:
        raise SourceError(
            f"format = {point.name!r} is announced by the package {package!r}, which cannot be loaded: {error}; "
            "mend or remove that package"
        ) from None
    if not isinstance(found, Format):
        raise SourceError(
            f"format = {point.name!r}: {point.value} of the package {package!r} is a {type(found).__name__}; wanted "
            "is an instance of geoclusters.addresses.sources.Format"
        )
    return found
