"""What damage leaves behind: documents that nothing vouches for, and garbage that is none.

A damaged member decodes to garbage from some place on. Where, nobody knows: the decoder may run on
for megabytes. What it decoded up to its failed check is read like all else, and its documents
carry `unverified`; only where it is a single record, as archives have it, that is the damaged
one. Once records stop making sense, all from there to the end of the member is one
failed stretch, counted with its bytes: garbage that happens to parse is no document.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from thresher.pipeline.read.records import Page, Rejected, reject
from thresher.pipeline.read.streams import ByteReader

_WATCHED_RECORDS = 8
_WATCHED_BYTES = 16 << 20
"""Behind a malformed record in doubtful bytes so much is looked at: if at least half of the records
are malformed, it is garbage."""
_LINE_ENDS = 4
"""Bytes that may stand behind a record before its member ends."""


@dataclass(slots=True)
class Loss:
    """What damage cost a file."""

    damaged: int = 0
    """Failed records and stretches that stand for damage."""
    lost_bytes: int = 0
    """Decoded bytes of stretches that gave no record; estimated where they did not decode."""
    unverified: int = 0
    """Pages out of members that failed their checks."""
    whole_bytes: int = 0
    """Decoded bytes of what was read whole."""
    whole: int = 0
    """Records that were read whole, or are no damage."""
    left_out: int = 0
    """Values of `input.keep` that were too much to go along with their documents."""
    _counted: int = 0
    _stretches: int = 0

    def add(self, item: Page | Rejected, size: int = 0) -> None:
        """Count an item that is given out, and the decoded bytes it took."""
        if isinstance(item, Rejected) and item.is_damage:
            self.damaged += 1
            self.lost_bytes += item.lost_bytes
            self._stretches += item.lost_bytes > 0
            self._counted += max(1, item.lost_records)
        else:
            self.whole += 1
            self.whole_bytes += size
            self.unverified += isinstance(item, Page) and item.unverified

    @property
    def lost_records(self) -> int:
        """How many records were lost: counted, and where a stretch gave none, told by its bytes."""
        if not self.whole_bytes:
            return self._counted
        of_stretches = self.lost_bytes * self.whole // self.whole_bytes
        return self._counted + max(0, of_stretches - self._stretches)


@dataclass(slots=True)
class _Item:
    value: Page | Rejected
    size: int
    doubtful: bool
    begins_doubtful: bool
    """Whether its first byte is, so that it does not begin in a member that is good."""
    ends: bool
    """Damage or the end of a cut file: what is doubtful ends here."""
    of_check: bool
    """Damage that only the check at the end of a member noticed."""

    @property
    def is_damage(self) -> bool:
        return isinstance(self.value, Rejected) and self.value.reason != "truncated_archive"

    @property
    def malformed(self) -> bool:
        value = self.value
        return isinstance(value, Rejected) and value.reason == "malformed_record" and not self.ends


def settle(
    items: Iterator[Page | Rejected], reader: ByteReader, loss: Loss
) -> Iterator[Page | Rejected]:
    """The records of a file, with garbage gathered and doubtful pages marked.

    Args:
        items: of a parser that reads from `reader` and yields each record as soon as it is read.
        reader: tells what was verified.
        loss: is added to.
    """
    watch = _Watch()
    start = reader.position
    for value in items:
        end = reader.position
        if not watch.busy and reader.is_sound() and value.__class__ is Page:
            loss.whole += 1
            loss.whole_bytes += end - start
            yield value
        else:
            for settled in watch.take(_told(value, reader, start, end)):
                yield _given(settled, loss)
        start = end
    for settled in watch.rest():
        yield _given(settled, loss)


def _told(value: Page | Rejected, reader: ByteReader, start: int, end: int) -> _Item:
    cut = isinstance(value, Rejected) and value.reason == "truncated_archive"
    ends = cut or reader.damage is not None
    # Line ends of the record before it may stand in front of it.
    begins_doubtful = reader.doubtful(start, start + _LINE_ENDS + 1)
    of_check = reader.damage is not None and reader.damage.of_check
    reader.damage = None
    doubtful = reader.doubtful(start, end)
    return _Item(value, end - start, doubtful, begins_doubtful, ends, of_check)


def _given(item: _Item, loss: Loss) -> Page | Rejected:
    value = item.value
    if item.doubtful and isinstance(value, Page):
        value = replace(value, unverified=True)
    loss.add(value, item.size)
    return value


class _Watch:
    """Decides of malformed records in doubtful bytes whether they begin a stretch of garbage."""

    def __init__(self) -> None:
        self.busy = False
        """Whether something waits for what comes next."""
        self._in_doubt = False
        self._alone: _Item | None = None
        """The first record of a doubtful stretch, until it is known not to be all of it."""
        self._held: list[_Item] = []
        self._garbage: _Item | None = None
        self._damage: _Item | None = None

    def take(self, item: _Item) -> Iterator[_Item]:
        """What is decided by one more item."""
        if self._damage is not None:
            # Behind damage the first record may lack its head, which is part of the same loss.
            damage, self._damage = self._damage, None
            if item.malformed and not item.doubtful:
                yield _with_garbage(damage, item)
                return
            yield damage
        alone, self._alone = self._alone, None
        if alone is not None and item.of_check and item.size <= _LINE_ENDS:
            self._damage = _instead(alone, item)
        elif alone is not None:
            yield from self._sort(alone)
            yield from self._sort(item)
        elif item.begins_doubtful and not item.ends and not self._in_doubt:
            self._alone = item
        else:
            yield from self._sort(item)
        self._in_doubt = item.doubtful and not item.ends
        self.busy = self._in_doubt or self._damage is not None or bool(self._held)

    def _sort(self, item: _Item) -> Iterator[_Item]:
        if item.ends:
            yield from self._end(item)
        elif self._garbage is not None and item.doubtful:
            self._garbage.size += item.size
        elif self._held or (item.malformed and item.doubtful):
            self._held.append(item)
            size = sum(held.size for held in self._held)
            if len(self._held) >= _WATCHED_RECORDS or size >= _WATCHED_BYTES:
                yield from self._decide()
        else:
            yield item

    def rest(self) -> Iterator[_Item]:
        """What is left at the end of the file."""
        if self._alone is not None:
            yield self._alone
        yield from self._decide()
        if self._garbage is not None:
            yield _as_stretch(self._garbage)
        if self._damage is not None:
            yield self._damage

    def _decide(self) -> Iterator[_Item]:
        held, self._held = self._held, []
        if held and 2 * sum(item.malformed for item in held) >= len(held):
            self._garbage = replace(held[0], size=sum(item.size for item in held))
        else:
            yield from held

    def _end(self, item: _Item) -> Iterator[_Item]:
        yield from self._decide()
        garbage, self._garbage = self._garbage, None
        if not item.is_damage:
            if garbage is not None:
                yield _as_stretch(garbage)
            yield item
        else:
            self._damage = item if garbage is None else _with_garbage(item, garbage)


def _as_stretch(garbage: _Item) -> _Item:
    """A stretch that ends with the file."""
    assert isinstance(garbage.value, Rejected)
    detail = f"{garbage.size} bytes of garbage in a damaged member"
    sample = garbage.value.sample
    value = reject("malformed_record", detail=detail, sample=sample, lost_bytes=garbage.size)
    return replace(garbage, value=value)


def _with_garbage(damage: _Item, garbage: _Item) -> _Item:
    """Damage with the garbage in front of it or behind it."""
    value = damage.value
    assert isinstance(value, Rejected)
    assert isinstance(garbage.value, Rejected)
    value = replace(
        value,
        record_id=value.record_id or garbage.value.record_id,
        url=value.url or garbage.value.url,
        detail=f"{value.detail}; {garbage.size} bytes of garbage",
        sample=value.sample or garbage.value.sample,
        lost_bytes=value.lost_bytes + garbage.size,
    )
    return replace(damage, value=value, size=damage.size + garbage.size)


def _instead(alone: _Item, damage: _Item) -> _Item:
    """Damage in place of the one record of its member: that must be the damaged one."""
    if alone.malformed:
        return _with_garbage(damage, alone)
    value, record = damage.value, alone.value
    assert isinstance(value, Rejected)
    value = replace(value, record_id=record.record_id, url=record.url)
    return replace(damage, value=value, size=damage.size + alone.size)
