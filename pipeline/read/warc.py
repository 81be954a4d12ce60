"""Records of a WARC, WET or ARC file, each yielded once: as a page, or as rejected and why.

The framing is our own. fastwarc's iterator is built for speed on clean archives; on damaged ones
it ends in silence (a gzip member cut inside its header, junk between two records), and a ledger
that must balance cannot use that. On clean archives the tests compare the two record by record.

Damage costs as little as it can: behind junk, a wrong Content-Length or a broken gzip member,
reading goes on at the next record that can be found.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator

from thresher.filters.errors import DataError
from thresher.pipeline.read.payload import PAYLOAD_TYPES, Record, record_to_page
from thresher.pipeline.read.records import (
    SAMPLE_BYTES,
    Origin,
    Page,
    Rejected,
    reject,
    without_nuls,
)
from thresher.pipeline.read.sources import Damage
from thresher.pipeline.read.stored import PADDING
from thresher.pipeline.read.streams import ByteReader

_HEADER_BYTES = 1 << 16
_WARC_LINE = re.compile(rb"WARC/\d\.\d{1,2}[ \t\r]*\n")
_BLANK_LINE = re.compile(rb"\n\r*\n")
_NEXT_RECORD = re.compile(
    rb"\n(?=WARC/\d\.\d{1,2}[ \t\r]{0,16}\n"
    rb"|[a-zA-Z][a-zA-Z0-9+.-]{0,20}:[^\n ]{1,2000} [0-9a-fA-F.:]{2,45} \d{12,14} )"
)
_ARC_SCHEMES = (b"http:", b"https:", b"dns:", b"ftp:", b"whois:", b"filedesc:")
"""Of records that follow another without a line end, as some tools wrote them."""
_READ_HEADERS = frozenset(
    {
        b"warc-type",
        b"warc-record-id",
        b"warc-target-uri",
        b"warc-date",
        b"content-type",
        b"content-length",
        b"warc-identified-payload-type",
    }
)
_JUNK_BYTES = 256
"""Bytes of a record header in lines that are no fields: some tools write such lines, short ones."""
_TYPE = re.compile(r"[a-z0-9_-]{1,40}")
_SCHEME = re.compile(rb"[a-zA-Z][a-zA-Z0-9+.-]{0,20}:")
_ARC_DATE = re.compile(rb"\d{12,14}")
_ARC_LENGTH = re.compile(rb"\d{1,15}\r?\n")
_ARC_FIELDS = 24
"""Fields that are looked at from the right of an ARC header: a media type may have spaces."""
_TWO_LINE_ENDS = re.compile(rb"\r{0,2}\n\r{0,2}\n")
_LENGTH = re.compile(r"\d{1,15}")


class IncompleteRecord(DataError):  # noqa: N818 - data, not a fault
    """The file ends inside a record."""


def read_warc(reader: ByteReader, max_record_bytes: int) -> Iterator[Page | Rejected]:
    """Yield every record of an archive.

    Args:
        reader: the bytes of the archive.
        max_record_bytes: a record larger than this, stored or decoded, is `oversize`.
    """
    framer = _Framer(reader, max_record_bytes)
    for number in itertools.count():
        framer.current = None
        try:
            record = framer.next_record()
        except Damage as damage:
            record = framer.reject_current("malformed_record", str(damage), damage.lost)
        except IncompleteRecord as error:
            yield framer.reject_current("truncated_archive", str(error))
            return
        if record is None:
            break
        if isinstance(record, Rejected):
            yield record
            continue
        if record.type in PAYLOAD_TYPES:
            record.origin = Origin(number, *framer.place())
        yield record_to_page(record, max_record_bytes)
    if reader.truncated:
        yield reject("truncated_archive", detail="the file ends inside a compressed member")
    elif not number:
        yield reject("malformed_record", detail="the file is empty")


class _Framer:
    """Cuts the byte stream into records and finds the next one behind damage."""

    def __init__(self, reader: ByteReader, max_record_bytes: int) -> None:
        self._reader = reader
        self._max = max_record_bytes
        self.current: Record | None = None
        self._start = 0

    def place(self) -> tuple[int, int | None, int, int]:
        """Where the latest record lies, once it was taken."""
        return self._reader.place(self._start, self._reader.position - self._start)

    def next_record(self) -> Record | Rejected | None:
        """The next record, a stretch of junk as rejected, or None at the end."""
        reader = self._reader
        line = b"\n"
        while line and not line.strip(b"\r\n"):
            line = reader.readline(_HEADER_BYTES)
        if not line:
            return None
        self._start = reader.position - len(line)
        if _WARC_LINE.fullmatch(line):
            return self._warc_record()
        fields = _arc_fields(line)
        if fields:
            return self._arc_record(fields)
        if len(line) < len("WARC/1.0\r\n") and b"WARC/1.0\r\n".startswith(line):
            raise IncompleteRecord("the file ends inside a record header")
        skipped = len(line) + self._skip_junk()
        detail = f"{skipped} bytes that are no record"
        return reject("malformed_record", detail=detail, sample=line, lost_bytes=skipped)

    def reject_current(self, reason: str, detail: str, lost_bytes: int = 0) -> Rejected:
        """Reject the record in hand, as far as it is known."""
        record = self.current
        if record is None:
            return reject(reason, detail=detail, lost_bytes=lost_bytes)
        return reject(reason, record.record_id, record.url, detail, record.body, lost_bytes)

    def _warc_record(self) -> Record | Rejected:
        headers: dict[bytes, str] = {}
        self.current = record = Record("")
        start = self._reader.position
        size = junk = 0
        for line in self._header_lines():
            size += len(line)
            if size >= _HEADER_BYTES:
                lost = self._reader.position - start + self._skip_junk()
                detail = "the record header does not end"
                return self.reject_current("malformed_record", detail, lost)
            name, colon, value = line.partition(b":")
            junk += 0 if colon or line[:1] in b" \t" else len(line)
            key = name.strip().lower()
            if key not in _READ_HEADERS or key in headers:
                continue
            headers[key] = text = without_nuls(value.strip().decode("utf-8", "replace"))
            if key == b"warc-record-id":
                record.record_id = text
            elif key == b"warc-target-uri":
                record.url = text.strip("<>")
        record.type = headers.get(b"warc-type", "").lower()
        record.date = headers.get(b"warc-date", "")
        record.content_type = headers.get(b"content-type", "")
        record.identified_type = headers.get(b"warc-identified-payload-type", "")
        length = headers.get(b"content-length", "")
        if not (_TYPE.fullmatch(record.type) and _LENGTH.fullmatch(length)) or junk > _JUNK_BYTES:
            lost = self._reader.position - start + self._skip_junk()
            what = "Content-Length" if _TYPE.fullmatch(record.type) else "WARC-Type"
            detail = f"no valid {what} in the record header"
            return self.reject_current("malformed_record", detail, lost)
        record.length = int(length)
        return self._with_body(record)

    def _header_lines(self) -> Iterable[bytes]:
        """The lines of a record header, without the blank one.

        In one go where the buffer holds them all; else each is taken before it is given.
        """
        if not self._reader.peek(1).isspace():
            block = self._reader.take_block(_BLANK_LINE, _HEADER_BYTES)
            if block:
                return block.split(b"\n")
        return self._lines_one_by_one()

    def _lines_one_by_one(self) -> Iterator[bytes]:
        while line := self._reader.readline(_HEADER_BYTES):
            if len(line) < _HEADER_BYTES and not line.endswith(b"\n"):
                break
            if not line.strip(b"\r\n"):
                return
            yield line
        raise IncompleteRecord("the file ends inside a record header")

    def _arc_record(self, fields: list[bytes]) -> Record | Rejected:
        url, date, kind, length = (
            without_nuls(field.decode("utf-8", "replace")) for field in fields
        )
        is_record = not url.startswith("filedesc:")
        self.current = record = Record("response" if is_record else "warcinfo", url=url, date=date)
        record.content_type = kind
        record.promises_http = url[:4].lower() == "http"
        record.length = int(length)
        return self._with_body(record)

    def _with_body(self, record: Record) -> Record | Rejected:
        """The record once it is known to end where its length says, before any of it is taken."""
        reader = self._reader
        if record.length > self._max:
            return self._oversize(record)
        if not self._at_boundary(record.length):
            return self._wrong_length(record)
        if record.type in PAYLOAD_TYPES:
            record.body = reader.read(record.length)
        else:
            reader.skip(record.length)
        return record

    def _oversize(self, record: Record) -> Record | Rejected:
        got = self._reader.skip(record.length)
        if got < record.length:
            raise IncompleteRecord(
                f"the file ends {record.length - got} bytes before the record does"
            )
        if not self._at_boundary(0):
            lost = got + self._skip_junk()
            return self.reject_current("malformed_record", _bad_end(record), lost)
        if record.type in PAYLOAD_TYPES:
            return self.reject_current("oversize", f"{record.length} bytes")
        return record

    def _at_boundary(self, length: int) -> bool:
        """Whether a record can end so many bytes further on: at line ends and another record."""
        if self._reader.look(length, 4) == b"\r\n\r\n":
            return True
        head = self._reader.look(length, 6)
        if head.startswith(b"WARC/") or _TWO_LINE_ENDS.match(head):
            return True
        if not head:
            return len(self._reader.look(length - 1, 1)) == 1 if length else True
        start = head[: len(head) - len(head.lstrip(b"\r\n"))]
        after = self._reader.look(length + len(start), _HEADER_BYTES)
        line, end, _ = after.partition(b"\n")
        if len(after) < _HEADER_BYTES and not (end and after.strip(PADDING)):
            return True  # the file ends there, or in the first line of a record
        if not start and not line.startswith(_ARC_SCHEMES):
            return False
        if _WARC_LINE.fullmatch(line + end) or _arc_fields(line + end):
            return True
        # One line end and then junk: right, unless the length led past other records.
        return bool(start) and self._reader.search(_NEXT_RECORD, length) < 0

    def _wrong_length(self, record: Record) -> Rejected:
        reader = self._reader
        swallowed = reader.search(_NEXT_RECORD, record.length)
        if swallowed >= 0:
            lost = reader.skip(swallowed)
            return self.reject_current("malformed_record", _bad_end(record), lost)
        record.body = reader.look(0, SAMPLE_BYTES)
        got = reader.skip(record.length)
        if got < record.length:
            raise IncompleteRecord(
                f"the file ends {record.length - got} bytes before the record does"
            )
        lost = got + self._skip_junk()
        return self.reject_current("malformed_record", _bad_end(record), lost)

    def _skip_junk(self) -> int:
        """Pass over bytes until a line that starts a record; returns how many they were."""
        skipped = 0
        at_line_start = True
        while line := self._reader.readline(_HEADER_BYTES):
            if at_line_start and (_WARC_LINE.fullmatch(line) or _arc_fields(line)):
                self._reader.unread(line)
                break
            at_line_start = line.endswith(b"\n")
            skipped += len(line)
        return skipped


def _bad_end(record: Record) -> str:
    return f"the record does not end where its length of {record.length} bytes says"


def _arc_fields(line: bytes) -> list[bytes]:
    """URL, date, type and length of an ARC header line; empty for any other line.

    The line is `url ip date type length`; version 2 has result, checksum, location, offset and file
    name before the length. URL and type may contain spaces, so the date is looked for from the
    right.
    """
    if not (_SCHEME.match(line) and _ARC_LENGTH.fullmatch(line.rpartition(b" ")[2])):
        return []
    fields = line.split(b" ") if line.count(b" ") < _ARC_FIELDS else line.rsplit(b" ", _ARC_FIELDS)
    for at in range(len(fields) - 3, 1, -1):
        if _ARC_DATE.fullmatch(fields[at]):
            url = b" ".join(fields[: at - 1])
            joined = url.startswith(b"filedesc:") and b" " in url
            if joined or any(_ARC_DATE.fullmatch(field) for field in fields[:at]):
                return []  # two headers, with the first record cut out between them
            return [url, fields[at], fields[at + 1], fields[-1].strip()]
    return []
