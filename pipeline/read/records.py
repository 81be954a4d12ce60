"""What a reader yields: a page, or a record that was rejected and why."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from thresher.pipeline.read.reasons import REASONS

DETAIL_CHARACTERS = 300
SAMPLE_BYTES = 1024

_SURROGATES = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Page:
    """One record that may become a document."""

    record_id: str
    """The record's own identity (WARC-Record-ID, an id field); "" where it has none."""
    url: str
    date: str
    """When it was fetched, as the archive writes it; "" where unknown."""
    content: bytes | str
    """HTML as bytes still to be decoded, or finished text."""
    is_html: bool
    charset: str
    """The charset that the HTTP header declares, as written there; "" where none."""
    headers: dict[str, str] = field(default_factory=dict)
    """Those HTTP headers that declare a language or reserve rights, by lower-cased name."""
    unverified: bool = False
    """Whether it is out of a compressed member that failed its checks."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """One record that is not a document. Build it by `reject`, which bounds the texts."""

    reason: str
    record_id: str
    url: str
    detail: str
    sample: bytes
    lost_bytes: int = 0
    """Decoded bytes of a stretch without records that it stands for; 0 where it is one record."""
    lost_records: int = 1
    """How many records it stands for, as far as they can be counted."""
    told: str = ""
    """What to say of it for a whole shard, where that is more than its detail; never stored with
    it."""

    @property
    def is_damage(self) -> bool:
        """Whether the file is damaged here, rather than the record unwanted or hard to read."""
        return REASONS[self.reason].damage


def reject(
    reason: str,
    record_id: str = "",
    url: str = "",
    detail: str = "",
    sample: bytes = b"",
    lost_bytes: int = 0,
    lost_records: int = 1,
) -> Rejected:
    """A `Rejected` with bounded, storable texts.

    Args:
        reason: a name in `REASONS`.
        record_id: identity of the record, where it is known.
        url: its URL, where it is known.
        detail: what is particular to this record, such as the text of an exception.
        sample: the first bytes of what was rejected.
        lost_bytes: see `Rejected`.
        lost_records: see `Rejected`.
    """
    assert reason in REASONS, reason
    return Rejected(
        reason,
        clean_text(record_id),
        clean_text(url),
        clean_text(detail)[:DETAIL_CHARACTERS],
        sample[:SAMPLE_BYTES],
        lost_bytes,
        lost_records,
    )


def clean_text(text: str) -> str:
    """Text without NULs and lone surrogates, which Arrow, DuckDB and UTF-8 cannot hold."""
    text = without_nuls(text)
    try:
        text.encode()  # a tenth of the time that a search for surrogates takes
    except UnicodeEncodeError:
        return _SURROGATES.sub("", text)
    return text


def without_nuls(text: str) -> str:
    """Text that a strict codec gave, which holds no lone surrogate, so only NULs are to go."""
    return text.replace("\x00", "") if "\x00" in text else text
