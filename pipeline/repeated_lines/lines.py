"""Batches of documents as lines with their keys: what counting and measuring both look at."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from thresher.filters.buffers import text_buffer
from thresher.filters.kernels.likeness.line_hashes import NO_HASH, hash_lines, scoped_keys
from thresher.filters.kernels.text.cache import compile_once
from thresher.filters.kernels.text.tables import tables
from thresher.filters.measure import keyed_hash
from thresher.manifests.shards import read_table
from thresher.manifests.store import Store
from thresher.pipeline.measured import iterate_measured
from thresher.pipeline.shards import ShardRef
from thresher.pipeline.shuffle import I64, U64

RUN, SITE = np.uint64(0), np.uint64(1)
"""Kinds of scope: the lowest bit of a key."""

_SEED = 17
COLUMNS = ("id", "text", "url_parts.registered_domain")
"""What is looked at of a document."""
_NEWLINE = ord("\n")

Flags = npt.NDArray[np.bool_]


class Lines(NamedTuple):
    """The lines of a batch of texts, one after the other."""

    hashes: U64
    """`NO_HASH` for a line without a letter."""
    characters: I64
    words: I64
    rows: I64
    """The text of each line."""

    @property
    def counted(self) -> Flags:
        """Lines that have a hash."""
        counted: Flags = self.hashes != NO_HASH
        return counted


class Batch(NamedTuple):
    """A batch of documents."""

    texts: pa.Array
    lines: Lines
    buckets: U64
    """Of each document."""
    sites: U64
    """A hash of each document's site."""
    has_site: Flags
    counts: Flags
    """Whether a document is counted: not if it is a copy of another."""

    @property
    def run_keys(self) -> U64:
        """The key of each line in its bucket."""
        return _keys(self.lines, self.buckets, RUN)

    @property
    def site_keys(self) -> U64:
        """The key of each line in its site; without a meaning where the document has none."""
        return _keys(self.lines, self.sites, SITE)

    @property
    def total_keys(self) -> U64:
        """The key that counts the documents of each document's site: that of no line."""
        count = len(self.sites)
        every = np.arange(count)
        none = Lines(np.full(count, NO_HASH), every, every, every)
        return _keys(none, self.sites, SITE)


def read_lines(store: Store, shard: ShardRef, copies: str | None, buckets: int) -> Iterator[Batch]:
    """The documents of a shard.

    Args:
        store: the lake.
        shard: the shard.
        copies: its duplicates file; None where it has none.
        buckets: how many buckets the run has.
    """
    warm_up()
    clusters = _clusters(store, copies)
    seen = 0
    for table in iterate_measured(store, shard, COLUMNS):
        batch = table.combine_chunks().to_batches()[0]
        rows = np.arange(seen, seen + batch.num_rows)
        seen += batch.num_rows
        ids = batch["id"]
        names = _named(ids, rows, clusters)
        domains = pc.struct_field(batch["url_parts"], 0)
        yield Batch(
            texts=batch["text"],
            lines=split(batch["text"]),
            buckets=_hashed(names) % np.uint64(buckets),
            sites=_hashed(pc.fill_null(domains, "")),
            has_site=np.asarray(domains.is_valid()),
            counts=np.asarray(pc.equal(ids, names)),
        )


def split(texts: pa.Array) -> Lines:
    """The lines of texts: string, without nulls."""
    warm_up()
    return _split(texts)


def _split(texts: pa.Array) -> Lines:
    data, offsets = text_buffer(texts)
    mine = data[offsets[0] : offsets[-1]]
    room = int(np.count_nonzero(mine == _NEWLINE)) + len(texts)
    hashes = np.empty(room, np.uint64)
    characters, words, rows = (np.empty(room, np.int64) for _ in range(3))
    known = tables()
    found = hash_lines(data, offsets, known.classes, known.fold, hashes, characters, words, rows)
    assert found == room
    return Lines(hashes, characters, words, rows)


@functools.cache
def warm_up() -> None:
    """Compile the kernels, once per machine."""
    compile_once("line-hashes", _compile)


def _compile() -> None:
    _keys(_split(pa.array(["One\ntwo"])), np.zeros(1, np.uint64), RUN)


def _keys(lines: Lines, scopes: U64, kind: np.uint64) -> U64:
    out = np.empty(len(lines.hashes), np.uint64)
    scoped_keys(lines.hashes, lines.rows, scopes, kind, out)
    return out


def _hashed(names: pa.Array) -> U64:
    hashes: U64 = keyed_hash(names, _SEED).to_numpy()
    return hashes


def _clusters(store: Store, copies: str | None) -> tuple[I64, pa.Array]:
    """Rows of the shard's copies, ascending, and the clusters they are in."""
    if copies is None:
        return np.empty(0, np.int64), pa.array([], pa.string())
    table = read_table(store, copies, ["row", "cluster_id"])
    table = table.filter(pc.is_valid(table["cluster_id"])).sort_by("row").combine_chunks()
    return table["row"].to_numpy(), table["cluster_id"].combine_chunks()


def _named(ids: pa.Array, rows: I64, clusters: tuple[I64, pa.Array]) -> pa.Array:
    """The cluster of each document, or its own id: a cluster is named by one of its members."""
    copied, names = clusters
    if not len(copied):
        return ids
    places = np.searchsorted(copied, rows)
    inside = np.minimum(places, len(copied) - 1)
    found = copied[inside] == rows
    return pc.coalesce(names.take(pa.array(inside, mask=~found)), ids)
