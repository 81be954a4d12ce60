"""Where a record lies: it is read back from its place alone, whatever stores it."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import itertools
import json
import random
import zlib

import mutations
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from thresher.pipeline.read import InputSettings, InputShard, Page, Rejected, read_shard, sources
from thresher.pipeline.read.sources import open_source
from thresher.pipeline.read.streams import ByteReader
from thresher.pipeline.read.zstd import DICTIONARY

KINDS = sorted(name for name in mutations.kinds() if name != "parquet")
ALONE = [
    name
    for name, valid in mutations.kinds().items()
    if len(valid.members) == len(valid.contents) + 1 + (name.startswith(("warc", "arc")))
]
"""Files with one member per record; an archive has one more in front, of no page."""


def pages_of(path, data, name, **settings):
    path.write_bytes(data)
    shard = InputShard(str(path), len(data), "", mutations._format(name), "0" * 16)
    return list(read_shard(shard, InputSettings(urls=[], **settings)))


def read_back(valid, origin):
    """The record, by its place and the codec of the format."""
    stored = valid.data[origin.offset : origin.offset + origin.length]
    assert len(stored) == origin.length
    if "dict" in valid.name:
        *_, (start, end) = [
            (start, end)
            for start, end in itertools.pairwise(valid.members)
            if start < origin.offset and valid.data[start : start + 4] == DICTIONARY
        ]
        stored = valid.data[start:end] + stored
    return valid.decode(stored)[origin.inside : origin.inside + origin.bytes]


@pytest.mark.parametrize("name", KINDS)
def test_a_record_is_read_back_from_its_place(name, tmp_path):
    valid = mutations.kinds()[name]
    pages = pages_of(tmp_path / "file", valid.data, name)
    assert [page.content for page in pages if isinstance(page, Page)] == valid.contents
    for page in pages:
        if not isinstance(page, Page):
            continue
        record = read_back(valid, page.origin)
        if name.startswith("jsonl"):
            assert json.loads(record)["text"] == page.content
            assert not record.endswith(b"\n")
        else:
            # Alone in a file, it is all of it.
            (again,) = pages_of(tmp_path / "alone", record, valid.name)
            assert again == page
            assert again.origin[1:5] == (0, len(record), 0, len(record))
        assert pages[page.origin.record] is page


@pytest.mark.parametrize("name", ALONE)
def test_of_one_record_per_member_the_place_is_the_members(name, tmp_path):
    valid = mutations.kinds()[name]
    pages = [p for p in pages_of(tmp_path / "file", valid.data, name) if isinstance(p, Page)]
    members = list(zip(valid.members, valid.members[1:], strict=False))[-len(pages) :]
    assert [(p.origin.offset, p.origin.offset + p.origin.length) for p in pages] == members
    assert {page.origin.inside for page in pages} == {0}


def test_some_files_have_a_record_per_member():
    assert {"warc.gz", "warc.zst", "warc.lz4", "wet.gz", "arc.gz", "jsonl.rows.gz"} <= {*ALONE}


@pytest.mark.parametrize("size", [1, 7, 100, 5000])
def test_a_record_over_several_members_has_the_place_of_all_of_them(size, tmp_path):
    rows = [json.dumps({"text": f"{number} " * 40}).encode() for number in range(30)]
    text = b"\n".join(rows)
    data = b"".join(gzip.compress(text[at : at + size]) for at in range(0, len(text), size))
    pages = pages_of(tmp_path / "file", data, "jsonl")
    for page, row in zip(pages, rows, strict=True):
        _, offset, length, inside, count = page.origin[:5]
        decoded = gzip.decompress(data[offset : offset + length])
        assert decoded[inside : inside + count] == row
        assert len(decoded) < len(row) + 2 * size


def test_of_a_large_member_only_the_start_is_known(tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "HELD_BYTES", 10_000)
    source = random.Random(1)  # no text that compresses well: small members have a way of their own
    texts = [source.randbytes(1500).hex() for _ in range(60)]
    rows = [json.dumps({"text": text}) + "\n" for text in texts]
    parts = [gzip.compress("".join(some).encode()) for some in (rows[:2], rows[2:59], rows[59:])]
    first, second, third = (len(part) for part in parts)
    pages = pages_of(tmp_path / "file", b"".join(parts), "jsonl")
    places = [(page.origin.offset, page.origin.length) for page in pages]
    assert places == [*[(0, first)] * 2, *[(first, None)] * 57, (first + second, third)]
    for page, row in zip(pages[2:59], rows[2:59], strict=True):
        decoded = zlib.decompressobj(31).decompress(b"".join(parts)[page.origin.offset :])
        place = page.origin.inside
        assert decoded[place : place + page.origin.bytes].decode() == row.rstrip()


def test_of_a_damaged_member_no_end_is_told(tmp_path):
    valid = mutations.kinds()["jsonl.gz"]
    data = bytearray(valid.data)
    data[valid.members[2] - 6] ^= 1  # the checksum of the second member
    pages = [p for p in pages_of(tmp_path / "file", bytes(data), "jsonl") if isinstance(p, Page)]
    damaged = [page for page in pages if page.origin.offset == valid.members[1]]
    assert damaged
    assert all(page.unverified and page.origin.length is None for page in damaged)
    assert pages[-1].origin.offset + pages[-1].origin.length == len(data)


@pytest.mark.parametrize(
    ("stored", "expected"),
    [
        (b'{"text": "a"}\r\n\r\n{"text": "b"}\r\n', [b'{"text": "a"}', b'{"text": "b"}']),
        (b'\xef\xbb\xbf{"text": "a"}\n', [b'\xef\xbb\xbf{"text": "a"}']),
        (
            '{"text": "ä"}{"text": "\U0001f600"}  {"text": "c"}\n{"text": "d"}'.encode(),
            [f'{{"text": "{text}"}}'.encode() for text in "ä\U0001f600cd"],
        ),
        (b'\xef\xbb\xbf \t{"text": "a"} {"text": "b"}', [b'{"text": "a"}', b'{"text": "b"}']),
    ],
)  # fmt: skip
def test_lines_of_every_kind(stored, expected, tmp_path):
    pages = pages_of(tmp_path / "file", stored, "jsonl")
    places = [(page.origin.offset, page.origin.length) for page in pages]
    assert [stored[at : at + size] for at, size in places] == expected
    assert [page.origin.record for page in pages] == list(range(len(expected)))


def test_rows_that_are_none_count_too(tmp_path):
    stored = b'{"text": "a"}\n[1]\n{"no": 1}\n{"text": "' + b"x" * 2000 + b'"}\n{"text": "b"}\n'
    items = pages_of(tmp_path / "file", stored, "jsonl", max_record_bytes=1024)
    assert [type(item) for item in items] == [Page, Rejected, Rejected, Rejected, Page]
    assert [item.origin.record for item in items if isinstance(item, Page)] == [0, 4]


def test_parquet_says_row_group_and_row(tmp_path):
    texts = [f"text {number}" if number % 5 else None for number in range(700)]
    file = io.BytesIO()
    pq.write_table(pa.table({"text": texts}), file, row_group_size=300)
    items = pages_of(tmp_path / "file", file.getvalue(), "parquet")
    parquet = pq.ParquetFile(io.BytesIO(file.getvalue()))
    pages = [item for item in items if isinstance(item, Page)]
    assert len(pages) == 560
    for page in pages:
        group = parquet.read_row_group(page.origin.row_group)["text"]
        assert group[page.origin.group_row].as_py() == page.content == texts[page.origin.record]
        assert page.origin[1:5] == (None,) * 4


def test_rows_behind_a_damaged_row_group_keep_their_numbers(tmp_path):
    file = io.BytesIO()
    table = pa.table({"text": [f"text {number}" for number in range(90)]})
    pq.write_table(table, file, row_group_size=30, use_dictionary=False, compression="NONE")
    data = file.getvalue()
    at = data.index(b"text 45")
    start = data.rindex(b"text 29", 0, at) + len("text 29")
    damaged = data[:start] + bytes(20) + data[start + 20 :]
    items = pages_of(tmp_path / "file", damaged, "parquet")
    assert any(isinstance(item, Rejected) for item in items)
    last = [item for item in items if isinstance(item, Page) and item.content == "text 89"]
    assert [(p.origin.record, p.origin.row_group, p.origin.group_row) for p in last] == [
        (89, 2, 29)
    ]


def sha1(data):
    return f"sha1:{base64.b32encode(hashlib.sha1(data).digest()).decode()}"


def test_a_digest_is_the_archives_own(tmp_path):
    """That of the payload as stored, which an archive's own header and its index have."""
    page = b"<html><body><p>Some words of a page.</p></body></html>"
    packed = gzip.compress(page, mtime=0)
    heads = (b"", b"Content-Encoding: gzip\r\n")
    for payload, head in zip((page, packed), heads, strict=True):
        block = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n" + head + b"\r\n" + payload
        (found,) = pages_of(tmp_path / "file", mutations._warc(1, "response", block), "warc")
        assert (found.content, found.digest()) == (page, sha1(payload))
    (bare,) = pages_of(tmp_path / "file", mutations._warc(1, "resource", page, "text/html"), "warc")
    assert bare.digest() == sha1(page)
    (text,) = pages_of(
        tmp_path / "file", mutations._warc(1, "conversion", "ä b".encode(), "text/plain"), "warc"
    )
    assert text.digest() == sha1("ä b".encode())
    (row,) = pages_of(tmp_path / "file", '{"text": "ä b"}'.encode(), "jsonl")
    assert row.digest() == sha1("ä b".encode())


@given(
    st.lists(st.binary(min_size=1, max_size=40), min_size=1, max_size=12),
    st.lists(st.tuples(st.integers(0, 30), st.integers(1, 50)), max_size=12),
)
def test_any_bytes_are_found_again(members, steps):
    stored = b"".join(gzip.compress(member) for member in members)
    text = b"".join(members)
    reader = ByteReader(open_source(io.BytesIO(stored)))
    for skipped, size in steps:
        reader.skip(skipped)
        start = reader.position
        data = reader.read(size)
        if not data:
            break
        offset, length, inside, count = reader.place(start, len(data))
        decoded = gzip.decompress(stored[offset : offset + length])
        assert decoded[inside : inside + count] == data == text[start : start + count]


def test_what_is_remembered_of_members_is_bounded():
    stored = gzip.compress(b"\n") * 20_000 + gzip.compress(b"the end\n")
    reader = ByteReader(open_source(io.BytesIO(stored)))
    while (line := reader.readline(100)) == b"\n":
        pass
    assert len(reader._stretches) < 5000
    offset, length, inside, count = reader.place(reader.position - len(line), len(line))
    assert gzip.decompress(stored[offset : offset + length])[inside : inside + count] == line


def test_a_record_of_no_file_has_no_place():
    assert Page("", "", "", "text", False, "utf-8").origin is None
