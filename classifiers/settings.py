"""`TrainSettings`: how a model is trained; the file that `thresher train NAME --config` reads."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from thresher.classifiers.bundles import LANGUAGE, Role
from thresher.classifiers.calibration import Method
from thresher.classifiers.preparation import Preparation
from thresher.classifiers.quality import MAX_CHARACTERS
from thresher.filters.config import converted
from thresher.filters.errors import ConfigError

Positive = Annotated[int, msgspec.Meta(ge=1)]
Count = Annotated[int, msgspec.Meta(ge=0)]
Share = Annotated[float, msgspec.Meta(gt=0, lt=1)]
Rate = Annotated[float, msgspec.Meta(gt=0, le=100)]
Dimension = Annotated[int, msgspec.Meta(ge=1, le=4096)]
Epochs = Annotated[int, msgspec.Meta(ge=1, le=10_000)]
Ngrams = Annotated[int, msgspec.Meta(ge=1, le=10)]


class InputSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Texts of one class: files, or rows of a lake."""

    files: tuple[str, ...] = ()
    """fsspec URLs, globs or folders: .jsonl or .txt (or .gz, .zst), .parquet; a folder stands for
    all such files below it, but for hidden ones."""
    lake: str = ""
    """Lake to take documents from instead, by SQL over its catalog."""
    sql: str = "SELECT id, text, url FROM documents"
    """What to take from the lake. The usual negatives are `fraction = 0.01` of this default: a
    random 1% of what was measured."""
    fraction: Annotated[float, msgspec.Meta(gt=0, le=1)] = 1.0
    """Share of the documents to take, by a hash of their `id` (of the text where there is none):
    the same ones at every run."""
    name: str = ""
    """Name of the source; by default that of the file or lake."""
    licence: str = ""
    """Licence of the texts, for the card."""
    text_field: str = "text"
    """Field or column that holds the text."""
    source_fields: tuple[str, ...] = ()
    """Fields that name the source of each text, where the input holds several; joined by "/"."""
    domain_field: str = "url"
    """Field whose value groups texts: of a URL its registered domain, else all of it. A group is
    never both trained on and held out. The default may be missing from an input."""
    keep: dict[str, tuple[str, ...]] = {}
    """Only texts whose field has one of these values, e.g. `keep.label = ["human"]`."""
    leave_out: dict[str, tuple[str, ...]] = {}
    """No texts whose field has one of these values."""
    held_out: tuple[str, ...] = ()
    """Sources that are evaluated on and never trained on: names or patterns, "*" for all."""
    train: bool = True
    """Whether texts of this input may be trained on. Without, only what the split holds out of it
    is used: for negatives too good to learn from that the evaluation must not leave out."""
    max_per_source: Count = 0
    """Most windows of a source that are trained on; 0 for all."""
    allow_unusable: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.01
    """Share of the records that may be left out since they cannot be used (without the fields that
    are asked for, with a NUL, no UTF-8, no JSON), one record at least; 0 bears none. The card says
    how many were, and of which file."""

    def check(self, where: str) -> None:
        """Refuse an input that is none, or two at once."""
        if bool(self.files) == bool(self.lake):
            problem = "needs either files or a lake."
            raise ConfigError(where, problem, 'Set files = ["..."], or lake and sql.')


class SearchSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Settings to try, every combination; an empty list leaves the setting as it is."""

    lr: tuple[Rate, ...] = ()
    """Learning rates."""
    epoch: tuple[Epochs, ...] = ()
    """Passes."""
    word_ngrams: tuple[Ngrams, ...] = ()
    """Longest runs of words."""
    dim: tuple[Dimension, ...] = ()
    """Lengths of the vectors."""
    metric: Literal["average_precision", "roc_auc"] = "average_precision"
    """What the best one is best at, on the tuning texts. The reported figures are of others."""

    def any(self) -> bool:
        """Whether there is anything to try."""
        return bool(self.lr or self.epoch or self.word_ngrams or self.dim)


class CalibrationSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How raw scores become probabilities."""

    method: Method = "isotonic"
    """Isotonic regression, Platt's logistic curve, or none."""
    positive_share: Share = 0.5
    """Share of positives in the pool that the probability speaks of."""


class TrainSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Settings of `thresher train`. The defaults of fastText's are those of DCLM's classifier.

    One thread gives the same bytes at every run; more threads are faster and do not.
    """

    positives: Annotated[tuple[InputSettings, ...], msgspec.Meta(min_length=1)]
    """Texts to keep, a table `[[positives]]` for each input."""
    negatives: Annotated[tuple[InputSettings, ...], msgspec.Meta(min_length=1)]
    """Texts to drop; a random sample of the crawl is the usual choice."""
    version: Positive = 1
    """Version of the model; a policy finds it as `name@version`."""
    role: str = ""
    """What the model is for, in a word: `quality`, `machine_text`, or another for what its score
    means; by default the model's name, without one of `languages` at its end."""
    summary: str = ""
    """What the score means, in a sentence, for the card."""
    licence: str = ""
    """Licence of the model, for the card."""
    languages: tuple[str, ...] = ()
    """Languages that it can judge, as codes; a text in another one has no score. Empty for any."""
    labels: tuple[str, str] = ("keep", "drop")
    """Names of the positive and the negative class."""
    preparation: Preparation = "plain"
    """Words as they are, or bare: lower case, digits as 0, no punctuation."""
    held_out_fraction: Share = 0.1
    """Share of the texts kept from training for the evaluation, by domain."""
    tuning_fraction: Share = 0.1
    """Share kept for the search and the calibration, by domain."""
    near_duplicates: Annotated[float, msgspec.Meta(ge=0.5, le=1)] = 0.8
    """Texts as similar as this (estimated Jaccard similarity of word 5-grams) count as copies."""
    max_documents: Positive = 200_000
    """Most texts used per class, held in memory; their content and the seed decide which ones."""
    max_characters: Positive = MAX_CHARACTERS
    """How many characters of a text count, from its start."""
    window_bytes: Count = 0
    """Cut training texts into windows of this length, so that lengths are alike; 0 for whole."""
    windows: Positive = 3
    """Most windows of a text."""
    balance: Literal["cut", "repeat", "none"] = "cut"
    """Cut the larger class to the smaller, repeat the smaller one, or leave them as they are."""
    seed: Annotated[int, msgspec.Meta(ge=0, lt=2**31)] = 1
    """Of the sampling, the split and the training."""
    dim: Dimension = 100
    """Length of the vectors."""
    epoch: Epochs = 5
    """Passes over the training texts."""
    lr: Rate = 0.1
    """Learning rate; 0.1 suits 100,000s of texts, and some thousands of them need about 0.5."""
    word_ngrams: Ngrams = 2
    """Longest run of words that is a feature."""
    min_count: Positive = 1
    """Least occurrences of a word that becomes a feature."""
    bucket: Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)] = 2_000_000
    """Hash buckets for runs of words, 4 x dim bytes each in the model (800 MB by default)."""
    threads: Annotated[int, msgspec.Meta(ge=1, le=1024)] = 1
    """Threads of the training."""
    quantize: bool = False
    """Store an .ftz: a quarter to an eighth of the size for a little less accuracy."""
    search: SearchSettings = SearchSettings()
    """A small search for the settings of fastText."""
    calibration: CalibrationSettings = CalibrationSettings()
    """How raw scores become probabilities."""
    notes: tuple[str, ...] = ()
    """Paragraphs that the card ends with: limits, warnings, figures measured elsewhere."""
    mistakes: Count = 10
    """Most confident mistakes of each kind shown in the card, shortened; 0 keeps text out of it."""

    def check(self, where: str) -> None:
        """Refuse what the types cannot say."""
        for name in ("positives", "negatives"):
            for index, item in enumerate(getattr(self, name)):
                item.check(f"{where}: {name}[{index}]")
        if self.held_out_fraction + self.tuning_fraction >= 1:
            problem = "with tuning_fraction it leaves nothing to train on."
            raise ConfigError(f"{where}: held_out_fraction", problem, "Lower one of them.")
        if self.role:
            converted(Role, self.role, f"{where}: role")
        if self.role == LANGUAGE:
            problem = "is for models whose labels are languages, and training makes two classes."
            raise ConfigError(f"{where}: role", problem, 'For example "quality".')
        words = [label for label in self.labels if label.isidentifier()]
        if len(set(words)) != 2:
            problem = "must be two different words of letters, digits and '_'."
            raise ConfigError(f"{where}: labels", problem, 'For example ["keep", "drop"].')
