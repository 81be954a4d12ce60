"""Frames that decoders pass over, and what is none: at each place where a file may end."""

from __future__ import annotations

import io

import pytest

from thresher.pipeline.read.frames import is_skippable, no_frame, skip_frame, well_ended
from thresher.pipeline.read.members import Damage, Event
from thresher.pipeline.read.stored import StoredBytes

MAGIC = b"\x28\xb5\x2f\xfd"
STARTS = [bytes([first]) + b"\x2a\x4d\x18" for first in range(0x50, 0x60)]
CONTENT = b"0123456789"
FRAME = STARTS[13] + len(CONTENT).to_bytes(4, "little") + CONTENT


def stored(data):
    return StoredBytes(io.BytesIO(data), b"")


def test_sixteen_starts_are_skippable_and_none_beside_them():
    assert all(map(is_skippable, STARTS))
    others = [b"\x4f" + STARTS[0][1:], b"\x60" + STARTS[0][1:], MAGIC, b"", STARTS[0] + b"\0"]
    others += [start[:n] for start in STARTS for n in range(4)]
    others += [b"\x50\x2b\x4d\x18", b"\x50\x2a\x4c\x18", b"\x50\x2a\x4d\x19"]
    assert not any(map(is_skippable, others))


@pytest.mark.parametrize(
    "behind", [b"", MAGIC, MAGIC + b"more", STARTS[0], STARTS[15], b"\0", b"\n"]
)
def test_a_frame_is_passed_over_where_another_or_nothing_follows(behind):
    file = stored(FRAME + behind)
    assert skip_frame(file, MAGIC) is Event.END
    assert file.offset == len(FRAME)
    assert file.ahead(9) == behind


@pytest.mark.parametrize("behind", [b"0", MAGIC[1:], b"\x50\x2a\x4d\x19", MAGIC[:3]])
def test_a_frame_that_something_else_follows_does_not_end_where_it_says(behind):
    file = stored(b"ab" + FRAME + behind)
    assert file.ahead(2) == b"ab"
    file.drop(2)
    found = skip_frame(file, MAGIC)
    assert isinstance(found, Damage)
    assert str(found) == "the frame at byte 2 does not end where it says"
    assert isinstance(well_ended(stored(behind), MAGIC, 2), Damage)


@pytest.mark.parametrize("end", range(4, len(FRAME)))
def test_a_frame_that_the_file_ends_in_is_cut(end):
    assert skip_frame(stored(FRAME[:end]), MAGIC) is Event.CUT


@pytest.mark.parametrize("start", [MAGIC, *STARTS])
@pytest.mark.parametrize("end", range(1, 4))
def test_a_file_that_ends_in_the_first_bytes_of_a_frame_is_cut(start, end):
    file = stored(start[:end])
    assert no_frame(file, (b"other", MAGIC), "zstd") is Event.CUT
    assert file.offset == end


@pytest.mark.parametrize(
    "data", [b"a", b"\x60", b"\x4f\x2a", b"\x28\xb6", MAGIC[1:], b"0123", b"01234"]
)
def test_what_begins_like_no_frame_is_damage(data):
    found = no_frame(stored(data), (MAGIC,), "zstd")
    assert isinstance(found, Damage)
    assert str(found) == "bytes that are no zstd frame at byte 0"
