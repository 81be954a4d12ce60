"""Records of a WARC, WET or ARC file, each yielded once: as a page, or as rejected and why.

The framing is our own. fastwarc's iterator is built for speed on clean archives; on damaged ones
it ends in silence (a gzip member cut inside its header, junk between two records), and a ledger
that must balance cannot use that. On clean archives the tests compare the two record by record.

Damage costs as little as it can: behind junk, a wrong Content-Length or a broken gzip member,
reading goes on at the next record that can be found.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from thresher.pipeline.read.payload import PAYLOAD_TYPES, Record, record_to_page
from thresher.pipeline.read.records import Page, Rejected, clean_text, reject
from thresher.pipeline.read.sources import Damage
from thresher.pipeline.read.streams import ByteReader

_HEADER_BYTES = 1 << 16
_WARC_LINE = re.compile(rb"WARC/\d\.\d{1,2}[ \t\r]*\n")
_ARC_LINE = re.compile(
    rb"[a-zA-Z][a-zA-Z0-9+.-]{0,20}:[^\n]{0,8000} \d{12,14} [^\n]* (\d{1,15})\r?\n"
)
_NEXT_WARC = re.compile(rb"\n(?=WARC/\d\.\d{1,2}[ \t\r]*\n)")
_LENGTH = re.compile(r"\d{1,15}")


class _Incomplete(Exception):  # noqa: N818 - data, not a fault
    """The file ends inside a record."""


def read_warc(reader: ByteReader, max_record_bytes: int) -> Iterator[Page | Rejected]:
    """Yield every record of an archive.

    Args:
        reader: the bytes of the archive.
        max_record_bytes: a record larger than this, stored or decoded, is `oversize`.
    """
    framer = _Framer(reader, max_record_bytes)
    found = False
    while True:
        framer.current = None
        try:
            record = framer.next_record()
        except Damage as damage:
            record = framer.reject_current("malformed_record", str(damage))
        except _Incomplete as error:
            yield framer.reject_current("truncated_archive", str(error))
            return
        if record is None:
            break
        found = True
        yield record if isinstance(record, Rejected) else record_to_page(record, max_record_bytes)
    if reader.truncated:
        yield reject("truncated_archive", detail="the file ends inside a compressed member")
    elif not found:
        yield reject("malformed_record", detail="the file is empty")


class _Framer:
    """Cuts the byte stream into records and finds the next one behind damage."""

    def __init__(self, reader: ByteReader, max_record_bytes: int) -> None:
        self._reader = reader
        self._max = max_record_bytes
        self.current: Record | None = None

    def next_record(self) -> Record | Rejected | None:
        """The next record, a stretch of junk as rejected, or None at the end."""
        reader = self._reader
        line = b"\n"
        while line and not line.strip(b"\r\n"):
            line = reader.readline(_HEADER_BYTES)
        if not line:
            return None
        if _WARC_LINE.fullmatch(line):
            return self._warc_record()
        if _ARC_LINE.fullmatch(line):
            return self._arc_record(line)
        if len(line) < len("WARC/1.0\r\n") and b"WARC/1.0\r\n".startswith(line):
            raise _Incomplete("the file ends inside a record header")
        skipped = len(line) + self._skip_junk()
        detail = f"{skipped} bytes that are no record"
        return reject("malformed_record", detail=detail, sample=line)

    def reject_current(self, reason: str, detail: str) -> Rejected:
        """Reject the record in hand, as far as it is known."""
        record = self.current
        if record is None:
            return reject(reason, detail=detail)
        return reject(reason, record.record_id, record.url, detail, record.body)

    def _warc_record(self) -> Record | Rejected:
        headers: dict[str, str] = {}
        self.current = record = Record("")
        size = 0
        while True:
            line = self._reader.readline(_HEADER_BYTES)
            size += len(line)
            if size >= _HEADER_BYTES:
                self._skip_junk()
                return self.reject_current("malformed_record", "the record header does not end")
            if not line.endswith(b"\n"):
                raise _Incomplete("the file ends inside a record header")
            if not line.strip(b"\r\n"):
                break
            name, _, value = line.partition(b":")
            text = clean_text(value.strip().decode("utf-8", "replace"))
            headers.setdefault(name.strip().lower().decode("latin-1"), text)
            record.record_id = headers.get("warc-record-id", "")
            record.url = headers.get("warc-target-uri", "").strip("<>")
        record.type = headers.get("warc-type", "").lower()
        record.date = headers.get("warc-date", "")
        record.content_type = headers.get("content-type", "")
        record.identified_type = headers.get("warc-identified-payload-type", "")
        length = headers.get("content-length", "")
        if not record.type or not _LENGTH.fullmatch(length):
            self._skip_junk()
            what = "Content-Length" if record.type else "WARC-Type"
            return self.reject_current("malformed_record", f"no valid {what} in the record header")
        record.length = int(length)
        return self._with_body(record)

    def _arc_record(self, line: bytes) -> Record | Rejected:
        # url ip date type length; version 2 has result, checksum, location, offset and file name
        # before the length. A URL may contain spaces, so fields are counted from the right.
        text = clean_text(line.decode("utf-8", "replace")).strip()
        fields = text.rsplit(" ", 9)
        if len(fields) < 10 or not re.fullmatch(r"\d{12,14}", fields[-8]):
            fields = text.rsplit(" ", 4)
        kind = "warcinfo" if text.startswith("filedesc:") else "response"
        at = -8 if len(fields) == 10 else -3
        self.current = record = Record(kind, url=fields[0], date=fields[at])
        record.content_type = fields[at + 1]
        record.promises_http = text[:4].lower() == "http"
        record.length = int(fields[-1])
        return self._with_body(record)

    def _with_body(self, record: Record) -> Record | Rejected:
        reader = self._reader
        oversize = record.length > self._max
        if record.type in PAYLOAD_TYPES and not oversize:
            record.body = reader.read(record.length)
            got = len(record.body)
        else:
            got = reader.skip(record.length)
        if not (got == record.length and self._at_boundary()):
            return self._wrong_length(record, got)
        if oversize and record.type in PAYLOAD_TYPES:
            return self.reject_current("oversize", f"{record.length} bytes")
        return record

    def _at_boundary(self) -> bool:
        head = self._reader.peek(5)
        if head in (b"", b"WARC/") or head.startswith((b"\n", b"\r\n")):
            return True
        line = self._reader.readline(_HEADER_BYTES)
        self._reader.unread(line)
        return _ARC_LINE.fullmatch(line) is not None

    def _wrong_length(self, record: Record, got: int) -> Rejected:
        swallowed = _NEXT_WARC.search(record.body)
        if swallowed is not None:
            self._reader.unread(record.body[swallowed.end() :])
        elif got < record.length:
            raise _Incomplete(f"the file ends {record.length - got} bytes before the record does")
        else:
            self._skip_junk()
        detail = f"the record does not end where its length of {record.length} bytes says"
        return self.reject_current("malformed_record", detail)

    def _skip_junk(self) -> int:
        """Pass over bytes until a line that starts a record; returns how many they were."""
        skipped = 0
        at_line_start = True
        while line := self._reader.readline(_HEADER_BYTES):
            if at_line_start and (_WARC_LINE.fullmatch(line) or _ARC_LINE.fullmatch(line)):
                self._reader.unread(line)
                break
            at_line_start = line.endswith(b"\n")
            skipped += len(line)
        return skipped
