"""`thresher.Lake`: what runs have left, by SQL, as streams of documents and as files."""

from __future__ import annotations

import contextlib
import json
import weakref
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import NoneType
from typing import Any, Literal, get_args

import duckdb
import pyarrow as pa

from thresher.filters.errors import ConfigError, InputError, StoreError, did_you_mean
from thresher.filters.policy import DUPLICATE_REASONS, policy_from_mapping, unresolved
from thresher.jobs.api.state import RunState, states_of
from thresher.manifests import catalog
from thresher.manifests.manifest import load_all
from thresher.manifests.run import find_run, has_runs, no_run
from thresher.manifests.store import Store
from thresher.pipeline.inspect.explain import Explanation
from thresher.pipeline.inspect.explain import explain as explain_document

Split = Literal["train", "validation"]

_SPLITS = get_args(Split)
_KEPT = ("id", "url", "text")
_DROPPED = (*_KEPT, "reason", "reasons")

TABLES_HINT = (
    "Ask SHOW TABLES for the tables, and DESCRIBE kept for columns and signals. "
    "Signals of the whole run (site, collapse, repeated_lines, scores) are in the view `measured`."
)


class Lake:
    """A lake that holds at least one run. It is never changed through this.

    Args:
        url: its folder or fsspec URL, or the recipe (`.toml`) that names it.

    Raises:
        StoreError: if the place cannot be reached or holds no run.
    """

    def __init__(self, url: str | Path) -> None:
        self._store = store_of(url)
        if not has_runs(self._store):
            raise no_run(self._store)

    def __repr__(self) -> str:
        return f"thresher.Lake({self.url!r})"

    @property
    def url(self) -> str:
        """Where it is."""
        return self._store.url()

    def query(
        self,
        sql: str,
        parameters: Mapping[str, Any] | Sequence[Any] | None = None,
        *,
        run: str = "",
    ) -> duckdb.DuckDBPyRelation:
        """Ask the catalog, as it is now.

        Views of one run: documents, kept, dropped, decisions, duplicates, quarantine,
        funnel, reasons, measured (documents with the signals of the whole run), sites, diversity. A
        signal is `family.name`, as in `length.words`.

        Args:
            sql: read-only SQL; `$name` and `?` stand for parameters.
            parameters: their values, by name or in order. Pass values so, never within the text.
            run: name or id of the run that the views show; the latest that has ended by default.

        Returns:
            A DuckDB relation: `.fetchall()`, `.to_arrow_table()`, `.to_arrow_reader()`, `.df()`, or
            more SQL on top of it. It is not computed before it is asked, and has a connection of
            its own, so that many can be open.

        Raises:
            ConfigError: if the SQL is wrong, or writes.
            StoreError: if the lake has no catalog or no such run, or the SQL asks for a file
                outside it.
        """
        _is("sql", sql, str)
        if isinstance(parameters, str) or not isinstance(parameters, Mapping | Sequence | NoneType):
            kind = type(parameters).__name__
            raise InputError(f"parameters: give a list or a mapping of values, not {kind}")
        with self.explained():
            database = catalog.open_catalog(self._store, run=run)
            catalog.check_question(database, sql)
            relation = database.sql(sql, params=parameters)
        if relation is None:
            raise ConfigError("query", "gives no rows.", TABLES_HINT)
        # What a question spills to goes with its connection: while the relation is there, both are.
        weakref.finalize(relation, _let_go, database)
        return relation

    @contextlib.contextmanager
    def explained(self) -> Iterator[None]:
        """While rows of a query are fetched: what DuckDB raises, as `query` would raise it."""
        with catalog.explained(self._store):
            try:
                yield
            except (duckdb.PermissionException, duckdb.IOException):
                raise
            except duckdb.Error as error:
                unknown = isinstance(error, duckdb.BinderException | duckdb.CatalogException)
                hint = f"\n{TABLES_HINT}" if unknown else ""
                raise ConfigError("query", str(error).strip(), hint) from error

    def kept(self, columns: Sequence[str] = _KEPT, *, run: str = "") -> pa.RecordBatchReader:
        """The documents that a run kept, shard by shard, as batches of Arrow records.

        Memory stays bounded by a batch and the decisions of a shard. The texts are as measured;
        those that the transforms changed are in the curated shards.

        Args:
            columns: of documents or of decisions, families (`length`), or signals (`length.words`),
                which come as columns of that name.
            run: name or id of the run; the latest that has ended by default.

        Raises:
            ConfigError: for a column that there is not, with the nearest one.
            StoreError: if there is no such run, or it has not judged its documents.
        """
        return self._stream(columns, run, "kept")

    def dropped(
        self, reason: str = "", columns: Sequence[str] = _DROPPED, *, run: str = ""
    ) -> pa.RecordBatchReader:
        """The documents that a run dropped; see `kept`.

        Args:
            reason: only those whose first reason this is, as in `WHERE reason = ...`.
            columns: as in `kept`.
            run: as in `kept`.

        Raises:
            ConfigError: for a column or a reason that there is not, with the nearest one.
            StoreError: if there is no such run, or it has not judged its documents.
        """
        return self._stream(columns, run, "dropped", reason)

    def explain(self, document: str, *, run: str = "") -> Explanation:
        """Why a document of a run was kept or dropped.

        Args:
            document: its id, record id or URL.
            run: name or id of the run; the latest that has ended by default.

        Returns:
            Provenance, decision, what every rule saw, every signal, the other members of its
            cluster, and the start of its text; of a record that is no document, `quarantine`.

        Raises:
            StoreError: if no document and no quarantined record has that name, if there is no
                such run, or it has not come to its policy's bounds yet.
        """
        _is("document", document, str)
        with catalog.connect(self._store, run=run) as database:
            return explained_document(database, document)

    def runs(self) -> list[RunState]:
        """The runs of the lake, oldest first."""
        return states_of(self._store)

    def curated(self, *, run: str = "", split: Split | None = None) -> list[str]:
        """Where the curated shards of a run are: paths, or URLs where the lake is not local.

        `ray.data.read_parquet`, `pyarrow.dataset.dataset` and `datasets.load_dataset("parquet",
        data_files=...)` take them as they are.

        Args:
            run: name or id of the run; the latest that has ended by default.
            split: only the shards of this split; by default all, the validation split last.

        Raises:
            ConfigError: if there is no such split.
            StoreError: if there is no such run, or it has written no curated shards.
        """
        if split is not None and split not in _SPLITS:
            raise ConfigError("split", f"no such split '{split}'.", did_you_mean(split, _SPLITS))
        record = find_run(self._store, run)
        if not record.curated:
            raise StoreError(f"run {record.run_id} has written no curated shards")
        stage, _, mark = record.curated.partition("/")
        return [
            self._store.url(output.path)
            for manifest in load_all(self._store, stage, mark).values()
            for output in manifest.outputs
            if split is None or manifest.facts["split"] == split
        ]

    def _stream(
        self, columns: Sequence[str], run: str, verdict: str, reason: str = ""
    ) -> pa.RecordBatchReader:
        from thresher.pipeline.judged import judged_shards, stream  # a second of numba and models
        from thresher.pipeline.read import REASONS

        _is("columns", columns, Sequence)
        _is("reason", reason, str)
        columns = [columns] if isinstance(columns, str) else list(columns)
        for column in columns:
            _is("a column", column, str)
        if not columns:
            raise ConfigError("columns", "names no column.", f"As in {list(_KEPT)}.")
        record = find_run(self._store, run)
        if reason:
            rules = policy_from_mapping(record.policy, "the run's policy").rules
            known = [*(rule.reason for rule in rules), *DUPLICATE_REASONS.values()]
            if reason not in known:
                hint = did_you_mean(reason, known)
                if reason in REASONS:
                    hint = "Records with it were no documents: they are in the view `quarantine`."
                raise ConfigError("reason", f"the run has no reason '{reason}'.", hint)
        shards = judged_shards(self._store, record)
        return stream(self._store, shards, columns, verdict, reason)


def _is(what: str, value: object, kind: type) -> None:
    if not isinstance(value, kind):
        wanted = "text" if kind is str else "a list"
        raise InputError(f"{what}: give {wanted}, not {type(value).__name__}")


def _let_go(_: duckdb.DuckDBPyConnection) -> None:
    """Nothing but to have held it until now."""


def explained_document(database: duckdb.DuckDBPyConnection, document: str) -> Explanation:
    """What `Lake.explain` gives, by a connection to the catalog."""
    ((run_id, text),) = database.execute(
        "SELECT run_id, policy FROM shown_run JOIN policies USING (run_id)"
    ).fetchall()
    policy = policy_from_mapping(json.loads(text), f"the policy of {run_id}")
    if unresolved(policy):
        raise StoreError(f"run {run_id} has not judged its documents yet")
    return explain_document(database, document, policy)


def store_of(where: str | Path) -> Store:
    """The place of a lake: a path or URL, or what a recipe names.

    Raises:
        StoreError: if it cannot be reached.
    """
    given: object = where
    if not isinstance(given, str | Path) or not str(given):
        kind = "an empty text" if given == "" else type(given).__name__
        raise InputError(f"a lake: give its path or URL, or that of a recipe, not {kind}")
    if str(where).endswith(".toml"):
        from thresher.jobs.recipe import read_recipe  # a second of numba and models

        where = read_recipe(Path(where)).lake
    store = Store(str(where))
    store.check()
    return store
