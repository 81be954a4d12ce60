"""Rows of a JSON Lines file, one line in memory at a time.

Objects side by side on a line are all read: files are put together without a line end between them.
A JSON array, and objects printed over several lines, are refused with the command that makes lines
of them. They could be read as a stream, but behind damage nothing in them tells where the next
record starts, so that one flipped byte would cost all the rest.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import msgspec

from thresher.pipeline.read.records import Page, Rejected, reject
from thresher.pipeline.read.rows import RowFields, fields_there, row_to_page
from thresher.pipeline.read.sources import Damage
from thresher.pipeline.read.streams import ByteReader

_HEAD_BYTES = 4096
_ARRAY = re.compile(rb"\[\s*(?:\{|\]\s*\Z)")
_PRINTED = re.compile(rb"\{(?:[^\n]*,)?[ \t\r]*\n\s*\"")
_SPACE = re.compile(r"\s*")
_MARGIN = b"\xef\xbb\xbf \t\r\n"


def read_jsonl(
    reader: ByteReader, fields: RowFields, max_record_bytes: int
) -> Iterator[Page | Rejected]:
    """Yield every line that is not blank.

    Args:
        reader: the bytes of the file.
        fields: which keys hold what; a dot goes into nested objects.
        max_record_bytes: a longer line is `oversize`; it is passed over without being kept.
    """
    head = reader.peek(_HEAD_BYTES)
    if problem := other_shape(head):
        yield reject("unreadable_shard", detail=problem, sample=head)
        return
    parser = _Rows(fields)
    found = False
    while True:
        try:
            line = reader.readline(max_record_bytes)
            if len(line) == max_record_bytes and not line.endswith(b"\n"):
                sample = line[:1024]
                size = len(line) + _skip_line(reader)
                yield reject("oversize", detail=f"a line of {size} bytes", sample=sample)
                found = True
                continue
        except Damage as damage:
            yield reject("malformed_record", detail=str(damage), lost_bytes=damage.lost)
            found = True
            continue
        if not line:
            break
        if line.isspace():
            continue
        found = True
        row = parser.read(line)
        if _is_malformed(row):
            line, rows = _split(line)
            yield from (row_to_page(values, fields) for values in rows)
            row = parser.read(line) if rows else row
        if not line.endswith(b"\n") and _is_malformed(row) and line.lstrip().startswith(b"{"):
            yield reject("truncated_archive", detail="the file ends inside a line", sample=line)
            return
        yield row
    if reader.truncated:
        yield reject("truncated_archive", detail="the file ends inside a compressed member")
    elif not found:
        yield reject("malformed_record", detail="the file is empty")


def other_shape(head: bytes) -> str:
    """What JSON that is not in lines is, and the command that makes lines of it; "" for lines."""
    head = head.lstrip(_MARGIN)
    if _ARRAY.match(head):
        what, query = "one JSON array", "'.[]'"
    elif _PRINTED.match(head):
        what, query = "JSON objects printed over several lines", "."
    else:
        return ""
    return f"{what}, not JSON Lines; this converts it: jq -c {query} FILE > FILE.jsonl"


def _split(line: bytes) -> tuple[bytes, list[dict[str, Any]]]:
    """The last of several objects on a line, or what follows them, and those before it."""
    try:
        text = line.decode("utf-8-sig")
    except UnicodeDecodeError:
        return line, []
    decoder = json.JSONDecoder()
    rows: list[dict[str, Any]] = []
    at = len(text) - len(text.lstrip())
    while text.startswith("{", at):
        try:
            value, end = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            break
        space = _SPACE.match(text, end)
        assert space is not None
        if not text.startswith("{", space.end()):
            break
        rows.append(value)
        at = space.end()
    return text[at:].encode(), rows


def _is_malformed(row: Page | Rejected) -> bool:
    return isinstance(row, Rejected) and row.reason == "malformed_record"


def _skip_line(reader: ByteReader) -> int:
    skipped = 0
    while part := reader.readline(1 << 16):
        skipped += len(part)
        if part.endswith(b"\n"):
            break
    return skipped


class _Rows:
    """Lines to pages; builds the wanted keys of a row only, and passes over all others."""

    def __init__(self, fields: RowFields) -> None:
        self._fields = fields
        self._roots = fields.roots()
        names = [f"field_{i}" for i in range(len(self._roots))]
        rename = dict(zip(names, self._roots, strict=True))
        row = msgspec.defstruct("Row", [(name, Any, None) for name in names], rename=rename)
        self._decoder = msgspec.json.Decoder(row)
        self._has_told = False

    def read(self, line: bytes) -> Page | Rejected:
        """The page of a line."""
        try:
            found = msgspec.structs.astuple(self._decoder.decode(line))
            values = dict(zip(self._roots, found, strict=True))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            # Lone surrogates, NaN and a byte order mark are refused by msgspec and harmless here.
            lenient = _lenient(line)
            if lenient is None:
                # JSON has no NUL: a hole in the file, and not one row.
                hole = len(line) if b"\0" in line else 0
                return reject("malformed_record", detail=str(error), sample=line, lost_bytes=hole)
            values = {root: lenient.get(root) for root in self._roots}
        row = row_to_page(values, self._fields)
        if isinstance(row, Page) or row.reason != "missing_text":
            return row
        if not _is_utf8(line):
            # What is passed over is not looked at: a broken key is no other key.
            return reject("malformed_record", row.record_id, row.url, "not UTF-8", line)
        if self._has_told:
            return row
        told = fields_there(self._fields.text, _names(line))
        self._has_told = bool(told)  # by one row: to look at all names of all rows takes time
        return replace(row, told=told)


def _names(line: bytes) -> list[str]:
    """The names in the object of a line."""
    try:
        return [*msgspec.json.decode(line, type=dict[str, msgspec.Raw])]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return [*(_lenient(line) or {})]


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


def _lenient(line: bytes) -> dict[str, Any] | None:
    try:
        value = json.loads(line.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
