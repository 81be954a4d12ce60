"""The views of the catalog: the documents of one run, in their Parquet files.

Files are named `lake_files([PATH, ...])`: below the variable `lake` where a connection sets it, and
else below the place at which the catalog was written.
"""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from thresher.filters.signals import DOCUMENT_FAMILIES, RUN_FAMILIES, Family
from thresher.manifests.catalog.facts import Facts
from thresher.manifests.layout import GROUPS, RUN_WIDE, TEXT_FAMILIES, text_stage
from thresher.manifests.row_ids import ROW_ID

NAME_OF_FILES = "lake"
"""The macro that names the lake's files, and the variable that it looks at."""


SHOWN = "shown_run"
"""The view that names the run whose documents the others show."""

_FUNNELS = """
CREATE VIEW funnels AS
WITH read AS (
  SELECT run_id, sum(records) AS records, sum(gated) AS gated, sum(failed) AS failed,
    sum(documents) AS documents
  FROM input_shards GROUP BY run_id
), judged AS (
  SELECT run_id, sum(dropped) AS dropped, sum(kept) AS kept, sum(emptied) AS emptied
  FROM shard_counts GROUP BY run_id
), written AS (
  SELECT run_id, sum(rows) AS rows FROM output_shards GROUP BY run_id
), steps AS (
  SELECT run_id, unnest([
    {'place': 1, 'step': 'records read', 'records': records},
    {'place': 2, 'step': 'gated', 'records': gated},
    {'place': 3, 'step': 'failed', 'records': failed},
    {'place': 4, 'step': 'documents measured', 'records': documents},
    {'place': 5, 'step': 'dropped', 'records': dropped},
    {'place': 6, 'step': 'kept', 'records': kept},
    {'place': 7, 'step': 'emptied by transforms', 'records': emptied},
    {'place': 8, 'step': 'curated', 'records': rows}
  ], recursive := true)
  FROM runs LEFT JOIN read USING (run_id) LEFT JOIN judged USING (run_id)
    LEFT JOIN written USING (run_id)
)
SELECT *, round(100.0 * records / max(records) OVER (PARTITION BY run_id), 2) AS percent FROM steps
ORDER BY run_id, place
"""


def create_views(database: duckdb.DuckDBPyConnection, facts: Facts) -> None:
    """Create the macro and the views in the current database, which has the catalog's tables.

    Their files are looked at, so the connection must be able to read the lake.

    Args:
        database: the connection.
        facts: those of the run whose documents the views show.
    """
    place = f"coalesce(getvariable('{NAME_OF_FILES}'), {quoted(facts.store.url())}) || '/'"
    database.execute(f"CREATE MACRO {NAME_OF_FILES}(path) AS {place} || path")
    # One call for all files of a view: as many as files would take longer than to open them. The
    # names of Thresher's files hold no line ends.
    listed = f"string_split({place} || array_to_string(paths, chr(10) || {place}), chr(10))"
    database.execute(f"CREATE MACRO {NAME_OF_FILES}_files(paths) AS {listed}")
    shard = "parse_filename(filename, true) AS shard"
    texts = text_stage(facts.run.fingerprints)
    files = {
        **{s: (facts.paths(s), shard, "file_row_number AS row") for s in RUN_WIDE},
        "quarantine": (facts.paths(texts, 1), shard, ""),
        "decisions": (facts.paths("decisions"), shard, ""),
        "duplicates": (facts.paths("duplicates"), shard, ""),
        "curated": (facts.paths("curated"), _full_name(facts), ""),
    }
    for name, (paths, *extra) in files.items():
        if paths:
            listed = _listed(paths)
            hidden = "filename, file_row_number" if extra[1] else "filename"
            database.execute(
                f"CREATE VIEW {name} AS SELECT {', '.join(filter(None, extra))}, "  # noqa: S608
                f"* EXCLUDE ({hidden}) FROM read_parquet({listed}, filename = true"
                + (", file_row_number = true)" if extra[1] else ")")
            )
    _create_site_views(database, facts)
    if facts.measured():
        _create_documents(database, facts)
        _create_measured(database, [stage for stage in RUN_WIDE if facts.of(stage)])
    if facts.measured() and facts.of("decisions"):
        for verdict in ("kept", "dropped"):
            database.execute(
                f"CREATE VIEW {verdict} AS SELECT d.*, x.* EXCLUDE (shard, row, id) "  # noqa: S608
                "FROM documents AS d JOIN decisions AS x ON d.shard = x.shard AND d.row = x.row "
                f"WHERE x.verdict = '{verdict}'"
            )
    current = quoted(facts.run.run_id)
    database.execute(f"CREATE VIEW {SHOWN} AS SELECT {current} AS run_id")
    database.execute(_FUNNELS)
    database.execute(
        f"""
        CREATE VIEW funnel AS
        SELECT step, records, percent FROM funnels WHERE run_id = {current} ORDER BY place
        """  # noqa: S608 - a quoted literal
    )
    database.execute(
        f"""
        CREATE VIEW reasons AS
        SELECT outcome, reason, CAST(sum(records) AS BIGINT) AS records,
          CAST(sum(records_any) AS BIGINT) AS records_any
        FROM shard_reasons WHERE run_id = {current}
        GROUP BY ALL ORDER BY outcome, records DESC, reason
        """  # noqa: S608 - a quoted literal
    )


def _create_site_views(database: duckdb.DuckDBPyConnection, facts: Facts) -> None:
    for view, columns, paths, where in (
        (
            "sites",
            '* EXCLUDE ("group", level, template)',
            facts.paths("sites", 0),
            "level = 'site'",
        ),
        ("diversity", "*", facts.paths("diversity"), "true"),
    ):
        if paths:
            listed = _listed(paths)
            database.execute(
                f"CREATE VIEW {view} AS SELECT {columns} "  # noqa: S608 - names of this module
                f"FROM read_parquet({listed}) WHERE {where}"
            )


def _create_documents(database: duckdb.DuckDBPyConnection, facts: Facts) -> None:
    """The view `documents`: the texts and, beside each, all signals of a text by itself.

    The files have the same rows in the same order, so no join by value is needed: what a query
    does not ask for is not read.
    """
    keys = facts.measured()

    def files(stage: str) -> str:
        made = facts.of(stage)
        return _listed([made[key].output().path for key in keys])

    texts = files(text_stage(facts.run.fingerprints))
    query = (
        "SELECT parse_filename(filename, true) AS shard, file_row_number AS row, "  # noqa: S608 - paths are quoted
        f"* EXCLUDE (filename, file_row_number) FROM read_parquet({texts}, filename = true, "
        "file_row_number = true)"
    )
    beside = "".join(
        f" POSITIONAL JOIN (SELECT * FROM read_parquet({files(stage)})) AS beside_{number}"  # noqa: S608 - likewise
        for number, stage in enumerate(facts.groups())
    )
    held = {column for stage in facts.groups() for column in GROUPS[stage]}
    absent = "".join(
        f', CAST(NULL AS {_struct(family)}) AS "{family.name}"'
        for family in DOCUMENT_FAMILIES
        if facts.groups() and family.name not in {*held, *TEXT_FAMILIES}
    )
    query = f"SELECT *{absent}, {ROW_ID} AS row_id FROM ({query}) AS texts{beside}"  # noqa: S608 - registry names
    database.execute(f"CREATE VIEW documents AS {query}")


def _full_name(facts: Facts) -> str:
    """The column `shard` of curated documents: what `output_shards.path` says of their file."""
    start = f"length({NAME_OF_FILES}('')) + 1"
    return f"{quoted(facts.store.url() + '/')} || filename[{start}:] AS shard"


def _listed(paths: Sequence[str]) -> str:
    return f"{NAME_OF_FILES}_files([{', '.join(map(quoted, paths))}])"


def _create_measured(database: duckdb.DuckDBPyConnection, stages: Sequence[str]) -> None:
    """The view `measured`: documents with all families; NULL for those this run did not measure."""
    joins = "".join(f" LEFT JOIN {stage} USING (shard, row)" for stage in stages)
    held: set[str] = set()
    for stage in stages:
        held |= {column for column, *_ in database.execute(f"DESCRIBE {stage}").fetchall()}
    absent = [
        f', CAST(NULL AS {_struct(family)}) AS "{family.name}"'
        for family in RUN_FAMILIES
        if family.name not in held
    ]
    query = f"SELECT *{''.join(absent)} FROM documents{joins}"  # noqa: S608 - registry names
    database.execute(f"CREATE VIEW measured AS {query}")


def _struct(family: Family) -> str:
    """The type of a family's column in SQL."""
    kinds = {"int64": "BIGINT", "double": "DOUBLE", "bool": "BOOLEAN", "string": "VARCHAR"}
    fields = (f'"{s.name.split(".")[1]}" {kinds[s.type]}' for s in family.signals)
    return f"STRUCT({', '.join(fields)})"


def quoted(text: str) -> str:
    """A text as a literal of SQL."""
    return "'" + text.replace("'", "''") + "'"
