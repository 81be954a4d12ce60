"""Verdicts of the shipped policies, filter by filter of datatrove, for the test and the benchmark.

`FILTERS` names the rules of a shipped policy that stand for one filter of datatrove; `judge` runs
them through DuckDB, as the pipeline does.
"""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import duckdb
import msgspec
import pyarrow as pa

from thresher.filters.policy import Policy, shipped_policy
from thresher.filters.policy.sql import compile_rules

SOURCES = ("weborganizer", "reference", "openstax", "scitldr", "reuters", "newsgroups")

COMPOSED = "composed"
"""Documents of our own, which `compose_documents.py` wrote."""

_DIGITS = "0123456789abcdefghijklmnopqrstuv"

QUALITY_FAMILIES = ("length", "symbols", "lines", "stopwords")

FILTERS = {
    "repetition": ("gopher", ("repetition",)),
    "quality": ("gopher", QUALITY_FAMILIES),
    "c4": ("c4", ("c4",)),
    "c4_any_end": ("fineweb", ("c4",)),
    "fineweb": ("fineweb", ("fineweb",)),
}
"""By filter: the shipped policy and the families of the rules that stand for it."""

REASONS = {
    "dup_para_frac": "repeated_paragraphs",
    "dup_para_char_frac": "repeated_paragraph_characters",
    "dup_line_frac": "repeated_lines",
    "dup_line_char_frac": "repeated_line_characters",
    **{f"top_{n}_gram": f"dominant_{n}gram" for n in (2, 3, 4)},
    **{f"duplicated_{n}_n_grams": f"repeated_{n}grams" for n in range(5, 11)},
    "gopher_short_doc": "too_few_words",
    "gopher_long_doc": "too_many_words",
    "gopher_below_avg_threshold": "words_too_short",
    "gopher_above_avg_threshold": "words_too_long",
    "gopher_too_many_hashes": "too_many_hashes",
    "gopher_too_many_ellipsis": "too_many_ellipses",
    "gopher_too_many_bullets": "mostly_bullets",
    "gopher_too_many_end_ellipsis": "truncated_lines",
    "gopher_below_alpha_threshold": "too_few_alphabetic_words",
    "gopher_enough_stop_words": "too_few_stop_words",
    "lorem_ipsum": "lorem_ipsum",
    "curly_bracket": "curly_brace",
    "too_few_sentences": "too_few_sentences",
    "line_punct_ratio": "few_punctuated_lines",
    "short_line_ratio": "mostly_short_lines",
    "char_dup_ratio": "duplicated_line_text",
    "list_ratio": "list_like",
}
"""datatrove's reasons and ours; datatrove gives only the first, we give all."""


def read(folder: Path | None, source: str) -> Iterator[tuple[str, str]]:
    """The id and text of every document of a source, in the order of the file.

    Args:
        folder: of real data; our own documents need none.
        source: one of `SOURCES`, or `COMPOSED`.
    """
    place = Path(__file__).parent if folder is None else folder / "text"
    with gzip.open(place / f"{source}.jsonl.gz", "rt", encoding="utf-8") as file:
        for line in file:
            row = json.loads(line)
            yield f"{source}/{row['id']}", row["text"]


def rules(name: str) -> Policy:
    """The part of a shipped policy that stands for one of `FILTERS`."""
    return part(*FILTERS[name])


def part(policy_name: str, families: Sequence[str]) -> Policy:
    """The rules of a shipped policy over signals of some families only."""
    policy = shipped_policy(policy_name)
    chosen = tuple(
        rule
        for rule in policy.rules
        if all(condition.signal.split(".")[0] in families for condition in rule.conditions)
    )
    return msgspec.structs.replace(policy, rules=chosen)


def judge(measured: pa.RecordBatch | pa.Table, policy: Policy) -> list[list[str]]:
    """The reasons for which each row is dropped; none: kept."""
    with duckdb.connect(config={"threads": 1}) as database:
        database.register("measured", measured)
        sql = f"SELECT reasons FROM (SELECT {compile_rules(policy)} FROM measured)"
        return [reasons for (reasons,) in database.sql(sql).fetchall()]


def pack(
    documents: dict[str, list[tuple[str, str]]],
    verdicts: dict[str, dict[str, str]],
    versions: dict[str, str],
) -> str:
    """datatrove's verdicts as JSON: a digit per document, bit k set: filter k drops it."""
    packed = {
        source: "".join(
            _DIGITS[sum(bool(verdicts[name][key]) << k for k, key in enumerate(FILTERS))]
            for name, _ in rows
        )
        for source, rows in documents.items()
    }
    content = {
        "about": "datatrove's verdicts, by tests/benchmarks/agreement.py --pack",
        "versions": versions,
        "filters": list(FILTERS),
        "texts": {source: digest(rows) for source, rows in documents.items()},
        "verdicts": packed,
    }
    return json.dumps(content, indent=1) + "\n"


def unpack(digits: str, name: str) -> list[bool]:
    """Whether datatrove's filter drops each document of a source."""
    bit = list(FILTERS).index(name)
    return [_DIGITS.index(digit) >> bit & 1 == 1 for digit in digits]


def digest(rows: list[tuple[str, str]]) -> str:
    """Says whether the texts are those that were judged."""
    found = hashlib.sha256()
    for name, text in rows:
        found.update(f"{name}\n{text}\n".encode())
    return found.hexdigest()
