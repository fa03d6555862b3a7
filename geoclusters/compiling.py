"""Compiles the inner loops with numba, and keeps the machine code on disk where a folder can be written."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FunctionType, ModuleType
from typing import Any, Final, TypeVar

import numba
import numpy as np
from llvmlite import ir
from numba.core import types
from numba.core.caching import FunctionCache
from numba.core.dispatcher import Dispatcher
from numba.extending import intrinsic

_LINEAR_ALGEBRA: Final = "scipy.linalg"
_CONSTANTS: Final = (bool, int, float, str, tuple, np.generic)
Function = TypeVar("Function", bound=Callable[..., Any])


def compiled(function: Function) -> Function:
    """Compile a function of arrays and numbers; it runs without Python's lock, so threads run side by side."""
    return kept_on_disk(function, nogil=True, error_model="numpy")


def kept_on_disk(function: Function, **options: Any) -> Function:  # noqa: ANN401
    """
    Compile a function with options of `numba.njit`, and keep its machine code if that can be done.

    Kept code is renewed when the file of its function changes, or a function or a constant that it uses (`meaning`).
    """
    dispatcher = numba.njit(**options)(function)
    with suppress(RuntimeError):  # neither the package's folder nor the user's cache can be written
        dispatcher._cache = _KeptCode(function, options)  # noqa: SLF001 - as numba's own option does it
    return dispatcher  # type: ignore[no-any-return]


class _KeptCode(FunctionCache):  # type: ignore[misc]
    """
    Machine code of a function, found again only as long as all that was compiled into it is the same.

    numba by itself looks at the file of the function alone, though functions and constants of other files become
    part of the code: it would go on with those of an earlier version.
    """

    def __init__(self, function: Callable[..., Any], options: dict[str, Any]) -> None:
        super().__init__(function)
        self._options = repr(sorted(options.items()))

    def _index_key(self, sig: Any, codegen: Any) -> tuple[Any, ...]:  # noqa: ANN401
        return (*super()._index_key(sig, codegen), self._options, meaning(self._py_func))


def meaning(function: FunctionType) -> str:
    """
    Hash of what a function does: its byte code, the constants that it names, and the functions that it calls.

    Examples
    --------
    >>> def twice(x): return 2 * x
    >>> def three_times(x): return 3 * x
    >>> meaning(twice) == meaning(three_times)
    False
    """
    digest = hashlib.sha256()
    for part in _parts(function, set()):
        digest.update(part)
    return digest.hexdigest()


def _parts(function: FunctionType, seen: set[FunctionType]) -> Iterator[bytes]:
    """Give what makes a function, and the functions that it calls, each once."""
    seen.add(function)
    code = function.__code__
    yield code.co_code
    yield repr([c for c in code.co_consts if isinstance(c, _CONSTANTS)]).encode()
    named = [(name, function.__globals__.get(name)) for name in code.co_names]
    package = function.__module__.partition(".")[0]
    for _, module in list(named):
        if isinstance(module, ModuleType) and module.__name__.partition(".")[0] == package:
            named += [(name, getattr(module, name, None)) for name in code.co_names]
    for name, value in named:
        called = value.py_func if isinstance(value, Dispatcher) else getattr(value, "_defn", None)
        if isinstance(called, FunctionType):  # compiled, or an intrinsic
            if called not in seen:
                yield name.encode()
                yield from _parts(called, seen)
        elif isinstance(value, np.ndarray):
            yield f"{name} {value.dtype} {value.shape}".encode() + value.tobytes()
        elif isinstance(value, _CONSTANTS):
            yield f"{name} {value!r}".encode()


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
