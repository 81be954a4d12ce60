"""Models on one core: speed beside four distributions of fastText, the same answers, languages.

    python tests/benchmarks/classifiers.py --data DATA --work WORK

The texts are 1-10 kB. Every distribution gets the same lines: whole texts for a quality model of
DCLM's shape (100 dimensions, pairs of words, trained here on the way) and 1,200 bytes of three
windows for lid.176. Then languages: UDHR, and words and word pairs of lingua. CPU seconds of one
process.
"""

import json
import os
from collections import Counter

import common
from common import best_of, megabytes, rows_of

OURS = ("Thresher",)
PEERS = ("fasttext-community", "fasttext-numpy2-wheel", "fasttext-turbo", "fasttext-new")
SETS = ("text/weborganizer", "text/openstax", "text/reuters", "text/newsgroups")


def texts_of(data, per_set):
    found = []
    for name in SETS:
        texts = common.texts_of(data, name)
        found += [text for text in texts if 1000 <= len(text.encode()) <= 10_000][:per_set]
    return found


def show(name, lines, seconds, note=""):
    size = megabytes(lines)
    print(f"| {name} | {len(lines) / seconds:,.0f} | {size / seconds:.1f} | {note} |", flush=True)


def trained(options, lines):
    """A model of DCLM's shape, on labels by the source of a text: only its size matters here."""
    import fasttext

    path = options.work / "quality.bin"
    if not path.exists():
        source = options.work / "train.txt"
        half = len(lines) // 2
        rows = (f"__label__{'hq' if i < half else 'cc'} {line}" for i, line in enumerate(lines))
        source.write_text("\n".join(rows) + "\n")
        settings = {"wordNgrams": 2, "dim": 100, "epoch": 1, "thread": 1, "verbose": 0}
        settings["bucket"] = options.buckets
        fasttext.train_supervised(str(source), **settings).save_model(str(path))
    return path


def compare(options, title, model_path, lines):
    import pyarrow as pa

    from thresher.classifiers.fasttext_model import FastTextModel

    print(f"\n{title}, {len(lines):,} lines\n\n| what | lines/s | MB/s | same |\n|---|---|---|---|")
    model = FastTextModel(str(model_path))
    column = pa.array(lines, pa.large_string())
    own = model.predict(column)
    show("Thresher", lines, best_of(3, lambda: model.predict(column)))
    texts, out = options.work / "lines.json", options.work / "out.json"
    texts.write_text(json.dumps(lines))
    script = common.PEERS / "classifiers.py"
    for peer in PEERS:

        def run(peer=peer):
            python = common.peer_python(options, peer, peer)
            return common.run_python(python, script, model_path, texts, out)

        said = common.attempt(peer, run)
        if said is None:
            continue
        labels, scores = json.loads(out.read_text())
        other = sum(a != b for a, b in zip(labels, own.field(0).to_pylist(), strict=True))
        pairs = zip(scores, own.field(1).to_pylist(), strict=True)
        apart = max(abs(min(score, 1) - mine) for score, mine in pairs)
        note = f"{other} other labels, at most {apart:.1e} apart"
        show(peer, lines, json.loads(said.splitlines()[-1])["seconds"], note)


def windowed(texts):
    import pyarrow as pa

    from thresher.classifiers.language import LanguageIdentifier

    identifier = LanguageIdentifier()
    column = pa.array(texts, pa.large_string())
    print("\nLanguage and mixed share of whole texts, from windows\n")
    print("| what | texts/s | MB/s | |\n|---|---|---|---|")
    show("Thresher", texts, best_of(3, lambda: identifier.identify(column)))
    return identifier


def languages(data, identifier):
    import pyarrow as pa

    known = set(identifier.codes)
    from thresher.classifiers.language_codes import ISO_639_1

    print("\n| set | texts | right | languages | mean of the languages |\n|---|---|---|---|---|")
    sets = {"UDHR, whole": rows_of(data, "language/udhr/udhr")}
    for row in rows_of(data, "language/lingua"):
        sets.setdefault(f"lingua, {row['kind']}", []).append(row)
    for name, rows in sets.items():
        codes = [row["lang"].split("_")[0].split("-")[0] for row in rows]
        codes = [ISO_639_1.get(code, code) for code in codes]
        kept = [i for i, code in enumerate(codes) if code in known]
        found = identifier.identify(pa.array([rows[i]["text"] for i in kept])).to_pylist()
        total, right = Counter(), Counter()
        for i, each in zip(kept, found, strict=True):
            total[codes[i]] += 1
            right[codes[i]] += bool(each) and each["code"] == codes[i]
        mean = sum(right[code] / total[code] for code in total) / len(total)
        share = sum(right.values()) / len(kept)
        print(f"| {name} | {len(kept):,} | {share:.1%} | {len(total)} | {mean:.1%} |")


def mixtures(data, identifier):
    """Texts of one language, and of two in known parts."""
    import pyarrow as pa

    by_code = {row["lang"]: row["text"] for row in rows_of(data, "language/udhr/udhr")}
    codes = [c for c in ("eng", "fra", "spa", "rus", "hin", "jpn", "vie", "swe") if c in by_code]
    pure = [by_code[code][start : start + 3000] for code in codes for start in (0, 3000, 6000)]
    mixed = [by_code[a][:3000] + "\n" + by_code[b][:3000] for a in codes for b in codes if a < b]
    for name, texts in (("one language", pure), ("two halves", mixed)):
        found = identifier.identify(pa.array(texts)).field(2).to_pylist()
        shares = sorted(each for each in found if each is not None)
        print(
            f"mixed share of {name}: {len(shares)} texts, mean {sum(shares) / len(shares):.3f}, "
            f"lowest {shares[0]:.3f}, highest {shares[-1]:.3f}"
        )


def report(options):
    os.environ.setdefault("THRESHER_CACHE", str(options.work / "cache"))
    from thresher.classifiers.language import model_path
    from thresher.pipeline.gate.visible import excerpt

    texts = texts_of(options.data, options.per_set)
    lines = [" ".join(text.split()) for text in texts]
    windows = [
        " ".join(excerpt(text.encode()).decode("utf-8", "replace").split()) for text in texts
    ]
    compare(options, "lid.176", model_path(), windows)
    compare(options, "quality model", trained(options, lines), lines)
    identifier = windowed(texts)
    languages(options.data, identifier)
    print()
    mixtures(options.data, identifier)


def main():
    parser = common.parser(__doc__)
    parser.add_argument("--per-set", type=int, default=1000, help="texts of each set")
    parser.add_argument("--buckets", type=int, default=2_000_000, help="of the quality model")
    with common.options(parser, per_set=25, buckets=2_000) as options:
        report(options)


if __name__ == "__main__":
    main()
