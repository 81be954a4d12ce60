"""The views of the catalog: the documents of the latest run, in their Parquet files.

Files are named `lake_files([PATH, ...])`: below the variable `lake` where a connection sets it, and
else below the place at which the catalog was written.
"""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from thresher.filters.signals import RUN_FAMILIES, Family
from thresher.manifests.catalog.facts import SIGNAL_STAGES, Facts

NAME_OF_FILES = "lake"
"""The macro that names the lake's files, and the variable that it looks at."""


def create_views(database: duckdb.DuckDBPyConnection, facts: Facts) -> None:
    """Create the macro and the views in the current database, the catalog.

    Their files are looked at, so the connection must be able to read the lake.
    """
    place = f"coalesce(getvariable('{NAME_OF_FILES}'), {quoted(facts.store.url())}) || '/'"
    database.execute(f"CREATE MACRO {NAME_OF_FILES}(path) AS {place} || path")
    # One call for all files of a view: as many as files would take longer than to open them. The
    # names of Thresher's files hold no line ends.
    listed = f"string_split({place} || array_to_string(paths, chr(10) || {place}), chr(10))"
    database.execute(f"CREATE MACRO {NAME_OF_FILES}_files(paths) AS {listed}")
    shard = "parse_filename(filename, true) AS shard"
    files = {
        "documents": (facts.paths("documents", 0), shard, "file_row_number AS row"),
        **{s: (facts.paths(s), shard, "file_row_number AS row") for s in SIGNAL_STAGES},
        "quarantine": (facts.paths("documents", 1), shard, ""),
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
    if facts.of("documents"):
        _create_measured(database, [stage for stage in SIGNAL_STAGES if facts.of(stage)])
    if facts.of("documents") and facts.of("decisions"):
        for verdict in ("kept", "dropped"):
            database.execute(
                f"CREATE VIEW {verdict} AS SELECT d.*, x.* EXCLUDE (shard, row, id) "  # noqa: S608
                "FROM documents AS d JOIN decisions AS x ON d.shard = x.shard AND d.row = x.row "
                f"WHERE x.verdict = '{verdict}'"
            )
    current = quoted(facts.run.run_id)
    database.execute(
        f"""
        CREATE VIEW funnel AS
        WITH shards AS (SELECT * FROM input_shards WHERE run_id = {current}),
        judged AS (SELECT * FROM shard_counts WHERE run_id = {current}),
        written AS (SELECT * FROM output_shards WHERE run_id = {current})
        SELECT step, records, round(100.0 * records / max(records) OVER (), 2) AS percent FROM (
          SELECT 1 AS place, 'records read' AS step, (SELECT sum(records) FROM shards) AS records
          UNION ALL SELECT 2, 'gated', (SELECT sum(gated) FROM shards)
          UNION ALL SELECT 3, 'failed', (SELECT sum(failed) FROM shards)
          UNION ALL SELECT 4, 'documents measured', (SELECT sum(documents) FROM shards)
          UNION ALL SELECT 5, 'dropped', (SELECT sum(dropped) FROM judged)
          UNION ALL SELECT 6, 'kept', (SELECT sum(kept) FROM judged)
          UNION ALL SELECT 7, 'emptied by transforms', (SELECT sum(emptied) FROM judged)
          UNION ALL SELECT 8, 'curated', (SELECT sum(rows) FROM written)
        ) ORDER BY place
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
