"""From raw text to a MinHash signature of 112 values on one core: Thresher beside its peers.

    python tests/benchmarks/dedup_signatures.py --data DATA --work WORK [--megabytes 40]

Every peer does it its own way, from the same texts: rensa and datasketch are given lower-case words
in overlapping fives, which Python has to make; datatrove normalises, splits and hashes by itself;
marin-dupekit cleans the text and takes fives of characters, since it knows no words. Thresher
stands in the table with words, as it signs by default, and with characters, as dupekit does.
CPU seconds of one process, texts in memory, each tool warmed up: the best of
three passes, each of six seconds at most.
"""

import json
import random
import sys
from functools import partial

import common
from common import run_python

OURS = ("thresher, words", "thresher, characters")
ENVIRONMENTS = {
    "marin-dupekit, characters": ("dupekit", "marin-dupekit"),
    "rensa, words": ("rensa", "rensa"),
    "datasketch, words": ("datasketch", "datasketch"),
    "datatrove, words": ("datatrove", "datatrove", "spacy", "tokenizers"),
}
"""By peer: its pins in `peers/`, and what an environment that has it holds."""
PEERS = ("marin-dupekit, characters", "rensa, words", "datasketch, words", "datatrove, words")
SECONDS = 6.0


def texts_of(data, megabytes):
    """Real pages, mixed, of about so many megabytes together."""
    found = common.texts_of(data, "text/weborganizer")
    random.Random(3).shuffle(found)
    chosen, size = [], 0
    for text in found:
        chosen.append(text)
        size += len(text.encode())
        if size >= megabytes * 1e6:
            break
    return chosen


def run_tool(options, tool, texts):
    own = tool not in ENVIRONMENTS
    python = sys.executable if own else common.peer_python(options, *ENVIRONMENTS[tool])
    script = common.PEERS / "dedup_signatures.py"
    return run_python(python, script, tool, texts, options.seconds, one_core=True)


def report(options):
    texts = options.work / "texts.json"
    texts.write_text(json.dumps(texts_of(options.data, options.megabytes)))
    found = {}
    for tool in (*OURS, *PEERS):
        said = common.attempt(tool, partial(run_tool, options, tool, texts))
        if said is None:
            continue
        found[tool] = float(said.split()[-1])
        same = "thresher, characters" if tool.endswith("characters") else "thresher, words"
        ratio = "" if tool in OURS else f"Thresher {found[same] / found[tool]:8.1f} x"
        print(f"{tool:28} {found[tool]:8.2f} MB/s   {ratio}", flush=True)


def main():
    parser = common.parser(__doc__)
    parser.add_argument("--megabytes", type=float, default=40.0)
    parser.add_argument("--seconds", type=float, default=SECONDS, help="most of a pass")
    with common.options(parser, megabytes=0.2, seconds=0.2) as options:
        report(options)


if __name__ == "__main__":
    main()
