"""datatrove's verdicts on a JSONL file of texts: the peer of `agreement.py`, in its environment.

    python peers/agreement.py DOCUMENTS.jsonl VERDICTS.jsonl
    python peers/agreement.py --split TEXTS.jsonl WORDS.jsonl

Appends a line per document that VERDICTS does not hold yet, so a run that was stopped goes on where
it was: the reason of each filter (empty: kept) and the SHA-256 of the text that C4 leaves. With
`--split`: the words of each text and the number of its sentences.

datatrove empties spaCy's cache of words after every call (`memory_zone`), also after every line of
C4, and so spends most of its time on splitting the same words again. Here the cache lives for
CHUNK documents; `--exact` leaves datatrove as it is, to check that the verdicts are the same.
"""

import argparse
import contextlib
import hashlib
import json
import sys
import time
import warnings
from importlib.metadata import version
from pathlib import Path

CHUNK = 2000
"""Documents after which the splitter is made anew, so that its memory stays bounded."""


def build():
    from datatrove.pipeline import filters

    return {
        "repetition": filters.GopherRepetitionFilter(),
        "quality": filters.GopherQualityFilter(),
        "c4": filters.C4QualityFilter(),
        "c4_any_end": filters.C4QualityFilter(filter_no_terminal_punct=False),
        "fineweb": filters.FineWebQualityFilter(),
    }


def verdicts(filters, row):
    from datatrove.data import Document

    out = {"id": row["id"]}
    for name, peer in filters.items():
        document = Document(text=row["text"], id=row["id"])
        result = peer.filter(document)
        out[name] = "" if result is True else result[1]
        if name.startswith("c4"):
            digest = hashlib.sha256(document.text.encode()).hexdigest()
            out[f"{name}_text"] = digest if result is True else ""
    return out


def split(row):
    from datatrove.utils.text import split_into_sentences, split_into_words

    sentences = len(split_into_sentences(row["text"]))
    return {"id": row["id"], "words": split_into_words(row["text"]), "sentences": sentences}


def keep_cache():
    from datatrove.utils.word_tokenizers import load_word_tokenizer

    load_word_tokenizer.cache_clear()
    splitter = type(load_word_tokenizer("en").tokenizer)
    splitter.memory_zone = lambda _self, _mem=None: contextlib.nullcontext()


def rows(path):
    with path.open(encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("documents", type=Path)
    parser.add_argument("verdicts", type=Path)
    parser.add_argument("--exact", action="store_true", help="do not keep the cache of words")
    parser.add_argument("--split", action="store_true", help="words instead of verdicts")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    from loguru import logger

    logger.remove()
    known = {row["id"] for row in rows(options.verdicts)} if options.verdicts.exists() else set()
    todo = [row for row in rows(options.documents) if row["id"] not in known]
    start = time.process_time()
    with options.verdicts.open("a", encoding="utf-8") as out:
        for first in range(0, len(todo), CHUNK):
            filters = build()
            if not options.exact:
                keep_cache()
            for row in todo[first : first + CHUNK]:
                found = split(row) if options.split else verdicts(filters, row)
                out.write(json.dumps(found) + "\n")
            out.flush()
            done = min(first + CHUNK, len(todo))
            print(f"{done} of {len(todo)}, {time.process_time() - start:.0f} s", file=sys.stderr)
    print(json.dumps({name: version(name) for name in ("datatrove", "spacy")}))


if __name__ == "__main__":
    main()
