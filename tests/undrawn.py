"""Runs without pages, for tests that look at tables: drawing takes longer than all the rest."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from geoclusters import geopackage, pages

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def undrawn() -> Iterator[None]:
    """Let runs leave out the pages and the GeoPackage, which are made from the tables beside them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pages, "begin", lambda *_: None)
        patch.setattr(pages, "draw_pages", lambda *_, **__: None)
        patch.setattr(geopackage, "write_geopackage", lambda *_, **__: None)
        yield
