"""The pages that are labelled: their ids, sites and texts, read from the real samples.

An id names the source, the document in it and, for a page of an archive, how it became text:
`wcxb/50b77bd3#fast` is the main content, `wcxb/50b77bd3#all_text` all that is visible, and
`wcxb/50b77bd3#rest0` the first run of visible lines that are not main content: what is left of a
page where extraction goes wrong or scripts have not filled it.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import pyarrow as pa

from thresher.filters.urls import measure_urls
from thresher.pipeline.extract import ExtractSettings
from thresher.pipeline.extract.profiles import load_profile
from thresher.pipeline.read import InputSettings, InputShard, Page, read_shard
from thresher.pipeline.read.charset import decode_html

ARCHIVES = ("wcxb", "trafilatura", "dragnet", "real")
SOURCES = (*ARCHIVES, "weborganizer", "lines")
TEXTS = {
    "detectrl": "slop/detectrl",
    "outfox": "slop/outfox",
    "newsgroups": "text/newsgroups",
    "spamassassin": "spam/spamassassin",
}
"""No web pages, but the only real text of some kinds of junk: by source, the file."""

_PROFILES: tuple[Literal["fast", "all_text"], ...] = ("fast", "all_text")
_REST_WORDS = 40
"""A run of lines outside the main content with fewer words is left out."""

_LINK = re.compile(rb"<a\b[^>]*?\bhref\s*=\s*[\"']?https?://([a-z0-9.-]+\.[a-z]{2,})")
_EVERYWHERE = {"facebook.com", "twitter.com", "google.com", "doubleclick.net"}
"""Sites that pages of any site link to."""

_READ = InputSettings(urls=("unused",))
_ARCHIVE_ENDINGS = (".warc", ".arc", ".warc.gz", ".arc.gz", ".warc.lz4", ".wet", ".wet.gz")


@dataclass(frozen=True, slots=True)
class JunkPage:
    """A page as a pipeline would see it."""

    id: str
    site: str
    """What pages of one origin share: a registered domain, the sender of a post, the same start;
    the document itself where nothing tells."""
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
    elif source in TEXTS:
        yield from _texts(data, source)
    else:
        yield from _archives(data, source)


def source_of(page_id: str) -> str:
    """The source that an id belongs to."""
    return page_id.partition("/")[0]


def _weborganizer(data: Path) -> Iterator[JunkPage]:
    with gzip.open(data / "text" / "weborganizer.jsonl.gz", "rt", encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    sites = sites_of([row["url"] for row in rows])
    for row, site in zip(rows, sites, strict=True):
        key = row["id"].removeprefix("wo-")
        yield JunkPage(f"weborganizer/{key}", site, row["text"], f"{row['format']}, {row['topic']}")


def _lines(data: Path) -> Iterator[JunkPage]:
    for name in ("train", "dev"):
        with gzip.open(data / "lines" / f"en_{name}.json.gz", "rt", encoding="utf-8") as file:
            rows = json.load(file)
        for number, row in enumerate(rows):
            text = "\n".join(row["text"])
            yield JunkPage(f"lines/en_{name}_{number}", text[:100], text, "all lines")


def _texts(data: Path, source: str) -> Iterator[JunkPage]:
    with gzip.open(data / f"{TEXTS[source]}.jsonl.gz", "rt", encoding="utf-8") as file:
        for line in file:
            row = json.loads(line)
            key = f"{source}/{row['id'].partition('-')[2]}"
            sender = re.match(r"(?:.*\n)*?From: *(.+)", row["text"][:1000])
            site = sender[1] if sender and source == "newsgroups" else key
            yield JunkPage(key, site, row["text"], row.get("label", ""))


def _archives(data: Path, source: str) -> Iterator[JunkPage]:
    """The pages of a source's archives in each variant; a text that came before is left out."""
    profiles = {name: load_profile(ExtractSettings(profile=name)) for name in _PROFILES}
    seen: set[str] = set()
    for page in responses(data, source):
        texts = {"text": page.content} if isinstance(page.content, str) else {}
        if isinstance(page.content, bytes):
            decoded = decode_html(page.content, page.charset)
            if decoded is None:
                continue
            texts = {name: run(decoded, page.content).text for name, run in profiles.items()}
            texts |= _rest(texts["fast"], texts["all_text"])
        key = hashlib.sha256(f"{page.url} {page.date}".encode()).hexdigest()[:8]
        site = linked_site(page) if source == "dragnet" else sites_of([page.url])[0]
        for variant, text in texts.items():
            if text.strip() and text not in seen:
                seen.add(text)
                yield JunkPage(f"{source}/{key}#{variant}", site, text)


def _rest(main: str, everything: str) -> dict[str, str]:
    """The runs of visible lines that are not in the main content."""
    known = {line.strip() for line in main.splitlines()}
    lines = (line.strip() for line in everything.splitlines())
    groups = groupby((line for line in lines if line), key=lambda line: line in known)
    runs = ["\n".join(group) for is_main, group in groups if not is_main]
    long_enough = (run for run in runs if len(run.split()) >= _REST_WORDS)
    return {f"rest{number}": run for number, run in enumerate(long_enough)}


def responses(data: Path, source: str) -> Iterator[Page]:
    folder = data / "crawl" / ("real" if source == "real" else "pages")
    pattern = "*" if source == "real" else f"{source}-*.warc.gz"
    for path in sorted(folder.glob(pattern)):
        if path.name.endswith(_ARCHIVE_ENDINGS):
            shard = InputShard(f"file://{path}", path.stat().st_size, "", "auto", "")
            found = read_shard(shard, _READ)
            yield from (page for page in found if isinstance(page, Page))


def sites_of(urls: list[str]) -> list[str]:
    domains = measure_urls(pa.array(urls, pa.string())).field("registered_domain").to_pylist()
    hosts = [urlsplit(url).hostname or url for url in urls]
    return [domain or host for domain, host in zip(domains, hosts, strict=True)]


def linked_site(page: Page) -> str:
    """The site that most links of a page lead to: of pages whose own address was not kept."""
    assert isinstance(page.content, bytes)
    hosts = Counter(_LINK.findall(page.content.lower()))
    urls = [f"http://{host.decode()}/" for host in hosts]
    sites: Counter[str] = Counter()
    for site, count in zip(sites_of(urls), hosts.values(), strict=True):
        sites[site] += 0 if site in _EVERYWHERE else count
    return max(sites, key=lambda site: (sites[site], site), default=page.url)
