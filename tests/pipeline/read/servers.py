"""Servers on this machine that misbehave in one way each."""

from __future__ import annotations

import contextlib
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Site:
    """Files by path, and what a server does to requests for them.

    `misbehave(handler, path, count)` is asked first for every GET, with how many came before it for
    the same path; it returns whether it has answered.
    """

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.headers: dict[str, str] = {}
        self.ranges = self.lengths = self.heads = True
        self.misbehave: Callable[[BaseHTTPRequestHandler, bytes, int], bool] | None = None
        self.requests: list[tuple[str, str, str]] = []
        self.root = ""

    def url(self, name: str, data: bytes) -> str:
        """Serve a file; its URL."""
        self.files[f"/{name}"] = data
        return f"{self.root}/{name}"

    def asked(self, method: str = "GET") -> int:
        """How many requests came."""
        return sum(each[0] == method for each in self.requests)


def status(code: int, times: int = 10**9, **headers: str) -> Callable[..., bool]:
    """Answers so many GET requests with a status."""

    def misbehave(handler: BaseHTTPRequestHandler, _data: bytes, count: int) -> bool:
        if count >= times:
            return False
        handler.send_response(code)
        for name, value in {"Content-Length": "0", **headers}.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        return True

    return misbehave


def cut_off(after: int, times: int = 10**9) -> Callable[..., bool]:
    """Promises all of so many answers and closes the connection after some bytes."""

    def misbehave(handler: BaseHTTPRequestHandler, data: bytes, count: int) -> bool:
        if count >= times:
            return False
        start, end = _range(handler, len(data))
        handler.send_response(206 if handler.headers.get("Range") else 200)
        handler.send_header("Content-Length", str(end - start))
        handler.send_header("Content-Range", f"bytes {start}-{end - 1}/{len(data)}")
        handler.end_headers()
        handler.wfile.write(data[start : min(end, start + after)])
        handler.close_connection = True
        return True

    return misbehave


def short(by: int, times: int = 10**9) -> Callable[..., bool]:
    """Answers so many requests for a range with less of it, and calls that whole."""

    def misbehave(handler: BaseHTTPRequestHandler, data: bytes, count: int) -> bool:
        start, end = _range(handler, len(data))
        if count >= times or not handler.headers.get("Range"):
            return False
        end = max(start, end - by)
        handler.send_response(206)
        handler.send_header("Content-Length", str(end - start))
        handler.send_header("Content-Range", f"bytes {start}-{end - 1}/{len(data)}")
        handler.end_headers()
        handler.wfile.write(data[start:end])
        return True

    return misbehave


def _range(handler: BaseHTTPRequestHandler, size: int) -> tuple[int, int]:
    asked = handler.headers.get("Range", "")
    first, _, last = asked.removeprefix("bytes=").partition("-")
    return (int(first), min(size, int(last) + 1)) if asked else (0, size)


@contextlib.contextmanager
def serving() -> Iterator[Site]:
    """A site on a free port of this machine."""
    site = Site()
    counts: Counter[str] = Counter()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            pass

        def do_HEAD(self) -> None:
            self._answer(head=True)

        def do_GET(self) -> None:
            self._answer(head=False)

        def _answer(self, *, head: bool) -> None:
            path = self.path.partition("?")[0]
            site.requests.append((self.command, self.path, self.headers.get("Range", "")))
            if head and not site.heads:
                status(405)(self, b"", 0)
                return
            data = site.files.get(path)
            if data is None:
                status(404)(self, b"", 0)
                return
            if not head:
                counts[path] += 1
                if site.misbehave and site.misbehave(self, data, counts[path] - 1):
                    return
            ranged = site.ranges and "Range" in self.headers
            start, end = _range(self, len(data)) if ranged else (0, len(data))
            self.send_response(206 if ranged else 200)
            if ranged:
                self.send_header("Content-Range", f"bytes {start}-{end - 1}/{len(data)}")
            if site.lengths:
                self.send_header("Content-Length", str(end - start))
            else:
                self.send_header("Connection", "close")
                self.close_connection = True
            for name, value in site.headers.items():
                self.send_header(name, value)
            self.end_headers()
            if not head:
                self.wfile.write(data[start:end])

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    site.root = f"http://127.0.0.1:{server.server_port}"
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
