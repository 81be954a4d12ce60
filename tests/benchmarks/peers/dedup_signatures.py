"""One tool's signatures over a file of texts: what `dedup_signatures.py` runs for each.

    python peers/dedup_signatures.py TOOL TEXTS.json SECONDS

Prints megabytes of UTF-8 per CPU second: the best of three passes, each of SECONDS at most. Only
the tool itself is imported.
"""

import json
import re
import sys
import time
from pathlib import Path

from words import NGRAM, shingles_of

PERMUTATIONS, BATCH = 112, 256
WORD = re.compile(r"\w+")


def word_shingles(text):
    """Overlapping words in lower case."""
    return shingles_of(WORD.findall(text.lower()))


def thresher(unit):
    """Our own kernel, as in the measuring stage."""
    import pyarrow as pa

    from thresher.filters.measure import MinHashSettings, sign, warm_up

    warm_up()
    settings = MinHashSettings(PERMUTATIONS, ngram=NGRAM, unit=unit, numbers="fold")
    return lambda texts: sign(pa.array(texts), settings)


def rensa():
    """R-MinHash over a list of shingles."""
    from rensa import RMinHash

    def one(text):
        minhash = RMinHash(num_perm=PERMUTATIONS, seed=1)
        minhash.update(list(word_shingles(text)))
        return minhash.digest()

    return lambda texts: [one(text) for text in texts]


def datasketch():
    """`update_batch` over encoded shingles."""
    from datasketch import MinHash

    def one(text):
        minhash = MinHash(num_perm=PERMUTATIONS)
        minhash.update_batch([shingle.encode() for shingle in word_shingles(text)])
        return minhash.hashvalues

    return lambda texts: [one(text) for text in texts]


def datatrove():
    """The two steps of its signature stage, 14 buckets of 8."""
    from datatrove.pipeline.dedup.minhash import MinhashConfig, MinhashDedupSignature

    config = MinhashConfig(n_grams=NGRAM, num_buckets=14, hashes_per_bucket=8)
    stage = MinhashDedupSignature("/tmp", config=config)
    return lambda texts: [stage.get_signature(stage.get_shingles(text)) for text in texts]


def dupekit():
    """Its clean-up and its fused shingling, batch by batch."""
    import pyarrow as pa
    from dupekit import Transformation, transform

    steps = [
        Transformation.CleanText("text", "clean"),
        Transformation.MinHash("clean", "minhash", PERMUTATIONS, NGRAM, 1),
    ]
    return lambda texts: transform(pa.record_batch({"text": texts}), steps)["minhash"]


TOOLS = {
    "thresher, words": lambda: thresher("words"),
    "thresher, characters": lambda: thresher("characters"),
    "marin-dupekit, characters": dupekit,
    "rensa, words": rensa,
    "datasketch, words": datasketch,
    "datatrove, words": datatrove,
}


def main(tool, texts_path, seconds):
    texts = json.loads(Path(texts_path).read_text())
    sign = TOOLS[tool]()
    sign(texts[:20])
    best = 0.0
    for _ in range(3):
        size, spent = 0, 0.0
        for start in range(0, len(texts), BATCH):
            batch = texts[start : start + BATCH]
            began = time.process_time()
            sign(batch)
            spent += time.process_time() - began
            size += sum(len(text.encode()) for text in batch)
            if spent > float(seconds):
                break
        best = max(best, size / 1e6 / spent)
    print(best)


if __name__ == "__main__":
    main(*sys.argv[1:])
