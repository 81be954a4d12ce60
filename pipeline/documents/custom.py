"""How often an extractor of the user's own failed, for the facts of a shard."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from thresher.pipeline.extract import Extracted
from thresher.pipeline.extract.extractor import RETRIED
from thresher.pipeline.gate.book import document_id


class CustomTally:
    """Counts the pages of a shard that an extractor was given, and those it failed on.

    Such a page has all of its visible text instead, and `extract.fallback` says why.
    """

    def __init__(self) -> None:
        self._pages = self._failed = 0
        self._first = ""

    def add(self, extracted: Iterable[Extracted]) -> None:
        """Count what came of some pages; finished text is none."""
        for item in extracted:
            if item.facts is None:
                continue
            self._pages += 1
            if item.facts.fallback in RETRIED:
                self._failed += 1
                if not self._first:
                    self._first = f"document {document_id(item.page)}: {item.facts.fallback}"

    def facts(self) -> dict[str, Any]:
        """Of `custom`: pages, how many of them failed, and the first of these."""
        return {"pages": self._pages, "failed": self._failed, "first": self._first}
