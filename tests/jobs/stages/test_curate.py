"""What is kept lies in a folder of its own, and its card beside it."""

from __future__ import annotations

from thresher.manifests.store import Store
from thresher.pipeline.materialize import curated, parts


def test_a_card_lies_beside_the_shards(small):
    store, record = Store(small.recipe["lake"]), small.record
    mark = record.fingerprints[curated.STAGE]
    assert record.curated == f"{curated.STAGE}/{mark}"
    assert mark != record.fingerprints[parts.STAGE]
    listed = set(store.sizes(record.curated))
    files = {
        output.path for made in small.stages[curated.STAGE].values() for output in made.outputs
    }
    assert listed == {*files, f"{record.curated}/README.md"}
    card = store.read_bytes(f"{record.curated}/README.md").decode()
    assert f"(decisions `{record.fingerprints['decisions']}`, shards `{mark}`)" in card
