"""The phrases, by kind: `filters/junk/phrases.toml`, and what language models over-use.

`phrases` gives Thresher's own lists in all their languages. `model_phrases` gives n-grams with the
logarithm of how much more often language models use them than people do, as counted by
`tests/benchmarks/slop_table.py`.
"""

from __future__ import annotations

import functools
import itertools
import re
import tomllib
from collections.abc import Mapping
from importlib import resources

KINDS = (
    "assistant",
    "prompt",
    "placeholder",
    "stock",
    "opening",
    "model",
    "consent",
    "access",
    "error",
    "forum",
    "navigation",
    "copyright",
    "shop",
    "coupon",
    "listing",
    "call",
    "affiliate",
    "doorway",
    "quote_term",
    "table_term",
)
"""In the order of `thresher.filters.kernels.junk.fill`."""

MODEL = "model"
"""The kind whose phrases have weights and are not in the lists."""

_CHOICE = re.compile(r"\(([^()]*)\)")


@functools.cache
def phrases() -> Mapping[str, tuple[str, ...]]:
    """Phrases by kind, those of all languages together."""
    text = resources.files("thresher.filters.junk").joinpath("phrases.toml").read_text("utf-8")
    lists: dict[str, dict[str, list[str]]] = tomllib.loads(text)
    return {
        kind: tuple(
            phrase
            for each in languages.values()
            for listed in each
            for phrase in written_out(listed)
        )
        for kind, languages in lists.items()
    }


def written_out(listed: str) -> list[str]:
    """The phrases that a listed one stands for: `(a|b) c` for `a c` and `b c`."""
    parts = _CHOICE.split(listed)
    choices = [part.split("|") if odd % 2 else [part] for odd, part in enumerate(parts)]
    return ["".join(chosen) for chosen in itertools.product(*choices)]


@functools.cache
def model_phrases() -> Mapping[str, int]:
    """Hundredths of the natural logarithm of the ratio of use, by n-gram."""
    text = resources.files("thresher.filters.junk").joinpath("model_phrases.txt").read_text("utf-8")
    rows = (line.split("\t") for line in text.splitlines() if line and not line.startswith("# "))
    return {phrase: int(weight) for weight, phrase in rows}
