"""How a run ended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import msgspec

from thresher.jobs.api.lake import Lake
from thresher.jobs.own_failures import failure_notes
from thresher.jobs.technical import technical_notes
from thresher.manifests import catalog
from thresher.manifests.catalog.facts import Facts
from thresher.manifests.run import Failure, RunRecord
from thresher.manifests.store import Store


class UnreadShard(msgspec.Struct, frozen=True):
    """An input shard that was not read whole."""

    uri: str
    status: str
    """`damaged`, `truncated`, `unreadable`, `failed` or `pending`."""
    error: str | None
    """Why, with the bytes that were lost; None of one that is pending."""


@dataclass(frozen=True)
class RunResult:
    """How a run ended."""

    run_id: str
    status: Literal["running", "complete", "incomplete", "interrupted"]
    """`complete` only if every input was read whole and every stage came to its end."""
    counts: dict[str, int | None]
    """Records by step, as in the view `funnel`: `records read`, `gated`, `failed`, `documents
    measured`, `dropped`, `kept`, `emptied by transforms`, `curated`; None where a step was not
    reached."""
    lake: Lake
    """What it has written, with that of earlier runs."""
    curated: str | None
    """Folder of its curated shards; `lake.curated()` lists them."""
    catalog: str
    """The DuckDB catalog."""
    report: str
    """Its report, a page to read."""
    incomplete_shards: list[UnreadShard]
    exceeded: list[str]
    """Why the run is incomplete: a sentence for each limit of the recipe that was passed."""
    notes: list[str]
    """What deserves a look although nothing is missing, as a shard of which hardly a page was
    read, or texts that a scorer failed on."""
    failures: list[Failure]
    """Tasks that ended in an error."""


def result_of(store: Store, record: RunRecord) -> RunResult:
    """How a run ended, by its record and the catalog.

    Raises:
        StoreError: if the lake has no catalog.
    """
    from thresher.jobs.report import page as report  # half a second of numba

    query = "SELECT step, CAST(records AS BIGINT) FROM funnel"
    with catalog.connect(store, run=record.run_id) as database:
        funnel, shards = catalog.bounded(
            database,
            lambda: (
                database.execute(query).fetchall(),
                catalog.not_read_whole(database, record.run_id),
            ),
        )
    facts = Facts(store, record)
    scored = facts.of("model_scores").values()
    return RunResult(
        run_id=record.run_id,
        status=record.status,
        counts=dict(funnel),
        lake=Lake(store.url()),
        curated=store.url(record.curated) if record.curated else None,
        catalog=store.url(catalog.PATH),
        report=store.url(report.path_of(record.run_id)),
        incomplete_shards=[UnreadShard(*shard) for shard in shards],
        exceeded=record.exceeded,
        notes=[*technical_notes(facts.texts().values()), *failure_notes(facts.run_code(), scored)],
        failures=record.failures,
    )
