"""What the manifests of one run say, for the catalog."""

from __future__ import annotations

from thresher.manifests.manifest import Manifest, load_all
from thresher.manifests.run import RunRecord
from thresher.manifests.store import Store

_PER_INPUT = frozenset({"documents", "bands", "decisions", "parts", "line_keys", "site_parts"})
"""Stages whose manifests are keyed by input shard; other runs of the lake may have added some."""

SIGNAL_STAGES: tuple[str, ...] = ("model_scores", "repeated_lines", "site_signals")
"""Stages that measure run-wide signals, keyed by input shard. Each gives a view of its name, with
`shard` and `row` as in `documents` and a struct column per family."""


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
            keys = (
                [item.key for item in self.run.inputs]
                if stage in {*_PER_INPUT, *SIGNAL_STAGES}
                else None
            )
            self._stages[stage] = load_all(self.store, stage, self.run.fingerprints[stage], keys)
        return self._stages[stage]

    def paths(self, stage: str, output: int | None = None) -> list[str]:
        """Files that a stage wrote, inside the lake: one output of each manifest, or all."""
        chosen = slice(None) if output is None else slice(output, output + 1)
        return [o.path for m in self.of(stage).values() for o in m.outputs[chosen]]
