"""What an error of a remote file system means: worth another try, not allowed, or not there.

fsspec's drivers raise errors of aiohttp, httpx, botocore, requests and others, often behind a
`FileNotFoundError` that says nothing. They are told by their names and attributes, so that none of
these packages need be installed, and by the chain of their causes.
"""

from __future__ import annotations

import contextlib
import email.utils
import errno
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any

from thresher.pipeline.read.names import redact, redacted

_MOST_CAUSES = 10
_MISSING = frozenset({404, 410})
_FORBIDDEN = frozenset({401, 403})
_BUSY = frozenset({408, 425, 429})
_FINAL_SERVER_ERRORS = frozenset({501, 505})
_BUSY_CODES = frozenset(
    {"SlowDown", "Throttling", "ThrottlingException", "RequestTimeout", "InternalError"}
)
"""What S3 says in the body of an error, whatever its status."""

_NETWORK_ERRNOS = frozenset(
    {errno.EBUSY, errno.EAGAIN, errno.EHOSTUNREACH, errno.ENETUNREACH, errno.ENETDOWN}
)
_PACKAGES = frozenset(
    {
        "aiobotocore",
        "aiohttp",
        "botocore",
        "gcsfs",
        "http",
        "httpcore",
        "httpcore2",
        "httpx",
        "httpx2",
        "huggingface_hub",
        "requests",
        "s3fs",
        "urllib3",
    }
)
_TRANSIENT_NAMES = frozenset(
    {
        # aiohttp
        "ClientConnectionError",
        "ClientPayloadError",
        # httpx, httpcore
        "NetworkError",
        "ProtocolError",
        "TimeoutException",
        "TransportError",
        # botocore, aiobotocore
        "ConnectionError",
        "HTTPClientError",
        "IncompleteReadError",
        "ReadTimeoutError",
        "ResponseStreamingError",
        # requests, urllib3
        "ChunkedEncodingError",
        "Timeout",
        # http.client
        "BadStatusLine",
        "IncompleteRead",
    }
)
"""Classes of these packages, or bases of them, that say that the line broke."""
_FINAL_NAMES = frozenset(
    {"ClientSSLError", "InvalidURL", "LocalProtocolError", "SSLError", "UnsupportedProtocol"}
)
"""Classes below those above that another try does not help."""


def is_transient(error: BaseException) -> bool:
    """Whether the same request may succeed later: the line broke, or the server is busy."""
    for each in _chain(error):
        status = _own_status(each)
        if status is not None:
            busy = status in _BUSY or (status >= 500 and status not in _FINAL_SERVER_ERRORS)
            return busy or _own_code(each) in _BUSY_CODES
        if isinstance(each, ConnectionError | TimeoutError):
            return True
        names = {base.__name__ for base in type(each).__mro__ if _package(base) in _PACKAGES}
        if names & _FINAL_NAMES:
            return False
        if names & _TRANSIENT_NAMES:
            return True
        if isinstance(each, OSError) and each.errno in _NETWORK_ERRNOS:
            return True
    return False


def status_of(error: BaseException) -> int | None:
    """The HTTP status that is behind an error, None where there is none."""
    return next((s for each in _chain(error) if (s := _own_status(each)) is not None), None)


def retry_after(error: BaseException, now: float) -> float | None:
    """The seconds that the server asks to wait; None where it does not.

    Args:
        error: what the request ended with.
        now: the time, in seconds since 1970, for servers that give a date.
    """
    for each in _chain(error):
        value = _headers(each).get("retry-after", "").strip()
        if value.isdecimal() and len(value) <= 9:
            return float(value)
        try:
            moment = email.utils.parsedate_to_datetime(value)
        except ValueError:
            continue
        return max(0.0, moment.timestamp() - now)
    return None


def named(error: BaseException, uri: str, tries: int = 1) -> BaseException:
    """The error as what it means for a file, with the file's name; itself where it is another.

    Returns:
        A `FileNotFoundError`, `PermissionError` or, where another try may help, `ConnectionError`,
        whose text is a sentence about the URL without its secrets; or an `OSError` for an error
        of another kind that would tell them.
    """
    status, why = status_of(error), _why(error, uri)
    *_, innermost = _chain(error)
    raw, uri = uri, redacted(uri)
    if status in _FORBIDDEN or isinstance(error, PermissionError):
        return PermissionError(f"'{uri}' may not be read: {why}")
    if is_transient(error):
        often = f" in {tries} tries" if tries > 1 else ""
        return ConnectionError(f"'{uri}' cannot be reached{often}: {why}")
    if status in _MISSING:
        return FileNotFoundError(f"'{uri}' is not there: {why}")
    if status is not None:
        return OSError(f"'{uri}' cannot be read: {why}")
    if isinstance(error, FileNotFoundError):
        if isinstance(innermost, FileNotFoundError | KeyError):
            return FileNotFoundError(f"'{uri}' is not there")
        return OSError(f"'{uri}' cannot be reached: {why}")
    said = str(error)
    return error if redact(said, raw) == said else OSError(f"'{uri}' cannot be read: {why}")


def _why(error: BaseException, uri: str) -> str:
    """The innermost cause in a few words, without the secrets of the URL."""
    status = status_of(error)
    if status is not None:
        with contextlib.suppress(ValueError):
            return f"{status} {HTTPStatus(status).phrase}"
        return f"status {status}"
    *_, last = _chain(error)
    text = redact(str(last).strip(), uri)
    return f"{type(last).__name__}: {text[:200]}" if text else type(last).__name__


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error and what it was raised from."""
    each: BaseException | None = error
    for _ in range(_MOST_CAUSES):
        if each is None:
            return
        yield each
        each = each.__cause__


def _package(kind: type) -> str:
    return kind.__module__.partition(".")[0]


def _own_status(error: BaseException) -> int | None:
    response: Any = getattr(error, "response", None)
    found: list[Any] = [getattr(error, "status", None), getattr(error, "status_code", None)]
    if isinstance(response, Mapping):  # botocore
        metadata = response.get("ResponseMetadata")
        found.append(metadata.get("HTTPStatusCode") if isinstance(metadata, Mapping) else None)
    else:  # httpx, requests
        found.append(getattr(response, "status_code", None))
    if _package(type(error)) in ("gcsfs", "urllib"):
        found.append(getattr(error, "code", None))
    return next((s for s in found if isinstance(s, int) and 100 <= s <= 599), None)


def _own_code(error: BaseException) -> str:
    """The code that botocore found in the body of an error."""
    response: Any = getattr(error, "response", None)
    body = response.get("Error") if isinstance(response, Mapping) else None
    return str(body.get("Code", "")) if isinstance(body, Mapping) else ""


def _headers(error: BaseException) -> dict[str, str]:
    response: Any = getattr(error, "response", None)
    for holder in (error, response):
        found: Any = getattr(holder, "headers", None)
        if isinstance(found, Mapping):
            return {str(name).lower(): str(value) for name, value in found.items()}
    if isinstance(response, Mapping):
        metadata = response.get("ResponseMetadata")
        found = metadata.get("HTTPHeaders") if isinstance(metadata, Mapping) else None
        if isinstance(found, Mapping):
            return {str(name).lower(): str(value) for name, value in found.items()}
    return {}
