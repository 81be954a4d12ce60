"""`QualityModel`: the probability that a text belongs among the positives of a model's training."""

from __future__ import annotations

from typing import Literal, get_args

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from thresher.classifiers.bundles import LANGUAGE
from thresher.classifiers.fasttext_model import LABEL_PREFIX, FastTextModel, label_list
from thresher.classifiers.preparation import prepared
from thresher.classifiers.registry import Model, resolve
from thresher.filters.errors import ModelError

ScoreRole = Literal["quality", "machine_text"]
"""What a model is for whose score is a signal of every document."""
POSITIVE_LABEL = LABEL_PREFIX + "keep"
MAX_CHARACTERS = 100_000
"""How much of a text is read: ten times the mean page, so that only books are cut."""


class QualityModel:
    """A fastText classifier of two classes.

    Args:
        model: `name@version` of the registry, the address of a model file, or what the registry
            has found; its `card.json`, if there is one, says the rest.
        positive_label: the label whose probability is the score; by default the model's own.
        sha256: the hash it must have; a remote model is then downloaded only once.
        max_characters: how many characters of a text count, from its start; by default as in
            training.

    Raises:
        ModelError: where the model cannot be used, or does not have the label.
    """

    def __init__(
        self,
        model: str | Model,
        positive_label: str = "",
        sha256: str | None = None,
        max_characters: int | None = None,
    ) -> None:
        found = resolved(model, positive_label, sha256 or "", max_characters)
        self.model = found
        self._model = FastTextModel(found.url, found.sha256)
        self.url = found.url
        self.sha256 = self._model.sha256
        self.labels = self._model.labels
        self.positive_label = found.positive_label
        self.max_characters = found.max_characters
        check_labels(found, self.labels)

    def scores(self, texts: pa.Array, codes: pa.Array) -> pa.StructArray:
        """`score` and `raw` of each text; NULL in a language that the model cannot judge.

        Args:
            texts: the documents.
            codes: the language of each, as a code.
        """
        raw = self.raw(texts)
        if self.model.languages:
            known = pc.is_in(codes, pa.array(self.model.languages, codes.type))
            raw = pc.if_else(known, raw, pa.scalar(None, pa.float64()))
        return pa.StructArray.from_arrays([self._calibrated(raw), raw], names=["score", "raw"])

    def score(self, texts: pa.Array) -> pa.DoubleArray:
        """The score of each text, in [0,1]; NULL for a text of no words and for NULL."""
        return self._calibrated(self.raw(texts))

    def _calibrated(self, raw: pa.DoubleArray) -> pa.DoubleArray:
        if self.model.calibration is None:
            return raw
        values = self.model.calibration.apply(raw.to_numpy(zero_copy_only=False))
        return pa.array(values, pa.float64(), mask=np.isnan(values))

    def raw(self, texts: pa.Array) -> pa.DoubleArray:
        """The probability that the model gives itself, without the calibration of its card."""
        lines = prepared(texts, self.model.text, self.max_characters)
        return self._model.probability(lines, self.positive_label, self.max_characters)


def resolved(
    model: str | Model,
    positive_label: str = "",
    sha256: str = "",
    max_characters: int | None = None,
) -> Model:
    """All that decides a score, literally: hash, label, how much of a text counts, calibration."""
    found = resolve(model, sha256) if isinstance(model, str) else model
    if found.role == LANGUAGE:
        problem = "is a language model and has no positive class."
        raise ModelError(found.name, problem, "See: thresher models list")
    own = found.positive_label or POSITIVE_LABEL
    other = bool(positive_label) and positive_label != own
    return msgspec.structs.replace(
        found,
        positive_label=positive_label or own,
        # It speaks of the label it was fitted on.
        calibration=None if other else found.calibration,
        max_characters=max_characters or found.max_characters or MAX_CHARACTERS,
    )


def check_role(model: Model, role: ScoreRole) -> None:
    """Refuse a model that is for the other one of the two signals that Thresher knows.

    Raises:
        ModelError: where it is so; any other role may serve for either.
    """
    if model.role != role and model.role in get_args(ScoreRole):
        problem = f"has the role {model.role}, and {role} is wanted."
        raise ModelError(model.name, problem, "See: thresher models list")


def check_labels(model: Model, labels: tuple[str, ...]) -> None:
    """Hold a model's labels against its declaration.

    Raises:
        ModelError: where they are not as declared.
    """
    if model.positive_label in labels:
        return
    hint = f"It has: {label_list(labels)}. Set positive_label to one of them."
    raise ModelError(model.name, f"has no label {model.positive_label}.", hint)
