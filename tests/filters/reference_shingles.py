"""What a shingle is made of, in plain Python: what the kernels are held against."""

from __future__ import annotations

import unicodedata

from thresher.filters.kernels.text.tables import BREAK, DROP, SCRIPT, tables

MASK = 2**64 - 1
FOLD, KEEP = "fold", "keep"


def step(h: int, value: int) -> int:
    h = (h + value + 1) * 0x9E3779B97F4A7C15 & MASK
    return h ^ h >> 29


def finish(h: int) -> int:
    h = (h ^ h >> 33) * 0xFF51AFD7ED558CCD & MASK
    h = (h ^ h >> 33) * 0xC4CEB9FE1A85EC53 & MASK
    return h ^ h >> 33


def joined(values: list[int]) -> int:
    h = 0x243F6A8885A308D3
    for value in values:
        h = step(h, value)
    return finish(h)


def folded(character: str, numbers: str) -> int:
    """What a character is: BREAK, DROP, or a letter or digit without case and diacritics."""
    if unicodedata.category(character) == "Nd":
        return ord("0") + (unicodedata.digit(character) if numbers == KEEP else 0)
    return int(tables().fold[ord(character)])


def normal_words(text: str, numbers: str = FOLD) -> list[int]:
    """Hashes of words: lower case, no diacritics, a number one `0`, or its digits and marks."""
    words: list[list[int]] = [[]]
    in_number = False
    for place, character in enumerate(text):
        value = folded(character, numbers)
        if value == DROP:
            continue
        if value != BREAK and tables().classes[ord(character)] & SCRIPT:
            words += [[value], []]
            in_number = False
        elif value == BREAK:
            following = text[place + 1 : place + 2]
            if in_number and character in ".," and following.isascii() and following.isdecimal():
                words[-1] += [ord(".")] * (numbers == KEEP)
            else:
                words.append([])
                in_number = False
        elif unicodedata.category(character) == "Nd":
            if numbers == KEEP or not in_number:
                words[-1].append(value)
            in_number = True
        else:
            words[-1].append(value)
            in_number = False
    return [joined(word) for word in words if word]


def normal_characters(text: str, numbers: str = FOLD) -> list[int]:
    """Hashes of characters: as those of words; what separates words is one, likewise a number."""
    units = [BREAK]
    for character in text:
        value = folded(character, numbers)
        once = (BREAK,) if numbers == KEEP else (BREAK, ord("0"))
        if value != DROP and not (value in once and units[-1] == value):
            units.append(value)
    last = -1 if units[-1] == BREAK else len(units)
    return [joined([value]) for value in units[1:last]]


def shingles(text: str, ngram: int, unit: str = "words", numbers: str = FOLD) -> list[int]:
    """The n-grams of a text, in their order: 32 bits each."""
    units = (normal_words if unit == "words" else normal_characters)(text, numbers)
    grams = [units[i : i + ngram] for i in range(len(units) - ngram + 1)]
    return [joined(gram) >> 32 for gram in grams]
