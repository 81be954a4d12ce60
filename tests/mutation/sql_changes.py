"""Changes of SQL within string literals: much of what is decided is decided there."""

from __future__ import annotations

import re
from collections.abc import Iterator

_WORDS = re.compile(
    r"\b(SELECT|WHERE|ORDER BY|CASE|WHEN|THEN|ELSE|IS NULL|IS NOT NULL|AND|OR|CAST|UNION|JOIN)\b"
)

_SWAPS = [
    (re.compile(pattern), new)
    for pattern, new in (
        (r"\bDESC\b", "ASC"),
        (r"\bASC\b", "DESC"),
        (r"\bNULLS LAST\b", "NULLS FIRST"),
        (r"\bNULLS FIRST\b", "NULLS LAST"),
        (r"(?<!BETWEEN \? )\bAND\b", "OR"),
        (r"\bOR\b(?! REPLACE)", "AND"),
        (r"\bIS NOT NULL\b", "IS NULL"),
        (r"\bIS NULL\b", "IS NOT NULL"),
        (r"\bNOT (?!NULL|EXISTS|IN\b)", ""),
        (r"\bNOT IN\b", "IN"),
        (r"(?<!NOT )\bIN\b", "NOT IN"),
        (r"\bTRUE\b", "FALSE"),
        (r"\bFALSE\b", "TRUE"),
        (r" = ", " <> "),
        (r" <> ", " = "),
        (r" != ", " = "),
        (r" < ", " <= "),
        (r" <= ", " < "),
        (r" > ", " >= "),
        (r" >= ", " > "),
        (r"\bLEFT JOIN\b", "JOIN"),
        (r"\bUNION ALL\b", "UNION"),
        (r"\bDISTINCT ", ""),
        (r"\bmin\(", "max("),
        (r"\bmax\(", "min("),
        (r"\bfirst_value\(", "last_value("),
        (r"\bbool_or\(", "bool_and("),
        (r"\bbool_and\(", "bool_or("),
        (r"\bany_value\(", "max("),
        (r" \+ ", " - "),
        (r" - ", " + "),
        (r"(?<![\w$.{])'(?=\w)", "'x"),
    )
]
_NUMBER = re.compile(r"(?<![\w$.{'])\d+(?![\w.'])")
_ORDER = re.compile(r"\b(?:ORDER|PARTITION|GROUP) BY ")
_END = re.compile(r"\bLIMIT\b|\bWHERE\b|\bORDER BY\b|\"|\bHAVING\b|;")


def is_sql(text: str) -> bool:
    """Whether a text has words of SQL, in capitals as here always."""
    return _WORDS.search(text) is not None


def sql_changes(text: str) -> Iterator[tuple[int, int, str]]:
    """Changes of a literal, if it is SQL: from, to, and the text instead."""
    if not is_sql(text):
        return
    for pattern, new in _SWAPS:
        for found in pattern.finditer(text):
            yield found.start(), found.end(), new
    for found in _NUMBER.finditer(text):
        yield found.start(), found.end(), str(int(found[0]) + 1)
    for found in _ORDER.finditer(text):
        terms = list(_terms(text, found.end()))
        for n, (start, _) in enumerate(terms[:-1]):
            yield start, terms[n + 1][0], ""
        if len(terms) > 1:
            yield terms[-2][1], terms[-1][1], ""


def _terms(text: str, at: int) -> Iterator[tuple[int, int]]:
    """Where the terms of a list lie that begins there and ends with its bracket or a clause."""
    depth, start = 0, at
    end = at
    stop = _END.search(text, at)
    while end < (stop.start() if stop else len(text)):
        if text[end] in "([{":
            depth += 1
        elif text[end] in ")]}":
            depth -= 1
            if depth < 0:
                break
        elif text[end] == "," and not depth:
            yield start, end
            start = end + 1
            while text[start : start + 1].isspace():
                start += 1
        end += 1
    yield start, end
