"""numba kernels of deduplication: band buckets and verified star edges."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

U64 = npt.NDArray[np.uint64]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)

MAX_ROUNDS = 16
"""Heads tried per bucket: a bucket whose documents only look alike costs this many passes."""


@njit(nogil=True, cache=True, inline="always")
def _mix(x: np.uint64) -> np.uint64:
    """The finaliser of splitmix64 (Steele, Lea and Flood 2014)."""
    x = (x ^ (x >> np.uint64(30))) * _MIX_1
    x = (x ^ (x >> np.uint64(27))) * _MIX_2
    return x ^ (x >> np.uint64(31))


@njit(nogil=True, cache=True)
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


@njit(nogil=True, cache=True)
def star_edges(
    buckets: U64,
    documents: npt.NDArray[np.int64],
    hashes: U64,
    signatures: npt.NDArray[np.uint32],
    signed: npt.NDArray[np.bool_],
    min_matches: int,
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int32], int]:
    """Verified edges from the first document of each bucket to the others.

    Those that do not match the first are tried against the next of their own, for at most
    `MAX_ROUNDS` rounds.

    Args:
        buckets: sorted; one entry per (bucket, document).
        documents: index of each entry's document; within a bucket in a stable order.
        hashes: content hashes, shape (documents, 2).
        signatures: MinHash signatures, shape (documents, permutations).
        signed: whether a document has a signature.
        min_matches: equal signature values from which a pair is a near duplicate.

    Returns:
        Edges as (first, other, matches), matches = -1 for equal content hashes; and the
        number of entries left unchecked after the last round.
    """
    entries = buckets.shape[0]
    first = np.empty(entries, np.int64)
    other = np.empty(entries, np.int64)
    matches = np.empty(entries, np.int32)
    edges = 0
    unchecked = 0
    left = np.empty(entries, np.int64)
    start = 0
    while start < entries:
        end = start + 1
        while end < entries and buckets[end] == buckets[start]:
            end += 1
        count = end - start
        for i in range(count):
            left[i] = documents[start + i]
        rounds = 0
        while count > 1 and rounds < MAX_ROUNDS:
            head = left[0]
            kept = 0
            for i in range(1, count):
                document = left[i]
                if document == head:
                    continue
                if (
                    hashes[head, 0] == hashes[document, 0]
                    and hashes[head, 1] == hashes[document, 1]
                ):
                    same = -1
                elif signed[head] and signed[document]:
                    same = 0
                    for j in range(signatures.shape[1]):
                        if signatures[head, j] == signatures[document, j]:
                            same += 1
                    if same < min_matches:
                        left[kept] = document
                        kept += 1
                        continue
                else:
                    left[kept] = document
                    kept += 1
                    continue
                first[edges] = head
                other[edges] = document
                matches[edges] = same
                edges += 1
            count = kept
            rounds += 1
        if count > 1:
            unchecked += count - 1
        start = end
    return first[:edges], other[:edges], matches[:edges], unchecked
