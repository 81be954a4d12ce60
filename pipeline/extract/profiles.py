"""HTML to text: the profiles. Runs in the extraction process only.

A profile is a name and a version; both enter the fingerprint of the documents. Where a page would
break or stall a profile, another one reads it, and `Facts.fallback` says so.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from resiliparse.extract.html2text import extract_plain_text
from resiliparse.parse.html import HTMLTree

from thresher.filters.errors import ConfigError
from thresher.filters.user_function import load_function
from thresher.pipeline.extract.depth import nesting_depth
from thresher.pipeline.extract.metadata import Metadata, declared
from thresher.pipeline.extract.settings import ExtractSettings, Facts
from thresher.pipeline.read.charset import Decoded
from thresher.pipeline.read.records import clean_text


class Outcome(msgspec.Struct):
    """What a profile makes of a page."""

    text: str
    title: str
    facts: Facts
    metadata: Metadata


Profile = Callable[[Decoded, bytes], Outcome]
"""From a decoded page and its bytes."""

_PRECISE_BYTES = 5 << 20
_PRECISE_DEPTH = 200
"""libxml2 gives up, in silence, at nodes of 10 MB and at 256 levels; tables hide some levels."""
_DOUBTFUL_DEPTH = 60
_MOST_TAGS = 200_000
"""A million tags take seconds where the profile walks the tree several times."""


def load_profile(settings: ExtractSettings) -> Profile:
    """The profile of the settings; imports trafilatura only for `precise`.

    Raises:
        ConfigError: where a custom function is not there, or its source is not the one of the run.
    """
    if settings.profile == "all_text":
        return all_text
    if settings.profile == "custom":
        return _custom(settings.custom, settings.custom_sha256)
    read: Callable[[HTMLTree, str], tuple[str, Facts]]
    if settings.profile == "fast":
        read = _fast
    else:
        from thresher.pipeline.extract.balanced import (
            balanced,  # a second of numba that `fast` need not pay
        )

        read = balanced

    def bounded(page: Decoded, data: bytes) -> Outcome:
        tree = HTMLTree.parse(page.text)
        if _depth(page, data) > settings.max_depth:
            return _outcome(tree, *_all_text(tree, settings.profile, "depth"))
        if page.text.count("<") > _MOST_TAGS:
            return _outcome(tree, *_all_text(tree, settings.profile, "tags"))
        return _outcome(tree, *read(tree, page.text))

    # Compiled code is loaded now, so that it counts for no page.
    bounded(Decoded("<p>A page to start with.</p>", "utf-8", "detected"), b"")
    if settings.profile != "precise":
        return bounded

    from trafilatura import extract  # half a second that the others need not pay

    def precise(page: Decoded, data: bytes) -> Outcome:
        depth = _depth(page, data)
        text = None
        if len(data) <= _PRECISE_BYTES and depth <= min(_PRECISE_DEPTH, settings.max_depth):
            text = extract(page.text, include_comments=False)
            if text or depth <= _DOUBTFUL_DEPTH:
                facts = Facts("precise", words=count_words(text or ""))
                return _outcome(HTMLTree.parse(page.text), text or "", facts)
        outcome = bounded(page, data)
        outcome.facts.profile = "precise"
        outcome.facts.fallback = outcome.facts.fallback or "libxml"
        return outcome

    return precise


def all_text(page: Decoded, data: bytes) -> Outcome:  # noqa: ARG001 - a profile
    """All visible text: the profile, and the last resort of the others."""
    tree = HTMLTree.parse(page.text)
    return _outcome(tree, *_all_text(tree, "all_text", None))


def count_words(text: str) -> int:
    """Words between spaces; where a script has no spaces, a word for every two characters."""
    words = len(text.split())
    return words if 20 * words >= len(text) else len(text) // 2


def _custom(name: str, sha256: str) -> Profile:
    extract, source = load_function(name, "extract.custom")
    if sha256 and source != sha256:
        problem = f"the source of {name} is not the one the run began with."
        raise ConfigError("extract.custom", problem, "Put the same file on every machine.")

    def custom(page: Decoded, data: bytes) -> Outcome:  # noqa: ARG001 - a profile
        text = extract(page.text)
        if not isinstance(text, str):
            raise TypeError(f"{name} gave {type(text).__name__}, not str")
        return _outcome(HTMLTree.parse(page.text), text, Facts("custom", words=count_words(text)))

    return custom


def _fast(tree: HTMLTree, html: str) -> tuple[str, Facts]:  # noqa: ARG001 - as `balanced`
    text = extract_plain_text(tree, main_content=True, alt_texts=False, list_bullets=False)
    return text, Facts("fast", words=count_words(text))


def _all_text(tree: HTMLTree, profile: str, fallback: str | None) -> tuple[str, Facts]:
    text = extract_plain_text(tree, alt_texts=False, list_bullets=False)
    words = count_words(text)
    return text, Facts(profile, fallback, words=words, body_words=words)


def _depth(page: Decoded, data: bytes) -> int:
    return nesting_depth(page.text.encode() if page.charset.startswith("utf-16") else data)


def _outcome(tree: HTMLTree, text: str, facts: Facts) -> Outcome:
    title = clean_text(" ".join((tree.title or "").split()))[:1000]
    return Outcome(clean_text(text), title, facts, declared(tree))
