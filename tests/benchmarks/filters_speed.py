"""Measuring on one core, beside the peers' filters for the same rules.

    python tests/benchmarks/filters_speed.py --data SHARED/data --work FOLDER

CPU seconds of one process over texts that are in memory. Thresher takes all of them, the best of
`--repeat` runs; the peers, which take minutes, the first `--peer-documents` of the same mix, once.
Each peer lives in FOLDER/<peer>, made from the package index where it is missing; one that cannot
be installed is named with the reason. `--only thresher` leaves the peers out.
"""

import argparse
import json
import os
import subprocess
import time
from importlib.metadata import version
from pathlib import Path

import pyarrow as pa
from common import HERE, NotInstalledError, environment, machine, sample, show_machine, write_jsonl
from verdicts import FILTERS, judge, part

from thresher.filters.measure import MinHashSettings, content_hash, measure, warm_up

SIDES = ("thresher", "datatrove", "dolma", "nemo", "juicer")
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
            start = time.process_time()
            run()
            seconds[name] = min(seconds[name], time.process_time() - start)
    return seconds


def peer(work, name, documents):
    """What a peer prints, or the reason why there is nothing."""
    try:
        python = environment(work / ("venv" if name == "datatrove" else name), name)
    except NotInstalledError as error:
        return {"failed": str(error)}
    log = work / f"{name}.log"
    command = [str(python), str(HERE / "peer_filters.py"), name, str(documents)]
    environ = {**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    with log.open("w") as errors:
        done = subprocess.run(
            command, stdout=subprocess.PIPE, stderr=errors, env=environ, check=False, text=True
        )
    if done.returncode:
        return {"failed": f"ended with {done.returncode}: {log.read_text().splitlines()[-1:]}"}
    return json.loads(done.stdout.strip().splitlines()[-1])


def size(rows):
    return sum(len(row["text"].encode()) for row in rows) / 1e6


def show(report):
    print(f"\n{'what':<54}{'documents/s':>12}{'MB/s':>9}{'x slower':>10}")
    best = report["thresher"]["megabytes"] / report["thresher"]["seconds"][REFERENCE]
    for side in SIDES:
        result = report.get(side)
        if result is None:
            continue
        if "failed" in result:
            print(f"{side}: not measured: {result['failed']}")
            continue
        print(", ".join(f"{name} {found}" for name, found in result["versions"].items()))
        for name, seconds in result["seconds"].items():
            speed = result["megabytes"] / seconds
            rate = result["documents"] / seconds
            print(f"    {name:<50}{rate:>12,.1f}{speed:>9.3g}{best / speed:>10,.1f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, type=Path, help="folder of the real samples")
    parser.add_argument("--work", required=True, type=Path, help="folder for all that is written")
    parser.add_argument("--documents", type=int, default=2000)
    parser.add_argument("--peer-documents", type=int, default=400)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--only", nargs="+", choices=SIDES, default=list(SIDES))
    parser.add_argument("--json", type=Path, help="write everything here")
    options = parser.parse_args()
    work = options.work.resolve()
    work.mkdir(parents=True, exist_ok=True)
    show_machine()
    books = options.documents // 5
    rows = sample(options.data, {"weborganizer": options.documents - books, "openstax": books})
    few = rows[: options.peer_documents]
    documents = work / "speed.jsonl"
    write_jsonl(documents, few)
    print(f"{len(rows)} documents, {size(rows):.1f} MB; the peers {len(few)}, {size(few):.1f} MB")
    warm_up()
    report = {
        "machine": machine(),
        "thresher": {
            "seconds": thresher(rows, options.repeat),
            "versions": {"thresher, numba": version("numba"), "pyarrow": version("pyarrow")},
            "documents": len(rows),
            "megabytes": size(rows),
        },
    }
    for name in SIDES[1:]:
        if name in options.only:
            found = peer(work, name, documents)
            if name == "datatrove" and "seconds" in found:
                alone = [each for key, each in found["seconds"].items() if key.endswith("alone")]
                found["seconds"]["the four, one pass after the other"] = sum(alone)
            report[name] = {**found, "documents": len(few), "megabytes": size(few)}
    show(report)
    if options.json:
        options.json.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
