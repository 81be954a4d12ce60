"""A chunk as an array of points: code point, class flags and a cut mark in one integer each.

One array, because each one that is passed costs.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from thresher.filters.kernels import inlined

Points = npt.NDArray[np.int64]

FLAG_SHIFT = 21
"""Bits of a code point; the class flags are above them."""
CUT = 1 << 62
"""Mark of a point that begins a word."""

_POINT = (1 << FLAG_SHIFT) - 1


@inlined
def code(point: int) -> int:
    """The code point of a point."""
    return point & _POINT


@inlined
def flags_of(point: int) -> int:
    """The class flags of a point; the cut mark is above them."""
    return point >> FLAG_SHIFT


@inlined
def is_digit(point: int) -> bool:
    """Whether a point is an ASCII digit."""
    return 48 <= point & _POINT <= 57
