"""What the junk families cost beside the Gopher families, on one core.

    python tests/benchmarks/junk_speed.py --data DATA

CPU seconds over texts in memory, the best of `--repeat` runs. The Gopher families (words, ends of
lines, repeated lines and n-grams) are timed by their kernels alone, without the rest of measuring.
"""

import argparse
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
from common import sample, show_machine

from thresher.filters import measure as measuring
from thresher.filters.buffers import text_buffers
from thresher.filters.junk.families import measure_junk_families
from thresher.filters.kernels import kernel
from thresher.filters.kernels.rules.document import measure_lines
from thresher.filters.kernels.rules.ngrams import find_repeats
from thresher.filters.kernels.rules.repeats import measure_repeated_lines
from thresher.filters.kernels.rules.words import CHARACTERS, WORDS
from thresher.filters.scratch import lookup, scratch

BATCH = 256


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


def best(run, repeat):
    run()
    seconds = []
    for _ in range(repeat):
        start = time.process_time()
        run()
        seconds.append(time.process_time() - start)
    return min(seconds)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, type=Path, help="folder of the real samples")
    parser.add_argument("--documents", type=int, default=2000)
    parser.add_argument("--repeat", type=int, default=5)
    options = parser.parse_args()
    show_machine()
    books = options.documents // 5
    rows = sample(options.data, {"weborganizer": options.documents - books, "openstax": books})
    texts = [row["text"] for row in rows]
    size = sum(len(text.encode()) for text in texts) / 1e6
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
    print(f"{len(rows)} documents, {size:.1f} MB")
    for name, run in runs.items():
        seconds = best(run, options.repeat)
        print(f"{name:28}{size / seconds:>8.1f} MB/s")


if __name__ == "__main__":
    main()
