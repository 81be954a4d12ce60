"""`QualityModel`: the probability that a text belongs among the positives it was trained on."""

from __future__ import annotations

import pyarrow as pa

from classifiers.fasttext_model import LABEL_PREFIX, FastTextModel
from filters.errors import ModelError

POSITIVE_LABEL = LABEL_PREFIX + "keep"
NEGATIVE_LABEL = LABEL_PREFIX + "drop"
MAX_CHARACTERS = 100_000
"""How much of a text is read: ten times the mean page, so that only books are cut."""


class QualityModel:
    """A fastText quality classifier.

    Args:
        url: a local path or any URL that fsspec opens.
        positive_label: the label whose probability is the score.
        sha256: the hash it must have; a remote model is then downloaded only once.
        max_characters: how many characters of a text count, from its start.

    Raises:
        ModelError: where the model cannot be used, or does not have the label.
    """

    def __init__(
        self,
        url: str,
        positive_label: str = POSITIVE_LABEL,
        sha256: str | None = None,
        max_characters: int = MAX_CHARACTERS,
    ) -> None:
        self._model = FastTextModel(url, sha256)
        self.url = url
        self.sha256 = self._model.sha256
        self.labels = self._model.labels
        self.positive_label = positive_label
        self.max_characters = max_characters
        if positive_label not in self.labels:
            raise ModelError(
                url,
                f"has no label {positive_label}.",
                f"It has: {', '.join(self.labels[:12])}. Set positive_label to one of them.",
            )

    def score(self, texts: pa.Array) -> pa.DoubleArray:
        """The score of each text, in [0,1]; NULL for a text of no words and for NULL."""
        return self._model.probability(texts, self.positive_label, self.max_characters)
