"""fastText's training: one model, and the small search for its settings."""

from __future__ import annotations

import hashlib
import importlib.metadata
import itertools
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa

from thresher.classifiers.evaluation import average_precision, roc_auc
from thresher.classifiers.fasttext_model import LABEL_PREFIX, load, predict
from thresher.classifiers.sampling import Example
from thresher.classifiers.settings import SearchSettings, TrainSettings
from thresher.classifiers.splitting import Sample
from thresher.filters.errors import ConfigError

WHERE = "train"

# In a text, fastText would read these words as its labels.
_LABEL_WORDS = re.compile(rb"(?<!\S)" + LABEL_PREFIX.encode() + rb"\S*")


class Trial(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One combination that the search tried."""

    settings: dict[str, float]
    """What was set."""
    roc_auc: float
    """On the tuning texts."""
    average_precision: float
    """On the tuning texts."""


def search(
    settings: TrainSettings,
    keep: Sample,
    drop: Sample,
    folder: Path,
    report: Callable[[str, int], None],
) -> tuple[TrainSettings, tuple[Trial, ...]]:
    """The settings with the best combination of `settings.search`, and all that were tried."""
    combinations = list(_combinations(settings.search))
    if not combinations:
        return settings, ()
    trials: list[Trial] = []
    for number, values in enumerate(combinations, 1):
        report(f"search {number} of {len(combinations)}", len(keep.tuned) + len(drop.tuned))
        path = folder / "trial.bin"
        # Quantised once, at the end: it takes longer than the training.
        tried = msgspec.structs.replace(settings, quantize=False, **values)
        fit(tried, keep, drop, path)
        positives, negatives = tuning_scores(Scorer(path, settings), keep, drop)
        scores = np.array([*positives, *negatives])
        flags = np.arange(scores.size) < len(positives)
        trials.append(Trial(values, roc_auc(scores, flags), average_precision(scores, flags)))
        path.unlink()
    # The first of equals: the order of the settings file decides, and not chance.
    best = max(trials, key=lambda trial: getattr(trial, settings.search.metric))
    chosen = msgspec.to_builtins(settings) | best.settings
    return msgspec.convert(chosen, TrainSettings), tuple(trials)


def fit(settings: TrainSettings, keep: Sample, drop: Sample, path: Path) -> None:
    """Train on the lines of both classes and store the model.

    Raises:
        ConfigError: where fastText cannot train with these settings.
    """
    import fasttext  # whether it can train is asked before, and in words

    rows = sorted(
        (_place(line, index), label.encode(), line)
        for label, sample in zip(labels_of(settings), (keep, drop), strict=True)
        for index, line in enumerate(sample.lines())
    )
    training_file = path.with_name("train.txt")
    with training_file.open("wb") as file:
        for _, label, line in rows:
            file.write(label + b" " + _LABEL_WORDS.sub(b" ", line) + b"\n")
    try:
        model = fasttext.train_supervised(
            input=str(training_file),
            dim=settings.dim,
            epoch=settings.epoch,
            lr=settings.lr,
            wordNgrams=settings.word_ngrams,
            minCount=settings.min_count,
            bucket=settings.bucket,
            thread=settings.threads,
            seed=settings.seed,
            verbose=0,
        )
        if settings.quantize:
            model.quantize(thread=settings.threads, verbose=0)
    except (RuntimeError, ValueError) as error:
        hint = "A lower lr, or a lower min_count, usually helps."
        raise ConfigError(WHERE, f"fastText could not train: {error}.", hint) from error
    except MemoryError as error:
        needed = f"{4 * settings.dim * settings.bucket / 1e9:.1f} GB"
        problem = f"dim x bucket needs {needed}, more than there is."
        raise ConfigError(f"{WHERE}: bucket", problem, "Lower bucket or dim.") from error
    finally:
        training_file.unlink(missing_ok=True)
    model.save_model(str(path))


class Scorer:
    """A model that was stored just now, for scoring.

    Its file needs no trial in a child process: this process wrote it.
    """

    def __init__(self, path: Path, settings: TrainSettings) -> None:
        labels, self._model = load(path, str(path))
        self._wanted = labels.index(labels_of(settings)[0])

    def raw(self, examples: Sequence[Example]) -> list[float | None]:
        """Raw scores of the positive label; None for a text made only of words that it skips."""
        lines = pa.array([example.line for example in examples], pa.large_binary())
        found, scores = predict(self._model, lines, self._wanted)
        pairs = zip(found.tolist(), scores.tolist(), strict=True)
        return [score if label >= 0 else None for label, score in pairs]


def tuning_scores(scorer: Scorer, keep: Sample, drop: Sample) -> tuple[list[float], list[float]]:
    """Raw scores of the tuning texts of both classes."""
    positives, negatives = (
        [score for score in scorer.raw(sample.tuned) if score is not None]
        for sample in (keep, drop)
    )
    return positives, negatives


def labels_of(settings: TrainSettings) -> tuple[str, str]:
    """FastText's labels, the positive one first."""
    return LABEL_PREFIX + settings.labels[0], LABEL_PREFIX + settings.labels[1]


def trainer() -> str:
    """Name and version of the distribution that carries the `fasttext` module."""
    names = importlib.metadata.packages_distributions().get("fasttext", [])
    return " ".join(f"{name} {importlib.metadata.version(name)}" for name in names) or "fasttext"


def _place(line: bytes, index: int) -> bytes:
    """Where a line stands in the training file: anywhere, so that the classes are mixed."""
    salt = index.to_bytes(8, "little")
    return hashlib.blake2b(line, digest_size=16, salt=salt).digest()


def _combinations(settings: SearchSettings) -> Iterator[dict[str, float]]:
    names = ("lr", "epoch", "word_ngrams", "dim")
    tried = {name: getattr(settings, name) for name in names if getattr(settings, name)}
    if tried:
        for values in itertools.product(*tried.values()):
            yield dict(zip(tried, values, strict=True))
