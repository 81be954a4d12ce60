"""Write the sample crawl, the same bytes every time, into the folder `sample`."""

from __future__ import annotations

from pathlib import Path

from thresher.jobs.sample import write_sample

crawl = write_sample(Path("sample"))
for shard in crawl.shards:
    print(f"{shard}  {shard.stat().st_size:,} bytes")
