"""Judge a few texts by the policy, without a run: the way to find a bound."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
from scorer import question_fraction

import thresher

rows = [json.loads(line) for line in Path("pages.jsonl").read_text("utf-8").splitlines()]
texts = [rows[0]["text"], rows[-1]["text"], "Too short."]

# A run adds the scores; here they are one more column. `keep_top` of three texts says nothing, so
# the quality model is left out, and its rule is not asked.
table = thresher.measure(texts, quality="")
scores = pa.array([{"question_fraction": score} for score in question_fraction(texts)])
table = table.append_column("scores", scores)

decisions = thresher.judge(table, "policy.toml", why=True)
for text, row in zip(texts, decisions.to_pylist(), strict=True):
    print(f"{row['verdict']}: {text[:60]}...")
    for each in row["why"]:
        print(f"    {each['reason']}: {each['signal']} {each['bound']} ({each['value']})")
print(f"not asked here: {', '.join(thresher.not_asked(decisions))}")
