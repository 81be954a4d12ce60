"""Extraction in a process of its own, so that no page can hang, crash or bloat a worker.

Pages are pipelined: some are always on their way, so neither side waits for the other. The page
that the child works on has a deadline. A child that misses it, or dies, is replaced, and those
behind the page go to the new child. The page itself gets a second chance, for all its text without
any profile; only if that fails too it is rejected, for the first reason.
"""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, cast

import msgspec

import thresher
from thresher.filters.errors import ThresherError
from thresher.pipeline.extract.frames import NOT_STARTED, Answer, Task, Unpacker, pack
from thresher.pipeline.extract.metadata import Metadata, with_headers
from thresher.pipeline.extract.settings import Extracted, ExtractSettings
from thresher.pipeline.read.charset import CharsetSource
from thresher.pipeline.read.records import SAMPLE_BYTES, Page, Rejected, reject

_WINDOW_PAGES = 16
_WINDOW_BYTES = 4 << 20
_PIPE_BYTES = 1 << 20
_START_SECONDS = 120.0
_DEATH_SECONDS = 1.0
_LAST_BYTES = 250
_START_BYTES = 4_000
"""How much is told of what a process wrote before its end."""
RETRIED = frozenset(
    {"extraction_timeout", "extraction_crash", "extraction_memory", "extraction_error"}
)
"""Failures after which a page gets all of its text; `Facts.fallback` then names the failure."""
_OUT_OF_MEMORY = ("memory allocation", "MemoryError", "std::bad_alloc", "out of memory")


class ExtractionStartError(ThresherError):
    """The extraction process does not start: a broken installation, not a bad page."""


class Extractor:
    """Turns pages into texts; a context manager that owns the extraction process.

    Args:
        settings: profile and bounds.
        command: the program to run instead of `thresher.pipeline.extract.child`; tests use it for
            children that hang and crash.
    """

    def __init__(self, settings: ExtractSettings, command: Sequence[str] | None = None) -> None:
        self._settings = settings
        self._command = command or (sys.executable, "-P", "-m", "thresher.pipeline.extract.child")
        self._child: _Child | None = None

    def __enter__(self) -> Extractor:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the process. The extractor can be used again and then starts a new one."""
        if self._child is not None:
            self._child.stop()
            self._child = None

    def extract(self, pages: Sequence[Page]) -> list[Extracted | Rejected]:
        """Extract pages; the answers have their order and number.

        Text pages pass through. A page without any text is rejected as `empty`.
        """
        results: list[Extracted | Rejected | None] = [None] * len(pages)
        waiting: deque[int] = deque()
        failures: dict[int, Answer] = {}
        for i, page in enumerate(pages):
            results[i] = self._without_child(page)
            if results[i] is None:
                waiting.append(i)

        def task(i: int) -> Task:
            return _task(pages[i], failures[i].reason if i in failures else "")

        def settle(answer: Answer, i: int) -> bool:
            """Note an answer; False where the page shall be tried once more."""
            if answer.reason in RETRIED and i not in failures:
                failures[i] = answer
                return False
            if answer.reason and i in failures:
                answer = failures[i]
            results[i] = _result(pages[i], answer)
            return True

        try:
            while waiting:
                if self._child is None:
                    self._child = _Child(self._command, self._settings)
                failed = self._child.work(waiting, task, settle)
                if failed is not None:
                    self.close()
                    if settle(failed, waiting[0]):
                        waiting.popleft()
        except BaseException:
            self.close()  # answers still on their way would be taken for those of the next call
            raise
        assert all(result is not None for result in results)
        return cast("list[Extracted | Rejected]", results)

    def try_page(self, page: Page) -> Answer:
        """What the profile makes of one page, in a process of its own and without a second chance.

        Raises:
            ExtractionStartError: if the process does not start.
        """
        self.close()
        answers: list[Answer] = []

        def settle(answer: Answer, _: int) -> bool:
            answers.append(answer)
            return True

        child = _Child(self._command, self._settings)
        try:
            failed = child.work(deque([0]), lambda _: _task(page), settle)
        finally:
            child.stop()
        return failed or answers[0]

    def _without_child(self, page: Page) -> Extracted | Rejected | None:
        content = page.content
        if len(content) > self._settings.max_bytes:
            return reject("oversize", page.record_id, page.url, f"{len(content)} bytes to extract")
        if not page.is_html:
            assert isinstance(content, str)
            return Extracted(page, content, "", page.charset or "utf-8", "format")
        return None


def _task(page: Page, fallback: str = "") -> Task:
    if isinstance(page.content, bytes):
        return Task(page.content, page.charset, fallback)
    return Task(page.content.encode("utf-8", "replace"), "utf-8", fallback)


def _result(page: Page, answer: Answer) -> Extracted | Rejected:
    if answer.reason:
        sample = _task(page).content[:SAMPLE_BYTES]
        return reject(answer.reason, page.record_id, page.url, answer.detail, sample)
    if not answer.text.strip():
        return reject("empty", page.record_id, page.url, "no text after extraction")
    source = cast("CharsetSource", answer.source)
    metadata = with_headers(answer.metadata or Metadata(), page.headers)
    return Extracted(
        page, answer.text, answer.title, answer.charset, source, answer.facts, metadata
    )


class _Child:
    """One extraction process and the two pipes to it."""

    def __init__(self, command: Sequence[str], settings: ExtractSettings) -> None:
        self._timeout = settings.timeout_seconds
        self._errors = cast("BinaryIO", tempfile.TemporaryFile())  # noqa: SIM115 - kept until stop
        root = str(Path(thresher.__file__).parent.parent)
        path = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))
        # One thread: a pool of BLAS threads would only reserve address space.
        threads = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
        self._process = subprocess.Popen(  # noqa: S603 - our own program
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env={**os.environ, **threads, "PYTHONPATH": path},
            bufsize=0,
            pipesize=_PIPE_BYTES,
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._stdin = self._process.stdin.fileno()
        self._stdout = self._process.stdout.fileno()
        os.set_blocking(self._stdin, False)
        os.set_blocking(self._stdout, False)
        self._unpacker = Unpacker()
        self._unsent: deque[memoryview] = deque([memoryview(pack(settings))])
        self._decoder = msgspec.msgpack.Decoder(Answer)
        self._broken = False
        self._await_start()

    def work(
        self,
        waiting: deque[int],
        task: Callable[[int], Task],
        settle: Callable[[Answer, int], bool],
    ) -> Answer | None:
        """Work through the waiting pages.

        Each page that is answered leaves `waiting`, for its end if it is to be tried again. Returns
        None when none is left, or the failure of the page that is then first in `waiting`; the
        child is useless after that.
        """
        sent = 0
        sizes: deque[int] = deque()
        since = time.monotonic()
        while waiting:
            while sent < len(waiting) and (
                not sizes or (len(sizes) < _WINDOW_PAGES and sum(sizes) < _WINDOW_BYTES)
            ):
                next_task = task(waiting[sent])
                self._unsent.append(memoryview(pack(next_task)))
                sizes.append(len(next_task.content))
                sent += 1
            answers = self._exchange(since + self._timeout)
            for answer in answers:
                i = waiting.popleft()
                if not settle(answer, i):
                    waiting.append(i)
                sizes.popleft()
                sent -= 1
                since = time.monotonic()
            if self._broken and waiting:
                return self._post_mortem()
            if not answers and time.monotonic() >= since + self._timeout:
                return Answer("extraction_timeout", f"no answer in {self._timeout:g} seconds")
        return None

    def stop(self) -> None:
        """Kill and reap."""
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._errors):
            if stream is not None:
                stream.close()

    def _await_start(self) -> None:
        deadline = time.monotonic() + _START_SECONDS
        answers: list[Answer] = []
        while not answers and not self._broken and time.monotonic() < deadline:
            answers = self._exchange(deadline)
        if not answers or answers[0].reason == NOT_STARTED:
            said = answers[0].detail if answers else self._last_errors(_START_BYTES)
            self.stop()
            raise ExtractionStartError(f"the extraction process does not start: {said}")

    def _exchange(self, deadline: float) -> list[Answer]:
        """Send and receive what can be now; tells in `_broken` that the child is gone."""
        with selectors.DefaultSelector() as selector:
            selector.register(self._stdout, selectors.EVENT_READ)
            if self._unsent:
                selector.register(self._stdin, selectors.EVENT_WRITE)
            ready = selector.select(max(0.0, deadline - time.monotonic()))
        answers: list[Answer] = []
        for key, _ in ready:
            if key.fd == self._stdin:
                self._send()
                continue
            data = os.read(self._stdout, _PIPE_BYTES)
            self._broken = not data
            try:
                for body in self._unpacker.feed(data):
                    answers.append(self._decoder.decode(body))  # noqa: PERF401 - kept on failure
            except msgspec.DecodeError:
                self._broken = True  # its memory is corrupt
        return answers

    def _send(self) -> None:
        try:
            count = os.write(self._stdin, self._unsent[0])
        except BrokenPipeError:
            self._unsent.clear()  # its end is seen on stdout, behind its last answers
            return
        if count == len(self._unsent[0]):
            self._unsent.popleft()
        else:
            self._unsent[0] = self._unsent[0][count:]

    def _post_mortem(self) -> Answer:
        try:
            code = self._process.wait(_DEATH_SECONDS)  # its pipe closes before it is gone
        except subprocess.TimeoutExpired:
            self._process.kill()
            code = self._process.wait()
        errors = self._last_errors()
        if any(sign in errors for sign in _OUT_OF_MEMORY):
            return Answer("extraction_memory", errors)
        if code == -signal.SIGALRM:
            return Answer("extraction_timeout", "ended by its own alarm")
        name = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        return Answer("extraction_crash", f"{name} {errors}".strip())

    def _last_errors(self, most: int = _LAST_BYTES) -> str:
        """The last lines that the process wrote; a line alone may be cut at its start."""
        size = self._errors.seek(0, os.SEEK_END)
        self._errors.seek(max(0, size - most))
        said = self._errors.read()
        if size > most:
            said = said.partition(b"\n")[2] or said
        return said.decode("utf-8", "replace")
