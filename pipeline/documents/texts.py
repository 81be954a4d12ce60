"""Texts as the lake has them: where each came from, what it is, what its page declares."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from thresher.filters.measure import raw_hash
from thresher.filters.signals import family_type
from thresher.manifests.schemas import TEXT_SCHEMA
from thresher.pipeline.documents.provenance import provenance_columns
from thresher.pipeline.extract.columns import extract_column, mending_column, metadata_column
from thresher.pipeline.gate.gating import Document


def text_rows(documents: Sequence[Document], source: str) -> pa.RecordBatch:
    """A row of `TEXT_SCHEMA` for each document.

    Args:
        documents: extracted texts with their languages.
        source: where they are from.
    """
    items = [item for item, _ in documents]
    texts = pa.array([item.text for item in items], pa.string())
    columns = {
        **provenance_columns(documents, source),
        "text": texts,
        "raw_hash": raw_hash(pa.array([item.as_read for item in items], pa.string())),
        "language": _languages(documents),
        "extract": extract_column(items),
        "metadata": metadata_column(items),
        "mending": mending_column(items),
        "reading": pa.StructArray.from_arrays(
            [pa.array([item.page.unverified for item in items], pa.bool_())], names=["unverified"]
        ),
    }
    return pa.record_batch([columns[name] for name in TEXT_SCHEMA.names], schema=TEXT_SCHEMA)


def _languages(documents: Sequence[Document]) -> pa.StructArray:
    return pa.StructArray.from_arrays(
        [
            pa.array([language.code for _, language in documents], pa.string()),
            pa.array([language.score for _, language in documents], pa.float64()),
            pa.array([language.mixed_share for _, language in documents], pa.float64()),
        ],
        fields=list(family_type("language")),
    )
