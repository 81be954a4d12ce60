"""Whether measuring costs the same per byte however long a document is, and the memory it takes.

    python tests/benchmarks/linearity.py --data DATA

The same amount of text, as documents of 1 kB to 10 MB: real texts are strung together, every copy
with other words here and there, and cut at line breaks. Then texts that are made to hurt: one line
of 50 MB, 50 MB of empty lines, and their like. Each runs in a process of its own, so that its
peak memory is its own; the rate is the best of three runs, in CPU seconds.
"""

import json
import random
import sys
from pathlib import Path

import common
import pyarrow as pa
from common import best_of, megabytes
from peak_memory import forget_peak, peak_mb

from thresher.filters.measure import MinHashSettings, measure, warm_up

SIZES = (1_000, 10_000, 100_000, 1_000_000, 10_000_000)
HOSTILE = {
    "one line": "the price of one is not that of two, ",
    "one word": "a",
    "empty lines": "\n",
    "lines of one letter": "a\n",
    "full stops": ".",
    "open brackets": "[",
    "Chinese without a space": "知者不惑仁者不忧勇者不惧",
    "the same six words": "to be or not to be ",
}
"""What is repeated, by its name."""
OURS = ("1,000", "100,000", "one line", "open brackets")


def stretch(piece, size):
    """So many bytes of a piece over and over."""
    return piece * (size // len(piece.encode()) + 1)


def perturbed(texts, total, seed=1):
    """So many bytes of lines: the texts over and over, every twentieth word another one's."""
    source = random.Random(seed)
    lines, size = [], 0
    vocabulary = sorted({word for text in texts[:50] for word in text.split()})
    while size < total:
        for text in texts:
            for line in text.split("\n"):
                words = line.split(" ")
                for k in range(source.randrange(20), len(words), 20):
                    words[k] = source.choice(vocabulary)
                line = " ".join(words) + "\n"
                lines.append(line)
                size += len(line.encode())
            if size >= total:
                break
    return lines


def documents(lines, size):
    """The lines as documents of about so many bytes; a longer line is cut."""
    out, current, length = [], [], 0
    for line in lines:
        for piece in (line[i : i + size] for i in range(0, len(line), size)):
            current.append(piece)
            length += len(piece.encode())
            if length >= size:
                out.append("".join(current))
                current, length = [], 0
    if current and not out:
        out.append("".join(current))
    return out


def child(options):
    """One measurement, as a line of JSON."""
    warm_up()
    minhash = MinHashSettings() if options.signature else None
    if options.child in HOSTILE:
        texts = [stretch(HOSTILE[options.child], options.hostile * 1_000_000)]
        measure(pa.array(["warm"]), minhash)
    else:
        text = options.text.read_text(encoding="utf-8")
        texts = documents(text.splitlines(keepends=True), int(options.child))
        del text
    array, size = pa.array(texts, pa.large_string()), megabytes(texts)
    before = forget_peak()
    times = 1 if options.child in HOSTILE else 3
    speed = size / best_of(times, lambda: measure(array, minhash), warm=False)
    found = {"speed": speed, "megabytes": size, "documents": len(texts)}
    print(json.dumps({**found, "before": before, "peak": peak_mb()}))


def run(options, what, signature):
    command = ["--data", options.data, "--text", options.text, "--hostile", options.hostile]
    command += ["--child", what, *(["--signature"] if signature else [])]
    return json.loads(common.run_python(sys.executable, __file__, *command))


def report(options):
    columns = f"{'MB/s':>8}{'signed':>8}{'grew by MB':>12}"
    print(f"\n{'bytes of a document':<34}{'documents':>10}{columns}")
    speeds = []
    for size in (size for size in SIZES if size <= options.megabytes * 1_000_000):
        found, signed = run(options, str(size), False), run(options, str(size), True)
        speeds.append(found["speed"])
        print(
            f"{size:<34,}{found['documents']:>10,}{found['speed']:>8.1f}"
            f"{signed['speed']:>8.1f}{signed['peak'] - signed['before']:>12.0f}",
            flush=True,
        )
    print(f"slowest / fastest: {min(speeds) / max(speeds):.2f}")
    print(f"\n{'hostile':<34}{'MB':>10}{columns}")
    for name in options.texts:
        found, signed = run(options, name, False), run(options, name, True)
        print(
            f"{name:<34}{found['megabytes']:>10.0f}{found['speed']:>8.1f}"
            f"{signed['speed']:>8.1f}{signed['peak'] - signed['before']:>12.0f}",
            flush=True,
        )


def main():
    parser = common.parser(__doc__)
    parser.add_argument("--megabytes", type=float, default=40, help="of text for every size")
    parser.add_argument("--texts", nargs="*", choices=HOSTILE, default=list(HOSTILE))
    parser.add_argument("--hostile", type=int, default=50, help="megabytes of a hostile text")
    parser.add_argument("--child", help="one measurement, in this process")
    parser.add_argument("--text", type=Path, help="of a child: what it cuts into documents")
    parser.add_argument("--signature", action="store_true", help="of a child: sign as well")
    small = {"megabytes": 0.1, "hostile": 1, "texts": ["one line", "open brackets"]}
    with common.options(parser, **small) as options:
        if options.child:
            child(options)
            return
        options.text = options.work / "text"
        rows = common.sample(options.data, {"weborganizer": 1500, "openstax": 400})
        lines = perturbed([row["text"] for row in rows], int(options.megabytes * 1_000_000))
        options.text.write_text("".join(lines), encoding="utf-8")
        report(options)


if __name__ == "__main__":
    main()
