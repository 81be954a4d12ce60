"""Errors of packages that need not be installed are known by their names and attributes."""

from __future__ import annotations

import errno

import pytest

from thresher.pipeline.read.faults import is_transient, named, retry_after, status_of


def made(module, name, *bases, **attributes):
    """An error as another package would raise it."""
    kind = type(name, bases or (Exception,), {"__module__": module})
    error = kind("what it says")
    for key, value in attributes.items():
        setattr(error, key, value)
    return error


def base(module, name, *bases):
    return type(name, bases or (Exception,), {"__module__": module})


class Response:
    def __init__(self, code, **headers):
        self.status_code = code
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


def caused(outer, cause):
    outer.__cause__ = cause
    return outer


def botocore(code, status, **headers):
    response = {
        "Error": {"Code": code},
        "ResponseMetadata": {"HTTPStatusCode": status, "HTTPHeaders": headers},
    }
    return made("botocore.exceptions", "ClientError", response=response)


AIOHTTP = base("aiohttp.client_exceptions", "ClientConnectionError")
HTTPX = base("httpx", "TransportError")

TRANSIENT = [
    ConnectionResetError("gone"),
    TimeoutError(),
    OSError(errno.EHOSTUNREACH, "no route"),
    made("aiohttp.client_exceptions", "ServerDisconnectedError", AIOHTTP),
    made("aiohttp.client_exceptions", "ClientPayloadError"),
    made("aiohttp.client_exceptions", "ClientResponseError", status=503),
    made("httpx", "ReadError", HTTPX),
    made("httpx2", "HTTPStatusError", response=Response(502)),
    made("huggingface_hub.errors", "HfHubHTTPError", OSError, response=Response(429)),
    made("requests.exceptions", "ChunkedEncodingError", OSError),
    made("botocore.exceptions", "ReadTimeoutError"),
    made("http.client", "IncompleteRead"),
    made("gcsfs.retry", "HttpError", code=500),
    botocore("SlowDown", 503),
    botocore("RequestTimeout", 400),
    caused(FileNotFoundError("http://a"), made("aiohttp", "ClientResponseError", status=500)),
    caused(FileNotFoundError("http://a"), ConnectionRefusedError()),
]
FINAL = [
    ValueError("bad data"),
    FileNotFoundError("a"),
    PermissionError("a"),
    OSError(errno.EIO, "the disk"),
    made("elsewhere", "ClientPayloadError"),
    made("aiohttp", "ClientResponseError", status=404),
    made("aiohttp", "ClientResponseError", status=501),
    made("aiohttp", "ClientConnectorCertificateError", base("aiohttp", "ClientSSLError", AIOHTTP)),
    made("httpx", "UnsupportedProtocol", HTTPX),
    botocore("NoSuchKey", 404),
    made("elsewhere", "Odd", status="503", response="none", headers=5),
]


@pytest.mark.parametrize("error", TRANSIENT, ids=lambda e: type(e).__name__)
def test_transient(error):
    assert is_transient(error)
    assert type(named(error, "u", 3)) is ConnectionError
    assert str(named(error, "u", 3)).startswith("'u' cannot be reached in 3 tries: ")


@pytest.mark.parametrize("error", FINAL, ids=lambda e: type(e).__name__)
def test_final(error):
    assert not is_transient(error)
    assert not isinstance(named(error, "u"), ConnectionError)


PASSING_ERRORS = {
    "aiohttp.client_exceptions": "ClientConnectionError ClientPayloadError",
    "httpx": "NetworkError ProtocolError TimeoutException TransportError",
    "httpx2": "TransportError",
    "httpcore": "NetworkError TimeoutException",
    "httpcore2": "ProtocolError",
    "botocore.exceptions": "ConnectionError HTTPClientError IncompleteReadError ReadTimeoutError "
    "ResponseStreamingError",
    "aiobotocore.response": "IncompleteReadError",
    "requests.exceptions": "ChunkedEncodingError ConnectionError Timeout",
    "urllib3.exceptions": "IncompleteRead ProtocolError ReadTimeoutError",
    "http.client": "BadStatusLine IncompleteRead",
    "s3fs.core": "ReadTimeoutError",
    "gcsfs.core": "ClientPayloadError",
    "huggingface_hub.errors": "Timeout",
}
"""Errors of drivers that another try may help against, by their modules."""


@pytest.mark.parametrize("module", PASSING_ERRORS)
def test_what_drivers_call_a_lost_connection(module):
    for name in PASSING_ERRORS[module].split():
        assert is_transient(made(module, name)), name
        assert is_transient(made(module, "OfThatKind", base(module, name))), name
        assert not is_transient(made("mine", name)), name


@pytest.mark.parametrize(
    ("module", "name", "kind"),
    [
        ("requests.exceptions", "SSLError", "ConnectionError"),
        ("aiohttp", "ClientSSLError", "ClientConnectionError"),
        ("aiohttp", "InvalidURL", "ClientConnectionError"),
        ("httpx", "LocalProtocolError", "ProtocolError"),
        ("httpx", "UnsupportedProtocol", "TransportError"),
    ],
)
def test_what_no_other_try_helps_against(module, name, kind):
    assert is_transient(made(module, "Other", base(module, kind)))
    assert not is_transient(made(module, name, base(module, kind)))


@pytest.mark.parametrize(
    ("kind", "statuses"),
    [
        (PermissionError, (401, 403)),
        (FileNotFoundError, (404, 410)),
        (ConnectionError, (408, 425, 429, 500, 502, 503, 504, 599)),
        (OSError, (300, 400, 402, 405, 409, 411, 416, 428, 430, 451, 499, 501, 505)),
    ],
)
def test_what_a_status_means(kind, statuses):
    for status in statuses:
        for tries, often in ((1, ""), (2, " in 2 tries" if kind is ConnectionError else "")):
            found = named(made("aiohttp", "ClientResponseError", status=status), "u", tries)
            assert type(found) is kind, status
            assert str(found).partition(": ")[0].removeprefix("'u' ") in (
                "may not be read",
                "is not there",
                f"cannot be reached{often}",
                "cannot be read",
            )


@pytest.mark.parametrize(
    "code",
    ["SlowDown", "Throttling", "ThrottlingException", "RequestTimeout", "InternalError", "Other"],
)
def test_codes_of_s3_that_ask_for_another_try(code):
    assert is_transient(botocore(code, 400)) == (code != "Other")
    assert not is_transient(made("botocore.exceptions", "ClientError", response=code))


def test_names():
    forbidden = named(botocore("AccessDenied", 403), "s3://b/k")
    assert repr(forbidden) == "PermissionError(\"'s3://b/k' may not be read: 403 Forbidden\")"
    assert str(named(FileNotFoundError("k"), "u")) == "'u' is not there"
    assert str(named(caused(FileNotFoundError("k"), KeyError("k")), "u")) == "'u' is not there"
    odd = caused(FileNotFoundError("k"), made("aiohttp", "InvalidURL"))
    assert str(named(odd, "u")) == "'u' cannot be reached: InvalidURL: what it says"
    assert not isinstance(named(odd, "u"), FileNotFoundError)
    other = ValueError("x")
    assert named(other, "u") is other
    assert "status 599" in str(named(made("aiohttp", "E", status=599), "u"))


def test_status_and_the_wait_that_is_asked_for():
    assert status_of(botocore("x", 503)) == 503
    assert status_of(caused(OSError(), made("aiohttp", "E", status=404))) == 404
    assert status_of(OSError()) is None
    assert retry_after(botocore("x", 503, **{"Retry-After": "9"}), 0) == 9
    assert retry_after(made("httpx", "E", response=Response(429, Retry_After="5")), 0) == 5
    assert retry_after(made("aiohttp", "E", headers={"retry-after": "٣"}), 0) == 3
    for value in ("", "x", "1" * 40, "Mon, 99 Foo"):
        assert retry_after(made("aiohttp", "E", headers={"Retry-After": value}), 0) is None


def test_a_circle_of_causes_ends():
    one, two = OSError(), OSError()
    one.__cause__, two.__cause__ = two, one
    assert not is_transient(one)
    assert named(one, "u") is one
