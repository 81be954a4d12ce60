"""The visible text of raw HTML, roughly and fast: for deciding whether a page is worth parsing."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from thresher.filters.kernels import inlined, inner, kernel

_LESS, _GREATER, _SLASH, _BANG, _DASH = 60, 62, 47, 33, 45
_HIDDEN = tuple(np.frombuffer(name, np.uint8) for name in (b"script", b"style", b"noscript"))
_SCRIPT, _STYLE, _NOSCRIPT = _HIDDEN


@inner
def _named(html: npt.NDArray[np.uint8], start: int, name: npt.NDArray[np.uint8]) -> bool:
    """Whether a tag's name stands at `start`, in any case."""
    if start + len(name) >= len(html):
        return False
    for i in range(len(name)):
        if html[start + i] | 32 != name[i]:
            return False
    after = html[start + len(name)]
    return bool(after <= 32 or after == _GREATER or after == _SLASH)


@inner
def _after_close(html: npt.NDArray[np.uint8], start: int, name: npt.NDArray[np.uint8]) -> int:
    """Where the closing tag of a hidden element begins, or the end of the page."""
    for i in range(start, len(html) - 1):
        if html[i] == _LESS and html[i + 1] == _SLASH and _named(html, i + 2, name):
            return i
    return len(html)


@inlined
def _is_space(byte: np.uint8) -> bool:
    return bool(byte <= 32)


@kernel
def copy_visible(html: npt.NDArray[np.uint8], out: npt.NDArray[np.uint8]) -> int:
    """Copy what stands between tags, outside comments, scripts and styles, spaces folded.

    Args:
        html: the page, in any charset that extends ASCII.
        out: filled from its start, until it is full.

    Returns:
        The number of bytes written.
    """
    i = written = 0
    space = True
    while i < len(html) and written < len(out):
        byte = html[i]
        if byte != _LESS:
            if not _is_space(byte):
                out[written] = byte
                written += 1
                space = False
            elif not space:
                out[written] = 32
                written += 1
                space = True
            i += 1
            continue
        if not space:
            out[written] = 32
            written += 1
            space = True
        i += 1
        if i + 2 < len(html) and html[i] == _BANG and html[i + 1] == _DASH and html[i + 2] == _DASH:
            i += 3
            while i + 2 < len(html) and not (
                html[i] == _DASH and html[i + 1] == _DASH and html[i + 2] == _GREATER
            ):
                i += 1
        elif _named(html, i, _SCRIPT):
            i = _after_close(html, i, _SCRIPT) + 1
        elif _named(html, i, _STYLE):
            i = _after_close(html, i, _STYLE) + 1
        elif _named(html, i, _NOSCRIPT):
            i = _after_close(html, i, _NOSCRIPT) + 1
        while i < len(html) and html[i] != _GREATER:
            i += 1
        i += 1
    return written
