"""Whether measuring costs the same per byte however long a document is, and the memory it takes.

    python tests/benchmarks/linearity.py --data SHARED/data

The same amount of text, as documents of 1 kB to 10 MB: real texts are strung together, every copy
with other words here and there, and cut at line breaks. Then texts that are made to hurt: one line
of 50 MB, 10 million empty lines, and their like. Each runs in a process of its own, so that its
peak memory is its own; the rate is the best of three runs, in CPU seconds.
"""

import argparse
import contextlib
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pyarrow as pa
from common import sample, show_machine

from thresher.filters.measure import MinHashSettings, measure, warm_up

SIZES = (1_000, 10_000, 100_000, 1_000_000, 10_000_000)
HOSTILE = {
    "one line of 50 MB": lambda: stretch("the price of one is not that of two, ", 50_000_000),
    "one word of 50 MB": lambda: "a" * 50_000_000,
    "10 million empty lines": lambda: "\n" * 10_000_000,
    "10 million lines of one letter": lambda: "a\n" * 10_000_000,
    "50 MB of full stops": lambda: "." * 50_000_000,
    "50 MB of open brackets": lambda: "[" * 50_000_000,
    "50 MB of Chinese without a space": lambda: stretch("知者不惑仁者不忧勇者不惧", 16_700_000),
    "50 MB of the same six words": lambda: stretch("to be or not to be ", 50_000_000),
}


def stretch(piece, length):
    return (piece * (length // len(piece) + 1))[:length]


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


def best(texts, minhash, repeat=3):
    """Megabytes per CPU second."""
    array = pa.array(texts, pa.large_string())
    total = sum(len(text.encode()) for text in texts) / 1e6
    seconds = []
    for _ in range(repeat):
        start = time.process_time()
        measure(array, minhash)
        seconds.append(time.process_time() - start)
    return total / min(seconds), total


def forget_peak():
    """Start anew with the peak of this process, and say what it holds now, in megabytes."""
    with contextlib.suppress(OSError):  # Linux only; elsewhere the peak is that of the whole life
        Path("/proc/self/clear_refs").write_text("5")
    return peak()


def peak():
    """Megabytes of this process at its largest."""
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        scale = 1e6 if sys.platform == "darwin" else 1e3
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / scale
    (line,) = (line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1e3


def child(options):
    """One measurement, as a line of JSON."""
    warm_up()
    minhash = MinHashSettings() if options.signature else None
    if options.child in HOSTILE:
        texts = [HOSTILE[options.child]()]
        measure(pa.array(["warm"]), minhash)
    else:
        text = options.text.read_text(encoding="utf-8")
        texts = documents(text.splitlines(keepends=True), int(options.child))
        del text
    before = forget_peak()
    speed, total = best(texts, minhash, 1 if options.child in HOSTILE else 3)
    found = {"speed": speed, "megabytes": total, "documents": len(texts)}
    print(json.dumps({**found, "before": before, "peak": peak()}))


def run(options, what, signature):
    command = [sys.executable, __file__, "--data", options.data, "--text", options.text]
    command += ["--child", what, *(["--signature"] if signature else [])]
    done = subprocess.run(
        [str(part) for part in command], stdout=subprocess.PIPE, check=True, text=True
    )
    return json.loads(done.stdout)


def report(options):
    show_machine()
    columns = f"{'MB/s':>8}{'signed':>8}{'grew by MB':>12}"
    print(f"\n{'bytes of a document':<34}{'documents':>10}{columns}")
    speeds = []
    for size in SIZES:
        found, signed = run(options, str(size), False), run(options, str(size), True)
        speeds.append(found["speed"])
        print(
            f"{size:<34,}{found['documents']:>10,}{found['speed']:>8.1f}"
            f"{signed['speed']:>8.1f}{signed['peak'] - signed['before']:>12.0f}"
        )
    print(f"slowest / fastest: {min(speeds) / max(speeds):.2f}")
    print(f"\n{'hostile':<34}{'MB':>10}{columns}")
    for name in HOSTILE:
        found, signed = run(options, name, False), run(options, name, True)
        print(
            f"{name:<34}{found['megabytes']:>10.0f}{found['speed']:>8.1f}"
            f"{signed['speed']:>8.1f}{signed['peak'] - signed['before']:>12.0f}"
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, type=Path, help="folder of the real samples")
    parser.add_argument("--megabytes", type=int, default=40, help="of text for every size")
    parser.add_argument("--text", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--child", help=argparse.SUPPRESS)
    parser.add_argument("--signature", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        child(options)
        return
    with tempfile.TemporaryDirectory() as folder:
        options.text = Path(folder) / "text"
        rows = sample(options.data, {"weborganizer": 1500, "openstax": 400})
        lines = perturbed([row["text"] for row in rows], options.megabytes * 1_000_000)
        options.text.write_text("".join(lines), encoding="utf-8")
        report(options)


if __name__ == "__main__":
    main()
