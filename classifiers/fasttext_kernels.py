"""numba kernels of fastText's prediction: features of a text, their mean, the labels' scores.

They compute what fastText 0.9 computes, in its order and precision, over Arrow buffers: one call a
batch, no Python object per text. A row of a matrix is only ever taken at a number that was reduced
to the size of that matrix, so no file that `fasttext_format` let pass can make them read elsewhere.

All are in one module since numba notices a change of a cached kernel's own file only.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from thresher.filters.kernels import inlined, inner, kernel

U8 = npt.NDArray[np.uint8]
I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]
F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]

SURE, UNLIKELY = 0.5, 0.1
"""A window is in another language than its text where that one has at least the first probability
and the text's own less than the second: so dialects and close relatives do not count."""

HIERARCHICAL, NEGATIVE_SAMPLING, SOFTMAX, ONE_VS_ALL = 1, 2, 3, 4

_FNV_BASIS = np.uint32(2166136261)
_FNV_PRIME = np.uint32(16777619)
_NGRAM_FACTOR = np.uint64(116049371)
_BEGIN, _END = np.uint8(60), np.uint8(62)  # < and >, which fastText puts around a word
_END_OF_SENTENCE = np.int32(-677_604_519)  # the hash of </s>
_EPSILON = 1e-5  # fastText adds this to every probability, so that its logarithm exists
ROOM = 2048  # rows of the input matrix, summed at once: their addresses are known, so loads overlap


class Model(NamedTuple):
    """A model as arrays; see `fasttext_arrays.arrays`."""

    data: U8
    """The file."""
    settings: I64
    """dim, words, labels, word n-grams, buckets, least and longest n-gram, loss, end of sentence,
    pruned (0 or 1), parts of a code (0: rows are plain), numbers in a part."""
    word_starts: I64
    """Where each entry of the dictionary lies in the file."""
    word_ends: I64
    table: I32
    """Entries of the dictionary by hash, -1 where there is none; a power of two long."""
    kept_bits: npt.NDArray[np.uint32]
    """Which buckets are kept, where the dictionary is pruned."""
    kept_before: I32
    """How many buckets are kept before each group of 32."""
    kept_rows: I32
    """The rows of the kept buckets."""
    rows: F32
    """The input matrix, shape (rows, dim), where it is plain."""
    codes: U8
    """The codes of its rows, shape (rows, parts), where it is quantised."""
    centroids: F32
    """Shape (256 * dim): of each part, 256 vectors."""
    norms: F32
    """What each row is multiplied by, where it is quantised."""
    output: F32
    """The output matrix, shape (labels, dim)."""
    left: I32
    """Of the Huffman tree's inner nodes, in fastText's order; for the hierarchical loss."""
    right: I32


@inlined
def _is_space(byte: Any) -> Any:
    return byte == 32 or (9 <= byte <= 13) or byte == 0


@inlined
def _extended(value: Any, byte: Any) -> Any:
    """One step of FNV-1a as fastText has it: bytes are signed."""
    signed = np.uint32(byte) | (np.uint32(0xFFFFFF00) if byte > 127 else np.uint32(0))
    return np.uint32((value ^ signed) * _FNV_PRIME)


@inlined
def _ones(bits: Any) -> Any:
    bits = bits - ((bits >> np.uint32(1)) & np.uint32(0x55555555))
    bits = (bits & np.uint32(0x33333333)) + ((bits >> np.uint32(2)) & np.uint32(0x33333333))
    bits = (bits + (bits >> np.uint32(4))) & np.uint32(0x0F0F0F0F)
    return np.int64(np.uint32(bits * np.uint32(0x01010101)) >> np.uint32(24))


@kernel
def walk_dictionary(data: U8, at: int, entries: int, most: int) -> tuple[int, I64, I64, I64, U8]:
    """Where the entries of a dictionary lie, their counts and kinds, and where they end.

    Args:
        data: the file.
        at: where the dictionary begins.
        entries: how many there are.
        most: bytes of the longest word.

    Returns:
        The offset behind the last entry; negative, minus the number of the entry that has no end.
    """
    starts = np.empty(entries, np.int64)
    ends = np.empty(entries, np.int64)
    counts = np.empty(entries, np.int64)
    kinds = np.empty(entries, np.uint8)
    for entry in range(entries):
        end = at
        bound = min(at + most, data.size - 9)
        while end < bound and data[end] != 0:
            end += 1
        if end >= bound:
            return -1 - entry, starts, ends, counts, kinds
        starts[entry], ends[entry] = at, end
        count = np.uint64(0)
        for i in range(8):
            count |= np.uint64(data[end + 1 + i]) << np.uint64(8 * i)
        counts[entry] = np.int64(count)
        kinds[entry] = data[end + 9]
        at = end + 10
    return at, starts, ends, counts, kinds


@kernel
def hash_table(data: U8, starts: I64, ends: I64) -> I32:
    """Open addressing over the words of a dictionary, at most half full."""
    size = 1
    while size < 2 * starts.size + 1:
        size *= 2
    table = np.full(size, -1, np.int32)
    for entry in range(starts.size):
        value = _FNV_BASIS
        for i in range(starts[entry], ends[entry]):
            value = _extended(value, data[i])
        at = np.int64(value) & (size - 1)
        while table[at] >= 0:
            at = (at + 1) & (size - 1)
        table[at] = entry
    return table


@inner
def _entry(model: Model, text: U8, start: int, end: int, value: np.uint32) -> Any:
    """The entry of a word, or -1."""
    mask = model.table.size - 1
    at = np.int64(value) & mask
    while True:
        entry = np.int64(model.table[at])
        if entry < 0:
            return -1
        first = model.word_starts[entry]
        if model.word_ends[entry] - first == end - start:
            same = True
            for i in range(end - start):
                if model.data[first + i] != text[start + i]:
                    same = False
                    break
            if same:
                return entry
        at = (at + 1) & mask


@inner
def _is_blank(text: U8, at: int, end: int) -> bool:
    """Whether a word is made of Unicode's spaces only, which fastText takes for letters."""
    while at < end:
        byte = text[at]
        if 28 <= byte <= 31:
            at += 1
        elif byte == 0xC2 and at + 1 < end and (text[at + 1] == 0x85 or text[at + 1] == 0xA0):
            at += 2
        elif at + 2 < end and (
            (byte == 0xE1 and text[at + 1] == 0x9A and text[at + 2] == 0x80)
            or (byte == 0xE3 and text[at + 1] == 0x80 and text[at + 2] == 0x80)
            or (byte == 0xE2 and text[at + 1] == 0x81 and text[at + 2] == 0x9F)
            or (
                byte == 0xE2
                and text[at + 1] == 0x80
                and (0x80 <= text[at + 2] <= 0x8A or text[at + 2] in (0xA8, 0xA9, 0xAF))
            )
        ):
            at += 3
        else:
            return False
    return True


@inner
def _is_label(text: U8, start: int, end: int) -> Any:
    if end - start < 9 or text[start] != 95 or text[start + 1] != 95:
        return False
    return (
        text[start + 2] == 108
        and text[start + 3] == 97
        and text[start + 4] == 98
        and text[start + 5] == 101
        and text[start + 6] == 108
        and text[start + 7] == 95
        and text[start + 8] == 95
    )


@inner
def _add_rows(model: Model, ids: I32, count: int, hidden: F32) -> None:
    """Add rows of the input matrix, in order."""
    dim, parts = model.settings[0], model.settings[10]
    if parts == 0:
        for i in range(count):
            row = np.int64(ids[i])
            for j in range(dim):
                hidden[j] += model.rows[row, j]
        return
    width = model.settings[11]
    last = dim - (parts - 1) * width
    for i in range(count):
        row = np.int64(ids[i])
        norm = model.norms[row]
        for part in range(parts):
            size = last if part == parts - 1 else width
            code = np.int64(model.codes[row, part])
            at = part * 256 * width + code * size
            for j in range(size):
                hidden[part * width + j] += norm * model.centroids[at + j]


@inner
def _bucket_row(model: Model, bucket: np.int64) -> Any:
    """The row of a bucket, or -1 where it was pruned."""
    words = model.settings[1]
    if model.settings[9] == 0:
        return words + bucket
    group = bucket >> 5
    bits = model.kept_bits[group]
    bit = np.uint32(1) << np.uint32(bucket & 31)
    if bits & bit == 0:
        return -1
    rank = np.int64(model.kept_before[group]) + _ones(np.uint32(bits & np.uint32(bit - 1)))
    return words + np.int64(model.kept_rows[rank])


@inner
def _add_text(
    model: Model, text: U8, at: int, stop: int, ids: I32, framed: U8, hashes: I32, hidden: F32
) -> tuple[int, int]:
    """Add the features of a text to a sum, all but the end of the sentence.

    Args:
        model: whose features.
        text: bytes.
        at: where the text begins.
        stop: where it ends.
        ids: room for rows.
        framed: room for the longest word and two bytes.
        hashes: room for the hash of every word and one more.
        hidden: the sum.

    Returns:
        How many features were added, and how many words the text has that are not blank.
    """
    words, order, buckets = model.settings[1], model.settings[3], np.uint32(model.settings[4])
    least, longest = model.settings[5], model.settings[6]
    added = held = found = spelt = 0
    while at < stop:
        if _is_space(text[at]):
            at += 1
            continue
        start = at
        value = _FNV_BASIS
        while at < stop and not _is_space(text[at]):
            value = _extended(value, text[at])
            at += 1
        if np.int32(value) == _END_OF_SENTENCE and at - start == 4:
            continue
        entry = _entry(model, text, start, at, value)
        if entry >= words or (entry < 0 and _is_label(text, start, at)):
            continue
        if not _is_blank(text, start, at):
            spelt += 1
        hashes[found] = np.int32(value)
        found += 1
        if entry >= 0:
            ids[held] = entry
            held += 1
        if longest > 0:
            size = at - start + 2
            framed[0], framed[size - 1] = _BEGIN, _END
            for i in range(start, at):
                framed[i - start + 1] = text[i]
            for i in range(size):
                if framed[i] & 0xC0 == 0x80:
                    continue
                if held + longest > ids.size:
                    _add_rows(model, ids, held, hidden)
                    added, held = added + held, 0
                part = _FNV_BASIS
                j = i
                characters = 0
                while j < size and characters < longest:
                    part = _extended(part, framed[j])
                    j += 1
                    while j < size and framed[j] & 0xC0 == 0x80:
                        part = _extended(part, framed[j])
                        j += 1
                    characters += 1
                    if characters >= least and not (characters == 1 and (i == 0 or j == size)):
                        row = _bucket_row(model, np.int64(part % buckets))
                        ids[held] = row
                        held += row >= 0
        if held + longest + 2 > ids.size:
            _add_rows(model, ids, held, hidden)
            added, held = added + held, 0
    if order > 1 and buckets > 0:
        hashes[found] = _END_OF_SENTENCE
        for i in range(found + 1):
            joined = np.uint64(np.int64(hashes[i]))
            for j in range(i + 1, min(found + 1, i + order)):
                joined = joined * _NGRAM_FACTOR + np.uint64(np.int64(hashes[j]))
                row = _bucket_row(model, np.int64(joined % np.uint64(buckets)))
                ids[held] = row
                held += row >= 0
            if held + order > ids.size:
                _add_rows(model, ids, held, hidden)
                added, held = added + held, 0
    _add_rows(model, ids, held, hidden)
    return added + held, spelt


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
        added, spelt = _add_text(model, text, offsets[i], stop, ids, framed, hashes, hidden)
        if end_of_sentence >= 0:
            ids[0] = end_of_sentence
            _add_rows(model, ids, 1, hidden)
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
        if _is_space(text[here]):
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
            added, spelt = _add_text(model, text, first, at, ids, framed, hashes, own)
            for j in range(dim):
                total[j] += own[j]
            features += added
            if spelt == 0:
                continue
            if end_of_sentence >= 0:
                ids[0] = end_of_sentence
                _add_rows(model, ids, 1, own)
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
            _add_rows(model, ids, 1, total)
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
