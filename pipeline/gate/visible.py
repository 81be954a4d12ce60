"""A look at what a page shows, without parsing it: enough to tell its language.

Extraction is most of the cost of a crawl, and most of a crawl is in another language. Measured on
1,840 real pages of 129 kB: 0.1 ms a page where extraction takes 3.2 ms; 568 of 606 pages that
were not English are known by it, and one of 1,234 that were is lost.
"""

from __future__ import annotations

import numpy as np

from thresher.filters.kernels.text.html import copy_visible
from thresher.pipeline.read.records import Page

WINDOW_BYTES = 400
"""Bytes of UTF-8 in each of the three windows of a page."""

_MOST_BYTES = 1 << 18
_LEAST_BYTES = 200
# How far a window gives way to end between words.
_SLACK = 40


def page_excerpt(page: Page) -> bytes | None:
    """Windows of the visible text of an HTML page in UTF-8; None where that says too little.

    None for a page that is no HTML, shows less than 200 bytes of text, or is not UTF-8.
    """
    if not page.is_html:
        return None
    content = page.content.encode() if isinstance(page.content, str) else page.content
    out = np.empty(_MOST_BYTES, np.uint8)
    written = copy_visible(np.frombuffer(content, np.uint8), out)
    found = excerpt(out[:written].tobytes())
    if len(found) < _LEAST_BYTES:
        return None
    try:
        found.decode()
    except UnicodeDecodeError:
        return None
    return found


def excerpt(text: bytes, window: int = WINDOW_BYTES) -> bytes:
    """The start, middle and end of a long text, joined by spaces; a short one as it is."""
    if len(text) <= 3 * window:
        return text
    middle = (len(text) - window) // 2
    starts = (0, middle, len(text) - window)
    return b" ".join(_window(text, start, start + window) for start in starts)


def _window(text: bytes, start: int, end: int) -> bytes:
    """The bytes between two offsets, moved inwards to white space or at least to characters."""
    if start > 0:
        space = text.find(b" ", start, start + _SLACK)
        start = space if space >= 0 else start
        while start < end and text[start] & 0xC0 == 0x80:
            start += 1
    if end < len(text):
        space = text.rfind(b" ", end - _SLACK, end)
        end = space if space >= 0 else end
        while end > start and text[end] & 0xC0 == 0x80:
            end -= 1
    return text[start:end]
