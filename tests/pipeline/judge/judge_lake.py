"""A lake of hand-made facts that is judged in this process."""

from __future__ import annotations

from collections import Counter

import pyarrow as pa

from thresher.filters.dates import MOMENT, moment
from thresher.filters.policy import parse_policy
from thresher.filters.signals import FAMILIES, family_type
from thresher.jobs.stages.dedup import Duplicates
from thresher.jobs.stages.judge import judge_documents
from thresher.manifests.shards import ShardWriter, read_table
from thresher.manifests.store import Store
from thresher.pipeline.dedup.clusters import SCHEMA as DUPLICATES
from thresher.pipeline.shards import ShardRef

POLICY = """
name = "test"
version = 1
[[rules]]
reason = "too_few_words"
signal = "length.words"
below = 50
[[rules]]
reason = "low_quality"
signal = "quality.score"
keep_top = {share}
[duplicates]
drop = {drop}
prefer = "quality.score"
"""

COUNTED = ("candidates", "pages", "survivors")
"""Stages whose facts are counts."""

DOCUMENT_SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("source", pa.string()),
        ("date_utc", MOMENT),
        *((family.name, family_type(family.name)) for family in FAMILIES),
    ]
)


def struct(family, **values):
    names = [field.name for field in family_type(family.name)]
    return {name: values.get(name) for name in names}


class Lake:
    """Shards of (id, words, score) with clusters by id, judged."""

    def __init__(
        self,
        path,
        shards,
        clusters=None,
        exact=None,
        drop='["exact", "near"]',
        receipts=None,
        share=0.5,
        dates=None,
        memory=2**30,
        sources=None,
        prefer=True,
    ):
        self.store = Store(str(path))
        text = POLICY.replace("{drop}", drop).replace("{share}", str(share))
        if not prefer:
            text = text.replace('prefer = "quality.score"\n', "")
        self.policy = parse_policy(text, "test.toml")
        families = {family.name: family for family in FAMILIES}
        self.shards, copies = [], {}
        for key, documents in shards.items():
            rows = [
                {
                    "id": name,
                    "source": (sources or {}).get(name, f"https://{name}.org/shard.warc.gz"),
                    "date_utc": moment((dates or {}).get(name) or ""),
                    "length": struct(families["length"], words=words),
                    "quality": struct(families["quality"], score=score),
                }
                for name, words, score in documents
            ]
            ref = ShardRef(key, f"documents/f/{key}.parquet")
            self._write(ref.texts, pa.Table.from_pylist(rows, DOCUMENT_SCHEMA))
            self.shards.append(ref)
            members = [
                {
                    "row": row,
                    "id": name,
                    "cluster_id": (clusters or {}).get(name),
                    "exact_id": (exact or {}).get(name),
                    **(receipts or {}).get(name, {}),
                }
                for row, (name, _, _) in enumerate(documents)
                if name in {**(clusters or {}), **(receipts or {})}
            ]
            if members:
                copies[key] = f"duplicates/f/{key}.parquet"
                self._write(copies[key], pa.Table.from_pylist(members, DUPLICATES))

        self.ran, self.facts = {}, {}

        def run(stage, mark, function, work):
            self.ran[stage] = list(work)
            made = {key: function(self.store, *rest, mark) for key, rest in work.items()}
            self.facts[stage] = Counter()
            for manifest in made.values() if stage in COUNTED else ():
                self.facts[stage].update(manifest.facts)
            return made

        found = Duplicates("f", copies)
        self.policy, self.manifests = judge_documents(run, self.shards, found, self.policy, memory)
        self.decisions = {}
        for manifest in self.manifests.values():
            for row in read_table(self.store, manifest.output().path).to_pylist():
                self.decisions[row["id"]] = row

    def _write(self, path, table):
        with ShardWriter(self.store, path, table.schema) as writer:
            writer.write(table)

    def reasons(self):
        return {name: row["reasons"] for name, row in self.decisions.items()}
