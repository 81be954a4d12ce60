"""Input shards: what the settings name, listed, sized and given an identity."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import fsspec
import msgspec

from thresher.filters.errors import InputError
from thresher.pipeline.read.remote import options_for, patiently
from thresher.pipeline.read.sources import WINDOW_BYTES

Format = Literal["auto", "warc", "wet", "jsonl", "parquet"]

_COMPRESSIONS = (".gz", ".zst", ".zstd", ".lz4")
_SUFFIXES: dict[str, Format] = {
    ".warc": "warc",
    ".arc": "warc",
    ".wat": "warc",
    ".wet": "wet",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
    ".parquet": "parquet",
}
_MAGIC = "*?["
_WEB_MAGIC = "*["
LISTING_TRIES = 3
"""Times that a file system is asked for what it has."""


class InputSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to read."""

    urls: list[str]
    """Files to read: paths or fsspec URLs (s3, gs, hf, https ...), each possibly with a glob."""
    format: Format = "auto"
    """Format of all files; `auto` tells by the name and else by the first bytes."""
    text_field: str = "text"
    """JSON key or Parquet column of the text; a dot goes into nested objects."""
    id_field: str = "id"
    """JSON key or Parquet column of the record's identity."""
    url_field: str = "url"
    """JSON key or Parquet column of the URL."""
    date_field: str = "date"
    """JSON key or Parquet column of the date."""
    max_record_bytes: Annotated[int, msgspec.Meta(ge=1024, le=1 << 31)] = 16 << 20
    """A record larger than this, stored or decoded, is skipped as `oversize`."""
    max_window_bytes: Annotated[int, msgspec.Meta(ge=1 << 20, le=1 << 31)] = WINDOW_BYTES
    """Memory that the window of a zstd frame may take: files made by `zstd --long=31` need up to
    2147483648."""


@dataclass(frozen=True, slots=True)
class InputShard:
    """One file to read."""

    uri: str
    """Absolute fsspec URL."""
    bytes: int
    """Size as stored; -1 where the server does not say."""
    etag: str
    """The server's version of the object; "" where it has none."""
    format: str
    """A value of `Format`; `auto` is resolved from the first bytes when the file is read."""
    key: str
    """16 hex digits that identify this version of the file."""


def list_inputs(
    settings: InputSettings, base: str, setting: str = "", lake: str = ""
) -> list[InputShard]:
    """The files that the settings name: sorted by URL, each once.

    Args:
        settings: the `input` table of a recipe.
        base: folder (path or URL) that relative paths start from.
        setting: what errors call the setting that names the files, if not `input.urls[i]`.
        lake: URL of a folder that no file may lie in: what a run wrote is not what it reads.

    Raises:
        InputError: where a file is missing, not allowed or not reached, or a pattern matches
            nothing, or a file is inside the lake.
    """
    if not settings.urls:
        raise InputError("input.urls: names no file.")
    shards: dict[str, InputShard] = {}
    for i, url in enumerate(settings.urls):
        found = 0
        where = setting or f"input.urls[{i}]"
        for uri, info in _expand(_absolute(url, base), where, url):
            found += 1
            if lake and is_inside(uri, lake):
                raise InputError(
                    f"{where}: '{url}' matches '{uri}', which is inside the lake '{lake}': a run "
                    "would read what it wrote. Name the crawl's own folder, or move the lake."
                )
            shards[uri] = _shard(uri, info, settings.format)
        if not found:
            raise InputError(f"{where}: '{url}' matches no file.")
    return [shards[uri] for uri in sorted(shards)]


def is_inside(uri: str, folder: str) -> bool:
    """Whether a file, by a URL that may be a chain, lies in a folder, by a path or URL."""
    root = _place(folder).rstrip("/")
    return any(_place(link).startswith(f"{root}/") for link in uri.split("::"))


def _place(url: str) -> str:
    """The URL of a place, whatever way leads to it on this machine."""
    protocol, mark, path = url.rpartition("://")
    if mark and protocol not in ("file", "local"):
        return f"{protocol}://{path.lstrip('/')}"
    return f"file://{os.path.realpath(path)}"


def _shard(uri: str, info: dict[str, Any], declared: Format) -> InputShard:
    size = info.get("size")
    size = -1 if size is None else int(size)
    etag = str(info.get("ETag") or info.get("etag") or info.get("md5Hash") or "").strip('"')
    identity = msgspec.json.encode([uri, size, etag])
    key = hashlib.blake2b(identity, digest_size=8).hexdigest()
    return InputShard(uri, size, etag, declared if declared != "auto" else _by_name(uri), key)


def _by_name(uri: str) -> Format:
    name = uri.rpartition("/")[2].partition("?")[0].lower()
    for compression in _COMPRESSIONS:
        name = name.removesuffix(compression)
    for suffix, kind in _SUFFIXES.items():
        if name.endswith(suffix):
            return kind
    return "auto"


def _absolute(url: str, base: str) -> str:
    if "://" in url or "::" in url or url.startswith("/"):
        return url
    return f"{base.rstrip('/')}/{url}" if base else url


def _expand(url: str, setting: str, shown: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Files under a URL that may be a chain (`zip://*.jsonl::s3://bucket/a.zip`) and a pattern.

    Args:
        url: absolute.
        setting: what errors call the setting that names it.
        shown: the URL as it is written there.
    """
    links = url.split("::")
    # A caching protocol stands in a chain without a path of its own; the pattern is in the first
    # link that has one.
    at = next((i for i, link in enumerate(links) if "://" in link), 0)
    try:
        infos = patiently(lambda: _infos(url), shown, LISTING_TRIES)
    except ConnectionError as error:
        raise InputError(f"{setting}: {error}. Whether it is there is not known.") from error
    except (FileNotFoundError, PermissionError) as error:
        raise InputError(f"{setting}: {error}.") from error
    except Exception as error:
        raise InputError(f"{setting}: '{shown}' cannot be listed: {error}") from error
    if infos and infos[0].get("type") == "directory":
        raise InputError(f"{setting}: '{shown}' is a folder. Name its files, with '/*' at the end.")
    system = fsspec.core.url_to_fs(url, **options_for(url))[0]
    for info in infos:
        if len(links) == 1:
            yield system.unstrip_protocol(info["name"]), info
            continue
        protocol = links[at].partition("://")[0] if "://" in links[at] else "file"
        name = str(info["name"])
        link = name if name.startswith(f"{protocol}://") else f"{protocol}://{name}"
        yield "::".join([*links[:at], link, *links[at + 1 :]]), info


def _infos(url: str) -> list[dict[str, Any]]:
    """What the file system says of each file under a URL, which may be a pattern."""
    system, path = fsspec.core.url_to_fs(url, **options_for(url))
    protocols = (system.protocol,) if isinstance(system.protocol, str) else system.protocol
    # A question mark in a URL of the web starts its query.
    magic = _WEB_MAGIC if "http" in protocols else _MAGIC
    if any(mark in path for mark in magic):
        matches = system.glob(path, detail=True)
        return [info for info in matches.values() if info.get("type") != "directory"]
    return [system.info(path)]
