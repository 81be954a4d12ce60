"""Near-duplicate search by a peer: what `dedup_quality.py` runs in the environment of each.

    python peers/dedup_quality.py TOOL TEXTS.json OUT.json

Imports nothing of the project. OUT takes the pairs that the peer calls duplicates, the seconds from
texts to pairs, and the peak memory of the process.
"""

import json
import re
import sys
import time
from pathlib import Path

from words import shingles_of, words_of

THRESHOLD = 0.8


def datasketch(texts):
    """datasketch's own LSH at the threshold."""
    from datasketch import MinHash, MinHashLSH

    lsh = MinHashLSH(threshold=THRESHOLD, num_perm=128)
    pairs = []
    for place, text in enumerate(texts):
        minhash = MinHash(num_perm=128)
        minhash.update_batch([shingle.encode() for shingle in shingles_of(words_of(text))])
        pairs += [(int(other), place) for other in lsh.query(minhash)]
        lsh.insert(str(place), minhash)
    return pairs


def rensa(texts):
    """rensa's R-MinHash and LSH, bands checked by its own estimate."""
    from rensa import RMinHash, RMinHashLSH

    lsh = RMinHashLSH(threshold=THRESHOLD, num_perm=128, num_bands=16)
    made, pairs = [], []
    for place, text in enumerate(texts):
        minhash = RMinHash(num_perm=128, seed=42)
        minhash.update(list(shingles_of(words_of(text))))
        pairs += [
            (other, place)
            for other in lsh.query(minhash)
            if made[other].jaccard(minhash) >= THRESHOLD
        ]
        lsh.insert(place, minhash)
        made.append(minhash)
    return pairs


def peak_mb():
    """Peak memory of this process: unlike getrusage's, it does not outlive an exec."""
    status = Path("/proc/self/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+)", status)[1]) / 1024


def main(tool, texts_path, out):
    texts = json.loads(Path(texts_path).read_text())
    began = time.perf_counter()
    pairs = {"datasketch": datasketch, "rensa": rensa}[tool](texts)
    seconds = time.perf_counter() - began
    found = {"pairs": pairs, "seconds": seconds, "peak_mb": peak_mb(), "more": {}}
    Path(out).write_text(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
