"""Chosen lines as text: paragraphs, lists, rows of tables and code as a person would type them."""

from __future__ import annotations

from thresher.pipeline.extract import kernels as k
from thresher.pipeline.extract.features import Flags, Lines

_CELL_BYTES = 120


def render(lines: Lines, kept: Flags) -> str:
    """The text of the kept lines.

    Paragraphs, headings and whatever stood apart are parted by a blank line; items begin with
    `- ` or their number, indented by the depth of their list; cells are parted by ` | `; code keeps
    its indentation.
    """
    text = lines.text
    parts: list[str] = []
    before = -2
    tag_before = -1
    bytes_before = 0
    for i in kept.nonzero()[0].tolist():
        row = lines.table[i].tolist()
        start, end, tag = row[k.START], row[k.END], row[k.TAG]
        line = text[start:end].decode("utf-8", "replace")
        if tag == k.ITEM:
            mark = f"{row[k.ORDINAL]}. " if row[k.ORDINAL] else "- "
            line = "  " * min(row[k.DEPTH] - 1, 8) + mark + line if row[k.DEPTH] else mark + line
        if parts:
            together = i == before + 1
            if together and row[k.JOINS] and max(bytes_before, end - start) <= _CELL_BYTES:
                parts.append(" | ")
            elif not together or _apart(tag, tag_before, row[k.BLANK]):
                parts.append("\n\n")
            else:
                parts.append("\n")
        parts.append(line)
        before, tag_before, bytes_before = i, tag, end - start
    return "".join(parts)


def _apart(tag: int, tag_before: int, blank: int) -> bool:
    if tag == tag_before == k.ITEM:
        return False
    if (tag == k.CODE) != (tag_before == k.CODE):
        return True
    return bool(blank) or tag == k.PARAGRAPH or tag > k.HEADING or tag_before > k.HEADING
