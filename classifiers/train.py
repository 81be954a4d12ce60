"""`train_quality`: positives and negatives in, a fastText model with its card out.

Texts are sampled, balanced and split by content (`sampling`), trained on with fastText, and the
stored file itself is what the held-out texts are scored with. The card is written last: a model
without a card is not finished.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import os
import re
import shutil
import tempfile
import uuid
from collections.abc import Callable
from pathlib import Path

import fasttext
import fsspec
import msgspec
import pyarrow as pa
from fsspec.implementations.local import LocalFileSystem

from classifiers import examples
from classifiers.card import ModelCard, TrainingClass, rebuild_command
from classifiers.evaluation import Evaluation, evaluate
from classifiers.fasttext_model import LABEL_PREFIX
from classifiers.quality import NEGATIVE_LABEL, POSITIVE_LABEL, QualityModel
from classifiers.sampling import Pool, Sample, draw
from classifiers.settings import TrainSettings
from filters import config
from filters.errors import ConfigError, InputError, StoreError

Progress = Callable[[str, int], None]
"""Called with a phase and the number of documents it has seen or will see."""

MIN_TRAINED = 10
"""Fewest training texts of a class."""
MIN_HELD_OUT = 2
"""Fewest held-out texts of a class."""

_WHERE = "train quality"
_REPORT_EVERY = 1000
# In a text, fastText would read these words as its labels.
_LABEL_WORDS = re.compile(rb"(?<!\S)" + LABEL_PREFIX.encode() + rb"\S*")


def train_quality(settings: TrainSettings, progress: Progress | None = None) -> ModelCard:
    """Train, evaluate and store a quality model.

    Args:
        settings: what to train on, how, and where to put it.
        progress: told of each phase and of the documents read.

    Returns:
        The card, which is also stored beside the model as `card.json` and `CARD.md`.

    Raises:
        ConfigError: where a setting is wrong, or the texts are too few for it.
        InputError: where an input is missing or damaged, with its line.
        StoreError: where the model cannot be written.
    """
    settings = config.load(TrainSettings, msgspec.to_builtins(settings), _WHERE)
    report = progress or (lambda _phase, _count: None)
    target = _Target.of(settings)
    positives, positive_sources = _read(settings, "positives", report)
    negatives, negative_sources = _read(settings, "negatives", report)
    keep, drop = draw(positives, negatives, settings.held_out_fraction)
    _require_enough(settings, "positives", keep)
    _require_enough(settings, "negatives", drop)
    with tempfile.TemporaryDirectory(prefix="thresher-train-") as folder:
        path = Path(folder) / target.name
        report("training", len(keep.trained) + len(drop.trained))
        _train(settings, keep, drop, path)
        report("evaluating", len(keep.held_out) + len(drop.held_out))
        model = QualityModel(str(path), max_characters=settings.max_characters)
        card = ModelCard(
            model=target.url(target.name),
            sha256=model.sha256,
            size_bytes=path.stat().st_size,
            labels=(POSITIVE_LABEL, NEGATIVE_LABEL),
            settings=settings,
            positives=TrainingClass(POSITIVE_LABEL, positive_sources, keep.counts),
            negatives=TrainingClass(NEGATIVE_LABEL, negative_sources, drop.counts),
            evaluation=_evaluate(model, keep, drop),
            trainer=_trainer(),
            command=rebuild_command(settings),
        )
        report("storing", 1)
        target.store(path, card)
    return card


def _read(
    settings: TrainSettings, name: str, report: Progress
) -> tuple[Pool, tuple[examples.Source, ...]]:
    pool = Pool(settings.max_documents, settings.seed, settings.max_characters)
    urls = examples.expand(list(getattr(settings, name)), f"{_WHERE}: {name}")

    def take(text: bytes) -> None:
        pool.add(text)
        if pool.read % _REPORT_EVERY == 0:
            report(f"reading {name}", pool.read)

    sources = tuple(examples.read(url, settings.text_field, take) for url in urls)
    report(f"reading {name}", pool.read)
    if pool.read == pool.empty:
        raise InputError(f"{_WHERE}: {name}: {pool.read:,} documents, and none with a word.")
    return pool, sources


def _require_enough(settings: TrainSettings, name: str, sample: Sample) -> None:
    counts = sample.counts
    if counts.trained < MIN_TRAINED:
        raise ConfigError(
            f"{_WHERE}: {name}",
            f"too few documents: {counts.trained} to train on of {counts.read:,} read "
            f"({counts.empty:,} empty, {counts.duplicates:,} duplicates, "
            f"{counts.in_both_classes:,} in both classes, {counts.held_out:,} held out); "
            f"{MIN_TRAINED} are needed.",
            "Classes are balanced, so the smaller one decides.",
        )
    if counts.held_out < MIN_HELD_OUT:
        raise ConfigError(
            f"{_WHERE}: held_out_fraction",
            f"{settings.held_out_fraction:g} holds out {counts.held_out} of the {name}; "
            f"{MIN_HELD_OUT} are needed.",
            "Raise it, or give more documents.",
        )


def _train(settings: TrainSettings, keep: Sample, drop: Sample, path: Path) -> None:
    """Write the training file in the order of the keys, which mixes the classes, and train."""
    rows = sorted(
        (example.key, label, example.line)
        for label, sample in ((POSITIVE_LABEL, keep), (NEGATIVE_LABEL, drop))
        for example in sample.trained
    )
    training_file = path.with_name("train.txt")
    with training_file.open("wb") as file:
        for _, label, line in rows:
            file.write(label.encode() + b" " + _LABEL_WORDS.sub(b" ", line) + b"\n")
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
        raise ConfigError(_WHERE, f"fastText could not train: {error}.", hint) from error
    except MemoryError as error:
        needed = f"{4 * settings.dim * settings.bucket / 1e9:.1f} GB"
        problem = f"dim x bucket needs {needed}, more than there is."
        raise ConfigError(f"{_WHERE}: bucket", problem, "Lower bucket or dim.") from error
    model.save_model(str(path))


def _evaluate(model: QualityModel, keep: Sample, drop: Sample) -> Evaluation:
    scores = []
    for sample in (keep, drop):
        lines = pa.array([example.line for example in sample.held_out], pa.large_binary())
        # None: a text made only of words that fastText skips.
        scores.append([s for s in model.score(lines).to_pylist() if s is not None])
    if not all(scores):
        raise ConfigError(_WHERE, "the held-out documents of a class have no words to score.")
    return evaluate(scores[0], scores[1])


def _trainer() -> str:
    """Name and version of the distribution that carries the `fasttext` module."""
    names = importlib.metadata.packages_distributions().get("fasttext", [])
    return " ".join(f"{name} {importlib.metadata.version(name)}" for name in names) or "fasttext"


class _Target(msgspec.Struct, frozen=True):
    """The folder that receives the model, its card and its description."""

    filesystem: fsspec.AbstractFileSystem
    folder: str
    name: str

    @classmethod
    def of(cls, settings: TrainSettings) -> _Target:
        suffix = ".ftz" if settings.quantize else ".bin"
        try:
            filesystem, path = fsspec.core.url_to_fs(settings.out)
        except (ValueError, ImportError) as error:
            raise ConfigError(f"{_WHERE}: out", f"{error}.") from error
        if not path.endswith((".bin", ".ftz")):
            return cls(filesystem, path.rstrip("/"), "quality" + suffix)
        folder, _, name = path.rpartition("/")
        if not name.endswith(suffix):
            problem = f"{name} does not go with quantize = {str(settings.quantize).lower()}."
            raise ConfigError(f"{_WHERE}: out", problem, f"End it in {suffix}.")
        return cls(filesystem, folder, name)

    def url(self, name: str) -> str:
        path = f"{self.folder}/{name}"
        local = isinstance(self.filesystem, LocalFileSystem)
        return path if local else str(self.filesystem.unstrip_protocol(path))

    def store(self, model: Path, card: ModelCard) -> None:
        """Write the model, then CARD.md, then card.json, whose presence says it is whole."""
        described = model.with_name("CARD.md")
        described.write_text(card.markdown(), encoding="utf-8")
        facts = model.with_name("card.json")
        facts.write_bytes(card.json())
        try:
            self.filesystem.makedirs(self.folder, exist_ok=True)
            # The card of an earlier model must not stand beside this one.
            with contextlib.suppress(FileNotFoundError):
                self.filesystem.rm_file(f"{self.folder}/{facts.name}")
            for path in (model, described, facts):
                self._put(path)
        except OSError as error:
            raise StoreError(f"{self.url(self.name)}: cannot be written: {error}.") from error

    def _put(self, path: Path) -> None:
        target = f"{self.folder}/{path.name}"
        if not isinstance(self.filesystem, LocalFileSystem):
            # An upload is atomic by itself.
            self.filesystem.put_file(str(path), target)
            return
        temporary = Path(f"{self.folder}/.{path.name}.{uuid.uuid4().hex}.part")
        try:
            shutil.copyfile(path, temporary)
            with temporary.open("rb") as file:
                os.fsync(file.fileno())
            temporary.replace(target)
        finally:
            temporary.unlink(missing_ok=True)
