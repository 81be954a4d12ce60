"""How fast files are read, beside another tree: gzip WARC, zstd JSON Lines, Parquet.

    python tests/benchmarks/reading_speed.py --against OTHER_TREE [--smoke]

Each tree reads in a process of its own, one after the other and over again, on the same files,
which are made here; the ratio is of the best CPU seconds. OTHER_TREE is a checkout, from before its
folders were imported as `thresher.*` or after.
"""

import argparse
import gzip
import json
import os
import random
import subprocess
import sys
import tempfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import zstandard

OURS = ("crawl.warc.gz", "rows.jsonl.zst", "rows.parquet")
WORDS = """river bridge road between two villages and every spring the ice takes a part of it so
that people wait for boats which carry letters paper wood and bread to the other side"""
SIZES = {"pages": 4_000, "rows": 40_000}
SMOKE = {"pages": 200, "rows": 400}

READ = """
import sys, time
try:
    from thresher.pipeline.read import InputSettings, list_inputs, read_shard
except ImportError:
    from pipeline.read import InputSettings, list_inputs, read_shard
settings = InputSettings(urls=[sys.argv[1]])
(shard,) = list_inputs(settings, "")
began = time.process_time()
count = sum(1 for _ in read_shard(shard, settings))
print(count, time.process_time() - began)
"""


def text(source, words):
    return " ".join(source.choices(WORDS.split(), k=words))


def write_files(folder, sizes):
    """Archives of pages of 3 to 120 kB, a member each, and rows of 2.4 kB in one frame."""
    source = random.Random(1)
    warc = folder / "crawl.warc.gz"
    with warc.open("wb") as file:
        for i in range(sizes["pages"]):
            body = f"<html><body>{text(source, source.randrange(500, 20_000))}</body></html>"
            block = f"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n{body}".encode()
            head = (
                f"WARC/1.0\r\nWARC-Type: response\r\nWARC-Record-ID: <urn:uuid:{i}>\r\n"
                f"WARC-Target-URI: http://example.org/{i}\r\nContent-Type: application/http\r\n"
                f"Content-Length: {len(block)}\r\n\r\n"
            )
            file.write(gzip.compress(head.encode() + block + b"\r\n\r\n", 6, mtime=0))
    rows = [{"id": str(i), "text": text(source, 400)} for i in range(sizes["rows"])]
    lines = b"".join(json.dumps(row).encode() + b"\n" for row in rows)
    jsonl = folder / "rows.jsonl.zst"
    jsonl.write_bytes(zstandard.ZstdCompressor(write_checksum=True).compress(lines))
    parquet = folder / "rows.parquet"
    pq.write_table(pa.Table.from_pylist(rows), parquet, compression="zstd", row_group_size=5000)
    return [warc, jsonl, parquet]


def seconds(tree, file):
    """CPU seconds of one reading by a tree, and how many records it gave."""
    roots = [str(tree / "src"), str(tree)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(roots)}
    command = [sys.executable, "-c", READ, str(file)]
    done = subprocess.run(
        command, env=environment, cwd=tree, capture_output=True, text=True, check=True
    )
    count, spent = done.stdout.split()
    return float(spent), int(count)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--against", type=Path, help="another tree of this project")
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--smoke", action="store_true", help="small files, once: does it work?")
    options = parser.parse_args()
    here = Path(__file__).resolve().parents[2]
    trees = {"here": here, **({"there": options.against.resolve()} if options.against else {})}
    repeat = 1 if options.smoke else options.repeat
    with tempfile.TemporaryDirectory(prefix="thresher-") as folder:
        for file in write_files(Path(folder), SMOKE if options.smoke else SIZES):
            best = dict.fromkeys(trees, float("inf"))
            counts = set()
            for _ in range(repeat):
                for name, tree in trees.items():  # in turn, so that both meet the same machine
                    spent, count = seconds(tree, file)
                    best[name] = min(best[name], spent)
                    counts.add(count)
            (count,) = counts
            megabytes = file.stat().st_size / 1e6
            line = f"{file.name:16} {count:7,} records, {megabytes:6.1f} MB, {best['here']:6.2f} s"
            if "there" in best:
                ratio = best["there"] / best["here"]
                line += f", there {best['there']:6.2f} s: {ratio:.2f} times as fast"
            print(line, flush=True)


if __name__ == "__main__":
    main()
