"""Manifests: the proof that a stage is done with a shard.

A manifest is JSON, written last and atomically: its existence is the commit. A stage is done
with a shard if and only if the manifest parses and every output it names is there with the
size it promises, and it says of itself what its place says.
"""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec

from thresher.filters.config import canonical_json
from thresher.filters.errors import LedgerError
from thresher.manifests.store import Store

FORMAT = 1


class Output(msgspec.Struct, frozen=True):
    """One file a stage wrote."""

    path: str
    """Path inside the lake."""
    rows: int
    bytes: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a stage made of one shard."""

    stage: str
    fingerprint: str
    key: str
    """Name of the shard within the stage."""
    inputs: list[str] = []
    """What it was made from: input URIs, or paths inside the lake."""
    outputs: list[Output] = []
    ledger: dict[str, int] = {}
    """Counts that balance: `records` equals the sum of all others."""
    reasons: dict[str, int] = {}
    """Counts by reason, as `outcome/reason`."""
    facts: dict[str, Any] = {}
    """Stage-specific results, all JSON."""
    seconds: float = 0.0
    """Time the stage took: telemetry, not part of any identity."""
    format: int = FORMAT

    def output(self, index: int = 0) -> Output:
        """One of its outputs."""
        return self.outputs[index]


def fingerprint(stage: str, version: int, *parameters: object) -> str:
    """Identity of a stage: 16 hex digits over its name, version and all that it depends on.

    Args:
        stage: name of the stage.
        version: bumped by hand whenever the stage's output changes for the same parameters.
        parameters: settings, model hashes and upstream fingerprints; canonical JSON.

    Raises:
        TypeError: for a parameter that has no canonical form.
    """
    text = canonical_json([stage, version, list(parameters)])
    return hashlib.sha256(text).hexdigest()[:16]


def manifest_path(stage: str, fingerprint: str, key: str) -> str:
    """Where the manifest of a shard lives inside the lake."""
    return f"manifests/{stage}/{fingerprint}/{key}.json"


def commit(store: Store, manifest: Manifest) -> Manifest:
    """Write a manifest: from here on its outputs exist. Returns it.

    Raises:
        LedgerError: if its counts do not balance.
    """
    _check(manifest)
    store.write_bytes(
        manifest_path(manifest.stage, manifest.fingerprint, manifest.key),
        msgspec.json.format(msgspec.json.encode(manifest), indent=1),
    )
    return manifest


def load(store: Store, stage: str, fingerprint: str, key: str) -> Manifest | None:
    """The manifest of one shard if that shard is done, else None."""
    return load_all(store, stage, fingerprint, [key]).get(key)


def load_all(
    store: Store, stage: str, fingerprint: str, keys: list[str] | None = None
) -> dict[str, Manifest]:
    """The manifests of all shards that are done, by key, in key order.

    Args:
        store: the lake.
        stage: name of the stage.
        fingerprint: which run of that stage.
        keys: look only for these; one listing of the folder serves all of them.
    """
    folder = f"manifests/{stage}/{fingerprint}"
    present = [path[len(folder) + 1 : -len(".json")] for path in store.sizes(folder)]
    wanted = sorted(present if keys is None else set(keys) & set(present))
    sizes = store.sizes(f"{stage}/{fingerprint}") if wanted else {}
    found = {}
    for key in wanted:
        data = store.read_bytes(manifest_path(stage, fingerprint, key))
        try:
            manifest = msgspec.json.decode(data, type=Manifest)
        except (msgspec.DecodeError, UnicodeDecodeError):
            continue
        if (manifest.stage, manifest.fingerprint, manifest.key) != (stage, fingerprint, key):
            continue  # a copy of another one
        if all(sizes.get(output.path) == output.bytes for output in manifest.outputs):
            found[key] = manifest
    return found


def _check(manifest: Manifest) -> None:
    """The ledger balances, and the reasons sum up to it."""
    ledger = manifest.ledger
    if not ledger:
        return
    parts = {name: count for name, count in ledger.items() if name != "records"}
    if ledger["records"] != sum(parts.values()):
        raise LedgerError(f"{manifest.stage}/{manifest.key}: records do not balance: {ledger}")
    for outcome in ("gated", "failed", "dropped"):
        reasons = sum(
            count for reason, count in manifest.reasons.items() if reason.startswith(outcome + "/")
        )
        if reasons != ledger.get(outcome, 0):
            raise LedgerError(
                f"{manifest.stage}/{manifest.key}: {outcome} is {ledger.get(outcome, 0)}, "
                f"but its reasons sum up to {reasons}: {manifest.reasons}"
            )
