"""Arrow columns to the strings of a page, where one bad value costs one row and never the batch.

`to_pylist` raises for a whole batch at a date beyond the year 9999, at nanoseconds, at an unknown
time zone and at a string that is not UTF-8. Here a value that no Python type holds is printed by
other means, and a string that does not decode stays bytes.
"""

from __future__ import annotations

import contextlib
import datetime
import itertools
from collections.abc import Callable, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as kinds

Value = str | bytes | None
"""A string, the bytes of one that is not UTF-8, or nothing."""

_PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
_DAY = 86_400
_EPOCH = datetime.datetime(1970, 1, 1)
_CALENDAR_DAYS = 146_097
_CALENDAR_YEARS = 400


def plain(column: pa.Array) -> pa.Array:
    """The values themselves, without dictionary, view and extension type; UUIDs stay UUIDs."""
    if isinstance(column, pa.ExtensionArray):
        return column if column.type == pa.uuid() else plain(column.storage)
    if kinds.is_dictionary(column.type):
        return plain(column.dictionary_decode())
    if kinds.is_string_view(column.type):
        return column.cast(pa.large_string())
    return column.cast(pa.large_binary()) if kinds.is_binary_view(column.type) else column


def is_text(kind: pa.DataType) -> bool:
    """Whether values of a type are strings, or bytes that may be."""
    return bool(kinds.is_string(kind) or kinds.is_large_string(kind) or _is_bytes(kind))


def texts(column: pa.Array) -> list[Value]:
    """The strings of a column of text; bytes are decoded as UTF-8."""
    if _is_bytes(column.type):
        return [_decoded(value) for value in column.to_pylist()]
    try:
        found: list[Value] = column.to_pylist()
    except UnicodeDecodeError:
        # To the type of bytes with offsets as wide, so that no copy is made.
        wide = pa.large_binary() if kinds.is_large_string(column.type) else pa.binary()
        return [_decoded(value) for value in column.cast(wide).to_pylist()]
    return found


def printed(column: pa.Array) -> list[Value]:
    """What the values print, as an id, a URL or a date; None where there is nothing to print.

    Lists, maps and structs print nothing. Bytes that are no printable text print in hex, dates and
    times as ISO 8601, beyond the year 9999 with a sign.
    """
    column = plain(column)
    kind = column.type
    if kinds.is_nested(kind) or kinds.is_null(kind):
        return [None] * len(column)
    if _is_bytes(kind):
        return [_printable(value) for value in column.to_pylist()]
    if is_text(kind):
        return texts(column)
    if kinds.is_timestamp(kind):
        return _each(column.cast(pa.int64()), lambda value: _moment(value, kind.unit, kind.tz))
    if kinds.is_date(kind):
        days = 1 if kinds.is_date32(kind) else _DAY * 1000
        whole = column.cast(pa.int32() if kinds.is_date32(kind) else pa.int64())
        return _each(whole, lambda value: _day(value // days))
    if kinds.is_decimal(kind):
        return _each(column, lambda value: format(value, "f"))
    if kinds.is_time(kind):
        return texts(column.cast(pa.string()))
    return _each(column.cast(pa.int64()) if kinds.is_duration(kind) else column, str)


def json_values(column: pa.Array) -> list[Any]:
    """The values as JSON has them: truth values, numbers, lists, objects, else what they print.

    Maps give None, strings that are not UTF-8 their bytes.
    """
    column = plain(column)
    kind = column.type
    if kinds.is_boolean(kind) or kinds.is_integer(kind):
        return list(column.to_pylist())
    if kinds.is_floating(kind):
        return [None if value is None else float(value) for value in column.to_pylist()]
    if kinds.is_list(kind) or kinds.is_large_list(kind) or kinds.is_fixed_size_list(kind):
        values = iter(json_values(column.flatten()))
        lengths = pc.list_value_length(column).to_pylist()
        return [
            None if length is None else list(itertools.islice(values, length)) for length in lengths
        ]
    if kinds.is_struct(kind):
        names = [field.name for field in kind]
        inner = [json_values(pc.struct_field(column, [place])) for place in range(len(names))]
        rows = zip(*inner, strict=True) if inner else ([()] * len(column))
        there = column.is_valid().to_pylist()
        return [
            dict(zip(names, row, strict=True)) if is_there else None
            for row, is_there in zip(rows, there, strict=True)
        ]
    return list(printed(column))


def _is_bytes(kind: pa.DataType) -> bool:
    return bool(
        kinds.is_binary(kind) or kinds.is_large_binary(kind) or kinds.is_fixed_size_binary(kind)
    )


def _each(column: pa.Array, shown: Callable[[Any], str]) -> list[Value]:
    values: Sequence[Any] = column.to_pylist()
    return [None if value is None else shown(value) for value in values]


def _decoded(value: bytes | None) -> Value:
    if value is None:
        return None
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value


def _printable(value: bytes | None) -> Value:
    text = _decoded(value)
    if isinstance(text, bytes) or (text and not text.isprintable()):
        return (value or b"").hex()
    return text


def _moment(value: int, unit: str, zone: str | None) -> str:
    """A timestamp as ISO 8601, as Python prints it wherever Python can."""
    parts = _PER_SECOND[unit]
    seconds, part = divmod(value, parts)
    nanoseconds = part * (10**9 // parts)
    microseconds, rest = divmod(nanoseconds, 1000)
    if not rest:
        with contextlib.suppress(OverflowError, ValueError):
            moment = _EPOCH + datetime.timedelta(seconds=seconds, microseconds=microseconds)
            if zone is None:
                return moment.isoformat()
            moment = moment.replace(tzinfo=datetime.UTC)
            return moment.astimezone(_zone(zone)).isoformat()
    days, second = divmod(seconds, _DAY)
    fraction = f".{nanoseconds:09d}" if nanoseconds else ""
    clock = f"{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}{fraction}"
    return f"{_day(days)}T{clock}{'' if zone is None else '+00:00'}"


def _zone(name: str) -> datetime.tzinfo:
    """A time zone; UTC, in which Arrow stores all moments, where the name is of none."""
    try:
        found: datetime.tzinfo = pa.lib.string_to_tzinfo(name)
    except Exception:  # noqa: BLE001 - by the package that knows the zones, each has its own
        return datetime.UTC
    return found


def _day(days: int) -> str:
    """The date so many days after 1970-01-01, of any year."""
    # The calendar repeats, so that the day is found in a year that Python has.
    cycles, left = divmod(days, _CALENDAR_DAYS)
    day = datetime.date(1970, 1, 1) + datetime.timedelta(days=left)
    year = day.year + _CALENDAR_YEARS * cycles
    sign = "" if 0 <= year <= 9999 else "+" if year > 0 else "-"
    return f"{sign}{abs(year):04d}-{day.month:02d}-{day.day:02d}"
