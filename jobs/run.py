"""The driver: runs the stages of a plan in order, resumes what is done, records how it ended.

The driver sees manifests, never rows. A shard that cannot be measured is recorded and the rest of
the run goes on without it; an error in a later stage ends the run, since what follows needs all
of that stage. A signal or an error from outside (a full disk, a lost store) breaks the run off: the
record says so, nothing of what is done is lost, and the same plan goes on from there.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from thresher.filters.errors import RunError, ThresherError
from thresher.filters.policy import policy_to_mapping
from thresher.jobs import stopping
from thresher.jobs.executor import ONE_CORE, Executor, InProcess, Needs, Task
from thresher.jobs.ledger import check_handed_on
from thresher.jobs.outside import cause_from_outside
from thresher.jobs.plan import Plan
from thresher.jobs.progress import Reporter, title_of
from thresher.jobs.recipe import published
from thresher.jobs.report.page import write_report
from thresher.jobs.shortfall import intolerable
from thresher.jobs.stages.curate import curate
from thresher.jobs.stages.dedup import Duplicates, find_duplicates
from thresher.jobs.stages.judge import judge_documents
from thresher.jobs.stages.lines import with_line_signals
from thresher.jobs.stages.measure import (
    Measured,
    measure_inputs,
    measured_whole,
    upstream_of,
)
from thresher.jobs.stages.scores import with_scores
from thresher.jobs.stages.sites import with_site_signals
from thresher.jobs.version import thresher_version
from thresher.manifests import catalog
from thresher.manifests.heartbeat import Beat, Heartbeat
from thresher.manifests.layout import SIGNALS, SIGNATURE, TEXT
from thresher.manifests.manifest import Manifest, load_all
from thresher.manifests.run import (
    Attempt,
    Failure,
    InputRecord,
    RunRecord,
    earlier_attempts,
    save_run,
)
from thresher.pipeline import decontamination, judge
from thresher.pipeline.shards import ShardRef
from thresher.pipeline.sites import parts as site_parts

DYING_SECONDS = 2.0
"""What killed processes of tasks get to be gone, so that what they were writing can go."""


class StageFailedError(ThresherError):
    """A stage that the rest of the run needs did not complete; the failures are recorded."""


def execute(plan: Plan, executor: Executor, reporter: Reporter) -> RunRecord:
    """Run a plan to its end and build the catalog.

    Returns:
        The run's record; its status is `complete` only if every input shard was read whole and
        every stage completed.

    Raises:
        LedgerError: if counts do not balance.
        StoreError: if the lake cannot be written from the start; nothing was done.
        RunError: if the run broke off for a cause outside of it.
        Stopped: if a signal asked for it.
    """
    return _Run(plan, executor, reporter).run()


Look = Callable[[str, str, Mapping[str, tuple[Any, ...]]], dict[str, Manifest]]
"""Told a stage, its fingerprint and its work; gives the manifests that it has, by key."""


def walk(plan: Plan, look: Look) -> None:
    """Go through the stages of a plan in their order without running any.

    Args:
        plan: whose stages.
        look: called for each in place of running it; what it raises ends the walk.
    """
    _Run(plan, InProcess(), Reporter(), look)._all_stages()


class _Run:
    def __init__(
        self, plan: Plan, executor: Executor, reporter: Reporter, look: Look | None = None
    ) -> None:
        self._plan, self._executor, self._reporter = plan, executor, reporter
        self._store, self._look = plan.store, look
        self._fingerprints: dict[str, str] = {}
        self._measured: dict[str, Manifest] = {}
        self._failures: list[Failure] = []
        self._exceeded: list[str] = []
        self._attempts: dict[str, int] = {}
        self._earlier: list[Attempt] = []
        self._policy = plan.policy
        self._curated = ""
        self._started = _now()
        self._doing, self._shards, self._done = "plan", 0, 0
        self._keys: list[str] = []
        self._writing: dict[str, str] = {}
        self._before = 0

    def run(self) -> RunRecord:
        with Heartbeat(self._store, self._plan.run_id, self._beat):
            return self._heeding()

    def _heeding(self) -> RunRecord:
        """The run, or how a signal or a cause from outside ended it."""
        self._earlier = earlier_attempts(self._store, self._plan.run_id)
        save_run(self._store, self._record("running"))
        try:
            return self._work()
        except Exception as error:
            # Libraries make errors of their own of what a signal raises within them.
            if stopping.requested():
                self._interrupted()
            stopping.check()
            if cause := cause_from_outside(error):
                self._failures.append(Failure(self._doing, "", cause))
                self._leave("incomplete")
                raise RunError(
                    f"{cause}. The run broke off in {self._progress()}; "
                    "with the cause removed, the same command goes on from there"
                ) from error
            raise
        except stopping.Stopped as stopped:
            self._interrupted()
            raise stopping.Stopped(stopped.number, self._progress()) from None
        except KeyboardInterrupt:
            self._interrupted()
            raise

    def _interrupted(self) -> None:
        stopping.tell(self._progress())
        self._leave("interrupted")
        self._executor.cancel()
        # Tasks that are killed have no time to remove what they are writing.
        for stage, mark in self._writing.items():
            for folder in ("", "manifests/"):
                self._store.sweep(f"{folder}{stage}/{mark}", DYING_SECONDS)

    def _leave(self, status: str) -> None:
        """Record how the run ended, if that can still be written."""
        with contextlib.suppress(Exception):
            save_run(self._store, self._record(status))

    def _progress(self) -> str:
        """What the lake holds of the stage at work: more than has been told, perhaps."""
        with contextlib.suppress(Exception):
            found = [load_all(self._store, *each, self._keys) for each in self._writing.items()]
            if found:
                self._done = self._before + len(set.intersection(*map(set, found)))
        if not self._shards:
            return title_of(self._doing)
        return f"{title_of(self._doing)}: {self._done} of {self._shards} shards are done"

    def _work(self) -> RunRecord:
        self._store.sweep()
        with contextlib.suppress(StageFailedError):
            self._all_stages()
        inputs, limits = len(self._plan.inputs), self._plan.recipe.run
        self._exceeded += intolerable(self._measured.values(), inputs, limits)
        whole = not self._failures and not self._exceeded
        record = self._record("complete" if whole else "incomplete")
        save_run(self._store, record)
        self._doing, self._shards, self._done, self._writing = "catalog", 0, 0, {}
        self._reporter.doing("catalog and report")
        catalog.build(self._store)
        write_report(self._store, record)
        return record

    def _all_stages(self) -> None:
        self._measured, shards = self._measure()
        duplicates = self._deduplicate(shards)
        shards = self._signals(self._measured, shards, duplicates)
        decisions = self._judge(shards, duplicates)
        check_handed_on(self._measured, "documents", decisions)
        judged = self._fingerprints[judge.STAGE]
        failed = [f for f in self._failures if f.stage in (TEXT, SIGNALS)]
        measured = self._measured
        self._curated = curate(
            self._stage, self._plan, self._policy, judged, measured, shards, decisions, failed
        )

    def _measure(self) -> Measured:
        plan = self._plan
        if evaluation := plan.signals.evaluation:
            sets = {decontamination.KEY: (plan.evaluation_sets,)}
            build = decontamination.evaluation_index
            self._stage(decontamination.STAGE, evaluation.fingerprint, build, sets)
        self._fingerprints |= plan.marks
        if self._look:
            work: dict[str, tuple[Any, ...]] = {shard.key: () for shard in plan.inputs}
            found = {stage: self._look(stage, mark, work) for stage, mark in plan.marks.items()}
            measured = measured_whole(found)
        else:
            measured = measure_inputs(
                *(self._together, self._store, plan.inputs),
                *(plan.recipe.texts, plan.signals, plan.marks),
            )
        if not measured.shards:
            raise StageFailedError
        return measured

    def _deduplicate(self, shards: Sequence[ShardRef]) -> Duplicates:
        recipe = self._plan.recipe
        return find_duplicates(
            self._stage,
            shards,
            self._plan.earlier,
            self._plan.marks[SIGNATURE],
            recipe.dedup,
            self._plan.signals.minhash,
        )

    def _signals(
        self, measured: dict[str, Manifest], shards: list[ShardRef], duplicates: Duplicates
    ) -> list[ShardRef]:
        """The shards with the signals that take the whole run to measure."""
        recipe, marks = self._plan.recipe, self._plan.marks
        shards, self._exceeded = with_scores(self._stage, shards, marks[TEXT], self._plan.scorers)
        if self._exceeded:
            raise StageFailedError
        documents = sum(measured[shard.key].output().rows for shard in shards)
        copies, upstream = duplicates.paths, duplicates.fingerprint
        shards = with_line_signals(
            *(self._stage, shards, documents, copies, recipe.lines, marks[TEXT], upstream)
        )
        summed = [*upstream_of(marks, site_parts.COLUMNS), upstream]
        return with_site_signals(self._stage, shards, copies, recipe.sites, *summed)

    def _judge(self, shards: Sequence[ShardRef], duplicates: Duplicates) -> dict[str, Manifest]:
        self._policy, decisions = judge_documents(
            self._stage, shards, duplicates, self._policy, self._plan.recipe.dedup.memory
        )
        return decisions

    def _stage(
        self,
        stage: str,
        mark: str,
        function: Callable[..., Manifest],
        work: Mapping[str, tuple[Any, ...]],
        *,
        needs: Needs = ONE_CORE,
    ) -> dict[str, Manifest]:
        """Run what is not done yet of a stage; manifests of all that is, by key.

        Args:
            stage: its name.
            mark: its fingerprint.
            function: called as `function(store, *arguments, mark)`.
            work: the arguments of each shard by its key.
            needs: what each task needs of a machine.

        Raises:
            StageFailedError: if a task failed.
        """
        self._fingerprints[stage] = mark
        if self._look:
            return self._look(stage, mark, work)
        found = load_all(self._store, stage, mark, list(work))
        tasks = [
            Task(stage, key, function, (self._store, *arguments, mark), needs)
            for key, arguments in work.items()
            if key not in found
        ]
        for manifest in self._run(stage, {stage: mark}, tasks, len(found)):
            found[manifest.key] = manifest
        if len(found) < len(work):
            raise StageFailedError
        return found

    def _together(
        self,
        title: str,
        marks: Mapping[str, str],
        function: Callable[..., tuple[Manifest, ...]],
        work: Mapping[str, tuple[Any, ...]],
        done: int,
    ) -> list[Manifest]:
        """See `RunTogether`."""
        tasks = [
            Task(title, key, function, (self._store, *arguments)) for key, arguments in work.items()
        ]
        return list(self._run(title, marks, tasks, done))

    def _run(
        self, title: str, marks: Mapping[str, str], tasks: Sequence[Task], done: int
    ) -> Iterator[Manifest]:
        """Run tasks, beside so many that are done; what they make.

        Args:
            title: name of the stage, or what several at once are called.
            marks: fingerprint of each stage that they write.
            tasks: to run.
            done: how many others are done already.
        """
        self._doing, self._writing = title, dict(marks)
        self._keys, self._before = [task.key for task in tasks], done
        self._shards, self._done = len(tasks) + done, done
        self._reporter.begin(title, len(tasks) + done, done)
        try:
            for result in self._executor.run(tasks):
                stopping.check()  # a signal may have been lost in a library
                self._reporter.advance(result.manifest)
                if result.attempts > 1:
                    self._attempts[f"{title}/{result.task.key}"] = result.attempts
                if result.made is None:
                    self._failures.append(Failure(title, result.task.key, result.error))
                else:
                    self._done += 1
                    yield from result.manifests
        finally:
            self._reporter.end()

    def _beat(self) -> Beat:
        """What `status` says of the run; asked by another thread."""
        return Beat(
            at=_now(),
            stage=self._doing,
            done=self._done,
            shards=self._shards,
            fingerprints=dict(self._fingerprints),
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
            recipe=published(plan.recipe),
            inputs=[InputRecord(s.key, s.name, s.bytes, s.etag, s.format) for s in plan.inputs],
            fingerprints=dict(sorted(self._fingerprints.items())),
            policy=policy_to_mapping(self._policy),
            models=list(plan.models),
            exceeded=self._exceeded,
            failures=sorted(self._failures, key=lambda f: (f.stage, f.key)),
            attempts=dict(sorted(self._attempts.items())),
            earlier=self._earlier,
            curated=self._curated,
        )


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds")
