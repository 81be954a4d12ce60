"""Which texts of a class are in the sample: decided by content alone, in bounded memory.

A text's key is a seeded hash of its line, case and white space folded. The sample is the lowest
keys: a uniform draw that depends on neither file order nor file names.
"""

from __future__ import annotations

import hashlib
import heapq

import msgspec

from thresher.classifiers.inputs import Text
from thresher.classifiers.preparation import Preparation, prepare


class ClassCounts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where the documents of a class went; the parts add up to `read`."""

    read: int
    """Documents that the inputs gave."""
    empty: int
    """Of no words."""
    duplicates: int
    """Copies and near copies of another text of the class."""
    in_both_classes: int
    """Texts that the other class has too, or nearly: they say nothing, and are left out of both."""
    not_sampled: int
    """Left out by `max_documents`, `max_per_source` or `train`, or to balance the classes."""
    trained: int
    """Used for training."""
    tuned: int
    """Used for the search and the calibration."""
    held_out: int
    """Used for the evaluation."""


class Example(msgspec.Struct, frozen=True):
    """A text in the sample."""

    key: bytes
    """Its content's hash."""
    line: bytes
    """The line that the model sees."""
    source: str
    """Where it comes from."""
    domain: str
    """What it must not be parted from; empty where it stands alone."""
    held_out: bool
    """Whether its whole source is kept from training."""
    train: bool
    """Whether it may be trained on, if the split says so."""
    most: int
    """Most windows of its source that are trained on; 0 for all."""
    copies: int
    """How many equal texts it stands for."""


class Pool:
    """The sample of one class, in bounded memory.

    Args:
        size: the largest number of texts it holds.
        seed: of the hash.
        max_characters: how much of a text counts.
        preparation: how its line is made.
    """

    def __init__(
        self, size: int, seed: int, max_characters: int, preparation: Preparation = "plain"
    ) -> None:
        self._size = size
        self._salt = seed.to_bytes(8, "little", signed=True)
        self._max_characters = max_characters
        self._preparation = preparation
        self._held: dict[bytes, tuple[bytes, Text]] = {}
        self._copies: dict[bytes, int] = {}
        self._worst: list[bytes] = []
        self.read = self.empty = self.not_sampled = 0

    def add(self, text: Text) -> None:
        """Offer a document."""
        self.read += 1
        line = prepare(text.text, self._preparation, self._max_characters)
        if line is None:
            self.empty += 1
            return
        key = self._key(line)
        if key in self._copies:
            self._copies[key] += 1
            # Of equal texts the first by source stands for all, whatever the order of the files.
            self._held[key] = min(self._held[key], (line, text), key=_rank)
            return
        # A heap with the largest key on top: the bytes are inverted for that.
        inverse = bytes(255 - byte for byte in key)
        if len(self._worst) < self._size:
            heapq.heappush(self._worst, inverse)
        else:
            out = bytes(255 - byte for byte in heapq.heappushpop(self._worst, inverse))
            self._held.pop(out, None)
            self.not_sampled += self._copies.pop(out, 1)
            if out == key:
                return
        self._held[key] = (line, msgspec.structs.replace(text, text=b""))
        self._copies[key] = 1

    def examples(self) -> list[Example]:
        """What is held, by key."""
        return [
            Example(
                key=key,
                line=line,
                source=text.source,
                domain=text.domain,
                held_out=text.held_out,
                train=text.train,
                most=text.most,
                copies=copies,
            )
            for key, copies in sorted(self._copies.items())
            for line, text in (self._held[key],)
        ]

    def _key(self, line: bytes) -> bytes:
        folded = " ".join(line.decode("utf-8", "replace").lower().split())
        return hashlib.blake2b(folded.encode(), digest_size=16, salt=self._salt).digest()


def _rank(held: tuple[bytes, Text]) -> tuple[bool, str, str, bytes]:
    line, text = held
    return not text.held_out, text.source, text.domain, line
