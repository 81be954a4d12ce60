from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from classifiers.sampling import Pool, draw

documents = st.lists(st.sampled_from([*"abcdefgh", "A", " a\n", "", " "]), max_size=40)


def fill(texts, size=100, seed=1):
    pool = Pool(size, seed, 1000)
    for text in texts:
        pool.add(text.encode())
    return pool


@given(documents, documents, st.integers(1, 10))
def test_every_document_is_accounted_for(first, second, size):
    for sample in draw(fill(first, size), fill(second, size), 0.5):
        counts = sample.counts
        parts = [getattr(counts, name) for name in counts.__struct_fields__ if name != "read"]
        assert counts.read == sum(parts)
        assert counts.trained == len(sample.trained)
        assert counts.held_out == len(sample.held_out)


@given(documents, documents, st.integers(1, 10))
def test_nothing_is_on_two_sides_and_classes_balance(first, second, size):
    keep, drop = draw(fill(first, size), fill(second, size), 0.5)
    keys = [e.key for s in (keep, drop) for part in (s.trained, s.held_out) for e in part]
    assert len(keys) == len(set(keys))
    assert len(keep.trained + keep.held_out) == len(drop.trained + drop.held_out) <= size


@given(documents, st.integers(1, 10), st.randoms(use_true_random=False))
def test_order_does_not_matter(texts, size, shuffle):
    shuffled = list(texts)
    shuffle.shuffle(shuffled)
    other = fill([f"other {i}" for i in range(20)], 20)
    before = draw(fill(texts, size), other, 0.5)[0]
    after = draw(fill(shuffled, size), other, 0.5)[0]
    assert before.counts == after.counts
    assert {e.key for e in before.trained} == {e.key for e in after.trained}


def test_a_text_keeps_its_side_when_more_are_added():
    texts = [f"text {i}" for i in range(400)]
    other = fill([f"other {i}" for i in range(400)], 400)
    few = draw(fill(texts[:200], 400), other, 0.25)[0]
    many = draw(fill(texts, 400), other, 0.25)[0]
    assert {e.key for e in few.held_out} <= {e.key for e in many.held_out}
    assert 60 < many.counts.held_out < 140


def test_the_seed_draws_another_sample():
    texts = [f"text {i}" for i in range(100)]
    random.Random(1).shuffle(texts)
    other = fill([f"other {i}" for i in range(10)], 10)
    samples = [draw(fill(texts, 10, seed), other, 0.5)[0] for seed in (1, 2)]
    lines = [{e.line for e in (*s.trained, *s.held_out)} for s in samples]
    assert lines[0] != lines[1]
