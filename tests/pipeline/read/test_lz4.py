"""Where a frame of LZ4 may start behind damage."""

from __future__ import annotations

import io

import pytest

from thresher.pipeline.read.lz4 import LZ4, MAGIC
from thresher.pipeline.read.stored import StoredBytes


def looks_sound(data):
    return LZ4.looks_sound(StoredBytes(io.BytesIO(data), b""))


@pytest.mark.parametrize("flags", range(256))
def test_a_frame_has_version_1_and_no_reserved_bit(flags):
    sound = flags >> 6 == 1 and not flags & 2
    assert looks_sound(MAGIC + bytes([flags, 0x40])) == sound
    assert looks_sound(MAGIC + bytes([flags, 0x40]) + b"more") == sound
    assert not looks_sound(MAGIC + bytes([flags]))


def test_so_is_a_frame_that_is_passed_over():
    for first in (0x50, 0x5F):
        start = bytes([first]) + b"\x2a\x4d\x18"
        assert looks_sound(start)
        assert looks_sound(start + b"\0\0\0\0")
