"""From the inputs of a class to its texts: which records count, their source and their domain."""

from __future__ import annotations

import fnmatch
import hashlib
from collections.abc import Callable, Iterator
from functools import cache, lru_cache
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
import tldextract

from thresher.classifiers.examples import Record, Source, hand_on, read, text_of
from thresher.classifiers.leaving_out import LeftOut
from thresher.classifiers.settings import InputSettings
from thresher.classifiers.training_files import expand
from thresher.filters.errors import ConfigError, InputError

UNITS = 2**64
"""Hashes of an id: those up to `fraction` of this are taken."""
LakeReader = Callable[[InputSettings, str], Iterator[Record]]
"""Gives the rows that `lake` and `sql` of an input name; the second argument names it in errors."""


class Text(msgspec.Struct, frozen=True):
    """A text of a class."""

    text: bytes
    """The document in UTF-8."""
    source: str
    """Where it comes from, for the breakdown by source."""
    domain: str
    """Texts of one domain fall on one side of the split; empty for a text that stands alone."""
    held_out: bool
    """Whether its whole source is kept from training."""
    train: bool
    """Whether it may be trained on, if the split says so."""
    most: int
    """Most windows of its source that are trained on; 0 for all."""


def read_inputs(
    inputs: tuple[InputSettings, ...],
    where: str,
    lakes: LakeReader | None,
    take: Callable[[Text], None],
    root: str = "",
) -> tuple[Source, ...]:
    """Hand the texts of all inputs of a class to `take`.

    Relative paths start at `root`, and are told as they were given: what a model was trained on
    does not depend on where that lies.

    Raises:
        ConfigError: where it is a lake's and nobody reads lakes.
        InputError: where an input is missing or damaged, or too many of its records cannot be used.
    """
    found: list[Source] = []
    for index, settings in enumerate(inputs):
        here = f"{where}[{index}]"
        left_out = LeftOut(settings.allow_unusable, here)
        if settings.lake:
            found.append(_read_lake(settings, here, lakes, take, root, left_out))
            left_out.finish()
            continue
        for url in expand([_from(root, file) for file in settings.files], here):
            chosen = _Chooser(settings, _stem(url), take)
            source = read(url, chosen.fields, chosen, left_out)
            shown, first = (
                each.removeprefix(f"{root}/") if root else each
                for each in (url, source.first_unusable)
            )
            found.append(
                msgspec.structs.replace(
                    source, url=shown, licence=settings.licence, first_unusable=first
                )
            )
        left_out.finish()
    return tuple(found)


def domain_of(value: str) -> str:
    """The registered domain of a URL, the host where there is none; of another value all of it."""
    if "://" not in value:
        return value
    try:
        host = urlsplit(value).hostname or ""
    except ValueError:
        return value
    return _registered(host) or host


class _Chooser:
    """Takes the records that an input wants, as texts."""

    def __init__(self, settings: InputSettings, name: str, take: Callable[[Text], None]) -> None:
        self._settings = settings
        self._name = settings.name or name
        self._take = take
        self._bound = min(int(settings.fraction * UNITS), UNITS - 1)
        named = [settings.text_field, settings.domain_field, "id", *settings.source_fields]
        self.fields = [*filter(None, named), *settings.keep, *settings.leave_out]

    def __call__(self, record: Record) -> None:
        settings = self._settings
        text = text_of(record, settings.text_field).encode()
        if settings.fraction < 1 and not self._drawn(record, text):
            return
        for field, values in settings.keep.items():
            if text_of(record, field) not in values:
                return
        for field, values in settings.leave_out.items():
            if text_of(record, field) in values:
                return
        names = [text_of(record, field) for field in settings.source_fields]
        source = "/".join(filter(None, names)) or self._name
        field = settings.domain_field
        # The default is a guess, and files without URLs are common.
        known = bool(field) and (field in record or field != "url")
        domain = domain_of(text_of(record, field)) if known else ""
        held_out = any(fnmatch.fnmatchcase(source, pattern) for pattern in settings.held_out)
        self._take(Text(text, source, domain, held_out, settings.train, settings.max_per_source))

    def _drawn(self, record: Record, text: bytes) -> bool:
        name = record.get("id")
        key = name.encode("utf-8", "replace") if isinstance(name, str) and name else text
        # MD5 because DuckDB has it too, and a lake takes its fraction there.
        digest = hashlib.md5(key, usedforsecurity=False).digest()
        return int.from_bytes(digest[:8], "little") <= self._bound


def _read_lake(
    settings: InputSettings,
    where: str,
    lakes: LakeReader | None,
    take: Callable[[Text], None],
    root: str,
    left_out: LeftOut,
) -> Source:
    if lakes is None:
        raise ConfigError(f"{where}: lake", "cannot be read from here.", "Use `thresher train`.")
    chosen = _Chooser(settings, _stem(settings.lake), take)
    digest = hashlib.sha256()
    size = 0
    resolved = msgspec.structs.replace(settings, lake=_from(root, settings.lake))
    left_out.start_file()

    def take_row(record: Record) -> None:
        nonlocal size
        chosen(record)
        text = text_of(record, settings.text_field).encode()
        digest.update(f"{record.get('id')}\n{len(text)}\n".encode("utf-8", "replace") + text)
        size += len(text)

    for record in lakes(resolved, where):
        hand_on(record, f"row {left_out.in_file + 1}", take_row, left_out)
    if not left_out.in_file:
        raise InputError(f"{where}: the SQL gives no rows: {settings.sql}")
    return Source(
        f"{settings.lake}: {' '.join(settings.sql.split())}",
        digest.hexdigest(),
        size,
        left_out.in_file - left_out.unusable_in_file,
        settings.licence,
        left_out.unusable_in_file,
        left_out.first_in_file,
    )


def _from(root: str, path: str) -> str:
    """A path as seen from `root`; an absolute one or a URL as it is."""
    remote = "://" in path or "::" in path
    return path if remote or not root else str(Path(root) / Path(path).expanduser())


def _stem(url: str) -> str:
    return url.rstrip("/").rsplit("/", 1)[-1].split(".", 1)[0]


@lru_cache(maxsize=65536)
def _registered(host: str) -> str:
    return str(_extractor()(host).top_domain_under_public_suffix)


@cache
def _extractor() -> tldextract.TLDExtract:
    return tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None)
