"""The gates of the measuring stage, in order: URL, visible language, size, language of the text.

Each takes what is left, and tells the book about what it stops.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import msgspec
import pyarrow as pa

from thresher.classifiers.language import LanguageIdentifier
from thresher.filters.errors import ConfigError
from thresher.filters.languages import LANGUAGES
from thresher.pipeline.extract import Extracted
from thresher.pipeline.gate.book import Book
from thresher.pipeline.gate.gates import UrlBlocklist
from thresher.pipeline.gate.visible import page_excerpt
from thresher.pipeline.read.records import Page, Rejected, reject


class Language(NamedTuple):
    """What the language model says of a text; all None where it has no words."""

    code: str | None
    score: float | None
    mixed_share: float | None


Document = tuple[Extracted, Language]
"""An extracted text with its language."""


class GateSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Cheap rules that run before costly measuring; what they stop is never measured."""

    url_blocklist: bool = True
    """Stop pages whose URL datatrove's block lists name."""
    languages: tuple[str, ...] = ("en",)
    """Languages to keep (ISO 639 codes of lid.176); empty keeps all."""
    language_score: float = 0.65
    """Least probability of that language."""
    page_language_score: float = 0.8
    """A page whose visible text is in another language with at least this probability is stopped
    before extraction, which is most of the cost of a crawl; 0 leaves it to the text alone."""
    min_characters: int = 100
    """Texts shorter than this are stopped."""
    retain_fraction: float = 0.01
    """Share of gated records that is kept as a sample in quarantine, chosen by id."""

    def check(self, where: str) -> None:
        """Raise `ConfigError` for values that make no sense."""
        for name in ("language_score", "page_language_score", "retain_fraction"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise ConfigError(f"{where}.{name}", "must lie in [0, 1].")
        for i, code in enumerate(self.languages):
            if code not in LANGUAGES:
                here = f"{where}.languages[{i}]"
                raise ConfigError(here, f"no such language '{code}'.", "Codes look like 'en'.")


@lru_cache(maxsize=1)
def language_model() -> LanguageIdentifier:
    """The language model, loaded once per process."""
    return LanguageIdentifier()


@lru_cache(maxsize=1)
def _blocklist() -> UrlBlocklist:
    return UrlBlocklist()


def gate_urls(pages: list[Page], gates: GateSettings, book: Book) -> list[Page]:
    """Stop pages whose URL is on the blocklist."""
    if not gates.url_blocklist:
        return pages
    passed = []
    for page, kind in zip(pages, _blocklist().blocked([p.url for p in pages]), strict=True):
        if kind is None:
            passed.append(page)
        else:
            book.stop(_stopped(page, "blocked_url", kind), page)
    return passed


def gate_page_languages(pages: list[Page], gates: GateSettings, book: Book) -> list[Page]:
    """Stop HTML pages that are surely in another language, without parsing them."""
    if not gates.languages or not gates.page_language_score:
        return pages
    excerpts = pa.array([page_excerpt(page) for page in pages], pa.binary())
    passed = []
    for page, found in zip(pages, language_model().identify(excerpts).to_pylist(), strict=True):
        other = found is not None and found["code"] not in gates.languages
        if other and found["score"] >= gates.page_language_score:
            detail = f"page: {found['code']} {found['score']:.3f}"
            book.stop(_stopped(page, "wrong_language", detail), page)
        else:
            passed.append(page)
    return passed


def gate_texts(extracted: list[Extracted], gates: GateSettings, book: Book) -> list[Document]:
    """Stop texts that are too small or in another language; the rest with their language."""
    texts = []
    for item in extracted:
        if len(item.text) < max(gates.min_characters, 1):
            reason = "too_small" if item.text.strip() else "empty"
            detail = f"{len(item.text)} characters"
            book.stop(_stopped(item.page, reason, detail, item.text), item.page)
        else:
            texts.append(item)
    if not texts:
        return []
    passed = []
    for item, language in with_languages(texts):
        code, score = language.code, language.score
        wanted = code in gates.languages and (score or 0.0) >= gates.language_score
        if gates.languages and not wanted:
            detail = "undetermined" if score is None else f"{code} {score:.3f}"
            book.stop(_stopped(item.page, "wrong_language", detail, item.text), item.page)
        else:
            passed.append((item, language))
    return passed


def with_languages(extracted: list[Extracted]) -> list[Document]:
    """Texts with their languages; none is stopped."""
    found = language_model().identify(pa.array([item.text for item in extracted], pa.string()))
    return [
        (item, Language(**language) if language else Language(None, None, None))
        for item, language in zip(extracted, found.to_pylist(), strict=True)
    ]


def _stopped(page: Page, reason: str, detail: str, text: str | None = None) -> Rejected:
    sample = page.content if text is None else text
    data = sample.encode("utf-8", "replace") if isinstance(sample, str) else sample
    return reject(reason, page.record_id, page.url, detail, data)
