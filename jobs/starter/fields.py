"""Which field of the rows of a file holds the text, the identity, the URL and the date."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from thresher.filters.errors import InputError
from thresher.pipeline.read.look import Field, Look

__all__ = ["row_settings"]

_USUAL: Mapping[str, Sequence[str]] = {
    "text_field": (
        *("text", "content", "body", "raw_content", "article", "markdown", "passage", "document"),
    ),
    "id_field": (
        *("id", "_id", "doc_id", "docid", "document_id", "uuid", "guid", "uid", "record_id"),
        *("warc_record_id", "key", "hash", "sha256"),
    ),
    "url_field": (
        *("url", "uri", "link", "source_url", "page_url", "target_uri", "warc_target_uri", "href"),
        *("permalink", "canonical_url"),
    ),
    "date_field": (
        *("date", "timestamp", "published", "published_at", "created", "created_at", "crawled_at"),
        *("fetched_at", "crawl_date", "warc_date", "datetime", "time", "when"),
    ),
}
"""Names by which crawls and data sets call them, the most usual first."""


def row_settings(look: Look, name: str) -> dict[str, str]:
    """The field for each of `text_field`, `id_field`, `url_field` and `date_field` that has one.

    The text is in the field of the most usual name or, if none has one, in that with the longest
    texts. Of several fields of one name the least nested is taken.

    Args:
        look: at a file of rows.
        name: of the file, for errors.

    Raises:
        InputError: if no field holds text.
    """
    # What TOML cannot hold, or a person not type, is left to the person.
    fields = [field for field in look.fields if field.name and field.name.isprintable()]
    texts = [field for field in fields if field.text_bytes >= 0]
    if not texts:
        there = ", ".join(f"'{field.name}'" for field in fields[:20]) or "nothing"
        raise InputError(f"'{name}' has no field of text in its first rows, which hold {there}")
    found = {"text_field": _by_name(texts, "text_field") or _longest(texts)}
    others = [field for field in fields if field.name != found["text_field"]]
    for setting in ("id_field", "url_field", "date_field"):
        found[setting] = _by_name(others, setting)
    return {setting: field for setting, field in found.items() if field}


def _by_name(fields: Sequence[Field], setting: str) -> str:
    usual = _USUAL[setting]
    ranked = [
        (usual.index(last), field.name.count("."), place, field.name)
        for place, field in enumerate(fields)
        if (last := _last(field.name)) in usual
    ]
    return min(ranked)[-1] if ranked else ""


def _last(name: str) -> str:
    return name.rpartition(".")[2].lower().replace("-", "_")


def _longest(texts: Sequence[Field]) -> str:
    return max(texts, key=lambda field: field.text_bytes).name
