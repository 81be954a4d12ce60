"""Lines that documents have in common, on real texts: the cost of each stage, and what is found.

    python tests/benchmarks/repeated_lines.py --data DATA

Where texts have addresses, their lines are counted by site as well.
"""

import tempfile
import time
from collections import Counter

import common
import pyarrow as pa
import pyarrow.compute as pc
from common import megabytes

from thresher.filters.urls import measure_urls
from thresher.jobs.stages.lines import with_line_signals
from thresher.manifests.shards import ShardWriter, read_table
from thresher.manifests.store import Store
from thresher.pipeline.repeated_lines import NUMBERS, LinesSettings
from thresher.pipeline.repeated_lines.lines import warm_up
from thresher.pipeline.shards import ShardRef

OURS = SOURCES = ("weborganizer", "newsgroups", "reuters")
SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("text", pa.string()),
        ("url_parts", pa.struct([("registered_domain", pa.string())])),
    ]
)


def read(data, source):
    rows = common.rows_of(data, f"text/{source}")
    parts = measure_urls(pa.array([row.get("url") for row in rows], pa.string()))
    sites = pc.struct_field(parts, "registered_domain").to_pylist()
    return [
        {"id": row["id"], "text": row["text"], "url_parts": {"registered_domain": site}}
        for row, site in zip(rows, sites, strict=True)
    ]


def write_shards(store, found, documents):
    shards = []
    for start in range(0, len(found), documents):
        rows = found[start : start + documents]
        key = f"{len(shards):04x}"
        with ShardWriter(store, f"documents/d/{key}.parquet", SCHEMA) as writer:
            writer.write(pa.Table.from_pylist(rows, SCHEMA), 1024)
        shards.append(ShardRef(key, writer.output.path))
    return shards


def main():
    parser = common.parser(__doc__)
    parser.add_argument("--documents", type=int, default=2000, help="documents of a shard")
    parser.add_argument("--show", type=int, default=8, help="frequent lines to print")
    with common.options(parser, documents=50) as options:
        report(options)


def report(options):
    warm_up()
    for number, source in enumerate(SOURCES):
        rows = read(options.data, source)
        if number == 0:  # what the first call of each stage loads is no cost of a line
            stages(rows[:50], options.documents)
        spent, written, measured = stages(rows, options.documents)
        found = [row["text"] for row in rows]
        show(source, found, spent, written, measured, options.show)


def stages(rows, documents):
    """CPU seconds and bytes of each stage, and what it measured of every document."""
    spent, written = Counter(), Counter()
    with tempfile.TemporaryDirectory() as folder:
        store = Store(folder)
        shards = write_shards(store, rows, documents)

        def run(stage, mark, function, work):
            began = time.process_time()
            made = {key: function(store, *work[key], mark) for key in work}
            spent[stage] += time.process_time() - began
            written[stage] += sum(m.output().bytes for m in made.values())
            return made

        settings = LinesSettings(enabled=True)
        signals = with_line_signals(run, shards, len(rows), {}, settings, "")
        measured = [read_table(store, shard.signals[0]) for shard in signals]
    return spent, written, pa.concat_tables(measured)


def show(source, found, spent, written, measured, most):
    size = megabytes(found)
    print(f"\n{source}: {len(found):,} documents, {size:.1f} MB")
    for stage, seconds in spent.items():
        part = written[stage] / 1e6 / size
        print(f"  {stage:16}{1000 * seconds / size:8.2f} ms/MB{part:10.4f} MB/MB written")
    lines, removed = Counter(), 0
    for text, numbers in zip(found, measured[NUMBERS].to_pylist(), strict=True):
        split = text.split("\n")
        lines.update(split[n] for n in numbers)
        removed += sum(len(split[n]) for n in numbers)
    whole = sum(map(len, found))
    print(f"  removable: {lines.total():,} lines, {removed / whole:.2%} of the characters")
    for line, count in lines.most_common(most):
        print(f"  {count:6} x {line[:90]!r}")


if __name__ == "__main__":
    main()
