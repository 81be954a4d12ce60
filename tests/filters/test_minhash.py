from __future__ import annotations

import unicodedata

import numpy as np
import pyarrow as pa
import pytest
from datasketch import MinHash
from hypothesis import given, settings
from hypothesis import strategies as st

from thresher.filters.kernels.likeness.shingles import normal_words, shingle
from thresher.filters.kernels.text.tables import tables
from thresher.filters.measure import MinHashSettings, measure, shingle_sets

LOREM = "One fine day in 2024 the old café sold 1,250.75 cups, and nobody knew why it did so. "


def words_of(text: str) -> np.ndarray:
    data = np.frombuffer(text.encode() + b" ", np.uint8)
    hashes = np.zeros(len(data), np.uint64)
    count = normal_words(data, 0, len(data), tables().classes, tables().fold, hashes)
    return hashes[:count]


def shingles_of(text: str, ngram: int) -> list[int]:
    hashes = words_of(text)
    out = np.zeros(len(hashes) + 1, np.uint32)
    return [int(h) for h in out[: shingle(hashes, len(hashes), ngram, out)]]


def signature(text: str, minhash: MinHashSettings) -> np.ndarray | None:
    value = measure(pa.array([text], pa.string()), minhash)["minhash"][0].as_py()
    return None if value is None else np.frombuffer(value, "<u4")


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.sampled_from(["a", "bb", "ccc", "d1", "2", "été", "日", "!", "Ab"]), max_size=40
    ).map(" ".join),
    st.integers(1, 7),
    st.sampled_from([(112, 1), (16, 1), (8, 7)]),
)
def test_signatures_equal_datasketch_fed_the_same_shingles(text, ngram, scheme):
    permutations, seed = scheme
    minhash = MinHashSettings(permutations=permutations, ngram=ngram, seed=seed)
    shingles = shingles_of(text, ngram)
    mine = signature(text, minhash)
    if not shingles:
        assert mine is None
        return
    theirs = MinHash(num_perm=permutations, seed=seed, hashfunc=int, scheme="affine32")
    theirs.update_batch(shingles)
    assert mine.tolist() == theirs.digest().tolist()


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
    assert words_of(one).tolist() == words_of(other).tolist()


@pytest.mark.parametrize(
    ("one", "other"), [("ab c", "a bc"), ("a b", "b a"), ("ab", "a b"), ("1 2", "12"), ("ö", "p")]
)
def test_words_that_do_not(one, other):
    assert words_of(one).tolist() != words_of(other).tolist()


def test_shingles_depend_on_the_order_of_words():
    assert shingles_of("a b", 2) != shingles_of("b a", 2)
    assert len(set(shingles_of(LOREM * 3, 5))) == 18


def test_a_text_shorter_than_a_shingle_has_no_signature():
    texts = pa.array(["one two three four", "", "one two three four five", "..."])
    column = measure(texts, MinHashSettings())["minhash"]
    assert column.is_valid().to_pylist() == [False, False, True, False]
    assert column.type == pa.binary(448)
    assert measure(texts, None)["minhash"].null_count == 4


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
    a, b = set(shingles_of(one, 5)), set(shingles_of(other, 5))
    estimate = np.mean(signature(one, minhash) == signature(other, minhash))
    assert abs(estimate - len(a & b) / len(a | b)) < 0.05


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ("Héllo,  World 1999!", "hello world 7", True),
        ("hello world", "helloworld", False),
        ("日本語です", "日本 語です", False),
        ("ab", "ba", False),
    ],
)
def test_shingles_of_characters(one, other, alike):
    minhash = MinHashSettings(unit="characters", ngram=2)
    sets = [shingle_sets(pa.array([text]), minhash)[0].tolist() for text in (one, other)]
    assert (sets[0] == sets[1]) == alike
    assert signature("a", minhash) is None
    assert (signature(one, minhash).tolist() == signature(other, minhash).tolist()) == alike


def test_shingle_sets_are_what_signatures_are_made_of():
    texts = [LOREM * 3, "", "one two", LOREM + "and so on it went for ever", "a " * 50]
    values, offsets = shingle_sets(pa.chunked_array([texts[:2], texts[2:]]), MinHashSettings())
    for i, text in enumerate(texts):
        found = values[offsets[i] : offsets[i + 1]].tolist()
        assert found == sorted(set(shingles_of(text, 5)))


@pytest.mark.parametrize(
    "wrong", [{"permutations": 0}, {"ngram": 0}, {"max_shingles": 0}, {"seed": -1}]
)
def test_impossible_settings_are_refused(wrong):
    with pytest.raises(ValueError, match="must be"):
        MinHashSettings(**wrong)
