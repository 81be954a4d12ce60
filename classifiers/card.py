"""The card of a trained model: what it was made from, how, and how good it is.

`card.json` is for programs, and is what a loader reads: labels, preparation and calibration belong
to the model as much as its weights do. `thresher.classifiers.card_text` makes the `CARD.md` for
people.
"""

from __future__ import annotations

import msgspec

from thresher.classifiers.breakdown import Breakdown
from thresher.classifiers.bundles import Role
from thresher.classifiers.calibration import Calibration
from thresher.classifiers.evaluation import Evaluation
from thresher.classifiers.examples import Source
from thresher.classifiers.fitting import Trial
from thresher.classifiers.preparation import Preparation
from thresher.classifiers.sampling import ClassCounts
from thresher.classifiers.settings import TrainSettings


class TrainingClass(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One side of the training data."""

    label: str
    """Its fastText label."""
    sources: tuple[Source, ...]
    """What it was read from."""
    counts: ClassCounts
    """Where the documents went."""


class ModelCard(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All facts about a trained model."""

    name: str
    """Name of the model."""
    version: int
    """Its version: `name@version` names it in a recipe."""
    role: Role
    """What it is for: `quality`, `machine_text`, or another word for what the score means."""
    summary: str
    """What the score means."""
    licence: str
    """Licence of the model."""
    model: str
    """The model file, in the folder of this card."""
    sha256: str
    """Hash of the model file."""
    size_bytes: int
    """Size of the model file."""
    labels: tuple[str, ...]
    """Its labels; the first is the positive one."""
    positive_label: str
    """The label whose probability is the raw score."""
    languages: tuple[str, ...]
    """Languages that it can judge, as codes; empty for any."""
    preparation: Preparation
    """How a text is prepared before the model sees it."""
    max_characters: int
    """How many characters of a text count."""
    calibration: Calibration | None
    """From the raw score to the probability; null for none."""
    settings: TrainSettings
    """What it was trained with, after the search."""
    trials: tuple[Trial, ...]
    """What the search tried."""
    positives: TrainingClass
    """What a kept document looks like."""
    negatives: TrainingClass
    """What a dropped document looks like."""
    evaluation: Evaluation
    """Metrics on held-out documents: of whole unseen sources, where there are any of a class."""
    breakdown: Breakdown
    """The same by source, length and site."""
    trainer: str
    """The library that trained it, with its version."""
    command: str
    """The command that makes it again."""

    def json(self) -> bytes:
        """The card as indented JSON, with a line feed at the end."""
        return msgspec.json.format(msgspec.json.encode(self), indent=2) + b"\n"
