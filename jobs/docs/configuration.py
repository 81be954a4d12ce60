"""The pages of what a person writes: recipes, training files, commands."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from thresher.classifiers.settings import TrainSettings
from thresher.jobs.cli.common import EXIT_CODES
from thresher.jobs.docs.blocks import table
from thresher.jobs.docs.commands import commands
from thresher.jobs.docs.settings import Setting, settings_of
from thresher.jobs.recipe import Recipe

_RECIPE_EXAMPLE = """\
```toml
name = "cc-2026-30"
lake = "s3://bucket/lake"            # or a folder

[input]
urls = ["s3://commoncrawl/crawl-data/CC-MAIN-2026-30/segments/*/warc/*.warc.gz"]

[gates]
languages = ["en"]

[quality]
model = "quality-en@1"               # the default; thresher train makes one of your own

[lines]
enabled = true                       # measure what many documents share, to remove it below

[[decontaminate]]
name = "gsm8k"
path = "eval/gsm8k/*.parquet"        # JSONL, JSON, CSV, TSV or Parquet
fields = ["question", "answer"]

[judge]
policy = "web-en"                    # or another shipped one, or your own .toml

[curated]
transforms = ["repeated_lines", "cut_contamination", "clean_lines", "redact_pii"]
```"""

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


def recipe_page() -> Iterator[str]:
    """The page of recipes, paragraph by paragraph."""
    yield "# The recipe"
    yield (
        "A recipe is a TOML file. Unknown settings are errors, and relative paths are relative to "
        "the recipe's folder. `thresher plan RECIPE.toml` checks it."
    )
    yield _RECIPE_EXAMPLE
    yield from struct_tables(Recipe, "recipe")


def training_page() -> Iterator[str]:
    """The page of training, paragraph by paragraph."""
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
        "`classifiers/models/`. Training needs `pip install scikit-learn matplotlib`."
    )
    yield _TRAINING_EXAMPLE
    yield from struct_tables(TrainSettings, "train")


def commands_page() -> Iterator[str]:
    """The page of commands, paragraph by paragraph."""
    yield "# Commands"
    yield f"{EXIT_CODES} Progress goes to stderr, results to stdout."
    for command in commands():
        yield f"## {command.name}"
        yield command.text
        yield f"`{command.example}`"
        rows = [(f"`{p.name}`", p.kind, p.default, p.text) for p in command.parameters]
        if rows:
            yield table(("argument or option", "type", "default", "meaning"), rows)


def struct_tables(kind: type[msgspec.Struct], heading: str) -> Iterator[str]:
    """A section for a settings struct and for each within it, paragraph by paragraph."""
    for path, struct in sections(kind, heading):
        yield f"## {path}"
        yield " ".join((struct.__doc__ or "").split())
        rows = [_setting_row(s) for s in settings_of(struct) if not s.structs or s.many]
        yield table(("setting", "type", "default", "meaning"), rows)


def sections(
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
                yield from sections(struct, heading, here)


def _setting_row(setting: Setting) -> tuple[str, ...]:
    return f"`{setting.name}`", setting.kind, setting.default, setting.text
