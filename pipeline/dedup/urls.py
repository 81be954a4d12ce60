"""The canonical form of a URL: what two addresses of one page have in common."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from urllib.parse import unquote_to_bytes, urlsplit

import numpy as np
import numpy.typing as npt

_TRACKING = re.compile(
    r"(utm_\w+|mtm_\w+|pk_\w+|fbclid|gclid|dclid|msclkid|yclid|twclid|ttclid|igshid|mc_[ce]id|"
    r"_hs\w+|_ga|phpsessid|jsessionid|aspsessionid\w*|sessionid|sid)$",
    re.IGNORECASE,
)
_SESSION_PATH = re.compile(r";jsessionid=[^/?#]*", re.IGNORECASE)
_ESCAPE = re.compile(r"(?:%[0-9A-Fa-f]{2})+")
_UNRESERVED = re.compile(rb"[A-Za-z0-9._~-]")


def canonical_url(url: str) -> str | None:
    """Host, path and query in one spelling, or None for what is not an http(s) URL.

    Scheme, `www.`, default ports, user names, fragments, session ids, tracking parameters, a
    trailing slash, the order of parameters and the case of the host tell no pages apart.
    """
    try:
        parts = urlsplit(url.strip())
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    if parts.scheme.lower() not in ("http", "https") or not host:
        return None
    host = host.rstrip(".").removeprefix("www.")
    path = _spelled(_SESSION_PATH.sub("", parts.path)).rstrip("/")
    query = sorted(
        _spelled(item)
        for item in parts.query.split("&")
        if item and not _TRACKING.match(item.partition("=")[0])
    )
    where = host if port in (None, 80, 443) else f"{host}:{port}"
    return f"{where}{path}?{'&'.join(query)}" if query else f"{where}{path}"


def url_hashes(urls: Sequence[str | None]) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.int64]]:
    """128-bit hashes of the canonical URLs, and which of `urls` have one."""
    found = [(place, canonical_url(url)) for place, url in enumerate(urls) if url]
    named = [(place, name) for place, name in found if name is not None]
    digests = b"".join(
        hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=16).digest()
        for _, name in named
    )
    hashes = np.frombuffer(digests, "<u8").reshape(-1, 2)
    return hashes, np.array([place for place, _ in named], np.int64)


def _spelled(text: str) -> str:
    """Escapes of unreserved characters undone, the others in upper case."""
    return _ESCAPE.sub(lambda match: _respelled(match.group()), text)


def _respelled(escapes: str) -> str:
    return "".join(
        chr(byte) if _UNRESERVED.match(bytes([byte])) else f"%{byte:02X}"
        for byte in unquote_to_bytes(escapes)
    )
