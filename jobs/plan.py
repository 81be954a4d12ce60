"""The plan of a run: everything that can be known, and checked, before any work starts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from thresher.classifiers.language import LanguageIdentifier
from thresher.classifiers.quality import QualityModel, ScoreRole, check_role
from thresher.classifiers.registry import Model
from thresher.classifiers.scorers import Scorer, check_scorers
from thresher.filters.errors import naming
from thresher.filters.policy import Policy
from thresher.jobs.earlier import EarlierRun, find_earlier
from thresher.jobs.inputs import check_kept_fields, check_text_field, evaluation_sets_of, inputs_of
from thresher.jobs.recipe import Recipe, read_policy
from thresher.jobs.stages.measure import marks_of
from thresher.jobs.stages.scores import scores_mark
from thresher.manifests.layout import GUESTS, TEXT
from thresher.manifests.manifest import Manifest, fingerprint, load_all, manifest_path
from thresher.manifests.run import ModelRecord
from thresher.manifests.store import Store
from thresher.pipeline import scores
from thresher.pipeline.decontamination import EvaluationSet, index_of
from thresher.pipeline.documents.settings import (
    MachineTextSettings,
    QualitySettings,
    SignalSettings,
)
from thresher.pipeline.extract.custom import checked
from thresher.pipeline.guests import check_guests
from thresher.pipeline.read.inputs import InputShard
from thresher.pipeline.read.names import public


@dataclass(frozen=True)
class Plan:
    """A checked recipe with what it names."""

    recipe: Recipe
    store: Store
    inputs: tuple[InputShard, ...]
    policy: Policy
    models: tuple[ModelRecord, ...]
    signals: SignalSettings
    """How texts are measured, with the models as the registry found them."""
    marks: Mapping[str, str]
    """The fingerprint of the texts and of each group of signals, by stage."""
    run_id: str
    scorers: tuple[Scorer, ...] = ()
    """The recipe's own scorers, resolved."""
    earlier: tuple[EarlierRun, ...] = ()
    """Runs whose kept documents count as known."""
    evaluation_sets: tuple[EvaluationSet, ...] = ()
    """Evaluation sets that documents are measured against."""

    def measured(self) -> dict[str, Manifest]:
        """The manifests of the texts that are there already, by the key of the input shard."""
        keys = [shard.key for shard in self.inputs]
        return load_all(self.store, TEXT, self.marks[TEXT], keys)

    def seen_by_guests(self) -> dict[str, Manifest]:
        """The input shards whose texts the guests have seen already, by key."""
        keys = [shard.key for shard in self.inputs]
        return load_all(self.store, GUESTS, self.marks[GUESTS], keys) if self.recipe.guests else {}

    def scored_shards(self) -> dict[str, Manifest]:
        """The input shards that the recipe's own scorers have scored already, by key."""
        keys = [shard.key for shard in self.inputs]
        mark = scores_mark(self.marks[TEXT], self.scorers)
        return load_all(self.store, scores.STAGE, mark, keys) if self.scorers else {}


def make_plan(recipe: Recipe, where: str = "recipe") -> Plan:
    """Check all that a recipe names: inputs, policy, models, code, lake.

    Args:
        recipe: as it was read.
        where: what errors call it, such as the name of its file.

    Raises:
        ConfigError: for a setting, policy, model or function that is wrong.
        InputError: for an input that is missing, not reached or inside the lake, or a glob that
            matches nothing.
        StoreError: for an earlier run that is not there, or a lake that cannot be reached.
    """
    identifier = LanguageIdentifier()
    with naming(where):
        with naming("lake"):
            store = Store(recipe.lake)
            store.check()
        check_guests(recipe.guests, "guests")
        recipe = msgspec.structs.replace(recipe, extract=checked(recipe.extract, "extract"))
        scorers = check_scorers(recipe.scores, "scores")
    policy = read_policy(recipe, where)  # what is wrong in a policy, its own file says
    with naming(where):
        return _made(recipe, store, identifier, scorers, policy)


def _score_model(wanted: QualitySettings | MachineTextSettings, role: ScoreRole) -> Model:
    """The model of a score, fetched, tried and for that."""
    model = QualityModel(wanted.model, wanted.positive_label, wanted.sha256 or None).model
    check_role(model, role)
    return model


def _made(
    recipe: Recipe,
    store: Store,
    identifier: LanguageIdentifier,
    scorers: tuple[Scorer, ...],
    policy: Policy,
) -> Plan:
    inputs = inputs_of(recipe.input, store.url())
    earlier = find_earlier(recipe)
    models = [ModelRecord("language", "lid.176.ftz", identifier.sha256)]
    found: dict[ScoreRole, Model | None] = {}
    wanted_of: dict[ScoreRole, QualitySettings | MachineTextSettings] = {
        "quality": recipe.quality,
        "machine_text": recipe.machine_text,
    }
    for role, wanted in wanted_of.items():
        found[role] = None
        if wanted.model:
            with naming(f"{role}.model"):
                model = _score_model(wanted, role)
            models.append(ModelRecord(role, public(model.name), model.sha256))
            found[role] = model
    own = recipe.extract
    extractor = [ModelRecord("extract.custom", public(own.custom), own.custom_sha256)]
    scored_by = [
        ModelRecord(f"scores.{each.settings.name}", public(each.model.name), each.model.sha256)
        if each.model
        else ModelRecord(
            f"scores.{each.settings.name}",
            public(each.settings.callable or each.settings.factory),
            each.source,
        )
        for each in scorers
    ]
    sets = evaluation_sets_of(recipe.decontaminate)
    signals = SignalSettings(
        minhash=recipe.signing,
        quality=found["quality"],
        machine_text=found["machine_text"],
        guests=recipe.guests,
        evaluation=index_of(sets),
    )
    marks = marks_of(recipe.texts, signals, identifier.sha256)
    read = store.sizes(f"manifests/{TEXT}/{marks[TEXT]}")
    unread = [s for s in inputs if manifest_path(TEXT, marks[TEXT], s.key) not in read]
    check_text_field(recipe.input, unread)
    check_kept_fields(recipe.input, unread)
    identity = fingerprint(
        "run",
        2,
        sorted(marks.items()),
        msgspec.to_builtins(policy),
        [scorer.identity for scorer in scorers],
        recipe.dedup,
        recipe.lines,
        recipe.sites,
        recipe.curated,
        sorted(shard.key for shard in inputs),
        [run.identity for run in earlier],
    )
    return Plan(
        recipe=recipe,
        store=store,
        inputs=inputs,
        policy=policy,
        models=(*models, *(extractor if own.custom else ()), *scored_by),
        signals=signals,
        marks=marks,
        run_id=f"{recipe.name}-{identity[:8]}",
        scorers=scorers,
        earlier=earlier,
        evaluation_sets=sets,
    )
