"""What becomes of an error: one line on stderr and a documented exit code.

Exit codes: see `EXIT_CODES` in `thresher.jobs.cli.common`. Only a fault of the program itself shows
its traceback, with exit code 1.
"""

from __future__ import annotations

import errno
import sys
from collections.abc import Callable

from thresher.filters.errors import ConfigError, InputError, NoRunError, StoreError, ThresherError
from thresher.jobs import stopping
from thresher.jobs.cli.common import EXIT_BUSY, EXIT_COMPLETE, EXIT_INCOMPLETE, EXIT_USAGE, errors
from thresher.jobs.cli.streams import ReaderGone, guarded
from thresher.jobs.outside import busy_from, cause_from_outside
from thresher.pipeline.read.names import redact

__all__ = ["run_to_code"]

_MIDWAY = (errno.ENOSPC, errno.EDQUOT, errno.EIO)
"""What ends a command that had begun."""


def run_to_code(app: Callable[[], object]) -> int:
    """Run the command line to its end; the exit code.

    Raises:
        Exception: a fault of the program, as it was raised.
    """
    with stopping.heeded(), guarded():
        try:
            return _run(app)
        except ReaderGone:
            return EXIT_COMPLETE
        except stopping.Stopped as stopped:
            return _stop(stopped)
        except Exception as error:
            # Libraries make errors of their own of what a signal raises within them.
            try:
                stopping.check()
            except stopping.Stopped as stopped:
                return _stop(stopped)
            found = _outcome(error)
            if found is None:
                raise
            code, text = found
            errors.print(f"thresher: {redact(text)}", markup=False, highlight=False, soft_wrap=True)
            return code


def _run(app: Callable[[], object]) -> int:
    try:
        app()
        code = EXIT_COMPLETE
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else EXIT_COMPLETE
    sys.stdout.flush()
    return code


def _stop(stopped: stopping.Stopped) -> int:
    temporary = sys.modules.get("thresher.manifests.temporary")
    if temporary:
        temporary.discard_own()
    errors.print(stopped.message(), markup=False, highlight=False, soft_wrap=True)
    return stopped.exit_code


def _outcome(error: Exception) -> tuple[int, str] | None:
    """Exit code and message, or None for a fault of the program."""
    if busy := busy_from(error):
        return EXIT_BUSY, str(busy)
    if isinstance(error, NoRunError):
        hint = "Name the lake of another by --lake, $THRESHER_LAKE or its recipe"
        return EXIT_USAGE, f"{error}. {hint}"
    if isinstance(error, ConfigError | InputError | StoreError):
        return EXIT_USAGE, str(error)
    if isinstance(error, ThresherError):
        return EXIT_INCOMPLETE, str(error)
    if cause := cause_from_outside(error):
        midway = isinstance(error, OSError) and error.errno in _MIDWAY
        return EXIT_INCOMPLETE if midway else EXIT_USAGE, cause
    return None
