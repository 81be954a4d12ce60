"""The stages of deduplication in their order: what a run, a test and a benchmark all drive.

    bands -> edges -> verified -> components (rounds) -> members -> names -> duplicates

The driver sees manifests only. Of the rounds it sees how many links changed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import msgspec

from thresher.filters.measure import MinHashSettings
from thresher.filters.signals.words import LENGTH
from thresher.jobs.earlier import EarlierRun
from thresher.jobs.executor import ONE_CORE, Needs
from thresher.manifests.manifest import Manifest, fingerprint
from thresher.pipeline.dedup import (
    DedupSettings,
    bands,
    clusters,
    components,
    edges,
    members,
    verify,
)
from thresher.pipeline.dedup.nodes import Slice, cut
from thresher.pipeline.shards import ShardRef
from thresher.pipeline.shuffle import partition_key


class RunStage(Protocol):
    """Runs `function(store, *arguments, mark)` for every key; the manifests by key."""

    def __call__(
        self,
        stage: str,
        mark: str,
        function: Callable[..., Manifest],
        work: Mapping[str, tuple[Any, ...]],
        *,
        needs: Needs = ONE_CORE,
    ) -> dict[str, Manifest]:
        """Run what is not done yet."""


class Duplicates(msgspec.Struct, frozen=True):
    """What deduplication found."""

    fingerprint: str
    paths: Mapping[str, str]
    """The duplicates file of each shard that has any."""


def find_duplicates(
    run: RunStage,
    shards: Sequence[ShardRef],
    earlier: Sequence[EarlierRun],
    signed: str,
    settings: DedupSettings,
    minhash: MinHashSettings,
) -> Duplicates:
    """Mark the duplicates of a run; nothing is dropped.

    Args:
        run: runs a stage.
        shards: the measured shards, in key order.
        earlier: runs whose kept documents count as known.
        signed: fingerprint of the signatures, and so of the texts.
        settings: how duplicates are found.
        minhash: what a shingle is.
    """

    def banded_of(chosen: Sequence[ShardRef], *upstream: str) -> list[Manifest]:
        layout = [settings.urls, settings.near, settings.layout(), minhash]
        # By its length a text is known to be beyond what is looked at.
        mark = fingerprint(bands.STAGE, bands.VERSION, LENGTH.version, *upstream, layout)
        made = run(bands.STAGE, mark, bands.bands, {s.key: (s, settings, minhash) for s in chosen})
        return [made[shard.key] for shard in chosen]

    known = [m for old in earlier for m in banded_of(old.shards, old.signed, old.decisions)]
    banded = [*banded_of(shards, signed), *known]
    upstream = [
        bands.VERSION,
        signed,
        [shard.key for shard in shards],
        [[*old.identity, [s.key for s in old.shards]] for old in earlier],
    ]
    own = len(shards)
    shards = [*shards, *(shard for old in earlier for shard in old.shards)]
    sizes = [manifest.facts["documents"] for manifest in banded]

    count = edges.partition_count(sum(sizes), settings)
    how = msgspec.structs.replace(settings, against=())
    mark = fingerprint(edges.STAGE, edges.VERSION, upstream, how)
    work: dict[str, tuple[Any, ...]]
    work = {partition_key(part): (banded, own, part, count, settings) for part in range(count)}
    linked = _in_order(run(edges.STAGE, mark, edges.edges, work))

    mark = fingerprint(verify.STAGE, verify.VERSION, mark, minhash)
    count = verify.pair_partitions(linked, settings)
    work = {
        partition_key(part): (shards, linked, part, count, settings, minhash)
        for part in range(count)
    }
    checked = _in_order(run(verify.STAGE, mark, verify.verified, work))

    slices = cut(sizes, settings.memory)
    links = connect(run, _paths(checked, 1), slices, mark)
    mark = fingerprint(members.STAGE, members.VERSION, mark, components.VERSION)
    equal, url = _paths(linked, 0), _paths(linked, 2)
    near = _paths(checked, 0)
    work = {part.key: (shards, equal, url, near, links, part) for part in slices}
    gathered = _in_order(run(members.STAGE, mark, members.members, work))
    mark = fingerprint(members.NAMES, members.VERSION, mark)
    shares = _paths(gathered, 1)
    work = {part.key: (shares, part) for part in slices}
    named = _paths(_in_order(run(members.NAMES, mark, members.names, work)), 0)
    notes = _paths(gathered, 2)
    mark = fingerprint(clusters.STAGE, clusters.VERSION, mark)
    work = {
        part.key: (shards, found.output().path, named, notes, part)
        for part, found in zip(slices, gathered, strict=True)
    }
    written = run(clusters.STAGE, mark, clusters.duplicates, work)
    return Duplicates(mark, clusters.shard_paths(written.values()))


def connect(
    run: RunStage, links: Sequence[str], slices: Sequence[Slice], upstream: str
) -> list[str]:
    """Contract and jump until no link changes: files that join each node to its smallest.

    Args:
        run: runs a stage.
        links: files of links by node.
        slices: of the nodes.
        upstream: fingerprint of the links.
    """
    mark, unchanged, paths = upstream, 0, list(links)
    while True:
        mark = fingerprint(components.STAGE, components.VERSION, mark, "contract")
        work: dict[str, tuple[Any, ...]] = {part.key: (paths, part) for part in slices}
        made = _in_order(run(components.STAGE, mark, components.contract, work))
        paths, turned = _paths(made, 0), _paths(made, 1)
        unchanged = 0 if _changed(made) else unchanged + 1
        if len(slices) == 1 or unchanged == 2:
            return paths
        mark = fingerprint(components.STAGE, components.VERSION, mark, "jump")
        work = {part.key: (paths, turned, part) for part in slices}
        made = _in_order(run(components.STAGE, mark, components.jump, work))
        unchanged = 0 if _changed(made) else unchanged + 1
        if unchanged == 2:
            return paths
        paths = _paths(made, 0)


def _changed(manifests: Sequence[Manifest]) -> int:
    return sum(manifest.facts["changed"] for manifest in manifests)


def _in_order(manifests: Mapping[str, Manifest]) -> list[Manifest]:
    return [manifests[key] for key in sorted(manifests)]


def _paths(manifests: Sequence[Manifest], output: int) -> list[str]:
    return [manifest.output(output).path for manifest in manifests]
