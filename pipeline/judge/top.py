"""Which documents are the top share of a run: an exact cut, in bounded memory.

Documents are ordered by falling value, then by rising id, so that of equal values a stable choice
is kept and the share is exact. The last kept one is found by counting, not by sorting: two bytes of
that order's key in each pass over the column, until few enough documents share what is known of it.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from thresher.filters.signals import signal as registered
from thresher.pipeline.measured import Columns

HELD = 1 << 20
"""Documents that are held at once, over all pools."""

EVERY = ""
"""The pool of the whole run, or of documents without a language."""

_SIGN = np.uint64(1 << 63)
_VALUE_BYTES = 8


class Cut(msgspec.Struct, frozen=True):
    """The last document that is kept."""

    value: int | float
    """Its value: smaller ones are dropped."""
    id: str
    """Its id: of equal values, greater ones are dropped."""


class _Pool:
    """What is known of the last kept document's key: its first bytes."""

    def __init__(self) -> None:
        self.prefix = b""
        self.rank = 0  # among those that share the prefix, from 1
        self.size = 0
        self.longest_id = 0
        self.held: list[tuple[int, bytes]] = []
        self.key: tuple[int, bytes] | None = None

    def narrow(self, counts: dict[int, int]) -> None:
        """Take the next two bytes from how often each pair occurs."""
        for pair in sorted(counts):
            if self.rank <= counts[pair]:
                self.prefix += pair.to_bytes(2, "big")
                self.size = counts[pair]
                if len(self.prefix) >= _VALUE_BYTES + self.longest_id:  # one document, many times
                    value, name = self.prefix[:_VALUE_BYTES], self.prefix[_VALUE_BYTES:]
                    self.key = int.from_bytes(value, "big"), name.rstrip(b"\0")
                return
            self.rank -= counts[pair]
        raise AssertionError("the rank is among those counted")


def cuts(read: Columns, signal: str, share: float, by_language: bool) -> dict[str, Cut]:
    """The cut of each pool that has the signal: the run's, or that of each language.

    Args:
        read: the documents of the run.
        signal: numbers; documents where it is undefined are not counted.
        share: of the documents of a pool to keep, rounded up to whole documents.
        by_language: whether each language is a pool.
    """
    pools: dict[str, _Pool] = {}
    longest: Counter[str] = Counter()
    for code, counts in _counted(read, signal, by_language, None, longest).items():
        pool = pools[code] = _Pool()
        pool.longest_id = longest[code]
        pool.rank = math.ceil(sum(counts.values()) * share)
        pool.narrow(counts)
    few = max(HELD // max(len(pools), 1), 1)
    while open_pools := {code: pool for code, pool in pools.items() if pool.key is None}:
        narrow = {code: pool for code, pool in open_pools.items() if pool.size > few}
        for code, counts in _counted(read, signal, by_language, narrow).items():
            narrow[code].narrow(counts)
        left = {code: pool for code, pool in open_pools.items() if pool.key is None}
        _settle(read, signal, by_language, left, few)
    whole = _is_whole(signal)
    found = {}
    for code, pool in sorted(pools.items()):
        assert pool.key is not None
        found[code] = Cut(_value(pool.key[0], whole), pool.key[1].decode())
    return found


def _settle(
    read: Columns, signal: str, by_language: bool, pools: dict[str, _Pool], few: int
) -> None:
    """Hold what is left of the pools that are small enough, and take the last kept one."""
    small = {code: pool for code, pool in pools.items() if pool.size <= few}
    if not small:
        return
    for code, keys, ids in _keys(read, signal, by_language):
        pool = small.get(code)
        if pool is not None:
            inside = _matching(keys, ids, pool.prefix)
            pool.held += zip(keys[inside].tolist(), ids[inside].tolist(), strict=True)
    for pool in small.values():
        pool.key = sorted(pool.held)[pool.rank - 1]
        pool.held = []


def _counted(
    read: Columns,
    signal: str,
    by_language: bool,
    pools: dict[str, _Pool] | None,
    longest: Counter[str] | None = None,
) -> dict[str, Counter[int]]:
    """How often each next pair of bytes follows the prefix of its pool; of all pools at first."""
    counts: dict[str, Counter[int]] = {}
    if pools is not None and not pools:
        return counts
    for code, keys, ids in _keys(read, signal, by_language):
        if pools is not None and code not in pools:
            continue
        prefix = pools[code].prefix if pools is not None else b""
        if longest is not None:
            longest[code] = max(longest[code], ids.dtype.itemsize)
        inside = _matching(keys, ids, prefix)
        pairs = _pairs(keys[inside], ids[inside], len(prefix))
        found = zip(*(each.tolist() for each in np.unique(pairs, return_counts=True)), strict=True)
        counts.setdefault(code, Counter()).update(dict(found))
    return counts


def _matching(keys: npt.NDArray[np.uint64], ids: Any, prefix: bytes) -> Any:
    """Which rows have a key that begins so."""
    inside = np.ones(len(keys), bool)
    if prefix:
        value = prefix[:_VALUE_BYTES]
        shift = np.uint64(8 * (_VALUE_BYTES - len(value)))
        inside = (keys >> shift) == np.uint64(int.from_bytes(value, "big"))
    rest = prefix[_VALUE_BYTES:]
    if rest:
        width = max(ids.dtype.itemsize, len(rest))
        letters = ids.astype(f"S{width}").view(np.uint8).reshape(len(ids), width)
        inside &= (letters[:, : len(rest)] == np.frombuffer(rest, np.uint8)).all(1)
    return np.flatnonzero(inside)


def _pairs(keys: npt.NDArray[np.uint64], ids: Any, known: int) -> npt.NDArray[np.int64]:
    """The two bytes of each key after those that are known."""
    if known < _VALUE_BYTES:
        shift = np.uint64(8 * (_VALUE_BYTES - known - 2))
        return ((keys >> shift) & np.uint64(0xFFFF)).astype(np.int64)
    at = known - _VALUE_BYTES
    width = max(ids.dtype.itemsize, at + 2)
    letters = ids.astype(f"S{width}").view(np.uint8).reshape(len(ids), width).astype(np.int64)
    pairs: npt.NDArray[np.int64] = letters[:, at] << 8 | letters[:, at + 1]
    return pairs


def _keys(
    read: Columns, signal: str, by_language: bool
) -> Iterator[tuple[str, npt.NDArray[np.uint64], Any]]:
    """Part by part, the keys of each pool's values and the ids, as bytes."""
    family, field = signal.split(".")
    for table in read(["id", signal, *(["language.code"] if by_language else [])]):
        columns = {"id": table["id"], "value": pc.struct_field(table[family], field)}
        if by_language:
            code = pc.struct_field(table["language"], "code")
            columns["code"] = pc.fill_null(code, EVERY)
        rows = pa.table(columns).filter(pc.is_valid(columns["value"]))
        codes = pc.unique(rows["code"]).to_pylist() if by_language else [EVERY]
        for code in codes:
            mine = rows.filter(pc.equal(rows["code"], code)) if by_language else rows
            if mine.num_rows:
                ids = np.array([each.encode() for each in mine["id"].to_pylist()], "S")
                yield code, _falling(mine["value"].to_numpy()), ids


def _falling(values: npt.NDArray[Any]) -> npt.NDArray[np.uint64]:
    """Keys that rise as the values fall."""
    if values.dtype.kind == "f":
        bits = (values + 0.0).view(np.uint64)  # -0.0 is 0.0
        rising = np.where(bits & _SIGN, ~bits, bits | _SIGN)
    else:
        rising = values.astype(np.int64).view(np.uint64) ^ _SIGN
    inverted: npt.NDArray[np.uint64] = ~rising
    return inverted


def _value(key: int, whole: bool) -> int | float:
    """The value of a key."""
    rising = np.array([key], np.uint64) ^ np.uint64(2**64 - 1)
    if whole:
        return int((rising ^ _SIGN).view(np.int64)[0])
    bits = np.where(rising & _SIGN, rising ^ _SIGN, ~rising)
    return float(bits.view(np.float64)[0])


def _is_whole(name: str) -> bool:
    return registered(name).type == "int64"
