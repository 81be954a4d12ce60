"""The reference pages in `docs/`, made from the registries: `make docs` writes them.

Signals, reasons, policies, transforms, settings and commands all carry their own text; these
pages only arrange it. A test fails where a page is stale, and where something has no text.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from importlib import resources
from pathlib import Path

import msgspec

from thresher.classifiers.settings import TrainSettings
from thresher.filters.policy import (
    RESERVED_MEANINGS,
    Policy,
    Rule,
    shipped_policies,
    shipped_policy,
)
from thresher.filters.policy.sql import RuleText, explain_rows
from thresher.filters.signals import FAMILIES, Family, Signal
from thresher.filters.transforms.cuts import CUTS
from thresher.filters.transforms.registry import TRANSFORMS
from thresher.jobs.cli.common import EXIT_CODES
from thresher.jobs.docs.commands import commands
from thresher.jobs.docs.junk import junk_page
from thresher.jobs.docs.settings import Setting, settings_of
from thresher.jobs.recipe import Recipe
from thresher.pipeline.read import REASONS

FOLDER = Path(__file__).resolve().parents[2] / "docs"

_TRAINING_EXAMPLE = """\
```toml
# Good pages of one's own against a random 1% of what a run has measured.
[[positives]]
files = ["good/*.jsonl.gz"]
source_fields = ["source"]
held_out = ["wikipedia"]

[[negatives]]
lake = "out/lake"
fraction = 0.01

[search]
lr = [0.1, 0.5]
epoch = [3, 5]
```"""

_NOTE = "<!-- Made by `make docs` from the source. Do not edit. -->"


def pages() -> dict[str, str]:
    """Every page by its file name."""
    makers: dict[str, Callable[[], Iterator[str]]] = {
        "signals.md": _signals,
        "policies.md": _policies,
        "reasons.md": _reasons,
        "junk.md": junk_page,
        "recipe.md": _recipe,
        "training.md": _training,
        "transforms.md": _transforms,
        "commands.md": _commands,
    }
    return {name: "\n\n".join([_NOTE, *make()]) + "\n" for name, make in makers.items()}


def without_text() -> list[str]:
    """Whatever has no text of its own: signals, reasons, settings, transforms, commands."""
    missing = [family.name for family in FAMILIES if not family.summary]
    missing += [s.name for f in FAMILIES for s in f.signals if not (s.meaning and s.null_when)]
    missing += [reason.name for reason in REASONS.values() if not reason.meaning]
    missing += [reason for reason, meaning in RESERVED_MEANINGS.items() if not meaning]
    missing += [cut.name for cut in CUTS if not (cut.meaning and cut.needs)]
    missing += [transform.name for transform in TRANSFORMS if not transform.meaning]
    for name in shipped_policies():
        missing += [f"{name}: {r.reason}" for r in shipped_policy(name).rules if not r.meaning]
    for kind, heading in ((Recipe, "recipe"), (Policy, "policy"), (TrainSettings, "train")):
        for path, struct in _sections(kind, heading):
            missing += [] if struct.__doc__ else [path]
            missing += [
                f"{path}.{s.name}"
                for s in settings_of(struct)
                if not (s.text or (s.structs and not s.many))
            ]
    for command in commands():
        missing += [] if command.text and command.example else [command.name]
        missing += [f"{command.name}: {p.name}" for p in command.parameters if not p.text]
    return missing


def main() -> None:
    """Write the pages into `docs/`."""
    FOLDER.mkdir(exist_ok=True)
    for name, text in pages().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
        sys.stdout.write(f"docs/{name}\n")


def _signals() -> Iterator[str]:
    yield "# Signals"
    yield (
        "Every document is measured once; a signal is one value of it, NULL where it is undefined. "
        "In SQL and in policies it is written as here, `family.name`. A family has a version, "
        "which rises when its values change, and then its documents are measured again."
    )
    for family in FAMILIES:
        yield from _family(family)
    yield "## guests"
    yield (
        "Verdicts of the filters that a recipe names under `[[guests]]`: `guests.NAME` is "
        "`passed`, or the reason why the filter would drop the document; NULL where it failed."
    )


def _family(family: Family) -> Iterator[str]:
    yield f"## {family.name}"
    yield f"{family.summary} Version {family.version}."
    yield table(
        ("signal", "type", "unit", "range", "meaning", "NULL when", "source"),
        (
            (
                f"`{s.name}`",
                s.type,
                s.unit,
                _range(s),
                s.meaning,
                s.null_when,
                s.source,
            )
            for s in family.signals
        ),
    )


def _range(signal: Signal) -> str:
    if signal.range is None:
        return ""
    low, high = ("" if bound is None else f"{bound:g}" for bound in signal.range)
    if not low:
        return f"up to {high}"
    return f"{low} to {high}" if high else f"from {low}"


def _policies() -> Iterator[str]:
    yield "# Policies"
    yield (
        "A policy is an ordered list of rules over signals. Every rule is evaluated; the first "
        "that drops a document gives its primary reason. `judge.policy` in a recipe names one of "
        "these, or a TOML file of your own."
    )
    for name in shipped_policies():
        yield from _policy(name)
    yield "# Writing a policy"
    yield (
        "Every bound that is stated is a reason to drop, so `below = 3, above = 10` drops what "
        "lies outside [3, 10]. Unknown settings are errors."
    )
    yield from _struct_tables(Policy, "policy")


def _policy(name: str) -> Iterator[str]:
    policy = shipped_policy(name)
    text = resources.files("thresher.filters.policies").joinpath(f"{name}.toml").read_text("utf-8")
    header = [line[2:] for line in text.splitlines() if line.startswith("# ")]
    yield f"## {name}"
    yield f"Version {policy.version}. {policy.source}"
    yield "\n".join(f"> {line}" for line in header)
    yield table(
        ("reason", "dropped if", "by language", "if undefined", "meaning"),
        (
            (f"`{rule.reason}`", _tests(row), _by_language(rule), rule.missing, rule.meaning)
            for rule, row in zip(policy.rules, explain_rows(policy), strict=True)
        ),
    )
    if policy.duplicates.drop:
        best = policy.duplicates.prefer
        survivor = f"the highest `{best}`, then the smallest id" if best else "the smallest id"
        kinds = " and ".join(policy.duplicates.drop)
        yield f"Of copies ({kinds}) the one with {survivor} survives."


def _tests(row: RuleText) -> str:
    tests = zip(row.signals, row.operators, row.thresholds, strict=True)
    return " and ".join(f"`{name}` {sign} {_value(value)}" for name, sign, value in tests)


def _by_language(rule: Rule) -> str:
    parts = []
    for condition in rule.conditions:
        for code, own in sorted(condition.by_language.items()):
            bounds = ", ".join(f"{kind} {_value(value)}" for kind, value in own.stated.items())
            parts.append(f"{code}: {'off' if own.off else bounds}")
    return "; ".join(parts)


def _value(value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:,}" if isinstance(value, int | float) else str(value)


def _reasons() -> Iterator[str]:
    yield "# Reasons"
    yield (
        "Why a record is not in the curated shards. A gated record is fine but not wanted, a "
        "failed one is damaged; both are decided before measuring and are found in the view "
        "`quarantine`, gated ones as a sample. A dropped document was measured, and its decision "
        "lists all its reasons."
    )
    for outcome, title in (("gated", "Gated"), ("failed", "Failed")):
        yield f"## {title}"
        mine = [reason for reason in REASONS.values() if reason.outcome == outcome]
        yield table(("reason", "meaning"), ((f"`{r.name}`", r.meaning) for r in mine))
    yield "## Dropped by a rule"
    yield table(
        ("reason", "meaning", "policies"),
        (
            (f"`{reason}`", meaning, ", ".join(policies))
            for reason, (meaning, policies) in sorted(_rule_reasons().items())
        ),
    )
    yield "## Dropped by a stage"
    rows = ((f"`{reason}`", meaning) for reason, meaning in RESERVED_MEANINGS.items())
    yield table(("reason", "meaning"), rows)


def _rule_reasons() -> Mapping[str, tuple[str, list[str]]]:
    found: dict[str, tuple[str, list[str]]] = {}
    for name in shipped_policies():
        for rule in shipped_policy(name).rules:
            found.setdefault(rule.reason, (rule.meaning, []))[1].append(name)
    return found


def _recipe() -> Iterator[str]:
    yield "# The recipe"
    yield (
        "A recipe is a TOML file. Unknown settings are errors, and relative paths are relative to "
        "the recipe's folder. `thresher plan RECIPE.toml` checks it."
    )
    yield from _struct_tables(Recipe, "recipe")


def _training() -> Iterator[str]:
    yield "# Training a model"
    yield (
        "`thresher train NAME --config FILE` reads a TOML file with these settings. Unknown "
        "settings are errors; relative paths start at `--root`, or at the folder of the file."
    )
    yield (
        "Copies and near copies of a text are left out, texts of both classes leave both, and the "
        "rest is split by domain into what is trained on, what the search and the calibration use, "
        "and what is held out for the reported figures; `held_out` keeps whole sources for these. "
        "The classifiers that come with Thresher are made this way: see the files beside them in "
        "`classifiers/models/`. Training needs `pip install 'thresher[train]'`."
    )
    yield _TRAINING_EXAMPLE
    yield from _struct_tables(TrainSettings, "train")


def _transforms() -> Iterator[str]:
    yield "# Transforms"
    yield (
        "What changes a text before it is written to a curated shard: `curated.transforms` names "
        "them in the order they are applied. The columns `lines_removed` and `characters_removed` "
        "of a curated shard say what they took away. A formatter of datatrove can stand among them "
        'as `{ formatter = "datatrove.FTFYFormatter", arguments = {} }`.'
    )
    yield table(
        ("transform", "version", "meaning", "applied again"),
        (
            (
                f"`{transform.name}`",
                str(transform.version),
                transform.meaning,
                "changes nothing" if transform.idempotent else "may change the text once more",
            )
            for transform in TRANSFORMS
        ),
    )
    yield "## Cuts"
    yield (
        "A cut removes what measuring found, at its place in the measured text. Cuts are named in "
        "`curated.transforms` as well, before all others; what any of them removes goes."
    )
    yield table(
        ("cut", "version", "meaning", "needs"),
        ((f"`{cut.name}`", str(cut.version), cut.meaning, cut.needs) for cut in CUTS),
    )


def _struct_tables(kind: type[msgspec.Struct], heading: str) -> Iterator[str]:
    for path, struct in _sections(kind, heading):
        yield f"## {path}"
        yield " ".join((struct.__doc__ or "").split())
        rows = [_setting_row(s) for s in settings_of(struct) if not s.structs or s.many]
        yield table(("setting", "type", "default", "meaning"), rows)


def _sections(
    kind: type[msgspec.Struct], heading: str, path: str = ""
) -> Iterator[tuple[str, type[msgspec.Struct]]]:
    """A struct and all within it, each once, with its path in the file as heading."""
    yield path or heading, kind
    seen: set[type[msgspec.Struct]] = set()
    for setting in settings_of(kind):
        here = f"{path}.{setting.name}".lstrip(".") + ("[]" if setting.many else "")
        for struct in setting.structs:
            if struct not in seen:
                seen.add(struct)
                yield from _sections(struct, heading, here)


def _setting_row(setting: Setting) -> tuple[str, ...]:
    return f"`{setting.name}`", setting.kind, setting.default, setting.text


def _commands() -> Iterator[str]:
    yield "# Commands"
    yield f"{EXIT_CODES} Progress goes to stderr, results to stdout."
    for command in commands():
        yield f"## {command.name}"
        yield command.text
        yield f"`{command.example}`"
        rows = [(f"`{p.name}`", p.kind, p.default, p.text) for p in command.parameters]
        if rows:
            yield table(("argument or option", "type", "default", "meaning"), rows)


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [" | ".join(header), " | ".join("---" for _ in header)]
    lines += [" | ".join(cell.replace("|", "\\|") for cell in row) for row in rows]
    return "\n".join(f"| {line} |" for line in lines)
