"""`thresher.extract`: a page in, its text and what it declares out."""

from __future__ import annotations

from typing import Any

from thresher.filters.config import load
from thresher.filters.errors import ExtractionError, InputError
from thresher.pipeline.extract import Extracted, ExtractSettings
from thresher.pipeline.extract.normal import normal_pages
from thresher.pipeline.extract.settings import ProfileName
from thresher.pipeline.extract.shared import extract_pages
from thresher.pipeline.read.records import Page, clean_text


def extract(
    html: str | bytes,
    url: str = "",
    *,
    charset: str = "",
    profile: ProfileName = "balanced",
    timeout_seconds: float = 10.0,
) -> Extracted:
    """Extract the text of a page, as a run does.

    The page is parsed in a process of its own, as in a run: a page can make a parser hang, crash or
    fill the memory, and there it costs that process alone. It has `timeout_seconds`, then as long
    once more for all its text by simpler means. The process starts with the first call, in about a
    second, and stays; after that a call costs what the page costs. Threads take turns.

    Args:
        html: the page; bytes are decoded as a run decodes them.
        url: its address, for `url_parts.*` and the blocklist of a run.
        charset: what the HTTP header declares, if that is known; for bytes.
        profile: how HTML becomes text; docs/recipe.md has the profiles.
        timeout_seconds: longest time for the page.

    Returns:
        `text` (with plain ends of lines, and mended), `title`, `charset` and where it was found,
        `facts` (what was dropped, links, tables) and `metadata` (language, date, licence,
        reservations); `thresher.measure` takes it as it is.

    Raises:
        ExtractionError: if the page gives no text; its `reason` says why.
        InputError: if it is neither a string nor bytes.
        ConfigError: for a profile or time that there is not.
        ExtractionStartError: if the process does not start.
    """
    given: Any = html
    if isinstance(given, bytearray | memoryview):
        given = bytes(given)
    if not isinstance(given, str | bytes):
        raise InputError(f"html is of type {type(html).__name__}: give the page as str or bytes")
    for name, value in (("url", url), ("charset", charset)):
        if not isinstance(value, str):
            raise InputError(f"{name}: give text, not {type(value).__name__}")
    settings = load(
        ExtractSettings, {"profile": profile, "timeout_seconds": timeout_seconds}, "extract"
    )
    settings.check("extract")
    page = Page("", clean_text(url), "", given, is_html=True, charset=charset)
    (found,) = extract_pages([page], settings)
    if isinstance(found, Extracted):
        return normal_pages([found])[0]
    raise ExtractionError(found.url, found.reason, found.detail)
