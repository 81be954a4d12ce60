"""What is read does not depend on how the bytes come: in pieces of 1 to 64, stored and decoded.

Valid files of every kind, and files with damage in them, in this process.
"""

from __future__ import annotations

import mutations
import pytest

import thresher.pipeline.read as reading
from thresher.pipeline.read import InputSettings, InputShard, Loss, NotVerified, Page, read_shard

HEAD = 64
"""Bytes of the first piece, by which a file is told; damage before it may tell another format."""
KINDS = sorted(name for name in mutations.kinds() if name != "parquet")
SIZES = (1, 2, 3, 5, 8, 13, 31, 64)


class Pieces:
    """A file that gives no more than so many bytes at once."""

    def __init__(self, file, size):
        self._file, self._size, self._first = file, size, True

    def read(self, size=-1):
        most, self._first = HEAD if self._first else self._size, False
        return self._file.read(most if size < 0 else min(size, most))

    def __getattr__(self, name):
        return getattr(self._file, name)


class Cut:
    """A source whose chunks are no longer than so many bytes."""

    def __init__(self, source, size):
        self._source, self._size, self._rest = source, size, b""
        self.verified = True

    @property
    def truncated(self):
        return self._source.truncated

    @property
    def member(self):
        return self._source.member

    @property
    def member_end(self):
        return self._source.member_end

    def read_chunk(self):
        if not self._rest:
            self._rest = self._source.read_chunk()
            self.verified = self._source.verified
        chunk, self._rest = self._rest[: self._size], self._rest[self._size :]
        return chunk


def outcome(path, kind, monkeypatch, stored=None, decoded=None):
    """All items of a file, where they lie, its sha256 and what it lost, as a stage reads it."""
    with monkeypatch.context() as patch:
        if stored:
            whole = reading.ChecksumFile
            patch.setattr(reading, "ChecksumFile", lambda file: Pieces(whole(file), stored))
        if decoded:
            opened = reading.open_source
            patch.setattr(reading, "open_source", lambda *a: Cut(opened(*a), decoded))
        shard = InputShard(str(path), path.stat().st_size, "", kind, "0" * 16)
        distrusted, sums, loss = frozenset(), [], Loss()
        try:
            items = list(read_shard(shard, InputSettings(urls=[]), sums.append, loss, distrusted))
        except NotVerified as damage:
            loss = Loss()
            items = list(
                read_shard(shard, InputSettings(urls=[]), sums.append, loss, damage.members)
            )
        places = [item.origin for item in items if isinstance(item, Page)]
        return items, places, sums, loss


def files(name):
    """The valid file, and some that are damaged behind their first bytes."""
    valid = mutations.kinds()[name]
    yield mutations.Mutation("valid", valid.data, len(valid.data))
    seed = made = 0
    while made < 10:
        mutation = mutations.mutate(valid, 50_000 + seed)
        seed += 1
        if mutation.start >= HEAD:
            made += 1
            yield mutation


@pytest.mark.parametrize("name", KINDS)
def test_any_pieces_give_the_same_records(name, tmp_path, monkeypatch):
    kind = mutations._format(name)
    valid = mutations.kinds()[name]
    for n, mutation in enumerate(files(name)):
        path = tmp_path / "file"
        path.write_bytes(mutation.data)
        whole = outcome(path, kind, monkeypatch)
        if mutation.what == "valid":
            assert [item.content for item in whole[0] if hasattr(item, "content")] == valid.contents
        else:
            found = mutations.read(name, mutation.data, tmp_path)
            assert not mutations.check(valid, mutation, found), mutation.what
        # The valid file in pieces of every size; of the others each has some sizes of its own.
        for size in SIZES if mutation.what == "valid" else (SIZES[n % 8], SIZES[(n + 3) % 8]):
            assert outcome(path, kind, monkeypatch, stored=size) == whole, (mutation.what, size)
            assert outcome(path, kind, monkeypatch, decoded=size) == whole, (mutation.what, size)
            both = outcome(path, kind, monkeypatch, stored=size, decoded=65 - size)
            assert both == whole, (mutation.what, size)
