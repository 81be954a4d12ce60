"""The pages that are labelled: their ids, sites and texts, read from the real samples.

An id names the source, the document in it and, for a page of an archive, how it became text:
`wcxb/50b77bd3#fast` is the main content, `wcxb/50b77bd3#all_text` all that is visible.
"""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import pyarrow as pa

from filters.urls import measure_urls
from pipeline.extract import ExtractSettings
from pipeline.extract.profiles import load_profile
from pipeline.read import InputSettings, InputShard, Page, read_shard
from pipeline.read.charset import decode_html

ARCHIVES = ("wcxb", "trafilatura", "dragnet", "real")
SOURCES = (*ARCHIVES, "weborganizer", "lines")
VARIANTS: tuple[Literal["fast", "all_text"], ...] = ("fast", "all_text")

_READ = InputSettings(urls=("unused",))
_ARCHIVE_ENDINGS = (".warc", ".arc", ".warc.gz", ".arc.gz", ".warc.lz4", ".wet", ".wet.gz")


@dataclass(frozen=True, slots=True)
class JunkPage:
    """A page as a pipeline would see it."""

    id: str
    site: str
    """The registered domain; where there is no URL, the document itself."""
    text: str
    hint: str = ""
    """What the source says about the page; for searches only, never for a label."""

    @property
    def half(self) -> str:
        """`tune` or `test`: all pages of a site are in the same."""
        digest = hashlib.sha256(f"junk labels {self.site}".encode()).digest()
        return ("tune", "test")[digest[0] & 1]

    @property
    def fingerprint(self) -> str:
        """Says whether the text is still the one that was judged."""
        return hashlib.sha256(self.text.encode()).hexdigest()[:8]


def read_pages(data: Path, source: str) -> Iterator[JunkPage]:
    """Every page of a source, in the order of its files."""
    if source == "weborganizer":
        yield from _weborganizer(data)
    elif source == "lines":
        yield from _lines(data)
    else:
        yield from _archives(data, source)


def source_of(page_id: str) -> str:
    """The source that an id belongs to."""
    return page_id.partition("/")[0]


def _weborganizer(data: Path) -> Iterator[JunkPage]:
    with gzip.open(data / "text" / "weborganizer.jsonl.gz", "rt", encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    sites = _sites([row["url"] for row in rows])
    for row, site in zip(rows, sites, strict=True):
        key = row["id"].removeprefix("wo-")
        yield JunkPage(f"weborganizer/{key}", site, row["text"], row["format"])


def _lines(data: Path) -> Iterator[JunkPage]:
    for name in ("train", "dev"):
        with gzip.open(data / "lines" / f"en_{name}.json.gz", "rt", encoding="utf-8") as file:
            rows = json.load(file)
        for number, row in enumerate(rows):
            key = f"lines/en_{name}_{number}"
            yield JunkPage(key, key, "\n".join(row["text"]), "all lines")


def _archives(data: Path, source: str) -> Iterator[JunkPage]:
    """The pages of a source's archives in each variant; a text that came before is left out."""
    profiles = {name: load_profile(ExtractSettings(profile=name)) for name in VARIANTS}
    seen: set[str] = set()
    for page in _responses(data, source):
        texts = {"text": page.content} if isinstance(page.content, str) else {}
        if isinstance(page.content, bytes):
            decoded = decode_html(page.content, page.charset)
            if decoded is None:
                continue
            texts = {name: run(decoded, page.content).text for name, run in profiles.items()}
        key = hashlib.sha256(f"{page.url} {page.date}".encode()).hexdigest()[:8]
        site = _sites([page.url])[0]
        for variant, text in texts.items():
            if text.strip() and text not in seen:
                seen.add(text)
                yield JunkPage(f"{source}/{key}#{variant}", site, text)


def _responses(data: Path, source: str) -> Iterator[Page]:
    folder = data / "crawl" / ("real" if source == "real" else "pages")
    pattern = "*" if source == "real" else f"{source}-*.warc.gz"
    for path in sorted(folder.glob(pattern)):
        if path.name.endswith(_ARCHIVE_ENDINGS):
            shard = InputShard(f"file://{path}", path.stat().st_size, "", "auto", "")
            found = read_shard(shard, _READ)
            yield from (page for page in found if isinstance(page, Page))


def _sites(urls: list[str]) -> list[str]:
    domains = measure_urls(pa.array(urls, pa.string())).field("registered_domain").to_pylist()
    hosts = [urlsplit(url).hostname or "" for url in urls]
    return [
        url if host.endswith(".invalid") else domain or host or url
        for url, domain, host in zip(urls, domains, hosts, strict=True)
    ]
