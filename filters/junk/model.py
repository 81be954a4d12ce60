"""The junk model: how likely a reader calls a page junk, and of which kind.

Two steps, both additive, in plain files that `tests/benchmarks/junk_train.py` makes from judged
pages: `terms.txt` weighs words and pairs, `model.json` holds trees over every other
signal and these term scores. What it says is one more signal: policies set the bounds.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from importlib import resources

import numpy as np
import numpy.typing as npt

from thresher.filters.kernels.text.trees import CERTAIN, Trees, parse_trees, probabilities
from thresher.filters.signals import KERNEL_FAMILIES
from thresher.filters.signals.junk import TARGETS

FEATURES = tuple(signal.name for family in KERNEL_FAMILIES for signal in family.signals)[
    : -len(TARGETS)
]
"""The columns that trees may look at: all that kernels measure but the scores themselves."""


@functools.cache
def terms() -> tuple[tuple[str, int, tuple[int, ...]], ...]:
    """Terms, each with the square of its inverse document frequency and its weights by target.

    All are in hundredths.
    """
    text = resources.files("thresher.filters.junk").joinpath("terms.txt").read_text("utf-8")
    rows = (line.split("\t") for line in text.splitlines() if not line.startswith("# "))
    return tuple((row[-1], int(row[0]), tuple(map(int, row[1:-1]))) for row in rows)


@functools.cache
def trees() -> Mapping[str, Trees]:
    """The trees of each target."""
    text = resources.files("thresher.filters.junk").joinpath("model.json").read_text("utf-8")
    found = json.loads(text)
    at = {name: column for column, name in enumerate(FEATURES)}
    return {
        target: parse_trees({**each, "features": [at[name] for name in each["features"]]})
        for target, each in found.items()
    }


def scores(rows: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """How likely each row is junk, one column a target.

    Args:
        rows: the columns of `FEATURES`, NaN where undefined.
    """
    columns = [probabilities(rows, trees()[target]) / CERTAIN for target in TARGETS]
    return np.stack(columns, 1)
