"""Documents of our own for the tests of agreement with datatrove: `composed.jsonl.gz`.

    python tests/filters/compose_documents.py

Writes the file again: the sample crawl, the texts on both sides of every published bound, the pages
of the documentation, and lines of what splitters of words find hard. Verdicts on them are stored in
`datatrove_verdicts.json`, so afterwards `tests/benchmarks/agreement.py --pack` is due.
"""

from __future__ import annotations

import gzip
import json
import random
import tempfile
from collections.abc import Iterator
from pathlib import Path

from thresher.filters.policy.published import published
from thresher.jobs.sample import write_sample

ROOT = Path(__file__).resolve().parents[2]
COMPOSED = Path(__file__).with_name("composed.jsonl.gz")

PLAIN = "the a river of stones and houses that people have built with care be to"
HARD = """
don't we're it's she'd ain't gonna cannot U.S. U.K. e.g. i.e. Ph.D. a.m. No.7 3.14 1,000 1.000,5
$5.99 50% 10km 5'9" rock'n'roll O'Neill mother-in-law and/or 2024-05-01 12:30 a@b.org @user #tag
https://e.org/a?b=c#d C++ C# .NET x=y :-) ;) :D ... … .. -- — – - * • # ## | & (c) [1] {a} <b> «q»
“q” ‘q’ ´ ` ~ naïve café Zürich Straße œuvre Ελλάδα Москва שלום سلام नमस्ते 你好 こんにちは 안녕 ไทย
🙂 👍🏽 ½ ² ™ ﬁ
"""


def hard_texts(rng: random.Random) -> Iterator[str]:
    """Lines of plain words among hard ones, some lines again, with and without an end."""
    plain, hard = PLAIN.split(), HARD.split()
    for _ in range(120):
        share = rng.choice((0.05, 0.2, 0.5))
        lines = []
        for _ in range(rng.randrange(3, 25)):
            words = [
                rng.choice(hard if rng.random() < share else plain)
                for _ in range(rng.randrange(2, 30))
            ]
            lines.append(" ".join(words) + rng.choice((".", ".", "", "!", "?", "...", '."')))
            if rng.random() < 0.15:
                lines.append(rng.choice(lines))
        yield rng.choice(("\n", "\n", "\n\n")).join(lines)


def texts() -> Iterator[tuple[str, str]]:
    """The name and text of every document."""
    with tempfile.TemporaryDirectory() as folder:
        for row in write_sample(Path(folder)).truth:
            if "foreign" not in row.kind:  # a script without spaces has other words here
                yield f"crawl-{row.kind}", row.text
    known = published()
    for group in known.groups:
        for rule in group.rules:
            for pair in rule.pairs:
                yield f"drops-{rule.reason}", known.whole(pair.drops)
                yield f"keeps-{rule.reason}", known.whole(pair.keeps)
    for path in sorted(ROOT.glob("docs/*.md")):
        for n, part in enumerate(path.read_text("utf-8").split("\n## ")):
            yield f"docs-{path.stem}-{n}", part[:3000]
    for text in hard_texts(random.Random(1)):
        yield "hard", text


def main() -> None:
    seen = set()
    with (
        COMPOSED.open("wb") as raw,
        gzip.GzipFile(filename="", fileobj=raw, mode="wb", mtime=0) as file,
    ):
        for name, text in texts():
            if text and text not in seen:
                row = {"id": f"{len(seen)}-{name}", "text": text}
                file.write(json.dumps(row, ensure_ascii=False).encode() + b"\n")
                seen.add(text)
    print(f"{len(seen)} documents, {sum(map(len, seen)):,} characters: {COMPOSED}")


if __name__ == "__main__":
    main()
