"""Commands that are printed so that a person can paste them: they work as they stand, anywhere."""

from __future__ import annotations

import shlex
import shutil
import sys
import webbrowser
from pathlib import Path

__all__ = ["opening", "pasted", "thresher_command"]

_PORT = "8000"


def pasted(*words: str | Path) -> str:
    """Words as a line for the shell."""
    return shlex.join(map(str, words))


def thresher_command() -> list[str]:
    """What starts this program: `thresher` if that is it, else where it is."""
    started = Path(sys.argv[0]).absolute()
    found = shutil.which("thresher")
    if found and started.exists() and Path(found).samefile(started):
        return ["thresher"]
    if started.name == "thresher":
        return [str(started)]
    return [sys.executable, "-m", "thresher.jobs.cli"]


def opening(page: str) -> str:
    """What shows a page: the browser of this machine, or if there is none, a server for another.

    Args:
        page: its path.
    """
    path = Path(page).absolute()
    try:
        webbrowser.get()
    except webbrowser.Error:
        serve = ("-m", "http.server", _PORT, "--bind", "127.0.0.1", "--directory", path.parent)
        return f"{pasted(sys.executable, *serve)}  # then http://127.0.0.1:{_PORT}/{path.name}"
    return pasted(sys.executable, "-m", "webbrowser", "-t", path.as_uri())
