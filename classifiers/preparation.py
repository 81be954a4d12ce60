"""How a text is prepared for a model: the same in training and in use, named in the model's card.

`plain` hands the words on as they are. `bare` leaves only what is said: ASCII letters in lower
case, every digit a 0, and neither punctuation nor typographic marks. Corpora differ in quotes,
dashes, markdown and in the spaces before their commas more than in anything else, and a model
that sees these learns to tell corpora apart.
"""

from __future__ import annotations

import re
import string
from typing import Literal, TypeAlias

from thresher.classifiers.fasttext_model import to_line

Preparation: TypeAlias = Literal["plain", "bare"]

# U+0080-00BF and U+2000-206F in UTF-8: typographic marks, all kinds of spaces.
_MARKS = re.compile(rb"\xc2[\x80-\xbf]|\xe2\x80[\x80-\xbf]|\xe2\x81[\x80-\xaf]")
_UPPER = string.ascii_uppercase.encode()
_OTHER = bytes(code for code in range(128) if not chr(code).isalnum())
_BARE = bytes.maketrans(
    _UPPER + string.digits.encode() + _OTHER,
    _UPPER.lower() + b"0" * 10 + b" " * len(_OTHER),
)


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
