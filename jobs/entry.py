"""Where the command `thresher` starts: signals are heeded before anything large is imported."""

from __future__ import annotations

import sys

from thresher.jobs import stopping

__all__ = ["main"]


def main() -> None:
    """Load the command line and run it."""
    with stopping.heeded():
        try:
            from thresher.jobs.cli import main as command_line
        except stopping.Stopped as stopped:
            sys.stderr.write(f"{stopped.message()}\n")
            sys.exit(stopped.exit_code)
        command_line()
