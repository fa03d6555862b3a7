"""Draws `clusters/<cluster_id>.html`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from geoclusters.results import Result


def clusters_with_page(result: Result) -> list[str]:
    return []


def draw_clusters(result: Result, pages: list[str]) -> None:
    pass
