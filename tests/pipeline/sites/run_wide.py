"""A lake of small shards whose run-wide signals are measured in this process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from thresher.filters import shape
from thresher.filters.dates import MOMENT, moment
from thresher.filters.shape import measure_shapes
from thresher.filters.signals import DOCUMENT_FAMILIES, family_type
from thresher.jobs.stages.sites import with_site_signals
from thresher.manifests.manifest import Manifest, load_all
from thresher.manifests.shards import ShardWriter
from thresher.manifests.store import Store
from thresher.pipeline.dedup.clusters import SCHEMA as DUPLICATES
from thresher.pipeline.measured import read_measured
from thresher.pipeline.shards import ShardRef
from thresher.pipeline.sites import SiteSettings

DOCUMENTS = pa.schema(
    [
        ("id", pa.string()),
        ("date_utc", MOMENT),
        *((family.name, family_type(family.name)) for family in DOCUMENT_FAMILIES),
        (shape.COLUMN, shape.TYPE),
    ]
)


def document(
    name: str, text: str, site: str | None, date: str | None = None, **signals: Any
) -> dict[str, Any]:
    """A document with some signals, written as `family__signal`; `copy_of` is one in a cluster."""
    row: dict[str, Any] = {
        "id": name,
        "text": text,
        "date_utc": moment(date or ""),
        "copy_of": None,
    }
    signals = {"url_parts__registered_domain": site, **signals}
    row["copy_of"] = signals.pop("copy_of", None)
    for signal, value in signals.items():
        family, field = signal.split("__")
        row.setdefault(family, dict.fromkeys(f.name for f in family_type(family)))[field] = value
    return row


class Lake:
    """Documents by shard, measured."""

    def __init__(
        self,
        folder: Any,
        shards: Mapping[str, Sequence[dict[str, Any]]],
        settings: SiteSettings | None = None,
    ) -> None:
        self.store = Store(str(folder))
        self.stages: dict[str, dict[str, Manifest]] = {}
        refs, copies = [], {}
        for key, rows in shards.items():
            ref = ShardRef(key, f"documents/f/{key}.parquet")
            texts = pa.array([row["text"] for row in rows], pa.string())
            kept = [{k: v for k, v in row.items() if k not in ("text", "copy_of")} for row in rows]
            table = pa.Table.from_pylist(kept, DOCUMENTS)
            place = DOCUMENTS.get_field_index(shape.COLUMN)
            table = table.set_column(place, DOCUMENTS.field(place), measure_shapes(texts))
            self._write(ref.texts, table)
            refs.append(ref)
            copies[key] = f"duplicates/f/{key}.parquet"
            members = [
                {"row": place, "id": row["id"], "cluster_id": row["copy_of"]}
                for place, row in enumerate(rows)
                if row["copy_of"]
            ]
            self._write(copies[key], pa.Table.from_pylist(members, DUPLICATES))
        self.shards = with_site_signals(
            self._stage, refs, copies, settings or SiteSettings(), "upstream"
        )

    def rows(self, *columns: str) -> dict[str, dict[str, Any]]:
        """Some columns of all documents by id."""
        found = {}
        for shard in self.shards:
            for row in read_measured(self.store, shard, ["id", *columns]).to_pylist():
                found[row["id"]] = row
        return found

    def _write(self, path: str, table: pa.Table) -> None:
        with ShardWriter(self.store, path, table.schema) as writer:
            writer.write(table)

    def _stage(self, stage: str, mark: str, function: Any, work: Any) -> dict[str, Manifest]:
        for arguments in work.values():
            function(self.store, *arguments, mark)
        self.stages[stage] = load_all(self.store, stage, mark, list(work))
        return self.stages[stage]
