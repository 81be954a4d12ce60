"""The line model: boosted oblivious trees that say how likely a line is main text.

Trees compare and add integers only, so every machine comes to the same decision. The model is
`lines_model.json`; `tests/benchmarks/extraction_train.py` makes it.
"""

from __future__ import annotations

import json
import math
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from pipeline.extract.kernels import add_trees

UNIT = 1000
"""Scores are log-odds in thousandths."""
CERTAIN = 1 << 16
"""Probabilities are in units of 1 / CERTAIN."""

_MODEL = Path(__file__).with_name("lines_model.json")
_STEP = 10
_ODDS = np.array(
    [round(CERTAIN / (1 + math.exp(-i * _STEP / UNIT))) for i in range(-800, 801)], np.int64
)


class Model(NamedTuple):
    """Trees of equal depth; in each, one question for all nodes of a level."""

    base: int
    features: npt.NDArray[np.int64]
    """Of each question, tree by tree from the root."""
    thresholds: npt.NDArray[np.float64]
    leaves: npt.NDArray[np.int64]
    """Score of each leaf; one row for each tree."""


@cache
def line_model() -> Model:
    """The model that ships."""
    return parse_model(_MODEL.read_text(encoding="utf-8"))


def parse_model(text: str) -> Model:
    """A model from its JSON."""
    found = json.loads(text)
    return Model(
        found["base"],
        np.array(found["features"], np.int64),
        np.array(found["thresholds"], np.float64),
        np.array(found["leaves"], np.int64),
    )


def probabilities(features: npt.NDArray[np.float64], model: Model) -> npt.NDArray[np.int64]:
    """How likely each line is main text, in units of 1 / CERTAIN."""
    scores = np.full(len(features), model.base, np.int64)
    add_trees(features, model.features, model.thresholds, model.leaves, scores)
    steps = np.clip(scores // _STEP, -800, 800)
    found: npt.NDArray[np.int64] = _ODDS[steps + 800]
    return found
