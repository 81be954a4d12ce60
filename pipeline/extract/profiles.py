"""HTML to text: the two profiles. Runs in the extraction process only."""

from __future__ import annotations

from collections.abc import Callable

from resiliparse.extract.html2text import extract_plain_text
from resiliparse.parse.html import HTMLTree

from pipeline.extract.depth import nesting_depth
from pipeline.extract.settings import ExtractSettings
from pipeline.read.charset import Decoded
from pipeline.read.records import clean_text

Profile = Callable[[Decoded, bytes], tuple[str, str]]
"""From a decoded page and its bytes to text and title."""

_PRECISE_BYTES = 5 << 20
_PRECISE_DEPTH = 200
"""libxml2 gives up, in silence, at nodes of 10 MB and at 256 levels; tables hide some levels."""
_DOUBTFUL_DEPTH = 60


def load_profile(settings: ExtractSettings) -> Profile:
    """The profile of the settings; imports trafilatura only for `precise`."""

    def fast(page: Decoded, data: bytes) -> tuple[str, str]:
        tree = HTMLTree.parse(page.text)
        return _resiliparse(tree, main=_depth(page, data) <= settings.max_depth), _title(tree)

    if settings.profile == "fast":
        return fast

    from trafilatura import extract  # half a second that `fast` need not pay

    def precise(page: Decoded, data: bytes) -> tuple[str, str]:
        depth = _depth(page, data)
        if len(data) > _PRECISE_BYTES or depth > min(_PRECISE_DEPTH, settings.max_depth):
            return fast(page, data)
        text = extract(page.text, include_comments=False)
        if not text and depth > _DOUBTFUL_DEPTH:
            return fast(page, data)
        return clean_text(text or ""), _title(HTMLTree.parse(page.text))

    return precise


def _depth(page: Decoded, data: bytes) -> int:
    return nesting_depth(page.text.encode() if page.charset.startswith("utf-16") else data)


def _resiliparse(tree: HTMLTree, main: bool) -> str:
    text: str = extract_plain_text(tree, main_content=main, alt_texts=False, list_bullets=False)
    return clean_text(text)


def _title(tree: HTMLTree) -> str:
    return clean_text(" ".join((tree.title or "").split()))[:1000]
