"""The stage of a recipe's own scorers."""

from __future__ import annotations

from collections.abc import Sequence

from thresher.classifiers.scorers import Resources, Scorer
from thresher.jobs.executor import Needs
from thresher.jobs.own_failures import intolerable_failures
from thresher.jobs.stages.dedup import RunStage
from thresher.manifests.manifest import fingerprint
from thresher.pipeline import scores
from thresher.pipeline.shards import ShardRef


def with_scores(
    run: RunStage, shards: Sequence[ShardRef], texts: str, scorers: Sequence[Scorer]
) -> tuple[list[ShardRef], list[str]]:
    """Score the documents by the recipe's own models and callables.

    Args:
        run: runs a stage.
        shards: of the run.
        texts: fingerprint of their texts.
        scorers: resolved.

    Returns:
        The shards with their scores, and a sentence for each scorer that failed on more texts than
        the recipe bears.
    """
    if not scorers:
        return list(shards), []
    mark = scores_mark(texts, scorers)
    work = {shard.key: (shard, tuple(scorers)) for shard in shards}
    needs = needs_of([scorer.settings.resources for scorer in scorers])
    made = run(scores.STAGE, mark, scores.score_shard, work, needs=needs)
    scored = [shard.with_signals(made[shard.key].output().path) for shard in shards]
    return scored, intolerable_failures(made.values(), scorers)


def scores_mark(texts: str, scorers: Sequence[Scorer]) -> str:
    """The fingerprint of the scores of scorers on texts."""
    return fingerprint(scores.STAGE, scores.VERSION, texts, [s.identity for s in scorers])


def needs_of(resources: Sequence[Resources]) -> Needs:
    """What a task that loads all these scorers needs: the GPUs and memory add up, cores do not."""
    return Needs(
        cpus=max(each.cpus for each in resources),
        gpus=sum(each.gpus for each in resources),
        memory_mb=sum(each.memory_mb for each in resources),
    )
