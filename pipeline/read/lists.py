"""Lists of input files: a path or URL on each line, as Common Crawl publishes its `warc.paths.gz`.

A list is content from elsewhere, so it is bounded, each line is checked, and a list that lies on
another machine opens no file of this one. No line is a pattern, so nothing is listed: each file is
asked for its size and tag alone, many at once.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import fsspec

from thresher.filters.errors import InputError
from thresher.filters.mending import needs_package
from thresher.pipeline.read.members import Damage
from thresher.pipeline.read.names import is_local, redact, redacted, relative
from thresher.pipeline.read.remote import open_input, options_for, patiently
from thresher.pipeline.read.sources import open_source

__all__ = ["Listed", "folder_of", "listed_as", "read_list", "sized"]

MOST_FILES = 2_000_000
"""Lines of a list that name a file; a crawl of Common Crawl has 100,000."""
MOST_LIST_BYTES = 512 << 20
"""What a list may decode to."""
MOST_LINE_BYTES = 8192
ASKED_AT_ONCE = 32
"""Files whose size is asked for at the same time."""
ASKING_TRIES = 3
"""Times that each is asked for."""

_ASKED_AHEAD = 4096
_SHOWN = 200
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Listed:
    """A file that a list names."""

    uri: str = field(repr=False)
    """Absolute, for opening only: it may hold a password or a signature."""
    line: int
    """The number of its line, from 1 on."""


def folder_of(place: str, prefix: str) -> str:
    """Where the relative lines of a list start, with a slash at its end.

    Args:
        place: path or URL of the list, absolute.
        prefix: what the settings say instead; "" for the list's own folder.
    """
    if prefix:
        return f"{prefix.rstrip('/')}/"
    return place.partition("?")[0].rpartition("/")[0] + "/"


def read_list(place: str, prefix: str, setting: str) -> list[Listed]:
    """The files of a list in its order; blank lines and those that begin with `#` name none.

    Args:
        place: path or URL of the list, absolute; plain text, or gzip, zstd or lz4 of it.
        prefix: as of `folder_of`.
        setting: what errors call the setting that names the list.

    Raises:
        InputError: where the list is missing, damaged or too large, or a line is no file's name.
    """
    shown = relative(place, place)
    folder, foreign = folder_of(place, prefix), not is_local(place)
    found: list[Listed] = []
    for number, line in enumerate(_lines(place, setting, shown), 1):
        try:
            uri = _uri(line, folder, foreign=foreign)
        except InputError as error:
            raise InputError(f"{setting}: line {number} of '{shown}' {error}") from None
        if not uri:
            continue
        found.append(Listed(uri, number))
        if len(found) > MOST_FILES:
            raise InputError(f"{setting}: '{shown}' names more than {MOST_FILES:,} files.")
    if not found:
        raise InputError(f"{setting}: '{shown}' names no file.")
    return found


def sized(listed: list[Listed], setting: str) -> Iterator[tuple[Listed, dict[str, Any]]]:
    """Each file, by the URL that a listing gives it, with what its store says of it, in order.

    Raises:
        InputError: for the first line whose file is missing, is a folder or is not reached.
    """
    with ThreadPoolExecutor(ASKED_AT_ONCE, "sizes") as pool:
        for start in range(0, len(listed), _ASKED_AHEAD):
            some = listed[start : start + _ASKED_AHEAD]
            try:
                yield from pool.map(lambda each: _info(each, setting), some)
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise


def _lines(place: str, setting: str, shown: str) -> Iterator[bytes]:
    """The lines of a list, without their ends."""
    data, problem = io.BytesIO(), ""
    try:
        with open_input(place) as file:
            source = open_source(file)
            while chunk := source.read_chunk():
                data.write(chunk)
                if data.tell() > MOST_LIST_BYTES:
                    problem = f"decodes to more than {MOST_LIST_BYTES:,} bytes: that is no list"
                    break
            if source.truncated:
                problem = "ends in the middle of its compressed data; fetch it again"
    except Damage as error:
        problem = f"is damaged ({error}); fetch it again"
    except Exception as error:  # noqa: BLE001 - every driver has its own
        missing = needs_package(error, f"'{shown}'")
        problem = f"cannot be read: {missing or redact(str(error), place, shown)}"
    if problem:
        raise InputError(f"{setting}: '{shown}' {problem.rstrip('.')}.")
    data.seek(0)
    return iter(data)


def _uri(line: bytes, folder: str, *, foreign: bool) -> str:
    """What a line names; "" where that is nothing.

    Raises:
        InputError: with what is wrong, for whoever wrote the line.
    """
    if len(line) > MOST_LINE_BYTES:
        raise InputError(f"has more than {MOST_LINE_BYTES:,} bytes.")
    try:
        text = line.removeprefix(b"\xef\xbb\xbf").decode("utf-8").strip().removeprefix("./")
    except UnicodeDecodeError as error:
        raise InputError(f"is no UTF-8 text at its byte {error.start + 1}.") from None
    if not text or text.startswith("#"):
        return ""
    whole = "://" in text or text.startswith("/")
    uri = text if whole else folder + text
    if problem := _problem(text, uri, folder, foreign=foreign and whole):
        raise InputError(problem)
    return uri


def _problem(text: str, uri: str, folder: str, *, foreign: bool) -> str:
    """What is wrong with what a line names; "" if nothing is."""
    told = f"'{redact(text)[:_SHOWN]}'"
    if text.startswith("<"):
        return f"is markup, {told}: this is a page and no list. Is the address of the list right?"
    if _CONTROL.search(text):
        return f"holds a tab or another control character, {text[:_SHOWN]!r}: one file a line."
    if ".." in text.partition("://")[2 if "://" in text else 0].split("/"):
        return f"climbs out of its folder, {told}: write the path without '..'."
    if not is_local(uri):
        return ""
    if foreign:
        return (
            f"names a file of this machine, {told}, which a list from another may not: "
            "make the line relative, and state input.prefix."
        )
    if "::" in uri:
        return f"is a chain to a file of this machine, {told}: state it in input.urls."
    if not uri.removeprefix("file://").startswith(folder.removeprefix("file://")):
        return (
            f"lies outside of '{redacted(folder)}', {told}: state as input.prefix a folder that "
            "holds all files."
        )
    return ""


def listed_as(url: str, system: Any, name: str) -> str:
    """The URL of a file that a file system calls by a name, as part of a chain where it was one.

    Args:
        url: what led to it: it may be a chain and, in its first link with a path, a pattern.
        system: the file system of that link.
        name: of the file there.
    """
    links = url.split("::")
    if len(links) == 1:
        return str(system.unstrip_protocol(name))
    # A caching protocol stands in a chain without a path of its own.
    at = next((i for i, link in enumerate(links) if "://" in link), 0)
    protocol = links[at].partition("://")[0] if "://" in links[at] else "file"
    link = name if name.startswith(f"{protocol}://") else f"{protocol}://{name}"
    return "::".join([*links[:at], link, *links[at + 1 :]])


def _info(listed: Listed, setting: str) -> tuple[Listed, dict[str, Any]]:
    """A file with its size and tag, without listing its folder."""
    uri = listed.uri
    shown = relative(uri, uri)
    try:
        system, path = fsspec.core.url_to_fs(uri, **options_for(uri))
        info: dict[str, Any] = patiently(lambda: system.info(path), uri, ASKING_TRIES)
    except Exception as error:  # noqa: BLE001 - every driver has its own
        missing = needs_package(error, f"'{shown}'")
        problem = missing or redact(str(error), uri, shown).rstrip(".")
        raise InputError(f"{setting}: line {listed.line}: {problem}.") from None
    if info.get("type") == "directory":
        raise InputError(f"{setting}: line {listed.line}: '{shown}' is a folder, and no file.")
    return Listed(listed_as(uri, system, str(info["name"])), listed.line), info
