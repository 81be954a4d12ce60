from __future__ import annotations

import gzip
import json
import random

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from thresher.filters.errors import InputError
from thresher.pipeline.read import InputSettings, Page, list_inputs, read_shard


def settings(**changes):
    return InputSettings(urls=["*"], **changes)


def read_file(path, **changes):
    (shard,) = list_inputs(InputSettings(urls=[str(path)], **changes), "")
    return list(read_shard(shard, settings(**changes)))


def names(items):
    return ["page" if isinstance(item, Page) else item.reason for item in items]


LINES = [
    b'{"id": 1, "text": "one", "url": "http://a.org/", "date": "2024-01-01", "meta": {"x": [1]}}',
    b'{"id": "two", "text": "zwei \xc3\xbc"}',
    b"",
    b'{"text": "a lone \\ud83d surrogate and \\u0000 NUL"}',
    b'{"text": NaN}',
    b'{"text": null}',
    b'{"text": 5}',
    b"{}",
    b'{"text": "  "}',
    b'{"text": "cut',
    b"[1, 2]",
    b"\xff\xfe",
    b'{"id": {"no": "string"}, "text": "three"}',
]
EXPECTED = [
    "page",
    "page",
    "page",
    *["missing_text"] * 4,
    "empty",
    *["malformed_record"] * 3,
    "page",
]


@pytest.mark.parametrize(
    ("name", "compress"),
    [("a.jsonl", bytes), ("a.jsonl.gz", gzip.compress), ("a.ndjson.zst", zstandard.compress)],
)
def test_json_lines(tmp_path, name, compress):
    path = tmp_path / name
    path.write_bytes(compress(b"\n".join(LINES)))
    items = read_file(path)
    assert names(items) == EXPECTED
    assert items[0] == Page("1", "http://a.org/", "2024-01-01", "one", False, "utf-8")
    assert (items[1].record_id, items[1].content) == ("two", "zwei ü")
    assert items[2].content == "a lone  surrogate and  NUL"
    assert items[-1].record_id == ""


def test_nested_and_renamed_fields(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"body": "b", "metadata": {"url": "u", "id": 3}, "metadata.x": 1}\n')
    fields = {"text_field": "body", "url_field": "metadata.url", "id_field": "metadata.id"}
    (page,) = read_file(path, **fields)
    assert (page.content, page.url, page.record_id) == ("b", "u", "3")


@pytest.mark.parametrize(
    "row",
    [
        {"text": "t", "a.b.c": "x", "a": {"b": {"c": "no"}}},
        {"text": "t", "a": {"b.c": "x"}},
        {"text": "t", "a.b": {"c": "x"}},
        {"text": "t", "a.b.c": None, "a.b": 5, "a": {"b": {"c": "x"}}},
        {"text": "t\ud800", "a.b": {"c": "x"}},
    ],
)
def test_dotted_names_are_found_flat_and_nested(tmp_path, row):
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps(row) + "\n")
    (page,) = read_file(path, url_field="a.b.c")
    assert (page.content, page.url) == ("t", "x")


def test_an_overlong_line_is_oversize_and_passed_over(tmp_path):
    path = tmp_path / "a.jsonl"
    row = json.dumps({"text": "x" * 5000}).encode()
    exact = json.dumps({"text": "x" * (1024 - 13)}).encode()
    assert len(exact) == 1024 - 1
    path.write_bytes(row + b"\n" + LINES[0] + b"\n" + exact + b"\n" + row)
    items = read_file(path, max_record_bytes=1024)
    assert names(items) == ["oversize", "page", "page", "oversize"]
    assert items[0].detail == f"a line of {len(row) + 1} bytes"


def test_truncated_json_lines(tmp_path):
    rows = [json.dumps({"text": random.Random(i).randbytes(50).hex()}) for i in range(500)]
    data = gzip.compress("\n".join(rows).encode())
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(data[:-3000])
    found = names(read_file(path))
    assert set(found[:-1]) == {"page"}
    assert found[-1] == "truncated_archive"
    path.write_bytes(data[:-1])
    assert names(read_file(path))[-1] == "truncated_archive"


def test_an_empty_file_is_one_failed_record(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"")
    assert names(read_file(path)) == ["malformed_record"]


def test_the_format_is_told_from_the_first_bytes(tmp_path):
    pq.write_table(pa.table({"text": ["a", "b"]}), tmp_path / "one")
    (tmp_path / "two").write_bytes(gzip.compress(LINES[0]))
    (tmp_path / "three").write_bytes(b"\xef\xbb\xbf" + LINES[0])
    (tmp_path / "four").write_bytes(b"\x00\x01")
    assert names(read_file(tmp_path / "one")) == ["page"] * 2
    assert names(read_file(tmp_path / "two")) == ["page"]
    assert names(read_file(tmp_path / "three")) == ["page"]
    assert names(read_file(tmp_path / "four")) == ["unreadable_shard"]


def test_a_file_that_went_away_is_not_bad_data(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_bytes(LINES[0])
    (shard,) = list_inputs(InputSettings(urls=[str(path)]), "")
    path.unlink()
    with pytest.raises(FileNotFoundError):
        list(read_shard(shard, settings()))
    with pytest.raises(InputError):
        list_inputs(InputSettings(urls=[str(path)]), "")
