"""Zstandard: one frame, with the dictionaries that `.warc.zst` files carry.

A file may have several dictionary frames, since archives are made by joining others; each counts
for the frames behind it.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass

import zstandard

from thresher.pipeline.read.frames import SKIPPABLE, is_skippable, no_frame, skip_frame, well_ended
from thresher.pipeline.read.members import Damage, Decoded, Event, Format
from thresher.pipeline.read.stored import StoredBytes

MAGIC = b"\x28\xb5\x2f\xfd"
DICTIONARY = b"\x5d\x2a\x4d\x18"
_DICTIONARY_START = b"\x37\xa4\x30\xec"
_DICTIONARY_BYTES = 64 << 20
_BLOCK_BYTES = 1 << 17
_LONGEST_WINDOW = 1 << 31
_LONGEST_HEADER = 18
_RLE, _RESERVED = 1, 3


@dataclass(frozen=True, slots=True)
class _Header:
    bytes: int
    window: int
    content: int
    """Bytes it decodes to; -1 where it does not say."""
    dictionary: int
    """Id of the dictionary it needs; 0 where none is named."""
    checksum: bool


def zstd_format(window_bytes: int) -> Format:
    """The format, for one file.

    Args:
        window_bytes: memory that the window of a frame may take.
    """
    starts = re.compile(re.escape(MAGIC) + b"|" + SKIPPABLE)
    frames = _Frames(window_bytes)
    return Format("zstd", starts, len(MAGIC), frames.member, _looks_sound)


class _Frames:
    """Decodes frames, with the latest dictionary."""

    def __init__(self, window_bytes: int) -> None:
        self._window_bytes = window_bytes
        self._use(None)

    def _use(self, dictionary: zstandard.ZstdCompressionDict | None, why: str = "") -> None:
        self._decompressor = zstandard.ZstdDecompressor(
            dict_data=dictionary, max_window_size=_LONGEST_WINDOW
        )
        self._dictionary = dictionary.dict_id() if dictionary is not None else 0
        self._no_dictionary = why

    def member(self, stored: StoredBytes) -> Decoded:
        magic = stored.ahead(4)
        if magic == MAGIC:
            yield from self._frame(stored)
        elif magic == DICTIONARY:
            yield self._read_dictionary(stored)
        elif is_skippable(magic):
            yield skip_frame(stored, MAGIC)
        else:
            yield no_frame(stored, (MAGIC,), "zstd")

    def _frame(self, stored: StoredBytes) -> Decoded:
        start = stored.offset
        head = stored.ahead(_LONGEST_HEADER)
        header = _parse_header(head)
        if header is None:
            cut = len(head) < _LONGEST_HEADER
            stored.drop(len(head) if cut else len(MAGIC))
            yield Event.CUT if cut else Damage(f"damaged zstd header at byte {start}")
            return
        problem = self._refusal(header)
        decoder = None if problem else self._decompressor.decompressobj()
        refused_at, size = start, 0
        for piece in _pieces(stored, header):
            if not isinstance(piece, bytes):
                yield piece
                return
            if decoder is None:
                continue
            try:
                data = decoder.decompress(piece)
            except zstandard.ZstdError as error:
                what = f"damaged zstd data at byte {stored.offset}: {error}"
                yield Damage(what, of_check="checksum" in str(error))
                return
            if data:
                yield data
            size += len(data)
            if header.window > self._window_bytes < size:
                problem, decoder, refused_at = self._too_large(header), None, stored.offset
        if problem:
            place = f"the zstd frame at byte {start} {problem}"
            yield Damage(place, stored.offset - refused_at)
        else:
            yield Event.END

    def _refusal(self, header: _Header) -> str:
        if header.dictionary and header.dictionary != self._dictionary:
            return f"needs a dictionary, {self._no_dictionary or 'which is not here'}"
        # A window is touched no further than its frame decodes to, whatever it says.
        return (
            self._too_large(header) if header.window > self._window_bytes < header.content else ""
        )

    def _too_large(self, header: _Header) -> str:
        return (
            f"has a window of {header.window} bytes: input.max_window_bytes is {self._window_bytes}"
        )

    def _read_dictionary(self, stored: StoredBytes) -> Event | Damage:
        """Take a dictionary frame; a damaged one is the damage of the frames that need it."""
        start = stored.offset
        size = int.from_bytes(stored.ahead(8)[4:], "little")
        if len(stored.ahead(8)) == 8 and size > _DICTIONARY_BYTES:
            self._use(None, f"and the one at byte {start} is larger than {_DICTIONARY_BYTES} bytes")
            return skip_frame(stored, MAGIC)
        content = stored.ahead(8 + size)[8:]
        stored.drop(8 + len(content))
        if len(content) < size:
            return Event.CUT
        if not content.startswith((MAGIC, _DICTIONARY_START)):
            self._use(None, f"and the frame at byte {start} holds none")
            return well_ended(stored, MAGIC, start)
        try:
            if content.startswith(MAGIC):
                content = _decompressed(content)
            self._use(zstandard.ZstdCompressionDict(content, zstandard.DICT_TYPE_FULLDICT))
        except (zstandard.ZstdError, MemoryError) as error:
            self._use(None, f"and the one at byte {start} is damaged")
            return Damage(f"damaged zstd dictionary at byte {start}: {error}")
        return well_ended(stored, MAGIC, start)


def _decompressed(content: bytes) -> bytes:
    """A dictionary that is stored compressed."""
    parts: list[bytes] = []
    size = 0
    for event in _Frames(_DICTIONARY_BYTES).member(StoredBytes(io.BytesIO(content), b"")):
        if isinstance(event, bytes):
            parts.append(event)
            size += len(event)
        if isinstance(event, Damage) or event is Event.CUT or size > _DICTIONARY_BYTES:
            raise zstandard.ZstdError("it does not decode")
    if not parts or not parts[0].startswith(_DICTIONARY_START):
        raise zstandard.ZstdError("it decodes to no dictionary")
    return b"".join(parts)


def _parse_header(head: bytes) -> _Header | None:
    """What a frame says of itself; None where that is damaged, or cut."""
    if len(head) < 6:
        return None
    flags = head[4]
    single = bool(flags & 32)
    named = (0, 1, 2, 4)[flags & 3]
    content_bytes = (int(single), 2, 4, 8)[flags >> 6]
    window_at = 5
    dictionary_at = window_at + (not single)
    content_at = dictionary_at + named
    size = content_at + content_bytes
    if flags & 8 or len(head) < size:
        return None
    content = int.from_bytes(head[content_at:size], "little") if content_bytes else -1
    content += 256 * (content_bytes == 2)
    if single:
        window = content
    else:
        base = 1 << (10 + (head[window_at] >> 3))
        window = base + (base >> 3) * (head[window_at] & 7)
    dictionary = int.from_bytes(head[dictionary_at:content_at], "little")
    return _Header(size, window, content, dictionary, bool(flags & 4))


def _pieces(stored: StoredBytes, header: _Header) -> Iterator[bytes | Event | Damage]:
    """A frame's header, blocks and checksum as stored; each is taken once the next is asked for."""
    yield stored.ahead(header.bytes)
    stored.drop(header.bytes)
    last = False
    while not last:
        word = int.from_bytes(stored.ahead(3), "little")
        last, kind, size = bool(word & 1), word >> 1 & 3, word >> 3
        if len(stored.ahead(3)) == 3 and (kind == _RESERVED or size > _BLOCK_BYTES):
            yield Damage(f"damaged zstd data at byte {stored.offset}: no block")
            return
        size = 3 + (1 if kind == _RLE else size)
        piece = stored.ahead(size)
        if len(piece) < size:
            stored.drop(len(piece))
            yield Event.CUT
            return
        yield piece
        stored.drop(size)
    if header.checksum:
        piece = stored.ahead(4)
        if len(piece) == 4:
            yield piece
        stored.drop(len(piece))
        if len(piece) < 4:
            yield Event.CUT


def _looks_sound(stored: StoredBytes) -> bool:
    head = stored.ahead(_LONGEST_HEADER)
    return is_skippable(head[:4]) or _parse_header(head) is not None
