"""What a model wants done to a text before it sees it."""

from __future__ import annotations

import re
import unicodedata

import pyarrow as pa

from thresher.classifiers.preparation import prepare
from thresher.classifiers.registry import Text

_NEWLINES = re.compile(r"\n{3,}")


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
