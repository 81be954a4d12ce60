"""Training records from files.

Formats: `.jsonl`, `.txt` (one document a file), both also as `.gz` and `.zst`; `.parquet`. Read
streaming. A record that holds NULs or is no UTF-8 is left out and counted: it is damaged, or
something else than text, and a model would learn that. A file that does not decompress is refused.
A file's sha256 is over its stored bytes, so that a card names exactly what was read.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import re
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import IO, Any, Protocol, TypeAlias

import fsspec
import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import zstandard

from thresher.classifiers.leaving_out import LeftOut, UnusableRecord
from thresher.classifiers.training_files import format_of
from thresher.filters.errors import InputError, no_such_field

MAX_DOCUMENT_BYTES = 64 << 20
"""A longer line or text file is refused: it is no document."""

Record: TypeAlias = Mapping[str, Any]
"""A record's fields by name; those that are text as `str`."""

TEXT_FILE_FIELD = "text"
"""The one field of a .txt file."""

_CHUNK = 1 << 20
_SURROGATE = re.compile("[\ud800-\udfff]")
_CORRUPT = (EOFError, gzip.BadGzipFile, zlib.error, zstandard.ZstdError, pa.ArrowException)


class Source(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file, or an answer of a lake, that training read."""

    url: str
    """Where it was; of a lake, its URL and the SQL."""
    sha256: str
    """Hash of its stored bytes; of a lake, of the ids and texts in order."""
    size_bytes: int
    """Its stored size; of a lake, the size of the texts."""
    documents: int
    """Documents in it, empty ones included."""
    licence: str = ""
    """Licence of the texts, as declared."""
    unusable: int = 0
    """Records beside these that could not be used."""
    first_unusable: str = ""
    """Which was the first of them, and why; empty where there is none."""


def read(
    url: str, fields: Sequence[str], take: Callable[[Record], None], left_out: LeftOut
) -> Source:
    """Hand every record of a file to `take`, in order.

    Args:
        url: the file.
        fields: what is needed of each record; `take` finds a field missing, not this.
        take: called with the record; what it cannot use, it refuses with `UnusableRecord`.
        left_out: counts the records, with their places (`url:line`).

    Raises:
        InputError: where the file is damaged, or too many records cannot be used.
    """
    reader = {".parquet": _read_parquet, ".txt": _read_text}.get(format_of(url), _read_jsonl)
    left_out.start_file()
    try:
        with fsspec.open(url, "rb") as raw:
            hashed = _HashingReader(raw)
            source = raw if reader is _read_parquet else hashed
            for record, where in reader(url, fields, source):
                hand_on(record, where, take, left_out)
            if reader is _read_parquet:
                raw.seek(0)
            while hashed.read(_CHUNK):
                pass
    except _CORRUPT as error:
        raise InputError(f"{url}: damaged after record {left_out.in_file:,}: {error}.") from error
    except OSError as error:
        raise InputError(f"{url}: cannot be read: {error}.") from error
    return Source(
        url,
        hashed.digest.hexdigest(),
        hashed.size,
        left_out.in_file - left_out.unusable_in_file,
        unusable=left_out.unusable_in_file,
        first_unusable=left_out.first_in_file,
    )


def hand_on(
    record: Record | UnusableRecord, where: str, take: Callable[[Record], None], left_out: LeftOut
) -> None:
    """Hand a record to `take`, and count it.

    Raises:
        InputError: where too many cannot be used.
    """
    try:
        if isinstance(record, UnusableRecord):
            raise record
        take(record)
    except UnusableRecord as problem:
        left_out.leave(where, problem)
    else:
        left_out.used()


def text_of(record: Record, field: str) -> str:
    """A field that must be text; a null is an empty one.

    Raises:
        UnusableRecord: where the record has no such field, or it is not text, holds a NUL or a
            lone surrogate.
    """
    if field not in record:
        raise UnusableRecord(no_such_field(field, record))
    text = record[field]
    if text is None:
        return ""
    if not isinstance(text, str):
        raise UnusableRecord(f"'{field}' is not text but {type(text).__name__}.")
    if "\0" in text:
        raise UnusableRecord(f"'{field}' holds a NUL.")
    if not text.isascii() and _SURROGATE.search(text):
        raise UnusableRecord(f"'{field}' holds half a surrogate pair.")
    return text


_Records: TypeAlias = Iterator[tuple[Record | UnusableRecord, str]]


class _HashingReader(io.RawIOBase):
    """Passes bytes on and hashes them."""

    def __init__(self, raw: IO[bytes]) -> None:
        self._raw = raw
        self.digest = hashlib.sha256()
        self.size = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._raw.read(len(buffer))
        buffer[: len(data)] = data
        self.digest.update(data)
        self.size += len(data)
        return len(data)


class _Lines(Protocol):
    def readline(self, size: int = -1, /) -> bytes: ...

    def read(self, size: int = -1, /) -> bytes: ...


def _decompressed(url: str, raw: io.RawIOBase) -> _Lines:
    source = io.BufferedReader(raw, _CHUNK)
    if url.lower().endswith(".gz"):
        return gzip.GzipFile(fileobj=source)
    if url.lower().endswith(".zst"):
        decompressor = zstandard.ZstdDecompressor()
        return io.BufferedReader(
            decompressor.stream_reader(source, read_across_frames=True), _CHUNK
        )
    return source


def _read_text(url: str, fields: Sequence[str], raw: io.RawIOBase) -> _Records:  # noqa: ARG001
    data = _decompressed(url, raw).read(MAX_DOCUMENT_BYTES + 1)
    try:
        yield {TEXT_FILE_FIELD: _decoded(data, first=True)}, url
    except UnusableRecord as problem:
        yield problem, url


def _read_jsonl(url: str, fields: Sequence[str], raw: io.RawIOBase) -> _Records:
    wanted = frozenset(fields)
    lines = _decompressed(url, raw)
    number = 0
    while line := lines.readline(MAX_DOCUMENT_BYTES + 1):
        number += 1
        where = f"{url}:{number}"
        if len(line) > MAX_DOCUMENT_BYTES:
            rest = line
            while rest and not rest.endswith(b"\n"):
                rest = lines.readline(_CHUNK)
        try:
            record = _json_record(line, first=number == 1)
        except UnusableRecord as problem:
            yield problem, where
            continue
        # The names of the others serve a suggestion; their values would only take memory.
        if record is not None:
            yield {name: v if name in wanted else None for name, v in record.items()}, where


def _json_record(line: bytes, first: bool) -> dict[str, Any] | None:
    """The object of a line; None of a blank one."""
    source = _decoded(line, first)
    if not source.strip():
        return None
    try:
        record = json.loads(source)
    except (ValueError, RecursionError) as error:
        raise UnusableRecord(f"not valid JSON: {error}.") from error
    if not isinstance(record, dict):
        raise UnusableRecord("a JSON object is needed on every line.")
    return record


def _read_parquet(url: str, fields: Sequence[str], raw: Any) -> _Records:
    file = pq.ParquetFile(raw)
    names = file.schema_arrow.names
    present = [name for name in dict.fromkeys(fields) if name in names]
    others = dict.fromkeys(names)
    row = 0
    for batch in file.iter_batches(batch_size=1024, columns=present):
        columns = [_column(column, name, url) for name, column in zip(present, batch, strict=True)]
        for values in zip(*columns, strict=True):
            row += 1
            where = f"{url}: row {row}"
            try:
                texts = [_decoded(v) if isinstance(v, bytes) else v for v in values]
            except UnusableRecord as problem:
                yield problem, where
                continue
            yield others | dict(zip(present, texts, strict=True)), where
        if not columns:
            yield from ((others, f"{url}: row {row + i + 1}") for i in range(batch.num_rows))
            row += batch.num_rows


def _column(column: pa.Array, name: str, url: str) -> list[Any]:
    """Values of a column; text as bytes, since Parquet may hold any under that name."""
    kind = column.type
    value = kind.value_type if pa.types.is_dictionary(kind) else kind
    if pa.types.is_string(value) or pa.types.is_large_string(value):
        return list(column.cast(value).cast(pa.large_binary()).to_pylist())
    if pa.types.is_binary(value) or pa.types.is_nested(value):
        raise InputError(f"{url}: '{name}' is not text but {kind}.")
    return list(column.to_pylist())


def _decoded(data: bytes, first: bool = False) -> str:
    """UTF-8 as text, a byte order mark at the start left out."""
    if len(data) > MAX_DOCUMENT_BYTES:
        raise UnusableRecord(f"longer than {MAX_DOCUMENT_BYTES:,} bytes.")
    if b"\0" in data:
        raise UnusableRecord("holds a NUL byte.")
    try:
        return data.decode("utf-8-sig" if first else "utf-8")
    except UnicodeDecodeError as error:
        problem = f"is not UTF-8 (byte {data[error.start]:#04x} at {error.start:,})."
        raise UnusableRecord(problem) from error
