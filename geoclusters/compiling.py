"""Compiles the inner loops with numba, and keeps the machine code on disk where a folder can be written."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from typing import Any, TypeVar

import numba
from numba.np import linalg

Function = TypeVar("Function", bound=Callable[..., Any])


def compiled(function: Function) -> Function:
    """
    Compile a function of arrays and numbers; it runs without Python's lock, so threads run side by side.

    Kept code is renewed when the file of its function changes, not when another file does: whoever changes a
    constant or a function that such a file imports has to touch that file too.
    """
    return kept_on_disk(function, nogil=True, error_model="numpy")


def kept_on_disk(function: Function, **options: Any) -> Function:  # noqa: ANN401
    """Compile a function with options of `numba.njit`, and keep its machine code if that can be done."""
    try:
        return numba.njit(cache=True, **options)(function)  # type: ignore[no-any-return]
    except RuntimeError:  # neither the package's folder nor the user's cache can be written
        return numba.njit(**options)(function)  # type: ignore[no-any-return]


def _load_array_functions() -> None:
    """
    Have numba load what it knows of arrays, without scipy's linear algebra.

    It imports that only to learn whether it is there, which takes longer than all else that it loads; where a
    product of matrices is compiled, it is imported all the same.
    """
    given = linalg.ensure_blas
    linalg.ensure_blas = _look_for_scipy
    try:
        import numba.np.arraymath  # noqa: F401, PLC0415 - must come while the other function stands there
    finally:
        linalg.ensure_blas = given


def _look_for_scipy() -> None:
    if find_spec("scipy") is None:
        raise ImportError("scipy is not installed")


_load_array_functions()
