"""What documents share with evaluation sets, against tuples of words."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from functools import cache

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference_fold import fold

from thresher.filters.decontamination import measure_overlap
from thresher.filters.evaluation_index import (
    LEAST_WORDS,
    MOST_EXAMPLES,
    BuildFacts,
    build_index,
    entries,
)
from thresher.filters.kernels.text.tables import SCRIPT_RANGES


@cache
def is_script(character: str) -> bool:
    category = unicodedata.category(character)
    solid = character.isalpha() or (category[0] == "N" and category != "Nd")
    return solid and any(start <= ord(character) <= end for start, end in SCRIPT_RANGES)


def words_of(text: str) -> list[tuple[str, int, int]]:
    """Normalised words with the place of their first character and the end."""
    found: list[tuple[str, int, int]] = []
    word, first = "", 0
    for place, character in enumerate(text):
        folded = fold(character)
        if folded == "":
            continue
        if folded == " " or is_script(character):
            around = text[max(place - 1, 0) : place] + text[place + 1 : place + 2]
            if word and character == "," and re.fullmatch("[0-9]{2}", around):
                continue
            if word:
                found.append((word, first, place))
                word = ""
            if folded != " ":
                found.append((folded, place, place + 1))
            continue
        if not word:
            first = place
        word += folded
    if word:
        found.append((word, first, len(text)))
    return found


def by_hand(examples, ngram, text):
    """The family for one text: examples are (set, item, texts)."""
    owners = defaultdict(set)
    for number, (_, _, texts) in enumerate(examples):
        for each in texts:
            words = [word for word, *_ in words_of(each)]
            if len(words) >= ngram:
                grams = [tuple(words[i : i + ngram]) for i in range(len(words) - ngram + 1)]
            else:
                grams = [tuple(words)] if len(words) >= LEAST_WORDS else []
            for gram in grams:
                if 3 * len(set(gram)) < len(gram):
                    continue
                owners[gram].add(number)
    owners = {gram: own for gram, own in owners.items() if len(own) <= MOST_EXAMPLES}
    totals = defaultdict(int)
    for own in owners.values():
        for number in own:
            totals[number] += 1
    words = words_of(text)
    matches, covered, ends = set(), defaultdict(set), set()
    lengths = {len(gram) for gram in owners}
    for last in range(len(words)):
        for length in lengths:
            gram = tuple(word for word, *_ in words[max(last - length + 1, 0) : last + 1])
            if gram in owners and len(gram) == length:
                matches.add((last - length + 1, last))
                ends.add(last)
                for number in owners[gram]:
                    covered[number].add(gram)
    inside = sorted({place for first, last in matches for place in range(first, last + 1)})
    spans: list[list[int]] = []
    for place in inside:
        if spans and spans[-1][1] == place - 1:
            spans[-1][1] = place
        else:
            spans.append([place, place])
    at = [{"start": words[a][1], "end": words[b][2]} for a, b in spans]
    best = min(
        covered,
        key=lambda n: (-len(covered[n]) / totals[n], -len(covered[n]), n),
        default=None,
    )
    longest = max(spans, key=lambda s: (s[1] - s[0], -s[0]), default=None)
    row = {
        "ngrams": len(ends),
        "coverage": 0.0 if best is None else len(covered[best]) / totals[best],
        "word_fraction": len(inside) / len(words) if words else None,
        "set": None if best is None else examples[best][0],
        "item": None if best is None else examples[best][1],
        "start": None if longest is None else words[longest[0]][1],
        "end": None if longest is None else words[longest[1]][2],
    }
    return row, at


def index_of(examples, ngram, facts=None):
    """An index whose sets are numbered by name."""
    names = sorted({name for name, *_ in examples})
    facts = facts or BuildFacts()
    texts = [(text, number) for number, (*_, own) in enumerate(examples) for text in own]
    part = entries(
        pa.array([text for text, _ in texts], pa.string()),
        np.array([number for _, number in texts], np.int64),
        ngram,
        facts,
    )
    sets = [names.index(name) for name, *_ in examples]
    return build_index([part], sets, [item for _, item, _ in examples], facts), names


vocabulary = st.sampled_from(
    ["one", "Two", "été", "3", "1,000", "日", "ab\u0301c", "x.y", "-", "z"]
)
phrase = st.lists(vocabulary, min_size=1, max_size=16).map(" ".join)
example_lists = st.lists(
    st.tuples(st.sampled_from("ab"), st.integers(0, 5), st.lists(phrase, min_size=1, max_size=3)),
    min_size=1,
    max_size=14,
)


@settings(max_examples=60, deadline=None)
@given(
    example_lists,
    st.sampled_from([3, 10]),
    st.lists(st.tuples(phrase, st.integers(0, 99)), max_size=4),
    st.text(max_size=10),
)
def test_the_family_is_that_of_a_count_by_hand(examples, ngram, pieces, tail):
    every = [text for *_, texts in examples for text in texts]
    text = " ".join(f"{own} {every[pick % len(every)].upper()}" for own, pick in pieces) + tail
    index, names = index_of(examples, ngram)
    family, spans = measure_overlap(pa.array(["", text, "nothing of it"]), index, names)
    expected, at = by_hand(examples, ngram, text)
    assert family[1].as_py() == pytest.approx(expected)
    assert spans[1].as_py() == at
    assert family[0].as_py() == by_hand(examples, ngram, "")[0]
    assert (family[2]["ngrams"].as_py(), spans[2].as_py()) == (0, [])


QUESTION = (
    "Natalia sold clips to 48 of her friends in April, and then she sold half as many clips in "
    "May. How many clips did Natalia sell altogether in April and May?"
)


@pytest.mark.parametrize(
    ("text", "coverage"),
    [
        (QUESTION, 1.0),
        (QUESTION.upper().replace(",", " --"), 1.0),
        (f"Before it. {QUESTION} And after.", 1.0),
        (QUESTION.replace("48", "1,048"), 14 / 19),
        (QUESTION.replace("half", "twice"), 6 / 19),
        (QUESTION.replace(" in ", " during "), 0.0),
    ],
)
def test_a_question_is_found_in_any_case_and_punctuation(text, coverage):
    index, names = index_of([("gsm8k", 7, [QUESTION])], 13)
    family, spans = measure_overlap(pa.array([text]), index, names)
    found = family[0].as_py()
    assert found["coverage"] == pytest.approx(coverage)
    assert found["set"] == ("gsm8k" if coverage else None)
    if coverage:
        assert found["item"] == 7
        assert {"start": found["start"], "end": found["end"]} in spans[0].as_py()
    if text.startswith("Before"):
        assert text[found["start"] : found["end"]] == QUESTION[:-1]


def test_short_texts_count_whole_and_prompts_not_at_all():
    facts = BuildFacts()
    prompt = "Answer the following question and give a reason for what you say, please: "
    examples = [("qa", n, [prompt + f"what is {chr(97 + n)}?"]) for n in range(MOST_EXAMPLES + 1)]
    examples += [
        ("tiny", 0, ["only five words are here", "exactly eight words stand in this one line"])
    ]
    index, names = index_of(examples, 13, facts)
    assert (facts.too_short_texts, facts.whole_texts) == (1, 1)
    assert facts.common_entries == 3
    texts = [
        prompt + "what is z?",
        "see: EXACTLY eight words, stand in this one line!",
        "eight words stand in this one line",
        "only five words are here",
    ]
    family, _ = measure_overlap(pa.array(texts), index, names)
    assert [row["ngrams"] for row in family.to_pylist()] == [0, 1, 0, 0]
    assert family[1].as_py()["set"] == "tiny"
    assert family[1].as_py()["coverage"] == 1.0


def test_the_same_few_words_are_no_match():
    text = "1, 1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4"
    index, names = index_of([("sequences", 0, [text])], 13)
    family, _ = measure_overlap(pa.array([text]), index, names)
    assert family[0]["ngrams"].as_py() == 0


def test_an_example_of_nothing_but_prompts_is_counted():
    facts = BuildFacts()
    same = "these thirteen words are the whole text of every example in the set"
    index_of([("s", n, [same]) for n in range(MOST_EXAMPLES + 1)], 13, facts)
    assert (facts.entries, facts.empty_examples) == (0, MOST_EXAMPLES + 1)


def test_many_hits_and_any_order_of_the_examples_make_no_difference():
    examples = [("s", n, [f"{QUESTION} number {n} of many"]) for n in range(MOST_EXAMPLES)]
    texts = pa.array([f"{QUESTION} {n}" for n in range(400)])
    index, names = index_of(examples, 13)
    family, spans = measure_overlap(texts, index, names)
    assert {row["ngrams"] for row in family.to_pylist()} == {19}
    assert {len(found) for found in spans.to_pylist()} == {1}
    halves = [measure_overlap(part, index, names)[0] for part in (texts[:150], texts[150:])]
    assert pa.concat_arrays(halves).equals(family)
