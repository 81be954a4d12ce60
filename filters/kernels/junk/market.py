"""Stock symbols: `$TSLA`, `NASDAQ: AAPL`, `(NYSE:X)`, `0700.HK`.

Read from the three marks outwards.
"""

from __future__ import annotations

import functools

import numpy as np
import numpy.typing as npt

from thresher.filters.kernels import inlined, inner, integer
from thresher.filters.kernels.text.simd import WIDTH, address, lowest, tickers

EXCHANGES = (
    "NASDAQ NYSE NYSEARCA NYSEAMERICAN AMEX ARCA BATS CBOE OTC OTCMKTS OTCQB OTCQX OTCPK LSE LON "
    "AIM TSX TSXV TSE CSE CVE ASX NZX HKEX HKG SEHK SGX NSE BSE JSE FRA ETR XETRA EPA EBR AMS BIT "
    "BME SWX STO HEL CPH OSL KRX TYO SHA SHE SSE SZSE BVMF TASE"
).split()
"""What may stand before a colon and a symbol."""

SUFFIXES = (
    "AS AX BK BO BR CO DE F HE HK HM JK KL KQ KS L LS MC MI NS NZ OL PA SA SI SS ST SW SZ T TA TO "
    "TW V VI"
).split()
"""What may stand behind a symbol and a point (an exchange, as quote services write it)."""

_LONGEST_EXCHANGE = 12
_LONGEST_SYMBOL = 5


@functools.cache
def market_words() -> npt.NDArray[np.int64]:
    """Exchanges and suffixes as base-32 numbers; a suffix is negative."""
    numbers = [_number(word) for word in EXCHANGES] + [-_number(word) for word in SUFFIXES]
    return np.array(numbers, np.int64)


def _number(word: str) -> int:
    n = 0
    for letter in word:
        n = n * 32 + ord(letter) - 64
    return n


@inlined
def _upper(byte: int) -> bool:
    return 65 <= byte <= 90


@inlined
def _alphanumeric(byte: int) -> bool:
    return 48 <= byte <= 57 or 65 <= byte <= 90 or 97 <= byte <= 122 or byte >= 128


@inner
def _listed(numbers: npt.NDArray[np.int64], number: int) -> bool:
    for each in numbers:  # 70 of them, asked for at a mark beside a capital only
        if each == number:
            return True
    return False


@inner
def _symbol_end(data: npt.NDArray[np.uint8], i: int, end: int) -> int:
    """The end of a symbol of 1 to 5 capitals that starts at `i`, or `i`."""
    stop = i
    while stop < end and _upper(data[stop]):
        stop += 1
    if stop == i or stop - i > _LONGEST_SYMBOL or (stop < end and _alphanumeric(data[stop])):
        return i
    return stop


@inner
def _listed_after(
    data: npt.NDArray[np.uint8], start: int, colon: int, end: int, numbers: npt.NDArray[np.int64]
) -> bool:
    """Whether the colon stands between an exchange and a symbol."""
    i = colon
    number = 0
    scale = 1
    while i > start and colon - i < _LONGEST_EXCHANGE + 1:
        letter = integer(data[i - 1]) & 0xDF
        if not _upper(letter):
            break
        number += (letter - 64) * scale
        scale *= 32
        i -= 1
    if not 2 <= colon - i <= _LONGEST_EXCHANGE or not _upper(data[i]):
        return False
    if (i > start and _alphanumeric(data[i - 1])) or not _listed(numbers, number):
        return False
    i = colon + 1
    if i < end and data[i] == 32:
        i += 1
    if _symbol_end(data, i, end) > i:
        return True
    digits = i
    while digits < end and 48 <= data[digits] <= 57:
        digits += 1
    return 4 <= digits - i <= 6 and not (digits < end and _alphanumeric(data[digits]))


@inner
def _listed_before(
    data: npt.NDArray[np.uint8], start: int, point: int, end: int, numbers: npt.NDArray[np.int64]
) -> bool:
    """Whether the point stands between a symbol of 3 to 6 characters and a suffix."""
    stop = point + 1
    number = 0
    while stop < end and stop - point < 4 and _upper(data[stop]):
        number = number * 32 + integer(data[stop]) - 64
        stop += 1
    if stop < end and _alphanumeric(data[stop]):
        return False
    if stop + 1 < end and data[stop] == 46 and _alphanumeric(data[stop + 1]):
        return False
    i = point
    while i > start and (_upper(data[i - 1]) or 48 <= data[i - 1] <= 57) and point - i < 7:
        i -= 1
    if not 3 <= point - i <= 6 or not _listed(numbers, -number):
        return False
    return i == start or not (_alphanumeric(data[i - 1]) or data[i - 1] == 46)


@inner
def count_tickers(
    data: npt.NDArray[np.uint8], start: int, end: int, numbers: npt.NDArray[np.int64]
) -> int:
    """The number of stock symbols in a text."""
    count = 0
    base = address(data)
    last_block = len(data) - WIDTH
    i = start - 1
    while i + 1 < end:
        i += 1
        if i <= last_block:
            marks = tickers(base + i)
            if marks == 0:
                i += WIDTH - 1
                continue
            i += lowest(marks)
            if i >= end:
                break
        byte = data[i]
        if byte == 36:
            free = i == start or not _alphanumeric(data[i - 1])
            if free and _symbol_end(data, i + 1, end) > i + 1:
                count += 1
        elif byte == 58:
            if i > start and _listed_after(data, start, i, end, numbers):
                count += 1
        elif byte == 46 and i > start and i + 1 < end and _upper(data[i + 1]):
            if _listed_before(data, start, i, end, numbers):
                count += 1
    return count
