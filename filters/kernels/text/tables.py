"""What a code point is: one word of flags each, and the folds that hashing uses.

Built from `unicodedata`, `str` methods and datatrove's two sets of marks, which takes a second
with the import, and kept on disk. A newer Python knows newer code points; nothing else depends on
its version.
"""

from __future__ import annotations

import functools
import importlib.metadata
import unicodedata
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from thresher.filters.kernels.text.cache import stored_array

ALPHA = 1
"""`str.isalpha`."""
DIGIT = 2
"""Decimal digit of any script (category Nd)."""
SPACE = 4
"""`str.isspace`."""
SYMBOL = 8
"""In datatrove's PUNCTUATION_SET: a word of these only is no word to Gopher."""
PUNCTUATION = 16
"""Category P*."""
UPPER = 32
"""A letter that is not lower case (scripts without case are both)."""
LOWER = 64
"""A letter that is not upper case."""
PREFIX = 128
"""Peeled off the start of a chunk, one at a time."""
SUFFIX = 256
"""Peeled off the end of a chunk, one at a time."""
QUOTE = 512
"""A quotation mark or bracket that may stand around a full stop."""
ICON = 1024
"""Category So: split off wherever it stands."""
TERMINAL = 2048
"""Ends a line or a sentence (datatrove's TERMINAL_PUNCTUATION)."""
CURRENCY = 4096
"""Category Sc."""
PERCENT = 1 << 17
"""A percent sign."""
SCRIPT = 8192
"""A letter of a script written without spaces: each is a word."""
MARK = 16384
"""Category M*: belongs to the letter before it."""
NUMBER = 32768
"""Category N*, digits included."""
COMBINES = 1 << 18
"""NFC may change it, or what stands before it."""
STOP_AFTER = 65536
"""A full stop after it is split off at the end of a chunk."""

BREAK = 0
"""`Tables.fold` of what separates words."""
DROP = 1
"""`Tables.fold` of what leaves no trace (a diacritic)."""

PUNCT_MARKS = "…,:;!?¿؟¡()[]{}<>_#*&。？！，、；：～·।،۔؛٪"
QUOTE_MARKS = "'\"”“`‘´’‚„»«「」『』（）〔〕【】《》〈〉〈〉⟦⟧"
PREFIX_ONLY = "§%=—–"
SUFFIX_ONLY = "—–"
CURRENCIES = "$£€¥฿₽﷼₴₠₡₢₣₤₥₦₧₨₩₪₫₭₮₯₰₱₲₳₵₶₷₸₹₺₻₼₾₿"

SCRIPT_RANGES = (
    (0x0E00, 0x0E7F),  # Thai
    (0x0E80, 0x0EFF),  # Lao
    (0x1000, 0x109F),  # Myanmar
    (0x1780, 0x17FF),  # Khmer
    (0x2E80, 0x2FDF),  # CJK radicals
    (0x3005, 0x3007),
    (0x3040, 0x30FF),  # kana
    (0x3100, 0x312F),  # bopomofo
    (0x31A0, 0x31BF),
    (0x31F0, 0x31FF),
    (0x3400, 0x4DBF),
    (0x4E00, 0x9FFF),
    (0xA9E0, 0xA9FF),  # Myanmar, extended
    (0xAA60, 0xAA7F),
    (0xF900, 0xFAFF),
    (0xFF66, 0xFF9F),  # half-width kana
    (0x1B000, 0x1B16F),
    (0x20000, 0x323AF),
)

_LAST = 0x323B0
_TAGS = (0xE0000, 0xE01F0)
_HANGUL = range(0xAC00, 0xD7A4)
_SIZE = 0x110000


class Tables(NamedTuple):
    """Arrays indexed by code point."""

    classes: npt.NDArray[np.int32]
    """The flags above."""
    lower: npt.NDArray[np.int32]
    """Lower case, where that is one code point."""
    fold: npt.NDArray[np.int32]
    """Lower case without diacritics; any digit is `0`; BREAK and DROP as above."""
    fold_but_digits: npt.NDArray[np.int32]
    """The same, but a digit of any script is that of ASCII."""


@functools.cache
def tables() -> Tables:
    """The tables, built once per machine and version."""
    datatrove = importlib.metadata.version("datatrove")
    name = f"tables-{datatrove}-{unicodedata.unidata_version}"
    return Tables(*stored_array(name, lambda: np.stack(_build())))


def _build() -> Tables:
    from datatrove.utils.text import PUNCTUATION_SET, TERMINAL_PUNCTUATION

    classes = np.zeros(_SIZE, np.int32)
    lower = np.arange(_SIZE, dtype=np.int32)
    fold = np.zeros(_SIZE, np.int32)
    decimals: list[int] = []
    seconds = [*range(0x1161, 0x1176), *range(0x11A8, 0x11C3)]  # of Hangul
    for span in (range(_LAST), range(*_TAGS)):
        for cp in span:
            character = chr(cp)
            category = unicodedata.category(character)
            if category in ("Cn", "Co", "Cs"):
                continue
            classes[cp] = _flags(character, category)
            low = character.lower()
            if len(low) == 1:
                lower[cp] = ord(low)
            fold[cp] = _fold(cp, low, category)
            if category == "Nd":
                decimals.append(cp)
            if unicodedata.combining(character) or not unicodedata.is_normalized("NFC", character):
                classes[cp] |= COMBINES
            canonical = unicodedata.decomposition(character)
            if canonical[:1] != "<" and " " in canonical:
                seconds.append(int(canonical.split()[1], 16))
    classes[seconds] |= COMBINES
    for characters, flag in (
        (PUNCTUATION_SET, SYMBOL),
        (TERMINAL_PUNCTUATION, TERMINAL),
        (PUNCT_MARKS + QUOTE_MARKS + PREFIX_ONLY + CURRENCIES, PREFIX),
        (PUNCT_MARKS + QUOTE_MARKS + SUFFIX_ONLY, SUFFIX),
        (QUOTE_MARKS, QUOTE),
        (PUNCT_MARKS + QUOTE_MARKS + "%²-+|", STOP_AFTER),
        (CURRENCIES, CURRENCY),
        ("%", PERCENT),
    ):
        for character in characters:
            classes[ord(character)] |= flag
    for start, end in SCRIPT_RANGES:
        letters = (classes[start : end + 1] & (ALPHA | NUMBER)) != 0
        digits = (classes[start : end + 1] & DIGIT) != 0
        classes[start : end + 1][letters & ~digits] |= SCRIPT
    fold_but_digits = fold.copy()
    fold_but_digits[decimals] = [ord("0") + unicodedata.digit(chr(cp)) for cp in decimals]
    return Tables(classes, lower, fold, fold_but_digits)


def _flags(character: str, category: str) -> int:
    flags = 0
    if character.isalpha():
        flags |= ALPHA
        if not character.islower():
            flags |= UPPER
        if not character.isupper():
            flags |= LOWER | STOP_AFTER
    if character.isspace():
        flags |= SPACE
    if category[0] == "P":
        flags |= PUNCTUATION
    elif category[0] == "M":
        flags |= MARK
    elif category[0] == "N":
        flags |= NUMBER
        if category == "Nd":
            flags |= DIGIT
        if "0" <= character <= "9":
            flags |= STOP_AFTER
    elif category == "So":
        flags |= ICON | PREFIX | SUFFIX
    elif category == "Sc":
        flags |= CURRENCY
    return flags


def _fold(cp: int, low: str, category: str) -> int:
    if category == "Nd":
        return ord("0")
    if category[0] == "M":
        return DROP if category == "Mn" else cp
    if not (low.isalnum() or chr(cp).isalnum()):
        return BREAK
    if cp in _HANGUL:
        return cp  # its decomposition is an alphabet, not diacritics
    base = [c for c in unicodedata.normalize("NFD", low) if unicodedata.category(c) != "Mn"]
    if len(base) == 1:
        return ord(base[0])
    return ord(low) if len(low) == 1 else cp
