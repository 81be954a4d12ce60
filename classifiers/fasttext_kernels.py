"""numba kernels of fastText's prediction: the mean of a text's features, the labels' scores.

They compute what fastText 0.9 computes, in its order and precision, over Arrow buffers: one call a
batch, no Python object per text. A row of a matrix is only ever taken at a number that was reduced
to the size of that matrix, so no file that `fasttext_format` let pass can make them read elsewhere.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from thresher.classifiers.fasttext_dictionary_kernels import F32, I32, I64, U8, Model, is_space
from thresher.classifiers.fasttext_feature_kernels import ROOM, add_rows, add_text
from thresher.filters.kernels import inlined, inner, kernel

F64 = npt.NDArray[np.float64]

SURE, UNLIKELY = 0.5, 0.1
"""A window is in another language than its text where that one has at least the first probability
and the text's own less than the second: so dialects and close relatives do not count."""

HIERARCHICAL, NEGATIVE_SAMPLING, SOFTMAX, ONE_VS_ALL = 1, 2, 3, 4

_EPSILON = 1e-5  # fastText adds this to every probability, so that its logarithm exists


@inlined
def _looked_up_sigmoid(x: Any) -> Any:
    """The sigmoid from fastText's table of 512 steps between -8 and 8."""
    step = np.floor((min(max(x, -8.0), 8.0) + 8.0) * 32.0)
    inside = 1.0 / (1.0 + np.exp(8.0 - step / 32.0))
    # A NaN passes on.
    return 0.0 if x < -8.0 else 1.0 if x > 8.0 else inside if x == x else x


@inner
def _score(model: Model, hidden: F32, scores: F64) -> None:
    """The probability of every label, from the mean of the features."""
    dim, labels, loss = model.settings[0], model.settings[2], model.settings[7]
    if loss == HIERARCHICAL:
        # Parents come after their children, so that the root is the last node.
        scores[2 * labels - 2] = 1.0
        for node in range(labels - 2, -1, -1):
            dot = np.float32(0.0)
            for j in range(dim):
                dot += model.output[node, j] * hidden[j]
            right = 1.0 / (1.0 + np.exp(-np.float64(dot)))
            own = scores[node + labels]
            scores[model.left[node]] = own * (1.0 - right + _EPSILON)
            scores[model.right[node]] = own * (right + _EPSILON)
        return
    for label in range(labels):
        dot = np.float32(0.0)
        for j in range(dim):
            dot += model.output[label, j] * hidden[j]
        scores[label] = dot
    if loss == SOFTMAX:
        highest = scores[0]
        for label in range(1, labels):
            highest = max(highest, scores[label])
        total = 0.0
        for label in range(labels):
            scores[label] = np.exp(scores[label] - highest)
            total += scores[label]
        for label in range(labels):
            scores[label] = scores[label] / total + _EPSILON
    else:
        for label in range(labels):
            scores[label] = _looked_up_sigmoid(scores[label]) + _EPSILON


@inner
def _likeliest(scores: F64, labels: int) -> int:
    """The first of the most probable labels; -1 where a score is no number."""
    best = 0
    for label in range(labels):
        if not np.isfinite(scores[label]):
            return -1
        if scores[label] > scores[best]:
            best = label
    return best


@inner
def _head(text: U8, start: int, stop: int, characters: int) -> int:
    """Where the first characters of a text end."""
    if stop - start <= characters:
        return stop
    count = 0
    for at in range(start, stop):
        if text[at] & 0xC0 != 0x80:
            if count == characters:
                return at
            count += 1
    return stop


@kernel
def predict(
    model: Model, text: U8, offsets: I64, characters: int, wanted: int, label: I32, score: F64
) -> None:
    """The most probable label of each text, or the score of one.

    Args:
        model: which.
        text: the texts, one after the other.
        offsets: where each begins, and the last ends.
        characters: how many of each count.
        wanted: the label whose score is asked for; -1 for the most probable one.
        label: takes the label of each text; -1 where it has no words, -2 where a score is NaN.
        score: takes its score.
    """
    dim, labels, end_of_sentence = model.settings[0], model.settings[2], model.settings[8]
    longest = 0
    for i in range(offsets.size - 1):
        longest = max(longest, min(offsets[i + 1] - offsets[i], 4 * characters))
    ids = np.empty(ROOM + 64, np.int32)
    framed = np.empty(longest + 2, np.uint8)
    hashes = np.empty(longest // 2 + 2, np.int32)
    hidden = np.empty(dim, np.float32)
    scores = np.empty(2 * labels, np.float64)
    for i in range(offsets.size - 1):
        stop = _head(text, offsets[i], offsets[i + 1], characters)
        hidden[:] = 0
        added, spelt = add_text(model, text, offsets[i], stop, ids, framed, hashes, hidden)
        if end_of_sentence >= 0:
            ids[0] = end_of_sentence
            add_rows(model, ids, 1, hidden)
            added += 1
        label[i] = -1
        if spelt == 0 or added == 0:
            continue
        for j in range(dim):
            hidden[j] *= np.float32(1.0 / added)
        _score(model, hidden, scores)
        best = _likeliest(scores, labels)
        label[i] = -2 if best < 0 else best
        if wanted >= 0 and best >= 0:
            label[i] = wanted
        score[i] = min(scores[label[i]], 1.0) if best >= 0 else 0.0


@inner
def _boundary(text: U8, at: int, start: int, stop: int, slack: int) -> int:
    """The first space from an offset on, or at least a character's beginning."""
    if at <= start:
        return start
    if at >= stop:
        return stop
    for here in range(at, min(at + slack, stop)):
        if is_space(text[here]):
            return here
    while at < stop and text[at] & 0xC0 == 0x80:
        at += 1
    return at


@kernel
def identify(
    model: Model,
    text: U8,
    offsets: I64,
    windows: int,
    size: int,
    label: I32,
    score: F64,
    share: F64,
) -> None:
    """The language of each text from several windows of it, and how many windows are in another.

    Args:
        model: a language model.
        text: the texts, one after the other.
        offsets: where each begins, and the last ends.
        windows: how many windows of a text are looked at.
        size: bytes of a window; a text of fewer bytes than all windows is looked at whole.
        label: takes the label of each text; -1 where it has no words, -2 where a score is NaN.
        score: takes its probability.
        share: takes the share of the windows that are surely in another language; NaN where fewer
            than two have words.
    """
    dim, labels, end_of_sentence = model.settings[0], model.settings[2], model.settings[8]
    slack = size // 4
    ids = np.empty(ROOM + 64, np.int32)
    framed = np.empty(windows * (size + slack) + 8, np.uint8)
    hashes = np.empty(framed.size, np.int32)
    own = np.empty(dim, np.float32)
    total = np.empty(dim, np.float32)
    scores = np.empty((windows, 2 * labels), np.float64)
    of_all = np.empty(2 * labels, np.float64)
    for i in range(offsets.size - 1):
        start, stop = offsets[i], offsets[i + 1]
        length = stop - start
        whole = length <= windows * size
        count = max(1, (length + size - 1) // size) if whole else windows
        total[:] = 0
        features = with_words = 0
        at = start
        for window in range(count):
            if whole:
                first = at
                at = _boundary(text, start + (window + 1) * length // count, start, stop, slack)
            else:
                # Evenly spread, the first at the start and the last at the end.
                wanted = start + window * (length - size) // (windows - 1)
                first = max(_boundary(text, wanted, start, stop, slack), at)
                at = _boundary(text, wanted + size, start, stop, slack)
            own[:] = 0
            added, spelt = add_text(model, text, first, at, ids, framed, hashes, own)
            for j in range(dim):
                total[j] += own[j]
            features += added
            if spelt == 0:
                continue
            if end_of_sentence >= 0:
                ids[0] = end_of_sentence
                add_rows(model, ids, 1, own)
                added += 1
            if added == 0:
                continue
            for j in range(dim):
                own[j] *= np.float32(1.0 / added)
            _score(model, own, scores[with_words])
            with_words += 1
        label[i] = -1
        share[i] = np.nan
        if with_words == 0:
            continue
        if end_of_sentence >= 0:
            ids[0] = end_of_sentence
            add_rows(model, ids, 1, total)
            features += 1
        for j in range(dim):
            total[j] *= np.float32(1.0 / features)
        _score(model, total, of_all)
        best = _likeliest(of_all, labels)
        label[i] = -2 if best < 0 else best
        if best < 0:
            continue
        score[i] = min(of_all[best], 1.0)
        if with_words > 1:
            foreign = 0
            for window in range(with_words):
                other = _likeliest(scores[window], labels)
                if other < 0:
                    continue
                sure = scores[window, other] >= SURE and scores[window, best] < UNLIKELY
                foreign += other != best and sure
            share[i] = foreign / with_words
