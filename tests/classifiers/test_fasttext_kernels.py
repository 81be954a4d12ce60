"""The kernels against fastText itself, over every kind of model it can train."""

from __future__ import annotations

import random
from pathlib import Path

import fasttext
import numpy as np
import pyarrow as pa
import pytest
from fasttext import FastText
from hypothesis import given, settings
from hypothesis import strategies as st

from thresher.classifiers import fasttext_arrays
from thresher.classifiers import fasttext_kernels as kernels
from thresher.classifiers.fasttext_model import LABEL_PREFIX, buffers, load, predict, to_line
from thresher.classifiers.language import model_path

SETTINGS = {
    "softmax": {"loss": "softmax", "wordNgrams": 2},
    "hierarchical": {"loss": "hs", "minn": 2, "maxn": 4},
    "one_vs_all": {"loss": "ova", "wordNgrams": 3, "minn": 1, "maxn": 3},
    "negative_sampling": {"loss": "ns"},
    "no_end_of_sentence": {"loss": "softmax", "minCount": 150},
    "old_words_only": {"loss": "hs", "wordNgrams": 5},
}
QUANTISED = {
    "plain": {},
    "norms": {"qnorm": True},
    "output_too": {"qout": True, "qnorm": True},
    "pruned": {"cutoff": 300, "retrain": False},
    "odd_parts": {"dsub": 4},
}
WORDS = [
    "river",
    "valley",
    "Fluß",
    "долина",
    "川の",
    "x",
    "été",
    "buy",
    "-",
    "🙂",
    "\u00a0",
    "a" * 40,
]


def train(folder: Path, settings: dict, quantise: dict | None, labels: int = 5) -> tuple:
    draw = random.Random(5)
    corpus = folder / "train.txt"
    lines = []
    for i in range(300):
        # Few of some and many of others, for the tree over labels.
        label = i % labels if labels > 5 else min(int(draw.expovariate(0.8)), 4)
        words = draw.choices(WORDS, [1 + (label + i) % 5 for i in range(len(WORDS))], k=12)
        lines.append(f"{LABEL_PREFIX}{label} {' '.join(words)} {draw.randrange(50)}\n")
    corpus.write_text("".join(lines), encoding="utf-8")
    model = fasttext.train_supervised(
        str(corpus), **{"dim": 10, "bucket": 700, "thread": 1, "verbose": 0, "epoch": 8} | settings
    )
    if quantise is not None:
        model.quantize(input=str(corpus), thread=1, verbose=0, **quantise)
    path = folder / ("model.bin" if quantise is None else "model.ftz")
    model.save_model(str(path))
    return FastText._FastText(model_path=str(path)), path


@pytest.fixture(scope="session", params=[*SETTINGS, *(f"quantised_{name}" for name in QUANTISED)])
def pair(request, tmp_path_factory):
    kind = request.param.removeprefix("quantised_")
    folder = tmp_path_factory.mktemp(request.param)
    if kind in SETTINGS:
        return train(folder, SETTINGS[kind], None)
    base = {"wordNgrams": 2, "minn": 2, "maxn": 3, "loss": "hs"}
    # An output matrix is quantised from 256 labels on.
    return train(folder, base, QUANTISED[kind], 300 if kind == "output_too" else 5)


def expected(model, line: bytes) -> dict[str, float]:
    found = model.f.predict(line.decode("utf-8", "replace") + "\n", -1, -1.0, "replace")
    return {label: probability for probability, label in found}


TEXTS = st.lists(
    st.one_of(
        st.lists(st.sampled_from([*WORDS, "7", "unheard", "of\tit", "</s>", "__label__1"])).map(
            " ".join
        ),
        st.text(max_size=80),
    ),
    max_size=6,
)


@settings(deadline=None)
@given(texts=TEXTS)
def test_the_same_labels_and_probabilities(pair, texts):
    reference, path = pair
    labels, model = load(path, "model")
    for index, name in [*enumerate(labels)][:5]:
        found, scores = predict(model, pa.array(texts, pa.string()), index)
        for text, label, score in zip(texts, found, scores, strict=True):
            line = to_line(text.encode())
            if line is None:
                assert label == -1
            elif label >= 0:
                wanted = expected(reference, line)
                assert score == pytest.approx(min(wanted.get(name, 0), 1), abs=2e-5)
            else:  # a text of nothing but labels has no words
                assert all(word.startswith(LABEL_PREFIX) for word in line.decode().split())


def test_quantised_rows_that_are_not_spelt_out(pair, monkeypatch):
    _, path = pair
    texts = pa.array([" ".join(WORDS), "river buy buy", "unheard"])
    plain = predict(load(path, "model")[1], texts)
    monkeypatch.setattr(fasttext_arrays, "SPELT_OUT_BYTES", 0)
    coded = predict(load(path, "model")[1], texts)
    assert plain[0].tolist() == coded[0].tolist()
    np.testing.assert_allclose(plain[1], coded[1], atol=1e-5)


def test_more_features_than_fit_at_once(pair):
    reference, path = pair
    text = " ".join(random.Random(2).choices(WORDS, k=5000))
    labels, model = load(path, "model")
    found, scores = predict(model, pa.array([text]))
    wanted = expected(reference, text.encode())
    assert labels[found[0]] == max(wanted, key=wanted.get)
    assert scores[0] == pytest.approx(min(max(wanted.values()), 1), abs=2e-5)


@pytest.fixture(scope="session")
def languages():
    labels, model = load(model_path(), "lid.176")
    return FastText._FastText(model_path=str(model_path())), labels, model


@settings(deadline=None)
@given(texts=st.lists(st.text(max_size=200), max_size=4))
def test_language_of_any_text(languages, texts):
    reference, labels, model = languages
    found, scores = predict(model, pa.array(texts, pa.string()))
    for text, label, score in zip(texts, found, scores, strict=True):
        line = to_line(text.encode())
        if line is None or label < 0:
            assert label == -1
            continue
        wanted = expected(reference, line)
        assert score == pytest.approx(min(max(wanted.values()), 1), abs=2e-5)
        assert wanted[labels[label]] == pytest.approx(max(wanted.values()), abs=2e-5)


def windows_of(text: bytes, count: int, size: int) -> list[bytes]:
    """What `identify` looks at, in plain Python."""

    def boundary(at: int) -> int:
        if at <= 0 or at >= len(text):
            return min(max(at, 0), len(text))
        for here in range(at, min(at + size // 4, len(text))):
            if text[here : here + 1] in b" \t\n\v\f\r\0":
                return here
        while at < len(text) and text[at] & 0xC0 == 0x80:
            at += 1
        return at

    found, at = [], 0
    if len(text) <= count * size:
        pieces = max(1, -(-len(text) // size))
        for piece in range(pieces):
            first, at = at, boundary((piece + 1) * len(text) // pieces)
            found.append(text[first:at])
        return found
    for window in range(count):
        wanted = window * (len(text) - size) // (count - 1)
        first = max(boundary(wanted), at)
        at = boundary(wanted + size)
        found.append(text[first:at])
    return found


@settings(deadline=None)
@given(
    text=st.lists(
        st.sampled_from(["the river", "der Fluß", "川の流れ", "\n", "долина реки", "été"])
    )
    .map(" ".join)
    .map(str.encode),
    size=st.integers(8, 60),
)
def test_windows_decide_together_and_each_for_itself(languages, text, size):
    reference, labels, model = languages
    offsets, data = buffers(pa.array([text], pa.binary()))
    label, score, share = np.empty(1, np.int32), np.empty(1), np.empty(1)
    kernels.identify(model, data, offsets, 4, size, label, score, share)
    windows = [line for line in map(to_line, windows_of(text, 4, size)) if line is not None]
    if not windows:
        assert label[0] == -1
        return
    wanted = expected(reference, b" ".join(windows))
    assert score[0] == pytest.approx(min(max(wanted.values()), 1), abs=2e-5)
    if len(windows) < 2:
        assert np.isnan(share[0])
        return
    own = labels[label[0]]
    foreign = 0
    for window in windows:
        each = expected(reference, window)
        likeliest = max(each, key=each.get)
        foreign += (
            likeliest != own
            and each[likeliest] >= kernels.SURE
            and each.get(own, 0) < kernels.UNLIKELY
        )
    assert share[0] == pytest.approx(foreign / len(windows))
