"""The peers of `filters_speed.py`, each in its own environment: CPU seconds over the same texts.

    python peers/filters_speed.py datatrove DOCUMENTS.jsonl

Prints one line of JSON: the CPU seconds of this process by what ran. Every peer is called as its
own pipeline calls it, one document after the other; nothing is read or written meanwhile.
"""

import argparse
import inspect
import json
import sys
import tempfile
import time
import warnings
from importlib.metadata import version
from pathlib import Path

GOPHER_STOP_WORDS = ["the", "be", "to", "of", "and", "that", "have", "with"]
WARM_UP = 5
"""Documents before the clock starts: word lists, splitters and caches are loaded by then."""


def datatrove():
    from datatrove.data import Document
    from datatrove.pipeline import filters
    from datatrove.utils import text as cached
    from loguru import logger

    logger.remove()
    four = {
        "Gopher repetition": filters.GopherRepetitionFilter(),
        "Gopher quality": filters.GopherQualityFilter(),
        "C4 without terminal marks": filters.C4QualityFilter(filter_no_terminal_punct=False),
        "FineWeb": filters.FineWebQualityFilter(),
    }

    def alone(peer):
        def run(text):
            cached.split_into_parts.cache_clear()  # of the last five texts
            peer.filter(Document(text=text, id="0"))

        return run

    def row(stop):
        def run(text):
            document = Document(text=text, id="0")
            for peer in four.values():
                if peer.filter(document) is not True and stop:
                    return

        return run

    runs = {
        "four filters in a row, stopping at a drop": row(True),
        "four filters on every document": row(False),
    }
    return runs | {f"{name}, alone": alone(peer) for name, peer in four.items()}


def dolma():
    from dolma.core.data_types import Document
    from dolma.taggers.c4 import FasterC4Tagger
    from dolma.taggers.gopher import GopherTaggerV2

    gopher, c4 = GopherTaggerV2(), FasterC4Tagger()

    def both(text):
        document = Document(source="", id="0", text=text)
        gopher.predict(document)
        c4.predict(document)

    return {
        "gopher_v2 and c4_v2": both,
        "gopher_v2": lambda text: gopher.predict(Document(source="", id="0", text=text)),
        "c4_v2": lambda text: c4.predict(Document(source="", id="0", text=text)),
    }


def nemo():
    from nemo_curator.stages.text.filters.heuristic import string
    from nemo_curator.stages.text.filters.heuristic.repetition import repetition

    quality = [
        string.WordCountFilter(50, 100_000),
        string.MeanWordLengthFilter(),
        string.SymbolsToWordsFilter(),
        string.BulletsFilter(),
        string.EllipsisFilter(),
        string.WordsWithoutAlphabetsFilter(),
        string.CommonEnglishWordsFilter(stop_at_false=False),
    ]
    repeated = [
        repetition.RepeatedLinesFilter(),
        repetition.RepeatedParagraphsFilter(),
        repetition.RepeatedLinesByCharFilter(),
        repetition.RepeatedParagraphsByCharFilter(),
        *(repetition.RepeatingTopNGramsFilter(n) for n in (2, 3, 4)),
        *(repetition.RepeatingDuplicateNGramsFilter(n) for n in range(5, 11)),
    ]
    lines = [
        string.PunctuationFilter(),
        string.LongWordFilter(),
        string.BoilerPlateStringFilter(),
    ]

    def scored(filters):
        def run(text):
            for peer in filters:
                peer.keep_document(peer.score_document(text))

        return run

    return {
        "23 heuristic filters": scored(quality + repeated + lines),
        "7 of Gopher quality": scored(quality),
        "13 of Gopher repetition": scored(repeated),
        "3 in place of C4": scored(lines),
    }


def juicer():
    from data_juicer.ops.filter.alphanumeric_filter import AlphanumericFilter
    from data_juicer.ops.filter.average_line_length_filter import AverageLineLengthFilter
    from data_juicer.ops.filter.character_repetition_filter import CharacterRepetitionFilter
    from data_juicer.ops.filter.maximum_line_length_filter import MaximumLineLengthFilter
    from data_juicer.ops.filter.special_characters_filter import SpecialCharactersFilter
    from data_juicer.ops.filter.stopwords_filter import StopWordsFilter
    from data_juicer.ops.filter.text_length_filter import TextLengthFilter
    from data_juicer.ops.filter.word_repetition_filter import WordRepetitionFilter
    from data_juicer.ops.filter.words_num_filter import WordsNumFilter
    from data_juicer.utils.constant import Fields

    def measure_of(peer):
        return peer.compute_stats_batched if peer.is_batched_op() else peer.compute_stats_single

    with tempfile.TemporaryDirectory() as folder:  # its own list would be downloaded
        words = Path(folder) / "stopwords.json"
        words.write_text(json.dumps({"en": GOPHER_STOP_WORDS}))
        stop_words = StopWordsFilter(stopwords_dir=folder)
    operators = [
        WordsNumFilter(),
        TextLengthFilter(),
        AlphanumericFilter(),
        SpecialCharactersFilter(),
        stop_words,
        AverageLineLengthFilter(),
        MaximumLineLengthFilter(),
        CharacterRepetitionFilter(),
        WordRepetitionFilter(rep_len=5),
    ]

    sharing = {
        peer: "context" in inspect.signature(measure_of(peer)).parameters for peer in operators
    }

    def run(text):
        """With the context that its operator fusion shares, so that words are split once."""
        stats, context = {}, {}
        batch = {"text": [text], Fields.stats: [stats], Fields.context: [context]}
        one = {"text": text, Fields.stats: stats, Fields.context: context}
        for peer, shares in sharing.items():
            options = {"context": True} if shares else {}
            if peer.is_batched_op():
                peer.compute_stats_batched(batch, **options)
                list(peer.process_batched(batch))
            else:
                peer.compute_stats_single(one, **options)
                peer.process_single(one)

    return {"9 filters": run}


PEERS = {
    "datatrove": (datatrove, ("datatrove", "spacy")),
    "dolma": (dolma, ("dolma",)),
    "nemo": (nemo, ("nemo-curator",)),
    "juicer": (juicer, ("py-data-juicer",)),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("peer", choices=PEERS)
    parser.add_argument("documents", type=Path)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    with options.documents.open(encoding="utf-8") as file:
        texts = [json.loads(line)["text"] for line in file]
    build, distributions = PEERS[options.peer]
    seconds = {}
    for name, run in build().items():
        for text in texts[:WARM_UP]:
            run(text)
        start = time.process_time()
        for text in texts:
            run(text)
        seconds[name] = time.process_time() - start
        print(f"{options.peer}: {name}: {seconds[name]:.1f} s", file=sys.stderr)
    versions = {name: version(name) for name in distributions}
    print(json.dumps({"seconds": seconds, "versions": versions, "python": sys.version.split()[0]}))


if __name__ == "__main__":
    main()
