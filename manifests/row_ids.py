"""`row_id`: the key of a row within a run, by its shard and its place in that.

    0123456789abcdef:0000000042

The same record may lie in a crawl twice, and then two rows have one id. Within a run rows are
joined by `shard` and `row`, two columns that compare fast, or by `row_id`, which is the same as one
text: of fixed width, so that it sorts as shard and row do. It is a text, since a shard's key is 64
bits already. It stays the same as long as the shard's file does; across runs documents are joined
by id. No file stores it, since it follows from the file's name and the row's place.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

__all__ = ["ROW_ID", "row_ids"]

ROW_ID = "shard || ':' || lpad(CAST(\"row\" AS VARCHAR), 10, '0')"
"""It in SQL, of a view that has the columns `shard` and `row`."""

_DIGITS = 10


def row_ids(shard: str, rows: npt.NDArray[np.int64]) -> pa.Array:
    """The keys of rows of one shard.

    Args:
        shard: its key.
        rows: places of rows in it, from 0.
    """
    return pa.array([f"{shard}:{row:0{_DIGITS}d}" for row in rows.tolist()], pa.string())
