"""numba kernels of deduplication: buckets, sketches, candidate pairs, similarity of shingles."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from thresher.filters.kernels import inlined, integer, kernel

U64 = npt.NDArray[np.uint64]
I64 = npt.NDArray[np.int64]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)
_ODD = np.uint64(0x5555555555555555)
_PAIRS = np.uint64(0x3333333333333333)
_NIBBLES = np.uint64(0x0F0F0F0F0F0F0F0F)
_ONES = np.uint64(0x0101010101010101)
_U1, _U2, _U4, _U56 = np.uint64(1), np.uint64(2), np.uint64(4), np.uint64(56)

HEADS = 16
"""First documents of a bucket that look like none before them: all others are tried on them."""
WINDOW = 24
"""Nearest earlier documents of the bucket that each is tried on: a bucket up to this size is
compared in full."""
DOUBTFUL = 8
"""Doubtful pairs kept per document of a bucket that is larger."""


@inlined
def _mix(x: np.uint64) -> np.uint64:
    """The finaliser of splitmix64 (Steele, Lea and Flood 2014)."""
    x = (x ^ (x >> np.uint64(30))) * _MIX_1
    x = (x ^ (x >> np.uint64(27))) * _MIX_2
    return x ^ (x >> np.uint64(31))


@kernel
def band_buckets(signatures: npt.NDArray[np.uint32], bands: int, rows: int) -> U64:
    """Bucket of each band of each signature, shape (documents, bands).

    Args:
        signatures: shape (documents, at least bands * rows).
        bands: number of bands.
        rows: values per band.
    """
    out = np.empty((signatures.shape[0], bands), np.uint64)
    for i in range(signatures.shape[0]):
        for band in range(bands):
            bucket = _mix(np.uint64(band + 1) * _GOLDEN)
            for row in range(band * rows, (band + 1) * rows):
                bucket = _mix((bucket ^ np.uint64(signatures[i, row])) + _GOLDEN)
            out[i, band] = bucket
    return out


def sketch_words(permutations: int) -> int:
    """64-bit words of a sketch."""
    return -(-permutations // 32)


@kernel
def sketches(signatures: npt.NDArray[np.uint32], words: int) -> U64:
    """The lowest two bits of every signature value (Li and Koenig 2010), packed."""
    out = np.zeros((signatures.shape[0], words), np.uint64)
    for i in range(signatures.shape[0]):
        for j in range(signatures.shape[1]):
            bits = np.uint64(signatures[i, j]) & np.uint64(3)
            out[i, j >> 5] |= bits << np.uint64(2 * (j & 31))
    return out


@inlined
def _differing(a: U64, i: int, j: int) -> int:
    """How many two-bit values of the sketches differ."""
    total = np.uint64(0)
    for k in range(a.shape[1]):
        x = a[i, k] ^ a[j, k]
        x = (x | (x >> _U1)) & _ODD
        x = (x & _PAIRS) + ((x >> _U2) & _PAIRS)
        x = (x + (x >> _U4)) & _NIBBLES
        total += (x * _ONES) >> _U56
    return integer(total)


@kernel
def _root(parent: I64, i: int) -> int:
    while parent[i] != i:
        parent[i] = parent[parent[i]]
        i = parent[i]
    return i


@kernel
def _grown(array: I64, size: int) -> I64:
    out = np.empty(2 * len(array), np.int64)
    out[:size] = array[:size]
    return out


@kernel
def candidate_pairs(
    buckets: U64, orders: U64, sketch: U64, sure: int, possible: int
) -> tuple[I64, I64, int]:
    """Pairs of entries that share a bucket and whose sketches agree enough.

    An entry is tried on the heads of its bucket and on the nearest before it, unless pairs that
    are as good as sure join them already. Equal orders are equal texts: only the first counts.

    Args:
        buckets: sorted; one entry per (bucket, document).
        orders: sorted within a bucket; the same for equal texts only.
        sketch: sketch of each entry's signature.
        sure: differing values up to which a pair joins without doubt.
        possible: differing values up to which a pair is worth verifying.

    Returns:
        First and other entry of each pair, and the number of entries that were not compared with
        all that could matter.
    """
    entries = len(buckets)
    first = np.empty(max(1024, entries), np.int64)
    other = np.empty(len(first), np.int64)
    found = 0
    unchecked = 0
    members = np.empty(entries, np.int64)
    parent = np.empty(entries, np.int64)
    heads = np.empty(HEADS, np.int64)
    start = 0
    while start < entries:
        end = start + 1
        members[0] = start
        count = 1
        while end < entries and buckets[end] == buckets[start]:
            if orders[end] != orders[end - 1]:
                members[count] = end
                count += 1
            end += 1
        start = end
        for i in range(count):
            parent[i] = i
        head_count = 0
        for i in range(count):
            doubtful = 0
            since = max(0, i - WINDOW)
            trials = head_count + i - since
            for trial in range(trials):
                if trial < head_count:
                    j = heads[trial]
                    if j >= since:
                        continue
                else:
                    j = i - 1 - (trial - head_count)
                root_i = _root(parent, i)
                root_j = _root(parent, j)
                if root_i == root_j:
                    continue
                differing = _differing(sketch, members[i], members[j])
                if differing > possible:
                    continue
                if differing <= sure:
                    parent[max(root_i, root_j)] = min(root_i, root_j)
                else:
                    if count > WINDOW and doubtful >= DOUBTFUL:
                        continue
                    doubtful += 1
                if found == len(first):
                    first = _grown(first, found)
                    other = _grown(other, found)
                first[found] = members[j]
                other[found] = members[i]
                found += 1
            if _root(parent, i) == i:
                if head_count < HEADS:
                    heads[head_count] = i
                    head_count += 1
                elif i > WINDOW:
                    unchecked += 1
    return first[:found], other[:found], unchecked


@kernel
def agreement(
    signatures: npt.NDArray[np.uint32], left: I64, right: I64, bands: int, rows: int
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """Equal values and equal bands of each pair of signatures."""
    values = np.zeros(len(left), np.int32)
    shared = np.zeros(len(left), np.int32)
    for pair in range(len(left)):
        a, b = left[pair], right[pair]
        for j in range(signatures.shape[1]):
            if signatures[a, j] == signatures[b, j]:
                values[pair] += 1
        for band in range(bands):
            same = True
            for j in range(band * rows, (band + 1) * rows):
                if signatures[a, j] != signatures[b, j]:
                    same = False
                    break
            if same:
                shared[pair] += 1
    return values, shared


@kernel
def jaccard(shingles: npt.NDArray[np.uint32], a: int, a_end: int, b: int, b_end: int) -> float:
    """Similarity of two sorted runs of unique shingles."""
    total = a_end - a + b_end - b
    if total == 0:
        return 0.0
    both = 0
    while a < a_end and b < b_end:
        if shingles[a] == shingles[b]:
            both += 1
            a += 1
            b += 1
        elif shingles[a] < shingles[b]:
            a += 1
        else:
            b += 1
    return both / (total - both)


@kernel
def apart(parent: I64, left: I64, right: I64) -> npt.NDArray[np.bool_]:
    """Which pairs' ends are not joined yet."""
    out = np.empty(len(left), np.bool_)
    for pair in range(len(left)):
        out[pair] = _root(parent, left[pair]) != _root(parent, right[pair])
    return out


@kernel
def join(
    parent: I64,
    left: I64,
    right: I64,
    estimate: npt.NDArray[np.float64],
    accept_from: float,
    doubt_from: float,
    slots: I64,
    shingles: npt.NDArray[np.uint32],
    offsets: I64,
    threshold: float,
) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.float64]]:
    """Verify pairs in order; one whose ends verified pairs join already is passed over.

    Args:
        parent: union-find forest over the documents, changed in place.
        left: document of each pair.
        right: the other.
        estimate: of the signatures.
        accept_from: estimate from which a pair needs no exact check.
        doubt_from: estimate below which a pair is no pair.
        slots: which run of `shingles` is a document's.
        shingles: runs of sorted unique shingles.
        offsets: where each run begins.
        threshold: similarity from which a pair counts.

    Returns:
        Per pair 0 (not alike), 1 (by estimate), 2 (by shingles), -1 (passed over); the similarity.
    """
    how = np.zeros(len(left), np.int8)
    similarity = estimate.copy()
    for pair in range(len(left)):
        a, b = left[pair], right[pair]
        root_a, root_b = _root(parent, a), _root(parent, b)
        if root_a == root_b:
            how[pair] = -1
            continue
        if estimate[pair] >= accept_from:
            how[pair] = 1
        elif estimate[pair] >= doubt_from:
            x, y = slots[a], slots[b]
            exact = jaccard(shingles, offsets[x], offsets[x + 1], offsets[y], offsets[y + 1])
            similarity[pair] = exact
            if exact >= threshold:
                how[pair] = 2
        if how[pair]:
            parent[max(root_a, root_b)] = min(root_a, root_b)
    return how, similarity
