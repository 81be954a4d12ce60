"""Measurements are found by name, whichever file holds them."""

import pyarrow as pa
import pytest

from thresher.filters.signals import kinds
from thresher.manifests.shards import ShardWriter
from thresher.manifests.store import Store
from thresher.pipeline import measured
from thresher.pipeline.measured import columns_of, read_measured, signal_folders
from thresher.pipeline.shards import ShardRef

SITE = kinds.make_family(
    "site", 1, "Facts of a site.", kinds.count("pages", "pages", "Pages of the site.")
)
SITE_TYPE = pa.struct([("pages", pa.int64())])
DOCUMENTS = pa.table(
    {"id": ["a", "b"], "length": [{"words": 1, "lines": 2}, {"words": 3, "lines": 4}]}
)


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.setattr(measured, "RUN_FAMILIES", (SITE,))
    types = {"site": SITE_TYPE, "length": DOCUMENTS.schema.field("length").type}
    monkeypatch.setattr(measured, "family_type", types.__getitem__)
    store = Store(str(tmp_path))
    sites = pa.table({"site": pa.array([{"pages": 7}, None], SITE_TYPE)})
    for path, table in (("documents/f/s.parquet", DOCUMENTS), ("sites/f/s.parquet", sites)):
        with ShardWriter(store, path, table.schema) as writer:
            writer.write(table)
    return store


def test_columns_come_from_the_file_that_has_them(store):
    shard = ShardRef("s", "documents/f/s.parquet", signals=("sites/f/s.parquet",))
    table = read_measured(store, shard, ["site", "id", "length.lines"])
    assert table.column_names == ["site", "id", "length"]
    assert table.to_pylist() == [
        {"site": {"pages": 7}, "id": "a", "length": {"lines": 2}},
        {"site": None, "id": "b", "length": {"lines": 4}},
    ]


def test_a_family_the_run_has_not_measured_is_null(store):
    table = read_measured(store, ShardRef("s", "documents/f/s.parquet"), ["id", "site.pages"])
    assert table["site"].type == SITE_TYPE
    assert table["site"].null_count == 2


def test_a_column_that_no_stage_makes_is_an_error(store):
    with pytest.raises(KeyError):
        read_measured(store, ShardRef("s", "documents/f/s.parquet"), ["nothing"])


def test_what_every_document_has_is_no_null_where_it_is_not(store):
    with pytest.raises(KeyError, match="length"):
        read_measured(store, ShardRef("s", "sites/f/s.parquet"), ["length.words"])


def test_columns_of_a_run_come_shard_by_shard_as_often_as_they_are_asked_for(store):
    signals = ("sites/f/s.parquet",)
    shards = [ShardRef("s", "documents/f/s.parquet", signals=signals), ShardRef("t", signals[0])]
    read = columns_of(store, shards)
    for _ in range(2):
        assert [table.to_pylist() for table in read(["site.pages"])] == [
            [{"site": {"pages": 7}}, {"site": None}]
        ] * 2


def test_folders_of_signals_come_once_and_in_their_order():
    names = [f"{letter}/{mark}" for letter in "dbacfe" for mark in "21"]
    shards = [
        ShardRef(key, f"documents/f/{key}", signals=tuple(f"{name}/{key}" for name in names))
        for key in ("s", "t")
    ]
    assert signal_folders(shards) == sorted(names)
    assert signal_folders([ShardRef("s", "documents/f/s")]) == []
