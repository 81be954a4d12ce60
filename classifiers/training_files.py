"""The files that training texts are read from, by paths, URLs, globs and folders."""

from __future__ import annotations

import fsspec
from fsspec.implementations.local import LocalFileSystem

from thresher.filters.errors import InputError
from thresher.filters.mending import broken_link, needs_package

_FORMATS = (".jsonl", ".ndjson", ".txt", ".parquet")
_KNOWN = f"{', '.join(_FORMATS)}; .gz, .zst"


def expand(patterns: list[str], where: str) -> list[str]:
    """The files that fsspec URLs, globs and folders name: each once, sorted.

    A folder stands for all files of a known format below it, but for hidden ones.

    Raises:
        InputError: where one names nothing, a link that leads nowhere, or a file of no known
            format.
    """
    found: set[str] = set()
    for pattern in patterns:
        try:
            filesystem, path = fsspec.core.url_to_fs(pattern)
            local = isinstance(filesystem, LocalFileSystem)
            link = broken_link(path) if local else ""
            is_folder = filesystem.isdir(path)
            if is_folder:
                matches = [name for name in filesystem.find(path) if _is_meant(name, path)]
            else:
                matches = filesystem.glob(path) if _is_glob(path) else [path]
            files = [match for match in matches if filesystem.isfile(match)]
        except Exception as error:
            # Every back end of fsspec has its own tree of errors.
            problem = needs_package(error, pattern)
            problem = problem or f"{pattern} cannot be read ({type(error).__name__}: {error})"
            raise InputError(f"{where}: {problem}.") from error
        if local:
            link = link or next((each for match in matches if (each := broken_link(match))), "")
        if link:
            raise InputError(f"{where}: {link}.")
        if not files:
            kind = f" of a known format ({_KNOWN})" if is_folder else ""
            raise InputError(f"{where}: {pattern} names no file{kind}.")
        urls = [file if local else filesystem.unstrip_protocol(file) for file in files]
        for url in urls:
            if format_of(url) not in _FORMATS:
                raise InputError(f"{where}: {url} has no known format ({_KNOWN}).")
        found.update(urls)
    return sorted(found)


def format_of(url: str) -> str:
    """The suffix of a file's name that says what is in it, in lower case; "" where it has none."""
    name = url.rsplit("/", 1)[-1].lower()
    plain = name.removesuffix(".gz").removesuffix(".zst")
    suffix = plain[plain.rfind(".") :] if "." in plain else ""
    # Parquet compresses its pages, and must be read out of order.
    return "" if suffix == ".parquet" and plain != name else suffix


def _is_meant(name: str, folder: str) -> bool:
    """Whether a file below a folder is one of texts, and not hidden."""
    below = name[len(folder.rstrip("/")) + 1 :].split("/")
    return format_of(name) in _FORMATS and not any(part.startswith(".") for part in below)


def _is_glob(path: str) -> bool:
    return any(mark in path for mark in "*?[")
