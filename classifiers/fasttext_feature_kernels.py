"""numba kernels that add up a text's features as fastText does: words, their parts, word pairs."""

from __future__ import annotations

from typing import Any

import numpy as np

from thresher.classifiers.fasttext_dictionary_kernels import (
    END_OF_SENTENCE,
    F32,
    FNV_BASIS,
    I32,
    U8,
    Model,
    extended,
    find_entry,
    is_blank,
    is_label,
    is_space,
)
from thresher.filters.kernels import inlined, inner

_NGRAM_FACTOR = np.uint64(116049371)
_BEGIN, _END = np.uint8(60), np.uint8(62)  # < and >, which fastText puts around a word

ROOM = 2048  # rows of the input matrix, summed at once: their addresses are known, so loads overlap


@inlined
def _ones(bits: Any) -> Any:
    bits = bits - ((bits >> np.uint32(1)) & np.uint32(0x55555555))
    bits = (bits & np.uint32(0x33333333)) + ((bits >> np.uint32(2)) & np.uint32(0x33333333))
    bits = (bits + (bits >> np.uint32(4))) & np.uint32(0x0F0F0F0F)
    return np.int64(np.uint32(bits * np.uint32(0x01010101)) >> np.uint32(24))


@inner
def add_rows(model: Model, ids: I32, count: int, hidden: F32) -> None:
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
def add_text(
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
        if is_space(text[at]):
            at += 1
            continue
        start = at
        value = FNV_BASIS
        while at < stop and not is_space(text[at]):
            value = extended(value, text[at])
            at += 1
        if np.int32(value) == END_OF_SENTENCE and at - start == 4:
            continue
        entry = find_entry(model, text, start, at, value)
        if entry >= words or (entry < 0 and is_label(text, start, at)):
            continue
        if not is_blank(text, start, at):
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
                    add_rows(model, ids, held, hidden)
                    added, held = added + held, 0
                part = FNV_BASIS
                j = i
                characters = 0
                while j < size and characters < longest:
                    part = extended(part, framed[j])
                    j += 1
                    while j < size and framed[j] & 0xC0 == 0x80:
                        part = extended(part, framed[j])
                        j += 1
                    characters += 1
                    if characters >= least and not (characters == 1 and (i == 0 or j == size)):
                        row = _bucket_row(model, np.int64(part % buckets))
                        ids[held] = row
                        held += row >= 0
        if held + longest + 2 > ids.size:
            add_rows(model, ids, held, hidden)
            added, held = added + held, 0
    if order > 1 and buckets > 0:
        hashes[found] = END_OF_SENTENCE
        for i in range(found + 1):
            joined = np.uint64(np.int64(hashes[i]))
            for j in range(i + 1, min(found + 1, i + order)):
                joined = joined * _NGRAM_FACTOR + np.uint64(np.int64(hashes[j]))
                row = _bucket_row(model, np.int64(joined % np.uint64(buckets)))
                ids[held] = row
                held += row >= 0
            if held + order > ids.size:
                add_rows(model, ids, held, hidden)
                added, held = added + held, 0
    add_rows(model, ids, held, hidden)
    return added + held, spelt
