"""The bytes of Arrow texts, whatever chunk, slice or width they come in."""

from __future__ import annotations

from itertools import pairwise

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from thresher.filters.buffers import rows_with_buffers, text_buffer

KINDS = [pa.string(), pa.large_string()]
texts = st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=5), max_size=5)


def read(data, offsets):
    return [bytes(data[a:b]).decode() for a, b in pairwise(offsets)]


@given(texts, st.sampled_from(KINDS), st.integers(0, 5), st.integers(0, 5))
def test_an_array_and_its_slices(listed, kind, start, length):
    array = pa.array(listed, kind).slice(min(start, len(listed)), length)
    data, offsets = text_buffer(array)
    assert read(data, offsets) == array.to_pylist()
    assert offsets.dtype == "int64"
    assert not data.flags.writeable  # another variant would be compiled


@given(st.lists(texts, max_size=4), st.sampled_from(KINDS))
def test_rows_of_chunks(chunks, kind):
    column = pa.chunked_array([pa.array(chunk, kind) for chunk in chunks], kind)
    found = [None] * len(column)
    for rows, data, offsets in rows_with_buffers(column):
        assert found[rows] == [None] * (rows.stop - rows.start)
        found[rows] = read(data, offsets)
    assert found == column.to_pylist()


@pytest.mark.parametrize(
    ("array", "error", "message"),
    [
        (pa.array([b"x"]), TypeError, "must be string or large_string, not binary"),
        (pa.array(["x", None]), ValueError, "must not contain nulls"),
    ],
)
def test_what_is_no_text_is_refused(array, error, message):
    with pytest.raises(error, match=message):
        text_buffer(array)
