"""Text of any origin as Markdown that does nothing: no markup, no link, no HTML, one line."""

from __future__ import annotations

from thresher.filters.one_line import one_line

__all__ = ["code", "escape", "prose"]

_ACTIVE = str.maketrans(
    {"&": "&amp;", "<": "&lt;", ">": "&gt;"} | {mark: f"&#{ord(mark)};" for mark in "`*_[]|~\\@$"}
)
_TICK = "`"


def escape(text: str) -> str:
    """A text that stands within a line: it is shown as it is."""
    # Bare addresses become links by these two.
    marked = one_line(text).translate(_ACTIVE)
    return marked.replace("://", "&#58;//").replace("www.", "www&#46;")


def code(text: str) -> str:
    """A name or an address as code, in which nothing is markup; escaped where it does not fit."""
    line = one_line(text)
    if not line or line != text or _TICK in line or "|" in line:
        return escape(text)
    return f"{_TICK}{line}{_TICK}"


def prose(text: str) -> str:
    """A text in which backticks enclose code; all else is escaped."""
    parts = text.split(_TICK)
    if len(parts) % 2 == 0:
        return escape(text)
    return "".join(
        code(part) if number % 2 else _with_ends(part) for number, part in enumerate(parts)
    )


def _with_ends(text: str) -> str:
    """Escaped, with the white space that stands between it and code."""
    inner = escape(text)
    before, after = (" " * text[at : at + 1].isspace() for at in (0, len(text) - 1))
    return f"{before}{inner}{after}" if inner else before
