"""What a reference page is made of, and how it is written: as Markdown, or as HTML for a report.

A block is a paragraph (text, in which backticks enclose code), a table, or a text shown as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from html import escape

from thresher.jobs.docs.words import explained


@dataclass(frozen=True)
class Table:
    """A table of paragraphs."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Verbatim:
    """A text shown as it is."""

    text: str


Block = str | Table | Verbatim

LONG_CELL = 40
"""Characters beyond which a cell of an HTML table has the class `long`, and so may break."""

_CODE = re.compile(r"`([^`]+)`")


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table as Markdown."""
    return markdown(Table(tuple(header), tuple(map(tuple, rows))))


def markdown(block: Block) -> str:
    """A block as Markdown."""
    if isinstance(block, str):
        return block
    if isinstance(block, Verbatim):
        return "\n".join(f"    {line}".rstrip() for line in block.text.strip("\n").splitlines())
    lines = [" | ".join(block.header), " | ".join("---" for _ in block.header)]
    lines += [" | ".join(cell.replace("|", "\\|") for cell in row) for row in block.rows]
    return "\n".join(f"| {line} |" for line in lines)


def html(block: Block) -> str:
    """A block as HTML."""
    if isinstance(block, str):
        return f"<p>{_inline(block)}</p>"
    if isinstance(block, Verbatim):
        return f"<pre>{escape(block.text)}</pre>"
    return "<div class=wide><table>" + "".join(_rows(block)) + "</table></div>"


def _rows(block: Table) -> Iterator[str]:
    yield "<tr>" + "".join(f"<th>{explained(name)}</th>" for name in block.header) + "</tr>"
    for row in block.rows:
        cells = [("td class=long" if len(c) > LONG_CELL else "td", _inline(c)) for c in row]
        yield "<tr>" + "".join(f"<{start}>{cell}</td>" for start, cell in cells) + "</tr>"


def _inline(text: str) -> str:
    return _CODE.sub(r"<code>\1</code>", escape(text))
