"""Verdicts beside datatrove's own filters, on real documents."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from filters.measure import measure

AGREEMENT = 0.98

Row = dict[str, dict[str, float]]


def gopher_quality(row: Row) -> bool:
    length, symbols, lines = row["length"], row["symbols"], row["lines"]
    return (
        50 <= length["nonsymbol_words"] <= 100_000
        and 3 <= length["mean_word_characters"] <= 10
        and symbols["hash_word_ratio"] <= 0.1
        and symbols["ellipsis_word_ratio"] <= 0.1
        and lines["bullet_fraction"] <= 0.9
        and lines["ellipsis_fraction"] <= 0.3
        and symbols["alphabetic_word_fraction"] >= 0.8
        and row["stopwords"]["distinct_count"] >= 2
    )


def gopher_repetition(row: Row) -> bool:
    limits = {
        "duplicate_line_fraction": 0.3,
        "duplicate_paragraph_fraction": 0.3,
        "duplicate_line_character_fraction": 0.2,
        "duplicate_paragraph_character_fraction": 0.2,
    }
    for n, limit in ((2, 0.2), (3, 0.18), (4, 0.16)):
        limits[f"top_{n}gram_character_fraction"] = limit
    for n in range(5, 11):
        limits[f"duplicate_{n}gram_character_fraction"] = (20 - n) / 100
    values = row["repetition"]
    return all(values[name] is None or values[name] <= limits[name] for name in limits)


def c4(row: Row, end: str = "") -> bool:
    values = row["c4"]
    bad = values["has_lorem_ipsum" + end] or values["has_curly_brace" + end]
    return not bad and values["sentences_kept" + end] >= 5


def fineweb(row: Row) -> bool:
    values = row["fineweb"]
    return values["newline_word_ratio"] is not None and (
        values["terminal_mark_line_fraction"] >= 0.12
        and values["short_line_fraction"] <= 0.67
        and values["duplicate_line_character_fraction"] <= 0.01
        and values["newline_word_ratio"] <= 0.3
    )


@pytest.fixture(scope="module")
def documents(real_data: Path) -> list[str]:
    pytest.importorskip("spacy", reason="datatrove splits words with spaCy")
    texts: list[str] = []
    for name, wanted in (
        ("weborganizer", 400),
        ("reference", 200),
        ("newsgroups", 200),
        ("reuters", 100),
    ):
        with gzip.open(real_data / "text" / f"{name}.jsonl.gz", "rt") as file:
            lines = file.readlines()
        texts += [json.loads(line)["text"] for line in lines[:: len(lines) // wanted]]
    return [text for text in texts if text.strip()]


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", ["quality", "repetition", "c4", "c4_any_end", "fineweb"])
@pytest.mark.filterwarnings("ignore")  # of spaCy, numpy and datatrove
def test_verdicts_agree_with_datatrove(documents: list[str], name: str):
    from datatrove.data import Document
    from datatrove.pipeline import filters as peers

    cases: dict[str, tuple[Callable, Callable[[Row], bool]]] = {
        "quality": (peers.GopherQualityFilter, gopher_quality),
        "repetition": (peers.GopherRepetitionFilter, gopher_repetition),
        "c4": (peers.C4QualityFilter, c4),
        "c4_any_end": (
            lambda: peers.C4QualityFilter(filter_no_terminal_punct=False),
            lambda row: c4(row, "_any_end"),
        ),
        "fineweb": (peers.FineWebQualityFilter, fineweb),
    }
    build, ours = cases[name]
    peer = build()
    rows = measure(pa.array(documents, pa.string()), None).to_pylist()
    different = [
        (k, ours(row))
        for k, (text, row) in enumerate(zip(documents, rows, strict=True))
        if ours(row) != (peer.filter(Document(text=text, id=str(k))) is True)
    ]
    print(f"{name}: {len(documents) - len(different)} of {len(documents)} agree; {different[:20]}")
    assert len(different) <= (1 - AGREEMENT) * len(documents)
