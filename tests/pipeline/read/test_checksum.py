"""The checksum of an input does not depend on how the file is read."""

from __future__ import annotations

import hashlib
import io

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import given
from hypothesis import strategies as st

from thresher.pipeline.read import InputSettings, list_inputs, read_shard
from thresher.pipeline.read.checksum import ChecksumFile


@given(st.binary(max_size=50), st.lists(st.tuples(st.booleans(), st.integers(0, 60)), max_size=8))
def test_reads_and_jumps_do_not_change_it(data, steps):
    file = ChecksumFile(io.BytesIO(data))
    for jump, number in steps:
        if jump:
            file.seek(min(number, len(data)))
        else:
            file.read(number)
    assert file.finish() == hashlib.sha256(data).hexdigest()


def test_the_rest_of_a_file_is_read_behind_what_was_peeked_at(tmp_path):
    (tmp_path / "x").write_bytes(b"0123456789")
    with (tmp_path / "x").open("rb") as opened:  # such a file refuses sizes below -1
        file = ChecksumFile(opened)
        assert file.peek(4) == b"0123"
        assert file.read() == b"0123456789"
        assert file.finish() == hashlib.sha256(b"0123456789").hexdigest()


class Odd(io.BytesIO):
    """As some drivers are: it gives less than it is asked for, and no place after a jump."""

    def read(self, size=-1):
        return super().read(min(size, 3) if size >= 0 else size)

    def seek(self, offset):
        super().seek(offset)


@given(st.binary(max_size=40), st.integers(0, 9), st.lists(st.integers(-1, 12), max_size=6))
def test_what_was_peeked_at_is_read_again(data, ahead, sizes):
    file = ChecksumFile(Odd(data))
    assert file.peek(ahead) == data[:ahead]
    assert file.peek(ahead) == data[:ahead]
    read = b""
    for size in sizes:
        part = file.read(size)
        assert size < 0 or len(part) <= size
        read += part
    assert data.startswith(read)
    assert file.seek(0) == 0
    assert file.read(2) == data[:2]
    assert file.finish() == hashlib.sha256(data).hexdigest()


def test_every_format_reports_the_hash_of_the_file(tmp_path):
    pq.write_table(pa.table({"id": ["1"], "text": ["Some text."]}), tmp_path / "a.parquet")
    (tmp_path / "b.jsonl").write_text('{"id": 1, "text": "Some text."}\n{"broken\n')
    (tmp_path / "c.warc.gz").write_bytes(b"\x1f\x8b\x08 cut short")
    (tmp_path / "d.unknown").write_bytes(b"what is this" * 9999)
    settings = InputSettings(urls=["*"])
    for shard in list_inputs(settings, str(tmp_path)):
        found = []
        list(read_shard(shard, settings, found.append))
        name = shard.uri.rsplit("/", 1)[-1]
        assert found == [hashlib.sha256((tmp_path / name).read_bytes()).hexdigest()]
