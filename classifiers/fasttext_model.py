"""`FastTextModel`: a supervised fastText model over Arrow columns of text.

What fastText sees of a document is one line: white space of any kind parts words, and neither a
line feed nor the word `</s>` ends it. A document's result depends on nothing but its text: not
on its neighbours, not on the batch. The labels and probabilities are fastText's own
(`tests/benchmarks/classifiers.py`), computed by compiled kernels over Arrow's buffers.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from thresher.classifiers import fasttext_kernels as kernels
from thresher.classifiers.fasttext_arrays import arrays
from thresher.classifiers.fasttext_dictionary_kernels import Model, hash_table, walk_dictionary
from thresher.classifiers.fasttext_format import FormatError, read
from thresher.classifiers.model_files import obtain
from thresher.filters.errors import ModelError
from thresher.filters.kernels.text import cache

LABEL_PREFIX = "__label__"
PREDICTION = pa.struct([("label", pa.string()), ("probability", pa.float64())])

_ALL = 2**40
_WHITE_SPACE = bytes.maketrans(b"\n\r\t\v\f\0", b" " * 6)
_END_OF_SENTENCE = re.compile(rb"(?<!\S)</s>(?!\S)")


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
        self.labels, self.arrays = load(file.path, url)

    def predict(self, texts: pa.Array, max_characters: int | None = None) -> pa.StructArray:
        """The most probable label of each text, as structs of `label` and `probability`.

        NULL for a NULL text and for a text of no words.
        """
        found, scores = self._predict(texts, -1, max_characters)
        empty = found < 0
        labels = pa.array(self.labels, pa.string()).take(pa.array(found, mask=empty))
        return pa.StructArray.from_arrays(
            [labels, pa.array(scores, mask=empty)], fields=list(PREDICTION), mask=pa.array(empty)
        )

    def probability(
        self, texts: pa.Array, label: str, max_characters: int | None = None
    ) -> pa.DoubleArray:
        """The probability of one label for each text; NULL as in `predict`."""
        if label not in self.labels:
            raise ModelError(
                self.url, f"has no label {label}.", f"It has: {label_list(self.labels)}."
            )
        found, scores = self._predict(texts, self.labels.index(label), max_characters)
        return pa.array(scores, mask=found < 0)

    def _predict(
        self, texts: pa.Array, wanted: int, max_characters: int | None
    ) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float64]]:
        found, scores = predict(self.arrays, texts, wanted, max_characters)
        refuse_no_numbers(found, self.url)
        return found, scores


def load(path: Path, url: str) -> tuple[tuple[str, ...], Model]:
    """The labels and arrays of a model file; `url` names it in errors.

    Raises:
        ModelError: where it is no sound model.
    """
    cache.compile_once("fasttext", _compile)
    try:
        layout = read(path)
        return layout.labels, arrays(layout)
    except (FormatError, OSError) as error:
        raise ModelError(url, f"is not a usable model: {error}.") from error


def predict(
    model: Model, texts: pa.Array, wanted: int = -1, max_characters: int | None = None
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float64]]:
    """The likeliest label of each text, or the score of the wanted one; see `kernels.predict`."""
    offsets, data = buffers(texts)
    found, scores = np.empty(len(texts), np.int32), np.zeros(len(texts), np.float64)
    most = _ALL if max_characters is None else max_characters
    kernels.predict(model, data, offsets, most, wanted, found, scores)
    return found, scores


def buffers(texts: pa.Array) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint8]]:
    """Offsets and bytes of a column of texts or bytes; a NULL is an empty text."""
    values = texts.cast(pa.large_binary())
    if values.null_count:
        values = pc.fill_null(values, b"")
    _, offsets, data = values.buffers()
    held = np.frombuffer(offsets, np.int64) if offsets and offsets.size else np.zeros(1, np.int64)
    content = np.frombuffer(data, np.uint8) if data and data.size else np.zeros(1, np.uint8)
    return held[values.offset : values.offset + len(values) + 1], content


def refuse_no_numbers(labels: npt.NDArray[np.int32], url: str) -> None:
    """Raise where the kernels found a probability that is no number."""
    if (labels == -2).any():
        raise ModelError(
            url, "gives probabilities that are no numbers.", "Its weights are damaged."
        )


def label_list(labels: tuple[str, ...]) -> str:
    """The first labels, in words."""
    shown = ", ".join(labels[:12])
    return shown if len(labels) <= 12 else f"{shown} and {len(labels) - 12} more"


def to_line(text: bytes, max_characters: int | None = None) -> bytes | None:
    """A document as the one line that fastText is trained on, or None where it has no words.

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


def _compile() -> None:
    """Call every kernel on a model of one label."""
    none = np.zeros(0, np.int32)
    data = np.frombuffer(b"x\0" + b"\0" * 8 + b"\1", np.uint8)
    _, starts, ends, _, _ = walk_dictionary(data, 0, 1, 8)
    plain = np.zeros((1, 1), np.float32)
    model = Model(
        data=data,
        settings=np.array([1, 0, 1, 1, 0, 1, 0, kernels.SOFTMAX, -1, 0, 0, 0], np.int64),
        word_starts=starts,
        word_ends=ends,
        table=hash_table(data, starts, ends),
        kept_bits=none.view(np.uint32),
        kept_before=none,
        kept_rows=none,
        rows=plain,
        codes=np.zeros((0, 0), np.uint8),
        centroids=np.zeros(0, np.float32),
        norms=np.zeros(0, np.float32),
        output=plain,
        left=none,
        right=none,
    )
    offsets, text = buffers(pa.array(["a b"]))
    label, score = np.empty(1, np.int32), np.empty(1, np.float64)
    kernels.predict(model, text, offsets, 9, -1, label, score)
    kernels.identify(model, text, offsets, 2, 8, label, score, score.copy())
