"""What sources are called where people see it: without secrets or folders of this machine.

A URL that opens a file may hold a password or a signature. It is used for opening alone; whatever
is shown or stored has the name that is made here:

- user info and fragments are cut. Of a query that holds a parameter of a signed URL, or a long
  word that may be a secret, nothing is kept: secrets come under many names. What does not sign
  leaves a digest, which tells `?id=7&sig=...` from `?id=8&sig=...` and outlives a new signature.
  A query without any of these stays: it names the file.
- A local file is named relative to the literal part of the `input.urls` entry that it is of: up to
  the last `/` before the first glob mark. That does not change when shards come or go. Entries of
  several folders are told apart by a number before `//`, which no relative path can hold.
"""

from __future__ import annotations

import hashlib
import os
import posixpath
import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import unquote

_MARKS = "*?["
_LOCAL = ("file", "local")
_PLACES_BEFORE_AT = frozenset({"abfs", "abfss", "adl", "az", "github", "hf", "wasb", "wasbs"})
"""Protocols whose URLs have a container, repository or revision before an `@`."""
_OBJECTS = frozenset({"gcs", "gs", "hf", "memory", "s3", "s3a", "tar", "zip"})
"""Protocols of plain names, which may hold `#` and `?`."""
_CHAIN = re.compile(r"::(?![^\[\]]{0,60}\])")  # not inside of an IPv6 address
_SIGNING_NAME = re.compile(
    r"x-(amz|goog|oss|cos|obs|ms)-.*|q-(sign|ak|key|header|url|signature).*"
    r"|.*(signature|token|secret|passw|credential|api[-_]?key|access[-_]?key|accessid|session).*"
    r"|auth.*|expir(es|y|ation)|exp|key-pair-id|policy|key|pwd|pass|user|jwt|hmac|hdn[a-z]*|code"
    r"|sig|sign|se|sp|sv|sr|st|spr|sip|ss|srt|ske|sks|skt|skv|skoid|sktid|saoid|suoid|scid",
    re.IGNORECASE,
)
_LONG_WORD = re.compile(r"eyJ.*|[\w+=%~-]{32,}", re.ASCII)
"""A web token, or a long word that names no file: it would have a `.` or `/`."""
_URL = re.compile(r"[A-Za-z][\w+.-]{0,40}://[^\s'\"<>`]+")
_PARAMETER = re.compile(r"(?<=[?&;])([\w%.-]+)=([^&;\s'\"<>`]+)")
_HEADER = re.compile(r"(?i)(authorization\W{1,6}(?:basic|bearer)\s+)[^\s'\",]+")
_HUB_TOKEN = re.compile(r"\bhf_[A-Za-z0-9]{16,}")
_PLACE = re.compile(r"[\w+.:-]*://|~?/|[\w+-]+::")
_INNER_USER = re.compile(r"(?<=://)[^/?#\s]*@")
_AUTHORITY = re.compile(r"[^/?#]*")
_BETWEEN_PARAMETERS = re.compile("[&;]")
_BETWEEN_PARTS = re.compile("[&;#]")
_SHORTEST_PASSWORD = 4
_SHORTEST_VALUE = 8
"""Shorter secrets are cut in URLs alone: to replace them anywhere would garble texts."""
HIDDEN = "***"


def redacted(url: str) -> str:
    """A URL, which may be a chain, without secrets; local paths as they are. Idempotent."""
    return "::".join(_redacted_link(link) for link in _CHAIN.split(url))


def redact(text: str, uri: str = "", name: str = "") -> str:
    """A text, such as an error's, without the secrets of the URLs in it.

    Args:
        text: of any origin; to be shortened only afterwards, or half a secret would stay.
        uri: of the file that it speaks of: its secrets go in whatever form they stand.
        name: what that file is called; by default its redacted URL.
    """
    if uri:
        safe = redacted(uri)
        text = text.replace(uri, name or safe)
        if name:
            paths = [_path(link) for link in _CHAIN.split(uri) if _is_local(link)]
            for own in sorted({safe, *paths}, key=len, reverse=True):
                text = text.replace(own, name)
        for secret in sorted(_secrets(uri), key=len, reverse=True):
            text = text.replace(secret, HIDDEN)
    text = _URL.sub(lambda found: redacted(found[0]), text)
    text = _PARAMETER.sub(
        lambda found: f"{found[1]}={HIDDEN}" if _is_secret(found[0]) else found[0], text
    )
    return _HUB_TOKEN.sub(HIDDEN, _HEADER.sub(rf"\1{HIDDEN}", text))


def public(value: Any) -> Any:
    """A setting, or a tree of them, as it may be published: every URL and path by its name."""
    if isinstance(value, str):
        place = value.rstrip("/")
        return relative(place, place) if _names_a_place(place) else redact(value)
    if isinstance(value, Mapping):
        return {key: public(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [public(inner) for inner in value]
    return value


class SourceNames:
    """The names of files by the entries that they are listed under.

    Args:
        entries: absolute paths, URLs or patterns, in the order of the settings.
    """

    def __init__(self, entries: Sequence[str]) -> None:
        self._entries = list(entries)
        folders = [_folders(entry) for entry in entries]
        numbers = {each: n for n, each in enumerate(dict.fromkeys(filter(any, folders)), 1)}
        self._before = ["" if numbers.get(f, 1) == 1 else f"{numbers[f]}//" for f in folders]

    def of(self, uri: str, entry: int) -> str:
        """The name of a file.

        Args:
            uri: what opens it.
            entry: place of the entry that it is listed under.
        """
        return self._before[entry] + relative(uri, self._entries[entry])

    def entries(self) -> list[str]:
        """The entries themselves, by the same rule."""
        return [self.of(entry, place) for place, entry in enumerate(self._entries)]


def relative(uri: str, entry: str) -> str:
    """A redacted URL whose local paths are relative to the literal part of an entry's."""
    links, folders = _CHAIN.split(uri), _folders(entry)
    folders += ("",) * (len(links) - len(folders))
    return "::".join(
        _below(_path(link), folder) if _is_local(link) else _redacted_link(link)
        for link, folder in zip(links, folders, strict=False)
    )


def is_local(uri: str) -> bool:
    """Whether a URL, which may be a chain, names a file of this machine."""
    return any(_is_local(link) for link in _CHAIN.split(uri))


def _names_a_place(value: str) -> bool:
    return "\n" not in value and bool(_PLACE.match(value))


def _redacted_link(link: str) -> str:
    protocol, mark, rest = link.partition("://")
    if not mark or protocol in _LOCAL:
        return _without_secrets(link)
    if protocol not in _PLACES_BEFORE_AT:
        rest = rest[_user_info(rest) :]
    if protocol not in _OBJECTS:
        rest = rest.partition("#")[0]
    rest = _without_secrets(rest)
    return f"{protocol}://" + _INNER_USER.sub("", rest)  # a URL in a path


def _user_info(rest: str) -> int:
    """Length of the user info, with its `@`, before a host."""
    authority = _AUTHORITY.match(rest)
    head = authority[0] if authority else ""
    if "@" in head:
        return head.rindex("@") + 1
    # A password that holds a `/` ends no authority where one expects it.
    port = head.rpartition(":")[2] if ":" in head else ""
    if port and not port.isdigit() and not port.endswith("]"):
        return rest.rfind("@") + 1
    return 0


def _without_secrets(rest: str) -> str:
    """A link with the digest of its query, if that may be secret."""
    path, _, query = rest.partition("?")
    parts = [part for part in _BETWEEN_PARAMETERS.split(query) if part]
    if not any(map(_is_secret, parts)):
        return rest
    kept = "&".join(sorted(part for part in parts if not _signs(part))).encode()
    return f"{path}?{hashlib.blake2b(kept, digest_size=4).hexdigest()}" if kept else path


def _signs(parameter: str) -> bool:
    return bool(_SIGNING_NAME.fullmatch(unquote(parameter.partition("=")[0])))


def _is_secret(parameter: str) -> bool:
    name, _, value = parameter.partition("=")
    return _signs(parameter) or bool(_LONG_WORD.fullmatch(value or name))


def _secrets(uri: str) -> set[str]:
    """What is secret in a URL, as it stands there and decoded."""
    found: set[str] = set()
    for link in _CHAIN.split(uri):
        protocol, _, rest = link.partition("://")
        if not rest or protocol in _LOCAL:
            continue
        if protocol not in _PLACES_BEFORE_AT:
            user = rest[: _user_info(rest)].rstrip("@")
            words = {user, user.partition(":")[2]}
            found |= {word for word in words if len(word) >= _SHORTEST_PASSWORD}
        query = rest.partition("?")[2]
        values = [part.partition("=") for part in _BETWEEN_PARTS.split(query) if _is_secret(part)]
        found |= {v or n for n, _, v in values if len(v or n) >= _SHORTEST_VALUE}
    return found | {unquote(secret) for secret in found}


def _is_local(link: str) -> bool:
    """Whether a link names a local file; a bare word is a protocol, or tells no folder."""
    protocol, mark, _ = link.partition("://")
    return protocol in _LOCAL if mark else "/" in link


def _path(link: str) -> str:
    return link.partition("://")[2] if "://" in link else link


def _folders(entry: str) -> tuple[str, ...]:
    """The literal folder of each link of an entry; "" of those that are not local."""
    return tuple(_literal(_path(link)) if _is_local(link) else "" for link in _CHAIN.split(entry))


def _literal(pattern: str) -> str:
    at = min((pattern.index(mark) for mark in _MARKS if mark in pattern), default=len(pattern))
    return _absolute(pattern[: pattern.rfind("/", 0, at) + 1] or "/")


def _below(path: str, folder: str) -> str:
    found = posixpath.relpath(_absolute(path), folder or "/")
    return found if folder and not found.startswith("..") else path.rstrip("/").rpartition("/")[2]


def _absolute(path: str) -> str:
    """A path without `..` and `~`; links stay, since a listing does not follow them either."""
    return os.path.abspath(os.path.expanduser(path))  # noqa: PTH100, PTH111 - Path follows links
