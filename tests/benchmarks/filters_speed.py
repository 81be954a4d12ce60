"""Measuring on one core, beside the peers' filters for the same rules.

    python tests/benchmarks/filters_speed.py --data DATA --work WORK

CPU seconds of one process over texts that are in memory. Thresher takes all of them, the best of
`--repeat` runs; the peers, which take minutes, the first `--peer-documents` of the same mix, once.
Each peer lives in WORK/peers, made from the package index where it is missing; one that cannot
be installed is named with the reason. `--only thresher` leaves the peers out.
"""

import json
from functools import partial
from importlib.metadata import version
from pathlib import Path

import common
import pyarrow as pa
from common import cpu_seconds, megabytes
from verdicts import FILTERS, judge, part

from thresher.filters.measure import MinHashSettings, content_hash, measure, warm_up

OURS = ("thresher",)
PEERS = ("datatrove", "dolma", "nemo", "juicer")
SIDES = (*OURS, *PEERS)
BATCH = 256
"""Documents of a record batch."""
REFERENCE = "measure, all families"


def thresher(rows, repeat):
    """The CPU seconds of each row, the best of so many runs, taken in turns."""
    texts = [row["text"] for row in rows]
    batches = [pa.array(texts[i : i + BATCH]) for i in range(0, len(texts), BATCH)]
    measured = pa.Table.from_batches([measure(batch, None) for batch in batches])
    families = {family for _, each in FILTERS.values() for family in each}
    policy = part("fineweb", sorted(families))
    minhash = MinHashSettings()

    def every(run):
        return lambda: [run(batch) for batch in batches]

    runs = {
        REFERENCE: every(lambda batch: measure(batch, None)),
        "measure, all families and signature": every(lambda batch: measure(batch, minhash)),
        "content hash": every(content_hash),
        "judge what is measured, FineWeb's rules": lambda: judge(measured, policy),
    }
    seconds = dict.fromkeys(runs, float("inf"))
    for _ in range(repeat):
        for name, run in runs.items():
            seconds[name] = min(seconds[name], cpu_seconds(run))
    return seconds


def peer(options, name, documents):
    """What a peer prints."""
    command = (common.PEERS / "filters_speed.py", name, documents)
    how = {"one_core": True, "environ": {"HF_HUB_OFFLINE": "1"}}
    python = common.peer_python(options, name)
    said = common.run_python(python, *command, log=options.work / f"{name}.log", **how)
    return json.loads(said.strip().splitlines()[-1])


def size(rows):
    return megabytes(row["text"] for row in rows)


def show(report):
    print(f"\n{'what':<54}{'documents/s':>12}{'MB/s':>9}{'x slower':>10}")
    best = report["thresher"]["megabytes"] / report["thresher"]["seconds"][REFERENCE]
    for side in SIDES:
        result = report.get(side)
        if result is None:
            continue
        print(
            "(" + ", ".join(f"{name} {found}" for name, found in result["versions"].items()) + ")"
        )
        for name, seconds in result["seconds"].items():
            speed = result["megabytes"] / seconds
            rate = result["documents"] / seconds
            title = f"{side}, {name}"
            print(f"{title:<54}{rate:>12,.1f}{speed:>9.3g}{best / speed:>10,.1f}")


def main():
    parser = common.parser(__doc__)
    parser.add_argument("--documents", type=int, default=2000)
    parser.add_argument("--peer-documents", type=int, default=400)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--only", nargs="+", choices=SIDES, default=list(SIDES))
    parser.add_argument("--json", type=Path, help="write everything here")
    with common.options(parser, documents=50, peer_documents=10, repeat=1) as options:
        measure_all(options)


def mixed(options):
    """Pages, and one section of a book in five documents."""
    books = options.documents // 5
    counts = {"weborganizer": options.documents - books, "openstax": books}
    return common.sample(options.data, counts)


def measure_all(options):
    rows = mixed(options)
    few = rows[: options.peer_documents]
    documents = options.work / "speed.jsonl"
    common.write_jsonl(documents, few)
    print(f"{len(rows)} documents, {size(rows):.1f} MB; the peers {len(few)}, {size(few):.1f} MB")
    warm_up()
    report = {
        "machine": common.machine(),
        "thresher": {
            "seconds": thresher(rows, options.repeat),
            "versions": {"thresher, numba": version("numba"), "pyarrow": version("pyarrow")},
            "documents": len(rows),
            "megabytes": size(rows),
        },
    }
    for name in PEERS:
        if name in options.only:
            found = common.attempt(name, partial(peer, options, name, documents))
            if found is None:
                continue
            if name == "datatrove":
                alone = [each for key, each in found["seconds"].items() if key.endswith("alone")]
                found["seconds"]["the four, one pass after the other"] = sum(alone)
            report[name] = {**found, "documents": len(few), "megabytes": size(few)}
    show(report)
    if options.json:
        options.json.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
