"""What follows from what: the stages in their order, and which settings enter which of them.

A setting *enters* a stage if it is part of that stage's own fingerprint; what follows the stage is
another then too. The fingerprints themselves are made where the stages are; a test holds each of
them to these tables.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping

from thresher.manifests.layout import (
    CONTAMINATION,
    GROUPS,
    GUESTS,
    JUNK,
    MACHINE_TEXT,
    QUALITY,
    RULES,
    RUN_WIDE,
    SIGNATURE,
    TEXT,
)

__all__ = ["AFTER", "ENTERS", "ROLES", "upstream"]

AFTER: Mapping[str, tuple[str, ...]] = {
    "evaluation_index": (),
    TEXT: (),
    **dict.fromkeys(GROUPS, (TEXT,)),
    CONTAMINATION: (TEXT, "evaluation_index"),
    "model_scores": (TEXT,),
    "bands": (SIGNATURE,),
    "edges": ("bands",),
    "verified": ("edges",),
    "components": ("verified",),
    "members": ("components",),
    "names": ("members",),
    "duplicates": ("names",),
    "line_keys": ("duplicates",),
    "line_counts": ("line_keys",),
    "repeated_lines": ("line_counts",),
    "site_parts": ("duplicates", RULES, JUNK, QUALITY, MACHINE_TEXT),
    "sites": ("site_parts",),
    "diversity": ("sites",),
    "site_signals": ("sites",),
    "thresholds": ("duplicates", *(g for g in GROUPS if g != SIGNATURE), *RUN_WIDE),
    "candidates": ("thresholds",),
    "pages": ("thresholds",),
    "survivors": ("thresholds",),
    "decisions": ("thresholds",),
    "parts": ("decisions", QUALITY, CONTAMINATION, "repeated_lines"),
    "curated": ("parts",),
}
"""The stages, each with those that it follows from."""

CHOOSY = frozenset({"thresholds", "parts"})
"""Of signals these follow from what the policy looks at, and from what is copied, alone."""

_SETTINGS: Mapping[str, str] = {
    "": """
        name lake input.prefix extract.custom_sha256 quality.sha256 machine_text.sha256
        scores[].meaning scores[].sha256 scores[].allow_failures scores[].resources.cpus
        scores[].resources.gpus scores[].resources.memory_mb decontaminate[].path
        run.workers run.executor run.address run.allow_truncated run.allow_damaged
        run.allow_unreadable
        """,
    "evaluation_index": "decontaminate[].name decontaminate[].fields decontaminate[].ngram",
    TEXT: """
        input.format input.text_field input.id_field input.url_field input.date_field input.keep
        input.max_record_bytes input.max_window_bytes
        gates.url_blocklist gates.languages gates.language_score gates.page_language_score
        gates.min_characters gates.retain_fraction
        extract.profile extract.custom extract.custom_version extract.timeout_seconds
        extract.max_bytes extract.max_depth extract.memory_bytes
        """,
    SIGNATURE: "minhash.unit minhash.ngram minhash.seed minhash.numbers dedup.permutations",
    QUALITY: "quality.model quality.positive_label",
    MACHINE_TEXT: "machine_text.model machine_text.positive_label",
    GUESTS: "guests guests[].filter guests[].name guests[].arguments",
    CONTAMINATION: "decontaminate",
    "model_scores": """
        scores[].name scores[].model scores[].positive_label scores[].callable scores[].factory
        scores[].arguments scores[].version scores[].range scores[].batch_texts
        scores[].max_characters
        """,
    "bands": "dedup.urls dedup.near dedup.bands dedup.rows",
    "bands edges": "dedup.threshold dedup.against",
    "edges": "input.urls input.list dedup.verify dedup.margin dedup.memory_mb",
    "line_keys line_counts": "lines.per_documents",
    "line_counts": """
        lines.least_documents lines.site_least_documents lines.site_least_share lines.memory_mb
        """,
    "repeated_lines": "lines.remove",
    "site_parts": "sites.sample_documents",
    "sites": "sites.min_pages sites.memory_mb",
    "diversity": "sites.flag_below",
    "thresholds": "scores lines.enabled sites.measure judge.policy",
    "parts": """
        curated.shard_bytes curated.row_group_rows curated.min_row_groups
        curated.validation_fraction curated.seed curated.compression_level curated.columns
        curated.transforms
        curated.transforms[].formatter curated.transforms[].arguments
        """,
}

ENTERS: Mapping[str, tuple[str, ...]] = {
    setting: tuple(stages.split())
    for stages, settings in _SETTINGS.items()
    for setting in settings.split()
}
"""The stages that each setting of a recipe may enter, as in TOML; `[]` is any table of a list.

Of several stages it depends on other settings which one a value enters.
"""

ROLES: Mapping[str, str] = {
    "language": TEXT,
    "quality": QUALITY,
    "machine_text": MACHINE_TEXT,
    "extract.custom": TEXT,
    "scores": "model_scores",
}
"""The stage that a model enters, by its role in the record of a run; scorers by `scores`."""


def upstream(
    stage: str, there: Container[str], unread: Container[str] = frozenset()
) -> Iterator[str]:
    """The stages that a stage follows from.

    Args:
        stage: its name.
        there: the stages of a plan; past others one looks on to what they follow from.
        unread: those of signals that the plan neither judges by nor copies.
    """
    for each in AFTER.get(stage, ()):
        if stage in CHOOSY and each in unread:
            continue
        if each in there:
            yield each
        else:
            yield from upstream(each, there, unread)
