"""Files of other machines, read to their end though lines break and servers are busy.

A file is opened again at the place where it broke off, after a pause that doubles or that the
server asks for. What cannot be had is said by name: not there, not allowed, not reached. A server
that gives no ranges, no length or another encoding than asked for is read as a stream; where a
format jumps about in a file, as Parquet does, the stream goes to a temporary file first.
"""

from __future__ import annotations

import contextlib
import io
import tempfile
import time
from collections.abc import Callable, Iterator
from typing import IO, Any, BinaryIO, TypeVar, cast

import fsspec
from fsspec.implementations.local import LocalFileSystem

from thresher.pipeline.read.faults import is_transient, named, retry_after
from thresher.pipeline.read.names import redacted

MOST_TRIES = 5
"""Times that the same bytes are asked for before a task gives up; tasks have tries of their own."""
MOST_BREAKS = 50
"""Times that one file may break off in all."""
LONGEST_PAUSE_SECONDS = 60.0
"""However long a server asks to wait."""
CONNECT_SECONDS = 30.0
SILENCE_SECONDS = 90.0
"""A server that sends nothing for so long has lost the connection."""

_BUFFER = 1 << 18
_COPY_BYTES = 1 << 20
_HTTP = ("http", "https")
_UNDONE_BY_READERS = frozenset({"", "identity", "gzip", "x-gzip", "zstd"})
"""Content encodings that the readers of compressed files undo, and see damage in."""

_Result = TypeVar("_Result")


def pause(seconds: float) -> None:
    """Sleep."""
    time.sleep(seconds)


def options_for(url: str, *, decode: bool = False, stream: bool = False) -> dict[str, Any]:
    """What fsspec is to be told for a URL, which may be a chain.

    Args:
        url: of a file or pattern.
        decode: whether the HTTP client undoes content encodings.
        stream: whether the file is read from its start without asking for ranges.
    """
    used = [protocol for protocol in _HTTP if f"{protocol}://" in url]
    if not used:
        return {}
    from aiohttp import ClientTimeout  # a second that runs without http need not pay

    patience = ClientTimeout(total=None, sock_connect=CONNECT_SECONDS, sock_read=SILENCE_SECONDS)
    options: dict[str, Any] = {}
    for protocol in used:
        known = fsspec.config.conf.get(protocol, {})
        options[protocol] = {
            "headers": {**known.get("headers", {}), "Accept-Encoding": "identity"},
            "client_kwargs": {
                "timeout": patience,
                **known.get("client_kwargs", {}),
                "auto_decompress": decode,
            },
        }
        if stream:
            options[protocol]["block_size"] = 0
    return options


def patiently(
    ask: Callable[[], _Result],
    uri: str,
    most: int = MOST_TRIES,
    sleep: Callable[[float], None] = pause,
) -> _Result:
    """What a request gives; it is made again while its errors are transient.

    Args:
        ask: makes the request.
        uri: of the file; errors call it by that, without its secrets.
        most: how often it is made.
        sleep: waits for so many seconds.

    Raises:
        OSError: as `faults.named` says it.
    """
    tries = 0
    while True:
        try:
            return ask()
        except Exception as error:  # noqa: BLE001 - every driver has its own; raised where final
            tries += 1
            _wait_or_raise(error, uri, tries, most, sleep)


@contextlib.contextmanager
def open_input(uri: str, sleep: Callable[[float], None] = pause) -> Iterator[BinaryIO]:
    """Open a file for reading, wherever it is.

    Args:
        uri: a fsspec URL, which may be a chain.
        sleep: waits for so many seconds between tries.

    Raises:
        OSError: where it cannot be opened; reading it may raise them too.
    """
    file = fsspec.open(uri, "rb", **options_for(uri))
    if isinstance(file.fs, LocalFileSystem):
        with file as opened:
            yield opened
        return
    with io.BufferedReader(PatientFile(uri, sleep), _BUFFER) as patient:
        yield patient


class PatientFile(io.RawIOBase):
    """A remote file that is opened again, at its place, where it breaks off.

    Args:
        uri: a fsspec URL, which may be a chain.
        sleep: waits for so many seconds.
    """

    def __init__(self, uri: str, sleep: Callable[[float], None]) -> None:
        self._uri, self._sleep = uri, sleep
        self._at = self._breaks = 0
        self._stream = self._decode = False
        self._size: int | None = None
        self._file: Any = None
        self._owner: Any = None
        self._stored: IO[bytes] | None = None
        patiently(self._open, uri, sleep=sleep)

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is, if need be by a temporary file."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer, or as much of it as there is before the end."""
        view = memoryview(buffer).cast("B")
        filled = 0
        while filled < len(view) and (data := self._read(min(len(view) - filled, _BUFFER))):
            view[filled : filled + len(data)] = data
            filled += len(data)
        return filled

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to an offset."""
        start = self._at if whence == io.SEEK_CUR else 0
        if whence == io.SEEK_END:
            start = self._end()
        if start + offset != self._at:
            if self._stream:
                self._store()
            self._at = start + offset
            self._place()
        return self._at

    def tell(self) -> int:
        """Where it is."""
        return self._at

    def close(self) -> None:
        """Close what is behind it."""
        self._drop()
        if self._stored is not None:
            self._stored.close()
        super().close()

    def _end(self) -> int:
        """How many bytes there are."""
        if self._stream:
            self._store()
        if self._size is None:
            self._size = patiently(self._found_end, self._uri, sleep=self._sleep)
        return self._size

    def _found_end(self) -> int:
        if self._file is None:
            self._open()
        end: int = self._file.seek(0, io.SEEK_END)
        self._place()
        return end

    def _read(self, size: int) -> bytes:
        tries = 0
        while True:
            try:
                data = self._ask(size)
                self._at += len(data)
                return data
            except Exception as error:  # noqa: BLE001 - as above
                self._drop()
                if isinstance(error, ValueError) and self._can_stream():
                    self._stream, self._size = True, None  # the server ignores ranges
                    continue
                tries += 1
                self._breaks += 1
                most = MOST_TRIES if self._breaks < MOST_BREAKS else 0
                _wait_or_raise(error, self._uri, tries, most, self._sleep)

    def _ask(self, size: int) -> bytes:
        if self._stored is not None:
            return self._stored.read(size)
        if self._file is None:
            self._open()
            self._place()
        data: bytes = self._file.read(size)
        if not data and self._size is not None and self._at < self._size:
            raise ConnectionError(f"it ends after {self._at} of {self._size} bytes")
        return data

    def _open(self) -> None:
        options = options_for(self._uri, decode=self._decode, stream=self._stream)
        # A chain of file systems lives as long as what fsspec opens it with.
        self._owner = fsspec.open(self._uri, "rb", **options)
        self._file = self._owner.open()
        size = getattr(self._file, "size", None)
        if self._size is not None and size != self._size:
            raise OSError(f"'{redacted(self._uri)}' has changed while it was read")
        self._size = size
        cache: Any = getattr(self._file, "cache", None)
        if size is not None and callable(getattr(cache, "fetcher", None)):
            cache.fetcher = _whole(cache.fetcher, size)
        # fsspec's stream of HTTP has no size, whatever the server says; it cannot jump.
        self._stream = getattr(self._file, "size", 0) is None
        if self._stream and not self._decode and self._encoding() not in _UNDONE_BY_READERS:
            self._decode = True
            self._drop()
            self._open()

    def _place(self) -> None:
        """Bring the file behind it to where this one is."""
        if self._stored is not None:
            self._stored.seek(self._at)
        elif self._file is not None and not self._stream:
            self._file.seek(self._at)
        elif self._file is not None:
            left = self._at
            while left and (data := self._file.read(min(left, _COPY_BYTES))):
                left -= len(data)
            if left:
                raise ConnectionError(f"it ends after {self._at - left} bytes")

    def _store(self) -> None:
        """Copy a stream to a temporary file, from its start."""
        self._decode = self._decode or self._encoding() not in ("", "identity")
        self._drop()
        place, self._at = self._at, 0
        stored = tempfile.TemporaryFile(prefix="thresher-")  # noqa: SIM115 - closed with this
        while data := self._read(_COPY_BYTES):
            stored.write(data)
        self._drop()
        self._stored, self._size, self._stream = stored, stored.tell(), False
        self._at = place
        self._place()

    def _encoding(self) -> str:
        """The content encoding of a stream of HTTP."""
        response = getattr(self._file, "r", None)
        headers = getattr(response, "headers", {})
        return cast(str, headers.get("Content-Encoding", "")).strip().lower()

    def _can_stream(self) -> bool:
        return not (self._stream or self._stored) and self._uri.partition("://")[0] in _HTTP

    def _drop(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            with contextlib.suppress(Exception):
                file.close()
        self._owner = None


def _whole(fetch: Callable[..., bytes], size: int) -> Callable[..., bytes]:
    """A fetcher of ranges that takes no less than it asked for.

    fsspec joins what it fetched as if it were whole, so that bytes would be missing in silence.
    """

    def fetch_whole(start: int, end: int) -> bytes:
        data = fetch(start, end)
        wanted = min(end, size) - start
        if len(data) != wanted:
            raise ConnectionError(f"{len(data)} bytes came of {wanted} from {start} on")
        return data

    return fetch_whole


def _wait_or_raise(
    error: Exception, uri: str, tries: int, most: int, sleep: Callable[[float], None]
) -> None:
    """Pause before the next try, or raise the error by its name where there is none."""
    if tries >= most or not is_transient(error):
        meaning = named(error, uri, tries)
        if meaning is error:
            raise error
        raise meaning from error
    asked = retry_after(error, time.time())
    sleep(min(LONGEST_PAUSE_SECONDS, float(2 ** (tries - 1)) if asked is None else asked))
