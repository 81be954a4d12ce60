"""The dataset card: a README.md that Hugging Face and people read, beside the curated shards.

It holds no date and no machine's name, so the same run writes the same bytes. Whatever came from
outside (names, addresses, the policy's own words) is escaped: neither the YAML front matter nor
the Markdown of the card can be broken by a crawl.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence

from thresher.filters.policy import Policy
from thresher.manifests.manifest import Manifest
from thresher.pipeline.materialize import CuratedSettings

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
_INPUTS_SHOWN = 20
_ACTIVE = str.maketrans({mark: f"&#{ord(mark)};" for mark in "&<>\"'`*_{}[]()#+!|~\\@:$="})


def dataset_card(
    name: str,
    shards: Iterable[Manifest],
    *,
    policy: Policy,
    policy_fingerprint: str,
    curated_fingerprint: str,
    settings: CuratedSettings,
    funnel: Sequence[tuple[str, int]],
    reasons: Mapping[str, int],
    inputs: Sequence[str],
    shortfalls: Sequence[tuple[str, str, str]] = (),
) -> str:
    """Write the card.

    Args:
        name: of the data set.
        shards: manifests of the curated shards, in any order.
        policy: resolved.
        policy_fingerprint: of the decisions.
        curated_fingerprint: of the curated shards.
        settings: how they were written.
        funnel: what became of the records, step by step.
        reasons: documents by the reason that dropped them.
        inputs: URIs of the input shards.
        shortfalls: URI, status and reason of those that were not read whole.
    """
    written = sorted((m for m in shards if m.outputs), key=lambda manifest: manifest.key)
    splits = {
        split: [m for m in written if m.facts["split"] == split]
        for split in ("train", "validation")
    }
    rows = sum(m.facts["rows"] for m in written)
    sections = [
        _front_matter(name, splits, rows),
        f"# {escape(name)}",
        f"Curated by Thresher with the policy **{escape(policy.name)}**, version {policy.version}"
        f" (decisions `{policy_fingerprint}`, shards `{curated_fingerprint}`).",
        _warnings(splits),
        "## Splits",
        _table(
            ("split", "shards", "documents", "bytes of text", "tokens (estimate)", "file bytes"),
            [_split_row(split, manifests) for split, manifests in splits.items()],
        ),
        f"The order is a global shuffle with seed {settings.seed}. Validation is fixed by content: "
        f"the documents whose shuffle key lies in the top {settings.validation_fraction:g} of the "
        "key space; its file is the last by name. Tokens are estimated as bytes / 4.2.",
        "## What became of the records",
        _table(("step", "records"), [(step, f"{count:,}") for step, count in funnel]),
        "## Why documents were dropped",
        _table(("reason", "documents", "meaning"), _reason_rows(policy, reasons)),
        f"Source of the policy: {escape(policy.source)}" if policy.source else "",
        "## What was changed in the text",
        _table(
            ("transform", "version", "meaning"),
            [
                (transform.name, str(transform.version), transform.meaning)
                for transform in settings.chosen()
            ],
        ),
        f"## Inputs ({len(inputs):,})",
        _inputs(inputs),
        f"## Not read whole ({len(shortfalls):,})" if shortfalls else "",
        _table(("input", "status", "why"), shortfalls[:_INPUTS_SHOWN]) if shortfalls else "",
        "## License",
        "The texts belong to their authors; each row names its page in `url`.",
    ]
    return "\n\n".join(filter(None, sections)) + "\n"


def escape(text: str) -> str:
    """Text of any origin as inert Markdown on one line."""
    return " ".join(text.split()).translate(_ACTIVE)


def _front_matter(name: str, splits: Mapping[str, Sequence[Manifest]], rows: int) -> str:
    """YAML with every string in JSON's quotes, which are YAML's too."""
    lines = ["---", f"pretty_name: {json.dumps(name)}", "license: other"]
    lines += ["task_categories:", "- text-generation", "size_categories:", f"- {_size(rows)}"]
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
        sum(m.facts["rows"] for m in manifests),
        sum(m.facts["text_bytes"] for m in manifests),
        sum(m.facts["token_estimate"] for m in manifests),
        sum(output.bytes for m in manifests for output in m.outputs),
    )
    return split, *(f"{count:,}" for count in counts)


def _reason_rows(policy: Policy, reasons: Mapping[str, int]) -> list[tuple[str, str, str]]:
    meanings = {rule.reason: rule.meaning for rule in policy.rules}
    ranked = sorted(reasons.items(), key=lambda item: (-item[1], item[0]))
    return [(reason, f"{count:,}", meanings.get(reason, "")) for reason, count in ranked]


def _inputs(inputs: Sequence[str]) -> str:
    shown = [f"- {escape(uri)}" for uri in sorted(inputs)[:_INPUTS_SHOWN]]
    if len(inputs) > _INPUTS_SHOWN:
        shown.append(f"- and {len(inputs) - _INPUTS_SHOWN:,} more")
    return "\n".join(shown)


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [" | ".join(header), " | ".join("---" for _ in header)]
    lines += [" | ".join(escape(cell) for cell in row) for row in rows]
    return "\n".join(f"| {line} |" for line in lines)
