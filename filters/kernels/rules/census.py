"""What is counted in bytes, whatever words and lines are."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from thresher.filters.kernels import inner, integer
from thresher.filters.kernels.text.simd import (
    WIDTH,
    address,
    brackets,
    hash_marks,
    leads,
    lowest,
    newlines,
    points,
    population,
)


@inner
def census(data: npt.NDArray[np.uint8], start: int, end: int) -> tuple[int, int, int, int, bool]:
    """Characters, newlines, `#`, ellipses (`...` without overlap, U+2026), any bracket."""
    base = address(data)
    characters = integer(0)
    new_lines = integer(0)
    hashes = integer(0)
    ellipses = integer(0)
    marks = integer(0)
    dots = integer(0)
    last = integer(-2)
    i = start
    while i < end:
        if i + WIDTH > len(data):
            byte = data[i]
            characters += byte & 0xC0 != 0x80
            new_lines += byte == 10
            hashes += byte == 35
            marks |= integer(byte == 91 or byte == 123)
            dotted = integer(byte == 46 or byte == 0xA6)
            width = 1
        else:
            where = base + i
            width = min(WIDTH, end - i)
            inside = (1 << width) - 1
            characters += population(leads(where) & inside)
            new_lines += population(newlines(where) & inside)
            hashes += population(hash_marks(where) & inside)
            marks |= brackets(where) & inside
            dotted = points(where) & inside
        while dotted:
            point = i + lowest(dotted)
            dotted &= dotted - 1
            if data[point] != 46:
                before = point - start >= 2 and data[point - 1] == 0x80
                ellipses += before and data[point - 2] == 0xE2
                continue
            dots = dots + 1 if point == last + 1 else 1
            last = point
            if dots == 3:
                ellipses += 1
                dots = 0
        i += width
    return characters, new_lines, hashes, ellipses, marks != 0
