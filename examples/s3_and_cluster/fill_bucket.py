"""Make the bucket of the recipe and put a small crawl into it."""

from __future__ import annotations

import tempfile
from pathlib import Path

import fsspec

from thresher.jobs.sample import write_sample

BUCKET = "thresher-example"

s3 = fsspec.filesystem("s3")  # by the AWS_ variables, as Thresher itself
if not s3.exists(BUCKET):
    s3.mkdir(BUCKET)
with tempfile.TemporaryDirectory() as folder:
    # All but the last shard, which is cut short on purpose.
    for shard in write_sample(Path(folder)).shards[:-1]:
        s3.put_file(str(shard), f"{BUCKET}/crawl/{shard.name}")
        print(f"s3://{BUCKET}/crawl/{shard.name}")
