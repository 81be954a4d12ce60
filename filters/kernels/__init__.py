"""numba kernels over Arrow buffers: one pass, the GIL released, no Python object per word.

`kernel` and `inlined` are the two decorators. Compiled code is cached beside the sources. numba
stamps a cached function with its own file only, while a kernel carries the code of those it
calls; so a stamp over all sources is kept here, and a cache that another version wrote is
dropped.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
import numpy as np

F = TypeVar("F", bound=Callable[..., Any])

integer = cast(Callable[[Any], int], np.int64)
"""A signed 64-bit number: numba turns signed with unsigned into floating point."""


def kernel(function: F) -> F:
    """Compile a function: without the GIL, cached on disk, no Python objects."""
    compiled: F = numba.njit(nogil=True, cache=True)(function)
    return compiled


def inlined(function: F) -> F:
    """Compile a function into its callers; for scalars only.

    LLVM does not inline what comes from numba's cache, and an array that is passed, inlined or
    not, costs two atomic reference counts (about 12 ns): so what runs per character takes no
    array, and what runs per word takes as few as it can.
    """
    compiled: F = numba.njit(nogil=True, inline="always")(function)
    return compiled


def _drop_stale_cache() -> None:
    here = Path(__file__).parent
    digest = hashlib.sha256()
    for source in sorted(here.glob("*.py")):
        digest.update(source.read_bytes())
    cache = here / "__pycache__"
    stamp = cache / "kernels.sha256"
    current = digest.hexdigest()
    # A read-only installation caches in the user's folder, which numba names by source path.
    with contextlib.suppress(OSError):
        if not stamp.exists() or stamp.read_text() != current:
            for index in cache.glob("*.nbi"):
                index.unlink(missing_ok=True)
            (cache / _COMPILED).unlink(missing_ok=True)
            cache.mkdir(exist_ok=True)
            stamp.write_text(current)


_COMPILED = "kernels.compiled"


def all_compiled() -> bool:
    """Whether a process of this machine has compiled every kernel into the cache."""
    return (Path(__file__).parent / "__pycache__" / _COMPILED).exists()


def note_all_compiled() -> None:
    """Remember that every kernel is in the cache; on a read-only installation it is not."""
    with contextlib.suppress(OSError):
        (Path(__file__).parent / "__pycache__" / _COMPILED).touch()


_drop_stale_cache()
