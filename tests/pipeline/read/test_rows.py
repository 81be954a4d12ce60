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
from thresher.pipeline.read.rows import field_value, prefixes


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


OBJECTS = [
    {"id": 1, "text": "one"},
    {"id": 2, "text": "t{w}o, [two] \\"},
    {"id": 3, "text": "drei ü"},
]


@pytest.mark.parametrize(
    ("written", "query"),
    [
        (json.dumps(OBJECTS), "'.[]'"),
        (json.dumps(OBJECTS, indent=2), "'.[]'"),
        ("[\n" + ",\n".join(map(json.dumps, OBJECTS)) + "\n]\n", "'.[]'"),
        ("\ufeff \n[ \n" + json.dumps(OBJECTS[0]) + "]", "'.[]'"),
        ("[]", "'.[]'"),
        ("\n".join(json.dumps(each, indent=2) for each in OBJECTS), "."),
        ("".join(json.dumps(each, indent=1) for each in OBJECTS), "."),
        ('{"id": 1,\r\n  "text": "one"}\r\n{"id": 2,\r\n "text": "two"}', "."),
    ],
)
@pytest.mark.parametrize("name", ["a.json", "a.jsonl.gz", "unnamed"])
def test_json_that_is_not_in_lines_is_refused_with_what_converts_it(tmp_path, written, query, name):
    path = tmp_path / name
    data = written.encode()
    path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    (item,) = read_file(path)
    assert item.reason == "unreadable_shard"
    assert item.detail.endswith(
        f"not JSON Lines; this converts it: jq -c {query} FILE > FILE.jsonl"
    )
    assert data.startswith(item.sample)


@pytest.mark.parametrize(
    "first",
    ["[1, 2]", '{"text": "torn,', "{", '{"text": "a", "b": ', '["a"]', "{,", '"text"', "[ 5", "[]"],
)
def test_one_odd_line_at_the_start_is_one_odd_line(tmp_path, first):
    path = tmp_path / "a.jsonl"
    path.write_text("\n".join([first, *map(json.dumps, OBJECTS)]))
    assert names(read_file(path)) == ["malformed_record", "page", "page", "page"]


@pytest.mark.parametrize("between", ["", " ", "\t\r"])
def test_objects_side_by_side_are_all_read(tmp_path, between):
    path = tmp_path / "a.jsonl"
    line = between.join(map(json.dumps, OBJECTS))
    path.write_text(f"{json.dumps(OBJECTS[0])}\n{line}\n{json.dumps(OBJECTS[2])}{line}")
    ids = [1, 1, 2, 3, 3, 1, 2, 3]
    items = read_file(path)
    assert [item.record_id for item in items] == list(map(str, ids))
    assert [item.content for item in items] == [OBJECTS[i - 1]["text"] for i in ids]


@pytest.mark.parametrize(
    ("end", "found"),
    [
        ('{"id": 4, "te', ["malformed_record"]),
        ("{}", ["missing_text"]),
        ('{"id": 4, "text": NaN}', ["missing_text"]),
        ('{"id": 4, "text": "a\\ud800"}', ["page"]),
    ],
)
def test_what_stands_behind_objects_is_read_too(tmp_path, end, found):
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps(OBJECTS[0]) + json.dumps(OBJECTS[1]) + end + "\n")
    assert names(read_file(path)) == ["page", "page", *found]
    path.write_text(json.dumps(OBJECTS[0]) + " behind it\n")
    assert names(read_file(path)) == ["malformed_record"]


@pytest.mark.parametrize("text_field", ["txt", "txt.body"])
def test_the_fields_of_rows_without_the_wanted_one_are_told(tmp_path, text_field):
    rows = [{"id": "1", "text": "one"}, {"id": "2", "text": "two"}]
    lines, table = tmp_path / "a.jsonl", tmp_path / "a.parquet"
    lines.write_text("".join(json.dumps(row) + "\n" for row in rows))
    pq.write_table(pa.Table.from_pylist(rows), table)
    for path in (lines, table):
        items = read_file(path, text_field=text_field)
        assert names(items) == ["missing_text"] * 2
        assert {item.detail for item in items} == {f"'{text_field}' is null or absent"}
        said = f"has no field '{text_field}'; its fields are id, text."
        assert items[0].told.startswith(said)


def test_a_field_that_is_there_and_null_is_not_told_as_absent(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"text": null}\n{"text": {"body": 1}}\n{"other": 1}\n{"other": 2}\n')
    told = [item.told for item in read_file(path)]
    assert told == ["", "", "has no field 'text'; its fields are other.", ""]
    assert {item.told for item in read_file(path, text_field="text.body")} >= {""}
    table = tmp_path / "a.parquet"
    pq.write_table(pa.table({"text": pa.array([None], pa.string())}), table)
    assert [item.told for item in read_file(table)] == [""]


def test_names_that_no_strict_reader_takes(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"a\\ud800": NaN}\n')
    (item,) = read_file(path)
    assert item.told.startswith("has no field 'text'; its fields are a")
    item.told.encode()


def test_a_field_that_is_not_wanted_is_in_no_row():
    assert prefixes("") == []
    assert field_value({"": "x", "a": "y"}, "") is None
    assert prefixes("a.b") == ["a.b", "a"]
    assert field_value({"a": {"": "x"}}, "a") == {"": "x"}
