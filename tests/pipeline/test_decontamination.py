"""Evaluation sets: any file format, one index, wrong settings named."""

from __future__ import annotations

import gzip
import io
import json
import uuid

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from thresher.filters.config import load
from thresher.filters.decontamination import measure_overlap
from thresher.filters.errors import ConfigError, InputError
from thresher.manifests.store import Store
from thresher.pipeline.decontamination import (
    EvaluationSettings,
    evaluation_index,
    find_sets,
    index_of,
    load_index,
)

ROWS = [
    {
        "q": {"stem": f"The {word} question of this set has over thirteen words, as it should."},
        "choices": ["no", f"the {word} choice, which is long enough to be found as a whole"],
        "gold": n,
    }
    for n, word in enumerate(["first", "second", "third"])
]


def as_csv() -> bytes:
    lines = ["stem;choice".replace(";", ",")]
    lines += [f'"{row["q"]["stem"]}","{row["choices"][1]}"' for row in ROWS]
    return "\r\n".join(lines).encode("utf-8-sig")


def as_parquet() -> bytes:
    file = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(ROWS), file)
    return file.getvalue()


LINES = "".join(json.dumps(row) + "\n" for row in ROWS).encode()
FILES = {
    "set.jsonl": LINES,
    "set.jsonl.gz": gzip.compress(LINES),
    "set.json": json.dumps(ROWS).encode(),
    "set.parquet": as_parquet(),
    "set.csv": as_csv(),
    "set.tsv.gz": gzip.compress(as_csv().replace(b",", b"\t").replace(b"\twhich", b",which")),
}


def settings_for(path, **changes) -> EvaluationSettings:
    fields = ("stem", "choice") if ".csv" in path or ".tsv" in path else ("q.stem", "choices")
    return EvaluationSettings(**{"name": "set", "path": path, "fields": fields, **changes})


def built(store, settings):
    sets = find_sets(settings)
    where = index_of(sets)
    manifest = evaluation_index(store, sets, where.fingerprint)
    return manifest, load_index(store.url(), where.folder), where.names


@pytest.mark.parametrize("name", FILES)
def test_examples_are_read_from_any_format(tmp_path, name):
    (tmp_path / name).write_bytes(FILES[name])
    store = Store(str(tmp_path / "lake"))
    manifest, index, names = built(store, [settings_for(str(tmp_path / name))])
    assert manifest.facts["examples"] == 3
    texts = pa.array([f"See: {row['q']['stem']} Or {row['choices'][1]}" for row in ROWS])
    family, _ = measure_overlap(texts, index, names)
    assert [row["item"] for row in family.to_pylist()] == [0, 1, 2]
    assert {row["coverage"] for row in family.to_pylist()} == {1.0}


def test_sets_and_files_are_named_and_numbered(tmp_path):
    for n, row in enumerate(ROWS):
        (tmp_path / f"part-{n}.jsonl").write_text(json.dumps(row))
    (tmp_path / "other.jsonl").write_text(json.dumps({"text": "one two three four five six"}))
    settings = [
        settings_for(str(tmp_path / "other.jsonl"), name="words", fields=("text",), ngram=5),
        settings_for(str(tmp_path / "part-*.jsonl"), name="parts"),
    ]
    store = Store(f"memory://{uuid.uuid4().hex}")
    _, index, names = built(store, settings)
    texts = pa.array([ROWS[2]["q"]["stem"], "Two, three, four, five: six", "nothing"])
    found = measure_overlap(texts, index, names)[0].to_pylist()
    assert [row["set"] for row in found] == ["parts", "words", None]
    assert [row["item"] for row in found] == [2, 0, None]


def test_the_index_is_the_same_wherever_the_files_lie(tmp_path):
    hashes = []
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "s.jsonl").write_bytes(LINES)
        settings = [settings_for(str(tmp_path / folder / "s.jsonl"))]
        manifest, _, _ = built(Store(str(tmp_path / folder / "lake")), settings)
        hashes.append((manifest.fingerprint, [output.sha256 for output in manifest.outputs]))
    assert hashes[0] == hashes[1]
    longer = index_of(find_sets([settings_for(str(tmp_path / "one/s.jsonl"), ngram=8)]))
    assert longer.fingerprint != hashes[0][0]


def test_wrong_settings_say_what_to_type(tmp_path):
    path = tmp_path / "set.jsonl"
    path.write_bytes(LINES)
    with pytest.raises(ConfigError, match=r"decontaminate\[0\]\.fields.*'choice'.*'choices'"):
        find_sets([settings_for(str(path), fields=("q.stem", "choice"))])
    with pytest.raises(ConfigError, match=r"decontaminate\[1\]\.name.*another set"):
        find_sets([settings_for(str(path)), settings_for(str(path))])
    with pytest.raises(ConfigError, match="names no field"):
        find_sets([settings_for(str(path), fields=())])
    with pytest.raises(InputError, match="matches no file"):
        find_sets([settings_for(str(tmp_path / "none*"))])
    with pytest.raises(ConfigError, match="ngram"):
        load(EvaluationSettings, {"name": "a", "path": "b", "fields": ["c"], "ngram": 1}, "x")
    path.write_text("no json")
    with pytest.raises(InputError, match="is not JSON Lines"):
        find_sets([settings_for(str(path))])
    path.write_text("[1]")
    with pytest.raises(InputError, match="an example is no object but int"):
        find_sets([settings_for(str(path))])


def test_a_file_that_changes_behind_the_plan_is_refused(tmp_path):
    path = tmp_path / "set.jsonl"
    path.write_bytes(LINES)
    sets = find_sets([settings_for(str(path))])
    path.write_bytes(LINES + LINES)
    with pytest.raises(InputError, match="has changed since the run was planned"):
        evaluation_index(Store(str(tmp_path / "lake")), sets, "f")
