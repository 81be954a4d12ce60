"""Curated shards: exactly the kept documents, the same bytes however the work was done."""

from __future__ import annotations

import random
import uuid

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from thresher.filters.errors import StoreError
from thresher.manifests.manifest import load_all
from thresher.manifests.shards import ShardWriter, read_table
from thresher.manifests.store import Store
from thresher.pipeline.materialize import KEY_SPACE, CuratedSettings, validation_low
from thresher.pipeline.materialize.columns import CURATED, KEY
from thresher.pipeline.materialize.curated import curated_shard, group_sizes, shard_key
from thresher.pipeline.materialize.parts import histogram_of, part
from thresher.pipeline.materialize.plan import BINS, Histogram, KeyRange, plan_shards
from thresher.pipeline.shards import ShardRef

FINGERPRINT = "f" * 16
SETTINGS = CuratedSettings(shard_bytes=40_000, row_group_rows=64, validation_fraction=0.1)
DOCUMENTS = pa.schema(
    [
        ("id", pa.string()),
        ("url", pa.string()),
        ("source", pa.string()),
        ("text", pa.string()),
        ("language", pa.struct([("code", pa.string()), ("score", pa.float64())])),
        ("quality", pa.struct([("score", pa.float64())])),
    ]
)
DECISIONS = pa.schema(
    [
        ("row", pa.int64()),
        ("id", pa.string()),
        ("verdict", pa.string()),
        ("cluster_size", pa.int64()),
    ]
)


def write(store: Store, path: str, rows: list[dict], schema: pa.Schema) -> str:
    with ShardWriter(store, path, schema) as writer:
        writer.write(pa.Table.from_pylist(rows, schema), 100)
    return path


def lake(store: Store, shards: int, rows: int, seed: int = 0) -> dict[str, dict]:
    """Write measured shards and decisions; returns the kept documents by id."""
    rng = random.Random(seed)
    kept = {}
    for number in range(shards):
        documents, decisions = [], []
        for row in range(rows):
            document = {
                "id": f"{rng.getrandbits(128):032x}",
                "url": None if row % 9 == 0 else f"https://example.com/{number}/{row}",
                "source": f"crawl/{number}.warc",
                "text": f"Page {row} isn't " + "word " * rng.randrange(5, 80),
                "language": {"code": "en", "score": 0.9},
                "quality": {"score": rng.random()},
            }
            verdict = "kept" if rng.random() < 0.7 else "dropped"
            documents.append(document)
            decisions.append(
                {"row": row, "id": document["id"], "verdict": verdict}
                | {"cluster_size": 3 if row % 5 == 0 else None}
            )
            if verdict == "kept":
                kept[document["id"]] = document | {"copies": 3 if row % 5 == 0 else 1}
        write(store, f"documents/d/{number}.parquet", documents, DOCUMENTS)
        write(store, f"decisions/d/{number}.parquet", decisions, DECISIONS)
    return kept


def parts(store: Store, shards: int, settings: CuratedSettings = SETTINGS):
    return [
        part(
            store,
            ShardRef(str(number), f"documents/d/{number}.parquet"),
            f"decisions/d/{number}.parquet",
            settings,
            FINGERPRINT,
        )
        for number in range(shards)
    ]


def materialize(store: Store, shards: int, settings: CuratedSettings = SETTINGS, order: int = 0):
    made = parts(store, shards, settings)
    random.Random(order).shuffle(made)
    plan = plan_shards([histogram_of(manifest) for manifest in made], settings)
    paths = [manifest.output().path for manifest in made]
    tasks = list(enumerate(plan))
    random.Random(order + 1).shuffle(tasks)
    for index, keys in tasks:
        curated_shard(store, paths, keys, index, settings, FINGERPRINT)
    return load_all(store, "curated", FINGERPRINT)


def read(store: Store, manifests) -> list[pa.Table]:
    return [pq.read_table(pa.BufferReader(store.read_bytes(m.output().path))) for m in manifests]


def test_further_columns_are_of_their_rows(store):
    kept = lake(store, shards=2, rows=1500)  # more than a batch
    columns = ("row_id", "quality.raw", "language.score")
    settings = msgspec.structs.replace(SETTINGS, columns=columns)
    for number in range(2):
        table = pq.read_table(pa.BufferReader(store.read_bytes(f"documents/d/{number}.parquet")))
        raw = pa.array([float(row) for row in range(table.num_rows)])
        quality = pa.StructArray.from_arrays(
            [table["quality"].combine_chunks().field("score"), raw], ["score", "raw"]
        )
        table = table.set_column(5, "quality", quality)
        write(store, f"documents/d/{number}.parquet", table.to_pylist(), table.schema)
    table = pa.concat_tables(read(store, materialize(store, 2, settings).values()))
    assert table.column_names == [*CURATED.names, *columns]
    assert sorted(table["id"].to_pylist()) == sorted(kept)
    for row in table.to_pylist():
        number, _, place = row["row_id"].partition(":")
        assert kept[row["id"]]["source"] == f"crawl/{number}.warc"
        assert (row["quality.raw"], row["language.score"]) == (int(place), 0.9)
        assert kept[row["id"]]["text"].startswith(f"Page {int(place)} ")


def test_exactly_the_kept_documents_come_out_shuffled(store):
    kept = lake(store, shards=3, rows=400)
    manifests = materialize(store, shards=3)
    tables = read(store, manifests.values())
    table = pa.concat_tables(tables)
    ids = table["id"].to_pylist()
    assert sorted(ids) == sorted(kept)
    assert ids != sorted(ids)
    assert table.schema == CURATED
    by_id = {row["id"]: row for row in table.to_pylist()}
    for name, document in kept.items():
        row = by_id[name]
        assert row["text"] == document["text"]
        assert (row["url"], row["source"]) == (document["url"], document["source"])
        assert (row["language"], row["quality_score"]) == ("en", document["quality"]["score"])
        assert row["token_estimate"] == max(1, int(len(row["text"]) / 4.2 + 0.5))
        assert row["duplicates"] == document["copies"]
    first = tables[0]["source"].to_pylist()
    assert set(first) == {"crawl/0.warc", "crawl/1.warc", "crawl/2.warc"}
    for manifest, written in zip(manifests.values(), tables, strict=True):
        assert manifest.output().rows == manifest.facts["rows"] == written.num_rows
        words = sum(len(text.split()) for text in written["text"].to_pylist())
        assert manifest.facts["words"] == words > 0
        assert manifest.inputs == [f"parts/{FINGERPRINT}/{i}.parquet" for i in range(3)]


def test_shards_are_about_equal_and_validation_is_last(store):
    lake(store, shards=2, rows=800)
    manifests = list(materialize(store, shards=2).values())
    splits = [manifest.facts["split"] for manifest in manifests]
    assert splits == ["train"] * (len(splits) - 1) + ["validation"]
    assert [m.key for m in manifests] == [shard_key(i) for i in range(len(manifests))]
    sizes = [manifest.facts["text_bytes"] for manifest in manifests[:-1]]
    assert len(sizes) >= 4
    assert max(sizes) < 1.2 * SETTINGS.shard_bytes
    assert min(sizes) > 0.8 * SETTINGS.shard_bytes


def test_the_validation_split_is_fixed_by_content():
    few, many = Store(f"memory://{uuid.uuid4().hex}"), Store(f"memory://{uuid.uuid4().hex}")
    kept = lake(few, shards=1, rows=600)
    lake(many, shards=4, rows=600)
    ids = [
        set(read(s, [list(materialize(s, n).values())[-1]])[0]["id"].to_pylist())
        for s, n in ((few, 1), (many, 4))
    ]
    assert ids[0] == ids[1] & set(kept)


def test_the_bytes_do_not_depend_on_order(tmp_path):
    outputs = []
    for order in range(3):
        store = Store(str(tmp_path / str(order)))
        lake(store, shards=4, rows=300)
        manifests = materialize(store, shards=4, order=order)
        outputs.append([(m.output(), m.inputs, m.facts) for m in manifests.values()])
    assert outputs[0] == outputs[1] == outputs[2]


def test_several_runs_in_a_part_give_the_same_bytes(tmp_path, monkeypatch):
    digests = []
    for run_bytes in (10**9, 5_000):
        monkeypatch.setattr("thresher.pipeline.materialize.parts._RUN_BYTES", run_bytes)
        store = Store(str(tmp_path / str(run_bytes)))
        lake(store, shards=2, rows=1500)
        digests.append([m.output().sha256 for m in materialize(store, shards=2).values()])
    assert digests[0] == digests[1]


def test_another_seed_shuffles_otherwise(store):
    lake(store, shards=1, rows=300)
    first = pa.concat_tables(read(store, materialize(store, 1).values()))
    again = materialize(store, 1, msgspec.structs.replace(SETTINGS, seed=7))
    other = pa.concat_tables(read(store, again.values()))
    assert first["id"] != other["id"]
    assert sorted(first["id"].to_pylist()) == sorted(other["id"].to_pylist())


def test_the_layout_is_what_trainers_read(tmp_path):
    store = Store(str(tmp_path))
    lake(store, shards=2, rows=500)
    materialize(store, shards=2)
    for path in sorted((tmp_path / "curated" / FINGERPRINT).iterdir()):
        file = pq.ParquetFile(path)
        groups = [file.metadata.row_group(i) for i in range(file.num_row_groups)]
        sizes = [group.num_rows for group in groups]
        assert sizes == group_sizes(file.metadata.num_rows, SETTINGS)
        assert len(sizes) >= SETTINGS.min_row_groups
        assert file.schema_arrow.names[0] == "text"
        assert not file.schema_arrow.field("text").nullable
        for group in groups:
            for column in map(group.column, range(group.num_columns)):
                assert column.compression == "ZSTD"
                assert not column.has_dictionary_page
    assert pq.read_table(tmp_path / "curated" / FINGERPRINT).num_rows > 0


def test_a_document_that_transforms_empty_is_counted_and_left_out(store):
    texts = ["We use cookies on this site.", "Real text. Write to joe@example.org.", "  \n "]
    documents = [
        {"id": str(i), "url": None, "source": "s", "text": text, "language": None, "quality": None}
        for i, text in enumerate(texts)
    ]
    write(store, "documents/d/0.parquet", documents, DOCUMENTS)
    decided = [{"row": i, "id": str(i), "verdict": "kept"} for i in range(3)]
    write(store, "decisions/d/0.parquet", decided, DECISIONS)
    [made] = parts(store, 1)
    assert made.ledger == {"records": 3, "kept": 1, "dropped": 2}
    assert made.reasons == {"dropped/empty_after_transforms": 2}
    assert made.facts["changed"] == {"clean_lines": 1, "redact_pii": 1}
    [table] = read(store, [made])
    assert table["text"].to_pylist() == ["Real text. Write to <EMAIL>."]
    assert table["language"].to_pylist() == [None]


def test_empty_splits_have_no_file(store):
    lake(store, shards=1, rows=40)
    none = msgspec.structs.replace(SETTINGS, validation_fraction=0.0)
    made = materialize(store, 1, none)
    assert [m.facts["split"] for m in made.values()] == ["train"]
    assert plan_shards([], SETTINGS) == []
    empty = Histogram([0] * BINS + [2], [0] * BINS + [9])
    [only] = plan_shards([empty], SETTINGS)
    assert (only.split, only.low, only.high) == (
        "validation",
        validation_low(SETTINGS),
        KEY_SPACE - 1,
    )


def test_a_part_of_nothing_kept(store):
    write(store, "documents/d/0.parquet", [], DOCUMENTS)
    write(store, "decisions/d/0.parquet", [], DECISIONS)
    [made] = parts(store, 1)
    assert made.output().rows == 0
    assert plan_shards([histogram_of(made)], SETTINGS) == []


@pytest.mark.parametrize("broken", ["other id", "too few", "too many"])
def test_decisions_of_other_documents_are_refused(store, broken):
    lake(store, shards=1, rows=10)
    count = {"other id": 10, "too few": 9, "too many": 11}[broken]
    ids = pq.read_table(pa.BufferReader(store.read_bytes("documents/d/0.parquet")))["id"]
    known = [*ids.to_pylist(), "extra"]
    if broken == "other id":
        known[4] = "other"
    decided = [{"row": i, "id": known[i], "verdict": "kept"} for i in range(count)]
    write(store, "decisions/d/0.parquet", decided, DECISIONS)
    with pytest.raises(StoreError, match=r"decides? "):
        parts(store, 1)


def test_datasets_loads_the_folder(tmp_path):
    datasets = pytest.importorskip("datasets")
    store = Store(str(tmp_path))
    kept = lake(store, shards=1, rows=200)
    materialize(store, 1)
    folder = tmp_path / "curated" / FINGERPRINT
    loaded = datasets.load_dataset(str(folder), cache_dir=str(tmp_path / "cache"))
    assert sum(split.num_rows for split in loaded.values()) == len(kept)
    assert pc.all(pc.is_valid(loaded["train"].data["text"])).as_py()


def test_a_cut_removes_what_was_measured(store):
    kept = lake(store, shards=1, rows=50)
    schema = pa.schema([("repeated_line_numbers", pa.list_(pa.int32()))])
    numbers = [{"repeated_line_numbers": [0] if row % 2 else []} for row in range(50)]
    path = write(store, "repeated_lines/f/0.parquet", numbers, schema)
    shard = ShardRef("0", "documents/d/0.parquet", signals=(path,))
    settings = msgspec.structs.replace(SETTINGS, transforms=("repeated_lines",))
    made = part(store, shard, "decisions/d/0.parquet", settings, FINGERPRINT)
    table = read(store, [made])[0]
    odd = [page for page in kept.values() if int(page["text"].split()[1]) % 2]
    assert made.ledger == {"records": len(kept), "kept": len(kept) - len(odd), "dropped": len(odd)}
    assert made.facts["changed"] == {"repeated_lines": len(odd)}
    assert {row["text"] for row in table.to_pylist()}.isdisjoint(page["text"] for page in odd)


def test_a_shard_has_its_first_and_its_last_key_and_none_beyond(tmp_path):
    store = Store(str(tmp_path))
    keys = [4, 5, 6, 9, 10, KEY_SPACE - 1]
    rows = [
        {"text": f"text {key}", "id": f"{key:02x}", "source": "s", "key": key}
        | dict.fromkeys(("token_estimate", "duplicates", "lines_removed", "characters_removed"), 1)
        for key in keys
    ]
    schema = CURATED.append(KEY)
    with ShardWriter(store, "parts/f/a.parquet", schema) as writer:
        writer.write(pa.Table.from_pylist(rows, schema), row_group_rows=2)
    for low, high, held in (
        (5, 9, [5, 6, 9]),
        (6, 8, [6]),
        (7, 8, []),
        (10, KEY_SPACE - 1, [10, KEY_SPACE - 1]),
    ):
        made = curated_shard(
            store, ["parts/f/a.parquet"], KeyRange("train", low, high), low, CuratedSettings(), "f"
        )
        assert made.facts["rows"] == len(held)
        texts = [read_table(store, output.path)["text"].to_pylist() for output in made.outputs]
        assert texts == ([[f"text {key}" for key in held]] if held else [])
