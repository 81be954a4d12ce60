"""Bytes to text: which charset a page is really in, and whether it decodes.

Candidates in the order of the WHATWG standard: byte order mark, HTTP header, meta tag, then
detection from the bytes. Three departures, because a wrong charset costs a page its text:

- Bytes that are valid UTF-8 with non-ASCII characters are read as UTF-8 whatever is declared: text
  in another charset is almost never valid UTF-8.
- ISO-8859-1 (and its superset) is what servers say by default, so detection goes before it where
  the bytes beyond ASCII stand side by side: 75% and more of them do in Greek, Cyrillic, Hebrew,
  Arabic, Thai and East Asian texts, 12% at most in Latin ones.
- A declared charset that fails is kept where it loses little (`KEPT_LOSS` of the non-ASCII
  characters: a UTF-8 page with a few bad bytes stays UTF-8); else the next candidate is tried. In
  the end the candidate that loses least wins if it loses under `TOLERATED_LOSS` of all
  characters; otherwise the page is undecodable.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from typing import Literal

import numpy as np
from resiliparse.parse.encoding import detect_encoding, map_encoding_to_html5

from thresher.pipeline.read.records import clean_text, without_nuls

CharsetSource = Literal["bom", "http", "meta", "detected", "format"]
"""Where a charset is from; `format` where the file format fixes it (WET, JSON, Parquet)."""

KEPT_LOSS = 0.10
TOLERATED_LOSS = 0.01
BINARY_SHARE = 0.05
"""Above this share of control characters the bytes are no text in any charset."""

_META_BYTES = 4096
_META = re.compile(
    rb"<meta\b[^>]{0,512}?\bcharset\s*=\s*+[\"']?+\s*+([a-zA-Z0-9_:.+-]{2,40})", re.IGNORECASE
)
_XML = re.compile(rb"\s*<\?xml\b[^>]{0,200}?\bencoding\s*=\s*[\"']([a-zA-Z0-9_.-]{2,40})[\"']")
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_CONTROLS = bytes([*range(9), 11, *range(14, 27), *range(28, 32), 127])
_SUPERSETS = {
    # What browsers decode under these names, in Python's names.
    "gbk": "gb18030",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
    "big5": "big5hkscs",
    "iso8859-11": "cp874",
    "iso8859-9": "cp1254",
    "iso8859-1": "cp1252",
    "ascii": "cp1252",
}
_WIDE = frozenset({"utf-16-le", "utf-16-be"})
_ESCAPES = (b"\x1b$", b"\x1b(J", b"\x1b(I")
"""What only ISO-2022-JP has."""
_UKRAINIAN = re.compile(
    b"[\xc0-\xff][\xa4\xa6\xa7\xad\xb4\xb6\xb7\xbd]|[\xa4\xa6\xa7\xad][\xc0-\xff]"
)
"""In a word, letters of KOI8-U; in KOI8-R they are parts of frames."""
_ADJACENT_SHARE = 0.5
_ADJACENT_LEAST = 10
_HARD_SPACE = 0xA0


@dataclass(frozen=True, slots=True)
class Decoded:
    """A page as text."""

    text: str
    charset: str
    source: CharsetSource


def python_codec(label: str) -> str:
    """The Python codec for a charset label of the web; "" for an unknown label.

    Labels are mapped as browsers map them (WHATWG), so `iso-8859-1` is cp1252.
    """
    name = map_encoding_to_html5(label.strip(" \t\r\n\"'").lower(), False) if label else None
    if name is None:
        return ""
    name = _SUPERSETS.get(name, name)
    try:
        return codecs.lookup(name).name
    except LookupError:
        return ""


def decode_html(data: bytes, declared: str) -> Decoded | None:
    """Decode a page, or None where no charset makes text of it.

    Args:
        data: the bytes of the page.
        declared: the charset of the HTTP header, "" where none.
    """
    for bom, name in _BOMS:
        if data.startswith(bom):
            text, loss, _ = _replacing(data[len(bom) :], name)
            return None if loss > TOLERATED_LOSS else Decoded(clean_text(text), name, "bom")
    candidates = _declared(data, declared)
    if b"\0" not in data:
        # UTF-16 without a single NUL is a false label, which would decode, to nonsense.
        candidates = [candidate for candidate in candidates if candidate[0] not in _WIDE]
    wide = bool(candidates) and candidates[0][0] in _WIDE
    if not wide and _is_binary(data):
        # UTF-16 without a mark is half NULs; only a strict look at it tells.
        guess = python_codec(detect_encoding(data) or "")
        if guess not in _WIDE:
            return None
        candidates = [(guess, "detected")]
    elif not wide:
        unicode = _try_strict(data, "utf-8")
        if unicode is not None:
            return _as_utf8(unicode, candidates, data)
    best: tuple[float, Decoded] | None = None
    for name, source in _with_detection(candidates, data):
        strict = _try_strict(data, name)
        if strict is not None:
            return Decoded(without_nuls(strict), name, source)
        text, loss, loss_of_special = _replacing(data, name)
        decoded = Decoded(clean_text(text), name, source)
        if loss_of_special <= KEPT_LOSS and loss <= TOLERATED_LOSS:
            return decoded
        if best is None or loss < best[0]:
            best = loss, decoded
    return best[1] if best is not None and best[0] <= TOLERATED_LOSS else None


def decode_text(data: bytes) -> str | None:
    """UTF-8 text, where the format promises UTF-8; None where it loses too much."""
    text = _try_strict(data, "utf-8")
    if text is None:
        text, loss, _ = _replacing(data, "utf-8")
        if loss > TOLERATED_LOSS:
            return None
    return clean_text(text.removeprefix("\ufeff"))


def _declared(data: bytes, header: str) -> list[tuple[str, CharsetSource]]:
    found: list[tuple[str, CharsetSource]] = []
    if name := python_codec(header):
        found.append((name, "http"))
    head = data[:_META_BYTES]
    match = _META.search(head) or _XML.match(head)
    if match and (name := python_codec(match.group(1).decode("ascii"))):
        # A meta tag that could be read as ASCII cannot be UTF-16 (WHATWG).
        found.append(("utf-8" if name in _WIDE else name, "meta"))
    return found


def _as_utf8(text: str, candidates: list[tuple[str, CharsetSource]], data: bytes) -> Decoded:
    """Bytes that are valid UTF-8, under the label they deserve."""
    text = without_nuls(text)
    if not text.isascii():
        declared = next((source for name, source in candidates if name == "utf-8"), None)
        return Decoded(text, "utf-8", declared or "detected")
    if any(escape in data for escape in _ESCAPES):
        # ISO-2022-JP is written in ASCII bytes.
        other = _try_strict(data, "iso2022_jp")
        if other is not None:
            declared = next((source for name, source in candidates if name == "iso2022_jp"), None)
            return Decoded(other, "iso2022_jp", declared or "detected")
    for name, source in candidates:
        return Decoded(text, name, source)
    return Decoded(text, "utf-8", "detected")


def _with_detection(
    candidates: list[tuple[str, CharsetSource]], data: bytes
) -> list[tuple[str, CharsetSource]]:
    guess = python_codec(detect_encoding(data) or "") or "cp1252"
    if guess == "koi8-r" and _UKRAINIAN.search(data):
        guess = "koi8-u"
    known = {name for name, _ in candidates}
    detected: list[tuple[str, CharsetSource]] = [] if guess in known else [(guess, "detected")]
    if guess == "utf-8":
        detected.append(("cp949", "detected"))  # the detector takes Korean for damaged UTF-8
    if known == {"cp1252"} and _side_by_side(data):
        return [*detected, *candidates]
    return [*candidates, *detected]


def _side_by_side(data: bytes) -> bool:
    """Whether most bytes beyond ASCII have another such byte behind them.

    Hard spaces and repeated marks, such as dashes for a line, say nothing.
    """
    codes = np.frombuffer(data, np.uint8)
    beyond = (codes >= 128) & (codes != _HARD_SPACE)
    count = int(beyond.sum())
    pairs = int((beyond[1:] & beyond[:-1] & (codes[1:] != codes[:-1])).sum())
    return count >= _ADJACENT_LEAST and pairs > _ADJACENT_SHARE * count


def _try_strict(data: bytes, name: str) -> str | None:
    try:
        return data.decode(name)
    except UnicodeDecodeError:
        return None


def _replacing(data: bytes, name: str) -> tuple[str, float, float]:
    """Text with U+FFFD for what fails; its share of all and of the non-ASCII characters."""
    text = data.decode(name, "replace")
    lost = text.count("\ufffd") - (data.count(b"\xef\xbf\xbd") if name == "utf-8" else 0)
    special = len(text) - len(text.encode("ascii", "ignore"))
    return text, lost / max(1, len(text)), lost / max(1, special)


def _is_binary(data: bytes) -> bool:
    return len(data) - len(data.translate(None, _CONTROLS)) > BINARY_SHARE * len(data)
