"""How the wing compiles its loops: with numba, kept on disk, outside the interpreter's lock."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from geoclusters.compiling import kept_on_disk

if TYPE_CHECKING:
    from collections.abc import Callable

_Function = TypeVar("_Function", bound="Callable[..., Any]")


def kernel(function: _Function) -> _Function:
    """Compile `function` at its first call, and let it run outside the interpreter's lock."""
    return kept_on_disk(function, nogil=True)


def query(function: _Function) -> _Function:
    """
    Compile a kernel that allocates nothing, without reference counts.

    Counting the references to a grid's arrays at every call takes ten times longer than looking
    into them.
    """
    return kept_on_disk(function, nogil=True, _nrt=False)
