"""Where documents are from: identity, address, date, place in the input, further fields."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from thresher.filters.dates import moments
from thresher.manifests.schemas import ORIGIN, PROVENANCE
from thresher.pipeline.gate.book import document_id
from thresher.pipeline.gate.gating import Document

__all__ = ["provenance_columns"]


def provenance_columns(items: Sequence[Document], source: str) -> dict[str, pa.Array]:
    """The columns of `schemas.PROVENANCE`.

    Args:
        items: extracted texts with their languages.
        source: name of the input file.
    """
    extracted = [item for item, _ in items]
    pages = [item.page for item in extracted]
    columns: dict[str, list[object]] = {
        "id": [document_id(page) for page in pages],
        "record_id": [page.record_id for page in pages],
        "url": [page.url for page in pages],
        "source": [source] * len(pages),
        "date": [page.date or None for page in pages],
        "title": [item.title or None for item in extracted],
        "charset": [item.charset or None for item in extracted],
        "charset_source": [item.charset_source for item in extracted],
        "extra": [page.extra or None for page in pages],
    }
    types = {field.name: field.type for field in PROVENANCE}
    made = {name: pa.array(values, types[name]) for name, values in columns.items()}
    made["date_utc"] = moments(page.date for page in pages)
    made["origin"] = pa.array(
        [(*page.origin, page.digest()) if page.origin else None for page in pages], ORIGIN
    )
    return {field.name: made[field.name] for field in PROVENANCE}
