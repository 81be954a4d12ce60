"""What the junk families cost beside the Gopher families, on one core.

    python tests/benchmarks/junk_speed.py --data DATA

CPU seconds over texts in memory, the best of `--repeat` runs. The Gopher families (words, ends of
lines, repeated lines and n-grams) are timed by their kernels alone, without the rest of measuring.
"""

import common
import numpy as np
import pyarrow as pa
from common import best_of, megabytes
from filters_speed import BATCH, mixed

from thresher.filters import measure as measuring
from thresher.filters.buffers import text_buffers
from thresher.filters.junk.families import measure_junk_families
from thresher.filters.kernels import kernel
from thresher.filters.kernels.rules.document import measure_lines
from thresher.filters.kernels.rules.ngrams import find_repeats
from thresher.filters.kernels.rules.repeats import measure_repeated_lines
from thresher.filters.kernels.rules.words import CHARACTERS, WORDS
from thresher.filters.scratch import lookup, scratch

OURS = ("junk families", "Gopher families", "measure, all families")


@kernel
def gopher(data, offsets, tables, memory, row):
    """Words, line ends, repeated lines and n-grams of each document."""
    counters = memory.counters
    lines, ngrams = memory.lines, memory.ngrams
    total = 0
    for document in range(len(offsets) - 1):
        start, end = offsets[document], offsets[document + 1]
        counters[:] = 0
        measure_lines(
            data,
            start,
            end,
            counters,
            lines,
            tables.classes,
            tables.lexicon,
            tables.substrings,
            True,
            row,
        )
        newlines = 0
        for i in range(start, end):
            newlines += data[i] == 10
        measure_repeated_lines(
            data,
            start,
            end,
            newlines,
            end - start,
            ngrams.table,
            ngrams.grams,
            tables.classes,
            row,
        )
        find_repeats(lines.hashes, lines.ends, min(counters[WORDS], len(lines.hashes)), ngrams)
        total += counters[CHARACTERS]
    return total


def main():
    parser = common.parser(__doc__)
    parser.add_argument("--documents", type=int, default=2000)
    parser.add_argument("--repeat", type=int, default=5)
    with common.options(parser, documents=50, repeat=1) as options:
        report(options)


def report(options):
    texts = [row["text"] for row in mixed(options)]
    size = megabytes(texts)
    batches = [pa.array(texts[i : i + BATCH]) for i in range(0, len(texts), BATCH)]
    buffers = [pair for batch in batches for pair in text_buffers(batch)]
    row = np.empty(measuring.COLUMNS)
    tables = lookup()
    memory = scratch(max(int(np.max(np.diff(offsets))) for _, offsets in buffers))
    measuring.warm_up()
    runs = {
        "junk families": lambda: [measure_junk_families(*pair) for pair in buffers],
        "Gopher families": lambda: [gopher(*pair, tables, memory, row) for pair in buffers],
        "measure, all families": lambda: [measuring.measure(batch, None) for batch in batches],
    }
    print(f"{len(texts)} documents, {size:.1f} MB")
    for name, run in runs.items():
        seconds = best_of(options.repeat, run)
        print(f"{name:28}{size / seconds:>8.1f} MB/s")


if __name__ == "__main__":
    main()
