"""Training texts from a lake: the rows of an SQL query over its catalog, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import duckdb

from thresher.classifiers.inputs import UNITS
from thresher.classifiers.settings import InputSettings
from thresher.filters.errors import ConfigError
from thresher.manifests import catalog
from thresher.manifests.store import Store

_ROWS = 1024


def lake_texts(settings: InputSettings, where: str) -> Iterator[dict[str, Any]]:
    """The rows that `lake` and `sql` name, ordered by id, as one dictionary each.

    With a column `id` the fraction is taken by the database, so that the texts of the others are
    not read; the order makes the hash of what was read the same at every run.

    Raises:
        ConfigError: where the SQL is wrong, or lacks the columns for what is asked.
        StoreError: where the lake has no catalog.
    """
    with catalog.connect(Store(settings.lake)) as database:
        try:
            catalog.check_question(database, settings.sql, f"{where}: sql")
            found = database.execute(f"DESCRIBE {settings.sql}").fetchall()
            columns = [name for name, *_ in found]
            if "id" not in columns:
                problem = "must give a column id, which decides what is taken and in which order."
                raise ConfigError(f"{where}: sql", problem, "Add id to what it selects.")
            rows = database.execute(
                f"SELECT * FROM ({settings.sql}) WHERE md5_number_upper(id) <= $bound ORDER BY id",  # noqa: S608 - the user's own SQL, on a read-only connection
                {"bound": min(int(settings.fraction * UNITS), UNITS - 1)},
            )
            while batch := rows.fetchmany(_ROWS):
                yield from (dict(zip(columns, row, strict=True)) for row in batch)
        except duckdb.Error as error:
            raise ConfigError(
                f"{where}: sql", catalog.plain(error), "`thresher query` tries it."
            ) from error
