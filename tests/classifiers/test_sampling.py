from __future__ import annotations

import random

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from thresher.classifiers.inputs import Text
from thresher.classifiers.sampling import Example, Pool
from thresher.classifiers.settings import InputSettings, TrainSettings
from thresher.classifiers.splitting import draw, near_copies, part_of, windows_of

documents = st.lists(st.sampled_from([*"abcdefgh", "A", " a\n", "", " "]), max_size=40)


def options(**changes):
    given = InputSettings(files=("x",))
    base = {"held_out_fraction": 0.3, "tuning_fraction": 0.2}
    return TrainSettings(positives=(given,), negatives=(given,), **(base | changes))


def text(words, domain="", source="s", held_out=False, train=True, most=0):
    return Text(words.encode(), source, domain, held_out, train, most)


def fill(texts, size=100, seed=1):
    pool = Pool(size, seed, 1000)
    for each in texts:
        pool.add(text(each) if isinstance(each, str) else each)
    return pool


def example(line, domain=""):
    return Example(line, line, "s", domain, False, True, 0, 1)


def parts(sample):
    return sample.trained, sample.tuned, sample.held_out


@given(documents, documents, st.integers(1, 10), st.sampled_from(["cut", "repeat", "none"]))
def test_every_document_is_accounted_for(first, second, size, balance):
    for sample in draw(fill(first, size), fill(second, size), options(balance=balance)):
        counts = sample.counts
        named = [getattr(counts, name) for name in counts.__struct_fields__ if name != "read"]
        assert counts.read == sum(named)
        assert [counts.trained, counts.tuned, counts.held_out] == [len(p) for p in parts(sample)]
        assert len(sample.windows) == len(sample.trained)


@given(documents, documents, st.integers(1, 10))
def test_nothing_is_on_two_sides_and_classes_balance(first, second, size):
    keep, drop = draw(fill(first, size), fill(second, size), options())
    keys = [e.key for sample in (keep, drop) for part in parts(sample) for e in part]
    assert len(keys) == len(set(keys))
    if keep.trained and drop.trained:
        assert len(keep.trained) == len(drop.trained)


@given(documents, st.integers(1, 10), st.randoms(use_true_random=False))
def test_order_does_not_matter(texts, size, shuffle):
    shuffled = list(texts)
    shuffle.shuffle(shuffled)
    other = fill([f"other {i}" for i in range(20)], 20)
    before = draw(fill(texts, size), other, options())[0]
    after = draw(fill(shuffled, size), other, options())[0]
    assert before == after


def test_a_text_keeps_its_part_when_more_are_added():
    texts = [f"text {i}" for i in range(400)]
    other = fill([f"other {i}" for i in range(400)], 400)
    few = draw(fill(texts[:200], 400), other, options())[0]
    many = draw(fill(texts, 400), other, options())[0]
    assert {e.key for e in few.held_out} <= {e.key for e in many.held_out}
    assert 80 < many.counts.held_out < 160


def test_the_seed_draws_another_sample():
    texts = [f"text {i}" for i in range(100)]
    random.Random(1).shuffle(texts)
    other = fill([f"other {i}" for i in range(10)], 10)
    samples = [draw(fill(texts, 10, seed), other, options())[0] for seed in (1, 2)]
    lines = [{e.line for part in parts(s) for e in part} for s in samples]
    assert lines[0] != lines[1]


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 9)), min_size=1, max_size=60))
def test_a_domain_is_in_one_part_in_both_classes(rows):
    texts = {True: [], False: []}
    for number, (positive, domain) in enumerate(rows):
        texts[positive].append(text(f"text {number}", domain=f"d{domain}"))
    samples = draw(fill(texts[True]), fill(texts[False]), options(balance="none"))
    seen = [{e.domain for sample in samples for e in parts(sample)[i]} for i in range(3)]
    for left in range(3):
        for right in range(left):
            assert not seen[left] & seen[right]


def test_a_domain_of_a_held_out_source_is_held_out_everywhere():
    pages = [text(f"page {i}", domain="a.org") for i in range(30)]
    book = [text(f"book {i}", domain="a.org", source="book", held_out=True) for i in range(3)]
    other = [text(f"other {i}", domain=f"o{i}.org") for i in range(30)]
    sample = draw(fill([*pages, *book]), fill(other), options(balance="none"))[0]
    assert (len(sample.trained), len(sample.tuned), len(sample.held_out)) == (0, 0, 33)


def test_what_may_not_be_trained_on_is_held_out_or_left_out():
    texts = [text(f"text {i}", train=i % 2 == 0) for i in range(200)]
    other = [f"other {i}" for i in range(200)]
    sample = draw(fill(texts, 400), fill(other, 400), options(balance="none"))[0]
    assert all(e.train for e in (*sample.trained, *sample.tuned))
    assert any(not e.train for e in sample.held_out)
    assert sample.counts.not_sampled > 50


def words(draw, count=60):
    return " ".join(draw.choice("abcdefghij") + str(draw.randrange(400)) for _ in range(count))


def test_near_copies_are_found_and_others_are_not():
    draw_ = random.Random(5)
    base = [words(draw_) for _ in range(60)]
    copies = [f"{line} and one more word" for line in base[:20]]
    lines = [*base, *copies, "two words"]
    roots = near_copies([example(line.encode()) for line in lines], 0.8)
    assert roots.tolist() == [*range(60), *range(20), 80]


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 30))
def test_near_copies_agree_with_exact_similarity(seed, changed):
    draw_ = random.Random(seed)
    line = words(draw_, 80).split()
    other = list(line)
    for place in draw_.sample(range(80), changed):
        other[place] = "changed"

    def shingles(tokens):
        return {tuple(tokens[i : i + 5]) for i in range(len(tokens) - 4)}

    left, right = shingles(line), shingles(other)
    similarity = len(left & right) / len(left | right)
    roots = near_copies([example(" ".join(x).encode()) for x in (line, other)], 0.7)
    # The estimate is off by up to 0.25 once in many thousand.
    if similarity > 0.95 or similarity < 0.45:
        assert (roots[0] == roots[1]) == (similarity > 0.7)


def test_texts_that_differ_in_their_numbers_are_near_copies():
    days = "the wind was {} knots and the sea was {} degrees on day {} of the week at the pier "
    lines = ["".join(days.format(a, a * b, b) for b in range(9)) for a in (3, 17)]
    roots = near_copies([example(line.encode()) for line in lines], 0.8)
    assert roots.tolist() == [0, 0]


def test_near_copies_within_a_class_count_as_duplicates():
    draw_ = random.Random(7)
    base = [words(draw_) for _ in range(40)]
    first = fill([*base, *(f"{line} again" for line in base[:10])])
    second = fill([words(draw_) for _ in range(30)] + [f"{line} indeed" for line in base[20:25]])
    keep, drop = draw(first, second, options(balance="none"))
    assert keep.counts.duplicates == 10
    assert keep.counts.in_both_classes == drop.counts.in_both_classes == 5


def test_windows_cover_the_start_between_words():
    line = b" ".join(b"%04d" % i for i in range(100))
    cut = options(window_bytes=52, windows=3)
    found = windows_of(line, cut)
    assert len(found) == 3
    assert b" ".join(found) == line[: len(b" ".join(found))]
    assert all(52 <= len(window) <= 56 for window in found)
    assert windows_of(line[:54], cut) == [line[:54]]
    assert windows_of(line, options()) == [line]


def test_a_source_gives_no_more_windows_than_it_may():
    draw_ = random.Random(11)
    texts = [text(words(draw_), most=7, source="big") for _ in range(50)]
    texts += [text(words(draw_), source="small") for _ in range(9)]
    other = [words(draw_) for _ in range(60)]
    cut = options(window_bytes=100, windows=2, balance="none")
    sample = draw(fill(texts), fill(other), cut)[0]
    big = [w for e, w in zip(sample.trained, sample.windows, strict=True) if e.source == "big"]
    assert sum(map(len, big)) == 7


def test_repeating_gives_both_classes_the_same_number_of_lines():
    first, second = fill([f"a {i}" for i in range(40)]), fill([f"b {i}" for i in range(90)])
    keep, drop = draw(first, second, options(balance="repeat"))
    assert len(keep.lines()) == len(drop.lines()) == len(drop.trained)
    assert set(keep.lines()) == {e.line for e in keep.trained}


def test_the_split_takes_the_shares_it_was_told():
    found = [part_of(example(b"x", domain=f"d{i}"), options()) for i in range(4000)]
    shares = [np.mean([part == name for part in found]) for name in ("held_out", "tuned")]
    assert abs(shares[0] - 0.3) < 0.03
    assert abs(shares[1] - 0.2) < 0.03
