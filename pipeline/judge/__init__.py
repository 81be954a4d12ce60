"""Judging: measurements and a policy give decisions. Seconds, not hours; no text is read.

    thresholds  once        what a policy leaves to the run becomes literal: `keep_top`, medians
    candidates  per shard   the members of duplicate clusters: does each pass every rule?
    survivors   once        the best passing member of each cluster survives; receipts for the rest
    decisions   per shard   verdict and all reasons of every document

The survivor is chosen among members that pass every other rule, so a rule never kills the
canonical copy while its twins are dropped as duplicates. The policy is compiled to SQL by
`filters.judge_sql` and DuckDB runs it, here as in replay and `explain`.
"""

THRESHOLDS, CANDIDATES, SURVIVORS, STAGE = "thresholds", "candidates", "survivors", "decisions"
VERSION = 2
KEY = "all"
