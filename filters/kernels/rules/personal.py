"""Personal data: e-mail addresses, public IP addresses, phone and card numbers.

Read from `@`, `:`, `+`, `(` and digits outwards. A *number* is the longest run of groups of digits
with one separator between two (a space, `-`, `.`, `)` alone or with a space or `-` behind it, or
` (`), perhaps after a `+` or `(`. No letter, digit or mark of a larger number stands before it,
and no letter, digit, `_` or `%` behind. It is

- an address, if 4 groups up to 255 stand between points and no network for private, reserved or
  documentation use holds it;
- a phone number, if `+` leads and it has 9 to 15 digits, the first not 0, or if it is written
  `(NNN) NNN-NNNN` or `NNN-NNN-NNNN` (points do as well), perhaps behind a 1, and does not begin
  with 0 or 1;
- a card number, if it has 13 to 19 digits in one group, or in groups of 4 to 6 digits but the last
  that are all between spaces or all between hyphens, begins with 3 to 6 and passes the Luhn check.

Both kinds of address count together. IPv6 addresses are those of 2000::/3 with hexadecimal groups
only.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from thresher.filters.kernels import inlined, inner
from thresher.filters.kernels.text.simd import WIDTH, address, lowest, personal

EMAILS = 0
IP_ADDRESSES = 1
PHONES = 2
CARDS = 3
KINDS = 4

MOST_GROUPS = 8
_LONGEST_DOMAIN = 253
_DIGITS = 24
WORK = _DIGITS + 3 * MOST_GROUPS
"""Numbers that reading one takes."""

_NOTHING, _SPACE, _HYPHEN, _POINT, _CLOSE, _OPEN = 0, 1, 2, 4, 8, 16

Bytes = npt.NDArray[np.uint8]


@inlined
def _is_digit(byte: int) -> bool:
    return 48 <= byte <= 57


@inlined
def _alphanumeric(byte: int) -> bool:
    return 48 <= byte <= 57 or 65 <= byte <= 90 or 97 <= byte <= 122 or byte >= 128


@inlined
def _hex(byte: int) -> bool:
    return 48 <= byte <= 57 or 65 <= byte <= 70 or 97 <= byte <= 102


@inner
def _is_email(data: Bytes, start: int, at: int, end: int) -> bool:
    """Whether the `@` stands between a name and a domain whose last label begins with a letter."""
    if at == start:
        return False
    before = data[at - 1]
    ascii_name = before < 128 and _alphanumeric(before)
    if not (ascii_name or before == 95 or before == 43 or before == 45 or before == 37):
        return False
    limit = min(end, at + 1 + _LONGEST_DOMAIN)
    i = at + 1
    label = i
    labels = 0
    while i < limit:
        byte = data[i]
        if byte == 46:
            if i == label or i + 1 >= limit or data[i + 1] >= 128:
                break
            if not (_alphanumeric(data[i + 1]) or data[i + 1] == 45):
                break
            labels += 1
            label = i + 1
        elif not (byte == 45 or (byte < 128 and _alphanumeric(byte))):
            break
        i += 1
    return bool(labels > 0 and i - label >= 2 and not _is_digit(data[label]) and data[label] != 45)


@inner
def _is_ipv6(data: Bytes, start: int, colon: int, end: int) -> bool:
    """Whether the first colon of a global unicast address stands here."""
    first = colon - 4
    if first < start or not 50 <= data[first] <= 51:
        return False
    for i in range(first, colon):
        if not _hex(data[i]):
            return False
    if first > start:
        before = data[first - 1]
        if _alphanumeric(before) or before == 58 or before == 46 or before == 95:
            return False
    groups = 1
    gaps = 0
    digits = 1
    second = -1
    i = colon
    while i < end and data[i] == 58:
        i += 1
        digits = 0
        value = 0
        while i < end and digits < 4 and _hex(data[i]):
            value = value * 16 + (data[i] & 15) + 9 * (data[i] >> 6)
            digits += 1
            i += 1
        groups += digits > 0
        gaps += digits == 0
        if groups == 2 and gaps == 0:
            second = value
        if groups > 8:
            return False
    if i < end and (_alphanumeric(data[i]) or data[i] == 95):
        return False
    if second == 0xDB8 and data[first] == 50 and data[first + 3] == 49:
        if data[first + 1] == 48 and data[first + 2] == 48:  # 2001:db8::/32 is for documentation
            return False
    if digits == 0:  # it ends in a colon: that must be the second of two
        return bool(gaps == 2 and data[i - 2] == 58 and groups <= 7)
    return (groups == 8 and gaps == 0) or (groups <= 7 and gaps == 1)


@inner
def _is_public(a: int, b: int, c: int) -> bool:
    """Whether no private, reserved or documentation network holds the address a.b.c.x."""
    if a == 0 or a == 10 or a == 127 or a >= 240:
        return False
    if (a == 100 and 64 <= b < 128) or (a == 169 and b == 254) or (a == 172 and 16 <= b < 32):
        return False
    if a == 192 and (b == 168 or (b == 0 and (c == 0 or c == 2))):
        return False
    if a == 198 and (b == 18 or b == 19 or (b == 51 and c == 100)):
        return False
    return not (a == 203 and b == 0 and c == 113)


@inner
def _passes_luhn(digits: npt.NDArray[np.int64], count: int) -> bool:
    total = 0
    for k in range(count):
        digit = digits[count - 1 - k]
        if k & 1:
            digit *= 2
            if digit > 9:
                digit -= 9
        total += digit
    return total % 10 == 0


@inner
def _read_number(data: Bytes, first: int, end: int, work: npt.NDArray[np.int64]) -> tuple[int, int]:
    """The end of the number that begins at `first` and its kind, or -1.

    `work` holds the digits, then the lengths of groups, their values and the separators before.
    """
    lengths = work[_DIGITS:]
    values = work[_DIGITS + MOST_GROUPS :]
    separators = work[_DIGITS + 2 * MOST_GROUPS :]
    i = first
    plus = data[i] == 43
    bracket = data[i] == 40
    i += plus or bracket
    groups = 0
    digits = 0
    separator = 0
    all_separators = 0
    while True:
        length = 0
        value = 0
        while i < end and _is_digit(data[i]):
            if digits < _DIGITS:
                work[digits] = data[i] - 48
            value = min(value * 10 + data[i] - 48, 100_000)
            digits += 1
            length += 1
            i += 1
        if groups == 0:
            bracket = bracket and i < end and data[i] == 41
        if groups < MOST_GROUPS:
            lengths[groups] = length
            values[groups] = value
            separators[groups] = separator
        groups += 1
        if i + 1 >= end:
            break
        separator = _NOTHING
        width = 1
        if data[i] == 32:
            separator = _SPACE
            if data[i + 1] == 40:
                separator = _OPEN
                width = 2
        elif data[i] == 45:
            separator = _HYPHEN
        elif data[i] == 46:
            separator = _POINT
        elif data[i] == 41:
            separator = _CLOSE
            width = 2 if data[i + 1] == 32 or data[i + 1] == 45 else 1
        if separator == _NOTHING or i + width >= end or not _is_digit(data[i + width]):
            break
        all_separators |= separator
        i += width
    if i < end and (_alphanumeric(data[i]) or data[i] == 37 or data[i] == 95):
        return i, -1
    if groups > MOST_GROUPS:
        return i, -1
    if plus:
        return i, PHONES if 9 <= digits <= 15 and work[0] > 0 else -1
    if groups == 4 and all_separators == _POINT and not bracket:
        fits = True
        for k in range(4):
            fits = fits and lengths[k] <= 3 and values[k] <= 255
        if fits:
            return i, IP_ADDRESSES if _is_public(values[0], values[1], values[2]) else -1
    lead = 1 if groups == 4 and lengths[0] == 1 and values[0] == 1 and not bracket else 0
    if groups == 3 + lead and lengths[lead] == 3 and lengths[lead + 1] == 3:
        if lengths[lead + 2] == 4 and work[lead] > 1:
            between = separators[lead + 1]
            enclosed = between == _CLOSE and (separators[1] == _OPEN if lead else bracket)
            plain = between & (_HYPHEN | _POINT) and not bracket
            plain = plain and (lead == 0 or separators[1] & (_SPACE | _HYPHEN | _POINT))
            if (enclosed or plain) and separators[lead + 2] & (_SPACE | _HYPHEN | _POINT):
                return i, PHONES
    regular = all_separators == 0 or all_separators == _SPACE or all_separators == _HYPHEN
    if regular and 13 <= digits <= 19 and not bracket and 3 <= work[0] <= 6:
        for k in range(groups - 1):
            regular = regular and 4 <= lengths[k] <= 6
        if regular and _passes_luhn(work, digits):
            return i, CARDS
    return i, -1


@inner
def count_personal(
    data: Bytes,
    start: int,
    end: int,
    work: npt.NDArray[np.int64],
    counts: npt.NDArray[np.int64],
) -> None:
    """Add what is found in a text to the counts of its kinds."""
    base = address(data)
    last_block = len(data) - WIDTH
    i = start
    while i < end:
        if i <= last_block:
            marks = personal(base + i)
            if marks == 0:
                i += WIDTH
                continue
            i += lowest(marks)
            if i >= end:
                break
        byte = data[i]
        if byte == 64:
            counts[EMAILS] += _is_email(data, start, i, end)
        elif byte == 58:
            if i > start and _hex(data[i - 1]) and _is_ipv6(data, start, i, end):
                counts[IP_ADDRESSES] += 1
        elif _is_digit(byte) or byte == 43 or byte == 40:
            free = True
            if i > start:
                before = data[i - 1]
                free = not (_alphanumeric(before) or 35 <= before <= 36 or before == 95)
                free = free and not (43 <= before <= 47 or before == 58 or before == 61)
            if _is_digit(byte) or (i + 1 < end and _is_digit(data[i + 1])):
                if free:
                    i, kind = _read_number(data, i, end, work)
                    if kind >= 0:
                        counts[kind] += 1
                    continue
                if _is_digit(byte):
                    while i < end and _is_digit(data[i]):
                        i += 1
                    continue
        i += 1
