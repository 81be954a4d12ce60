"""Rows of a Parquet file: batch by batch, only the columns needed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from thresher.pipeline.read.records import Page, Rejected, reject
from thresher.pipeline.read.rows import RowFields, row_to_page

_BATCH_ROWS = 256
_BUFFER = 1 << 20


def read_parquet(
    file: BinaryIO, fields: RowFields, max_record_bytes: int
) -> Iterator[Page | Rejected]:
    """Yield every row.

    Args:
        file: a seekable binary file.
        fields: which columns hold what; a dot goes into structs.
        max_record_bytes: a longer text is `oversize`.
    """
    done = 0
    total = "?"
    try:
        # With a buffer and no pre-buffering, pages of a column are read as they are needed, so
        # that a row group of gigabytes does not enter memory.
        parquet = pq.ParquetFile(file, buffer_size=_BUFFER, pre_buffer=False)
        total = str(parquet.metadata.num_rows)
        names = set(parquet.schema_arrow.names)
        columns = [name for name in fields.roots() if name in names]
        for batch in parquet.iter_batches(batch_size=_BATCH_ROWS, columns=columns):
            for values in batch.to_pylist() if columns else [{}] * batch.num_rows:
                page = row_to_page(values, fields)
                if isinstance(page, Page) and len(page.content) > max_record_bytes:
                    size = len(page.content)
                    page = reject(
                        "oversize", page.record_id, page.url, f"a text of {size} characters"
                    )
                done += 1
                yield page
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise  # the file system's, not the data's
        yield reject("unreadable_shard", detail=f"after {done} of {total} rows: {error}")
        return
    if total == "0":
        yield reject("malformed_record", detail="the file has no rows")
