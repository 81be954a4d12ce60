"""Standard output and error as the terminal or the reader behind a pipe can take them.

A character that the encoding lacks is written as an escape. A reader that leaves early, as `head`
does, ends a command that prints results; one of progress does not end the work.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Iterator
from typing import Any, TextIO, cast

__all__ = ["ReaderGone", "guarded"]


class ReaderGone(BaseException):
    """Nobody reads standard output any more. Not an `Exception`: nobody is to handle it."""


@contextlib.contextmanager
def guarded() -> Iterator[None]:
    """Guard `sys.stdout` and `sys.stderr` while the block runs."""
    before = sys.stdout, sys.stderr
    sys.stdout = cast(TextIO, _Guarded(before[0], leaving=True))
    sys.stderr = cast(TextIO, _Guarded(before[1], leaving=False))
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before


class _Guarded:
    def __init__(self, stream: TextIO, *, leaving: bool) -> None:
        self._stream, self._leaving = stream, leaving
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")

    def write(self, text: str) -> int:
        """Write text, as `TextIO.write`."""
        with self._reader():
            self._stream.write(text)
        return len(text)

    def writelines(self, lines: Any) -> None:
        """Write texts, as `TextIO.writelines`."""
        with self._reader():
            self._stream.writelines(lines)

    def flush(self) -> None:
        """Pass on what is buffered, as `TextIO.flush`."""
        with self._reader():
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    @contextlib.contextmanager
    def _reader(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            # Python flushes once more when it exits, and would complain.
            with contextlib.suppress(OSError, ValueError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), self._stream.fileno())
            if not isinstance(error, BrokenPipeError):
                raise
            if self._leaving:
                raise ReaderGone from None
