"""The card of a trained quality model: what it was made from, how, and how good it is."""

from __future__ import annotations

import shlex

import msgspec

from classifiers.evaluation import Evaluation
from classifiers.examples import Source
from classifiers.sampling import ClassCounts
from classifiers.settings import TrainSettings


class TrainingClass(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One side of the training data."""

    label: str
    """Its fastText label."""
    sources: tuple[Source, ...]
    """The files it was read from."""
    counts: ClassCounts
    """Where their documents went."""


class ModelCard(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All facts about a trained quality model: `markdown()` for people, `json()` for programs."""

    model: str
    """URL of the model file."""
    sha256: str
    """Hash of the model file."""
    size_bytes: int
    """Size of the model file."""
    labels: tuple[str, ...]
    """Its labels; the first is the positive one, whose probability is the score."""
    settings: TrainSettings
    """What it was trained with."""
    positives: TrainingClass
    """What a kept document looks like."""
    negatives: TrainingClass
    """What a dropped document looks like."""
    evaluation: Evaluation
    """Metrics on documents that training did not see."""
    trainer: str
    """The library that trained it, with its version."""
    command: str
    """The command that makes it again."""

    def json(self) -> bytes:
        """The card as indented JSON, with a line feed at the end."""
        return msgspec.json.format(msgspec.json.encode(self), indent=2) + b"\n"

    def markdown(self) -> str:
        """The card as Markdown."""
        result = self.evaluation
        same = "has" if self.settings.threads == 1 else "does not have (threads > 1)"
        return "\n\n".join(
            [
                "# Quality model",
                f"`{self.model}`, {self.size_bytes:,} bytes, sha256 `{self.sha256}`. Its score is "
                f"the probability of `{self.labels[0]}`. Trained by {self.trainer}.",
                "## Held-out evaluation",
                f"ROC-AUC **{result.roc_auc:.4f}**, average precision "
                f"**{result.average_precision:.4f}**, on {result.positives:,} positives and "
                f"{result.negatives:,} negatives that training did not see. They come from the "
                "same files as the training data: expect less on other data.",
                _table(
                    ("keep score >=", "precision", "recall", "F1", "negatives kept"),
                    [
                        (
                            f"{row.threshold:g}",
                            "-" if row.precision is None else f"{row.precision:.3f}",
                            f"{row.recall:.3f}",
                            f"{row.f1:.3f}",
                            f"{row.negatives_kept:.3f}",
                        )
                        for row in result.thresholds
                    ],
                ),
                "Scores by quantile:",
                _table(
                    ("class", *result.positive_quantiles),
                    [
                        (name, *(f"{value:.3f}" for value in quantiles.values()))
                        for name, quantiles in (
                            ("positives", result.positive_quantiles),
                            ("negatives", result.negative_quantiles),
                        )
                    ],
                ),
                "## Training data",
                _table(
                    ("class", *(name.replace("_", " ") for name in ClassCounts.__struct_fields__)),
                    [
                        (name, *(f"{value:,}" for value in msgspec.structs.astuple(side.counts)))
                        for name, side in self._sides()
                    ],
                ),
                _table(
                    ("class", "file", "documents", "bytes", "sha256"),
                    [
                        (
                            name,
                            _cell(source.url),
                            f"{source.documents:,}",
                            f"{source.size_bytes:,}",
                            f"`{source.sha256}`",
                        )
                        for name, side in self._sides()
                        for source in side.sources
                    ],
                ),
                "## Settings",
                _table(
                    ("setting", "value"),
                    [
                        (name, _cell(_words(getattr(self.settings, name))))
                        for name in TrainSettings.__struct_fields__
                    ],
                ),
                "## Make it again",
                f"    {self.command}",
                f"From the same files and the same library the new model {same} the same bytes.\n",
            ]
        )

    def _sides(self) -> tuple[tuple[str, TrainingClass], tuple[str, TrainingClass]]:
        return ("positives", self.positives), ("negatives", self.negatives)


def rebuild_command(settings: TrainSettings) -> str:
    """The command line that trains with these settings, those at their default left out."""
    words = ["thresher", "train", "quality"]
    for field in msgspec.structs.fields(TrainSettings):
        value = getattr(settings, field.name)
        if value == field.default:
            continue
        flag = "--" + field.name.replace("_", "-")
        if isinstance(value, bool):
            words.append(flag if value else flag.replace("--", "--no-", 1))
        elif isinstance(value, tuple):
            for item in value:
                words += [flag, item]
        else:
            words += [flag, str(value)]
    return shlex.join(words)


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _words(value: object) -> str:
    return ", ".join(value) if isinstance(value, tuple) else str(value)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
