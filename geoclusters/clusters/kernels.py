"""How the wing compiles its loops: with numba, kept on disk, outside the interpreter's lock."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar, cast

import numba

if TYPE_CHECKING:
    from collections.abc import Callable

_Function = TypeVar("_Function", bound="Callable[..., Any]")


def kernel(function: _Function) -> _Function:
    """
    Compile `function` at its first call, and let it run outside the interpreter's lock.

    The machine code is kept on disk, and renewed when the file of the function changes. Whoever
    changes a kernel or a constant that other files use has to touch those files as well, or to
    delete the kept code (``*.nbi`` in ``__pycache__``).
    """
    return _compiled(function)


def query(function: _Function) -> _Function:
    """
    Compile a kernel that allocates nothing, without reference counts.

    Counting the references to a grid's arrays at every call takes ten times longer than looking
    into them.
    """
    return _compiled(function, _nrt=False)


def _compiled(function: _Function, **options: bool) -> _Function:
    try:
        return cast("_Function", numba.njit(cache=True, nogil=True, **options)(function))
    except RuntimeError:  # neither the package's folder nor the user's cache can be written
        return cast("_Function", numba.njit(nogil=True, **options)(function))
