"""Settings of extraction, and what it gives back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

import msgspec

from thresher.filters.errors import ConfigError
from thresher.filters.user_function import check_reference, without_folder
from thresher.pipeline.extract.metadata import Metadata
from thresher.pipeline.read.charset import CharsetSource
from thresher.pipeline.read.records import Page

ProfileName = Literal["balanced", "fast", "precise", "all_text", "custom"]

PROFILE_VERSIONS: dict[ProfileName, int] = {
    "balanced": 1,
    "fast": 1,
    "precise": 1,
    "all_text": 1,
    "custom": 1,
}
"""Raised with any change of what a profile gives; part of the fingerprint of documents."""


class ExtractSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How HTML becomes text, and what one page may cost."""

    profile: ProfileName = "balanced"
    """`balanced`: resiliparse, then a model of lines decides which are main text; `fast`:
    resiliparse main content as it is; `precise`: trafilatura, some ten times slower; `all_text`:
    all visible text; `custom`: a function of yours."""
    custom: str = ""
    """For the profile `custom`: `package.module:function` or `file.py:function` (a path relative to
    the recipe), on every worker; it takes the decoded HTML as `str` and gives the text. It runs in
    the extraction process."""
    custom_version: str = ""
    """Change it when anything but the source of the function's module changes what it gives, so
    that old documents count as stale."""
    custom_sha256: str = ""
    """Hash that this source must have; by default what it has when the run is planned."""
    timeout_seconds: Annotated[float, msgspec.Meta(gt=0, le=3600)] = 10.0
    """Longest time for one page; then the extraction process is killed and the page gets as long
    once more for all its text."""
    max_bytes: Annotated[int, msgspec.Meta(ge=1024, le=1 << 30)] = 8 << 20
    """A larger page is rejected as `oversize`."""
    max_depth: Annotated[int, msgspec.Meta(ge=1, le=100_000)] = 1000
    """Deeper nested pages give all their text instead of the main content, which is quadratic
    in the depth (23 ms at 1,000, minutes at 50,000); all-text extraction is linear."""
    memory_bytes: Annotated[int, msgspec.Meta(ge=256 << 20)] = 2 << 30
    """Address space of the extraction process, where the system can limit it (Linux)."""

    def check(self, where: str) -> None:
        """Raise `ConfigError` for values that make no sense."""
        if (self.profile == "custom") != bool(self.custom):
            raise ConfigError(
                f"{where}.custom",
                "belongs to the profile 'custom', and that to it.",
                'Write both: profile = "custom", custom = "file.py:function".',
            )
        if self.custom:
            check_reference(self.custom, f"{where}.custom")

    @property
    def identity(self) -> dict[str, Any]:
        """What a fingerprint depends on."""
        plain: dict[str, Any] = msgspec.to_builtins(self)
        plain["custom"] = without_folder(self.custom)
        if not self.custom_sha256:
            del plain["custom_sha256"]
        return plain


class Facts(msgspec.Struct, array_like=True):
    """What was measured while a page was extracted; the family `extract` documents each."""

    profile: str
    fallback: str | None = None
    words: int | None = None
    body_words: int | None = None
    link_fraction: float | None = None
    links_per_100_words: float | None = None
    body_link_fraction: float | None = None
    body_links_per_100_words: float | None = None
    dropped_repeated_lines: int | None = None
    dropped_link_lines: int | None = None
    dropped_furniture_lines: int | None = None
    dropped_tail_lines: int | None = None
    dropped_other_lines: int | None = None
    has_code: bool | None = None
    has_table: bool | None = None


@dataclass(frozen=True, slots=True)
class Extracted:
    """The text of a page."""

    page: Page = field(repr=False)
    text: str
    title: str
    charset: str
    """The Python name of the charset that the page was decoded by."""
    charset_source: CharsetSource
    facts: Facts | None = None
    """None for finished text, which nobody extracted."""
    metadata: Metadata | None = None
    """None for finished text."""
    read: str | None = None
    """The text as it was read, where making it normal or mending it has changed it."""
    mending: tuple[int, ...] | None = None
    """How much of it that was, in the order of the family `mending`; None where it is as read."""

    @property
    def as_read(self) -> str:
        """The text before anything was changed in it."""
        return self.text if self.read is None else self.read
