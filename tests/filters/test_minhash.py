from __future__ import annotations

import re
import unicodedata

import numpy as np
import pyarrow as pa
import pytest
from datasketch import MinHash
from hypothesis import given, settings
from hypothesis import strategies as st
from reference_shingles import shingles

from thresher.filters.kernels.likeness.shingles import normal_words
from thresher.filters.kernels.text.tables import tables
from thresher.filters.measure import MinHashSettings, measure, shingle_sets

LOREM = "One fine day in 2024 the old café sold 1,250.75 cups, and nobody knew why it did so. "


def words_of(text: str, numbers: str = "fold") -> list[int]:
    data = np.frombuffer(text.encode() + b" ", np.uint8)
    hashes = np.zeros(len(data), np.uint64)
    fold = tables().fold if numbers == "fold" else tables().fold_but_digits
    count = normal_words(data, 0, len(data), tables().classes, fold, hashes)
    return hashes[:count].tolist()


def set_of(text: str, minhash: MinHashSettings) -> list[int]:
    return shingle_sets(pa.array([text]), minhash)[0].tolist()


def signature(text: str, minhash: MinHashSettings) -> np.ndarray | None:
    value = measure(pa.array([text], pa.string()), minhash)["minhash"][0].as_py()
    return None if value is None else np.frombuffer(value, "<u4")


_WORDS = "a bb ccc d1 2 12 3,4 3.40 1.250,75 5. .5 x٣٤ ९ ² été 日 日2 ก็ ! Ab e\u0301 - \u200b"
pieces = st.lists(st.sampled_from(_WORDS.split()), max_size=40)
texts = st.one_of(
    pieces.map(" ".join),
    pieces.map("".join),
    st.text(st.characters(codec="utf-8"), max_size=60),
    st.text("01９.,é -日", max_size=40),
)
readings = st.sampled_from(["fold", "keep"])


@settings(max_examples=60, deadline=None)
@given(texts, st.integers(1, 7), st.sampled_from([(112, 1), (16, 1), (8, 7)]), readings)
def test_signatures_equal_datasketch_fed_the_same_shingles(text, ngram, scheme, numbers):
    permutations, seed = scheme
    minhash = MinHashSettings(permutations=permutations, ngram=ngram, seed=seed, numbers=numbers)
    expected = shingles(text, ngram, "words", numbers)
    mine = signature(text, minhash)
    if not expected:
        assert mine is None
        return
    theirs = MinHash(num_perm=permutations, seed=seed, hashfunc=int, scheme="affine32")
    theirs.update_batch(expected)
    assert mine.tolist() == theirs.digest().tolist()


@settings(max_examples=200, deadline=None)
@given(texts, st.integers(1, 7), st.sampled_from(["words", "characters"]), readings)
def test_shingles_equal_those_of_plain_python(text, ngram, unit, numbers):
    minhash = MinHashSettings(ngram=ngram, unit=unit, numbers=numbers)
    assert set_of(text, minhash) == sorted(set(shingles(text, ngram, unit, numbers)))


@settings(max_examples=100, deadline=None)
@given(pieces.filter(lambda words: not {"x٣٤", "d1", "日2"} & set(words)), st.integers(1, 9))
def test_a_text_whose_numbers_are_drawn_again_is_the_same_only_to_the_fold(words, digit):
    """Other digits in the same places: folded they are nothing, and kept each is another word."""
    text = " ".join(words)
    other = re.sub(r"\d", lambda found: str((int(found[0]) + digit) % 10), text)
    assert words_of(text) == words_of(other)
    one, two = words_of(text, "keep"), words_of(other, "keep")
    assert len(one) == len(two) == len(words_of(text))
    numeric = [bool(re.search(r"\d", word)) for word in words if words_of(word)]
    if len(numeric) == len(one):
        assert [a != b for a, b in zip(one, two, strict=True)] == numeric


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Hello, World!", "hello world"),
        ("café naïve Ångström", "cafe naive angstrom"),
        (unicodedata.normalize("NFD", "café naïve"), "café naïve"),
        ("in 1999 and 42", "IN 7 and 12345"),
        ("1,250.75 euros", "9 euros"),
        ("a--b (c) [d]", "a b c d"),
        ("version2", "version17"),
        ("日本語", "日 本 語"),
        ("１２ ९", "1 2"),
    ],
)
def test_words_that_normalise_alike(one, other):
    assert words_of(one) == words_of(other)


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ("in 1999", "IN １９９９", True),
        ("٣٤ ९", "34 9", True),
        ("1,250.75 euros", "1.250,75 Euros", True),
        ("1,250 euros", "1250 euros", False),
        ("1.5", "15", False),
        ("100", "1000", False),
        ("11", "1", False),
        ("version2", "version17", False),
        ("1, 2", "1 2", True),
        ("v1.", "v1", True),
        ("1.x", "1 x", True),
        ("x²", "x³", False),
    ],
)
def test_numbers_that_are_kept(one, other, alike):
    assert (words_of(one, "keep") == words_of(other, "keep")) == alike
    minhash = MinHashSettings(ngram=1, numbers="keep")
    assert (set_of(one, minhash) == set_of(other, minhash)) == alike
    assert (signature(one, minhash).tolist() == signature(other, minhash).tolist()) == alike


@pytest.mark.parametrize(
    ("one", "other"), [("ab c", "a bc"), ("a b", "b a"), ("ab", "a b"), ("1 2", "12"), ("ö", "p")]
)
def test_words_that_do_not(one, other):
    assert words_of(one) != words_of(other)
    assert words_of(one, "keep") != words_of(other, "keep")


def test_shingles_depend_on_the_order_of_words():
    pairs = MinHashSettings(ngram=2)
    assert set_of("a b", pairs) != set_of("b a", pairs)
    assert len(set_of(LOREM * 3, MinHashSettings())) == 18


def test_a_text_shorter_than_a_shingle_has_no_signature():
    four = pa.array(["one two three four", "", "one two three four five", "..."])
    column = measure(four, MinHashSettings())["minhash"]
    assert column.is_valid().to_pylist() == [False, False, True, False]
    assert column.type == pa.binary(448)
    assert measure(four, None)["minhash"].null_count == 4


def test_shingles_beyond_the_cap_are_not_looked_at():
    minhash = MinHashSettings(max_shingles=10)
    text = " ".join(f"w{chr(97 + i % 26)}{chr(97 + i // 26)}" for i in range(40))
    first = " ".join(text.split()[:14])
    assert signature(text, minhash).tolist() == signature(first, minhash).tolist()
    assert signature(text, MinHashSettings()).tolist() != signature(first, minhash).tolist()


def test_signatures_estimate_jaccard():
    words = [f"{a}{b}" for a in "abcdefghij" for b in "klmnopqrst"] * 3
    rng = np.random.default_rng(0)
    rng.shuffle(words)
    one, other = " ".join(words), " ".join(words[:250] + words[:50])
    minhash = MinHashSettings(permutations=2048)
    a, b = set(set_of(one, minhash)), set(set_of(other, minhash))
    estimate = np.mean(signature(one, minhash) == signature(other, minhash))
    assert abs(estimate - len(a & b) / len(a | b)) < 0.05


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ("Héllo,  World 1999!", "hello world 7", "fold"),
        ("Héllo,  World １９７!", "hello world 197", "fold keep"),
        ("a 1", "a 11", "fold"),
        ("hello world", "helloworld", ""),
        ("日本語です", "日本 語です", ""),
        ("ab", "ba", ""),
    ],
)
@pytest.mark.parametrize("numbers", ["fold", "keep"])
def test_shingles_of_characters(one, other, alike, numbers):
    alike = numbers in alike
    minhash = MinHashSettings(unit="characters", ngram=2, numbers=numbers)
    assert (set_of(one, minhash) == set_of(other, minhash)) == alike
    assert signature("a", minhash) is None
    assert (signature(one, minhash).tolist() == signature(other, minhash).tolist()) == alike


def test_the_shingle_sets_of_many_texts_stand_in_a_row():
    many = [LOREM * 3, "", "one two", LOREM + "and so on it went for ever", "a " * 50]
    minhash = MinHashSettings()
    values, offsets = shingle_sets(pa.chunked_array([many[:2], many[2:]]), minhash)
    for i, text in enumerate(many):
        found = values[offsets[i] : offsets[i + 1]].tolist()
        assert found == sorted(set(shingles(text, 5, "words", minhash.numbers)))


@pytest.mark.parametrize(
    "wrong", [{"permutations": 0}, {"ngram": 0}, {"max_shingles": 0}, {"seed": -1}]
)
def test_impossible_settings_are_refused(wrong):
    with pytest.raises(ValueError, match="must be"):
        MinHashSettings(**wrong)
