"""Callables for the tests of scorers."""

from __future__ import annotations

import math
import os


def length(texts):
    return [len(text) / 1000 for text in texts]


def broken(texts):
    return [math.nan for _ in texts]


def too_few(texts):
    return [0.0 for _ in texts[1:]]


def words(texts):
    return ["high" for _ in texts]


def bombed(texts):
    """Raises on any batch with a bomb in it, with a secret in what it says."""
    if any("bomb" in text for text in texts):
        raise ValueError(
            "refused https://user:secret@host/x?token=abcdefgh1234 and " + "words " * 99
        )
    return length(texts)


def unreachable(texts):
    if not any("mill stands" in text for text in texts):  # what a plan shows it
        raise ConnectionError("no answer")
    return length(texts)


def make_head(seed: int):
    """A model that a package ships: hashed words, and a head fitted on made-up examples."""
    import numpy as np

    weights = np.random.default_rng(seed).normal(size=256)

    def score(texts):
        found = []
        for text in texts:
            counts = np.zeros(256)
            for word in text.split():
                counts[sum(word.encode()) % 256] += 1
            value = float(counts @ weights) / max(counts.sum(), 1)
            found.append(None if "unknowable" in text else 1 / (1 + math.exp(-value)))
        return found

    return score


def gpus(texts):
    import ray

    seen = ray.get_runtime_context().get_assigned_resources().get("GPU", 0.0)
    return [seen + 0 * len(os.environ) for _ in texts]
