"""Compressed members (of gzip) and frames (of zstd, lz4): what decoders say of them, and recovery.

A decoder is a generator over a whole file. For each member it gives `Begin`, the decoded bytes
piece by piece, and `Event.END` once the member has passed every check the format has, or `Damage`
or `Event.CUT`. Decoded bytes come before the damage behind them, to the last one.

A damaged member may run on beyond its own end and swallow good ones. So after damage the next
member is looked for from the beginning of the damaged one: inside what it took, only a member that
decodes whole counts; behind that, one that starts well.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from thresher.filters.errors import DataError
from thresher.pipeline.read.stored import StoredBytes

HELD_BYTES = 16 << 20
"""Members that decode to so much are held back until their checks have passed."""


class Damage(DataError):  # noqa: N818 - it is data, not a fault of the program
    """Stored data that does not decode. Reading can go on behind it.

    Args:
        what: what is wrong, with the place in the file.
        lost: stored bytes that were passed over.
        of_check: whether all decoded, and only the check at the end of the member failed.
    """

    def __init__(self, what: str, lost: int = 0, *, of_check: bool = False) -> None:
        super().__init__(what)
        self.lost = lost
        self.offset = 0
        """Where in the file it was met."""
        self.of_check = of_check


class Event(enum.Enum):
    """What a decoder says between the bytes."""

    END = "the member passed its checks"
    CUT = "the file ends inside a member"


class Begin(int):
    """A member starts: its place in the file."""


class Whole(NamedTuple):
    """All of a small member that passed its checks."""

    data: bytes
    start: int
    """Its place in the file."""
    end: int
    """The place behind it."""


Decoded = Iterator[bytes | Whole | Begin | Event | Damage]


@dataclass(frozen=True, slots=True)
class Format:
    """A compression: how its members are found and decoded."""

    name: str
    starts: re.Pattern[bytes]
    """What every member starts with."""
    longest: int
    """Bytes that a match of `starts` has."""
    member: Callable[[StoredBytes], Decoded]
    """Decodes one member from its first byte on: bytes, then `END`, `CUT` or a `Damage`. Of bytes
    that are no member it takes none."""
    looks_sound: Callable[[StoredBytes], bool]
    """Whether a member seems to start here: a look ahead only."""
    small: Callable[[StoredBytes], bytes | None] = lambda _stored: None
    """A quick way for small members that pass their checks; None, and none taken, for others."""


def decode_members(stored: StoredBytes, how: Format) -> Decoded:
    """Decode a whole file, member by member; padding between them is no damage."""
    small = how.small
    while stored.skip_padding():
        start = stored.offset
        data = small(stored)
        if data is not None:
            yield Whole(data, start, stored.offset)
            continue
        stored.mark()
        yield Begin(start)
        end: Event | Damage = Event.CUT
        for event in how.member(stored):
            if event.__class__ is bytes:
                yield event
            elif isinstance(event, Event | Damage):
                end = event
        if end is not Event.END:
            failed = stored.offset
            found = _go_on(stored, start, how)
            if end is Event.CUT and found:
                end = Damage(f"the {how.name} member at byte {start} does not end where it says")
            if isinstance(end, Damage):
                end.offset = failed - end.lost
                end.lost += max(0, stored.offset - failed)
        yield end


def _go_on(stored: StoredBytes, start: int, how: Format) -> bool:
    """After damage, go to the next member, or to the end; False where there is none.

    Args:
        stored: the file, at the damage.
        start: where the damaged member begins; `stored` has a mark there.
        how: its compression.
    """
    failed = stored.offset
    if stored.go_back(start):
        stored.drop(1)
        while stored.offset < failed and stored.find(how.starts, how.longest, failed):
            if _is_whole(stored, how):
                return True
            if stored.budget <= 0:
                break
            stored.drop(1)
        stored.skip(failed - stored.offset)
    elif failed == start:
        stored.drop(1)
    while stored.find(how.starts, how.longest):
        if how.looks_sound(stored):
            return True
        stored.drop(1)
    return False


def _is_whole(stored: StoredBytes, how: Format) -> bool:
    """Whether a member decodes from here to its end; afterwards the file is here again."""
    start = stored.offset
    stored.mark()
    size, whole = 0, False
    for event in how.member(stored):
        size += len(event) if isinstance(event, bytes) else 0
        whole = event is Event.END
        if size > HELD_BYTES or stored.offset - start > stored.budget:
            break
    # Where there is no way back, it must not go on from the middle of something either.
    return stored.go_back(start) and whole
