"""Arrow schemas of the facts in the lake: documents, quarantine, decisions."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from thresher.filters import shape
from thresher.filters.decontamination import SPANS, SPANS_TYPE
from thresher.filters.signals import DOCUMENT_FAMILIES, family_type

PROVENANCE = (
    pa.field("id", pa.string(), nullable=False),
    pa.field("record_id", pa.string()),
    pa.field("url", pa.string()),
    pa.field("source", pa.string(), nullable=False),
    pa.field("date", pa.string()),
    pa.field("title", pa.string()),
    pa.field("charset", pa.string()),
    pa.field("charset_source", pa.string()),
)
"""Where a document came from. `id` is 32 hex digits over the record's own id, URL and content."""


def documents_schema(
    permutations: int, guests: Sequence[str] = (), *, spans: bool = False
) -> pa.Schema:
    """Measured documents: provenance, text, a struct per family of signals, shape and signature.

    `content_hash` is of the text in NFC and lower case with white space folded, `raw_hash` of the
    bytes of the text as it was read, before it was made normal and mended.

    Args:
        permutations: 32-bit values of a MinHash signature.
        guests: names of the recipe's guests, whose verdicts are the column `guests`; without any
            there is no such column.
        spans: whether evaluation sets are looked for; without, there is no column of spans.
    """
    verdicts = pa.struct([pa.field(name, pa.string()) for name in guests])
    return pa.schema(
        [
            *PROVENANCE,
            pa.field("text", pa.string(), nullable=False),
            pa.field("content_hash", pa.binary(16), nullable=False),
            pa.field("raw_hash", pa.binary(16), nullable=False),
            *(pa.field(family.name, family_type(family.name)) for family in DOCUMENT_FAMILIES),
            *([pa.field("guests", verdicts)] if guests else []),
            pa.field(shape.COLUMN, shape.TYPE),
            *([pa.field(SPANS, SPANS_TYPE)] if spans else []),
            pa.field("minhash", pa.binary(4 * permutations)),
        ]
    )


QUARANTINE = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("record_id", pa.string()),
        pa.field("url", pa.string()),
        pa.field("source", pa.string(), nullable=False),
        pa.field("outcome", pa.string(), nullable=False),
        pa.field("reason", pa.string(), nullable=False),
        pa.field("detail", pa.string()),
        pa.field("sample", pa.binary()),
    ]
)
"""Every failed record and a deterministic sample of gated ones, with the start of the content."""

DECISIONS = pa.schema(
    [
        pa.field("row", pa.int64(), nullable=False),
        pa.field("id", pa.string(), nullable=False),
        pa.field("verdict", pa.string(), nullable=False),
        pa.field("reason", pa.string()),
        pa.field("reasons", pa.list_(pa.string()), nullable=False),
        pa.field("unknown", pa.list_(pa.string()), nullable=False),
        pa.field("cluster_id", pa.string()),
        pa.field("cluster_size", pa.int64()),
        pa.field("survivor_id", pa.string()),
        pa.field("survivor_run", pa.string()),
        pa.field("matched_id", pa.string()),
        pa.field("similarity", pa.float64()),
        pa.field("verified", pa.string()),
        pa.field("bands_shared", pa.int32()),
    ]
)
"""One row per document, in its order. `reason` is the first of `reasons`; `survivor_id` names
the document that was kept in place of this one, `survivor_run` the earlier run that kept it, where
it was not this one. The last four are the receipt of a member of a
cluster: its closest match, how similar that is, what verified it, and the LSH bands in common."""
