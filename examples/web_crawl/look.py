"""Look at what a run has left: counts, reasons, and what was kept, by SQL and as batches."""

from __future__ import annotations

import thresher

lake = thresher.Lake("lake")
for step, records in lake.query("SELECT step, records FROM funnel").fetchall():
    print(f"{records:>6}  {step}")

print("\nmost frequent reasons")
frequent = "SELECT reason, count(*) FROM dropped GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 5"
for reason, pages in lake.query(frequent).fetchall():
    print(f"{pages:>6}  {reason}")

# One that was dropped, and what every rule that dropped it saw.
((page,),) = lake.query("SELECT min(id) FROM dropped WHERE len(reasons) = 2").fetchall()
print(f"\n{lake.explain(page)}")

# What was kept comes shard by shard; memory does not grow with the run.
words = 0
for batch in lake.kept(["id", "length.words"]):
    words += sum(batch["length.words"].to_pylist())
print(f"\n{words:,} words kept, in {', '.join(lake.curated())}")
