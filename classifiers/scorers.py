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
What is no number, not finite or out of the declared range ends the shard with an error that names
the document.

Batches are cut from a shard in its order, so that a run can be repeated; that a text's score does
not depend on its batch is the callable's matter. Its module's source is hashed; of what that
imports or reads, `version` speaks.
"""

from __future__ import annotations

import math
import re
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
    """A fastText model: `name@version` of the registry, or the address of a file."""
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
    """Least and greatest score; another is an error."""
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
            try:
                scores_of(scorer, _PLAIN)
            except ConfigError:
                raise
            except Exception as error:
                problem = f"fails on a plain text: {type(error).__name__}: {error}."
                raise ConfigError(here, problem) from error
    return tuple(found)


def scores_of(
    scorer: Scorer, texts: Sequence[str], names: Sequence[str] = ()
) -> list[float | None]:
    """The score of every text, in batches; None for a blank text.

    Args:
        scorer: which.
        texts: in the order of the shard.
        names: of the documents, for errors; by default their places.

    Raises:
        ConfigError: where it returns anything but so many finite numbers in its range, or None.
    """
    settings = scorer.settings
    score = _loaded(scorer)
    shown = [i for i, text in enumerate(texts) if text.strip()]
    found: list[float | None] = [None] * len(texts)
    for start in range(0, len(shown), settings.batch_texts):
        part = shown[start : start + settings.batch_texts]
        values = list(score([texts[i][: settings.max_characters] for i in part]))
        if len(values) != len(part):
            problem = f"gave {len(values)} scores for {len(part)} texts."
            raise ConfigError(f"scores.{settings.name}", problem)
        for i, value in zip(part, values, strict=True):
            name = names[i] if names else str(i)
            found[i] = None if value is None else _number(settings, value, name)
    return found


def _number(settings: ScorerSettings, value: Any, document: str) -> float:
    where = f"scores.{settings.name}"
    try:
        number = float(value)
    except (TypeError, ValueError) as error:
        problem = f"gave a {type(value).__name__} for document {document}, which is no number."
        raise ConfigError(where, problem) from error
    if not math.isfinite(number):
        hint = "Return None where there is no score."
        raise ConfigError(where, f"gave {number} for document {document}.", hint)
    if settings.range and not settings.range[0] <= number <= settings.range[1]:
        low, high = settings.range
        problem = f"gave {number} for document {document}, outside [{low:g}, {high:g}]."
        raise ConfigError(where, problem)
    return number + 0.0


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
