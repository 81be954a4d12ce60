"""Normalised words, as datatrove defines them and Thresher with numbers folded: the peers without
such are given these.

Lower case, no diacritics, numbers all alike. Imports nothing of the project.
"""

import re
import unicodedata

NGRAM = 5
WORD = re.compile(r"[^\W_]+")
NUMBER = re.compile(r"\d+([.,]\d+)*")


def words_of(text):
    plain = unicodedata.normalize("NFD", text.lower())
    if not plain.isascii():
        plain = "".join(c for c in plain if unicodedata.category(c) != "Mn")
    return WORD.findall(NUMBER.sub("0", plain))


def shingles_of(words):
    """The overlapping fives of words, joined."""
    return {" ".join(words[i : i + NGRAM]) for i in range(max(1, len(words) - NGRAM + 1))}
