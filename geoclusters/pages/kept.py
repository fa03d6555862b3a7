"""Keeps what every run draws alike where Python keeps its modules: made once for an installation, not in each run.

Whatever is changed of that on which it depends (the code of the pages, the tables of countries and places, the
libraries that draw) has it made anew.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from contextlib import suppress
from functools import cache, wraps
from importlib.metadata import version
from importlib.util import cache_from_source
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from geoclusters.results import write_json

if TYPE_CHECKING:
    from collections.abc import Callable

Content = TypeVar("Content")

_PARTS: Final = (
    *("pages/*.py", "countries.py", "places.py", "wkb.py"),
    *("tables/outlines.parquet", "tables/places.parquet", "tables/world.geojson"),
)
_LIBRARIES: Final = ("branca", "folium", "jinja2", "numpy", "shapely")


def kept(make: Callable[[], Content]) -> Callable[[], Content]:
    """
    Have what a function makes, of no argument but the package itself, made once and kept as JSON.

    Parameters
    ----------
    make : callable
        Gives what JSON can hold: texts, numbers, lists, dictionaries by text.
    """

    @cache
    @wraps(make)
    def once() -> Content:
        folder = kept_folder()
        if folder is None:
            return make()
        file = folder / f"{make.__name__}.json"
        with suppress(OSError, ValueError, KeyError, TypeError):
            found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
            if found["key"] == _key():
                content: Content = found["content"]
                return content
        made = make()
        # Of runs side by side that write the same, one may fail; either way the file is whole in the end.
        with suppress(OSError):
            write_json(file, {"key": _key(), "content": made})
        return made

    return once


def kept_folder() -> Path | None:
    """Folder in which Python keeps the modules of the pages; None where it may not."""
    if sys.dont_write_bytecode:
        return None
    folder = Path(cache_from_source(__file__)).parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return None
    return folder if os.access(folder, os.W_OK) else None


@cache
def _key() -> str:
    """Hash of all that what is kept is made of."""
    package = Path(__file__).parents[1]
    digest = hashlib.sha256(" ".join(map(version, _LIBRARIES)).encode())
    for file in sorted(file for part in _PARTS for file in package.glob(part)):
        digest.update(file.read_bytes())
    return digest.hexdigest()
