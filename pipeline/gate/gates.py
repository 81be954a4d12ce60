"""Gates that need no text: the URL blocklist.

`UrlBlocklist` takes the same decisions as datatrove's `URLFilter` with its integrated lists (4.6
million domains, 20,000 URLs, three word lists). datatrove holds them as Python sets, some 600 MB
in every worker. Here each name is 64 bits of hash in a sorted array that is built once per
machine and then memory-mapped, so that all workers share its pages. A foreign name has the hash
of a listed one with a chance of 2.5e-13.
"""

from __future__ import annotations

import hashlib
import os
import re
import sys
import tarfile
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import numpy as np
import numpy.typing as npt
import tldextract

BlockKind = Literal["domain", "subdomain", "url", "hard_word", "soft_words", "subword"]
"""Which list blocks a URL, in the order of the tests."""

Hashes = npt.NDArray[np.uint64]

_FORMAT = 1
"""Part of the cache key: raise it when the hash or the layout of the arrays changes."""
_ARCHIVE = "url_filterblacklistsv0_3_0.tar.gz"
_WORD = re.compile("[^a-zA-Z0-9]+")
_ODD = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xFF51AFD7ED558CCD)
_MIX_2 = np.uint64(0xC4CEB9FE1A85EC53)
_SHIFT = np.uint64(32)
_MASKS = np.array([256**count - 1 for count in range(9)], np.uint64)
"""Keeps the first bytes of a little-endian word."""
_PADDING = bytes(8)


class UrlBlocklistSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the URL blocklist blocks."""

    soft_words: Annotated[int, msgspec.Meta(ge=1)] = 2
    """A URL with at least this many different words of the soft list is blocked."""
    cache_folder: str = ""
    """Where the compiled lists are kept; "" is the user's cache folder."""


class UrlBlocklist:
    """Decides which URLs are blocked.

    The first use on a machine compiles the lists, which takes a few seconds.
    """

    def __init__(self, settings: UrlBlocklistSettings | None = None) -> None:
        settings = settings or UrlBlocklistSettings()
        assets = _assets()
        self._domains, self._urls = _load_hashes(assets / _ARCHIVE, settings.cache_folder)
        self._hard = _words(assets / "banned_words.txt")
        self._soft = _words(assets / "soft_banned_words.txt")
        self._soft_words = settings.soft_words
        subwords = _words(assets / "banned_subwords.txt")
        self._subword = re.compile("|".join(sorted(map(re.escape, subwords))))
        # The snapshot of the public suffix list that the package carries: no network, no cache.
        self._split = tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None)

    def blocked(self, urls: Sequence[str]) -> list[BlockKind | None]:
        """For every URL the list that blocks it, or None."""
        domains: list[str] = []
        hosts: list[str] = []
        for url in urls:
            parts = self._split(url)
            domains.append(parts.top_domain_under_public_suffix)
            hosts.append(parts.fqdn)
        is_domain = _contains(self._domains, domains)
        is_host = _contains(self._domains, hosts)
        is_url = _contains(self._urls, urls)
        kinds: list[BlockKind | None] = []
        for i, url in enumerate(urls):
            if is_domain[i]:
                kinds.append("domain")
            elif is_host[i]:
                kinds.append("subdomain")
            elif is_url[i]:
                kinds.append("url")
            else:
                kinds.append(self._by_words(url))
        return kinds

    def _by_words(self, url: str) -> BlockKind | None:
        # Whole words are compared as written, subwords in lower case: datatrove's reading.
        words = set(_WORD.split(url))
        if not words.isdisjoint(self._hard):
            return "hard_word"
        if len(words & self._soft) >= self._soft_words:
            return "soft_words"
        if self._subword.search(_WORD.sub("", url).lower()):
            return "subword"
        return None


def hash_names(names: Sequence[bytes]) -> Hashes:
    """64-bit hashes of byte strings."""
    data = np.frombuffer(b"".join(names) + _PADDING, np.uint8)
    lengths = np.fromiter(map(len, names), np.int64, len(names))
    return _hash_slices(data, np.cumsum(lengths) - lengths, lengths)


def _hash_slices(
    data: npt.NDArray[np.uint8], starts: npt.NDArray[np.int64], lengths: npt.NDArray[np.int64]
) -> Hashes:
    """Hashes of slices of padded data: eight bytes a step, all slices at once."""
    words: Hashes = np.ndarray((len(data) - 7,), "<u8", data.data, strides=(1,))
    state = (lengths + 1).astype(np.uint64) * _MIX_1
    active = np.arange(len(starts))
    for at in range(0, int(lengths.max(initial=0)), 8):
        active = active[lengths[active] > at]
        word = words[starts[active] + at] & _MASKS[np.minimum(lengths[active] - at, 8)]
        mixed = (state[active] ^ word) * _ODD
        state[active] = mixed ^ (mixed >> _SHIFT)
    for factor in (_MIX_1, _MIX_2):
        state *= factor
        state ^= state >> _SHIFT
    return state


def _contains(hashes: Hashes, names: Sequence[str]) -> npt.NDArray[np.bool_]:
    wanted = hash_names([name.encode("utf-8", "replace") for name in names])
    at = np.minimum(np.searchsorted(hashes, wanted), len(hashes) - 1)
    found: npt.NDArray[np.bool_] = hashes[at] == wanted
    return found


def _assets() -> Path:
    from datatrove.utils._import_utils import ASSETS_PATH

    return Path(ASSETS_PATH)


def _words(path: Path) -> frozenset[str]:
    """A word list as datatrove reads it: comments out, letters and digits only, lower case."""
    lines = path.read_text("utf-8").splitlines()
    return frozenset(_WORD.sub("", line).lower() for line in lines if not line.startswith("#"))


def _load_hashes(archive: Path, cache_folder: str) -> tuple[Hashes, Hashes]:
    """The hash arrays of the domains and the URLs, memory-mapped from the cache."""
    size = archive.stat().st_size
    version = hashlib.blake2b(f"{_FORMAT} {archive.name} {size}".encode(), digest_size=6)
    *others, last = _cache_folders(cache_folder)
    for folder in others:
        try:
            return _load_or_build(archive, folder, version.hexdigest())
        except OSError:
            continue  # a home that cannot be written to is common on clusters
    return _load_or_build(archive, last, version.hexdigest())


def _load_or_build(archive: Path, folder: Path, version: str) -> tuple[Hashes, Hashes]:
    paths = [folder / f"{part}-{version}.npy" for part in ("domains", "urls")]
    try:
        return _load(paths)
    except (OSError, ValueError):  # absent, or torn by a full disk
        folder.mkdir(parents=True, exist_ok=True)
        _build(archive, paths)
        return _load(paths)


def _load(paths: Sequence[Path]) -> tuple[Hashes, Hashes]:
    domains, urls = (np.load(path, mmap_mode="r") for path in paths)
    return domains, urls


def _cache_folders(setting: str) -> list[Path]:
    if setting:
        return [Path(setting)]
    temporary = Path(tempfile.gettempdir()) / f"thresher-{os.getuid()}"
    try:
        home = Path.home()
    except RuntimeError:
        return [temporary]
    default = home / ("Library/Caches" if sys.platform == "darwin" else ".cache")
    return [Path(os.environ.get("XDG_CACHE_HOME") or default) / "thresher", temporary]


def _build(archive: Path, paths: Sequence[Path]) -> None:
    """Write the arrays. Two builders at once write the same bytes; the renames are atomic."""
    with tarfile.open(archive) as tar:
        for path in paths:
            member = tar.extractfile(path.name.partition("-")[0])
            assert member is not None
            with member:
                hashes = np.sort(_hash_lines(member.read()))
            _save(path, hashes)


def _hash_lines(text: bytes) -> Hashes:
    """Hashes of the lines of a list, stripped, without comments."""
    data = np.frombuffer(text.removesuffix(b"\n") + b"\n" + _PADDING, np.uint8)
    ends = np.flatnonzero(data == ord("\n"))
    starts = np.concatenate(([0], ends[:-1] + 1))
    wanted = data[starts] != ord("#")
    starts, ends = starts[wanted], ends[wanted]
    is_space = np.isin(np.arange(256), list(b" \t\r"))
    while (spare := (ends > starts) & is_space[data[ends - 1]]).any():
        ends = ends - spare
    while (spare := (ends > starts) & is_space[data[starts]]).any():
        starts = starts + spare
    return _hash_slices(data, starts, ends - starts)


def _save(path: Path, array: npt.NDArray[Any]) -> None:
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.stem, suffix=".tmp")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            np.save(file, array)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(0o644)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
