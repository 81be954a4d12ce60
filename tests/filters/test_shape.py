"""The shape of a text, against plain Python."""

from __future__ import annotations

import random

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference_shingles import joined, normal_words

from thresher.filters.shape import TYPE, measure_shapes


def tail(text: str) -> str:
    data = text.encode()
    if len(data) <= 128:
        return text
    last = data[-128:]
    spaces = [place for place, byte in enumerate(last) if byte <= 32]
    return last[spaces[0] if spaces else 0 :].decode(errors="ignore")


def reference(text: str) -> dict[str, object]:
    words = normal_words(text)[:256]
    last = normal_words(tail(text))[:256]
    ngrams = [joined(words[k : k + 3]) for k in range(len(words) - 2)]
    return {
        "tokens": len(words),
        "opening": joined(words[:4]) % 2**32 if words else None,
        "ending": joined(last[-4:]) % 2**32 if words else None,
        "words": sorted({h % 2**32 for h in words if h >> 61 == 0}),
        "ngrams": sorted({h % 2**32 for h in ngrams if h >> 61 == 0}),
    }


_TEXT = "one two Two. été 1,250.75 3.x 0 7. a.b 日本 ก็ -- x-y ß İ ٣,٤ 9,٤ 8.5.1"
PIECES = [*_TEXT.split(), "e\u0301", "\u200b", "\n", "\u00a0"]
texts = st.one_of(
    st.text(st.characters(codec="utf-8"), max_size=60),
    st.lists(st.sampled_from(PIECES), max_size=400).map(" ".join),
    st.text("aé日", max_size=150),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(texts, max_size=4))
def test_shapes_equal_plain_python(values):
    found = measure_shapes(pa.array(values, pa.string()))
    assert found.type == TYPE
    assert found.to_pylist() == [reference(value) for value in values]


def test_the_sample_is_an_eighth_of_the_words_and_of_the_ngrams():
    rng = random.Random(7)
    words = ["".join(rng.choices("abcdefghijklmnop", k=9)) for _ in range(30_000)]
    values = [" ".join(words[300 * k : 300 * k + 300]) for k in range(100)]
    found = measure_shapes(pa.array(values)).flatten()
    assert set(found[0].to_pylist()) == {256}
    for column in (3, 4):
        assert 0.9 < len(found[column].flatten()) / (100 * 256 / 8) < 1.1


def test_equal_words_are_in_every_sample():
    shared = " ".join(2 * chr(97 + k // 26) + chr(97 + k % 26) for k in range(200))
    shapes = measure_shapes(pa.array([f"first {shared}", f"another one {shared} end"])).to_pylist()
    common = [set(shape["words"]) for shape in shapes]
    assert len(common[0] & common[1]) >= len(common[0]) - 1 > 4


def test_case_marks_and_numbers_do_not_change_an_opening():
    opened = measure_shapes(pa.array(["In 1999, the CAFÉ was", "in 2,024 the cafe. Is"]))
    assert len({shape["opening"] for shape in opened.to_pylist()}) == 1


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string()])
def test_slices_and_empty_batches(kind):
    values = pa.array(["zero", "one two three", "", "four five six"], kind)
    assert measure_shapes(values.slice(1, 2)).to_pylist() == measure_shapes(values).to_pylist()[1:3]
    assert measure_shapes(values.slice(0, 0)).to_pylist() == []
    blank = measure_shapes(values)[2].as_py()
    assert (blank["tokens"], blank["opening"], blank["words"]) == (0, None, [])


def test_only_strings_without_nulls():
    with pytest.raises(TypeError, match="string"):
        measure_shapes(pa.array([b"x"]))
    with pytest.raises(ValueError, match="nulls"):
        measure_shapes(pa.array(["x", None]))
