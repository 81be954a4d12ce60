"""AUC of `quality-en` against labels that people gave, which it was never tuned on.

    python tests/benchmarks/human_labels.py --data DATA

None of these labels means "good to learn from": mail that its readers did not want, lines that are
main text and lines that are not, kinds of pages. They show what the score has to do with each.
"""

import gzip
import json
from collections import defaultdict

import common
import numpy as np
import pyarrow as pa

from thresher.classifiers.evaluation import roc_auc
from thresher.classifiers.quality import QualityModel

OURS = ("mail: ham against spam", "lines: main text against noise", "pages, main text")


def scores(model, texts):
    values = model.score(pa.array(texts)).to_numpy(zero_copy_only=False)
    return values[~np.isnan(values)]


def report(name, positives, negatives):
    both = np.concatenate((positives, negatives))
    area = roc_auc(both, np.arange(both.size) < positives.size)
    print(f"{name:<48} {positives.size:>6,} + {negatives.size:>6,}   ROC-AUC {area:.3f}")


def show(data):
    model = QualityModel("quality-en@1")
    mail = defaultdict(list)
    for row in common.rows_of(data, "spam/spamassassin"):
        mail[row["label"]].append(row["text"])
    report("mail: ham against spam", *(scores(model, mail[label]) for label in ("ham", "spam")))
    lines = defaultdict(list)
    for name in ("en_dev", "en_train"):
        with gzip.open(data / f"lines/{name}.json.gz", "rt", encoding="utf-8") as file:
            for page in json.load(file):
                for line, label in zip(page["text"], page["labels"], strict=True):
                    if len(line.split()) >= 5:
                        lines[str(label)].append(line)
    report("lines: main text against noise", *(scores(model, lines[label]) for label in ("1", "0")))
    kinds = defaultdict(list)
    for row in common.rows_of(data, "crawl/gold"):
        if row["set"] == "wcxb" and row.get("main_content"):
            kinds[row["page_type"]].append(row["main_content"])
    article = scores(model, kinds["article"])
    for kind in sorted(kinds.keys() - {"article"}):
        report(f"pages, main text: article against {kind}", article, scores(model, kinds[kind]))


def main():
    with common.options(common.parser(__doc__)) as options:
        show(options.data)


if __name__ == "__main__":
    main()
