"""The step behind extraction: texts in normal form, and mended where that is certain.

What gates, measures, stores and cuts a text sees this one; only its id and `raw_hash` are of what
was read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa

from thresher.filters.mended_text import changes
from thresher.pipeline.extract.settings import Extracted


def normal_pages(items: Sequence[Extracted]) -> list[Extracted]:
    """Pages with normal, mended texts; those that were changed before stay as they are."""
    pages = list(items)
    waiting = [i for i, item in enumerate(pages) if item.mending is None]
    rows, texts, counts = changes(pa.array([pages[i].text for i in waiting], pa.string()))
    found = zip(np.flatnonzero(rows).tolist(), texts.to_pylist(), counts.tolist(), strict=True)
    for row, text, count in found:
        page = pages[waiting[row]]
        pages[waiting[row]] = replace(page, text=text, read=page.text, mending=tuple(count))
    return pages
