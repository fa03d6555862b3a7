"""Compiles the inner loops with numba, and keeps the machine code on disk where a folder can be written."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final, TypeVar

import numba
from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

_LINEAR_ALGEBRA: Final = "scipy.linalg"
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


@contextmanager
def no_linear_algebra() -> Iterator[None]:
    """
    Have compiled functions do without matrix products, for a process in which nobody asks for any.

    Where numba first compiles or loads a function it looks whether it can multiply matrices, for which it loads most
    of scipy: a quarter of a second. Within the context scipy counts as missing, unless it is loaded already.
    """
    if _LINEAR_ALGEBRA in sys.modules:
        yield
        return
    sys.modules[_LINEAR_ALGEBRA] = None  # type: ignore[assignment]  # an import of it fails
    try:
        yield
    finally:
        del sys.modules[_LINEAR_ALGEBRA]


@intrinsic  # type: ignore[untyped-decorator]
def prefetch(_: Any, array: types.Array, row: types.Integer) -> Any:  # noqa: ANN401
    """
    Ask the processor for the memory of a row of an array, ahead of its use; for compiled functions only.

    Without it a loop over random rows waits for each of them in turn. A row that is none does no harm.
    """
    byte_pointer = ir.IntType(8).as_pointer()
    flag = ir.IntType(32)

    def generate(context: Any, builder: Any, signature: Any, given: Any) -> Any:  # noqa: ANN401
        held = context.make_array(signature.args[0])(context, builder, given[0])
        strides = numba.core.cgutils.unpack_tuple(builder, held.strides)
        start = builder.bitcast(held.data, byte_pointer)
        address = builder.gep(start, [builder.mul(given[1], strides[0])])
        kind = ir.FunctionType(ir.VoidType(), [byte_pointer, flag, flag, flag])
        ask = numba.core.cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0i8")
        to_write, keep_near, data = 1, 3, 1
        builder.call(ask, [address, *(ir.Constant(flag, v) for v in (to_write, keep_near, data))])
        return context.get_dummy_value()

    return types.void(array, row), generate
