"""The wings of the package do not import each other: what passes between them goes through the house."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import geoclusters

PACKAGE = Path(geoclusters.__file__).parent
WINGS = ("addresses", "cells", "clusters", "indicators", "pages")


def imported(file):
    """Name the modules that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield from (node.module, *(f"{node.module}.{name.name}" for name in node.names))
        elif isinstance(node, ast.Import):
            yield from (name.name for name in node.names)


@pytest.mark.parametrize("wing", WINGS)
def test_a_wing_imports_no_other(wing):
    others = tuple(f"geoclusters.{other}" for other in WINGS if other != wing)
    files = sorted((PACKAGE / wing).rglob("*.py"))
    assert files
    found = {
        f"{file.relative_to(PACKAGE)} imports {module}"
        for file in files
        for module in imported(file)
        if module in others or module.startswith(tuple(f"{other}." for other in others))
    }
    assert not found
