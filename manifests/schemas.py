"""Arrow schemas of the facts in the lake: texts, signals, quarantine, decisions."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from thresher.filters import shape
from thresher.filters.dates import MOMENT
from thresher.filters.decontamination import SPANS_TYPE
from thresher.filters.signals import family_type
from thresher.filters.signals.contamination import SPANS
from thresher.manifests.layout import GROUPS, TEXT_FAMILIES

ORIGIN = pa.struct(
    [
        pa.field("record", pa.int64()),
        pa.field("offset", pa.int64()),
        pa.field("length", pa.int64()),
        pa.field("inside", pa.int64()),
        pa.field("bytes", pa.int64()),
        pa.field("row_group", pa.int64()),
        pa.field("group_row", pa.int64()),
        pa.field("digest", pa.string()),
    ]
)
"""Where a record lies in its file; `pipeline.read.records.Origin` says how it is read back."""

PROVENANCE = (
    pa.field("id", pa.string(), nullable=False),
    pa.field("record_id", pa.string()),
    pa.field("url", pa.string()),
    pa.field("source", pa.string(), nullable=False),
    pa.field("date", pa.string()),
    pa.field("date_utc", MOMENT),
    pa.field("title", pa.string()),
    pa.field("charset", pa.string()),
    pa.field("charset_source", pa.string()),
    pa.field("origin", ORIGIN),
    pa.field("extra", pa.string()),
)
"""Where a document came from. `id` is 32 hex digits over the record's own id, URL and content, so a
record that came twice has one id and two rows: join rows of a run by shard and row, or by `row_id`,
and other runs by id. `date` is as the archive writes it, `date_utc` what `filters.dates` reads of
it. `extra` is a JSON object of the fields that `input.keep` names."""


TEXT_SCHEMA = pa.schema(
    [
        *PROVENANCE,
        pa.field("text", pa.string(), nullable=False),
        pa.field("raw_hash", pa.binary(16), nullable=False),
        *(pa.field(name, family_type(name)) for name in TEXT_FAMILIES),
    ]
)
"""A text with what is known of it from reading, gating and extracting. `raw_hash` is of
the bytes of the text as it was read, before it was made normal and mended."""


def signals_schema(stage: str, *, permutations: int = 0, guests: Sequence[str] = ()) -> pa.Schema:
    """The columns of a group of signals, in the rows of the texts.

    `content_hash` is of the text in lower case with white space folded.

    Args:
        stage: one of `layout.GROUPS`.
        permutations: 32-bit values of a MinHash signature, of that group.
        guests: names of the recipe's guests, of that group.
    """
    types = {
        shape.COLUMN: shape.TYPE,
        SPANS: SPANS_TYPE,
        "content_hash": pa.binary(16),
        "minhash": pa.binary(4 * permutations) if permutations else pa.binary(),
        "guests": pa.struct([pa.field(name, pa.string()) for name in guests]),
    }
    return pa.schema(
        [
            pa.field(name, types[name] if name in types else family_type(name))
            for name in GROUPS[stage]
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
