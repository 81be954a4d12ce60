"""Mending of texts: what went wrong on the way from the writer to the page, where that is certain.

Four kinds of damage are undone, and counted: UTF-8 that was read in another charset (by ftfy, line
by line), marks that became replacement characters, words that a line break cuts in two, and soft
hyphens. Only texts in which `thresher.filters.normal_text.inspect` finds such a thing need come
here. Each step takes linear time. What is not certain stays as it is, for policies to judge.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from thresher.filters.cut_words import join_words
from thresher.filters.kernels.text.line_ends import LINE_ENDS
from thresher.filters.lost_marks import restore_marks
from thresher.filters.normal_text import inspect, normal_texts

KINDS = 5
"""Of changes: line ends, mojibake, lost marks, soft hyphens, broken words."""
MOST_CHARACTERS = 1 << 16
"""Of lines with mojibake that ftfy gets; what follows in such a text stays as it is."""
SEGMENT = 500
"""Characters that ftfy gets at once: on hostile ones its time grows faster than they do."""

_MOJIBAKE = re.compile("[ÂÃ][\x80-\xbf]|â[€\x80„]")
_LOST_QUOTE = "â€\ufffd"
"""Of the marks that begin so, only the closing quote has a byte that Windows-1252 does not."""


@dataclass(frozen=True, slots=True)
class Mended:
    """A text, and how much was mended in it."""

    text: str
    mojibake: int = 0
    """Sequences of characters that stood for another character."""
    replacements: int = 0
    """Replacement characters that are marks again."""
    soft_hyphens: int = 0
    broken_words: int = 0


class Changes(NamedTuple):
    """What making texts normal and mending them comes to."""

    rows: npt.NDArray[np.bool_]
    """Whether each text is changed."""
    texts: pa.Array
    """Those that are, as they are then."""
    counts: npt.NDArray[np.int64]
    """Of each of these how much was changed, in the order of the family `mending`."""


def changes(texts: pa.Array) -> Changes:
    """Make texts normal, and mend them; texts with nothing to do cost one look at their bytes.

    Args:
        texts: string or large_string, without nulls.

    Raises:
        TypeError: if `texts` is not of strings.
        ValueError: if it contains a null.
    """
    looks = inspect(texts)
    rows = np.asarray(looks.any(axis=1))
    counts = np.zeros((int(rows.sum()), KINDS), np.int64)
    counts[:, 0] = looks[rows, LINE_ENDS]
    found = normal_texts(texts.filter(pa.array(rows)))
    damaged = inspect(found)[:, LINE_ENDS + 1 :].any(axis=1)
    if damaged.any():
        mask = pa.array(damaged)
        mended = [mend(text) for text in found.filter(mask).to_pylist()]
        counts[damaged, 1:] = [
            (each.mojibake, each.replacements, each.soft_hyphens, each.broken_words)
            for each in mended
        ]
        again = normal_texts(pa.array([each.text for each in mended], texts.type))
        found = pc.replace_with_mask(found, mask, again)
    changed = counts.any(axis=1)
    rows[rows] = changed
    return Changes(rows, found.filter(pa.array(changed)), counts[changed])


def mended_texts(texts: pa.Array) -> pa.Array:
    """Texts in normal form and mended, as a run stores them; raises as `changes`."""
    rows, found, _ = changes(texts)
    return pc.replace_with_mask(texts, pa.array(rows), found) if rows.any() else texts


def mend(text: str) -> Mended:
    """Undo what is certainly damage.

    Args:
        text: in normal form; what comes of it may not be, where a soft hyphen stood behind a space.
    """
    decoded, mojibake = _decode_again(text)
    restored, replacements = restore_marks(decoded)
    joined, broken_words = join_words(restored)
    plain = joined.replace("\u00ad", "")
    return Mended(plain, mojibake, replacements, len(joined) - len(plain), broken_words)


def _decode_again(text: str) -> tuple[str, int]:
    """Text whose lines with mojibake went through ftfy; and how many sequences that undid."""
    if not _MOJIBAKE.search(text):
        return text, 0
    left = MOST_CHARACTERS
    count = 0
    lines = text.split("\n")
    for i, line in enumerate(lines):
        if not _MOJIBAKE.search(line):
            continue
        parts = _segments(line)
        for k, part in enumerate(parts):
            found = len(_MOJIBAKE.findall(part))
            if found and len(part) <= left:
                left -= len(part)
                parts[k] = _fixed(part)
                undone = found - len(_MOJIBAKE.findall(parts[k]))
                count += max(undone, int(parts[k] != part))
        lines[i] = "".join(parts)
    return "\n".join(lines), count


def _segments(line: str) -> list[str]:
    """The line in parts that ftfy gets at once, cut behind a space where there is one."""
    parts = []
    start = 0
    while len(line) - start > SEGMENT:
        end = line.rfind(" ", start, start + SEGMENT) + 1
        if end <= start:
            end = start + SEGMENT
        parts.append(line[start:end])
        start = end
    return [*parts, line[start:]]


def _fixed(part: str) -> str:
    try:
        fixed = _ftfy()(part.replace(_LOST_QUOTE, "”"))
    except (RecursionError, UnicodeError):  # it was made to break it
        return part
    return fixed.replace("\0", "")  # it reads the overlong form of one, which DuckDB cannot hold


@functools.cache
def _ftfy() -> Callable[[str], str]:
    """The one function of ftfy that is used; its import takes a twentieth of a second."""
    from ftfy import TextFixerConfig, fix_encoding

    return functools.partial(fix_encoding, config=TextFixerConfig(explain=False))
