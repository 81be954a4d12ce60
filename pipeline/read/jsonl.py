"""Rows of a JSON Lines file, one line in memory at a time."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import msgspec

from thresher.pipeline.read.records import Page, Rejected, reject
from thresher.pipeline.read.rows import RowFields, row_to_page
from thresher.pipeline.read.sources import Damage
from thresher.pipeline.read.streams import ByteReader


def read_jsonl(
    reader: ByteReader, fields: RowFields, max_record_bytes: int
) -> Iterator[Page | Rejected]:
    """Yield every line that is not blank.

    Args:
        reader: the bytes of the file.
        fields: which keys hold what; a dot goes into nested objects.
        max_record_bytes: a longer line is `oversize`; it is passed over without being kept.
    """
    decoder = _decoder(fields)
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
        row = _row(line, decoder, fields)
        if not line.endswith(b"\n") and _is_malformed(row) and line.lstrip().startswith(b"{"):
            yield reject("truncated_archive", detail="the file ends inside a line", sample=line)
            return
        yield row
    if reader.truncated:
        yield reject("truncated_archive", detail="the file ends inside a compressed member")
    elif not found:
        yield reject("malformed_record", detail="the file is empty")


def _is_malformed(row: Page | Rejected) -> bool:
    return isinstance(row, Rejected) and row.reason == "malformed_record"


def _skip_line(reader: ByteReader) -> int:
    skipped = 0
    while part := reader.readline(1 << 16):
        skipped += len(part)
        if part.endswith(b"\n"):
            break
    return skipped


def _decoder(fields: RowFields) -> msgspec.json.Decoder[Any]:
    """A decoder that builds the wanted keys only and passes over all others."""
    roots = fields.roots()
    names = [(f"field_{i}", Any, None) for i in range(len(roots))]
    rename = {f"field_{i}": root for i, root in enumerate(roots)}
    return msgspec.json.Decoder(msgspec.defstruct("Row", names, rename=rename))


def _row(line: bytes, decoder: msgspec.json.Decoder[Any], fields: RowFields) -> Page | Rejected:
    roots = fields.roots()
    try:
        found = decoder.decode(line)
        values = {root: getattr(found, f"field_{i}") for i, root in enumerate(roots)}
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        # Lone surrogates, NaN and a byte order mark are refused by msgspec and harmless here.
        lenient = _lenient(line)
        if lenient is None:
            # JSON has no NUL: a hole in the file, and not one row.
            hole = len(line) if b"\0" in line else 0
            return reject("malformed_record", detail=str(error), sample=line, lost_bytes=hole)
        values = {root: lenient.get(root) for root in roots}
    row = row_to_page(values, fields)
    if isinstance(row, Rejected) and row.reason == "missing_text" and not _is_utf8(line):
        # What is passed over is not looked at: a broken key is no other key.
        return reject("malformed_record", row.record_id, row.url, "not UTF-8", line)
    return row


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
