"""Parquet: one bad value costs one row, and nothing is lost in silence."""

from __future__ import annotations

import datetime
import decimal
import io
import random
import subprocess
import sys
import uuid

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from thresher.pipeline.read import InputSettings, Page, list_inputs, parquet_batches, read_shard
from thresher.pipeline.read.columns import printed, texts
from thresher.pipeline.read.parquet import read_parquet
from thresher.pipeline.read.parquet_batches import batch_rows, leaves_of
from thresher.pipeline.read.rows import RowFields

FIELDS = RowFields("text", "id", "url", "date")
LIMIT = 1 << 20


def write(table, **options):
    file = io.BytesIO()
    pq.write_table(table, file, **options)
    return file.getvalue()


def read(data, fields=FIELDS, limit=LIMIT):
    return list(read_parquet(io.BytesIO(data), fields, limit))


def rows(limit=LIMIT, fields=FIELDS, **columns):
    return read(write(pa.table(columns)), fields, limit)


def names(items):
    return ["page" if isinstance(item, Page) else item.reason for item in items]


def unchecked(kind, *values):
    """An array of strings whose bytes nobody checks."""
    return pa.array(values, pa.large_binary() if kind == pa.large_string() else pa.binary()).view(
        kind
    )


def test_rows_become_pages_or_say_why_not():
    items = rows(
        text=["a", None, " ", "d\0", "x" * 3000],
        id=[1, 2, 3, 4, 5],
        url=["u"] * 5,
        date=[datetime.datetime(2024, 1, 2, tzinfo=datetime.UTC)] * 5,
        other=[[1.5]] * 5,
        limit=2000,
    )
    assert names(items) == ["page", "missing_text", "empty", "page", "oversize"]
    assert items[0] == Page("1", "u", "2024-01-02T00:00:00+00:00", "a", False, "utf-8")
    assert (items[1].record_id, items[1].detail) == ("2", "'text' is null or absent")
    assert items[3].content == "d"
    assert (items[4].record_id, items[4].detail) == ("5", "a text of 3000 bytes")


def test_the_limit_is_in_bytes():
    assert names(rows(text=["x" * 1024, "x" * 1025, "ü" * 512, "ü" * 513], limit=1024)) == [
        "page",
        "oversize",
        "page",
        "oversize",
    ]


def test_without_the_column_of_the_text():
    columns = {"words": ["a", "b"], "id": [1, 2]}
    assert names(rows(**columns)) == ["missing_text"] * 2
    assert [item.record_id for item in rows(**columns)] == ["1", "2"]
    assert names(rows(**columns, fields=RowFields("body", "", "", ""))) == ["missing_text"] * 2
    numbers = rows(text=pa.array([1, None], pa.int16()))
    assert [item.detail for item in numbers] == [
        "'text' is of type int16",
        "'text' is null or absent",
    ]


def test_parts_without_rows_have_no_records():
    schema = pa.schema([("text", pa.string())])
    assert read(write(schema.empty_table())) == []
    assert read(write(pa.table({"nothing": pa.nulls(0)}))) == []
    file = io.BytesIO()
    with pq.ParquetWriter(file, schema) as writer:
        writer.write_table(schema.empty_table())
        writer.write_table(pa.table({"text": ["a"]}))
        writer.write_table(schema.empty_table())
    assert names(read(file.getvalue())) == ["page"]


TEXT_TYPES = [
    pa.string(),
    pa.large_string(),
    pa.string_view(),
    pa.binary(),
    pa.large_binary(),
    pa.binary_view(),
    pa.dictionary(pa.int32(), pa.string()),
    pa.json_(),
]


@pytest.mark.parametrize("kind", TEXT_TYPES, ids=str)
def test_every_type_of_text_is_read(kind):
    values = ["grüße", None, "b" * 5000, ""]
    if isinstance(kind, pa.ExtensionType):
        column = pa.ExtensionArray.from_storage(kind, pa.array(values, kind.storage_type))
    else:
        column = pa.array(values).cast(kind)
    items = rows(text=column, id=column, limit=4000)
    assert names(items) == ["page", "missing_text", "oversize", "empty"]
    assert (items[0].content, items[0].record_id) == ("grüße", "grüße")
    assert items[2].detail == "a text of 5000 bytes"


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.binary()], ids=str)
@pytest.mark.parametrize("options", [{}, {"use_dictionary": False}], ids=["dictionary", "plain"])
def test_a_string_that_is_not_utf8_is_one_failed_row(kind, options):
    column = unchecked(kind, b"first", b"caf\xe9 au lait", None, b"\xed\xa0\x80", b"last")
    items = read(write(pa.table({"text": column, "id": list("abcde")}), **options))
    assert names(items) == ["page", "undecodable", "missing_text", "undecodable", "page"]
    assert (items[1].record_id, items[1].detail, items[1].sample) == (
        "b",
        "'text' is not UTF-8",
        b"caf\xe9 au lait",
    )
    assert [items[0].content, items[-1].content] == ["first", "last"]


@pytest.mark.parametrize("name", ["id", "url", "date"])
def test_another_field_that_is_not_utf8_is_named(name):
    table = pa.table({"text": ["a", "b"], name: unchecked(pa.string(), b"\xff", b"good")})
    items = read(write(table))
    assert names(items) == ["undecodable", "page"]
    assert items[0].detail == f"'{name}' is not UTF-8"


IDENTITY = uuid.UUID("12345678-1234-5678-1234-567812345678")


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (pa.array([IDENTITY.bytes], pa.uuid()), str(IDENTITY)),
        (pa.array([IDENTITY.bytes], pa.binary(16)), IDENTITY.hex),
        (pa.array([b"row-17"]), "row-17"),
        (pa.array([b"\0\xff"]), "00ff"),
        (pa.array([b"\1\2"]), "0102"),
        (pa.array([decimal.Decimal("12345678901234567890")]), "12345678901234567890"),
        (pa.array([decimal.Decimal("0E-9")], pa.decimal128(20, 9)), "0.000000000"),
        (pa.array([2**64 - 1], pa.uint64()), "18446744073709551615"),
        (pa.array([-5], pa.int8()), "-5"),
        (pa.array([1.5]), "1.5"),
        (pa.array([True]), "True"),
        (pa.array([["x"]]), ""),
        (pa.array([{"x": 1}]), ""),
        (pa.array([[("x", 1)]], pa.map_(pa.string(), pa.int8())), ""),
        (pa.array(["a", "b"]).dictionary_encode().take([1]), "b"),
        (pa.nulls(1), ""),
        (pa.array([None], pa.int64()), ""),
        (pa.array(["a\0b"]), "ab"),
    ],
)
def test_ids_are_what_they_print(column, expected):
    (page,) = rows(text=["t"], id=column, url=column)
    assert (page.record_id, page.url) == (expected, expected)


DAY = 86_400


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (pa.array([0], pa.timestamp("s")), "1970-01-01T00:00:00"),
        (pa.array([-1], pa.timestamp("ms")), "1969-12-31T23:59:59.999000"),
        (
            pa.array([1_700_000_000_123_456_789], pa.timestamp("ns")),
            "2023-11-14T22:13:20.123456789",
        ),
        (pa.array([1_700_000_000_123_456_000], pa.timestamp("ns")), "2023-11-14T22:13:20.123456"),
        (pa.array([-1], pa.timestamp("ns", "UTC")), "1969-12-31T23:59:59.999999999+00:00"),
        (pa.array([0], pa.timestamp("us", "UTC")), "1970-01-01T00:00:00+00:00"),
        (pa.array([0], pa.timestamp("us", "+05:30")), "1970-01-01T05:30:00+05:30"),
        (pa.array([0], pa.timestamp("us", "Asia/Tokyo")), "1970-01-01T09:00:00+09:00"),
        (pa.array([0], pa.timestamp("us", "Mars/Phobos")), "1970-01-01T00:00:00+00:00"),
        (pa.array([0], pa.timestamp("us", "+99:99")), "1970-01-01T00:00:00+00:00"),
        (
            pa.array([253_402_300_800], pa.timestamp("s")).cast(pa.timestamp("ms")),
            "+10000-01-01T00:00:00",
        ),
        (pa.array([-62_135_596_801_000], pa.timestamp("ms")), "0000-12-31T23:59:59"),
        (pa.array([-62_167_219_201_000], pa.timestamp("ms")), "-0001-12-31T23:59:59"),
        (
            pa.array([253_402_300_799_000], pa.timestamp("ms", "Asia/Tokyo")),
            "9999-12-31T23:59:59+00:00",
        ),
        (pa.array([0], pa.date32()), "1970-01-01"),
        (pa.array([19_724 * DAY * 1000], pa.date64()), "2024-01-02"),
        (pa.array([2_932_897], pa.date32()), "+10000-01-01"),
        (pa.array([-719_529], pa.date32()), "-0001-12-31"),
        (pa.array([2**31 - 1], pa.date32()), "+5881580-07-11"),
        (pa.array([1], pa.time64("ns")), "00:00:00.000000001"),
        (pa.array([1], pa.duration("ns")), "1"),
        (pa.array(["Tue, 02 Jan 2024 00:00:00 GMT"]), "Tue, 02 Jan 2024 00:00:00 GMT"),
        (pa.array([20240102]), "20240102"),
        (pa.array([None], pa.timestamp("ns")), ""),
    ],
)
def test_dates_of_any_kind_and_year(column, expected):
    items = rows(text=["t", "u"], date=pa.concat_arrays([column, pa.nulls(1, column.type)]))
    assert [item.date for item in items] == [expected, ""]


@given(st.datetimes(), st.sampled_from(["ms", "us", "ns"]))
def test_dates_are_printed_as_python_prints_them(moment, unit):
    if unit == "ns":
        moment = moment.replace(year=1700 + moment.year % 500, day=min(moment.day, 28))
    if unit == "ms":
        moment = moment.replace(microsecond=moment.microsecond // 1000 * 1000)
    assert printed(pa.array([moment], pa.timestamp(unit))) == [moment.isoformat()]
    for kind in (pa.date32(), pa.date64()):  # files hold the first alone, extensions any
        assert printed(pa.array([moment.date()], kind)) == [moment.date().isoformat()]


@given(st.lists(st.none() | st.binary(max_size=6), max_size=8))
def test_texts_are_what_python_decodes(values):
    expected = []
    for value in values:
        try:
            expected.append(None if value is None else value.decode())
        except UnicodeDecodeError:
            expected.append(value)
    assert texts(pa.array(values, pa.binary())) == expected
    assert texts(pa.array(values, pa.binary()).view(pa.string())) == expected
    assert texts(pa.array(values, pa.large_binary()).view(pa.large_string())) == expected


def test_old_spark_timestamps_keep_far_years():
    far = pa.array([datetime.datetime(4000, 1, 1)], pa.timestamp("us"))
    data = write(pa.table({"text": ["t"], "date": far}), use_deprecated_int96_timestamps=True)
    assert read(data)[0].date == "4000-01-01T00:00:00"


def test_names_with_dots_are_found_flat_and_in_structs():
    fields = RowFields("text", "a.b.c", "meta.url", "x.y")
    flat = rows(text=["t"], **{"a.b.c": ["1"], "meta.url": ["u"]}, fields=fields)
    struct = rows(text=["t"], a=[{"b": {"c": 1, "d": 2}}], meta=[{"url": "u"}], fields=fields)
    mixed = rows(
        text=["t"], a=[{"b.c": "1"}], **{"meta.url": ["u"]}, meta=[{"url": "no"}], fields=fields
    )
    for (page,) in (flat, struct, mixed):
        assert (page.record_id, page.url, page.date) == ("1", "u", "")
    absent = pa.array([None, {"url": "u"}], pa.struct([("url", pa.string())]))
    assert [page.url for page in rows(text=["a", "b"], meta=absent, fields=fields)] == ["", "u"]
    assert names(rows(text=[{"a": "b"}])) == ["missing_text"]


def test_columns_of_one_name_are_an_error_that_names_them():
    two = pa.table([["a"], ["b"]], names=["text", "text"])
    (item,) = read(write(two))
    assert item.reason == "unreadable_shard"
    assert item.detail == "2 columns are called 'text': rename all but one of them"
    three = pa.table([["a"], ["1"], ["2"], ["3"]], names=["text", "id", "id", "id"])
    assert "3 columns are called 'id'" in read(write(three))[0].detail
    struct = pa.StructArray.from_arrays([pa.array(["u"]), pa.array(["v"])], names=["url", "url"])
    (item,) = rows(text=["t"], meta=struct, fields=RowFields("text", "", "meta.url", ""))
    assert "'url'" in item.detail
    other = pa.table([["a"], ["1"], ["2"]], names=["text", "x", "x"])
    assert names(read(write(other))) == ["page"]


def test_a_corrupt_file_is_one_failed_record():
    data = write(pa.table({"text": ["a", "b"]}))
    for broken in (data[:-9], data[: len(data) // 2], b"PAR1", b"", b"x" * 100):
        assert names(read(broken)) == ["unreadable_shard"]


@pytest.mark.parametrize("options", [{}, {"compression": "none", "write_page_checksum": True}])
def test_a_damaged_row_group_costs_its_own_rows(options):
    text = [random.Random(i).randbytes(500).hex() for i in range(2000)]
    made = {"row_group_size": 500, "compression": "zstd", "use_dictionary": False} | options
    data = bytearray(write(pa.table({"text": text}), **made))
    group = pq.ParquetFile(io.BytesIO(data)).metadata.row_group(1).column(0)
    at = group.data_page_offset + group.total_compressed_size // 2
    data[at : at + 4000] = bytes(4000)
    items = read(bytes(data))
    pages = [item.content for item in items if isinstance(item, Page)]
    whole = set(text[:500] + text[1000:])
    assert whole <= set(pages) <= set(text)
    (lost,) = [item for item in items if not isinstance(item, Page)]
    assert lost.reason == "malformed_record"
    done = len(pages) - 1500
    assert lost.lost_records == 500 - done
    assert done < 500
    assert lost.detail.startswith(f"row group 1: {done} of 500 rows: ")


def test_a_group_that_promises_other_rows_than_it_has_says_so(monkeypatch):
    data = write(pa.table({"text": ["a", "b", "c"]}))
    real = pq.ParquetFile.iter_batches

    def fewer(self, *arguments, **named):
        for batch in real(self, *arguments, **named):
            yield batch.slice(0, 2)

    monkeypatch.setattr(pq.ParquetFile, "iter_batches", fewer)
    items = read(data)
    assert names(items) == ["page", "page", "malformed_record"]
    assert (items[-1].detail, items[-1].lost_records) == ("row group 0: 2 of 3 rows", 1)


@given(st.integers(0, 10**9), st.integers(1, 255))
def test_no_flipped_byte_raises(at, mask):
    data = bytearray(FLIPPED)
    data[at % len(data)] ^= mask
    items = read(bytes(data))
    assert len(items) <= 70
    assert len(items) >= 1


FLIPPED = write(
    pa.table({"text": [f"text {i}" for i in range(60)], "id": list(range(60))}), row_group_size=20
)


def test_the_error_of_the_file_system_is_raised_and_is_no_damage():
    data = write(
        pa.table({"text": [random.Random(i).randbytes(5000).hex() for i in range(2000)]}),
        use_dictionary=False,
    )

    class Failing(io.BytesIO):
        reads = 0

        def read(self, size=-1):
            self.reads += 1
            if self.reads > 4:
                raise OSError("the line went dead")
            return super().read(size)

    with pytest.raises(OSError, match="the line went dead"):
        list(read_parquet(Failing(data), FIELDS, LIMIT))


def test_a_footer_that_arrow_dies_of_is_one_failed_record(tmp_path):
    """Accessors of metadata abort the process where reading raises, so a child tries it."""
    data = write(pa.table({"text": [f"text {i}" for i in range(60)]}), row_group_size=20)
    (tmp_path / "whole").write_bytes(data)
    tried = subprocess.run(
        [sys.executable, "-c", FLIP_FOOTERS, str(tmp_path / "whole")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (tried.returncode, tried.stderr) == (0, "")
    assert int(tried.stdout) > 1000


FLIP_FOOTERS = """
import io, sys
from pathlib import Path
from thresher.pipeline.read.parquet import read_parquet
from thresher.pipeline.read.rows import RowFields
whole, tried = Path(sys.argv[1]).read_bytes(), 0
footer = int.from_bytes(whole[-8:-4], "little")
for at in range(len(whole) - 8 - footer, len(whole) - 8):
    for mask in (1, 2, 4, 8, 16, 32):
        data = bytearray(whole)
        data[at] ^= mask
        assert list(read_parquet(io.BytesIO(data), RowFields("text", "id", "url", "date"), 1000))
        tried += 1
print(tried)
"""


def test_leaves_are_found_by_name_and_under_structs():
    table = pa.table({"text": ["a"], "m": [{"x": 1, "y": 2}], "text2": ["b"], "m.x": [5]})
    parquet = pq.ParquetFile(io.BytesIO(write(table)))
    assert leaves_of(parquet, ["text"]) == [0]
    assert leaves_of(parquet, ["m"]) == [1, 2, 4]
    assert leaves_of(parquet, ["m.x", "nothing"]) == [1, 4]


def test_batches_are_as_large_as_memory_allows(monkeypatch):
    monkeypatch.setattr(parquet_batches, "_BATCH_BYTES", 1 << 20)

    def size_of(column, **options):
        data = write(pa.table({"text": column}), **options)
        file = io.BytesIO(data)
        parquet = pq.ParquetFile(file)
        return batch_rows(parquet, 0, ["text"], leaves_of(parquet, ["text"]), file)

    assert size_of([f"{i}" for i in range(100)]) == 256
    large = "x" * (1 << 16)
    once = pa.DictionaryArray.from_arrays(pa.array([0] * 3000, pa.int32()), pa.array([large]))
    assert 8 <= size_of(once) <= 16
    assert size_of(pa.array([large] * 20), use_dictionary=False) <= 16
    delta = {"use_dictionary": False, "column_encoding": {"text": "DELTA_BYTE_ARRAY"}}
    assert size_of(pa.array([large] * 40), **delta) == 16


def test_a_file_is_told_by_its_first_bytes(tmp_path):
    (tmp_path / "part").write_bytes(write(pa.table({"text": ["a"]})))
    (shard,) = list_inputs(InputSettings(urls=[str(tmp_path / "part")]), "")
    assert names(read_shard(shard, InputSettings(urls=[]))) == ["page"]


def test_rows_without_the_text_say_which_fields_there_are():
    items = rows(body=["x", "y"], headline=["z", "w"])
    assert [item.reason for item in items] == ["missing_text"] * 2
    assert {item.told for item in items} == {"has no field 'text'; its fields are body, headline."}
    (item,) = rows(text=pa.array([None], pa.string()), body=["x"])
    assert (item.reason, item.told) == ("missing_text", "")


def test_a_row_group_is_tried_before_its_footer_is_trusted():
    data = bytearray(write(pa.table({"text": ["x" * 100] * 10}), write_page_checksum=True))
    data[40] ^= 0xFF
    file = io.BytesIO(bytes(data))
    parquet = pq.ParquetFile(file, page_checksum_verification=True)
    with pytest.raises((pa.ArrowException, OSError)):
        batch_rows(parquet, 0, ["text"], leaves_of(parquet, ["text"]), file)


def test_nothing_and_white_space_are_empty_and_nuls_go():
    assert names(rows(text=["", " \n", "\0", "a\0b"])) == ["empty"] * 3 + ["page"]
    assert rows(text=["a\0b"])[0].content == "ab"
