"""Training texts from files.

Formats: `.jsonl`, `.txt` (one document a file), both also as `.gz` and `.zst`; `.parquet`. Read
streaming, as UTF-8 bytes; bytes that are no UTF-8 become replacement characters. A file's
sha256 is over its stored bytes, so that a card names exactly what was read.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import zlib
from collections.abc import Callable, Iterator
from typing import IO, Any, Protocol

import fsspec
import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import zstandard
from fsspec.implementations.local import LocalFileSystem

from filters.errors import ConfigError, InputError, did_you_mean

MAX_DOCUMENT_BYTES = 64 << 20
"""A longer line or text file is refused: it is no document."""

_CHUNK = 1 << 20
_FORMATS = (".jsonl", ".ndjson", ".txt", ".parquet")
_CORRUPT = (EOFError, gzip.BadGzipFile, zlib.error, zstandard.ZstdError, pa.ArrowException)


class Source(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file that training read."""

    url: str
    """Where it was."""
    sha256: str
    """Hash of its stored bytes."""
    size_bytes: int
    """Its stored size."""
    documents: int
    """Documents in it, empty ones included."""


def expand(patterns: list[str], where: str) -> list[str]:
    """The files that fsspec URLs and globs name: each once, sorted.

    Raises:
        InputError: where one names nothing, or a file of no known format.
    """
    found: set[str] = set()
    for pattern in patterns:
        try:
            filesystem, path = fsspec.core.url_to_fs(pattern)
            matches = filesystem.glob(path) if _is_glob(path) else [path]
            files = [match for match in matches if filesystem.isfile(match)]
        except Exception as error:
            # Every back end of fsspec has its own tree of errors.
            problem = f"cannot be read ({type(error).__name__}: {error})"
            raise InputError(f"{where}: {pattern} {problem}.") from error
        if not files:
            raise InputError(f"{where}: {pattern} names no file.")
        local = isinstance(filesystem, LocalFileSystem)
        urls = [file if local else filesystem.unstrip_protocol(file) for file in files]
        for url in urls:
            if _format(url) not in _FORMATS:
                known = ", ".join(_FORMATS)
                raise InputError(f"{where}: {url} has no known format ({known}; .gz, .zst).")
        found.update(urls)
    return sorted(found)


def read(url: str, field: str, take: Callable[[bytes], None]) -> Source:
    """Hand every document of a file to `take`, in order; a null text as no bytes.

    Raises:
        InputError: where the file is damaged or holds something else, with the line or row.
        ConfigError: where it has no such field.
    """
    reader = {".parquet": _read_parquet, ".txt": _read_text}.get(_format(url), _read_jsonl)
    count = 0
    try:
        with fsspec.open(url, "rb") as raw:
            hashed = _HashingReader(raw)
            for text in reader(url, field, raw if reader is _read_parquet else hashed):
                take(text)
                count += 1
            if reader is _read_parquet:
                raw.seek(0)
            while hashed.read(_CHUNK):
                pass
    except _CORRUPT as error:
        raise InputError(f"{url}: damaged after document {count:,}: {error}.") from error
    except OSError as error:
        raise InputError(f"{url}: cannot be read: {error}.") from error
    return Source(url, hashed.digest.hexdigest(), hashed.size, count)


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


def _is_glob(path: str) -> bool:
    return any(mark in path for mark in "*?[")


def _format(url: str) -> str:
    name = url.rsplit("/", 1)[-1].lower().removesuffix(".gz").removesuffix(".zst")
    return name[name.rfind(".") :] if "." in name else ""


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


def _read_text(url: str, field: str, raw: io.RawIOBase) -> Iterator[bytes]:  # noqa: ARG001
    text = _decompressed(url, raw).read(MAX_DOCUMENT_BYTES + 1)
    if len(text) > MAX_DOCUMENT_BYTES:
        raise InputError(f"{url}: longer than {MAX_DOCUMENT_BYTES:,} bytes.")
    yield _utf8(text.decode("utf-8-sig", "replace"))


def _read_jsonl(url: str, field: str, raw: io.RawIOBase) -> Iterator[bytes]:
    lines = _decompressed(url, raw)
    number = 0
    while line := lines.readline(MAX_DOCUMENT_BYTES + 1):
        number += 1
        if len(line) > MAX_DOCUMENT_BYTES:
            raise InputError(f"{url}:{number}: longer than {MAX_DOCUMENT_BYTES:,} bytes.")
        source = line.decode("utf-8-sig" if number == 1 else "utf-8", "replace")
        if not source.strip():
            continue
        try:
            record = json.loads(source)
        except (ValueError, RecursionError) as error:
            raise InputError(f"{url}:{number}: not valid JSON: {error}.") from error
        if not isinstance(record, dict):
            raise InputError(f"{url}:{number}: a JSON object is needed on every line.")
        if field not in record:
            raise _no_field(f"{url}:{number}", field, list(record))
        text = record[field]
        if text is not None and not isinstance(text, str):
            raise InputError(f"{url}:{number}: '{field}' is not text but {type(text).__name__}.")
        yield _utf8(text or "")


def _read_parquet(url: str, field: str, raw: Any) -> Iterator[bytes]:
    file = pq.ParquetFile(raw)
    if field not in file.schema_arrow.names:
        raise _no_field(url, field, file.schema_arrow.names)
    kind = file.schema_arrow.field(field).type
    value = kind.value_type if pa.types.is_dictionary(kind) else kind
    if not (pa.types.is_string(value) or pa.types.is_large_string(value)):
        raise InputError(f"{url}: '{field}' is not text but {kind}.")
    for batch in file.iter_batches(batch_size=1024, columns=[field]):
        for text in batch.column(0).cast(value).cast(pa.large_binary()).to_pylist():
            yield _utf8((text or b"").decode("utf-8", "replace"))


def _utf8(text: str) -> bytes:
    """UTF-8 of a text, with lone surrogates (JSON may hold them) replaced."""
    return text.encode("utf-8", "replace")


def _no_field(where: str, field: str, present: list[str]) -> ConfigError:
    return ConfigError(where, f"has no field '{field}'.", did_you_mean(field, present))
