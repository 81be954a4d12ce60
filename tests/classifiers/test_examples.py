from __future__ import annotations

import gzip
import hashlib
import json

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from thresher.classifiers import examples
from thresher.classifiers.leaving_out import LeftOut, UnusableRecord
from thresher.classifiers.training_files import expand
from thresher.filters.errors import InputError

TEXTS = ["one", "zwei\nü", ""]
LINES = "".join(json.dumps({"text": text, "n": 1}) + "\n" for text in TEXTS).encode()


def read(path, field="text", share=1.0):
    """What was read of a file: its facts and texts."""
    texts: list[str] = []

    def take(record):
        texts.append(examples.text_of(record, field))

    source = examples.read(str(path), [field], take, LeftOut(share, "here"))
    return source, texts


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.jsonl", LINES),
        ("a.jsonl", b"\xef\xbb\xbf" + LINES.replace(b"\n", b"\r\n\n")),
        ("a.jsonl.gz", gzip.compress(LINES[:20]) + gzip.compress(LINES[20:])),
        ("a.JSONL.zst", zstandard.compress(LINES[:20]) + zstandard.compress(LINES[20:])),
    ],
)
def test_jsonl(tmp_path, name, data):
    path = tmp_path / name
    path.write_bytes(data)
    source, texts = read(path)
    assert texts == TEXTS
    assert source.sha256 == hashlib.sha256(data).hexdigest()
    assert (source.size_bytes, source.documents) == (len(data), 3)


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string()])
def test_parquet(tmp_path, kind):
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"n": [1, 2], "text": pa.array(["one", None], kind)}), path)
    source, texts = read(path)
    assert texts == ["one", ""]
    assert source.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert source.size_bytes == path.stat().st_size


def test_parquet_with_a_dictionary_and_other_columns(tmp_path):
    path = tmp_path / "a.parquet"
    column = pa.array(["a", "b", "b"]).dictionary_encode()
    pq.write_table(pa.table({"text": column, "n": [1, 2, 3]}), path)
    assert read(path)[1] == ["a", "b", "b"]
    rows = []
    examples.read(str(path), ["text", "n"], rows.append, LeftOut(0, "here"))
    assert rows[2] == {"text": "b", "n": 3}


def test_text_files_by_glob_on_another_file_system():
    memory = fsspec.filesystem("memory")
    for name in ("b", "a"):
        memory.pipe_file(f"/texts/{name}.txt", f"{name} \xe9\n".encode())
    urls = expand(["memory://texts/*.txt", "memory://texts/a.txt"], "here")
    assert urls == ["memory:///texts/a.txt", "memory:///texts/b.txt"]
    assert [read(url)[1] for url in urls] == [["a \xe9\n"], ["b \xe9\n"]]


def test_a_folder_stands_for_all_its_files_of_texts(tmp_path):
    (tmp_path / "b" / ".hidden").mkdir(parents=True)
    kept = ["a.txt", "b/d.TXT", "b/e.txt.gz", "b/f.jsonl", "b/g.ndjson.zst", "b/h.parquet"]
    for name in (
        *kept,
        "b/x.parquet.gz",
        "b/g.md",
        "b/i.csv",
        "b/.hidden/a.txt",
        ".a.txt",
        "b/_SUCCESS",
    ):
        (tmp_path / name).touch()
    found = expand([f"{tmp_path}/", f"{tmp_path}/b"], "here")
    assert [url.removeprefix(f"{tmp_path}/") for url in found] == kept


def test_a_folder_in_a_hidden_one_is_meant_where_it_is_named(tmp_path):
    (tmp_path / ".cache").mkdir()
    (tmp_path / ".cache" / "a.txt").touch()
    assert expand([f"{tmp_path}/.cache"], "here") == [f"{tmp_path}/.cache/a.txt"]


@pytest.mark.parametrize("pattern", ["{}/a.txt", "{}/*.txt", "{}", "{}/a.txt/below/*.jsonl"])
def test_a_link_that_leads_nowhere_is_named(tmp_path, pattern):
    (tmp_path / "a.txt").symlink_to("nowhere")
    (tmp_path / "b.txt").touch()
    said = rf"^here: '{tmp_path}/a\.txt' is a link to 'nowhere', which is not there\.$"
    with pytest.raises(InputError, match=said):
        expand([pattern.format(tmp_path)], "here")


def test_a_null_is_an_empty_text(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"text": null}\n')
    assert read(path)[1] == [""]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b'{"text": "a\\u0000b"}', "'text' holds a NUL."),
        (b'{"text": "a\\ud800b"}', "'text' holds half a surrogate pair."),
        (b'{"text": "a\0b"}', "holds a NUL byte."),
        (b'{"text": "a\xffb"}', "is not UTF-8 (byte 0xff at 11)."),
        (b'{"text": "cut', "not valid JSON: "),
        (b"[" * 100_000, "not valid JSON: "),
        (b'["text"]', "a JSON object is needed on every line."),
        (b'{"txet": "a"}', "has no field 'text'; its fields are txet. Did you mean 'txet'?"),
        (b'{"b": 1, "a\\u001b[1m": 2}', "has no field 'text'; its fields are b, a [1m."),
        (b'{"text": 3}', "'text' is not text but int."),
        (b'{"text": "' + b"a" * 200 + b'"}', "longer than 150 bytes."),
    ],
)
def test_a_record_that_cannot_be_used_is_left_out_and_told(tmp_path, monkeypatch, data, said):
    if len(data) < 1000:
        monkeypatch.setattr(examples, "MAX_DOCUMENT_BYTES", 150)
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"text": "fine"}\n' + data + b'\n\n{"text": "fine, too"}\n')
    source, texts = read(path)
    assert texts == ["fine", "fine, too"]
    assert (source.documents, source.unusable) == (2, 1)
    assert source.first_unusable.startswith(f"{path}:2: {said}")
    assert source.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_line_without_end_is_passed_over_in_pieces(tmp_path, monkeypatch):
    monkeypatch.setattr(examples, "MAX_DOCUMENT_BYTES", 100)
    monkeypatch.setattr(examples, "_CHUNK", 30)
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"a" * 1000 + b'\n{"text": "fine"}\n' + b"b" * 1000)
    source, texts = read(path)
    assert texts == ["fine"]
    assert source.unusable == 2
    (tmp_path / "a.txt").write_bytes(b"a" * 101)
    assert read(tmp_path / "a.txt")[0].first_unusable.endswith("a.txt: longer than 100 bytes.")


def test_rows_and_texts_that_cannot_be_used_are_left_out(tmp_path):
    path = tmp_path / "a.parquet"
    texts = pa.array([b"a", b"a\xff", b"c"]).view(pa.string())
    pq.write_table(pa.table({"text": texts}), path)
    source, found = read(path)
    assert found == ["a", "c"]
    assert source.first_unusable == f"{path}: row 2: is not UTF-8 (byte 0xff at 1)."
    (tmp_path / "a.txt").write_bytes(b"a\xff")
    source, found = read(tmp_path / "a.txt")
    assert (found, source.documents, source.unusable) == ([], 0, 1)


def test_a_file_that_begins_with_nothing_but_such_records_is_given_up(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"txt": "a"}\n' * 100 + b'{"text": "a"}\n' * 100_000)
    with pytest.raises(InputError) as caught:
        read(path, share=0.5)
    said = "here: none of the first 100 records can be used: "
    assert str(caught.value).startswith(f"{said}{path}:1: has no field 'text'; its fields are txt.")
    assert read(path)[0].unusable == 100
    path.write_bytes(b'{"txt": "a"}\n' * 99 + b'{"text": "a"}\n' + b'{"txt": "a"}\n' * 99)
    assert read(path, share=0.5)[0].unusable == 198


@pytest.mark.parametrize(
    ("good", "bad", "share", "stops"),
    [
        (50, 1, 0.01, False),
        (50, 2, 0.01, True),
        (198, 2, 0.01, False),
        (50, 1, 0, True),
        (0, 1, 0.01, False),
        (0, 2, 0.01, True),
        (1, 40, 1, False),
    ],
)
def test_how_many_may_be_left_out(good, bad, share, stops):
    for order in (1, -1):
        left_out = LeftOut(share, "train: positives[0]")
        records = [None] * good + [UnusableRecord("is bad.")] * bad
        left_out.start_file()
        for number, record in enumerate(records[::order]):
            if record is None:
                left_out.used()
            else:
                left_out.leave(f"f:{number}", record)
        if not stops:
            left_out.finish()
            continue
        first = good if order == 1 else 0
        with pytest.raises(InputError) as caught:
            left_out.finish()
        assert str(caught.value) == (
            f"train: positives[0]: {bad} of {good + bad} records cannot be used, and "
            f"allow_unusable is {share:g}; first f:{first}: is bad. Mend them, or raise "
            "allow_unusable."
        )


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.jsonl.gz", gzip.compress(LINES)[:-12]),
        ("a.jsonl.gz", LINES),
        ("a.jsonl.zst", LINES),
        ("a.parquet", LINES),
        ("a.parquet", b""),
    ],
)
def test_a_damaged_file(tmp_path, name, data):
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(InputError, match=r"a\.\w+.*: (damaged after|cannot be read)"):
        read(path)


def test_parquet_columns(tmp_path):
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"text": [1, 2], "body": ["a", "b"]}), path)
    assert read(path)[0].first_unusable == f"{path}: row 1: 'text' is not text but int."
    said = read(path, "bodi")[0].first_unusable
    assert said.endswith("has no field 'bodi'; its fields are text, body. Did you mean 'body'?")
    pq.write_table(pa.table({"text": [["a"]]}), path)
    with pytest.raises(InputError, match="'text' is not text but list"):
        read(path)


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("{}/none.jsonl", "names no file"),
        ("{}/*.jsonl", "names no file"),
        ("{}", r"names no file of a known format \(\.jsonl, "),
        ("{}/a.csv", "no known format"),
        ("{}/a.parquet.gz", "no known format"),
        ("nosuch://a.jsonl", "cannot be read"),
    ],
)
def test_what_is_not_there(tmp_path, pattern, said):
    for name in ("a.csv", "a.parquet.gz"):
        (tmp_path / name).touch()
    with pytest.raises(InputError, match=f"here: .*{said}"):
        expand([pattern.format(tmp_path)], "here")
