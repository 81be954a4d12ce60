"""Dates as archives, feeds and databases write them, as moments that can be compared.

What is read, and nothing else:

    20200115103000              ARC: 14 digits; also 17 (with milliseconds), 12 and 8
    2020-01-15T10:30:00+02:00   ISO 8601, also with a blank, slashes or no marks; one that ends with
                                the minutes, the day, the month or the year is their beginning
    Wed, 15 Jan 2020 10:30 GMT  RFC 822, 1123 and 850, and what asctime prints
    1579084200                  seconds since 1970 (9 or 10 digits), milliseconds (12 or 13),
                                microseconds (15 or 16) or nanoseconds (18 or 19)

A date without a zone is in UTC. Of numbers the count of digits says what they are, so that each
unit is read from 1973 to 2286; one of 12 or 17 digits that starts like a year of 1900 to 2099 is a
calendar's. What is finer than a microsecond is cut off. All other texts, and moments outside of the
years 1 to 9999, are no dates.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable

import pyarrow as pa

__all__ = ["LONGEST", "MOMENT", "moment", "moments"]

MOMENT = pa.timestamp("us")
"""Arrow's type of a moment: microseconds since 1970, in UTC."""

LONGEST = 64
"""A text of more characters is no date."""

_EPOCH_DAY = datetime.date(1970, 1, 1).toordinal()
_SECOND = 10**6
_DAY = 86_400 * _SECOND
_FIRST = (1 - _EPOCH_DAY) * _DAY
_END = (datetime.date.max.toordinal() + 1 - _EPOCH_DAY) * _DAY

_NUMBER = re.compile(r"(-?)([0-9]{8,19})(?:\.([0-9]{1,20}))?")
_PER_SECOND = {9: 1, 10: 1, 12: 10**3, 13: 10**3, 15: 10**6, 16: 10**6, 18: 10**9, 19: 10**9}
"""Units in a second, by how many digits a number has."""
_COMPACT = re.compile(
    r"([0-9]{4})([0-9]{2})([0-9]{2})"
    r"(?:[t ]?([0-9]{2})([0-9]{2})(?:([0-9]{2})(?:[.,]([0-9]{1,20}))?)?)?"
    r" ?(z|utc|gmt|[+-][0-9]{2}:?[0-9]{2}|)"
)
_ISO = re.compile(
    r"([0-9]{4})(?:[-/]([0-9]{1,2})(?:[-/]([0-9]{1,2})"
    r"(?:[t ] ?([0-9]{1,2}):([0-9]{2})(?::([0-9]{2})(?:[.,]([0-9]{1,20}))?)?"
    r" ?(z|utc|gmt|[+-][0-9]{2}(?::?[0-9]{2})?|))?)?)?"
)
_TIME = r"([0-9]{1,2}):([0-9]{2})(?::([0-9]{2}))?"
_MAIL = re.compile(
    rf"(?:[a-z]{{3,9}},? )?([0-9]{{1,2}})[ -]([a-z]{{3,9}})[ -]([0-9]{{4}}|[0-9]{{2}})"
    rf"(?: {_TIME} ?([a-z]{{1,5}}|[+-][0-9]{{4}}|)(?: \([a-z]{{1,5}}\))?)?"
)
_ASCTIME = re.compile(rf"[a-z]{{3}} ([a-z]{{3}}) ([0-9]{{1,2}}) {_TIME} ([0-9]{{4}})")
_MONTHS = (
    *("january", "february", "march", "april", "may", "june", "july", "august", "september"),
    *("october", "november", "december"),
)
_MONTH = {name: number for number, full in enumerate(_MONTHS, 1) for name in (full, full[:3])} | {
    "sept": 9
}
_HOURS = {"est": -5, "edt": -4, "cst": -6, "cdt": -5, "mst": -7, "mdt": -6, "pst": -8, "pdt": -7}
"""The zones that RFC 822 names besides UTC, to which the RFCs after it take all others."""


def moment(text: str) -> int | None:
    """The moment that a date tells, in microseconds since 1970; None for what is no date."""
    if len(text) > LONGEST or not text.isascii():
        return None
    plain = " ".join(text.lower().split())
    if number := _NUMBER.fullmatch(plain):
        found = _of_number(plain, *number.groups(""))
    elif plain[:4].isdecimal():
        found = _of_calendar(_ISO.fullmatch(plain) or _COMPACT.fullmatch(plain))
    else:
        found = _of_mail(plain)
    return found if found is not None and _FIRST <= found < _END else None


def moments(texts: Iterable[str | None]) -> pa.Array:
    """The moments of dates as a column, NULL where there is none."""
    return pa.array([moment(text) if text else None for text in texts], MOMENT)


def _of_number(plain: str, sign: str, digits: str, fraction: str) -> int | None:
    calendar = len(digits) in (8, 14) or (len(digits) in (12, 17) and digits[:2] in ("19", "20"))
    if calendar:
        marked = f"{digits[:14]}.{digits[14:]}" if len(digits) == 17 else plain
        return None if sign else _of_calendar(_COMPACT.fullmatch(marked))
    units = _PER_SECOND.get(len(digits))
    if units is None:
        return None
    # To whole numbers, so that nothing is rounded.
    scaled = int(digits + fraction) * (-1 if sign else 1)
    found: int = scaled * _SECOND // (units * 10 ** len(fraction))
    return found


def _of_calendar(found: re.Match[str] | None) -> int | None:
    if found is None:
        return None
    year, month, day, hour, minute, second, fraction, zone = found.groups()
    return _moment(
        (int(year), int(month or 1), int(day or 1)),
        (int(hour or 0), int(minute or 0), int(second or 0)),
        int((fraction or "")[:6].ljust(6, "0")),
        _offset(zone or ""),
    )


def _of_mail(plain: str) -> int | None:
    if found := _MAIL.fullmatch(plain):
        day, name, year, hour, minute, second, zone = found.groups()
    elif found := _ASCTIME.fullmatch(plain):
        name, day, hour, minute, second, year = found.groups()
        zone = ""
    else:
        return None
    if name not in _MONTH:
        return None
    whole = int(year)
    if len(year) == 2:
        whole += 2000 if whole < 50 else 1900  # as RFC 2822 has it
    clock = (int(hour or 0), int(minute or 0), int(second or 0))
    return _moment((whole, _MONTH[name], int(day)), clock, 0, _offset(zone or ""))


def _offset(zone: str) -> int | None:
    """Seconds that a zone is ahead of UTC; None where it is more than a day."""
    if zone[:1] not in ("+", "-"):
        return 3600 * _HOURS.get(zone, 0)
    hours, minutes = int(zone[1:3]), int(zone[3:].lstrip(":") or 0)
    if hours > 23 or minutes > 59:
        return None
    ahead = 3600 * hours + 60 * minutes
    return -ahead if zone[0] == "-" else ahead


def _moment(
    date: tuple[int, int, int], clock: tuple[int, int, int], fraction: int, offset: int | None
) -> int | None:
    hour, minute, second = clock
    # A leap second is the first of the next minute, and 24:00 the first of the next day.
    is_clock = (hour < 24 and minute < 60 and second < 61) or (clock == (24, 0, 0) and not fraction)
    if offset is None or not is_clock:
        return None
    try:
        day = datetime.date(*date).toordinal() - _EPOCH_DAY
    except ValueError:
        return None
    seconds = 3600 * hour + 60 * minute + second - offset
    return day * _DAY + seconds * _SECOND + fraction
