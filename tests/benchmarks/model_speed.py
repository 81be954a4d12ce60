"""Speed of the shipped models of scores, one core, preparation included.

python tests/benchmarks/model_speed.py --data DATA
"""

import common
import pyarrow as pa

from thresher.classifiers.quality import QualityModel

OURS = ("quality-en@1", "machine-text-en@1")


def report(data):
    texts = common.texts_of(data, "text/weborganizer")
    texts = pa.array([text for text in texts if 1_000 <= len(text) <= 10_000])
    size = texts.nbytes / 1e6
    for name in OURS:
        model = QualityModel(name)
        model.score(texts.slice(0, 50))
        taken = common.best_of(1, lambda: model.score(texts), warm=False)  # noqa: B023 - runs at once
        print(f"{name:<20} {len(texts):,} texts, {size:.1f} MB: {size / taken:.0f} MB/s")


def main():
    with common.options(common.parser(__doc__)) as options:
        report(options.data)


if __name__ == "__main__":
    main()
