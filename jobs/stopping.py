"""Stopping: what Ctrl-C and SIGTERM do to a command.

The first signal raises `Stopped` in the main thread: what runs is cancelled, temporary files go,
the record of a run says that it was interrupted. The second quits at once, and so does a clock,
for compiled code sees no signal. Either way the same command goes on with what is missing.
Only the standard library is imported here, so that this stands before all else is loaded.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from types import FrameType

__all__ = [
    "GRACE_SECONDS",
    "Stopped",
    "before_quitting",
    "check",
    "heed_again",
    "heeded",
    "requested",
    "tell",
]

SIGNALS = (signal.SIGINT, signal.SIGTERM)
GRACE_SECONDS = 8.0
"""How long an orderly end may take before the process quits as it is."""
_AGAIN_SECONDS = 0.02
_ECHO_SECONDS = 1.0
"""A wrapper such as `timeout` or make passes on what the process was sent already."""


class Stopped(BaseException):
    """A signal asked to stop.

    Not an `Exception`, which a task would take for its own failure, and no `KeyboardInterrupt`,
    at which the library of the command line ends the process in its own way.

    Args:
        number: the signal.
        done: what is done of what, if a run had begun.
    """

    def __init__(self, number: int, done: str = "") -> None:
        super().__init__(number, done)
        self.number = number
        self.done = done

    @property
    def exit_code(self) -> int:
        """130 for SIGINT, 143 for SIGTERM, as shells have it."""
        return 128 + self.number

    def message(self) -> str:
        """One line for a person."""
        by = "Ctrl-C" if self.number == signal.SIGINT else signal.Signals(self.number).name
        going_on = f"; {self.done}; the same command goes on from there" if self.done else ""
        return f"thresher: stopped by {by}{going_on}"


class _State:
    """Signals are of the process, and so is this."""

    heeding = False
    first: int | None = None
    at = 0.0
    done = ""
    display = ""
    heard = False
    again = False


_state = _State()


@contextlib.contextmanager
def heeded() -> Iterator[None]:
    """Heed SIGINT and SIGTERM while the block runs; inside another such block, nothing more."""
    if _state.heeding or threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in SIGNALS}
    hook = sys.unraisablehook

    def unraisable(lost: sys.UnraisableHookArgs) -> None:
        if isinstance(lost.exc_value, Stopped):
            _send_again(lost.exc_value.number)
        else:
            hook(lost)

    _state.heeding, _state.first, _state.done = True, None, ""
    _state.heard = _state.again = False
    heed_again()
    sys.unraisablehook = unraisable
    try:
        yield
    finally:
        _state.heeding, _state.first = False, None
        sys.unraisablehook = hook
        for number, handler in before.items():
            signal.signal(number, handler)


def heed_again() -> None:
    """Take the signals back from a library that has put itself in their way, as Ray does."""
    if not _state.heeding:
        return
    for number in SIGNALS:
        # What was started with a signal ignored (nohup, a job in the background) goes on doing so.
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _received)


def requested() -> bool:
    """Whether a signal has come. Libraries make errors of their own of what a handler raises."""
    _state.heard = _state.first is not None
    return _state.heard


def check() -> None:
    """Raise `Stopped` if a signal has come, with what was told to be done."""
    if requested() and _state.first is not None:
        raise Stopped(_state.first, _state.done)


def tell(done: str) -> None:
    """Say what is done of what, for whoever has the last word."""
    _state.done = done


def before_quitting(text: str) -> None:
    """What ends a display, for a process that quits as it is: written before the last word."""
    _state.display = text


def _received(number: int, _frame: FrameType | None) -> None:
    if _state.first is None:
        _state.first, _state.at = number, time.monotonic()
        clock = threading.Timer(GRACE_SECONDS, _quit, [number])
        clock.daemon = True
        clock.start()
        raise Stopped(number)
    if _state.again and not _state.heard:
        _state.again = False
        raise Stopped(number)
    if time.monotonic() - _state.at >= _ECHO_SECONDS:
        _quit(number)


def _send_again(number: int) -> None:
    """Send a signal once more that came inside a finalizer, out of which Python lets nothing."""
    # From another thread and a little later: here it would be lost in the same finalizer.
    clock = threading.Timer(_AGAIN_SECONDS, _resend, [number])
    clock.daemon = True
    clock.start()


def _resend(number: int) -> None:
    if _state.heeding and not _state.heard:
        _state.again = True
        signal.pthread_kill(threading.main_thread().ident or 0, number)


def _quit(number: int) -> None:
    """End here and now, without temporary files left behind."""
    if not _state.heeding:
        return
    if temporary := sys.modules.get("thresher.manifests.temporary"):
        temporary.discard_own()
    stopped = Stopped(number, _state.done)
    os.write(2, f"{_state.display}{stopped.message()}\n".encode())
    os._exit(stopped.exit_code)
