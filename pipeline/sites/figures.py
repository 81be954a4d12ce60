"""Figures of diversity of groups of documents, from the shapes of a sample of each group.

None depends on the number of documents by its definition, so that a site of ten pages can be held
against a site of a thousand, and what a rule keeps against what it drops. Groups are worked on
together, without a loop over them; every sum runs in the order of the documents.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

FEW = 4
MANY = 2 * FEW
"""Growth is that of the different words from FEW to MANY documents."""

I64 = npt.NDArray[np.int64]
F64 = npt.NDArray[np.float64]
U32 = npt.NDArray[np.uint32]


class Entries(NamedTuple):
    """The sampled words, n-grams or edges of documents, one after the other."""

    document: I64
    value: U32


class Shapes(NamedTuple):
    """Shapes of documents as arrays."""

    documents: int
    words: Entries
    ngrams: Entries
    openings: Entries
    endings: Entries


class Template(NamedTuple):
    """What most of the documents share that hold a group's most widespread n-gram."""

    group: I64
    value: U32
    """N-grams of each group's template, by group."""
    share: F64
    """Of each document's n-grams, the part that its group's template explains."""


def read_shapes(shapes: pa.StructArray) -> Shapes:
    """The shapes of documents, in their order."""
    return Shapes(
        len(shapes),
        _entries(pc.struct_field(shapes, "words")),
        _entries(pc.struct_field(shapes, "ngrams")),
        _edges(pc.struct_field(shapes, "opening")),
        _edges(pc.struct_field(shapes, "ending")),
    )


def _entries(lists: pa.ListArray) -> Entries:
    return Entries(
        pc.list_parent_indices(lists).to_numpy(zero_copy_only=False).astype(np.int64),
        lists.flatten().to_numpy(),
    )


def _edges(values: pa.Array) -> Entries:
    there = np.flatnonzero(values.is_valid())
    return Entries(there, values.drop_null().to_numpy())


def figures(shapes: Shapes, group: I64, groups: int) -> tuple[dict[str, F64], Template]:
    """Every figure of each group, NaN where it is undefined; and the groups' templates.

    Args:
        shapes: of the documents.
        group: of each document, from 0.
        groups: how many there are.
    """
    size = np.bincount(group, minlength=groups)
    template = find_template(shapes.ngrams, group, groups)
    with np.errstate(divide="ignore", invalid="ignore"):
        found = {
            "growth_exponent": _growth(shapes.words, group, size),
            "shared_ngram_fraction": _shared(shapes.ngrams, group, size),
            "template_fraction": np.bincount(group, template.share, groups) / size,
            "opening_entropy": _entropy(shapes.openings, group, groups),
            "ending_entropy": _entropy(shapes.endings, group, groups),
        }
    alone = size < 2
    return {name: np.where(alone, np.nan, values) for name, values in found.items()}, template


def _counted(entries: Entries, group: I64) -> tuple[I64, I64]:
    """The group of every different value of each group, and in how many documents that is."""
    keys, counts = np.unique(_keys(entries, group), return_counts=True)
    return (keys >> np.uint64(32)).astype(np.int64), counts


def _keys(entries: Entries, group: I64) -> npt.NDArray[np.uint64]:
    return group[entries.document].astype(np.uint64) << np.uint64(32) | entries.value


def _growth(entries: Entries, group: I64, size: I64) -> F64:
    """Exponent of Heaps' law between FEW and MANY documents drawn at random.

    The expected number of different words of so many is exact: a word that c of n documents have
    is missed with the chance of a hypergeometric draw.
    """
    owner, count = _counted(entries, group)
    of = size[owner]
    missed = np.ones(len(owner))
    found = []
    for drawn in range(MANY):
        missed = missed * np.maximum(of - count - drawn, 0) / np.maximum(of - drawn, 1)
        if drawn + 1 in (FEW, MANY):
            found.append(np.bincount(owner, 1 - missed, len(size)))
    exponent = np.log2(found[1] / found[0]) / np.log2(MANY / FEW)
    return np.where((size < MANY) | (found[0] == 0), np.nan, exponent)


def _shared(entries: Entries, group: I64, size: I64) -> F64:
    """The chance that an n-gram of a document is in another one of its group, drawn at random."""
    owner, count = _counted(entries, group)
    both = np.bincount(owner, (count * (count - 1)).astype(float), len(size))
    return both / (np.bincount(owner, count.astype(float), len(size)) * (size - 1))


def _entropy(entries: Entries, group: I64, groups: int) -> F64:
    """Entropy of MANY values drawn at random, by the most that it can be.

    It is the expected one, exactly: that of a small sample alone would depend on its size.
    """
    owner, count = _counted(entries, group)
    total = np.zeros(groups, np.int64)
    np.add.at(total, owner, count)
    of = total[owner]
    spent = np.zeros(len(owner))
    for times in range(2, MANY + 1):
        chance = _drawn(count, of, times)
        spent += chance * times * np.log2(times)
    bits = np.log2(MANY)
    return np.where(total < MANY, np.nan, 1 - np.bincount(owner, spent, groups) / MANY / bits)


def _drawn(count: I64, of: I64, times: int) -> F64:
    """The chance that MANY draws without return take `times` of `count` among `of`."""
    chance = np.full(len(count), float(math.comb(MANY, times)))
    for k in range(MANY):
        left = count - k if k < times else of - count - (k - times)
        chance = chance * np.maximum(left, 0) / np.maximum(of - k, 1)
    return chance


def find_template(entries: Entries, group: I64, groups: int) -> Template:
    """The template of each group: n-grams of most of the documents that hold the commonest one."""
    keys, inverse, count = np.unique(_keys(entries, group), return_inverse=True, return_counts=True)
    owner = (keys >> np.uint64(32)).astype(np.int64)
    most = np.zeros(groups, np.int64)
    np.maximum.at(most, owner, count)
    first = np.flatnonzero(count == most[owner])[::-1]
    commonest = np.full(groups, -1, np.int64)
    commonest[owner[first]] = first  # of equals the smallest hash, which comes last here
    holds = np.zeros(len(group), bool)
    holds[entries.document[inverse == commonest[group[entries.document]]]] = True
    within = np.bincount(inverse[holds[entries.document]], minlength=len(keys))
    core = (2 * within > most[owner]) & (within > 1)
    explained = np.bincount(entries.document[core[inverse]], minlength=len(group))
    total = np.bincount(entries.document, minlength=len(group))
    return Template(owner[core], keys[core].astype(np.uint32), explained / np.maximum(total, 1))
