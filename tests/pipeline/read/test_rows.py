from __future__ import annotations

import datetime
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


def write_parquet(path, **columns):
    table = pa.table(columns or {"text": ["a", None, " ", "d\0"], "id": [1, 2, 3, 4]})
    pq.write_table(table, path, row_group_size=2)


def test_parquet(tmp_path):
    path = tmp_path / "a.parquet"
    write_parquet(
        path,
        text=["a", None, " ", "d\0", "x" * 3000],
        id=[1, 2, 3, 4, 5],
        url=["u"] * 5,
        date=[datetime.datetime(2024, 1, 2, tzinfo=datetime.UTC)] * 5,
        other=[[1.5]] * 5,
    )
    items = read_file(path, max_record_bytes=2000)
    assert names(items) == ["page", "missing_text", "empty", "page", "oversize"]
    assert items[0] == Page("1", "u", "2024-01-02T00:00:00+00:00", "a", False, "utf-8")
    assert items[1].record_id == "2"
    assert items[3].content == "d"


def test_parquet_without_the_column(tmp_path):
    path = tmp_path / "a.parquet"
    write_parquet(path)
    assert names(read_file(path, text_field="body")) == ["missing_text"] * 4
    fields = {"text_field": "body", "id_field": "", "url_field": "", "date_field": ""}
    assert names(read_file(path, **fields)) == ["missing_text"] * 4


def test_parquet_with_struct_columns(tmp_path):
    path = tmp_path / "a.parquet"
    write_parquet(path, text=["a"], meta=[{"url": "u"}])
    (page,) = read_file(path, url_field="meta.url")
    assert page.url == "u"


def test_a_corrupt_parquet_file_is_one_failed_record(tmp_path):
    path = tmp_path / "a.parquet"
    write_parquet(path)
    data = path.read_bytes()
    for broken in (data[:-9], data[: len(data) // 2], b"PAR1", b"", b"x" * 100):
        path.write_bytes(broken)
        assert names(read_file(path)) == ["unreadable_shard"]
    table = {"text": [f"{i} " * 500 for i in range(2000)]}
    pq.write_table(pa.table(table), path, row_group_size=500, compression="zstd")
    data = bytearray(path.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 400] = bytes(400)
    path.write_bytes(data)
    found = names(read_file(path))
    assert found[-1] == "unreadable_shard"
    assert set(found[:-1]) == {"page"}


def test_the_format_is_told_from_the_first_bytes(tmp_path):
    write_parquet(tmp_path / "one")
    (tmp_path / "two").write_bytes(gzip.compress(LINES[0]))
    (tmp_path / "three").write_bytes(b"\xef\xbb\xbf" + LINES[0])
    (tmp_path / "four").write_bytes(b"\x00\x01")
    assert len(read_file(tmp_path / "one")) == 4
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
