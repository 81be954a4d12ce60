"""A terminal as tests look at it: what a person would see, and all that has scrolled away."""

from __future__ import annotations

import contextlib
import os
import pty
import re
import subprocess
import sys
import termios
import threading

from rich.cells import cell_len

CONTROL = re.compile(r"\x1b\[(\?25[hl]|\d*[ABCDGJK]|[\d;]*m)|[\r\n]")


class Screen:
    """Lines that text and control codes leave behind; a code that is not known is an error."""

    def __init__(self, columns=80, rows=24):
        self.columns, self.rows = columns, rows
        self.cursor, self.column = True, 0
        self._lines, self.row = [""], 0

    @property
    def lines(self):
        found = [line.rstrip() for line in self._lines]
        while found and not found[-1]:
            found.pop()
        return found

    def write(self, text):
        place = 0
        for code in CONTROL.finditer(text):
            self._put(text[place : code.start()])
            self._control(code[0])
            place = code.end()
        self._put(text[place:])

    def _put(self, text):
        assert "\x1b" not in text, text
        for character in text:
            if self.column + cell_len(character) > self.columns:
                self._control("\n")
            line = self._lines[self.row].ljust(self.column)
            self._lines[self.row] = line[: self.column] + character + line[self.column + 1 :]
            self.column += cell_len(character)

    def _control(self, code):
        number = int(re.sub(r"\D", "", code) or 1) if code[0] == "\x1b" else 1
        if code in ("\r", "\n"):
            self.column = 0
            self.row += code == "\n"
            self._lines += [""] * (self.row + 1 - len(self._lines))
        elif code.startswith("\x1b[?25"):
            self.cursor = code.endswith("h")
        elif code.endswith("A"):
            top = max(0, len(self._lines) - self.rows)
            self.row = max(top, self.row - number)
        elif code == "\x1b[2K":
            self._lines[self.row] = ""
        else:
            assert code.endswith("m"), code


def seen(arguments, columns=80, environment=None, stdout=None):
    """The screen that `thresher ARGUMENTS` leaves behind, and its exit code.

    Args:
        arguments: of the command.
        columns: of the terminal.
        environment: variables beside those of the tests.
        stdout: where it goes, if it is not to go to the terminal.
    """
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, columns))
    variables = {"PYTHONPATH": os.pathsep.join(sys.path), "TERM": "xterm-256color"}
    process = subprocess.Popen(
        [sys.executable, "-m", "thresher.jobs.cli", *map(str, arguments)],
        stdin=theirs,
        stdout=theirs if stdout is None else stdout,
        stderr=theirs,
        env={**os.environ, **variables, **(environment or {})},
    )
    os.close(theirs)
    screen = Screen(columns)
    screen.write(everything(ours))
    return screen, process.wait()


def everything(terminal):
    """What is written to a terminal until all who write have left it."""
    found = b"".join(chunks(terminal))
    os.close(terminal)
    return found.decode()


def chunks(terminal):
    with contextlib.suppress(OSError):  # how Linux says that all have left
        while data := os.read(terminal, 65536):
            yield data


class Terminal:
    """A pseudo-terminal of this process: a file to write to, and the screen that it makes."""

    def __init__(self, columns=80):
        self.columns = columns
        self._ours, theirs = pty.openpty()
        self.file = os.fdopen(theirs, "w", encoding="utf-8")
        self._found = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for data in chunks(self._ours):
            self._found.append(data)

    def text(self):
        """All that was written so far."""
        return b"".join(self._found).decode()

    def screen(self):
        """What is seen now."""
        screen = Screen(self.columns)
        screen.write(self.text())
        return screen

    def close(self):
        self.file.close()
        self._reader.join()
        os.close(self._ours)
        return self.screen()
