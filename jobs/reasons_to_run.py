"""Why each stage of a plan has to run: what is another than in an earlier run, in sentences.

A comparison of two sets of facts, of which `staleness` says what follows from each. It explains
what the fingerprints have decided, and decides nothing.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterator, Mapping, Sequence
from typing import Any, cast

import msgspec

from thresher.filters.policy import policy_to_mapping, unresolved
from thresher.jobs.plan import Plan
from thresher.jobs.recipe import Recipe, published
from thresher.jobs.staleness import ENTERS, ROLES, upstream
from thresher.jobs.version import thresher_version
from thresher.manifests.layout import CONTAMINATION, FORMER, TEXT
from thresher.manifests.run import RunRecord
from thresher.pipeline import decontamination
from thresher.pipeline.read.inputs import InputSettings

__all__ = ["Change", "Facts", "Standing", "changes", "facts_of", "reasons_to_run", "recorded"]

_MODEL = "model {} changed"
_INDEX = re.compile(r"\[\d+\]")
_FILES = frozenset({"input.urls", "input.list"})
"""Settings that files are found by; what counts is which are found."""


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What a run is made of, as its record says it or its plan."""

    run_id: str
    version: str
    """Of Thresher."""
    recipe: Mapping[str, Any]
    """As it is published."""
    inputs: Mapping[str, str]
    """Keys of the input shards by their names."""
    models: Mapping[str, str]
    """sha256 by role."""
    policy: Mapping[str, Any]
    """Without the bounds that the run has to find."""
    evaluation: str
    """Fingerprint of the evaluation sets; "" without."""
    fingerprints: Mapping[str, str] = {}
    """By stage, as far as a run came."""


class Change(msgspec.Struct, frozen=True):
    """Something that is another."""

    sentence: str
    enters: tuple[str, ...]
    """Stages."""


class Standing(msgspec.Struct, frozen=True):
    """How far a stage is."""

    done: int = 0
    to_do: int | None = None
    """Tasks; None where only the stages before it will tell."""
    fingerprint: str = ""
    """"" where it is not known yet."""

    @property
    def complete(self) -> bool:
        """Whether nothing is left to do."""
        return self.to_do == 0


def facts_of(plan: Plan) -> Facts:
    """The facts of a plan."""
    evaluation = decontamination.index_of(plan.evaluation_sets)
    open_rules = {rule.reason for rule in unresolved(plan.policy)}
    return Facts(
        run_id=plan.run_id,
        version=thresher_version(),
        recipe=published(plan.recipe),
        inputs={shard.name: shard.key for shard in plan.inputs},
        models={model.role: model.sha256 for model in plan.models},
        policy=_literal(policy_to_mapping(plan.policy), open_rules),
        evaluation=evaluation.fingerprint if evaluation else "",
    )


def recorded(run: RunRecord, plan: Plan) -> Facts:
    """The facts of a run that there was, to be compared with those of a plan."""
    open_rules = {rule.reason for rule in unresolved(plan.policy)}
    return Facts(
        run_id=run.run_id,
        version=run.version,
        recipe=run.recipe,
        inputs={item.uri: item.key for item in run.inputs},
        models={model.role: model.sha256 for model in run.models},
        policy=_literal(run.policy, open_rules),
        evaluation=run.fingerprints.get(decontamination.STAGE, ""),
        fingerprints=run.fingerprints,
    )


def _literal(policy: Mapping[str, Any], open_rules: set[str]) -> Mapping[str, Any]:
    """A policy, of whose rules that a run resolves the names alone."""
    rules = [
        {"reason": rule["reason"]} if rule["reason"] in open_rules else rule
        for rule in policy.get("rules", ())
    ]
    return cast(
        "Mapping[str, Any]", msgspec.json.decode(msgspec.json.encode({**policy, "rules": rules}))
    )


def changes(before: Facts, now: Facts) -> list[Change]:
    """What is another now: inputs, settings, models, evaluation sets, the policy."""
    found = [*_inputs(before, now), *_models(before, now), *_settings(before, now)]
    entered = {stage for each in found for stage in each.enters}
    other_sets = (
        "" not in (before.evaluation, now.evaluation) and before.evaluation != now.evaluation
    )
    if other_sets and decontamination.STAGE not in entered:
        stages = (decontamination.STAGE, CONTAMINATION)
        found.append(Change("evaluation sets hold other examples", stages))
    if before.policy != now.policy:
        name, version = now.policy.get("name"), now.policy.get("version")
        found.append(Change(f"policy is another: {name} v{version}", ("thresholds",)))
    return found


def _inputs(before: Facts, now: Facts) -> Iterator[Change]:
    new = len(now.inputs.keys() - before.inputs.keys())
    gone = len(before.inputs.keys() - now.inputs.keys())
    same = now.inputs.keys() & before.inputs.keys()
    other = sum(before.inputs[name] != now.inputs[name] for name in same)
    for count, what, enters in (
        (new, "new", (TEXT, "edges")),
        (other, "changed", (TEXT, "edges")),
        (gone, "gone", ("edges",)),
    ):
        if count:
            yield Change(f"{count:,} input file{'s' * (count > 1)} {what}", enters)


def _models(before: Facts, now: Facts) -> Iterator[Change]:
    for role in sorted(now.models.keys() & before.models.keys()):
        if now.models[role] != before.models[role]:
            stage = ROLES.get(role) or ROLES[role.partition(".")[0]]
            yield Change(_MODEL.format(role), (stage,))


def _settings(before: Facts, now: Facts) -> Iterator[Change]:
    told = {each.sentence for each in _models(before, now)}
    unset = published(Recipe(name="", lake="", input=InputSettings()))
    old, new, usual = (dict(_leaves(each)) for each in (before.recipe, now.recipe, unset))
    for path in sorted(old.keys() | new.keys()):
        setting = _INDEX.sub("[]", path)
        enters = ENTERS.get(setting, ())
        # A setting that there was not yet had the value that is now usual, or its stage tells.
        same = old.get(path, usual.get(path)) == new.get(path, usual.get(path))
        if same or not enters or setting in _FILES or setting == "judge.policy":
            continue
        if _MODEL.format(path.removesuffix(".model")) in told:
            continue
        yield Change(f"setting {path} changed", enters)


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """The settings of a published recipe by their paths; of a list of tables its length too."""
    setting = _INDEX.sub("[]", path)
    deeper = any(other.startswith((f"{setting}.", f"{setting}[].")) for other in ENTERS)
    if isinstance(value, Mapping) and (not path or deeper):
        for name, inner in value.items():
            yield from _leaves(inner, f"{path}.{name}" if path else name)
    elif isinstance(value, Sequence) and not isinstance(value, str) and deeper:
        yield path, [{} if isinstance(each, Mapping) else each for each in value]
        for index, each in enumerate(value):
            if isinstance(each, Mapping):
                yield from _leaves(each, f"{path}[{index}]")
    elif path:
        yield path, value


def reasons_to_run(
    standing: Mapping[str, Standing],
    changed: Sequence[Change],
    before: Facts | None,
    now: Facts,
    unread: Container[str] = frozenset(),
) -> dict[str, tuple[tuple[str, ...], str]]:
    """Why each stage that is not complete has to run.

    Args:
        standing: of each stage that the plan has, in their order.
        changed: what is another than before.
        before: of the run that it is compared with; None where the lake has none.
        now: of the plan.
        unread: stages of signals that the plan neither judges by nor copies.

    Returns:
        Sentences by stage, and "" or the stage that began it where it only follows others.
    """
    found: dict[str, tuple[tuple[str, ...], str]] = {}
    roots: dict[str, str] = {}
    for stage, state in standing.items():
        if state.complete:
            continue
        begun = [roots[each] for each in upstream(stage, standing, unread) if each in roots]
        known = {sentence for root in begun for sentence in found[root][0]}
        own = [each.sentence for each in changed if stage in each.enters]
        said = tuple(sentence for sentence in own if sentence not in known)
        if before is None and not begun:
            said = ("new",)
        if said or not begun:
            roots[stage] = stage
            found[stage] = (said or (_otherwise(stage, state, before, now),), "")
        else:
            roots[stage] = begun[0]
            found[stage] = ((f"follows {begun[0]}",), begun[0])
    return found


def _otherwise(stage: str, state: Standing, before: Facts | None, now: Facts) -> str:
    """Why a stage runs of whose own nothing was seen to change."""
    mark = before.fingerprints.get(stage) if before else None
    if before and stage == TEXT and FORMER in before.fingerprints:
        return (
            f"run {before.run_id} is of an earlier version, with texts and signals in one file; "
            "the crawl is read once more"
        )
    if before is None or mark is None:
        return "new"
    if state.fingerprint in ("", mark):
        return f"not finished by run {before.run_id}"
    if before.version != now.version:
        return f"Thresher {now.version} makes it, and {before.version} did"
    return "the code or a file that it is made with changed"
