"""What the manifests of one run say, for the catalog."""

from __future__ import annotations

from thresher.manifests.layout import FORMER, GROUPS, GUESTS, RUN_WIDE, TEXT, text_stage
from thresher.manifests.manifest import Manifest, load_all
from thresher.manifests.run import RunRecord
from thresher.manifests.store import Store

_PER_INPUT = frozenset(
    {TEXT, FORMER, *GROUPS, *RUN_WIDE, "bands", "decisions", "parts", "line_keys", "site_parts"}
)
"""Stages whose manifests are keyed by input shard; other runs of the lake may have added some."""


class Facts:
    """The manifests of a run, those of each stage read once."""

    def __init__(self, store: Store, run: RunRecord) -> None:
        self.store, self.run = store, run
        self._stages: dict[str, dict[str, Manifest]] = {}

    def of(self, stage: str) -> dict[str, Manifest]:
        """Manifests of a stage by key: of a per-shard stage, those of the run's own inputs."""
        if stage not in self.run.fingerprints:
            return {}
        if stage not in self._stages:
            keys = [item.key for item in self.run.inputs] if stage in _PER_INPUT else None
            self._stages[stage] = load_all(self.store, stage, self.run.fingerprints[stage], keys)
        return self._stages[stage]

    def texts(self) -> dict[str, Manifest]:
        """Manifests of the texts, whichever version of Thresher wrote them."""
        return self.of(text_stage(self.run.fingerprints))

    def run_code(self) -> list[Manifest]:
        """Manifests of the stages that may run code of the user's choice on texts and pages."""
        return [*self.texts().values(), *self.of(GUESTS).values()]

    def groups(self) -> list[str]:
        """The groups of signals that the run has measured."""
        return [stage for stage in GROUPS if stage in self.run.fingerprints]

    def measured(self) -> list[str]:
        """The keys of the shards that have their texts and all groups of their signals."""
        groups = [self.of(stage) for stage in self.groups()]
        return [key for key in self.texts() if all(key in group for group in groups)]

    def paths(self, stage: str, output: int | None = None) -> list[str]:
        """Files that a stage wrote, inside the lake: one output of each manifest, or all."""
        chosen = slice(None) if output is None else slice(output, output + 1)
        return [o.path for m in self.of(stage).values() for o in m.outputs[chosen]]
