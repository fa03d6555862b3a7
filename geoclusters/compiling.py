"""Compiles the inner loops with numba, and keeps the machine code on disk where a folder can be written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numba

Function = TypeVar("Function", bound=Callable[..., Any])


def compiled(function: Function) -> Function:
    """
    Compile a function of arrays and numbers; it runs without Python's lock, so threads run side by side.

    Kept code is renewed when the file of its function changes, not when another file does: whoever changes a
    constant or a function that such a file imports has to touch that file too.
    """
    options = {"nogil": True, "error_model": "numpy"}
    try:
        return numba.njit(cache=True, **options)(function)  # type: ignore[no-any-return]
    except RuntimeError:  # neither the package's folder nor the user's cache can be written
        return numba.njit(**options)(function)  # type: ignore[no-any-return]
