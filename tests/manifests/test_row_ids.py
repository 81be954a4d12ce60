"""`row_id` in Python and in SQL."""

from __future__ import annotations

import duckdb
import numpy as np
import pyarrow as pa

from thresher.manifests.row_ids import ROW_ID, row_ids

SHARDS = ("0123456789abcdef", "fedcba9876543210")
ROWS = [0, 1, 9, 10, 4_294_967_296, 9_999_999_999]


def test_sql_and_python_write_the_same():
    tables = [pa.table({"shard": [shard] * len(ROWS), "row": ROWS}) for shard in SHARDS]
    rows = pa.concat_tables(tables)
    made = [row_ids(shard, np.array(ROWS)).to_pylist() for shard in SHARDS]
    with duckdb.connect() as connection:
        connection.register("rows", rows)
        found = connection.sql(f'SELECT {ROW_ID} FROM rows ORDER BY shard, "row"').fetchall()
    assert [name for (name,) in found] == [*made[0], *made[1]]
    assert made[0][3] == "0123456789abcdef:0000000010"


def test_they_sort_as_shard_and_row_do():
    made = [name for shard in SHARDS for name in row_ids(shard, np.array(ROWS)).to_pylist()]
    assert made == sorted(made)
    assert len(set(made)) == len(made)
    assert {len(name) for name in made} == {27}
