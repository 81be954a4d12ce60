"""What JSON Lines and Parquet share: from a row's fields to a page."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from thresher.pipeline.read.records import Page, Rejected, clean_text, reject


@dataclass(frozen=True, slots=True)
class RowFields:
    """Names of the fields that make a page; a dot goes into a nested object."""

    text: str
    id: str
    url: str
    date: str

    def roots(self) -> list[str]:
        """The top-level names among them, each once."""
        names = (self.text, self.id, self.url, self.date)
        return list(dict.fromkeys(name.partition(".")[0] for name in names if name))


def row_to_page(values: Mapping[str, Any], fields: RowFields) -> Page | Rejected:
    """A page from the top-level values of a row."""
    record_id = _as_string(field_value(values, fields.id))
    url = _as_string(field_value(values, fields.url))
    text = field_value(values, fields.text)
    if not isinstance(text, str):
        what = "null or absent" if text is None else f"of type {type(text).__name__}"
        return reject("missing_text", record_id, url, f"'{fields.text}' is {what}")
    text = clean_text(text)
    if not text.strip():
        return reject("empty", record_id, url)
    return Page(record_id, url, _as_string(field_value(values, fields.date)), text, False, "utf-8")


def field_value(values: Mapping[str, Any], name: str) -> Any:
    """The value under a name, in which a dot goes into nested objects; None where it is absent."""
    if not name:
        return None
    if name in values:
        return values[name]
    found: Any = values
    for part in name.split("."):
        if not isinstance(found, Mapping):
            return None
        found = found.get(part)
    return found


def _as_string(value: Any) -> str:
    if value is None or isinstance(value, list | Mapping):
        return ""
    if isinstance(value, datetime.date):
        return value.isoformat()
    return clean_text(str(value))
