"""`TrainSettings`: how a quality model is trained."""

from __future__ import annotations

from typing import Annotated

import msgspec

from classifiers.quality import MAX_CHARACTERS

Positive = Annotated[int, msgspec.Meta(ge=1)]


class TrainSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Settings of `thresher train quality`. The defaults are those of DCLM's classifier.

    One thread gives the same bytes at every run; more threads are faster and do not.
    """

    positives: Annotated[tuple[str, ...], msgspec.Meta(min_length=1)]
    """Files of texts to keep: fsspec URLs or globs of .jsonl or .txt (or .gz, .zst), .parquet."""
    negatives: Annotated[tuple[str, ...], msgspec.Meta(min_length=1)]
    """Files of texts to drop; a random sample of the crawl is the usual choice."""
    out: Annotated[str, msgspec.Meta(min_length=1)]
    """Folder for the model and its card, or a model file ending in .bin or .ftz."""
    text_field: str = "text"
    """Field or column that holds the text."""
    held_out_fraction: Annotated[float, msgspec.Meta(gt=0, lt=1)] = 0.1
    """Share of the texts kept from training, for the evaluation."""
    max_documents: Positive = 200_000
    """Most texts used per class, held in memory; their content and the seed decide which ones."""
    max_characters: Positive = MAX_CHARACTERS
    """How many characters of a text count, from its start."""
    seed: Annotated[int, msgspec.Meta(ge=0, lt=2**31)] = 1
    """Of the sampling, the split and the training."""
    dim: Annotated[int, msgspec.Meta(ge=1, le=4096)] = 100
    """Length of the vectors."""
    epoch: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 5
    """Passes over the training texts."""
    lr: Annotated[float, msgspec.Meta(gt=0, le=100)] = 0.1
    """Learning rate; 0.1 suits 100,000s of texts, and some thousands of them need about 0.5."""
    word_ngrams: Annotated[int, msgspec.Meta(ge=1, le=10)] = 2
    """Longest run of words that is a feature."""
    min_count: Positive = 1
    """Least occurrences of a word that becomes a feature."""
    bucket: Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)] = 2_000_000
    """Hash buckets for runs of words, 4 x dim bytes each in the model (800 MB by default)."""
    threads: Annotated[int, msgspec.Meta(ge=1, le=1024)] = 1
    """Threads of the training."""
    quantize: bool = False
    """Store an .ftz: a quarter to an eighth of the size for a little less accuracy."""
