"""numba kernels over Arrow buffers: one pass, the GIL released, no Python object per word.

`kernel`, `borrowing_kernel`, `inner` and `inlined` are the decorators; `cache` says where compiled
code is kept.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba
import numpy as np
from llvmlite.ir import Constant
from numba.extending import intrinsic

from thresher.filters.kernels.text import cache

__all__ = ["borrowed", "borrowing_kernel", "inlined", "inner", "integer", "kernel"]

_F = TypeVar("_F", bound=Callable[..., Any])

integer = cast(Callable[[Any], int], np.int64)
"""A signed 64-bit number: numba turns signed with unsigned into floating point."""


def kernel(function: _F) -> _F:
    """Compile a function: without the GIL, cached on disk, no Python objects."""
    with cache.used_by_numba():
        compiled: _F = numba.njit(nogil=True, cache=True)(function)
    return compiled


def borrowing_kernel(function: _F) -> _F:
    """The same for a kernel that makes no array and so need not count who holds one."""
    with cache.used_by_numba():
        compiled: _F = numba.njit(nogil=True, cache=True, _nrt=False)(function)
    return compiled


def inner(function: _F) -> _F:
    """A `borrowing_kernel` that only kernels call.

    What calls from Python need is a third of compiling.
    """
    with cache.used_by_numba():
        compiled: _F = numba.njit(
            nogil=True, cache=True, no_cpython_wrapper=True, no_cfunc_wrapper=True, _nrt=False
        )(function)
    return compiled


def inlined(function: _F) -> _F:
    """Compile a function into its callers; for scalars only.

    LLVM does not inline what comes from numba's cache, and an array that is passed is seven
    numbers on the stack: so what runs per character is no call, and what runs per word takes as
    few arrays as it can.
    """
    compiled: _F = numba.njit(nogil=True, inline="always")(function)
    return compiled


@intrinsic
def borrowed(_context: Any, array: Any) -> Any:
    """The same array without its owner, so that passing it on costs no reference counts.

    For what a `kernel` got from Python, which holds it until the kernel returns.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        struct = context.make_array(signature.args[0])(context, builder, arguments[0])
        struct.meminfo = Constant(struct.meminfo.type, None)
        struct.parent = Constant(struct.parent.type, None)
        return struct._getvalue()

    return array(array), generate
