"""What is trained on, tuned on and held out, so that nothing leaks from one part to another.

Near copies within a class are left out first, and texts that have a near copy in the other class
leave both. Then whole sources named in `held_out` are held out, and of the others a seeded hash of
the domain (of the text, where it has none) says the part: two texts of one domain, of whichever
class, are in one part, and a domain keeps its part when more texts are added. Where a domain
lies also in a held-out source, its texts elsewhere are held out too.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import Literal, TypeAlias

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from thresher.classifiers.sampling import ClassCounts, Example, Pool
from thresher.classifiers.settings import TrainSettings
from thresher.filters.measure import MinHashSettings, sign

Part: TypeAlias = Literal["trained", "tuned", "held_out"]

PERMUTATIONS = 64
"""Values of a signature: similarity is estimated within 0.05 of the truth, mostly."""
_ROWS = 4
_SIGN_AT_ONCE = 4096


class Sample(msgspec.Struct, frozen=True):
    """The examples of one class, by key."""

    trained: list[Example]
    """For training."""
    tuned: list[Example]
    """For the search and the calibration."""
    held_out: list[Example]
    """For the evaluation."""
    counts: ClassCounts
    """The account."""
    windows: list[list[bytes]]
    """Of each trained text the lines that training sees: all of it, or windows."""
    repeat_to: int = 0
    """How many lines training sees, the first ones again, to balance the classes."""

    def lines(self) -> list[bytes]:
        """The lines that training sees."""
        flat = [line for windows in self.windows for line in windows]
        return (
            (flat * -(-self.repeat_to // len(flat)))[: self.repeat_to] if self.repeat_to else flat
        )


def draw(first: Pool, second: Pool, settings: TrainSettings) -> tuple[Sample, Sample]:
    """Free two pools of each other's texts and of copies, split them and balance them."""
    classes = (first.examples(), second.examples())
    roots = near_copies([*classes[0], *classes[1]], settings.near_duplicates)
    border = len(classes[0])
    sides = (roots[:border], roots[border:])
    both = {int(root) for root in np.intersect1d(sides[0], sides[1])}
    chosen: list[tuple[list[Example], int, int]] = []
    for examples, own in zip(classes, sides, strict=True):
        kept: dict[int, Example] = {}
        shared = copies = 0
        for example, root in zip(examples, own.tolist(), strict=True):
            copies += example.copies - 1
            if root in both:
                shared += 1
            elif root not in kept:
                kept[root] = example
            else:
                copies += 1
                # The copy in a held-out source stays: no other may be trained on.
                if example.held_out and not kept[root].held_out:
                    kept[root] = example
        chosen.append((list(kept.values()), copies, shared))
    outside = {e.domain for kept, _, _ in chosen for e in kept if e.held_out and e.domain}
    samples = [
        _split(pool, kept, copies, shared, outside, settings)
        for pool, (kept, copies, shared) in zip((first, second), chosen, strict=True)
    ]
    return _balanced(samples[0], samples[1], settings)


def near_copies(examples: list[Example], threshold: float) -> npt.NDArray[np.int64]:
    """For each example the least index of the cluster of copies and near copies that it is in."""
    firsts: dict[bytes, int] = {}
    # Equal texts by their key: one shorter than a shingle has no signature.
    roots = np.array([firsts.setdefault(e.key, i) for i, e in enumerate(examples)], np.int64)
    # All numbers are alike: what differs in them alone would tell a model what the test asks.
    settings = MinHashSettings(permutations=PERMUTATIONS, numbers="fold")
    signatures: list[npt.NDArray[np.uint32]] = []
    signed: list[npt.NDArray[np.bool_]] = []
    for start in range(0, len(examples), _SIGN_AT_ONCE):
        lines = [e.line.decode("utf-8", "replace") for e in examples[start : start + _SIGN_AT_ONCE]]
        column = sign(pa.array(lines, pa.large_string()), settings)
        signed.append(np.asarray(column.is_valid()))
        filled = column.fill_null(b"\0" * 4 * PERMUTATIONS)
        values = np.frombuffer(filled.buffers()[1], "<u4", len(filled) * PERMUTATIONS)
        signatures.append(values.reshape(-1, PERMUTATIONS))
    if not signatures:
        return roots
    table = np.concatenate(signatures)
    rows = np.flatnonzero(np.concatenate(signed))
    for start in range(0, PERMUTATIONS, _ROWS):
        band = np.ascontiguousarray(table[rows, start : start + _ROWS])
        keys = band.view(np.dtype((np.void, 4 * _ROWS))).ravel()
        order = np.argsort(keys, kind="stable")
        equal = keys[order][1:] == keys[order][:-1]
        heads = np.concatenate(([0], np.flatnonzero(~equal) + 1, [len(order)]))
        for low, high in zip(heads[:-1].tolist(), heads[1:].tolist(), strict=True):
            if high - low > 1:
                _join(rows[order[low:high]], table, threshold, roots)
    return np.array([_root(roots, index) for index in range(len(roots))], np.int64)


def _join(
    bucket: npt.NDArray[np.int64],
    table: npt.NDArray[np.uint32],
    threshold: float,
    roots: npt.NDArray[np.int64],
) -> None:
    """Join each member with its neighbour and with the first of the bucket, where alike."""
    for others in (np.roll(bucket, 1), np.full_like(bucket, bucket[0])):
        alike = (table[bucket] == table[others]).mean(axis=1) >= threshold
        for left, right in zip(bucket[alike].tolist(), others[alike].tolist(), strict=True):
            low, high = sorted((_root(roots, left), _root(roots, right)))
            roots[high] = low


def _root(roots: npt.NDArray[np.int64], index: int) -> int:
    while roots[index] != index:
        roots[index] = roots[roots[index]]
        index = int(roots[index])
    return index


def _split(
    pool: Pool,
    kept: list[Example],
    copies: int,
    shared: int,
    outside: set[str],
    settings: TrainSettings,
) -> Sample:
    parts: dict[Part, list[Example]] = {"trained": [], "tuned": [], "held_out": []}
    unwanted = 0
    for example in kept:
        out = example.held_out or example.domain in outside
        part = "held_out" if out else part_of(example, settings)
        if part == "held_out" or example.train:
            parts[part].append(example)
        else:
            unwanted += 1
    trained, windows = _capped(parts["trained"], settings)
    counts = ClassCounts(
        read=pool.read,
        empty=pool.empty,
        duplicates=copies,
        in_both_classes=shared,
        not_sampled=pool.not_sampled + unwanted + len(parts["trained"]) - len(trained),
        trained=len(trained),
        tuned=len(parts["tuned"]),
        held_out=len(parts["held_out"]),
    )
    return Sample(trained, parts["tuned"], parts["held_out"], counts, windows)


def part_of(example: Example, settings: TrainSettings) -> Part:
    """The part of an example whose source is not held out as a whole."""
    group = f"domain {example.domain}".encode() if example.domain else example.key
    salt = settings.seed.to_bytes(8, "little", signed=True)
    digest = hashlib.blake2b(group, digest_size=8, salt=salt, person=b"split").digest()
    place = int.from_bytes(digest, "big") / 2**64
    if place < settings.held_out_fraction:
        return "held_out"
    return "tuned" if place < settings.held_out_fraction + settings.tuning_fraction else "trained"


def windows_of(line: bytes, settings: TrainSettings) -> list[bytes]:
    """The line, or the first windows of it, cut between words; a short rest is left out."""
    length = settings.window_bytes
    if not length or len(line) <= length:
        return [line]
    found: list[bytes] = []
    start = 0
    while start < len(line) and len(found) < settings.windows:
        end = start + length
        space = line.find(b" ", end) if end < len(line) else -1
        end = len(line) if space < 0 else space
        if found and end - start < length // 4:
            break
        found.append(line[start:end])
        start = end + 1
    return found


def _capped(
    examples: list[Example], settings: TrainSettings
) -> tuple[list[Example], list[list[bytes]]]:
    """Those within `max_per_source`, which counts windows, and their windows."""
    used: Counter[str] = Counter()
    trained: list[Example] = []
    windows: list[list[bytes]] = []
    for example in examples:
        cut = windows_of(example.line, settings)
        if example.most:
            cut = cut[: max(example.most - used[example.source], 0)]
        if cut:
            used[example.source] += len(cut)
            trained.append(example)
            windows.append(cut)
    return trained, windows


def _balanced(first: Sample, second: Sample, settings: TrainSettings) -> tuple[Sample, Sample]:
    sizes = [sum(map(len, sample.windows)) for sample in (first, second)]
    if settings.balance == "none" or not all(sizes):
        return first, second
    if settings.balance == "repeat":
        most = max(sizes)
        replace = msgspec.structs.replace
        return replace(first, repeat_to=most), replace(second, repeat_to=most)
    return _cut(first, min(sizes)), _cut(second, min(sizes))


def _cut(sample: Sample, size: int) -> Sample:
    """The first texts by key that give so many windows."""
    windows: list[list[bytes]] = []
    left = size
    for cut in sample.windows:
        if not left:
            break
        windows.append(cut[:left])
        left -= len(windows[-1])
    out = len(sample.trained) - len(windows)
    counts = msgspec.structs.replace(
        sample.counts, trained=len(windows), not_sampled=sample.counts.not_sampled + out
    )
    trained = sample.trained[: len(windows)]
    return msgspec.structs.replace(sample, trained=trained, windows=windows, counts=counts)
