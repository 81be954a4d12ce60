"""Lines and blocks: what looking ahead and reading give, and what they cost."""

from __future__ import annotations

import io
import re

from hypothesis import given
from hypothesis import strategies as st

from thresher.pipeline.read.sources import PlainSource
from thresher.pipeline.read.streams import ByteReader


class InPieces:
    """A source that gives a text in pieces of given sizes."""

    truncated = False
    verified = True
    member = member_end = -1

    def __init__(self, data, sizes):
        self._file = io.BytesIO(data)
        self._sizes = iter(sizes)

    def read_chunk(self):
        return self._file.read(next(self._sizes, 7))


@given(
    st.binary(max_size=60).map(lambda data: data.replace(b"a", b"\n")),
    st.lists(st.integers(1, 9), max_size=9),
    st.lists(st.tuples(st.sampled_from("rlskpu"), st.integers(1, 20)), max_size=12),
)
def test_it_reads_what_a_file_reads(data, sizes, steps):
    reader, at = ByteReader(InPieces(data, sizes)), 0
    for step, size in steps:
        if step == "r":
            assert reader.read(size) == data[at : at + size]
            at = min(len(data), at + size)
        elif step == "l":
            line = data[at : at + size].partition(b"\n")
            line = line[0] + line[1]
            assert reader.readline(size) == line
            at += len(line)
        elif step == "s":
            assert reader.skip(size) == len(data[at : at + size])
            at = min(len(data), at + size)
        elif step == "k":
            assert reader.look(3, size) == data[at + 3 : at + 3 + size]
        elif step == "p":
            found = re.compile(b"\n").search(data, at, at + size)
            assert reader.search(re.compile(b"\n"), size) == (found.end() - at if found else -1)
        else:
            reader.unread(reader.read(size))
        assert reader.position == at


def test_looking_beyond_the_end_copies_nothing():
    reader = ByteReader(PlainSource(io.BytesIO(b"x" * 1000)))
    assert len(reader.look(0, 5000)) == 1000
    held = reader._buffer
    for _ in range(3):
        reader.look(400, 5000)
        assert reader.search(re.compile(b"y"), 5000) == -1
        assert reader._buffer is held
