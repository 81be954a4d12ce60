"""Decompression of files that may be damaged, chunk by chunk, in bounded memory.

Gzip (member by member), zstd, lz4 or plain bytes: told from the first bytes, not from the name.
Three things that the usual readers hide are visible here, because a ledger must account for them:

- a file that ends inside a compressed member sets `truncated`;
- damaged compressed data raises `Damage` once, and reading goes on at the next member;
- no input, however well it compresses, is expanded by more than one chunk at a time.

Errors of the file system itself (a lost connection) are not caught: they are not bad data.
"""

from __future__ import annotations

import zlib
from typing import BinaryIO, Protocol

import zstandard
from fastwarc.stream_io import Lz4Reader

from thresher.filters.errors import DataError

CHUNK = 1 << 18
_GZIP = b"\x1f\x8b\x08"
_ZSTD = b"\x28\xb5\x2f\xfd"
_LZ4 = b"\x04\x22\x4d\x18"
_ZSTD_DICTIONARY = b"\x5d\x2a\x4d\x18"
_ZSTD_INPUT = 2048
"""A zstd block of 4 bytes can stand for 128 KiB; so this much input makes at most 64 MiB."""


class Damage(DataError):  # noqa: N818 - it is data, not a fault of the program
    """Compressed data that does not decode. Reading can go on behind it."""


class Source(Protocol):
    """Where a `ByteReader` gets its chunks."""

    truncated: bool
    """At the end: the file stopped inside a compressed member."""

    def read_chunk(self) -> bytes:
        """The next bytes; b"" at the end. Raises `Damage`, after which it may go on."""


class PlainSource:
    """Uncompressed bytes."""

    def __init__(self, file: BinaryIO, head: bytes = b"") -> None:
        self._file = file
        self._head = head
        self.truncated = False

    def read_chunk(self) -> bytes:
        """The next bytes; b"" at the end."""
        head, self._head = self._head, b""
        return head or self._file.read(CHUNK)


class GzipSource:
    """Gzip, one member after another; finds the next member behind damage."""

    def __init__(self, file: BinaryIO, head: bytes) -> None:
        self._file = file
        self._input = head
        self._member: zlib._Decompress | None = None
        self.truncated = False

    def read_chunk(self) -> bytes:
        """The next decompressed bytes; b"" at the end."""
        while True:
            if self._member is None and not self._start_member():
                return b""
            assert self._member is not None
            if not self._input:
                self._input = self._file.read(CHUNK)
                if not self._input:
                    self.truncated = True
                    self._member = None
                    return b""
            before = self._input
            try:
                data = self._member.decompress(before, CHUNK)
            except zlib.error as error:
                self._member = None
                self._resume_in(before[1:])
                raise Damage(f"damaged gzip data: {error}") from error
            self._input = self._member.unconsumed_tail
            if self._member.eof:
                self._input = self._member.unused_data
                self._member = None
            if data:
                return data

    def _start_member(self) -> bool:
        # Some writers pad files with zero bytes.
        while not (data := self._input.lstrip(b"\0")) or len(data) < len(_GZIP):
            more = self._file.read(CHUNK)
            if not more:
                self.truncated = bool(data)
                self._input = b""
                return False
            self._input = data + more
        self._input = data
        if not data.startswith(_GZIP):
            self._resume_in(data)
            raise Damage("bytes between gzip members that are no gzip member")
        self._member = zlib.decompressobj(31)
        return True

    def _resume_in(self, data: bytes) -> None:
        """Place the input at the next thing that starts like a gzip member."""
        while True:
            start = data.find(_GZIP)
            while start >= 0:
                probe = zlib.decompressobj(31)
                try:
                    if probe.decompress(data[start : start + 4096], 64):
                        self._input = data[start:]
                        return
                except zlib.error:
                    pass
                start = data.find(_GZIP, start + 1)
            more = self._file.read(CHUNK)
            if not more:
                self._input = b""
                return
            # A member may start in the last bytes, and a probe needs some bytes to decide.
            data = data[-512:] + more


class ZstdSource:
    """Zstandard frames, with the dictionary frame that `.warc.zst` files may start with."""

    def __init__(self, file: BinaryIO, head: bytes) -> None:
        self._file = file
        self._input = head
        self._decompressor = zstandard.ZstdDecompressor()
        self._frame: zstandard.ZstdDecompressionObj | None = None
        self.truncated = False
        if head.startswith(_ZSTD_DICTIONARY):
            self._read_dictionary()

    def read_chunk(self) -> bytes:
        """The next decompressed bytes; b"" at the end."""
        parts: list[bytes] = []
        size = 0
        while size < CHUNK:
            if not self._input:
                self._input = self._file.read(CHUNK)
                if not self._input:
                    self.truncated = self._frame is not None
                    break
            piece, self._input = self._input[:_ZSTD_INPUT], self._input[_ZSTD_INPUT:]
            if self._frame is None:
                self._frame = self._decompressor.decompressobj()
            try:
                data = self._frame.decompress(piece)
            except zstandard.ZstdError as error:
                self._frame = None
                self._resume()
                raise Damage(f"damaged zstd data: {error}") from error
            if self._frame.eof:
                self._input = self._frame.unused_data + self._input
                self._frame = None
            parts.append(data)
            size += len(data)
        return b"".join(parts)

    def _resume(self) -> None:
        while (start := self._input.find(_ZSTD)) < 0:
            more = self._file.read(CHUNK)
            if not more:
                self._input = b""
                return
            self._input = self._input[-len(_ZSTD) :] + more
        self._input = self._input[start:]

    def _read_dictionary(self) -> None:
        length = int.from_bytes(self._input[4:8], "little")
        while len(self._input) < 8 + length and (more := self._file.read(CHUNK)):
            self._input += more
        content, self._input = self._input[8 : 8 + length], self._input[8 + length :]
        if content.startswith(_ZSTD):
            content = self._decompressor.decompress(content, max_output_size=64 << 20)
        dictionary = zstandard.ZstdCompressionDict(content)
        self._decompressor = zstandard.ZstdDecompressor(dict_data=dictionary)


class Lz4Source:
    """LZ4 frames, by fastwarc's reader."""

    def __init__(self, file: BinaryIO, head: bytes) -> None:
        self._file = file
        self._raw = _Recorder(file, head)
        self._reader = Lz4Reader(self._raw)
        self._delivered = 0
        self._problem = ""
        self._ended = False
        self.truncated = False

    def read_chunk(self) -> bytes:
        """The next decompressed bytes; b"" at the end."""
        if self._ended:
            return b""
        if not self._problem:
            try:
                data: bytes = self._reader.read(CHUNK)
                self._delivered += len(data)
                return data
            except OSError as error:
                if self._raw.error is not None:
                    raise self._raw.error from error
                self._problem = str(error)
                if data := self._salvage():
                    return data
        self._ended = True
        self.truncated = self._raw.at_end
        if not self.truncated:
            raise Damage(f"damaged lz4 data: {self._problem}")
        return b""

    def _salvage(self) -> bytes:
        """What the failed read had decoded: fastwarc drops it, so decode again, byte by byte."""
        self._file.seek(0)
        reader = Lz4Reader(_Recorder(self._file, b""))
        left = self._delivered
        while left > 0:
            left -= len(reader.read(min(left, CHUNK)))
        data = bytearray()
        try:
            while byte := reader.read(1):
                data += byte
        except OSError:
            pass
        return bytes(data)


class _Recorder:
    """Tells an error of the file system from an error of the decoder that reads through it."""

    def __init__(self, file: BinaryIO, head: bytes) -> None:
        self._file = file
        self._head = head
        self.error: Exception | None = None
        self.at_end = False

    def read(self, size: int = -1) -> bytes:
        data, self._head = self._head[:size], self._head[size:]
        if data:
            return data
        try:
            data = self._file.read(size)
        except Exception as error:
            self.error = error
            raise
        self.at_end = not data and size != 0
        return data

    def tell(self) -> int:
        """Asked for by fastwarc, only to report positions."""
        return 0

    def seek(self, _offset: int, _whence: int = 0) -> int:
        """Part of fastwarc's protocol, not of its use here: the stream is read once."""
        raise OSError("not seekable")

    def close(self) -> None:
        """The owner of the file closes it."""


def open_source(file: BinaryIO) -> Source:
    """The source that fits the first bytes of a file."""
    head = file.read(CHUNK)
    if head.startswith(_GZIP):
        return GzipSource(file, head)
    if head.startswith((_ZSTD, _ZSTD_DICTIONARY)):
        return ZstdSource(file, head)
    if head.startswith(_LZ4):
        return Lz4Source(file, head)
    return PlainSource(file, head)
