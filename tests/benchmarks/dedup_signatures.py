"""From raw text to a MinHash signature of 112 values on one core: Thresher beside its peers.

    python tests/benchmarks/dedup_signatures.py --data DATA --work WORK [--megabytes 40]

Every peer does it its own way, from the same texts: rensa and datasketch are given lower-case words
in overlapping fives, which Python has to make; datatrove normalises, splits and hashes by itself;
marin-dupekit cleans the text and takes fives of characters, since it knows no words. Thresher
stands in the table with words, as it signs by default, and with characters, as dupekit does.
CPU seconds of one process, texts in memory, each tool warmed up: the best of
three passes, each of six seconds at most.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import random
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

PERMUTATIONS, NGRAM, BATCH = 112, 5, 256
SECONDS = 6.0
WORD = re.compile(r"\w+")

Sign = Callable[[list[str]], object]


def texts_of(data: Path, megabytes: float) -> list[str]:
    """Real pages, mixed, of about so many megabytes together."""
    with gzip.open(data / "text" / "weborganizer.jsonl.gz", "rt", encoding="utf-8") as file:
        found = [json.loads(line)["text"] for line in file]
    random.Random(3).shuffle(found)
    chosen, size = [], 0
    for text in found:
        chosen.append(text)
        size += len(text.encode())
        if size >= megabytes * 1e6:
            break
    return chosen


def word_shingles(text: str) -> set[str]:
    """Overlapping words in lower case."""
    words = WORD.findall(text.lower())
    return {" ".join(words[i : i + NGRAM]) for i in range(max(1, len(words) - NGRAM + 1))}


def thresher(unit: str) -> Sign:
    """Our own kernel, as in the measuring stage."""
    import pyarrow as pa

    from thresher.filters.measure import MinHashSettings, sign, warm_up

    warm_up()
    settings = MinHashSettings(permutations=PERMUTATIONS, ngram=NGRAM, unit=unit)
    return lambda texts: sign(pa.array(texts), settings)


def rensa() -> Sign:
    """R-MinHash over a list of shingles."""
    from rensa import RMinHash

    def one(text: str) -> object:
        minhash = RMinHash(num_perm=PERMUTATIONS, seed=1)
        minhash.update(list(word_shingles(text)))
        return minhash.digest()

    return lambda texts: [one(text) for text in texts]


def datasketch() -> Sign:
    """`update_batch` over encoded shingles."""
    from datasketch import MinHash

    def one(text: str) -> object:
        minhash = MinHash(num_perm=PERMUTATIONS)
        minhash.update_batch([shingle.encode() for shingle in word_shingles(text)])
        return minhash.hashvalues

    return lambda texts: [one(text) for text in texts]


def datatrove() -> Sign:
    """The two steps of its signature stage, 14 buckets of 8."""
    from datatrove.pipeline.dedup.minhash import MinhashConfig, MinhashDedupSignature

    config = MinhashConfig(n_grams=NGRAM, num_buckets=14, hashes_per_bucket=8)
    stage = MinhashDedupSignature("/tmp", config=config)
    return lambda texts: [stage.get_signature(stage.get_shingles(text)) for text in texts]


def dupekit() -> Sign:
    """Its clean-up and its fused shingling, batch by batch."""
    import pyarrow as pa
    from dupekit import Transformation, transform

    steps = [
        Transformation.CleanText("text", "clean"),
        Transformation.MinHash("clean", "minhash", PERMUTATIONS, NGRAM, 1),
    ]
    return lambda texts: transform(pa.record_batch({"text": texts}), steps)["minhash"]


TOOLS: dict[str, Callable[[], Sign]] = {
    "thresher, words": lambda: thresher("words"),
    "thresher, characters": lambda: thresher("characters"),
    "marin-dupekit, characters": dupekit,
    "rensa, words": rensa,
    "datasketch, words": datasketch,
    "datatrove, words": datatrove,
}


def batches(texts: list[str]) -> Iterator[list[str]]:
    """The texts in batches."""
    for start in range(0, len(texts), BATCH):
        yield texts[start : start + BATCH]


def measure(tool: str, texts: list[str]) -> float:
    """Megabytes of UTF-8 per CPU second."""
    sign = TOOLS[tool]()
    sign(texts[:20])
    best = 0.0
    for _ in range(3):
        size, spent = 0, 0.0
        for batch in batches(texts):
            began = time.process_time()
            sign(batch)
            spent += time.process_time() - began
            size += sum(len(text.encode()) for text in batch)
            if spent > SECONDS:
                break
        best = max(best, size / 1e6 / spent)
    return best


def main() -> None:
    """Run every tool in a process of its own and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--megabytes", type=float, default=40.0)
    parser.add_argument("--child", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        print(measure(arguments.child, texts_of(arguments.data, arguments.megabytes)))
        return
    from common import ROOT, NotInstalledError, environment, show_machine

    show_machine()
    try:
        peers = environment(arguments.work / "signatures", "signatures")
    except NotInstalledError as error:
        sys.exit(f"The peers cannot be installed: {error}")
    one_core = {"OMP_NUM_THREADS": "1", "RAYON_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    found: dict[str, float] = {}
    for tool in TOOLS:
        python = sys.executable if tool.startswith("thresher") else peers
        command = [python, __file__, "--child", tool, "--data", arguments.data]
        command += ["--work", arguments.work, "--megabytes", arguments.megabytes]
        done = subprocess.run(
            [str(part) for part in command],
            env={**os.environ, **one_core},
            stdout=subprocess.PIPE,
            text=True,
            check=False,
        )
        if done.returncode:
            print(f"{tool:28} failed")
            continue
        found[tool] = float(done.stdout.split()[-1])
        same = "thresher, characters" if tool.endswith("characters") else "thresher, words"
        ratio = (
            "" if tool.startswith("thresher") else f"Thresher {found[same] / found[tool]:8.1f} x"
        )
        print(f"{tool:28} {found[tool]:8.2f} MB/s   {ratio}", flush=True)


if __name__ == "__main__":
    main()
