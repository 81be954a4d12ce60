"""How a text is prepared for a model: the same in training and in use, named in the model's card.

`plain` hands the words on as they are. `bare` leaves only what is said: ASCII letters in lower
case, every digit a 0, and neither punctuation nor typographic marks. Corpora differ in quotes,
dashes, markdown and in the spaces before their commas more than in anything else, and a model
that sees these learns to tell corpora apart. `folded` and `letters` are what models of others want.
"""

from __future__ import annotations

import re
import string
import unicodedata
from typing import Literal, TypeAlias

import pyarrow as pa

from thresher.classifiers.bundles import Text
from thresher.classifiers.fasttext_model import to_line

Preparation: TypeAlias = Literal["plain", "bare"]

# U+0080-00BF and U+2000-206F in UTF-8: typographic marks, all kinds of spaces.
_NEWLINES = re.compile(r"\n{3,}")
_MARKS = re.compile(rb"\xc2[\x80-\xbf]|\xe2\x80[\x80-\xbf]|\xe2\x81[\x80-\xaf]")
_UPPER = string.ascii_uppercase.encode()
_OTHER = bytes(code for code in range(128) if not chr(code).isalnum())
_BARE = bytes.maketrans(
    _UPPER + string.digits.encode() + _OTHER,
    _UPPER.lower() + b"0" * 10 + b" " * len(_OTHER),
)


_NEWLINES = re.compile(r"\n{3,}")


def prepare(
    text: bytes, preparation: Preparation = "plain", max_characters: int | None = None
) -> bytes | None:
    """A document as the one line that the model sees, or None where it has no words.

    Args:
        text: the document in UTF-8.
        preparation: see the module.
        max_characters: how much of the document counts, before anything is left out.
    """
    line = to_line(text, max_characters)
    if line is None or preparation == "plain":
        return line
    line = _MARKS.sub(b" ", line).translate(_BARE)
    return line if line.strip() else None


def prepared(texts: pa.Array, how: Text, max_characters: int) -> pa.Array:
    """The texts as a model wants them; only so many characters of each are looked at."""
    if how == "plain":
        return texts
    values = texts.cast(pa.large_binary()).to_pylist()
    if how == "bare":
        lines = [v if v is None else prepare(v, "bare", max_characters) for v in values]
        return pa.array(lines, pa.large_binary())
    change = folded if how == "folded" else letters
    return pa.array(
        [
            None
            if value is None
            else change(value[: 4 * max_characters].decode("utf-8", "replace")[:max_characters])
            for value in values
        ],
        pa.large_string(),
    )


def folded(text: str) -> str:
    """Lower case, without diacritics, line feeds spelt out: Ultra-FineWeb's, but for its tokeniser.

    A run of three line feeds or more counts as two.
    """
    text = _NEWLINES.sub("\n\n", text).lower()
    text = "".join(
        c for c in unicodedata.normalize("NFKD", text) if unicodedata.category(c) != "Mn"
    )
    return text.replace("\n", " \\n ").replace("\r", " \\r ").replace("\t", " \\t ").strip()


def letters(text: str) -> str:
    """Lower-case words of letters and marks only, as OpenLID has them, nearly."""
    kept = (c if unicodedata.category(c)[0] in "LM" else " " for c in text.lower())
    return " ".join("".join(kept).split())
