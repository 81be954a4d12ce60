"""What each rule does to the diversity of what is kept, from the shapes of a sample of the run.

A rule can only be blamed for documents that nothing else drops: with it switched off, they would
be kept too. What is kept is held against that, figure by figure, so that a filter that makes the
rest more alike is seen at once. The same for the months of the crawl, before and after.
"""

from __future__ import annotations

from typing import Any

import duckdb
import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from thresher.filters.errors import StoreError
from thresher.filters.shape import COLUMN
from thresher.filters.signals.site import FIGURES
from thresher.pipeline.sites.figures import figures, read_shapes

Figures = dict[str, float | None]
"""Figures of diversity by name, None where undefined."""

_MONTH = "left(CAST(d.date_utc AS VARCHAR), 7)"

Mask = npt.NDArray[np.bool_]


class Population(msgspec.Struct, frozen=True):
    """Some documents of a run, and how diverse they are."""

    name: str
    documents: int
    """Of the run."""
    compared: int
    """Of these, those in the sample."""
    figures: Figures


class RuleEffect(msgspec.Struct, frozen=True):
    """What one reason does to diversity."""

    reason: str
    dropped: Population
    """All documents that have the reason."""
    alone: int
    """Documents of the run that have no other reason, and would be kept without this one."""
    change: Figures
    """What is kept less what would be kept without the rule, figure by figure."""
    effect: float | None
    """Mean change in the direction of more diversity, in units in which a difference matters:
    where it is below 0, the rule makes what is kept more alike."""


class Comparison(msgspec.Struct, frozen=True):
    """A run before and after judging."""

    measured: Population
    kept: Population
    rules: list[RuleEffect]
    """Those that reduce diversity most come first."""
    months: list[tuple[Population, Population]]
    """Each month of the crawl, measured and kept."""


def compare(database: duckdb.DuckDBPyConnection, documents: int) -> Comparison:
    """Compare the documents of the latest run with those it kept.

    Args:
        database: a connection to the catalog.
        documents: about how many are looked at, chosen by their ids.

    Raises:
        StoreError: if there is nothing to compare.
    """
    _check(database)
    sample = _Sample(database, documents)
    everything = np.ones(sample.size, bool)
    totals = _counts(database, "SELECT verdict, count(*) FROM decisions GROUP BY 1")
    kept = sample.population("kept", totals.get("kept", 0), sample.kept)
    dropped = _counts(
        database, "SELECT unnest(reasons) AS reason, count(*) FROM decisions GROUP BY 1"
    )
    alone = _counts(
        database, "SELECT reason, count(*) FROM decisions WHERE len(reasons) = 1 GROUP BY 1"
    )
    rules = [
        sample.effect(reason, count, alone.get(reason, 0), kept.figures)
        for reason, count in sorted(dropped.items())
    ]
    months = f"SELECT {_MONTH}, count(*) FROM documents AS d {{}} WHERE {{}} GROUP BY 1"  # noqa: S608
    dated = "d.date_utc IS NOT NULL"
    judged = "JOIN decisions AS x ON d.shard = x.shard AND d.row = x.row"
    before = _counts(database, months.format("", dated))
    after = _counts(database, months.format(judged, f"{dated} AND x.verdict = 'kept'"))
    by_month = []
    for month, count in sorted(before.items()):
        mine = sample.months == month
        by_month.append(
            (
                sample.population(month, count, mine),
                sample.population(month, after.get(month, 0), mine & sample.kept),
            )
        )
    return Comparison(
        measured=sample.population("measured", sum(totals.values()), everything),
        kept=kept,
        rules=sorted(rules, key=lambda rule: (rule.effect is None, rule.effect, rule.reason)),
        months=by_month,
    )


class _Sample:
    """Shapes and decisions of some documents: those whose ids, which are hashes, are smallest."""

    def __init__(self, database: duckdb.DuckDBPyConnection, documents: int) -> None:
        total = sum(_counts(database, "SELECT 'all', count(*) FROM decisions").values())
        bound = min(2**32, 2**32 * documents // max(total, 1))
        table = database.sql(
            f"""
            SELECT d.{COLUMN}, {_MONTH} AS month, x.verdict = 'kept' AS kept, x.reasons,
              coalesce(x.cluster_id <> x.id, FALSE) AS copy
            FROM documents AS d JOIN decisions AS x ON d.shard = x.shard AND d.row = x.row
            WHERE d.id < $bound ORDER BY d.id, d.shard, d.row
            """,  # noqa: S608 - a name of this project
            params={"bound": "g" if bound == 2**32 else f"{bound:08x}"},
        ).to_arrow_table()
        self.size = table.num_rows
        self._shapes = table[COLUMN].combine_chunks()
        self.kept = np.asarray(table["kept"])
        self.months = np.array(table["month"].to_pylist(), object)
        self._copies = np.asarray(table["copy"])
        self._reasons = table["reasons"].combine_chunks()
        self._count = np.asarray(pc.list_value_length(self._reasons))

    def population(self, name: str, documents: int, chosen: Mask) -> Population:
        """Some of the documents; `documents` says how many the run has."""
        return Population(name, documents, int(chosen.sum()), self._figures(chosen))

    def effect(self, reason: str, documents: int, alone: int, kept: Figures) -> RuleEffect:
        """What a reason does."""
        mine = np.zeros(self.size, bool)
        same = pc.equal(self._reasons.flatten(), reason)
        mine[pc.list_parent_indices(self._reasons).filter(same).to_numpy()] = True
        without = self._figures(self.kept | (mine & (self._count == 1)))
        change = {name: _difference(kept[name], without[name]) for name in kept}
        dropped = self.population(reason, documents, mine)
        return RuleEffect(reason, dropped, alone, change, _effect(change))

    def _figures(self, chosen: Mask) -> Figures:
        count = int(chosen.sum())
        shapes = read_shapes(self._shapes.filter(pa.array(chosen)))
        found, _ = figures(shapes, np.zeros(count, np.int64), 1)
        values = {name: float(value[0]) for name, value in found.items()}
        if count:
            values["near_duplicate_fraction"] = float(self._copies[chosen].mean())
        return {figure.name: _defined(values.get(figure.name)) for figure in FIGURES}


def _check(database: duckdb.DuckDBPyConnection) -> None:
    query = (
        "SELECT table_name, column_name FROM information_schema.columns "
        "WHERE table_catalog = current_database()"
    )
    columns = set(database.execute(query).fetchall())
    needed = {("documents", COLUMN), ("documents", "date_utc"), ("decisions", "verdict")}
    if not needed <= columns:
        raise StoreError(
            "this run of the lake has no decisions, or was measured by an earlier version: "
            "`thresher run RECIPE.toml` completes it"
        )


def _counts(database: duckdb.DuckDBPyConnection, query: str) -> dict[str, int]:
    rows: list[Any] = database.execute(query).fetchall()
    return {str(name): int(count) for name, count in rows}


def _defined(value: float | None) -> float | None:
    return None if value is None or np.isnan(value) else value


def _difference(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one - other


def _effect(change: Figures) -> float | None:
    """The mean of the changes towards diversity, in units of each figure's floor."""
    scaled = [
        value / figure.floor * (1 if figure.falls else -1)
        for figure in FIGURES
        if (value := change[figure.name]) is not None
    ]
    return sum(scaled) / len(scaled) if scaled else None
