"""The book of a shard: counts every record that is not a document and quarantines it."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable

import pyarrow as pa

from thresher.manifests.schemas import QUARANTINE
from thresher.manifests.shards import ShardWriter
from thresher.pipeline.extract import Extracted
from thresher.pipeline.read.reasons import REASONS
from thresher.pipeline.read.records import Page, Rejected
from thresher.pipeline.read.stretches import Loss

_ROWS_AT_ONCE = 1024


def document_id(page: Page | Rejected) -> str:
    """128 bits in hex over the record's own id, URL and content: never its position."""
    content = page.content if isinstance(page, Page) else page.sample
    digest = hashlib.blake2b(digest_size=16)
    for part in (page.record_id, page.url):
        digest.update(part.encode("utf-8", "surrogatepass") + b"\0")
    digest.update(content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content)
    return digest.hexdigest()


class Book:
    """Counts what is stopped, under its reason, and quarantines it.

    Args:
        source: URI of the input shard.
        retain_fraction: share of gated records that is kept, chosen by id; failed ones all are.
        writer: of the quarantine file.
    """

    def __init__(self, source: str, retain_fraction: float, writer: ShardWriter) -> None:
        self.records = 0
        self.reasons: Counter[str] = Counter()
        self._first: dict[str, str] = {}
        self._source, self._retain_fraction, self._writer = source, retain_fraction, writer
        self._rows: list[dict[str, object]] = []

    def stop(self, rejected: Rejected, page: Page | None = None) -> None:
        """Count a record that is not a document; keep it where it failed or is sampled.

        Args:
            rejected: the record and its reason.
            page: the page it was, where it became one: gives the id.
        """
        reason = REASONS[rejected.reason]
        self.reasons[f"{reason.outcome}/{reason.name}"] += 1
        self._first.setdefault(reason.name, rejected.told or rejected.detail)
        identity = document_id(page or rejected)
        sampled = int(identity[:8], 16) < self._retain_fraction * 2**32
        if reason.outcome == "failed" or sampled:
            self._rows.append(
                {
                    "id": identity,
                    "record_id": rejected.record_id,
                    "url": rejected.url,
                    "source": self._source,
                    "outcome": reason.outcome,
                    "reason": reason.name,
                    "detail": rejected.detail,
                    "sample": rejected.sample,
                }
            )
            if len(self._rows) >= _ROWS_AT_ONCE:
                self.flush()

    def admit(self, chunk: Iterable[Page | Rejected]) -> list[Page]:
        """The pages of a chunk; the rest is stopped."""
        pages = []
        for item in chunk:
            if isinstance(item, Page):
                pages.append(item)
            else:
                self.stop(item)
        return pages

    def admit_extracted(
        self, pages: Iterable[Page], items: Iterable[Extracted | Rejected]
    ) -> list[Extracted]:
        """The extracted pages; the rest is stopped."""
        found = []
        for page, item in zip(pages, items, strict=True):
            if isinstance(item, Extracted):
                found.append(item)
            else:
                self.stop(item, page)
        return found

    def flush(self) -> None:
        """Write what is quarantined so far."""
        if self._rows:
            self._writer.write(pa.Table.from_pylist(self._rows, schema=QUARANTINE))
            self._rows = []

    def total(self, outcome: str) -> int:
        """How many records ended so."""
        return sum(n for name, n in self.reasons.items() if name.startswith(f"{outcome}/"))

    def state(self, loss: Loss) -> dict[str, str | int]:
        """Whether the shard was read whole, and what is missing, as facts of its manifest.

        `status` is `complete`; `damaged`, where records were lost and reading went on; `truncated`,
        where the file ends too early; or `unreadable`, where no record is left. `why` says what was
        wrong, in words.
        """
        failed = {
            name.removeprefix("failed/"): count
            for name, count in self.reasons.items()
            if name.startswith("failed/")
        }
        cut = failed.get("truncated_archive", 0)
        total = sum(failed.values())
        status, reason = "complete", ""
        if self.records == total > cut:
            status, reason = "unreadable", max(failed, key=lambda name: (failed[name], name))
        elif cut:
            status, reason = "truncated", "truncated_archive"
        elif loss.damaged:
            damage = [name for name in failed if REASONS[name].damage]
            status, reason = "damaged", max(damage, key=lambda name: (failed[name], name))
        why = f"{reason}: {self._first.get(reason, '')}" if reason else ""
        if loss.damaged and status != "unreadable":
            records = "1 record" if loss.lost_records == 1 else f"{loss.lost_records:,} records"
            why += f"; about {records} lost, {loss.lost_bytes:,} bytes without any"
        elif reason:
            why += f"; {loss.whole_bytes:,} bytes read"
        return {
            "status": status,
            "why": why,
            "lost_records": loss.lost_records,
            "lost_bytes": loss.lost_bytes,
            "unverified": loss.unverified,
            "left_out": loss.left_out,
        }
