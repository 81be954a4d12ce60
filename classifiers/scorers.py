"""Scorers: any callable from texts to numbers as a signal, named in the recipe.

    [[scores]]
    name = "helpful"
    factory = "heads.py:load"              # or callable = "package.module:function"
    arguments = { path = "heads/helpful.npz" }
    meaning = "Probability that the text answers a question."
    range = [0, 1]
    resources = { gpus = 0.5 }

gives the signal `scores.helpful`. The callable is handed a list of texts and returns as many
numbers or None; it is loaded once per worker process. A blank text is NULL and is not shown to it.
A batch on which it raises, or of which it gives too many or too few scores, is shown to it once
more text by text. A text on which it raises then, or whose score is no number, not finite or out of
the declared range, is NULL and counted; `allow_failures` is how many of these a run bears.

Batches are cut from a shard in its order, so that a run can be repeated; that a text's score does
not depend on its batch is the callable's matter. Its module's source is hashed; of what that
imports or reads, `version` speaks.
"""

from __future__ import annotations

import math
import re
import traceback
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Annotated, Any

import msgspec

from thresher.classifiers.quality import QualityModel, resolved
from thresher.classifiers.registry import Model
from thresher.filters.config import canonical_json
from thresher.filters.errors import ConfigError, ModelError, naming
from thresher.filters.user_function import load_function, without_folder

Scores = Sequence[float | None]
_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
_LONGEST_MESSAGE = 10_000
_PLAIN = ["The old mill stands by the river.", "Buy now!"]
Amount = Annotated[float, msgspec.Meta(ge=0)]


class Resources(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a task of the scorer needs of a machine; it changes no score."""

    cpus: Amount = 1.0
    """Processor cores."""
    gpus: Amount = 0.0
    """GPUs; a part of one lets several tasks share it."""
    memory_mb: Amount = 0.0
    """Memory; 0 asks for none in particular."""


class ScorerSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A model or callable whose score becomes a signal, a table `[[scores]]`."""

    name: str
    """Name of its signal, after `scores.`."""
    meaning: str
    """What a high score means, in a sentence."""
    model: str = ""
    """A fastText model: `name@version` of the registry, or the address of a file, or of the folder
    of a training."""
    positive_label: str = ""
    """Of that model, where it is not the label it declares."""
    sha256: str = ""
    """Hash that the model must have, or the source of the callable's module."""
    callable: str = ""
    """`package.module:function` or `file.py:function`, a path relative to the recipe: takes a list
    of texts, returns numbers."""
    factory: str = ""
    """The same, but called once per process with the arguments; what it returns is the callable."""
    arguments: dict[str, Any] = {}
    """Arguments of the factory."""
    version: str = ""
    """Raise it when anything but the module's own source changes what the callable returns."""
    range: tuple[float, float] | None = None
    """Least and greatest score; another is a failure."""
    allow_failures: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.01
    """Share of the run's texts that it may fail on, one text at least; they have no score. Beyond
    it the run stops before it judges. 0 bears none."""
    batch_texts: Annotated[int, msgspec.Meta(ge=1)] = 256
    """Texts that the callable is handed at once."""
    max_characters: Annotated[int, msgspec.Meta(ge=1)] = 100_000
    """How much of a text counts, from its start."""
    resources: Resources = Resources()
    """What a task of it needs of a machine."""


class Scorer(msgspec.Struct, frozen=True):
    """A scorer with all that decides its scores."""

    settings: ScorerSettings
    model: Model | None
    source: str
    """Hash of the module that holds the callable."""

    @property
    def identity(self) -> list[object]:
        """What a fingerprint depends on."""
        if self.model is not None:
            return [self.settings.name, self.model.identity]
        asked = self.settings
        how = [asked.callable, asked.factory, asked.arguments, asked.version, asked.range]
        how[:2] = [without_folder(name) for name in (asked.callable, asked.factory)]
        return [asked.name, how, self.source, asked.batch_texts, asked.max_characters]


def check_scorers(settings: Sequence[ScorerSettings], where: str) -> tuple[Scorer, ...]:
    """Resolve every scorer, load it and show it two plain texts, before any work starts.

    A scorer that needs a GPU is not loaded, since this machine may have none.

    Raises:
        ConfigError: for one that does not exist, cannot be loaded or gives no scores.
    """
    found: list[Scorer] = []
    for i, each in enumerate(settings):
        here = f"{where}[{i}]"
        if not _NAME.fullmatch(each.name):
            raise ConfigError(f"{here}.name", "must be lower case words joined by underscores.")
        if each.name in [other.settings.name for other in found]:
            raise ConfigError(f"{here}.name", f"'{each.name}' is there already.", "Rename one.")
        scorer = _resolved(each, here)
        found.append(scorer)
        if not each.resources.gpus:
            _try(scorer, here)
    return tuple(found)


class Unscored(msgspec.Struct, frozen=True):
    """A text that its scorer failed on."""

    problem: str
    """What it raised or gave, in words, not yet redacted."""


Answer = float | Unscored | None


def scores_of(
    scorer: Scorer, texts: Sequence[str], is_passing: Callable[[Exception], bool] = lambda _: False
) -> list[Answer]:
    """The score of every text, in batches; None for a blank text.

    Args:
        scorer: which.
        texts: in the order of the shard.
        is_passing: tells what may be gone at the next attempt, and speaks of no text.

    Raises:
        ConfigError: where it cannot be loaded.
        Exception: what the callable raises, where it `is_passing`.
    """
    settings = scorer.settings
    score = _loaded(scorer)
    shown = [i for i, text in enumerate(texts) if text.strip()]
    found: list[Answer] = [None] * len(texts)
    for start in range(0, len(shown), settings.batch_texts):
        part = shown[start : start + settings.batch_texts]
        cut = [texts[i][: settings.max_characters] for i in part]
        answers = _batch(settings, score, cut, is_passing)
        if isinstance(answers, Unscored) and len(cut) > 1:
            alone = (_batch(settings, score, [text], is_passing) for text in cut)
            answers = [each if isinstance(each, Unscored) else each[0] for each in alone]
        for i, answer in zip(
            part, [answers] if isinstance(answers, Unscored) else answers, strict=True
        ):
            found[i] = answer
    return found


def _try(scorer: Scorer, where: str) -> None:
    """Show a scorer a batch of two plain texts.

    Raises:
        ConfigError: where it cannot be loaded, or fails on either.
    """
    try:
        score = _loaded(scorer)
    except ConfigError:
        raise
    except Exception as error:
        raise ConfigError(where, f"cannot be loaded: {_said(error)}.") from error
    answers = _batch(scorer.settings, score, _PLAIN, lambda _: False)
    for each in [answers] if isinstance(answers, Unscored) else answers:
        if isinstance(each, Unscored):
            raise ConfigError(where, f"fails on a batch of two plain texts: {each.problem}.")


def _batch(
    settings: ScorerSettings,
    score: Callable[[list[str]], Scores],
    texts: list[str],
    is_passing: Callable[[Exception], bool],
) -> list[Answer] | Unscored:
    """What the callable makes of texts; `Unscored` where that is nothing for each of them."""
    try:
        values = list(score(list(texts)))
    except Exception as error:
        if is_passing(error) or _is_of_a_signal(error):
            raise
        return Unscored(_said(error))
    if len(values) != len(texts):
        plural = "text" if len(texts) == 1 else "texts"
        return Unscored(f"gave {len(values):,} scores for {len(texts):,} {plural}")
    return [None if value is None else _answer(settings, value) for value in values]


def _answer(settings: ScorerSettings, value: Any) -> Answer:
    """A value as a score."""
    try:
        number = math.nan if isinstance(value, str | bytes) else float(value)
    except Exception:  # noqa: BLE001 - objects of strangers may raise anything
        number = math.nan
    if not math.isfinite(number):
        shown = value if isinstance(value, float) else f"a value of type {type(value).__name__}"
        return Unscored(f"gave {shown}, which is no score; None is, where there is none")
    if settings.range and not settings.range[0] <= number <= settings.range[1]:
        low, high = settings.range
        return Unscored(f"gave {number}, outside [{low:g}, {high:g}]")
    return number + 0.0


def _said(error: BaseException) -> str:
    """What an exception says on one line, even where it cannot say it."""
    lines = traceback.format_exception_only(error)
    return " ".join("".join(lines)[:_LONGEST_MESSAGE].split())


def _is_of_a_signal(error: BaseException | None) -> bool:
    """Whether a library made an exception of what a signal raised within it."""
    for _ in range(16):
        if error is None:
            return False
        if not isinstance(error, Exception):
            return True
        error = error.__cause__ or error.__context__
    return False


def _resolved(settings: ScorerSettings, where: str) -> Scorer:
    kinds = [kind for kind in ("model", "callable", "factory") if getattr(settings, kind)]
    if len(kinds) != 1:
        raise ConfigError(where, "needs exactly one of model, callable and factory.")
    if settings.arguments and not settings.factory:
        raise ConfigError(f"{where}.arguments", "go with a factory.", "Name it as factory.")
    if settings.range and not settings.range[0] < settings.range[1]:
        raise ConfigError(f"{where}.range", "must rise.")
    try:
        canonical_json(settings.arguments)
    except TypeError as error:
        raise ConfigError(f"{where}.arguments", f"{error}.") from error
    if settings.model:
        with naming(f"{where}.model"):
            model = resolved(settings.model, settings.positive_label, settings.sha256)
        return Scorer(settings, model, "")
    reference = settings.callable or settings.factory
    _, source = load_function(reference, f"{where}.{kinds[0]}")
    if settings.sha256 and settings.sha256 != source:
        raise ConfigError(f"{where}.sha256", f"the source of {reference} has {source}.")
    return Scorer(settings, None, source)


@lru_cache(maxsize=8)
def _cached(key: bytes) -> Callable[[list[str]], Scores]:
    scorer = msgspec.json.decode(key, type=Scorer)
    if scorer.model is not None:
        import pyarrow as pa

        model = QualityModel(scorer.model)
        return lambda texts: model.score(pa.array(texts, pa.large_string())).to_pylist()
    settings = scorer.settings
    reference = settings.callable or settings.factory
    where = f"scores.{settings.name}"
    function, source = load_function(reference, where)
    if source != scorer.source:
        problem = f"the source of {reference} is not the one the run began with."
        raise ModelError(where, problem, "Put the same file on every machine.")
    found = function(**settings.arguments) if settings.factory else function
    if not callable(found):
        raise ConfigError(where, f"{reference} returned a {type(found).__name__}, no callable.")
    return found


def _loaded(scorer: Scorer) -> Callable[[list[str]], Scores]:
    """The callable, loaded once per process."""
    return _cached(msgspec.json.encode(scorer))
