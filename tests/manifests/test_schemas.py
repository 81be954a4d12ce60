"""What every row of a file has cannot be NULL."""

from __future__ import annotations

import pyarrow as pa
import pytest

from thresher.manifests.schemas import DECISIONS, QUARANTINE
from thresher.manifests.shards import ShardWriter

WHOLE = {
    "decisions": (
        DECISIONS,
        {"row": 1, "id": "a", "verdict": "kept", "reasons": [], "unknown": []},
    ),
    "quarantine": (QUARANTINE, {"id": "a", "source": "s", "outcome": "gated", "reason": "empty"}),
}


@pytest.mark.parametrize(("name", "column"), [(n, c) for n, (_, row) in WHOLE.items() for c in row])
def test_a_row_without_what_every_row_has_is_not_written(store, name, column):
    schema, row = WHOLE[name]
    loose = pa.schema([field.with_nullable(True) for field in schema])
    with ShardWriter(store, "whole.parquet", schema) as writer:
        writer.write(pa.Table.from_pylist([row], loose))
    assert writer.output.rows == 1
    with (
        pytest.raises(ValueError, match="non-nullable"),
        ShardWriter(store, "bad.parquet", schema) as writer,
    ):
        writer.write(pa.Table.from_pylist([row | {column: None}], loose))
    assert not store.exists("bad.parquet")
