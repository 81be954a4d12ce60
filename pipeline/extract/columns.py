"""The families `extract` and `metadata` as columns; NULL where a reader gave finished text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import pyarrow as pa

from filters.signals import family_type
from pipeline.extract.settings import Extracted


def extract_column(items: Sequence[Extracted]) -> pa.Array:
    """How each text was taken out of its page."""
    return pa.array([_extract(item) for item in items], family_type("extract"))


def metadata_column(items: Sequence[Extracted]) -> pa.Array:
    """What each page declares."""
    rows = [item.metadata and msgspec.structs.asdict(item.metadata) for item in items]
    return pa.array(rows, family_type("metadata"))


def _extract(item: Extracted) -> dict[str, Any] | None:
    facts = item.facts
    if facts is None:
        return None
    kept = None
    if facts.words is not None and facts.body_words:
        kept = min(1.0, facts.words / facts.body_words)
    return msgspec.structs.asdict(facts) | {
        "kept_word_fraction": kept,
        "title_characters": len(item.title),
        "charset": item.charset,
        "charset_source": item.charset_source,
    }
