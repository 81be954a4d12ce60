"""Ask a lake in a bucket, and read curated shards out of it."""

from __future__ import annotations

import fsspec
import pyarrow.parquet as pq

import thresher

lake = thresher.Lake("s3://thresher-example/lake")
for run in lake.runs():
    print(run.run_id, run.status, f"{run.measured}/{run.shards} shards")
reasons = "SELECT reason, count(*) FROM dropped GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 3"
print(lake.query(reasons).fetchall())
for url in lake.curated():
    with fsspec.open(url) as file:
        shard = pq.ParquetFile(file)
        print(url, f"{shard.metadata.num_rows} texts, {shard.num_row_groups} row groups")
