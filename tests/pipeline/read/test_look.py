"""A first look tells the format of a file and the fields of its rows, whatever is in it."""

from __future__ import annotations

import gzip
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from thresher.filters.errors import InputError
from thresher.pipeline.read.inputs import InputSettings, list_inputs
from thresher.pipeline.read.look import Field, look_at


def look(path):
    settings = InputSettings(urls=[str(path)])
    (shard,) = list_inputs(settings, "")
    return look_at(shard, settings)


def written(path, data):
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return path


def test_keys_of_json_by_their_dotted_names_and_the_bytes_of_their_texts(tmp_path):
    rows = [
        {"a": {"b": "é", "n": 1}, "list": ["x"], "none": None},
        {"a": {"b": "yy"}, "none": True, "n": "late"},
    ]
    path = written(tmp_path / "x.jsonl", "\n".join(map(json.dumps, rows)))
    assert look(path).fields == (
        Field("a.b", 4),
        Field("a.n", -1),
        Field("none", -1),
        Field("n", 4),
    )


def test_a_field_that_holds_a_text_in_one_row_only(tmp_path):
    path = written(tmp_path / "x.jsonl", '{"a": 1}\n{"a": "bc"}\n{"a": 2}\n')
    assert look(path).fields == (Field("a", 2),)


def test_columns_of_parquet_from_the_footer(tmp_path):
    table = pa.table(
        {
            "n": [1, 2],
            "doc": [{"text": "t" * 5000, "raw": b"r"}, {"text": "u" * 5000, "raw": b"s"}],
            "tags": [["a"], ["b"]],
            "short": ["x", "y"],
        }
    )
    pq.write_table(table, tmp_path / "x.parquet", compression="none", use_dictionary=False)
    fields = {field.name: field.text_bytes for field in look(tmp_path / "x.parquet").fields}
    assert list(fields) == ["n", "doc.text", "doc.raw", "short"]
    assert fields["n"] == fields["doc.raw"] == -1
    assert fields["doc.text"] > 10_000 > fields["short"] > 0


def test_an_empty_table_has_its_columns(tmp_path):
    pq.write_table(pa.table({"a": pa.array([], pa.string())}), tmp_path / "x.parquet")
    assert [field.name for field in look(tmp_path / "x.parquet").fields] == ["a"]


@pytest.mark.parametrize("squeezed", [False, True])
@pytest.mark.parametrize(
    ("data", "kind"),
    [(b"WARC/1.0\r\n", "warc"), (b"filedesc://x", "warc"), (b'\n {"a": "b"}\n', "jsonl")],
)
def test_a_name_that_says_nothing(tmp_path, data, kind, squeezed):
    data = gzip.compress(data) if squeezed else data
    assert look(written(tmp_path / "data", data)).format == kind


def test_parquet_without_its_name(tmp_path):
    pq.write_table(pa.table({"a": ["b"]}), tmp_path / "data")
    assert look(tmp_path / "data").format == "parquet"


@pytest.mark.parametrize(
    ("name", "data", "problem"),
    [
        ("x", b"<html>", "of no known format"),
        ("x", b"", "of no known format"),
        ("x.jsonl", b'[{"a": 1}]', "jq -c '.[]' FILE"),
        ("x.jsonl", b"[1]\nnull\n", "begins with no row"),
        ("x.jsonl", b"{broken\n" * 500 + b'{"a": "b"}\n', "begins with no row"),
        ("x.jsonl", b"", "begins with no row"),
        ("x.jsonl.gz", gzip.compress(b'{"a": "b"}\n' * 9)[:20] + b"\0" * 99, "begins with no row"),
        ("x.parquet", b"PAR1 and no more", "no sound Parquet file"),
    ],
)
def test_what_cannot_be_looked_at_says_so(tmp_path, name, data, problem):
    with pytest.raises(InputError) as raised:
        look(written(tmp_path / name, data))
    assert problem in str(raised.value)
    assert f"'{name}'" in str(raised.value)


def test_rows_between_broken_ones_are_seen(tmp_path):
    path = written(tmp_path / "x.jsonl", b'\xff\n{"a": "b"}\n{"a\n\n{"c": 1}')
    assert [field.name for field in look(path).fields] == ["a", "c"]


def test_what_is_looked_at_is_bounded(tmp_path):
    def names(*lines):
        return [
            field.name for field in look(written(tmp_path / "x.jsonl", "\n".join(lines))).fields
        ]

    deep = '{"k":' * 100_000
    nested = '{"k":' * 200 + '"x"' + "}" * 200
    assert names(deep, nested, '{"a": {"b": {"c": {"d": {"e": {"f": 1, "g": {"h": 2}}}}}}}') == [
        "a.b.c.d.e.f"
    ]
    assert len(names(json.dumps({f"k{number}": "v" for number in range(2000)}))) == 500
    assert len(names(*(json.dumps({f"row{number}": "x"}) for number in range(500)))) == 100
    long = (json.dumps({f"row{number}": "x" * (1 << 20)}) for number in range(8))
    assert len(names(*long)) == 4
