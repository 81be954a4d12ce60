"""A sound model file as the arrays that the kernels read."""

from __future__ import annotations

import numpy as np

from thresher.classifiers.fasttext_dictionary_kernels import Model, hash_table
from thresher.classifiers.fasttext_format import Array, Layout, Matrix
from thresher.classifiers.fasttext_kernels import HIERARCHICAL

SPELT_OUT_BYTES = 64 << 20
"""A quantised matrix that needs at most so much is held plain: it is read twice as fast."""


def arrays(layout: Layout) -> Model:
    """Make the arrays of a model; plain matrices stay where the file is."""
    matrix = layout.input
    quantised = matrix.codes.size > 0
    if quantised and 4 * len(matrix.codes) * layout.dim <= SPELT_OUT_BYTES:
        rows, quantised = _spelt_out(matrix, layout.dim), False
    else:
        rows = matrix.rows.reshape(-1, layout.dim)
    left = right = np.zeros(0, np.int32)
    if layout.loss == HIERARCHICAL:
        left, right = _tree(layout.counts[layout.words :])
    table = hash_table(layout.data, layout.starts, layout.ends)
    bits, before, kept = _kept(layout)
    return Model(
        data=layout.data,
        settings=np.array(
            [
                layout.dim,
                layout.words,
                len(layout.starts) - layout.words,
                layout.word_ngrams,
                layout.buckets,
                layout.least,
                layout.longest,
                layout.loss,
                _end_of_sentence(layout),
                int(layout.is_pruned),
                matrix.codes.shape[1] if quantised else 0,
                matrix.width,
            ],
            np.int64,
        ),
        word_starts=layout.starts,
        word_ends=layout.ends,
        table=table,
        kept_bits=bits,
        kept_before=before,
        kept_rows=kept,
        rows=rows,
        codes=matrix.codes,
        centroids=matrix.centroids,
        norms=matrix.norms,
        output=_spelt_out(layout.output, layout.dim),
        left=left,
        right=right,
    )


def _spelt_out(matrix: Matrix, dim: int) -> Array:
    """Plain rows, aligned."""
    if not matrix.codes.size:
        return np.array(matrix.rows, np.float32).reshape(-1, dim)
    parts = matrix.codes.shape[1]
    rows = np.empty((len(matrix.codes), dim), np.float32)
    for part in range(parts):
        first = part * matrix.width
        width = min(matrix.width, dim - first)
        start = 256 * first
        vectors = matrix.centroids[start : start + 256 * width].reshape(256, width)
        rows[:, first : first + width] = vectors[matrix.codes[:, part]]
    return rows * matrix.norms[:, None]


def _end_of_sentence(layout: Layout) -> int:
    """The entry of </s>; -1 where there is none."""
    four = np.flatnonzero(layout.ends[: layout.words] - layout.starts[: layout.words] == 4)
    for entry in four:
        if bytes(layout.data[layout.starts[entry] : layout.ends[entry]]) == b"</s>":
            return int(entry)
    return -1


def _kept(layout: Layout) -> tuple[Array, Array, Array]:
    """A bit for each bucket, how many bits are set before each 32, and the rows of the set ones."""
    if not layout.is_pruned:
        return np.zeros(0, np.uint32), np.zeros(0, np.int32), np.zeros(0, np.int32)
    row_of = np.full(layout.buckets, -1, np.int32)
    # Of a bucket that is listed twice the last counts, as in fastText.
    row_of[layout.pruned[:, 0]] = layout.pruned[:, 1]
    kept = row_of >= 0
    groups = (layout.buckets + 31) // 32
    padded = np.zeros(32 * groups, np.uint8)
    padded[: layout.buckets] = kept
    bits = np.packbits(padded, bitorder="little").view("<u4").astype(np.uint32)
    per_group = padded.reshape(-1, 32).sum(axis=1, dtype=np.int32)
    before = (np.cumsum(per_group, dtype=np.int32) - per_group).astype(np.int32)
    return bits, before, row_of[kept]


def _tree(counts: Array) -> tuple[Array, Array]:
    """The Huffman tree that fastText makes of its labels: the children of its inner nodes."""
    labels = len(counts)
    count = [*(int(each) for each in counts), *[10**15] * (labels - 1)]
    left, right = np.zeros(labels - 1, np.int32), np.zeros(labels - 1, np.int32)
    leaf, node = labels - 1, labels
    for inner in range(labels, 2 * labels - 1):
        pair = []
        for _ in range(2):
            if leaf >= 0 and count[leaf] < count[node]:
                pair.append(leaf)
                leaf -= 1
            else:
                pair.append(node)
                node += 1
        left[inner - labels], right[inner - labels] = pair
        count[inner] = count[pair[0]] + count[pair[1]]
    return left, right
