"""Write prose, junk and a few quizzes as JSON Lines."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from thresher.jobs.sample import write_sample

QUESTIONS = (
    "Which river does the old bridge cross? Who built the mill beside it, and in which year? "
    "What was spun there before the war? How many looms were found under the floor? Why did the "
    "town buy the roof before the walls? Where do the guests stand to watch the work today? "
)

with tempfile.TemporaryDirectory() as folder:
    pages = [page for page in write_sample(Path(folder)).truth if page.text][:80]
pages.sort(key=lambda page: page.fate != "kept")  # the good ones first
rows = [{"id": page.record_id, "url": page.url, "text": page.text} for page in pages]
rows += [
    {"id": f"quiz-{number}", "text": f"Quiz {number + 1}. {QUESTIONS * (number + 1)}"}
    for number in range(3)
]
Path("pages.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
print(f"pages.jsonl has {len(rows)} rows")
