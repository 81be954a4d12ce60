"""What JSON Lines and Parquet share: from a row's fields to a page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from thresher.filters.errors import no_such_field
from thresher.pipeline.read.records import (
    Origin,
    Page,
    Rejected,
    clean_text,
    reject,
)


@dataclass(frozen=True, slots=True)
class RowFields:
    """Names of the fields that make a page; a dot goes into a nested object."""

    text: str
    id: str
    url: str
    date: str

    def roots(self) -> list[str]:
        """The top-level names under which they may be, each once.

        `a.b` is the key `b` of an object `a`, or the key `a.b` of a row that was flattened.
        """
        names = (self.text, self.id, self.url, self.date)
        return list(dict.fromkeys(prefix for name in names for prefix in prefixes(name)))


def prefixes(name: str) -> list[str]:
    """A dotted name and all that it may begin with, the longest first; none of an empty name."""
    parts = name.split(".") if name else []
    return [".".join(parts[:count]) for count in range(len(parts), 0, -1)]


def row_to_page(
    values: Mapping[str, Any], fields: RowFields, origin: Origin, extra: str = ""
) -> Page | Rejected:
    """A page from the top-level values of a row.

    Args:
        values: by name.
        fields: which of them make the page.
        origin: where the row lies.
        extra: what is kept of it besides.
    """
    record_id = _as_string(field_value(values, fields.id))
    url = _as_string(field_value(values, fields.url))
    text = field_value(values, fields.text)
    if not isinstance(text, str):
        return missing_text(
            fields.text, "" if text is None else type(text).__name__, record_id, url
        )
    date = _as_string(field_value(values, fields.date))
    return text_to_page(clean_text(text), record_id, url, date, origin, extra)


def text_to_page(
    text: str, record_id: str, url: str, date: str, origin: Origin, extra: str
) -> Page | Rejected:
    """A page of finished, storable texts; rejected where the text is blank."""
    if not text or text.isspace():
        return reject("empty", record_id, url)
    return Page(record_id, url, date, text, False, "utf-8", extra=extra, origin=origin)


def missing_text(name: str, kind: str, record_id: str, url: str, told: str = "") -> Rejected:
    """A row without a text under a name.

    Args:
        name: of the field.
        kind: the type of what is there, "" of nothing.
        record_id: of the row.
        url: likewise.
        told: see `Rejected`.
    """
    what = f"of type {kind}" if kind else "null or absent"
    found = reject("missing_text", record_id, url, f"'{name}' is {what}")
    return replace(found, told=told) if told else found


def fields_there(name: str, there: Iterable[str]) -> str:
    """That a row has nothing under a name, and what it has; "" where it may have that."""
    names = list(there)
    return "" if set(prefixes(name)) & set(names) else no_such_field(name, names)


def field_value(values: Mapping[str, Any], name: str) -> Any:
    """The value under a name, in which a dot goes into nested objects; None where it is absent.

    A key with the dot in it goes before an object.
    """
    found = values.get(name) if name else None
    return found if found is not None or "." not in name else _value(values, name.split("."))


def _value(values: Mapping[str, Any], parts: Sequence[str]) -> Any:
    for count in range(len(parts), 0, -1):
        found = values.get(".".join(parts[:count]))
        if count == len(parts):
            if found is not None:
                return found
        elif isinstance(found, Mapping):
            inner = _value(found, parts[count:])
            if inner is not None:
                return inner
    return None


def _as_string(value: Any) -> str:
    if value is None or isinstance(value, list | Mapping):
        return ""
    return clean_text(str(value))
