"""The line model: boosted trees that say how likely a line is main text.

The model is `lines_model.json`; `tests/benchmarks/extraction_train.py` makes it.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

from thresher.filters.kernels.text.trees import Trees, parse_trees

_MODEL = Path(__file__).with_name("lines_model.json")


@cache
def line_model() -> Trees:
    """The model that ships."""
    return parse_trees(json.loads(_MODEL.read_text(encoding="utf-8")))
