"""`train`: positives and negatives in, a fastText model with its card out.

Texts are sampled, freed of copies and split by content (`sampling`, `splitting`), trained on with
fastText (`fitting`), calibrated on texts of their own, and the stored file itself is what the
held-out texts are scored with. The card is written last: a model without a card is not finished.
"""

from __future__ import annotations

import hashlib
import re
import tempfile
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Literal

import msgspec
import numpy as np

from thresher.classifiers import calibration, card_text
from thresher.classifiers.breakdown import Judged, break_down
from thresher.classifiers.bundles import CARD_JSON, CARD_PLOT, CARD_TEXT, LANGUAGE
from thresher.classifiers.calibration import Calibration
from thresher.classifiers.card import ModelCard, TrainingClass
from thresher.classifiers.evaluation import evaluate
from thresher.classifiers.examples import Source
from thresher.classifiers.extras import require_packages
from thresher.classifiers.fitting import (
    WHERE,
    Scorer,
    fit,
    labels_of,
    search,
    trainer,
    tuning_scores,
)
from thresher.classifiers.inputs import LakeReader, Text, read_inputs
from thresher.classifiers.plot import calibration_plot
from thresher.classifiers.sampling import Example, Pool
from thresher.classifiers.settings import TrainSettings
from thresher.classifiers.splitting import Sample, draw
from thresher.classifiers.target import Target
from thresher.filters.config import load
from thresher.filters.errors import ConfigError, InputError

Progress = Callable[[str, int], None]
"""Called with a phase and the number of documents it has seen or will see."""

MIN_TRAINED = 10
"""Fewest training texts of a class."""
MIN_HELD_OUT = 2
"""Fewest held-out texts of a class."""

_REPORT_EVERY = 1000
_NAME = re.compile(r"[a-z0-9]+([.-][a-z0-9]+)*")
_Side = Literal["positives", "negatives"]


def train(
    name: str,
    settings: TrainSettings,
    out: str,
    command: str = "",
    progress: Progress | None = None,
    lakes: LakeReader | None = None,
    root: str = "",
) -> ModelCard:
    """Train, calibrate, evaluate and store a model.

    Args:
        name: of the model.
        settings: what to train on and how.
        out: folder for the model and its card: a path or any URL that fsspec opens.
        command: what makes it again, for the card.
        progress: told of each phase and of the documents read.
        lakes: reads the inputs that are of a lake.
        root: where relative paths of the inputs start.

    Returns:
        The card, which is also stored beside the model as `card.json` and `CARD.md`.

    Raises:
        ConfigError: where a setting is wrong, or the texts are too few for it.
        InputError: where an input is missing or damaged, with its line.
        StoreError: where the model cannot be written.
    """
    settings = load(TrainSettings, msgspec.to_builtins(settings), WHERE)
    settings.check(WHERE)
    if not _NAME.fullmatch(name):
        raise ConfigError(
            f"{WHERE} {name!r}",
            "must be lower-case letters and digits, with single '-' or '.' inside.",
        )
    require_packages()
    report = progress or (lambda _phase, _count: None)
    target = Target.of(out)
    positives, positive_sources = _read(settings, "positives", report, lakes, root)
    negatives, negative_sources = _read(settings, "negatives", report, lakes, root)
    report("splitting", positives.read + negatives.read)
    keep, drop = draw(positives, negatives, settings)
    for side, sample in (("positives", keep), ("negatives", drop)):
        _require_enough(settings, side, sample)
    with tempfile.TemporaryDirectory(prefix="thresher-train-") as temporary:
        folder = Path(temporary)
        settings, trials = search(settings, keep, drop, folder, report)
        path = folder / (name + (".ftz" if settings.quantize else ".bin"))
        report("training", len(keep.trained) + len(drop.trained))
        fit(settings, keep, drop, path)
        report("evaluating", len(keep.held_out) + len(drop.held_out))
        scorer = Scorer(path, settings)
        method, share = settings.calibration.method, settings.calibration.positive_share
        calibrated = calibration.fit(*tuning_scores(scorer, keep, drop), method, share)
        judged = _judge(scorer, keep, drop, calibrated)
        reported = [*_reported(judged, True), *_reported(judged, False)]
        evaluation = evaluate(
            [each.score for each in reported if each.positive],
            [each.score for each in reported if not each.positive],
            share,
        )
        labels = labels_of(settings)
        card = ModelCard(
            name=name,
            version=settings.version,
            role=settings.role or role_of(name, settings.languages),
            summary=settings.summary,
            licence=settings.licence,
            model=path.name,
            sha256=_sha256(path),
            size_bytes=path.stat().st_size,
            labels=labels,
            positive_label=labels[0],
            languages=settings.languages,
            preparation=settings.preparation,
            max_characters=settings.max_characters,
            calibration=calibrated,
            settings=settings,
            trials=trials,
            positives=TrainingClass(labels[0], positive_sources, keep.counts),
            negatives=TrainingClass(labels[1], negative_sources, drop.counts),
            evaluation=evaluation,
            breakdown=break_down(judged, reported, settings.mistakes),
            trainer=trainer(),
            command=command,
        )
        report("storing", 1)
        calibration_plot(evaluation, f"{name}@{card.version}", folder / CARD_PLOT)
        (folder / CARD_TEXT).write_text(card_text.markdown(card), encoding="utf-8")
        (folder / CARD_JSON).write_bytes(card.json())
        target.store([path, folder / CARD_PLOT, folder / CARD_TEXT], folder / CARD_JSON)
    return card


def role_of(name: str, languages: Collection[str]) -> str:
    """What a model is for by its name, without its language: `machine_text`."""
    words = name.replace("-", ".").split(".")
    if len(words) > 1 and words[-1] in languages:
        words.pop()
    role = "_".join(words)
    return role if role[0].isalpha() and role != LANGUAGE else "quality"


def _read(
    settings: TrainSettings,
    side: _Side,
    report: Progress,
    lakes: LakeReader | None,
    root: str,
) -> tuple[Pool, tuple[Source, ...]]:
    pool = Pool(
        settings.max_documents, settings.seed, settings.max_characters, settings.preparation
    )

    def take(text: Text) -> None:
        pool.add(text)
        if pool.read % _REPORT_EVERY == 0:
            report(f"reading {side}", pool.read)

    sources = read_inputs(getattr(settings, side), f"{WHERE}: {side}", lakes, take, root)
    report(f"reading {side}", pool.read)
    if pool.read == 0:
        first = next((each.first_unusable for each in sources if each.first_unusable), "")
        why = f" One that cannot be used: {first}" if first else ""
        raise InputError(f"{WHERE}: {side}: no document is left of the inputs.{why}")
    if pool.read == pool.empty:
        raise InputError(f"{WHERE}: {side}: {pool.read:,} documents, and none with a word.")
    return pool, sources


def _require_enough(settings: TrainSettings, side: str, sample: Sample) -> None:
    counts = sample.counts
    if counts.trained < MIN_TRAINED:
        raise ConfigError(
            f"{WHERE}: {side}",
            f"too few documents: {counts.trained} to train on of {counts.read:,} read "
            f"({counts.empty:,} empty, {counts.duplicates:,} duplicates, "
            f"{counts.in_both_classes:,} in both classes, {counts.tuned:,} for tuning, "
            f"{counts.held_out:,} held out); {MIN_TRAINED} are needed.",
            "Classes are balanced, so the smaller one decides.",
        )
    shares = {"held_out_fraction": counts.held_out, "tuning_fraction": counts.tuned}
    if settings.calibration.method == "none" and not settings.search.any():
        del shares["tuning_fraction"]
    for name, count in shares.items():
        if count < MIN_HELD_OUT:
            raise ConfigError(
                f"{WHERE}: {name}",
                f"{getattr(settings, name):g} sets {count} of the {side} aside; "
                f"{MIN_HELD_OUT} are needed.",
                "Raise it, or give more documents, or of more domains.",
            )


def _judge(
    scorer: Scorer, keep: Sample, drop: Sample, calibrated: Calibration | None
) -> list[Judged]:
    """The held-out texts of both classes with their probabilities."""
    judged: list[Judged] = []
    for positive, sample in ((True, keep), (False, drop)):
        raw = scorer.raw(sample.held_out)
        # None: a text made only of words that fastText skips.
        scored = [
            (example, score)
            for example, score in zip(sample.held_out, raw, strict=True)
            if score is not None
        ]
        if not scored:
            problem = "the held-out documents of a class have no words to score."
            raise ConfigError(WHERE, problem, "Give longer texts.")
        values = np.array([score for _, score in scored])
        if calibrated is not None:
            values = calibrated.apply(values)
        judged += [
            _judged(example, positive, value)
            for (example, _), value in zip(scored, values.tolist(), strict=True)
        ]
    return judged


def _judged(example: Example, positive: bool, score: float) -> Judged:
    return Judged(example.key, example.line, example.source, example.held_out, positive, score)


def _reported(judged: Sequence[Judged], positive: bool) -> list[Judged]:
    """Of a class, the texts of unseen sources, where there are enough; else all."""
    own = [each for each in judged if each.positive == positive]
    unseen = [each for each in own if each.unseen]
    return unseen if len(unseen) >= MIN_HELD_OUT else own


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
