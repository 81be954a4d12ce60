"""Peak memory of a worker on one large shard, stage by stage.

    python tests/benchmarks/memory.py --work WORK --kind warc --gigabytes 1

Writes a JSONL or a WARC shard of that size (uncompressed) from generated text, runs every stage on
it in this process, and prints the peak resident memory of the worker and of its extraction child
after each stage.
"""

import json
import random
import resource
import time

import common
from peak_memory import peak_mb

from thresher.jobs.executor import InProcess
from thresher.jobs.plan import make_plan
from thresher.jobs.progress import Reporter
from thresher.jobs.recipe import read_recipe
from thresher.jobs.run import execute

OURS = ("text", "decisions", "curated")
WORDS = [
    f"{a}{b}"
    for a in ["the", "of", "and", "to", "in", "stone", "river", "light", "word"]
    for b in ("", "ing", "ed", "er", "ly", "ment", "s", "ness", "ful", "able")
]


def text(random_source):
    sentences = (
        " ".join(random_source.choices(WORDS, k=random_source.randint(6, 18))).capitalize() + "."
        for _ in range(random_source.randint(10, 120))
    )
    return "\n".join(sentences)


def write_jsonl(path, size):
    source = random.Random(1)
    written = 0
    with path.open("w") as file:
        while written < size:
            row = {"id": str(written), "url": f"https://a.example/{written}", "text": text(source)}
            written += file.write(json.dumps(row) + "\n")


def write_warc(path, size):
    source = random.Random(2)
    written = 0
    with path.open("wb") as file:
        while written < size:
            paragraphs = text(source).replace("\n", "</p><p>")
            body = f"<html><title>t</title><body><p>{paragraphs}</p></body></html>".encode()
            message = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n" + body
            written += file.write(
                b"WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: https://b.example/%d\r\n"
                b"WARC-Record-ID: <urn:uuid:%032d>\r\nContent-Type: application/http; "
                b"msgtype=response\r\nContent-Length: %d\r\n\r\n%s\r\n\r\n"
                % (written, written, len(message), message)
            )


class Reports(Reporter):
    """A reporter that prints the peak so far after each stage."""

    def begin(self, stage, *_counts):
        self.stage, self.start = stage, time.perf_counter()

    def end(self):
        own = peak_mb()
        child = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        seconds = time.perf_counter() - self.start
        print(
            f"{self.stage:12} {seconds:7.1f} s  peak {own:6.0f} MB, ended children {child:4.0f} MB"
        )


def main():
    parser = common.parser(__doc__, data=False)
    parser.add_argument("--gigabytes", type=float, default=1.0)
    parser.add_argument("--kind", choices=("jsonl", "warc"), default="warc")
    with common.options(parser, gigabytes=0.001) as options:
        report(options)


def report(options):
    shard = options.work / f"large.{options.kind}"
    if not shard.exists():
        write = {"jsonl": write_jsonl, "warc": write_warc}[options.kind]
        write(shard, int(options.gigabytes * 1e9))
    recipe = options.work / f"{options.kind}.toml"
    recipe.write_text(
        f'name = "memory"\nlake = "lake-{options.kind}"\n[input]\nurls = ["{shard.name}"]\n'
        "[gates]\nlanguages = []\n"
    )
    print(f"{shard.name}, {shard.stat().st_size / 1e9:.3f} GB")
    execute(make_plan(read_recipe(recipe)), InProcess(), Reports())


if __name__ == "__main__":
    main()
