"""The extraction process: pages in on stdin, texts out on stdout, until stdin ends.

Run by `Extractor` as `python -m thresher.pipeline.extract.child`. It can be killed at any time. It
limits its own memory, and an alarm ends it should it hang when nobody is left to kill it.
"""

from __future__ import annotations

import logging
import os
import resource
import signal
import sys
from typing import BinaryIO

import msgspec

from thresher.filters.errors import ConfigError
from thresher.pipeline.extract.frames import HEADER, NOT_STARTED, Answer, Task, pack
from thresher.pipeline.extract.profiles import Profile, all_text, load_profile
from thresher.pipeline.extract.settings import ExtractSettings
from thresher.pipeline.read.charset import decode_html

_STDERR_BYTES = 16 << 20


def main() -> None:
    """Serve until stdin ends."""
    requests = sys.stdin.buffer
    # Libraries may print; what they print must not mix with the frames.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    logging.disable(logging.CRITICAL)
    body = _read_frame(requests)
    if body is None:
        return
    settings = msgspec.msgpack.decode(body, type=ExtractSettings)
    try:
        profile = load_profile(settings)
    except ConfigError as error:
        _send(answers, Answer(NOT_STARTED, str(error)))
        return
    _limit(settings)
    _send(answers, Answer())
    decoder = msgspec.msgpack.Decoder(Task)
    patience = 2 * settings.timeout_seconds + 5
    while (body := _read_frame(requests)) is not None:
        signal.setitimer(signal.ITIMER_REAL, patience)
        answer = answer_task(decoder.decode(body), profile)
        signal.setitimer(signal.ITIMER_REAL, 0)
        _send(answers, answer)


def answer_task(task: Task, profile: Profile) -> Answer:
    """Extract one page; whatever it makes the libraries raise becomes its answer."""
    try:
        page = decode_html(task.content, task.charset)
        if page is None:
            return Answer("undecodable", f"declared charset: {task.charset or 'none'}")
        found = (all_text if task.fallback else profile)(page, task.content)
    except MemoryError:
        return Answer("extraction_memory", "MemoryError")
    except Exception as error:  # noqa: BLE001 - hostile pages find every kind of exception
        return Answer("extraction_error", f"{type(error).__name__}: {error}")
    if task.fallback:
        found.facts.fallback = task.fallback
    return Answer(
        text=found.text,
        title=found.title,
        charset=page.charset,
        source=page.source,
        facts=found.facts,
        metadata=found.metadata,
    )


def _limit(settings: ExtractSettings) -> None:
    limits = [(resource.RLIMIT_CORE, 0), (resource.RLIMIT_FSIZE, _STDERR_BYTES)]
    if sys.platform == "linux":
        limits.append((resource.RLIMIT_AS, settings.memory_bytes))
    for kind, limit in limits:
        hard = resource.getrlimit(kind)[1]
        most = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
        resource.setrlimit(kind, (most, hard))


def _read_frame(stream: BinaryIO) -> bytes | None:
    header = stream.read(HEADER)
    if len(header) < HEADER:
        return None
    size = int.from_bytes(header, "little")
    body = stream.read(size)
    return body if len(body) == size else None


def _send(stream: BinaryIO, answer: Answer) -> None:
    stream.write(pack(answer))
    stream.flush()


if __name__ == "__main__":
    main()
