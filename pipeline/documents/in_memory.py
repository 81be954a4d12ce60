"""Texts with all signals of each by itself as one table, without a lake."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from thresher.filters.signals import DOCUMENT_FAMILIES, family_type
from thresher.manifests.layout import GROUPS
from thresher.manifests.schemas import TEXT_SCHEMA
from thresher.pipeline.documents.settings import SignalSettings
from thresher.pipeline.documents.signals import Measuring, schema_of, stages_of
from thresher.pipeline.documents.texts import text_rows
from thresher.pipeline.gate.gating import Document


def measured_schema(settings: SignalSettings) -> pa.Schema:
    """The columns of the texts, then of each group; those of groups not asked for are NULL."""
    asked = stages_of(settings)
    fields = [*TEXT_SCHEMA]
    for stage in GROUPS:
        if stage in asked:
            fields += schema_of(stage, settings)
        else:
            families = (f.name for f in DOCUMENT_FAMILIES if f.name in GROUPS[stage])
            fields += [pa.field(name, family_type(name)) for name in families]
    return pa.schema(fields)


def measured(documents: Sequence[Document], settings: SignalSettings) -> pa.RecordBatch:
    """A row of `measured_schema` for each document.

    Args:
        documents: extracted texts with their languages.
        settings: how to measure, without evaluation sets, which lie in a lake.
    """
    rows = text_rows(documents, "")
    columns = {name: rows[name] for name in rows.schema.names}
    for group in Measuring(None, settings, stages_of(settings)).measured(rows).values():
        columns |= {name: group[name] for name in group.schema.names}
    schema = measured_schema(settings)
    arrays = [columns.get(f.name, pa.nulls(rows.num_rows, f.type)) for f in schema]
    return pa.record_batch(arrays, schema=schema)
