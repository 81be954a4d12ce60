"""The dataset card: a README.md that Hugging Face and people read, beside the curated shards.

It holds no date and no machine's name, so the same run writes the same bytes. Whatever came from
outside (names, addresses, the policy's own words) is inert: neither the YAML front matter nor the
Markdown of the card can be broken by a crawl.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from thresher.filters.policy import RESERVED_MEANINGS, Policy
from thresher.filters.policy.sql import explain_rows
from thresher.manifests.manifest import Manifest
from thresher.pipeline.materialize import CuratedSettings
from thresher.pipeline.materialize.inert import code, escape, prose
from thresher.pipeline.read.reasons import REASONS

_SIZES = (
    (1_000, "n<1K"),
    (10_000, "1K<n<10K"),
    (100_000, "10K<n<100K"),
    (1_000_000, "100K<n<1M"),
    (10_000_000, "1M<n<10M"),
    (100_000_000, "10M<n<100M"),
    (1_000_000_000, "100M<n<1B"),
    (10_000_000_000, "1B<n<10B"),
    (100_000_000_000, "10B<n<100B"),
    (1_000_000_000_000, "100B<n<1T"),
)
_SHOWN = 20
"""Inputs that a list of them names."""
_COUNTED = (
    "Words are what stands between white space. Tokens are an estimate, bytes / 4.2: the usual "
    "rate of a vocabulary of 50,000 on English. Another tokenizer or language has another."
)


def dataset_card(
    name: str,
    shards: Iterable[Manifest],
    *,
    policy: Policy,
    policy_fingerprint: str,
    curated_fingerprint: str,
    settings: CuratedSettings,
    languages: Sequence[str],
    funnel: Sequence[tuple[str, int]],
    reasons: Mapping[str, int],
    inputs: Sequence[str],
    shortfalls: Sequence[tuple[str, str, str]] = (),
    lost_records: int = 0,
) -> str:
    """Write the card.

    Args:
        name: of the data set.
        shards: manifests of the curated shards, in any order.
        policy: resolved.
        policy_fingerprint: of the decisions.
        curated_fingerprint: of the curated shards.
        settings: how they were written.
        languages: codes of those that the gates let pass; empty for all.
        funnel: what became of the records, step by step.
        reasons: records by the reason for which they left, as `outcome/reason`.
        inputs: names of the input shards.
        shortfalls: name, status and reason of those that were not read whole.
        lost_records: estimate of what damage cost in those that were read.
    """
    written = sorted((m for m in shards if m.outputs), key=lambda manifest: manifest.key)
    splits = {
        split: [m for m in written if m.facts["split"] == split]
        for split in ("train", "validation")
    }
    rows = sum(m.facts["rows"] for m in written)
    sections = [
        _front_matter(name, splits, rows, languages),
        f"# {escape(name)}",
        f"Curated by Thresher with the policy {code(policy.name)}, version {policy.version}"
        f" (decisions `{policy_fingerprint}`, shards `{curated_fingerprint}`).",
        _warnings(splits),
        "## Splits",
        _table(
            (
                *("split", "shards", "documents", "words", "bytes of text"),
                *("tokens (estimate)", "file bytes"),
            ),
            [_split_row(split, manifests) for split, manifests in splits.items()],
        ),
        _COUNTED,
        f"The order is a global shuffle with seed {settings.seed}. Validation is fixed by content: "
        f"the documents whose shuffle key lies in the top {settings.validation_fraction:g} of the "
        "key space; its file is the last by name.",
        "## What became of the records",
        _table(("step", "records"), [(escape(step), f"{count:,}") for step, count in funnel]),
        "## Why records became no documents",
        _reasons(policy, reasons, ("gated", "failed")),
        "Gated records are sound but not wanted; failed ones are damaged, or defeated the tools.",
        "## Why documents were dropped",
        _reasons(policy, reasons, ("dropped",)),
        f"Source of the policy: {prose(policy.source)}" if policy.source else "",
        "## What was changed in the text",
        _table(
            ("transform", "version", "meaning"),
            [
                (code(transform.name), escape(str(transform.version)), prose(transform.meaning))
                for transform in settings.chosen()
            ],
        ),
        "## What was not read",
        _not_read(len(inputs), shortfalls, lost_records),
        f"## Inputs ({len(inputs):,})",
        _inputs(inputs),
        "## License",
        "The texts belong to their authors; each row names its page in `url`.",
    ]
    return "\n\n".join(filter(None, sections)) + "\n"


def _front_matter(
    name: str, splits: Mapping[str, Sequence[Manifest]], rows: int, languages: Sequence[str]
) -> str:
    """YAML with every string in JSON's quotes, which are YAML's too."""
    lines = ["---", f"pretty_name: {json.dumps(name)}"]
    if languages:
        # In quotes: `no`, which is Norwegian, is false without them.
        lines += ["language:", *(f"- {json.dumps(code)}" for code in languages)]
    lines += ["license: other", "task_categories:", "- text-generation"]
    lines += ["size_categories:", f"- {_size(rows)}"]
    listed = {split: manifests for split, manifests in splits.items() if manifests}
    if listed:
        lines += ["configs:", "- config_name: default", "  data_files:"]
    for split, manifests in listed.items():
        lines += [f"  - split: {split}", "    path:"]
        lines += [f"    - {json.dumps(f'{manifest.key}.parquet')}" for manifest in manifests]
    return "\n".join([*lines, "---"])


def _size(rows: int) -> str:
    return next((label for limit, label in _SIZES if rows < limit), "n>1T")


def _warnings(splits: Mapping[str, Sequence[Manifest]]) -> str:
    if not splits["train"]:
        return "**There is no training data**: no kept document fell outside the validation split."
    if not splits["validation"]:
        return (
            "**There is no validation split**: no kept document fell into it. A trainer that takes "
            "the last file for validation would take training data."
        )
    return ""


def _split_row(split: str, manifests: Sequence[Manifest]) -> tuple[str, ...]:
    counts = (
        len(manifests),
        *(
            sum(m.facts[fact] for m in manifests)
            for fact in ("rows", "words", "text_bytes", "token_estimate")
        ),
        sum(output.bytes for m in manifests for output in m.outputs),
    )
    return split, *(f"{count:,}" for count in counts)


def _reasons(policy: Policy, reasons: Mapping[str, int], outcomes: Sequence[str]) -> str:
    """A table of the reasons that gave one of some outcomes, the most frequent first."""
    meanings = _meanings(policy)
    found = [
        (outcome, reason, count)
        for key, count in reasons.items()
        for outcome, _, reason in [key.partition("/")]
        if outcome in outcomes
    ]
    if not found:
        return "None."
    found.sort(key=lambda row: (outcomes.index(row[0]), -row[2], row[1]))
    several = len(outcomes) > 1
    return _table(
        (*(["outcome"] if several else []), "reason", "records", "meaning"),
        [
            (
                *([outcome] if several else []),
                code(reason),
                f"{count:,}",
                prose(meanings.get(reason, "")),
            )
            for outcome, reason, count in found
        ],
    )


def _meanings(policy: Policy) -> dict[str, str]:
    """What each reason means; of a rule that does not say, what it asks."""
    found = {name: reason.meaning for name, reason in REASONS.items()}
    found |= RESERVED_MEANINGS
    for rule in explain_rows(policy):
        tests = zip(rule.signals, rule.operators, rule.thresholds, strict=True)
        asked = " and ".join(f"`{signal}` {sign} {bound}" for signal, sign, bound in tests)
        found[rule.reason] = rule.meaning or f"Dropped where {asked}."
    return found


def _not_read(inputs: int, shortfalls: Sequence[tuple[str, str, str]], lost_records: int) -> str:
    if not shortfalls:
        return "Every input shard was read whole."
    counts = Counter(status for _, status, _ in shortfalls)
    listed = ", ".join(f"{count:,} {escape(status)}" for status, count in sorted(counts.items()))
    lost = f" Damage cost about {lost_records:,} records." if lost_records else ""
    rows = [(code(uri), escape(status), escape(why)) for uri, status, why in shortfalls[:_SHOWN]]
    more = len(shortfalls) - len(rows)
    return (
        f"Not read whole: {len(shortfalls):,} of {inputs:,} input shards ({listed}).{lost}\n\n"
        + _table(("input", "status", "why"), rows)
        + (f"\n\nAnd {more:,} more." if more else "")
    )


def _inputs(inputs: Sequence[str]) -> str:
    shown = [f"- {code(uri)}" for uri in sorted(inputs)[:_SHOWN]]
    if len(inputs) > _SHOWN:
        shown.append(f"- and {len(inputs) - _SHOWN:,} more")
    return "\n".join(shown)


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of cells that are inert already."""
    lines = [" | ".join(header), " | ".join("---" for _ in header), *map(" | ".join, rows)]
    return "\n".join(f"| {line} |" for line in lines)
