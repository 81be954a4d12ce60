"""Reading forward with a look ahead and going back, beside an array of all bytes."""

from __future__ import annotations

import io
import random
import re

import pytest

from thresher.pipeline.read import stored
from thresher.pipeline.read.stored import PADDING, StoredBytes

PATTERN = re.compile(b"aab|b\0b")


@pytest.fixture(params=[1, 2, 3, 7, 64])
def open_bytes(request, monkeypatch):
    """Opens bytes as a file that is read so many at a time."""
    monkeypatch.setattr(stored, "CHUNK", request.param)
    return lambda data, head=0: StoredBytes(io.BytesIO(data[head:]), data[:head])


def test_all_that_is_looked_at_and_taken_is_what_is_there(open_bytes):
    rng = random.Random(1)
    for _ in range(60):
        data = bytes(rng.choice(b"ab\0 ") for _ in range(rng.randrange(40)))
        file, at = open_bytes(data, min(len(data), rng.randrange(4))), 0
        while rng.random() < 0.95:
            what, size = rng.choice(["ahead", "drop", "skip", "find", "padding"]), rng.randrange(6)
            if what == "ahead":
                assert file.ahead(size) == data[at : at + size]
            elif what == "drop":
                there = len(file.ahead(size))
                file.drop(there)
                at += there
            elif what == "skip":
                taken = min(size, len(data) - at)
                assert file.skip(size) == taken
                at += taken
            elif what == "padding":
                left = data[at:].lstrip(PADDING)
                assert file.skip_padding() is bool(left)
                at = len(data) - len(left)
            else:
                stop = rng.choice([None, at + rng.randrange(1, 9)])
                found = PATTERN.search(data, at)
                there = found is not None and (stop is None or found.start() < stop)
                assert file.find(PATTERN, 3, stop) is there
                end = len(data) if stop is None else min(stop, len(data))
                at = found.start() if there else end
            assert file.offset == at, (what, data)


def test_going_back_is_paid_for(open_bytes):
    file = open_bytes(bytes(range(200)))
    assert file.skip(100) == 100
    assert file.budget == 400
    assert not file.go_back(100), "without a mark nothing is kept"
    file.mark()
    assert file.skip(50) == 50
    assert file.go_back(110)
    assert file.offset == 110
    assert file.ahead(3) == bytes([110, 111, 112])
    assert file.budget == 4 * 150 - 40
    assert file.skip(1000) == 90
    assert file.budget == 4 * 200 - 40


def test_without_a_budget_there_is_no_way_back(open_bytes):
    file = open_bytes(bytes(100))
    ways = 0
    file.mark()
    while file.skip(100) == 100 and file.go_back(0):
        ways += 1
        assert file.budget == 400 - 100 * ways
        file.mark()
    assert ways == 4
    assert file.offset == 100


def test_what_is_kept_is_bounded(open_bytes, monkeypatch):
    for size, kept in ((10, True), (60, True), (190, False)):
        monkeypatch.setattr(stored, "KEPT_BYTES", 80)
        file = open_bytes(bytes(range(200)))
        file.mark()
        assert file.skip(size) == size
        file.ahead(1)
        assert file.go_back(0) is kept, size
        assert file.offset == (0 if kept else size)
