"""One extractor over a file of pages: the peers of `extraction.py`, in the environment of each.

    python peers/extraction.py SYSTEM pages.jsonl.gz out.jsonl.gz

Imports nothing of the project. Writes a header with versions, then one line a page, in the order
of the input, with the text and the CPU seconds that the page took, from HTML as `str` to text.
"""

import gzip
import json
import sys
import time
from importlib.metadata import version


def resiliparse_all():
    from resiliparse.extract.html2text import extract_plain_text

    return lambda html: extract_plain_text(html, alt_texts=False, list_bullets=False)


def resiliparse_main():
    from resiliparse.extract.html2text import extract_plain_text

    return lambda html: extract_plain_text(
        html, main_content=True, alt_texts=False, list_bullets=False
    )


def trafilatura(**options):
    from trafilatura import extract

    return lambda html: extract(html, include_comments=False, **options) or ""


def readability():
    from lxml.html import document_fromstring
    from readability import Document

    def extract(html):
        tree = document_fromstring(Document(html).summary())
        for block in tree.iter("p", "div", "li", "tr", "br", "h1", "h2", "h3", "h4", "pre", "td"):
            block.tail = "\n" + (block.tail or "")
        return tree.text_content()

    return extract


SYSTEMS = {
    "resiliparse all text": (resiliparse_all, "resiliparse"),
    "resiliparse main": (resiliparse_main, "resiliparse"),
    "trafilatura": (trafilatura, "trafilatura"),
    "trafilatura fast": (lambda: trafilatura(fast=True), "trafilatura"),
    "trafilatura precision": (lambda: trafilatura(favor_precision=True), "trafilatura"),
    # What datatrove's FineWeb recipe calls, with the version that it pins.
    "trafilatura 1.11 precision": (
        lambda: trafilatura(favor_precision=True, include_tables=True, deduplicate=True),
        "trafilatura",
    ),
    "readability-lxml": (readability, "readability-lxml"),
}


def main(system, pages, out):
    make, package = SYSTEMS[system]
    extract = make()
    with gzip.open(pages, "rt") as lines, gzip.open(out, "wt", compresslevel=1) as results:
        print(json.dumps({"version": version(package)}), file=results)
        for line in lines:
            html = json.loads(line)["html"]
            start = time.process_time()
            try:
                text = extract(html)
            except Exception:  # noqa: BLE001 - a page that breaks a peer has no text
                text = ""
            print(json.dumps({"text": text, "cpu": time.process_time() - start}), file=results)


if __name__ == "__main__":
    main(*sys.argv[1:])
