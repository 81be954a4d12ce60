"""What each setting of a recipe, and each version of the code, makes stale.

A setting *enters* stages: it is part of their own fingerprints. What comes after those is stale
too, by `AFTER`. `test_fingerprints.py` holds the code to this table, the table to the settings, and
what `plan` tells people to the table.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from thresher.jobs.staleness import AFTER as AFTER_ANY

AFTER = {
    **AFTER_ANY,
    # The policy looks at all of a document but for guests and the recipe's own scores.
    "thresholds": tuple(
        stage
        for stage in AFTER_ANY["thresholds"]
        if stage not in ("signals/guests", "model_scores")
    ),
}


def stale(*entered: str) -> set[str]:
    """The stages that run again where some fingerprints are others."""
    found = set(entered)
    for stage, upstream in AFTER.items():  # in their order
        if found.intersection(upstream):
            found.add(stage)
    return found


class Change(NamedTuple):
    """Another value of one setting, and what that enters."""

    setting: str
    """As in TOML; `[]` is the first table of a list."""
    value: Any
    enters: str = ""
    """Stages, with blanks between them."""
    base: Mapping[str, Any] = {}
    """Settings that both recipes have besides."""
    named: bool | None = None
    """Whether the run gets another id; by default if it enters a stage."""


_OFF = {"dedup.against": []}
_LAYOUT = {"dedup.bands": 14, "dedup.rows": 8, "dedup.permutations": 112, **_OFF}
_LIST = {"input.urls": [], "input.list": "$LIST", "input.prefix": "$CRAWL"}
_CUSTOM = {"extract.profile": "custom", "extract.custom": "$SCORERS:page"}
# A file without a card is a model of which nothing is known but what is stated.
_KEEP = {"quality.positive_label": "__label__keep"}
_MACHINE = {"machine_text.positive_label": "__label__machine"}
_SAMPLER = {"guests[].filter": "datatrove.SamplerFilter", "guests[].arguments": {}}
_MODEL = {"scores[].callable": "", "scores[].model": "quality-en@1"}
_FACTORY = {
    "scores[].callable": "",
    "scores[].factory": "$SCORERS:make_head",
    "scores[].arguments": {"seed": 3},
}
_FORMATTER = {"curated.transforms": [{"formatter": "datatrove.SymbolLinesFormatter"}]}

CHANGES = (
    Change("name", "other", named=True),
    # Another lake holds nothing yet, but the facts that will be in it have the same names.
    Change("lake", "$LAKE", base=_OFF),
    Change("input.urls", ["$SHARD0", "$SHARD1"], "edges"),
    Change("input.list", "$OTHER_LIST", "edges", _LIST),
    # What it names counts, not its place.
    Change("input.list", "$SAME_LIST", base=_LIST),
    Change("input.prefix", "file://$CRAWL/", base=_LIST),
    Change("input.format", "jsonl", "text"),
    Change("input.text_field", "body", "text"),
    Change("input.id_field", "name", "text"),
    Change("input.url_field", "address", "text"),
    Change("input.date_field", "day", "text"),
    Change("input.keep", ["url"], "text"),
    Change("input.max_record_bytes", 1 << 20, "text"),
    Change("input.max_window_bytes", 1 << 20, "text"),
    Change("gates.url_blocklist", False, "text"),
    Change("gates.languages", ["en", "de"], "text"),
    Change("gates.language_score", 0.66, "text"),
    Change("gates.page_language_score", 0.81, "text"),
    Change("gates.min_characters", 99, "text"),
    Change("gates.retain_fraction", 0.02, "text"),
    Change("extract.profile", "fast", "text"),
    Change("extract.custom", "$SCORERS:other_page", "text", _CUSTOM),
    # What is stated is the file's hash already.
    Change("extract.custom_sha256", "$SCORER", base=_CUSTOM),
    Change("extract.custom_version", "2", "text", _CUSTOM),
    Change("extract.timeout_seconds", 11.0, "text"),
    Change("extract.max_bytes", 1 << 20, "text"),
    Change("extract.max_depth", 999, "text"),
    Change("extract.memory_bytes", 1 << 30, "text"),
    Change("minhash.unit", "characters", "signals/signature", _OFF),
    Change("minhash.ngram", 6, "signals/signature", _OFF),
    Change("minhash.seed", 2, "signals/signature", _OFF),
    Change("minhash.numbers", "fold", "signals/signature", _OFF),
    Change("quality.model", "$QUALITY_FILE", "signals/quality", _KEEP),
    Change("quality.positive_label", "__label__drop", "signals/quality"),
    # What is stated is the model's hash already.
    Change("quality.sha256", "$QUALITY"),
    Change("machine_text.model", "$MACHINE_TEXT_FILE", "signals/machine_text", _MACHINE),
    Change("machine_text.positive_label", "__label__human", "signals/machine_text"),
    Change("machine_text.sha256", "$MACHINE_TEXT"),
    Change("guests", [], named=True),
    Change("guests[].filter", "datatrove.C4ParagraphFilter", "signals/guests", _SAMPLER),
    Change("guests[].name", "chosen", "signals/guests"),
    Change("guests[].arguments", {"regex_exp": "barley"}, "signals/guests"),
    Change(
        *("guests[].arguments", {"regex_exp": "barley"}, "signals/guests thresholds"),
        {"judge.policy": "$ASKING"},
    ),
    Change("scores", [], named=True),
    Change("scores[].name", "other", "model_scores"),
    Change("scores[].meaning", "Something else, in words."),
    Change("scores[].model", "machine-text-en@1", "model_scores", _MODEL),
    Change("scores[].positive_label", "__label__drop", "model_scores", _MODEL),
    Change("scores[].sha256", "$SCORER"),
    Change("scores[].callable", "$SCORERS:other", "model_scores"),
    Change("scores[].factory", "$SCORERS:make_other", "model_scores", _FACTORY),
    Change("scores[].arguments", {"seed": 4}, "model_scores", _FACTORY),
    Change("scores[].version", "2", "model_scores"),
    Change("scores[].version", "2", "model_scores thresholds", {"judge.policy": "$ASKING"}),
    Change("scores[].range", [0.0, 1000.0], "model_scores"),
    Change("scores[].batch_texts", 255, "model_scores"),
    Change("scores[].max_characters", 99_999, "model_scores"),
    Change("scores[].allow_failures", 0.5),
    Change("scores[].resources.cpus", 2.0),
    Change("scores[].resources.gpus", 0.5),
    Change("scores[].resources.memory_mb", 100.0),
    Change("decontaminate", [], "thresholds", {"curated.transforms": ["clean_lines"]}),
    Change("decontaminate[].name", "other", "evaluation_index"),
    # Files are known by what they hold.
    Change("decontaminate[].path", "$COPY"),
    Change("decontaminate[].fields", ["q", "a"], "evaluation_index"),
    Change("decontaminate[].ngram", 12, "evaluation_index"),
    Change("dedup.urls", False, "bands"),
    Change("dedup.near", False, "bands"),
    Change("dedup.threshold", 0.7, "bands"),
    Change("dedup.threshold", 0.7, "edges", _LAYOUT),
    Change("dedup.verify", "exact", "edges"),
    Change("dedup.margin", 0.05, "edges"),
    Change("dedup.bands", 13, "bands", _LAYOUT),
    Change("dedup.rows", 7, "bands", _LAYOUT),
    Change("dedup.permutations", 120, "signals/signature", _LAYOUT),
    Change("dedup.against", [], "edges"),
    Change("dedup.against", ["older"], "bands"),
    Change("dedup.against", ["older", "old"], "edges", {"dedup.against": ["old", "older"]}),
    Change("dedup.memory_mb", 2048.0, "edges"),
    Change("lines.enabled", False, "thresholds", {"curated.transforms": ["clean_lines"]}),
    Change("lines.least_documents", 5, "line_counts"),
    Change("lines.per_documents", 20_000_000, "line_counts"),
    Change("lines.per_documents", 10, "line_keys"),
    Change("lines.site_least_documents", 5, "line_counts"),
    Change("lines.site_least_share", 0.6, "line_counts"),
    Change("lines.remove", ["site"], "repeated_lines"),
    Change("lines.memory_mb", 2048.0, "line_counts"),
    Change("sites.measure", False, "thresholds"),
    Change("sites.min_pages", 4, "sites"),
    Change("sites.sample_documents", 100, "site_parts"),
    Change("sites.flag_below", -3.0, "diversity"),
    Change("sites.memory_mb", 2048.0, "sites"),
    Change("judge.policy", "$POLICY", "thresholds"),
    Change("curated.shard_bytes", 30_000, "parts"),
    Change("curated.row_group_rows", 512, "parts"),
    Change("curated.min_row_groups", 4, "parts"),
    Change("curated.validation_fraction", 0.3, "parts"),
    Change("curated.seed", 1, "parts"),
    Change("curated.transforms", ["clean_lines"], "parts"),
    Change("curated.transforms", ["cut_contamination", "repeated_lines", "clean_lines"], "parts"),
    Change("curated.transforms[].formatter", "datatrove.PIIFormatter", "parts", _FORMATTER),
    Change("curated.transforms[].arguments", {"replace_char": " "}, "parts", _FORMATTER),
    Change("curated.compression_level", 4, "parts"),
    Change("curated.columns", ["date_utc"], "parts"),
    Change("run.workers", 7),
    Change("run.executor", "ray"),
    Change("run.address", "auto"),
    Change("run.allow_truncated", True),
    Change("run.allow_damaged", 0.5),
    Change("run.allow_unreadable", 0.5),
)

VERSIONS = {
    "decontamination": "evaluation_index",
    "documents.measure": "text",
    "documents.signals": " ".join(stage for stage in AFTER if stage.startswith("signals/")),
    "scores": "model_scores",
    "dedup.bands": "bands",
    "dedup.edges": "edges",
    "dedup.verify": "verified",
    "dedup.components": "components",
    "dedup.members": "members",
    "dedup.clusters": "duplicates",
    "repeated_lines.count": "line_keys",
    "repeated_lines.measure": "repeated_lines",
    "sites.parts": "site_parts",
    "sites.merge": "sites",
    "sites.deviation": "diversity site_signals",
    "sites.signals": "site_signals",
    "judge": "thresholds",
    "materialize.parts": "parts",
    "materialize.curated": "curated",
}
"""What the `VERSION` of each module of `thresher.pipeline` enters."""

RUN_FAMILIES = {"repeated_lines": "line_keys", "site": "site_parts", "collapse": "site_parts"}
"""What the versions of families enter that take the whole run: the first stage on their way."""

BESIDES = {"url_parts": "line_keys"}
"""What the versions of families enter beside the files that hold them."""

COUNTED = {"length": "bands"}
"""Stages that count by a family, for their facts alone: nothing that follows is another."""

MODEL_FIELDS = {
    "name": False,
    "url": False,
    "role": False,
    "sha256": True,
    "positive_label": True,
    "text": True,
    "max_characters": True,
    "calibration": True,
    "languages": True,
    "licence": False,
    "source": False,
    "summary": False,
    "note": False,
    "origin": False,
}
"""Whether what the registry says of a model decides its scores."""
