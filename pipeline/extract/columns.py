"""The families `extract`, `metadata` and `mending` as columns.

The first two are NULL where a reader gave finished text.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa

from thresher.filters.junk.titles import title_word_fractions
from thresher.filters.signals import family_type
from thresher.pipeline.extract.settings import Extracted


def extract_column(items: Sequence[Extracted]) -> pa.Array:
    """How each text was taken out of its page."""
    titles = [item.title if item.facts is not None else None for item in items]
    texts = pa.array([item.text for item in items], pa.string())
    shares = title_word_fractions(texts, pa.array(titles, pa.string())).to_pylist()
    rows = [_extract(item, share) for item, share in zip(items, shares, strict=True)]
    return pa.array(rows, family_type("extract"))


def metadata_column(items: Sequence[Extracted]) -> pa.Array:
    """What each page declares."""
    rows = [item.metadata and msgspec.structs.asdict(item.metadata) for item in items]
    return pa.array(rows, family_type("metadata"))


def mending_column(items: Sequence[Extracted]) -> pa.Array:
    """How much of each text was changed before it was measured."""
    fields = list(family_type("mending"))
    counts = np.zeros((len(fields), len(items)), np.int64)
    for row, item in enumerate(items):
        if item.mending is not None:
            counts[:, row] = item.mending
    return pa.StructArray.from_arrays([pa.array(each) for each in counts], fields=fields)


def _extract(item: Extracted, title_word_fraction: float | None) -> dict[str, Any] | None:
    facts = item.facts
    if facts is None:
        return None
    kept = None
    if facts.words is not None and facts.body_words:
        kept = min(1.0, facts.words / facts.body_words)
    return msgspec.structs.asdict(facts) | {
        "kept_word_fraction": kept,
        "title_characters": len(item.title),
        "title_word_fraction": title_word_fraction,
        "charset": item.charset,
        "charset_source": item.charset_source,
    }
