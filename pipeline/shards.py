"""A shard of measured documents, as every stage after measuring refers to it."""

from __future__ import annotations

import msgspec

from thresher.manifests.store import Store


class ShardRef(msgspec.Struct, frozen=True):
    """A shard of measured documents as other stages refer to it."""

    key: str
    texts: str
    """Path of its texts inside the lake."""
    run: str = ""
    """Id of the earlier run it belongs to; empty for the shards of this one."""
    lake: str = ""
    """The lake of that run."""
    decisions: str = ""
    """Path of that run's decisions on it: only what it kept counts."""
    signals: tuple[str, ...] = ()
    """Paths of its signals: files with the rows of the texts, in their order."""

    def with_signals(self, path: str) -> ShardRef:
        """The same with one more file of signals."""
        return msgspec.structs.replace(self, signals=(*self.signals, path))

    def store(self, own: Store) -> Store:
        """The lake its documents are in."""
        return Store(self.lake) if self.lake else own
