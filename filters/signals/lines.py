"""The family of lines that many documents of a run have in common."""

from __future__ import annotations

from thresher.filters.signals.kinds import THRESHER, Signal, count, make_family, share

_NEVER = "repeated lines are not measured (`lines.enabled`)"
_BLANK = f"the text is blank, or {_NEVER}"
_FEW = "the URL has no registered domain, or its site too few documents"
_LLAMA = "Llama 3 (per 30 million documents); CCNet"


def _shares(scope: str, what: str, null_when: str, source: str) -> tuple[Signal, ...]:
    return tuple(
        share(f"{scope}_{unit}_fraction", f"{whose} {what}.", null_when, source)
        for unit, whose in (
            ("line", "Lines that are"),
            ("character", "Characters of lines that are"),
            ("word", "Words (between white space) of lines that are"),
        )
    )


REPEATED_LINES = make_family(
    "repeated_lines",
    1,
    "Lines that many documents have in common, among the lines that are not blank. Two lines are "
    "the same that differ in case, diacritics, numbers, punctuation or white space only; one "
    "without a letter never counts. Copies of one document, as deduplication finds them, count "
    "once. How many documents are many is set in `[lines]`.",
    *_shares("run", "in many documents of the run", _BLANK, _LLAMA),
    *_shares("site", "in many documents of their site", f"{_BLANK}, or {_FEW}", THRESHER),
    count(
        "head_lines",
        "lines",
        "Such lines, of either kind, before the first line of the document's own.",
        null_when=_NEVER,
    ),
    count(
        "foot_lines",
        "lines",
        "Such lines after the last line of the document's own.",
        null_when=_NEVER,
    ),
    count(
        "removable_lines",
        "lines",
        "Lines that the transform `repeated_lines` removes (`lines.remove`).",
        null_when=_NEVER,
    ),
    count("removable_characters", "characters", "Characters of those lines.", null_when=_NEVER),
)
