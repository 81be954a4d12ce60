"""What is measured of a shard is found by name, whichever file holds it."""

import pyarrow as pa
import pytest

from thresher.filters.errors import StoreError
from thresher.filters.signals import FAMILIES, family_type
from thresher.manifests.layout import GROUPS, RUN_WIDE, TEXT, stage_of, stage_of_file
from thresher.manifests.shards import ShardWriter
from thresher.manifests.store import Store
from thresher.pipeline.measured import (
    columns_of,
    file_of,
    iterate_measured,
    read_measured,
    signal_folders,
)
from thresher.pipeline.shards import ShardRef

ROWS = 7
LENGTH = family_type("length")
FILES = {
    "text/t/s.parquet": pa.table({"id": [f"{n:02d}" for n in range(ROWS)]}),
    "signals/rules/r/s.parquet": pa.table(
        {
            "length": pa.array([{"words": n, "lines": 2 * n} for n in range(ROWS)], LENGTH),
            "shape": [[n] for n in range(ROWS)],
        }
    ),
    "site_signals/x/s.parquet": pa.table(
        {"site": pa.array([{"pages": 7}, None] + [{"pages": 3}] * 5, family_type("site"))}
    ),
}
SHARD = ShardRef("s", "text/t/s.parquet", signals=tuple(FILES)[1:])


@pytest.fixture
def store(tmp_path):
    store = Store(str(tmp_path))
    for group, (path, table) in enumerate(FILES.items(), 1):
        write(store, path, table, group)
    return store


def write(store, path, table, group=1000):
    with ShardWriter(store, path, table.schema) as writer:
        writer.write(table, group)


def test_every_family_has_one_place():
    assert not set(GROUPS) & set(RUN_WIDE)
    columns = [c for stages in (GROUPS, RUN_WIDE) for found in stages.values() for c in found]
    assert len(columns) == len(set(columns))
    for family in FAMILIES:
        held = family.name in columns
        assert (stage_of(f"{family.name}.any") == TEXT) is not held
    assert {f.name for f in FAMILIES} - set(columns) == {
        *("language", "extract", "metadata", "mending", "reading")
    }
    assert stage_of_file("signals/rules/f/a.parquet") == "signals/rules"
    assert stage_of_file("text/f/a.parquet") == TEXT


def test_columns_come_from_the_file_that_has_them(store):
    table = read_measured(store, SHARD, ["site.pages", "id", "length.lines"])
    assert table.column_names == ["site", "id", "length"]
    assert table.slice(0, 2).to_pylist() == [
        {"site": {"pages": 7}, "id": "00", "length": {"lines": 0}},
        {"site": None, "id": "01", "length": {"lines": 2}},
    ]


def test_two_signals_of_a_family_come_in_one_column(store):
    for table in (
        read_measured(store, SHARD, ["length.lines", "id", "length.words"]),
        next(iterate_measured(store, SHARD, ["length.lines", "id", "length.words"])),
    ):
        assert table.column_names == ["length", "id"]
        assert table["length"][3].as_py() == {"words": 3, "lines": 6}


def test_only_files_that_hold_what_is_asked_for_are_opened(store, monkeypatch):
    opened = []
    real = Store.open
    monkeypatch.setattr(Store, "open", lambda self, path: opened.append(path) or real(self, path))
    read_measured(store, SHARD, ["id", "site.pages"])
    list(iterate_measured(store, SHARD, ["shape"]))
    texts, rules, site = FILES
    assert opened == [texts, site, texts, rules]


def test_a_lake_of_an_earlier_version_has_all_in_one_file(store):
    former = FILES["text/t/s.parquet"].append_column(
        "length", FILES["signals/rules/r/s.parquet"]["length"]
    )
    write(store, "documents/d/s.parquet", former)
    shard = ShardRef("s", "documents/d/s.parquet", signals=(SHARD.signals[1],))
    assert file_of(shard, "minhash") == shard.texts
    asked = ["id", "length.words", "site", "junk.any"]
    known = read_measured(store, SHARD, asked[:3])
    assert read_measured(store, shard, asked[:3]).equals(known)
    assert pa.concat_tables(iterate_measured(store, shard, asked[:3], 3)).equals(
        known.combine_chunks()
    )


@pytest.mark.parametrize("rows", [1, 2, 3, 5, 7, 100])
def test_files_are_read_side_by_side_whatever_their_row_groups(store, rows):
    asked = ["site", "id", "length", "shape", "prose"]
    batches = list(iterate_measured(store, SHARD, asked, rows))
    assert all(0 < batch.num_rows <= rows for batch in batches)
    whole = pa.concat_tables(batches).combine_chunks()
    assert whole.equals(read_measured(store, SHARD, asked).combine_chunks())
    assert whole["id"].to_pylist() == FILES["text/t/s.parquet"]["id"].to_pylist()
    # Where nothing of the texts is asked for, they still say how many rows there are.
    found = [batch.num_rows for batch in iterate_measured(store, SHARD, ["prose"], rows)]
    assert sum(found) == ROWS


@pytest.mark.parametrize("read", [read_measured, lambda *a: next(iterate_measured(*a))])
def test_a_family_the_run_has_not_measured_is_null(store, read):
    table = read(store, SHARD, ["id", "contamination.coverage", "junk"])
    assert table["junk"].type == family_type("junk")
    assert table["junk"].null_count == table["contamination"].null_count == ROWS


@pytest.mark.parametrize("read", [read_measured, lambda *a: next(iterate_measured(*a))])
def test_a_column_that_no_stage_makes_is_an_error(store, read):
    with pytest.raises(KeyError):
        read(store, SHARD, ["nothing"])
    with pytest.raises(KeyError):
        read(store, SHARD, ["id", "guests.regex"])


@pytest.mark.parametrize("rows", [ROWS - 1, ROWS + 1])
def test_files_of_other_lengths_are_no_shard(store, rows):
    short = pa.table({"length": pa.nulls(rows, LENGTH)})
    write(store, "signals/rules/o/s.parquet", short)
    shard = ShardRef("s", SHARD.texts, signals=("signals/rules/o/s.parquet",))
    with pytest.raises(StoreError, match=rf"files of shard s differ: .* has {rows} rows"):
        list(iterate_measured(store, shard, ["id", "length"], 2))


def test_the_folders_of_what_is_asked_for():
    shards = [SHARD, ShardRef("r", "text/t/r.parquet", signals=("signals/rules/r/r.parquet",))]
    assert signal_folders(shards, ["id", "length.words"]) == ["signals/rules/r"]
    assert signal_folders(shards, ["site.pages", "shape"]) == ["signals/rules/r", "site_signals/x"]
    assert signal_folders(shards, ["text", "language.code"]) == []


def test_columns_of_a_run_come_shard_by_shard_as_often_as_they_are_asked_for(store):
    alone = ShardRef("t", SHARD.texts)
    read = columns_of(store, [SHARD, alone])
    for _ in range(2):
        first, second = read(["site.pages"])
        assert first.equals(read_measured(store, SHARD, ["site.pages"]))
        assert second["site"].null_count == second.num_rows == ROWS


def test_folders_of_signals_come_once_and_in_their_order():
    names = [f"signals/{group}/{mark}" for group in ("rules", "quality") for mark in "21"]
    shards = [
        ShardRef(key, f"text/f/{key}", signals=tuple(f"{name}/{key}" for name in names))
        for key in ("s", "t")
    ]
    assert signal_folders(shards, ["length", "quality.score"]) == sorted(names)
    assert signal_folders([ShardRef("s", "text/f/s")], ["length"]) == []
