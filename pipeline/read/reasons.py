"""Why a record is not a document: the closed list of reasons that reading and gating give.

`gated` records are fine but not wanted (a redirect, an image); `failed` records are damaged or
defeated the tools, and deserve a look. The ledger counts both. A reason is a constant: it is
never formatted and never reused with a new meaning. What is particular to one record (the
status, the exception) goes into `Rejected.detail`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Outcome = Literal["gated", "failed"]


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason why a record is not a document."""

    name: str
    outcome: Outcome
    meaning: str
    damage: bool = False
    """Whether it means that the file itself is damaged and lost records."""


_ALL = (
    Reason(
        "not_a_response",
        "gated",
        "An archive record of another type than response, resource or conversion (warcinfo, "
        "request, metadata ...).",
    ),
    Reason(
        "revisit", "gated", "A revisit record: the archive refers to an earlier copy of the page."
    ),
    Reason("http_status", "gated", "The HTTP status is not 2xx."),
    Reason(
        "not_html",
        "gated",
        "The payload is neither HTML nor XHTML, by the type that the crawler identified, else the "
        "declared one, else its first bytes.",
    ),
    Reason(
        "oversize",
        "gated",
        "The record, or what it decompresses to, is larger than `input.max_record_bytes` (or "
        "`extract.max_bytes`). It was skipped without being read into memory.",
    ),
    Reason("empty", "gated", "The record has no content, or white space only."),
    Reason("blocked_url", "gated", "The URL is on the blocklist; the detail names which list."),
    Reason("too_small", "gated", "The extracted text is shorter than the smallest useful text."),
    Reason("wrong_language", "gated", "The text is not in one of the wanted languages."),
    Reason(
        "undecodable",
        "failed",
        "No charset decodes the bytes into text: every candidate loses too many characters, or "
        "the bytes are binary. Of a row of Parquet: a string is not UTF-8; the detail names the "
        "field.",
    ),
    Reason(
        "truncated_archive",
        "failed",
        "The file ends inside a record or a compressed member. What came before it was read.",
    ),
    Reason(
        "malformed_record",
        "failed",
        "Bytes that do not parse as a record of the format: a broken header, a wrong length, "
        "damaged compression, invalid JSON, a row group of Parquet that does not decode, or no "
        "record at all. A stretch of them that damage made counts once, with its bytes.",
        damage=True,
    ),
    Reason(
        "malformed_body",
        "failed",
        "The HTTP body does not decode by its declared content or transfer encoding.",
    ),
    Reason("missing_text", "failed", "A JSON or Parquet row without a string in the text field."),
    Reason(
        "unreadable_shard",
        "failed",
        "The file is damaged from here on, or is of no known format; the detail says where.",
        damage=True,
    ),
    Reason("extraction_timeout", "failed", "Extraction took longer than `timeout_seconds`."),
    Reason("extraction_crash", "failed", "The extraction process died on this page."),
    Reason("extraction_memory", "failed", "Extraction needed more than `memory_bytes`."),
    Reason("extraction_error", "failed", "The extractor raised an exception on this page."),
)

REASONS: dict[str, Reason] = {reason.name: reason for reason in _ALL}
"""Every reason by its name, in the order of documentation."""
