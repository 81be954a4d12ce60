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
from thresher.filters.errors import ConfigError, InputError

TEXTS = ["one", "zwei\nü", ""]
LINES = "".join(json.dumps({"text": text, "n": 1}) + "\n" for text in TEXTS).encode()


def read(path, field="text"):
    texts: list[str] = []

    def take(record, where):
        texts.append(examples.text_of(record, field, where))

    source = examples.read(str(path), [field], take)
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
    examples.read(str(path), ["text", "n"], lambda record, where: rows.append((record, where)))
    assert rows[2] == ({"text": "b", "n": 3}, f"{path}: row 3")


def test_text_files_by_glob_on_another_file_system():
    memory = fsspec.filesystem("memory")
    for name in ("b", "a"):
        memory.pipe_file(f"/texts/{name}.txt", f"{name} \xe9\n".encode())
    urls = examples.expand(["memory://texts/*.txt", "memory://texts/a.txt"], "here")
    assert urls == ["memory:///texts/a.txt", "memory:///texts/b.txt"]
    assert [read(url)[1] for url in urls] == [["a \xe9\n"], ["b \xe9\n"]]


def test_a_folder_stands_for_its_text_files(tmp_path):
    (tmp_path / "b" / "c").mkdir(parents=True)
    for name in ("a.txt", "b/c/d.TXT", "b/e.txt.gz", "b/f.jsonl", "b/g.md"):
        (tmp_path / name).touch()
    found = examples.expand([str(tmp_path)], "here")
    assert [url.removeprefix(f"{tmp_path}/") for url in found] == [
        "a.txt",
        "b/c/d.TXT",
        "b/e.txt.gz",
    ]


def test_a_null_is_an_empty_text(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"text": null}\n')
    assert read(path)[1] == [""]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b'{"text": "a\\u0000b"}', ":2: 'text' holds a NUL"),
        (b'{"text": "a\\ud800b"}', ":2: 'text' holds half a surrogate pair"),
        (b'{"text": "a\0b"}', ":2: holds a NUL byte"),
        (b'{"text": "a\xffb"}', r":2: is not UTF-8 \(byte 0xff at 11\)"),
    ],
)
def test_what_is_no_text_is_refused_with_its_line(tmp_path, data, said):
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"text": "fine"}\n' + data + b"\n")
    with pytest.raises(InputError, match=said + ".*Leave the record out, or mend it"):
        read(path)


def test_parquet_that_is_no_text_is_refused_with_its_row(tmp_path):
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"text": pa.array([b"a", b"a\xff"]).view(pa.string())}), path)
    with pytest.raises(InputError, match=r"row 2: is not UTF-8 \(byte 0xff at 1\)"):
        read(path)
    (tmp_path / "a.txt").write_bytes(b"a\xff")
    with pytest.raises(InputError, match=r"a.txt: is not UTF-8"):
        read(tmp_path / "a.txt")


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
    with pytest.raises(InputError, match="row 1: 'text' is not text but int"):
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
