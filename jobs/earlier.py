"""The earlier runs that a run deduplicates against: `dedup.against` of the recipe."""

from __future__ import annotations

import msgspec

from thresher.filters.errors import ConfigError, StoreError
from thresher.jobs.recipe import Recipe
from thresher.manifests.layout import SIGNALS, SIGNATURE, text_stage
from thresher.manifests.run import find_run
from thresher.manifests.store import Store
from thresher.pipeline import judge
from thresher.pipeline.judged import judged_shards
from thresher.pipeline.shards import ShardRef


class EarlierRun(msgspec.Struct, frozen=True):
    """What is needed of an earlier run. Nothing of it is changed."""

    run_id: str
    signed: str
    """Fingerprint of its signatures, and so of its texts."""
    decisions: str
    """Fingerprint of its judging."""
    shards: tuple[ShardRef, ...]

    @property
    def identity(self) -> list[str]:
        """What a fingerprint depends on: what it kept, and the name that receipts call it by."""
        return [self.run_id, self.signed, self.decisions]


def find_earlier(recipe: Recipe) -> tuple[EarlierRun, ...]:
    """The runs that a recipe names.

    Raises:
        StoreError: if a lake holds no such run, or lacks facts of one.
        ConfigError: if a run has no decisions, or signed its documents in another way.
    """
    return tuple(_find(recipe, name) for name in recipe.dedup.against)


def _find(recipe: Recipe, name: str) -> EarlierRun:
    lake, _, run_name = name.partition("#") if "/" in name else (recipe.lake, "#", name)
    store = Store(lake)
    run = find_run(store, run_name)
    texts = text_stage(run.fingerprints)
    if {texts, judge.STAGE} - set(run.fingerprints):
        raise ConfigError("dedup.against", f"run {run.run_id} has not judged its documents yet.")
    try:
        recorded = {"numbers": "fold", **run.recipe.get("minhash", {})}  # before one could choose
        signed = msgspec.convert({**run.recipe, "minhash": recorded}, Recipe)
    except msgspec.ValidationError as error:
        problem = f"run {run.run_id} has a recipe of another version: {error}."
        raise ConfigError("dedup.against", problem) from error
    wanted, given = recipe.signing, signed.signing
    if given != wanted:
        raise ConfigError(
            "dedup.against",
            f"run {run.run_id} signed its documents with {given}, this recipe with {wanted}; "
            "give both the same [minhash], and dedup.bands, rows and permutations.",
        )
    shards = tuple(
        msgspec.structs.replace(shard, run=run.run_id, lake=lake)
        for shard in judged_shards(store, run)
    )
    failed = {failure.key for failure in run.failures if failure.stage in (texts, SIGNALS)}
    lost = {item.key for item in run.inputs} - failed - {shard.key for shard in shards}
    if lost:
        raise StoreError(
            f"{store.url()} lacks documents or decisions of {len(lost)} of {len(run.inputs)} "
            f"shards of run {run.run_id}; its recipe makes them again, and dedup.against may go "
            "without it"
        )
    marks = run.fingerprints
    signatures = marks[SIGNATURE if SIGNATURE in marks else texts]
    return EarlierRun(run.run_id, signatures, marks[judge.STAGE], shards)
