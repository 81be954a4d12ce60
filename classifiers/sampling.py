"""Which training texts are used, and which are held out: decided by content alone.

A text's key is a seeded hash of its line, case and white space folded. The key orders the texts
(the sample is the lowest keys: a uniform draw that depends on neither file order nor file names),
and another part of it says whether the text is held out. So copies fall on the same side, and a
text keeps its side when more are added.
"""

from __future__ import annotations

import hashlib
import heapq

import msgspec

from classifiers.fasttext_model import to_line


class ClassCounts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where the documents of a class went; the parts add up to `read`."""

    read: int
    """Documents in the inputs."""
    empty: int
    """Of no words."""
    duplicates: int
    """Further copies of a text in the sample."""
    in_both_classes: int
    """Texts that the other class has too: they say nothing, and are left out of both."""
    not_sampled: int
    """Left out by `max_documents` or to balance the classes."""
    trained: int
    """Used for training."""
    held_out: int
    """Used for evaluation."""


class Example(msgspec.Struct, frozen=True, order=True):
    """A text in the sample."""

    key: bytes
    """Its content's hash."""
    line: bytes
    """The line that fastText sees."""


class Pool:
    """The sample of one class, in bounded memory.

    Args:
        size: the largest number of texts it holds.
        seed: of the hash.
        max_characters: how much of a text counts.
    """

    def __init__(self, size: int, seed: int, max_characters: int) -> None:
        self._size = size
        self._salt = seed.to_bytes(8, "little", signed=True)
        self._max_characters = max_characters
        self._lines: dict[bytes, bytes] = {}
        self._copies: dict[bytes, int] = {}
        self._worst: list[bytes] = []
        self.read = self.empty = 0
        self._not_sampled = 0

    def add(self, text: bytes) -> None:
        """Offer a document."""
        self.read += 1
        line = to_line(text, self._max_characters)
        if line is None:
            self.empty += 1
            return
        key = self._key(line)
        if key in self._copies:
            self._copies[key] += 1
            return
        # A heap with the largest key on top: the bytes are inverted for that.
        inverse = bytes(255 - byte for byte in key)
        if len(self._worst) < self._size:
            heapq.heappush(self._worst, inverse)
        else:
            out = bytes(255 - byte for byte in heapq.heappushpop(self._worst, inverse))
            self._lines.pop(out, None)
            self._not_sampled += self._copies.pop(out, 1)
            if out == key:
                return
        self._lines[key] = line
        self._copies[key] = 1

    def _key(self, line: bytes) -> bytes:
        folded = " ".join(line.decode("utf-8", "replace").lower().split())
        return hashlib.blake2b(folded.encode(), digest_size=16, salt=self._salt).digest()


class Sample(msgspec.Struct, frozen=True):
    """The examples of one class, by key."""

    trained: list[Example]
    """For training."""
    held_out: list[Example]
    """For evaluation."""
    counts: ClassCounts
    """The account."""


def draw(first: Pool, second: Pool, held_out_fraction: float) -> tuple[Sample, Sample]:
    """Balance two pools, free them of each other's texts and split them."""
    both = first._lines.keys() & second._lines.keys()
    size = min(len(first._lines), len(second._lines)) - len(both)
    return (
        _sample(first, both, size, held_out_fraction),
        _sample(second, both, size, held_out_fraction),
    )


def _sample(pool: Pool, excluded: set[bytes], size: int, held_out_fraction: float) -> Sample:
    keys = sorted(pool._lines.keys() - excluded)
    bound = int(held_out_fraction * 2**64)
    trained: list[Example] = []
    held_out: list[Example] = []
    for key in keys[:size]:
        held = int.from_bytes(key[8:], "big") < bound
        (held_out if held else trained).append(Example(key, pool._lines[key]))
    counts = ClassCounts(
        read=pool.read,
        empty=pool.empty,
        duplicates=sum(pool._copies.values()) - len(pool._copies),
        in_both_classes=len(excluded),
        not_sampled=pool._not_sampled + len(keys) - len(keys[:size]),
        trained=len(trained),
        held_out=len(held_out),
    )
    return Sample(trained, held_out, counts)
