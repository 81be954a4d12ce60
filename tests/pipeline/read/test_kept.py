"""Further fields of rows: what goes along, in which form, and how much of it."""

from __future__ import annotations

import datetime
import decimal
import gzip
import json
import math

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from thresher.filters.errors import ConfigError
from thresher.pipeline.read import InputSettings, InputShard, Loss, Page, read_shard
from thresher.pipeline.read.kept import MOST_BYTES, Keep, check_keep, is_kept


def of_json(folder, rows, *keep, loss=None, **settings):
    """What goes along with each row of a file of JSON Lines."""
    path = folder / "rows.jsonl"
    lines = (row if isinstance(row, str) else json.dumps(row) for row in rows)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return extras(path, "jsonl", keep, loss, settings)


def of_parquet(folder, columns, *keep, loss=None, **settings):
    """What goes along with each row of a Parquet file."""
    path = folder / "rows.parquet"
    pq.write_table(pa.table(columns), path)
    return extras(path, "parquet", keep, loss, settings)


def extras(path, kind, keep, loss, settings):
    shard = InputShard(str(path), path.stat().st_size, "", kind, "0" * 16)
    chosen = InputSettings(urls=[], keep=tuple(keep), **settings)
    items = list(read_shard(shard, chosen, None, loss))
    assert all(isinstance(item, Page) for item in items)
    return [item.extra for item in items]


ROW = {
    "text": "t",
    "licence": "cc-by",
    "score": 3,
    "meta": {"author": "A", "deep": {"n": 1.5, "tags": ["x", {"y": [True, None]}]}, "none": None},
    "meta.flat": "f",
    "metal": "no",
    "empty": {},
    "twice": {"a": {"b": "object"}, "a.b": "object"},
    "twice.a": {"b": "key"},
    "two": {"a": {"b": "object"}, "a.b": "key"},
    "three.a": {"b": "object"},
    "three.a.b": "key",
}


@pytest.mark.parametrize(
    ("keep", "expected"),
    [
        ([], ""),
        (["licence"], '{"licence":"cc-by"}'),
        (["score", "licence"], '{"licence":"cc-by","score":3}'),
        (["meta.author"], '{"meta.author":"A"}'),
        (["meta.deep.n"], '{"meta.deep.n":1.5}'),
        (["meta.deep"], '{"meta.deep.n":1.5,"meta.deep.tags":["x",{"y":[true,null]}]}'),
        (["meta.deep.*"], '{"meta.deep.n":1.5,"meta.deep.tags":["x",{"y":[true,null]}]}'),
        (["meta.flat"], '{"meta.flat":"f"}'),
        (
            ["meta.*"],
            '{"meta.author":"A","meta.deep.n":1.5,"meta.deep.tags":["x",{"y":[true,null]}],'
            '"meta.flat":"f"}',
        ),
        (["twice.*"], '{"twice.a.b":"key"}'),
        (["twice.a"], '{"twice.a.b":"key"}'),
        (["two", "two.*"], '{"two.a.b":"key"}'),
        (["three.*"], '{"three.a.b":"key"}'),
        (["meta.none", "nothing", "empty", "licence.*", "text.*"], ""),
    ],
)
def test_fields_go_along_by_name(keep, expected, tmp_path):
    assert of_json(tmp_path, [ROW], *keep) == [expected]


def test_the_text_never_goes_along(tmp_path):
    row = {"meta": {"body": "t", "x": 1}}
    assert of_json(tmp_path, [row], "meta.*", text_field="meta.body") == ['{"meta.x":1}']


def test_all_ways_of_reading_a_line_keep_the_same(tmp_path):
    """Plain, with what a strict parser refuses, and several objects on a line."""
    plain = {"text": "t", "meta": {"a": "ä\U0001f600", "b": [1]}, "z": "end"}
    expected = '{"meta.a":"ä\U0001f600","meta.b":[1],"z":"end"}'
    lenient = json.dumps({**plain, "refused": math.nan})
    lines = [json.dumps(plain), lenient, json.dumps(plain) + json.dumps(plain)]
    for keep in (["meta.*", "z"], ["meta", "z"], ["z", "meta.b", "meta.a"]):
        assert of_json(tmp_path, lines, *keep) == [expected] * 4


def test_texts_are_clean_and_numbers_are_numbers(tmp_path):
    row = (
        '{"text": "t", "a\\u0000": {"k": "x\\u0000y\\ud83d"}, "nan": NaN, "inf": [Infinity, 1], '
        '"big": 123456789012345678901234567890, "bool": true, "line": "a\\nb\\"\\u2028"}'
    )
    (extra,) = of_json(tmp_path, [row], "a\0.*", "nan", "inf", "big", "bool", "line")
    assert json.loads(extra) == {
        "a.k": "xy",
        "inf": [None, 1],
        "big": 123456789012345678901234567890,
        "bool": True,
        "line": 'a\nb"\u2028',
    }
    assert "\0" not in extra


def test_parquet_keeps_what_json_keeps(tmp_path):
    meta = [{"author": "A", "deep": {"n": 1.5, "tags": ["x"]}}, None]
    columns = {"text": ["t", "u"], "licence": ["cc-by", None], "score": [3, 4], "meta": meta}
    columns["meta.flat"] = ["f", "g"]
    found = of_parquet(tmp_path, columns, "licence", "score", "meta.*")
    assert found == [
        '{"licence":"cc-by","meta.author":"A","meta.deep.n":1.5,"meta.deep.tags":["x"],'
        '"meta.flat":"f","score":3}',
        '{"meta.flat":"g","score":4}',
    ]
    assert of_parquet(tmp_path, columns, "meta.deep") == [
        '{"meta.deep.n":1.5,"meta.deep.tags":["x"]}',
        "",
    ]
    assert of_parquet(tmp_path, columns, "nothing") == ["", ""]


def test_parquet_of_every_type(tmp_path):
    bad = pa.array([b"\xff\xfe"], pa.binary()).view(pa.string())
    columns = {
        "text": pa.array(["t"]),
        "when": pa.array([datetime.datetime(2020, 1, 15, 10, 30)], pa.timestamp("ns")),
        "day": pa.array([datetime.date(2020, 1, 15)]),
        "price": pa.array([decimal.Decimal("1.50")]),
        "bytes": pa.array([b"\x00\xff"]),
        "broken": bad,
        "half": pa.array([0.5], pa.float32()),
        "nan": pa.array([math.nan]),
        "yes": pa.array([True]),
        "many": pa.array([[datetime.date(2020, 1, 15), None]]),
        "rows": pa.array([[{"a": 1, "b": ["x"]}, None]]),
        "none": pa.array([[]], pa.list_(pa.string())),
        "map": pa.array([[("k", 1)]], pa.map_(pa.string(), pa.int64())),
        "word": pa.array(["w"]).dictionary_encode(),
    }
    keep = [name for name in columns if name != "text"]
    (extra,) = of_parquet(tmp_path, columns, *keep)
    assert json.loads(extra) == {
        "when": "2020-01-15T10:30:00",
        "day": "2020-01-15",
        "price": "1.50",
        "bytes": "00ff",
        "broken": "fffe",
        "half": 0.5,
        "yes": True,
        "many": ["2020-01-15", None],
        "rows": [{"a": 1, "b": ["x"]}, None],
        "none": [],
        "word": "w",
    }


def test_what_is_too_much_is_left_out_and_counted(tmp_path):
    loss = Loss()
    half = "x" * (MOST_BYTES // 2)
    rows = [
        {"text": "t", "a": half, "b": half, "c": "short"},
        {"text": "t", "a": "x" * MOST_BYTES, "c": "short"},
        {"text": "t", "a": "x" * (MOST_BYTES - len('{"a":""}'))},
        {"text": "t", "a": "x" * (MOST_BYTES - len('{"a":""}') + 1)},
        {"text": "t", "a": "ä" * (MOST_BYTES // 2)},
    ]
    found = of_json(tmp_path, rows, "a", "b", "c", loss=loss)
    assert [sorted(json.loads(each)) if each else [] for each in found] == [
        ["a", "c"],
        ["c"],
        ["a"],
        [],
        [],
    ]
    assert max(len(each.encode()) for each in found) == MOST_BYTES
    assert loss.left_out == 4
    loss = Loss()
    of_parquet(tmp_path, {"text": ["t"], "a": ["x" * MOST_BYTES]}, "a", loss=loss)
    assert loss.left_out == 1


def test_what_nests_too_deep_is_left_out_and_counted(tmp_path):
    loss = Loss()
    deep = "[" * 33 + "]" * 33
    inner = '{"a":' * 40 + "1" + "}" * 40
    rows = [f'{{"text": "t", "x": {deep}, "y": 1}}', f'{{"text": "t", "x": {inner}, "y": 1}}']
    assert of_json(tmp_path, rows, "x", "y", loss=loss) == ['{"y":1}'] * 2
    assert loss.left_out == 2
    (shallow,) = of_json(tmp_path, [f'{{"text": "t", "x": {deep[1:-1]}}}'], "x")
    assert json.loads(shallow) == {"x": json.loads(deep[1:-1])}


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text("ab.\0", max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.text("ab.\0", max_size=4), VALUES, max_size=5), st.randoms())
def test_the_object_is_canonical(row, order):
    keep = ("a", "b.*", "a.b")
    found = Keep(keep).of_row(row)
    if not found:
        return
    held = json.loads(found)
    again = json.dumps(held, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    assert found == again
    assert all(is_kept(name, keep) or "\0" in "".join(row) for name in held)
    assert None not in held.values()
    assert "\0" not in found
    items = list(row.items())
    order.shuffle(items)
    assert Keep(keep).of_row(dict(items)) == found


@pytest.mark.parametrize(
    ("field", "names", "kept"),
    [
        ("licence", ["licence"], True),
        ("licences", ["licence"], False),
        ("meta.a", ["meta"], True),
        ("meta.a", ["meta.*"], True),
        ("meta.a.b", ["meta.*"], True),
        ("meta", ["meta.*"], False),
        ("metal.a", ["meta.*"], False),
        ("meta.a", [], False),
    ],
)
def test_a_name_keeps_a_field_and_all_in_it(field, names, kept):
    assert is_kept(field, names) == kept


@pytest.mark.parametrize("name", ["", "*", ".*", "a.", ".a", "a..b", "a*", "a.*.b", "*.a", "a.*.*"])
def test_a_name_of_nothing_is_refused(name):
    with pytest.raises(ConfigError, match=r"keep\[1\].*'meta.licence'"):
        check_keep(["ok.*", name], "text", "recipe.toml: input.keep")


def test_the_text_is_refused():
    with pytest.raises(ConfigError, match=r"keep\[0\].*'body' is the text"):
        check_keep(["body"], "body", "input.keep")
    check_keep(["text", "meta.body"], "body", "input.keep")


def test_archives_keep_nothing(tmp_path):
    text = b"some words"
    head = b"WARC/1.0\r\nWARC-Type: conversion\r\nContent-Type: text/plain\r\nlicence: x\r\n"
    record = head + b"Content-Length: %d\r\n\r\n%s\r\n\r\n" % (len(text), text)
    path = tmp_path / "a.warc.gz"
    path.write_bytes(gzip.compress(record))
    assert extras(path, "warc", ["licence"], None, {}) == [""]
