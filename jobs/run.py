"""The driver: runs the stages of a plan in order, resumes what is done, records how it ended.

The driver sees manifests, never rows. A shard that cannot be measured is recorded and the rest of
the run goes on without it; an error in a later stage ends the run, since what follows needs all
of that stage.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from filters.policy import policy_to_mapping, resolve
from jobs.executor import Executor, Task
from jobs.plan import Plan, thresher_version
from jobs.progress import Reporter
from jobs.report import write_report
from manifests import catalog
from manifests.manifest import Manifest, fingerprint, load_all
from manifests.run import Failure, InputRecord, RunRecord, save_run
from pipeline import judge, measure
from pipeline.card import dataset_card
from pipeline.dedup import ShardRef, bands, clusters, edges, verify
from pipeline.judge.decide import decide
from pipeline.judge.survivors import candidates, survivors
from pipeline.judge.thresholds import thresholds
from pipeline.materialize import curated, parts
from pipeline.materialize.plan import plan_shards


class StageFailedError(Exception):
    """A stage that the rest of the run needs did not complete; the failures are recorded."""


def execute(plan: Plan, executor: Executor, reporter: Reporter) -> RunRecord:
    """Run a plan to its end and build the catalog.

    Returns:
        The run's record; its status is `complete` only if every input shard was read whole and
        every stage completed.

    Raises:
        LedgerError: if counts do not balance.
    """
    return _Run(plan, executor, reporter).run()


class _Run:
    def __init__(self, plan: Plan, executor: Executor, reporter: Reporter) -> None:
        self._plan, self._executor, self._reporter = plan, executor, reporter
        self._store = plan.store
        self._fingerprints: dict[str, str] = {}
        self._failures: list[Failure] = []
        self._attempts: dict[str, int] = {}
        self._policy = plan.policy
        self._curated = ""
        self._started = _now()

    def run(self) -> RunRecord:
        save_run(self._store, self._record("running"))
        measured: dict[str, Manifest] = {}
        try:
            measured = self._measure()
            shards = [ShardRef(key, measured[key].output().path) for key in sorted(measured)]
            duplicates = self._deduplicate(shards)
            decisions = self._judge(shards, duplicates)
            self._materialize(measured, shards, decisions)
        except StageFailedError:
            pass
        record = self._record("incomplete" if self._is_incomplete(measured) else "complete")
        save_run(self._store, record)
        catalog.build(self._store)
        write_report(self._store, record)
        return record

    def _measure(self) -> dict[str, Manifest]:
        settings = self._plan.recipe.measure_settings()
        found = self._stage(
            measure.STAGE,
            self._plan.documents_fingerprint,
            measure.measure_shard,
            {shard.key: (shard, settings) for shard in self._plan.inputs},
            needed=False,
        )
        if not found:
            raise StageFailedError
        return found

    def _deduplicate(self, shards: Sequence[ShardRef]) -> Manifest:
        settings = self._plan.recipe.dedup
        minhash = self._plan.recipe.measure_settings().minhash
        earlier = self._plan.earlier
        known = [
            m for run in earlier for m in self._bands(run.shards, run.documents, run.decisions)
        ]
        banded = [*self._bands(shards, self._plan.documents_fingerprint), *known]
        documents = [
            self._plan.documents_fingerprint,
            [shard.key for shard in shards],
            [[run.documents, run.decisions, [s.key for s in run.shards]] for run in earlier],
        ]
        shards = [*shards, *(shard for run in earlier for shard in run.shards)]
        count = edges.partition_count(sum(m.facts["documents"] for m in banded), settings)
        how = msgspec.structs.replace(settings, against=())
        mark = fingerprint(edges.STAGE, edges.VERSION, documents, how)
        partitions = {edges.partition_key(part): part for part in range(count)}
        linked = self._stage(
            edges.STAGE,
            mark,
            edges.edges,
            {key: (banded, part, count, settings) for key, part in partitions.items()},
        )
        found = [linked[key] for key in sorted(linked)]
        mark = fingerprint(verify.STAGE, verify.VERSION, mark, minhash)
        checked = self._stage(
            verify.STAGE,
            mark,
            verify.verified,
            {key: (shards, found, part, settings, minhash) for key, part in partitions.items()},
        )
        equal, url = ([manifest.output(index).path for manifest in found] for index in (0, 2))
        near = [checked[key].output().path for key in sorted(checked)]
        mark = fingerprint(clusters.STAGE, clusters.VERSION, mark)
        work = {clusters.KEY: (shards, equal, near, url)}
        return self._stage(clusters.STAGE, mark, clusters.clusters, work)[clusters.KEY]

    def _bands(self, shards: Sequence[ShardRef], *upstream: str) -> list[Manifest]:
        settings = self._plan.recipe.dedup
        minhash = self._plan.recipe.measure_settings().minhash
        layout = [settings.urls, settings.near, settings.layout(), minhash]
        mark = fingerprint(bands.STAGE, bands.VERSION, *upstream, layout)
        work = {shard.key: (shard, settings, minhash) for shard in shards}
        made = self._stage(bands.STAGE, mark, bands.bands, work)
        return [made[shard.key] for shard in shards]

    def _judge(self, shards: Sequence[ShardRef], duplicates: Manifest) -> dict[str, Manifest]:
        mark = fingerprint(
            judge.THRESHOLDS, judge.VERSION, duplicates.fingerprint, self._plan.policy
        )
        left_open = {judge.KEY: (shards, self._policy)}
        literal = self._stage(judge.THRESHOLDS, mark, thresholds, left_open)[judge.KEY]
        self._policy = policy = resolve(self._policy, literal.facts)
        mark = fingerprint(judge.STAGE, judge.VERSION, duplicates.fingerprint, policy)
        copies = {shard.key: clusters.shard_path(duplicates, shard.key) for shard in shards}
        members = self._stage(
            judge.CANDIDATES,
            mark,
            candidates,
            {s.key: (s, copies[s.key], policy) for s in shards if copies[s.key]},
        )
        member_paths = {key: manifest.output().path for key, manifest in members.items()}
        chosen = self._stage(judge.SURVIVORS, mark, survivors, {judge.KEY: (member_paths, policy)})[
            judge.KEY
        ]
        receipts = {output.path.rsplit("/", 1)[-1]: output.path for output in chosen.outputs}
        return self._stage(
            judge.STAGE,
            mark,
            decide,
            {s.key: (s, receipts.get(f"{s.key}.parquet"), policy) for s in shards},
        )

    def _materialize(
        self,
        measured: dict[str, Manifest],
        shards: Sequence[ShardRef],
        decisions: dict[str, Manifest],
    ) -> None:
        settings = self._plan.recipe.curated
        judged = self._fingerprints[judge.STAGE]
        mark = fingerprint(parts.STAGE, parts.VERSION, judged, settings.identity)
        made = self._stage(
            parts.STAGE,
            mark,
            parts.part,
            {s.key: (s, decisions[s.key].output().path, settings) for s in shards},
        )
        ranges = plan_shards((parts.histogram_of(m) for m in made.values()), settings)
        paths = [manifest.output().path for manifest in made.values()]
        mark = fingerprint(curated.STAGE, curated.VERSION, mark, settings.identity)
        written = self._stage(
            curated.STAGE,
            mark,
            curated.curated_shard,
            {
                curated.shard_key(index): (paths, keys, index, settings)
                for index, keys in enumerate(ranges)
            },
        )
        self._curated = f"{curated.STAGE}/{mark}"
        card = dataset_card(
            self._plan.recipe.name,
            written.values(),
            policy=self._policy,
            policy_fingerprint=judged,
            curated_fingerprint=mark,
            settings=settings,
            funnel=_funnel(measured, decisions, written),
            reasons=_dropped(decisions),
            inputs=[shard.uri for shard in self._plan.inputs if shard.key in measured],
        )
        self._store.write_bytes(f"{self._curated}/README.md", card.encode())

    def _stage(
        self,
        stage: str,
        mark: str,
        function: Callable[..., Manifest],
        work: Mapping[str, tuple[Any, ...]],
        *,
        needed: bool = True,
    ) -> dict[str, Manifest]:
        """Run what is not done yet of a stage; manifests of all that is, by key.

        Args:
            stage: its name.
            mark: its fingerprint.
            function: called as `function(store, *arguments, mark)`.
            work: the arguments of each shard by its key.
            needed: whether the run cannot go on without all of it.

        Raises:
            StageFailedError: if a task failed and the stage is needed whole.
        """
        self._fingerprints[stage] = mark
        found = load_all(self._store, stage, mark, list(work))
        self._reporter.begin(stage, len(work), len(found))
        tasks = [
            Task(stage, key, function, (self._store, *arguments, mark))
            for key, arguments in work.items()
            if key not in found
        ]
        try:
            for result in self._executor.run(tasks):
                self._reporter.advance(result.manifest)
                if result.attempts > 1:
                    self._attempts[f"{stage}/{result.task.key}"] = result.attempts
                if result.manifest is None:
                    self._failures.append(Failure(stage, result.task.key, result.error))
                else:
                    found[result.task.key] = result.manifest
        finally:
            self._reporter.end()
        if needed and len(found) < len(work):
            raise StageFailedError
        return found

    def _is_incomplete(self, measured: dict[str, Manifest]) -> bool:
        tolerated = {"complete"} | (
            {"truncated"} if self._plan.recipe.run.allow_truncated else set()
        )
        return bool(self._failures) or any(
            manifest.facts["status"] not in tolerated for manifest in measured.values()
        )

    def _record(self, status: str) -> RunRecord:
        plan = self._plan
        return RunRecord(
            run_id=plan.run_id,
            name=plan.recipe.name,
            status=status,  # type: ignore[arg-type]
            version=thresher_version(),
            started=self._started,
            finished="" if status == "running" else _now(),
            recipe=msgspec.to_builtins(plan.recipe),
            inputs=[InputRecord(s.key, s.uri, s.bytes, s.etag, s.format) for s in plan.inputs],
            fingerprints=dict(sorted(self._fingerprints.items())),
            policy=policy_to_mapping(self._policy),
            models=list(plan.models),
            failures=sorted(self._failures, key=lambda f: (f.stage, f.key)),
            attempts=dict(sorted(self._attempts.items())),
            curated=self._curated,
        )


def _funnel(
    measured: dict[str, Manifest], decisions: dict[str, Manifest], written: dict[str, Manifest]
) -> list[tuple[str, int]]:
    def total(manifests: dict[str, Manifest], part: str) -> int:
        return sum(manifest.ledger[part] for manifest in manifests.values())

    return [
        ("records read", total(measured, "records")),
        ("gated", total(measured, "gated")),
        ("failed", total(measured, "failed")),
        ("documents measured", total(measured, "documents")),
        ("dropped", total(decisions, "dropped")),
        ("kept", total(decisions, "kept")),
        ("curated", sum(manifest.facts["rows"] for manifest in written.values())),
    ]


def _dropped(decisions: dict[str, Manifest]) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for manifest in decisions.values():
        for name, count in manifest.reasons.items():
            counts[name.removeprefix("dropped/")] += count
    return dict(counts)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
