"""Settings of extraction, and what it gives back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import msgspec

from pipeline.read.charset import CharsetSource
from pipeline.read.records import Page


class ExtractSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How HTML becomes text, and what one page may cost."""

    profile: Literal["fast", "precise"] = "fast"
    """`fast`: resiliparse main content; `precise`: trafilatura, some fifteen times slower."""
    timeout_seconds: Annotated[float, msgspec.Meta(gt=0, le=3600)] = 10.0
    """Longest time for one page; then the extraction process is killed and the page rejected."""
    max_bytes: Annotated[int, msgspec.Meta(ge=1024, le=1 << 30)] = 8 << 20
    """A larger page is rejected as `oversize`."""
    max_depth: Annotated[int, msgspec.Meta(ge=1, le=100_000)] = 1000
    """Deeper nested pages give all their text instead of the main content, which is quadratic
    in the depth (23 ms at 1,000, minutes at 50,000); all-text extraction is linear."""
    memory_bytes: Annotated[int, msgspec.Meta(ge=256 << 20)] = 2 << 30
    """Address space of the extraction process, where the system can limit it (Linux)."""


@dataclass(frozen=True, slots=True)
class Extracted:
    """The text of a page."""

    page: Page
    text: str
    title: str
    charset: str
    """The Python name of the charset that the page was decoded by."""
    charset_source: CharsetSource
