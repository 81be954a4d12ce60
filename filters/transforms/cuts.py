"""Cuts: transforms that take out what measuring found, at its place in the measured text.

A cut reads a measured column beside the text, so cuts come before transforms that change the text,
and several of them are applied at once: what any of them removes goes, in whatever order they are
named.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

Span = tuple[int, int, str]
"""Where in the text it starts and ends, and what stands between the parts that it leaves."""


@dataclass(frozen=True, slots=True)
class Cut:
    """A named, versioned choice of what to remove."""

    name: str
    version: int
    meaning: str
    column: str
    """The measured column: for each document a list, empty or NULL where there is nothing to cut.
    """
    needs: str
    """What a recipe has to say for the column to be there."""
    spans: Callable[[str, list[Any]], list[Span]]
    """From the text and its list to what goes, in order, without overlap."""


def drop_lines(text: str, numbers: list[int]) -> list[Span]:
    """Lines by their numbers, and the blank line after them where one stands before them too."""
    gone = set(numbers)
    spans: list[Span] = []
    start = at = 0
    after_cut, blank_before = False, True
    lines = text.split("\n")
    for number, line in enumerate(lines):
        end = at + len(line) + 1
        if number in gone or (after_cut and blank_before and not line.strip()):
            if not after_cut:
                start = at
            after_cut = True
        else:
            if after_cut:
                spans.append((start, at, ""))
            after_cut = False
            blank_before = not line.strip()
        at = end
    if after_cut:
        spans.append((_end_of_kept(text, spans, start), len(text), ""))
    return spans


def _end_of_kept(text: str, spans: list[Span], end: int) -> int:
    """Where what is kept ends without its line ends; cuts that they lie behind are taken out."""
    while end:
        if spans and spans[-1][1] == end:
            end = spans.pop()[0]
        elif text[end - 1] == "\n":
            end -= 1
        else:
            break
    return end


WINDOW = 200
"""Characters that go on either side of a match."""
FEWEST = 200
"""A part of fewer characters goes as well."""
MOST_PARTS = 10
"""A text that falls into more parts goes whole."""
_WORD = 40
"""Where white space is this near, a cut ends there rather than within a word."""


def cut_windows(text: str, matches: list[dict[str, int]]) -> list[Span]:
    """Matches with a window around each, as GPT-3 cut them (Brown et al. 2020, appendix C)."""
    merged: list[list[int]] = []
    for match in matches:
        start, end = _window(text, match["start"], match["end"])
        if merged and start - merged[-1][1] < FEWEST:
            merged[-1][1] = end
        else:
            merged.append([start, end])
    if merged and merged[0][0] < FEWEST:
        merged[0][0] = 0
    if merged and len(text) - merged[-1][1] < FEWEST:
        merged[-1][1] = len(text)
    parts = len(merged) + 1 - sum(s == 0 or e == len(text) for s, e in merged)
    if parts > MOST_PARTS:
        return [(0, len(text), "")]
    return [(start, end, "\n\n") for start, end in merged]


def _window(text: str, start: int, end: int) -> tuple[int, int]:
    """The match and what is around it, up to white space if it is near."""
    start, end = max(start - WINDOW, 0), min(end + WINDOW, len(text))
    for step in range(min(_WORD, start)):
        if text[start - step - 1].isspace():
            start -= step
            break
    for step in range(min(_WORD, len(text) - end)):
        if text[end + step].isspace():
            end += step
            break
    return start, end


CUTS: tuple[Cut, ...] = (
    Cut(
        name="repeated_lines",
        version=2,
        meaning=(
            "Drops lines that many documents of the run, or of their site, have in common; "
            "`lines.remove` says which."
        ),
        column="repeated_line_numbers",
        needs="`lines.enabled = true`",
        spans=drop_lines,
    ),
    Cut(
        name="cut_contamination",
        version=1,
        meaning=(
            "Cuts out what an evaluation set holds too, with 200 characters on either side. A part "
            "of under 200 characters goes as well, and the whole text where more than 10 parts are "
            "left; what stood apart is then two paragraphs."
        ),
        column="contamination_spans",
        needs="a `[[decontaminate]]` table",
        spans=cut_windows,
    ),
)
"""Every cut there is."""


def apply_cuts(
    texts: pa.Array, chosen: Iterable[tuple[Cut, pa.Array]]
) -> tuple[pa.Array, dict[str, int]]:
    """Remove what any of the cuts removes.

    Args:
        texts: string, as measured.
        chosen: cuts with their column.

    Returns:
        The texts, and by the name of each cut how many of them it changed.
    """
    spans: dict[int, list[Span]] = {}
    changed: dict[str, int] = {}
    for cut, column in chosen:
        changed[cut.name] = 0
        lengths = pc.fill_null(pc.list_value_length(column), 0)
        for row in pc.indices_nonzero(lengths).to_pylist():
            found = cut.spans(texts[row].as_py(), column[row].as_py())
            changed[cut.name] += bool(found)
            spans.setdefault(row, []).extend(found)
    rows = sorted(row for row, found in spans.items() if found)
    if not rows:
        return texts, changed
    new = [without(texts[row].as_py(), spans[row]) for row in rows]
    mask = pc.is_in(pa.array(range(len(texts))), pa.array(rows))
    return pc.replace_with_mask(texts, mask, pa.array(new, texts.type)), changed


def without(text: str, spans: Sequence[Span]) -> str:
    """The text without spans, which may overlap; the longest of their separators stands instead."""
    out: list[str] = []
    at = 0
    between = ""
    for start, end, separator in _merged(spans):
        if start > at:
            out += [between if out else "", text[at:start]]
        at = end
        between = separator
    if at < len(text):
        out += [between if out else "", text[at:]]
    return "".join(out)


def _merged(spans: Sequence[Span]) -> Iterator[Span]:
    last: Span | None = None
    for start, end, separator in sorted(spans):
        if last is None:
            last = (start, end, separator)
        elif start <= last[1]:
            last = (last[0], max(last[1], end), max(last[2], separator, key=len))
        else:
            yield last
            last = (start, end, separator)
    if last is not None:
        yield last
