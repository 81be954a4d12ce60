"""Input shards: what the settings name, listed, sized and given an identity."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

import fsspec
import msgspec

from thresher.filters.errors import ConfigError, InputError
from thresher.filters.mending import needs_package
from thresher.pipeline.read.kept import check_keep
from thresher.pipeline.read.lists import folder_of, listed_as, read_list, sized
from thresher.pipeline.read.names import SourceNames, is_local, redact, redacted, relative
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

    urls: list[str] = []
    """Files to read: paths or fsspec URLs (s3, gs, hf, https ...), each possibly with a glob. The
    lake names remote files by their URLs without user, password and signature, local ones by their
    paths behind the folder that the entry names outright; those of a second folder begin with
    `2//`, so put new folders last."""
    list_: str = msgspec.field(default="", name="list")
    """A file that names more of them, one path or URL on each line: `warc.paths.gz` of Common
    Crawl, or a text file, plain or as `.gz` or `.zst`; a path or URL itself. Blank lines and those
    that begin with `#` are passed over. Nothing in it is a pattern, so no folder is listed."""
    prefix: str = ""
    """What the relative lines of `list` start with, such as `s3://commoncrawl/`; by default the
    folder of the list. Local files lie below it, and are named by their paths behind it."""
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
    keep: tuple[str, ...] = ()
    """Further fields of JSON Lines and Parquet that go along with each document, in the column
    `extra`: names, with a dot into nested objects, or `meta.*` for all that an object holds."""
    max_record_bytes: Annotated[int, msgspec.Meta(ge=1024, le=1 << 31)] = 16 << 20
    """A record larger than this, stored or decoded, is skipped as `oversize`."""
    max_window_bytes: Annotated[int, msgspec.Meta(ge=1 << 20, le=1 << 31)] = WINDOW_BYTES
    """Memory that the window of a zstd frame may take: files made by `zstd --long=31` need up to
    2147483648."""

    def check(self, where: str) -> None:
        """Raise `ConfigError` for values that make no sense."""
        if self.prefix and not self.list_:
            raise ConfigError(f"{where}.prefix", "is of input.list, which names no list.")
        check_keep(self.keep, self.text_field, f"{where}.keep")

    @property
    def reading(self) -> InputSettings:
        """How files are read, whichever they are and wherever they are named."""
        return msgspec.structs.replace(self, urls=[], list_="", prefix="")


@dataclass(frozen=True, slots=True)
class InputShard:
    """One file to read."""

    uri: str = field(repr=False)
    """Absolute fsspec URL, for opening only: it may hold a password or a signature."""
    bytes: int
    """Size as stored; -1 where the server does not say."""
    etag: str
    """The server's version of the object; "" where it has none."""
    format: str
    """A value of `Format`; `auto` is resolved from the first bytes when the file is read."""
    key: str
    """16 hex digits that identify this version of the file, however its URL is signed."""
    name: str = ""
    """What the file is called wherever that is shown or stored; see `names`."""

    def __post_init__(self) -> None:
        if not self.name:
            object.__setattr__(self, "name", relative(self.uri, self.uri))


def list_inputs(
    settings: InputSettings, base: str, setting: str = "", lake: str = ""
) -> list[InputShard]:
    """The files that the settings name: sorted by name, each once.

    Args:
        settings: the `input` table of a recipe.
        base: folder (path or URL) that relative paths start from.
        setting: what errors call the setting that names the files, if not `input.urls[i]`.
        lake: URL of a folder that no file may lie in: what a run wrote is not what it reads.

    Raises:
        InputError: where a file is missing, not allowed or not reached, or a pattern matches
            nothing, a file is inside the lake, or two URLs differ in their secrets alone.
    """
    if not settings.urls and not settings.list_:
        raise InputError("input.urls: names no file, and input.list no list of files.")
    entries = [_absolute(url, base) for url in settings.urls]
    folder = folder_of(settings.list_, settings.prefix) if settings.list_ else ""
    names = SourceNames([*entries, *([folder] if folder else [])])
    shards: dict[str, InputShard] = {}
    by_name: dict[str, str] = {}

    def add(uri: str, entry: int, where: str, told: str, info: dict[str, Any]) -> None:
        if lake and is_inside(uri, lake):
            raise InputError(
                f"{where}: {told} '{redacted(uri)}', which is inside the lake "
                f"'{redacted(lake)}': a run would read what it wrote. Name the crawl's own "
                "folder, or move the lake."
            )
        if uri in shards:
            return
        name = names.of(uri, entry)
        if by_name.setdefault(name, uri) != uri:
            raise InputError(
                f"{where}: '{name}' is named twice, by URLs that differ only in user, password "
                "or signature. These name no file: give one of the URLs."
            )
        shards[uri] = _shard(uri, name, info, settings.format)

    for i, url in enumerate(map(redacted, settings.urls)):
        found = 0
        where = setting or f"input.urls[{i}]"
        for uri, info in _expand(entries[i], where, url):
            found += 1
            add(uri, i, where, f"'{url}' matches", info)
        if not found:
            raise InputError(f"{where}: '{url}' matches no file.")
    if settings.list_:
        listed = read_list(settings.list_, settings.prefix, "input.list")
        for each, info in sized(listed, "input.list"):
            add(each.uri, len(entries), "input.list", f"line {each.line} names", info)
    return sorted(shards.values(), key=lambda shard: shard.name)


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


def _shard(uri: str, name: str, info: dict[str, Any], declared: Format) -> InputShard:
    size = info.get("size")
    size = -1 if size is None else int(size)
    etag = str(info.get("ETag") or info.get("etag") or info.get("md5Hash") or "").strip('"')
    address = redacted(uri)
    identity = [address, size, etag]
    # What was measured holds the name, so another name of the same file is another shard.
    if is_local(uri) and name != address.rpartition("/")[2]:
        identity.append(name)
    key = hashlib.blake2b(msgspec.json.encode(identity), digest_size=8).hexdigest()
    kind = declared if declared != "auto" else _by_name(address)
    return InputShard(uri, size, etag, kind, key, name)


def _by_name(uri: str) -> Format:
    name = uri.partition("?")[0].rpartition("/")[2].lower()
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
        shown: the URL as it is written there, without secrets.
    """
    why = ""
    try:
        infos = patiently(lambda: _infos(url), url, LISTING_TRIES)
    # The causes are not shown with it: those of drivers hold the URL with its secrets.
    except ConnectionError as error:
        why = f"{redact(str(error), url, shown)}. Whether it is there is not known."
    except (FileNotFoundError, PermissionError) as error:
        why = f"{redact(str(error), url, shown)}."
    except Exception as error:  # noqa: BLE001 - every driver has its own
        why = needs_package(error, f"'{shown}'")
        why = why or f"'{shown}' cannot be listed: {redact(str(error), url, shown)}"
    if why:
        raise InputError(f"{setting}: {why}")
    if infos and infos[0].get("type") == "directory":
        raise InputError(f"{setting}: '{shown}' is a folder. Name its files, with '/*' at the end.")
    system = fsspec.core.url_to_fs(url, **options_for(url))[0]
    for info in infos:
        yield listed_as(url, system, str(info["name"])), info


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
