"""What a reader yields: a page, or a record that was rejected and why."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass, field
from typing import NamedTuple

from thresher.pipeline.read.reasons import REASONS

DETAIL_CHARACTERS = 300
SAMPLE_BYTES = 1024

_SURROGATES = re.compile("[\ud800-\udfff]")


class Origin(NamedTuple):
    """Where a record lies in its file, and what tells that it is the same.

    What a file stores is read back alike whatever its format: take `length` bytes of the file from
    `offset` on, undo their compression if they have one, and take `bytes` of that from `inside` on.

    - Of a file that is not compressed, the bytes are the record's own and `inside` is 0.
    - Of a compressed one they are its member of gzip or frame of zstd or LZ4, as an index of an
      archive (CDX) names it, or all those that the record lies in. A dictionary that frames of zstd
      need lies in front of them in the file.
    - Of Parquet all four are None, and `row_group` and `group_row` say where the row is.

    A record of an archive begins with its header and ends with its block; a row of JSON Lines is
    its object, or its line without the line end.
    """

    record: int
    """How many records of the file lie before it, whatever became of them."""
    offset: int | None = None
    length: int | None = None
    """None where the member is damaged or decodes to more than is held back for its checks (16 MB):
    then decoding starts at `offset` and goes on until there are enough bytes."""
    inside: int | None = None
    bytes: int | None = None
    row_group: int | None = None
    group_row: int | None = None


def digest_of(payload: bytes) -> str:
    """A payload's SHA-1 as archives write it: `sha1:` and 32 characters of base32.

    It is what `WARC-Payload-Digest` and the indexes of archives have for most records, so that one
    can be looked up by the other. It guards against mistakes, not against malice.
    """
    found = hashlib.sha1(payload, usedforsecurity=False).digest()
    return f"sha1:{base64.b32encode(found).decode()}"


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
    extra: str = ""
    """Further fields of a row, as `kept` writes them; "" where none are kept."""
    origin: Origin | None = field(default=None, compare=False)
    """Where it lies in its file; None where it is of none."""
    stored_digest: str = field(default="", compare=False)
    """The digest of the payload, where that is not the content as it is."""

    def digest(self) -> str:
        """The digest of the payload, as `digest_of` writes it.

        The payload of an archive's record is the body as stored, with the encodings of HTTP, and
        that of a row its text in UTF-8.
        """
        if self.stored_digest:
            return self.stored_digest
        return digest_of(self.content.encode() if isinstance(self.content, str) else self.content)


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
