"""`FastTextModel`: a supervised fastText model over Arrow columns of text.

What fastText sees of a document is one line (`to_line`), the same in training and in use. A
document's result depends on nothing but that line: not on its neighbours, not on the batch.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

import pyarrow as pa
from fasttext import FastText

from classifiers.model_files import obtain
from filters.errors import ModelError

LABEL_PREFIX = "__label__"
PREDICTION = pa.struct([("label", pa.string()), ("probability", pa.float64())])

# fastText splits words at these; a line feed ends the document for it, and so does the word </s>.
_WHITE_SPACE = bytes.maketrans(b"\n\r\t\v\f\0", b" " * 6)
_END_OF_SENTENCE = re.compile(rb"(?<!\S)</s>(?!\S)")
# Bounds the copies that fastText makes of the lines it is handed.
_BATCH_LINES = 256


class FastTextModel:
    """A supervised fastText model that gives labels and probabilities.

    Args:
        url: a local path or any URL that fsspec opens.
        sha256: the hash it must have; a remote model is then downloaded only once.

    Raises:
        ModelError: where the file is missing, corrupt, hostile or not the declared one.
    """

    def __init__(self, url: str, sha256: str | None = None) -> None:
        file = obtain(url, sha256)
        self.url = url
        self.sha256: str = file.sha256
        try:
            # The class and not `load_model`, which prints a warning in some distributions.
            self._model = FastText._FastText(model_path=str(file.path))
        except (ValueError, RuntimeError, MemoryError) as error:
            raise ModelError(url, f"cannot be loaded: {error}.") from error
        self.labels: tuple[str, ...] = tuple(self._model.get_labels(on_unicode_error="replace"))

    def predict(self, texts: pa.Array, max_characters: int | None = None) -> pa.StructArray:
        """The most probable label of each text, as structs of `label` and `probability`.

        NULL for a NULL text and for a text of no words.
        """
        rows = [
            {"label": labels[0], "probability": probabilities[0]} if labels else None
            for labels, probabilities in self._predict(texts, 1, max_characters)
        ]
        return pa.array(rows, PREDICTION)

    def probability(
        self, texts: pa.Array, label: str, max_characters: int | None = None
    ) -> pa.DoubleArray:
        """The probability of one label for each text; NULL as in `predict`."""
        if label not in self.labels:
            raise ModelError(self.url, f"has no label {label}.", f"It has: {self._label_list()}.")
        rows = [
            probabilities[labels.index(label)] if label in labels else None
            for labels, probabilities in self._predict(texts, len(self.labels), max_characters)
        ]
        return pa.array(rows, pa.float64())

    def _label_list(self) -> str:
        shown = ", ".join(self.labels[:12])
        return shown if len(self.labels) <= 12 else f"{shown} and {len(self.labels) - 12} more"

    def _predict(
        self, texts: pa.Array, k: int, max_characters: int | None
    ) -> Iterator[tuple[list[str], list[float]]]:
        # Through binary, so that bytes that are no UTF-8 are judged and not fatal.
        values = texts.cast(pa.large_binary()).to_pylist()
        lines = [None if value is None else to_line(value, max_characters) for value in values]
        for start in range(0, len(lines), _BATCH_LINES):
            part = lines[start : start + _BATCH_LINES]
            asked = [line + b"\n" for line in part if line is not None]
            try:
                labels, scores = self._model.f.multilinePredict(asked, k, 0.0, "replace")
            except RuntimeError as error:
                raise ModelError(self.url, f"cannot predict: {error}.") from error
            answers = iter(zip(labels, scores, strict=True))
            for line in part:
                if line is None:
                    yield [], []
                    continue
                names, values = next(answers)
                yield names, [self._clamp(float(value)) for value in values]

    def _clamp(self, value: float) -> float:
        """The value within [0,1]: fastText's softmax exceeds 1 by up to 1e-4."""
        if math.isnan(value):
            raise ModelError(self.url, "gives probabilities that are no numbers.")
        return min(max(value, 0.0), 1.0)


def to_line(text: bytes, max_characters: int | None = None) -> bytes | None:
    """A document as the one line that fastText sees, or None where it has no words.

    Args:
        text: the document in UTF-8; what is not UTF-8 is passed on as it is.
        max_characters: how much of it counts.
    """
    if max_characters is not None and len(text) > max_characters:
        # A character takes at most four bytes, so the rest need not be decoded.
        head = text[: 4 * max_characters].decode("utf-8", "replace")
        text = head[:max_characters].encode()
    line = text.translate(_WHITE_SPACE).strip(b" ")
    if b"</s>" in line:
        line = _END_OF_SENTENCE.sub(b" ", line).strip(b" ")
    if not line or (line[0] > 127 and not line.decode("utf-8", "replace").strip()):
        return None
    return line
