"""Judging: measurements and a policy give decisions. Seconds, not hours; no text is read.

    thresholds  once            what a policy leaves to the run becomes literal: `keep_top`, medians
    candidates  per shard       the members of duplicate clusters: does each pass every rule?
    pages       per partition   a range of URLs: which captures lose to another of their page
    survivors   per partition   a range of clusters: the best passing member survives; receipts
    decisions   per shard       verdict and all reasons of every document

The survivor is chosen among members that pass every other rule, so a rule never kills the
canonical copy while its twins are dropped as duplicates. The policy is compiled to SQL by
`thresher.filters.policy.sql` and DuckDB runs it, here as in replay and `explain`.
"""

__all__ = ["CANDIDATES", "KEY", "PAGES", "STAGE", "SURVIVORS", "THRESHOLDS", "VERSION"]

THRESHOLDS, CANDIDATES, PAGES, SURVIVORS = "thresholds", "candidates", "pages", "survivors"
STAGE = "decisions"
VERSION = 5
KEY = "all"
