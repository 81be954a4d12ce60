"""The text of a first recipe: all settings with their defaults and what they mean, to be changed.

Everything is taken from the settings themselves. A setting that is not stated is commented out
with its default; taking the mark away changes nothing. Sections are open, so that any line can be
taken by itself; a table of which there may be many stands as an example, commented out whole.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from thresher.jobs.docs.settings import Setting, settings_of, toml
from thresher.jobs.recipe import Recipe

__all__ = ["EXAMPLES", "starter_text"]

EXAMPLES: Mapping[str, object] = {
    "guests.filter": "datatrove.RegexFilter",
    "guests.arguments": {"regex_exp": "(?i)lorem ipsum"},
    "scores.name": "machine_text",
    "scores.meaning": "Probability that a machine wrote the text.",
    "scores.model": "machine-text-en@1",
    "scores.range": [0, 1],
    "decontaminate.name": "gsm8k",
    "decontaminate.path": "eval/gsm8k/*.parquet",
    "decontaminate.fields": ["question", "answer"],
    "dedup.bands": 14,
    "dedup.rows": 8,
    "dedup.permutations": 112,
    "run.workers": 4,
}
"""Values for settings without a default, and others of which a table needs one."""

_FIRST = ("name", "lake", "input", "judge")
"""What everybody changes."""
_WIDTH = 98
_SENTENCE_END = re.compile(r"(?<=\.) +(?=[A-Z`])")
_HEAD = """\
# A recipe for Thresher: what to read, how to judge, where to write. `thresher init` wrote it.
#
# A line that begins with # and no space behind it is a setting with its default, or an example
# where that is unset: take the # away to change it. docs/recipe.md says more about each. Relative
# paths start at the folder of this file.
"""


def starter_text(stated: Mapping[str, Any], notes: Mapping[str, str] | None = None) -> str:
    """A recipe as TOML with comments.

    Args:
        stated: the settings that are not commented out, as the recipe has them.
        notes: what else to say above a setting, by its dotted name.
    """
    settings = {setting.name: setting for setting in settings_of(Recipe)}
    order = [*_FIRST, *(name for name in settings if name not in _FIRST)]
    plain = [settings[name] for name in order if not settings[name].structs]
    tables = [settings[name] for name in order if settings[name].structs]
    blocks = [_HEAD.splitlines(), list(_lines(plain, stated, notes or {}, ""))]
    for table in tables:
        own = stated.get(table.name, {})
        blocks.append(list(_example(table) if table.many else _table(table, own, notes or {})))
    return "\n\n".join("\n".join(block) for block in blocks) + "\n"


def _table(table: Setting, stated: Mapping[str, Any], notes: Mapping[str, str]) -> Iterator[str]:
    (struct,) = table.structs
    yield from _comment(" ".join((struct.__doc__ or "").split()))
    yield f"[{table.name}]"
    yield from _lines(settings_of(struct), stated, notes, f"{table.name}.")


def _example(table: Setting) -> Iterator[str]:
    """One table of many, commented out whole."""
    struct = table.structs[0]
    yield from _comment(table.text)
    yield f"#[[{table.name}]]"
    inner = settings_of(struct)
    yield from _lines([each for each in inner if not each.structs], {}, {}, f"{table.name}.")
    for each in inner:
        if each.structs:
            yield f"#[{table.name}.{each.name}]"
            yield from _lines(settings_of(each.structs[0]), {}, {}, f"{table.name}.{each.name}.")


def _lines(
    settings: Iterable[Setting], stated: Mapping[str, Any], notes: Mapping[str, str], path: str
) -> Iterator[str]:
    for setting in settings:
        name = f"{path}{setting.name}"
        choice = f"It is {setting.kind.replace('`', '')}." if setting.kind[0] == "`" else ""
        said = (_first_sentence(setting.text), choice, notes.get(name, ""))
        yield from _comment(" ".join(filter(None, said)))
        if setting.name in stated:
            yield f"{setting.name} = {toml(stated[setting.name])}"
            continue
        value = _inline(EXAMPLES[name]) if name in EXAMPLES else setting.default.strip("`")
        yield f"#{setting.name} = {value}"


def _inline(value: Any) -> str:
    """A value as TOML has it on one line, with tables."""
    if isinstance(value, Mapping):
        return f"{{ {', '.join(f'{key} = {_inline(item)}' for key, item in value.items())} }}"
    return toml(value)


def _first_sentence(text: str) -> str:
    return _SENTENCE_END.split(text, maxsplit=1)[0]


def _comment(text: str) -> Iterator[str]:
    yield from (f"# {line}" for line in textwrap.wrap(text, _WIDTH, break_on_hyphens=False))
