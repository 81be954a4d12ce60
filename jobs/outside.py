"""Errors from outside: of the system, a driver or a service; and which of them mean "busy".

A person can do something about them, so they become one line. An error of any other kind is a fault
of the program, and is shown whole.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import duckdb

from thresher.filters.errors import BusyError, StoreError
from thresher.manifests.store import cause_of

__all__ = ["busy_from", "cause_from_outside"]

_DRIVERS = frozenset(
    [
        "adlfs",
        "aiobotocore",
        "aiohttp",
        "azure",
        "botocore",
        "boto3",
        "fsspec",
        "gcsfs",
        "google",
        "httpcore",
        "httpcore2",
        "httpx",
        "httpx2",
        "huggingface_hub",
        "ray",
        "requests",
        "s3fs",
        "urllib3",
        "zstandard",
    ]
)
"""Packages whose errors tell of a place that does not answer or of what it holds."""

_KINDS = (
    OSError,
    EOFError,
    MemoryError,
    duckdb.HTTPException,
    duckdb.IOException,
    duckdb.OutOfMemoryException,
    duckdb.PermissionException,
)

_HELD = re.compile(r'lock on file "(.+?)".*?held in (.+? \(PID \d+\))')


def cause_from_outside(error: BaseException) -> str:
    """What an error from outside says, in one line; "" if it is the program's own."""
    if isinstance(error, StoreError):
        return str(error)
    home = type(error).__module__.partition(".")[0]
    if not isinstance(error, _KINDS) and home not in _DRIVERS:
        return ""
    name = getattr(error, "filename", None)
    return f"{name}: {cause_of(error)}" if name else cause_of(error)


def busy_from(error: BaseException) -> BusyError | None:
    """What is held by whom, if an error or its cause is a database file that someone writes."""
    for each in _chain(error):
        if isinstance(each, BusyError):
            return each
        if isinstance(each, duckdb.IOException) and "lock on file" in str(each):
            text = " ".join(str(each).split())
            found = _HELD.search(text)
            if not found:
                return BusyError(text)
            file, holder = found.groups()
            return BusyError(
                f"{file} is held for writing by {holder}. Close it there, or open it there "
                "read-only (duckdb -readonly), and ask again; `thresher catalog rebuild` puts a "
                "new one in its place"
            )
    return None


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    for _ in range(16):
        if error is None:
            return
        yield error
        error = error.__cause__ or error.__context__
