"""The junk model: how likely a reader calls a page junk, and of which kind.

Two steps, both additive, in plain files that `tests/benchmarks/junk_train.py` makes from judged
pages: `terms.txt` weighs words and pairs, `model.json` holds trees over every other
signal and these term scores. What it says is one more signal: policies set the bounds.

Trees ask for published figures of how lines end, and are answered as readers would (`as_read`): a
citation or an emoji behind its full stop makes no page junk.
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
_AT = {name: column for column, name in enumerate(FEATURES)}


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
    return {
        target: parse_trees({**each, "features": [_AT[name] for name in each["features"]]})
        for target, each in found.items()
    }


def as_read(rows: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The signals with the lines that end like a sentence for readers counted where they belong.

    Those that only `lines.sentence_end_fraction` counts are taken for lines with a terminal mark.
    Of these, C4 would have kept as large a part as of all lines without one.

    Args:
        rows: the columns of `FEATURES`, or the first of them, NaN where undefined.
    """
    read = rows.copy()

    def column(name: str) -> npt.NDArray[np.float64]:
        return read[:, _AT[name]]

    lines, share = column("length.lines"), column("lines.sentence_end_fraction")
    ended = np.rint(np.nan_to_num(share) * lines)
    unmarked = column("c4.no_terminal_mark_lines")
    moved = np.clip(ended - (lines - unmarked), 0, unmarked)
    for what in ("lines", "sentences"):
        kept = column(f"c4.{what}_kept")
        kept += (column(f"c4.{what}_kept_any_end") - kept) * moved / np.maximum(unmarked, 1)
    unmarked -= moved
    for name, all_lines in (
        ("fineweb.terminal_mark_line_fraction", lines),
        ("redpajama.terminal_mark_line_fraction", column("redpajama.ccnet_nlines")),
    ):
        marked = column(name)
        np.maximum(marked, np.minimum(ended / np.maximum(all_lines, 1), 1), out=marked)
    return read


def scores(rows: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """How likely each row is junk, one column a target.

    Args:
        rows: the columns of `FEATURES`, NaN where undefined.
    """
    read = as_read(rows)
    columns = [probabilities(read, trees()[target]) / CERTAIN for target in TARGETS]
    return np.stack(columns, 1)
