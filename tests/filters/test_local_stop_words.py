"""Stop words are counted in the document's own language, by a plain reading of the text."""

from __future__ import annotations

import gzip
import json
import re

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from thresher.filters.languages import LANGUAGES
from thresher.filters.local_stop_words import STOP_WORDS, count_stop_words

UNSPACED = {"ja", "th", "zh"}
words = st.sampled_from(sorted({word for listed in STOP_WORDS.values() for word in listed}))
texts = st.lists(words | st.text(max_size=3) | words.map(str.upper), max_size=30).map("".join)
pieces = st.lists(texts | st.sampled_from([" ", "\n", "-", "_", "'", "7", "́"]), max_size=20)


def count(text: str, language: str | None) -> int | None:
    [found] = count_stop_words(pa.array([text]), pa.array([language], pa.string())).to_pylist()
    return found["distinct_count"]


def expected(text: str, language: str) -> int:
    if language in UNSPACED:
        return sum(word in text for word in STOP_WORDS[language])
    import unicodedata

    lowered = "".join(c.lower() if len(c.lower()) == 1 else c for c in text)
    inside = "".join(
        c if c.isalpha() or c == "_" or unicodedata.category(c)[0] in "MN" else " " for c in lowered
    )
    return len(set(inside.split(" ")) & set(STOP_WORDS[language]))


def test_lists_are_eight_words_of_known_languages():
    assert set(STOP_WORDS) <= LANGUAGES
    for language, listed in STOP_WORDS.items():
        assert len(set(listed)) == 8, language
        assert all(word == word.lower() for word in listed)


def test_a_language_without_a_list_is_undefined():
    assert count("the be to of", "en") == 4
    assert count("the be to of", None) is None
    assert count("the be to of", "als") is None
    assert count("", "en") == 0
    assert count_stop_words(pa.array([], pa.string()), pa.array([], pa.string())).to_pylist() == []


def test_words_are_whole_and_of_any_case():
    assert count("The other THE, theory", "en") == 1
    assert count("In Haus und Hof: DER die-das, übernicht", "de") == 4
    assert count("我是人。", "zh") == 1


@settings(max_examples=200, deadline=None)
@given(text=pieces.map(" ".join), language=st.sampled_from(sorted(STOP_WORDS)))
def test_counts_equal_a_plain_reading(text, language):
    assert count(text, language) == expected(text, language)


@settings(max_examples=30, deadline=None)
@given(rows=st.lists(st.tuples(texts, st.sampled_from([None, "en", "de", "zh", "xx"])), max_size=6))
def test_rows_do_not_depend_on_their_batch(rows):
    column = pa.array([text for text, _ in rows], pa.string())
    languages = pa.array([language for _, language in rows], pa.string())
    whole = count_stop_words(column, languages).to_pylist()
    assert whole == [{"distinct_count": count(text, language)} for text, language in rows]
    assert count_stop_words(column[1:], languages[1:]).to_pylist() == whole[1:]


def test_languages_are_those_of_the_model():
    from thresher.classifiers.language import LanguageIdentifier

    assert set(LanguageIdentifier().codes) == LANGUAGES


@pytest.mark.parametrize("language", ["de", "fr", "es", "ru", "ja", "zh", "th", "tr", "fa", "hi"])
def test_lists_tell_real_text_of_a_language(real_data, language):
    names = {"de": "deu_1996", "fr": "fra", "es": "spa", "ru": "rus", "ja": "jpn", "th": "tha"}
    names |= {"zh": "cmn_hans", "tr": "tur", "fa": "pes_1", "hi": "hin"}
    with gzip.open(real_data / "language" / "udhr" / "udhr.jsonl.gz", "rt") as file:
        for line in file:
            if re.search(rf'"lang": "{names[language]}"', line):
                text = json.loads(line)["text"]
                break
    assert count(text, language) >= 6
    assert count(text, "en") <= 1
