"""Speed of the shipped models of scores, one core, preparation included.

THRESHER_TEST_DATA=... python tests/benchmarks/model_speed.py
"""

from __future__ import annotations

import gzip
import json
import os
import time
from pathlib import Path

import pyarrow as pa

from thresher.classifiers.quality import QualityModel


def main():
    path = Path(os.environ["THRESHER_TEST_DATA"]) / "text/weborganizer.jsonl.gz"
    with gzip.open(path, "rt", encoding="utf-8") as file:
        texts = [json.loads(line)["text"] for line in file]
    texts = pa.array([text for text in texts if 1_000 <= len(text) <= 10_000])
    size = texts.nbytes / 1e6
    for name in ("quality-en@1", "machine-text-en@1"):
        model = QualityModel(name)
        model.score(texts.slice(0, 50))
        began = time.process_time()
        model.score(texts)
        taken = time.process_time() - began
        print(f"{name:<20} {len(texts):,} texts, {size:.0f} MB: {size / taken:.0f} MB/s")


if __name__ == "__main__":
    main()
