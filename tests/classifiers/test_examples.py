from __future__ import annotations

import gzip
import hashlib
import json

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from classifiers import examples
from filters.errors import ConfigError, InputError

TEXTS = ["one", "zwei\nü", ""]
LINES = "".join(json.dumps({"text": text, "n": 1}) + "\n" for text in TEXTS).encode()


def read(path, field="text"):
    texts: list[bytes] = []
    source = examples.read(str(path), field, texts.append)
    return source, [text.decode() for text in texts]


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


def test_parquet_with_a_dictionary_and_bytes_that_are_no_utf8(tmp_path):
    path = tmp_path / "a.parquet"
    column = pa.array([b"a\xff", b"b", b"b"]).view(pa.string()).dictionary_encode()
    pq.write_table(pa.table({"text": column}), path)
    assert read(path)[1] == ["a\ufffd", "b", "b"]


def test_text_files_by_glob_on_another_file_system():
    memory = fsspec.filesystem("memory")
    for name in ("b", "a"):
        memory.pipe_file(f"/texts/{name}.txt", f"{name} \xe9\n".encode("latin-1"))
    urls = examples.expand(["memory://texts/*.txt", "memory://texts/a.txt"], "here")
    assert urls == ["memory:///texts/a.txt", "memory:///texts/b.txt"]
    assert [read(url)[1] for url in urls] == [["a \ufffd\n"], ["b \ufffd\n"]]


def test_nul_and_lone_surrogates(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"text": "a\\u0000b\\ud800c"}\n{"text": null}\n{"text": "\xff"}\n')
    assert read(path)[1] == ["a\0b?c", "", "\ufffd"]


@pytest.mark.parametrize(
    ("line", "error", "said"),
    [
        (b'{"text": "cut', InputError, ":2: not valid JSON"),
        (b"[" * 100_000, InputError, ":2: not valid JSON"),
        (b'["text"]', InputError, ":2: a JSON object"),
        (b'{"txet": "a"}', ConfigError, ":2: has no field 'text'. Did you mean 'txet'"),
        (b'{"text": 3}', InputError, ":2: 'text' is not text but int"),
    ],
)
def test_a_bad_line_is_named(tmp_path, line, error, said):
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"text": "fine"}\n' + line + b"\n")
    with pytest.raises(error, match=said):
        read(path)


def test_a_line_without_end(tmp_path, monkeypatch):
    monkeypatch.setattr(examples, "MAX_DOCUMENT_BYTES", 100)
    for name in ("a.jsonl", "a.txt"):
        (tmp_path / name).write_bytes(b"a" * 101)
        with pytest.raises(InputError, match="longer than 100 bytes"):
            read(tmp_path / name)


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
    with pytest.raises(InputError, match="'text' is not text but int64"):
        read(path)
    with pytest.raises(ConfigError, match=r"no field 'bodi'. Did you mean 'body'"):
        read(path, "bodi")


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("{}/none.jsonl", "names no file"),
        ("{}/*.jsonl", "names no file"),
        ("{}", "names no file"),
        ("{}/a.csv", "no known format"),
        ("nosuch://a.jsonl", "cannot be read"),
    ],
)
def test_what_is_not_there(tmp_path, pattern, said):
    (tmp_path / "a.csv").touch()
    with pytest.raises(InputError, match=f"here: .*{said}"):
        examples.expand([pattern.format(tmp_path)], "here")
