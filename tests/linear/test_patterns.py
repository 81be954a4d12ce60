"""Every regular expression that may meet text of the web takes linear steps, or bounded input.

A pattern that is not listed here fails by name. Its worst inputs are looked for among repeats of
its own characters and parts behind every beginning of a text that it matches; with those it is run
at 4, 64 and 1,024 kB on a machine that counts what a backtracking engine does (`backtracking`).
"""

from __future__ import annotations

import ast
import importlib
import importlib.util
import itertools
import pkgutil
import re
import sys
from functools import cache
from pathlib import Path

import pytest

_spec = importlib.util.spec_from_file_location(
    "backtracking", Path(__file__).with_name("backtracking.py")
)
assert _spec is not None
assert _spec.loader is not None
backtracking = importlib.util.module_from_spec(_spec)
sys.modules["backtracking"] = backtracking
_spec.loader.exec_module(backtracking)

ROOT = Path(__file__).parents[2]
FOLDERS = ("filters", "pipeline", "classifiers")

PATTERNS = {
    "filters.dates._ASCTIME": "match",
    "filters.dates._COMPACT": "match",
    "filters.dates._ISO": "match",
    "filters.dates._MAIL": "match",
    "filters.dates._NUMBER": "match",
    "filters.cut_words._WORD": "all",
    "filters.junk.families._WORDS": "all",
    "filters.junk.phrases._CHOICE": "all",
    "filters.lost_marks._BULLET": "all",
    "filters.lost_marks._CONTRACTION": "all",
    "filters.lost_marks._DASH": "all",
    "filters.lost_marks._GENITIVE": "all",
    "filters.lost_marks._QUOTE": "all",
    "filters.lost_marks._WITHIN": "all",
    "filters.mended_text._MOJIBAKE": "all",
    "filters.transforms.line_cleaning._CITATION": "all",
    "filters.transforms.line_cleaning._CONSENT_NOTICE": "search",
    "filters.transforms.line_cleaning._LEGAL": "search",
    "filters.transforms.line_cleaning._LONG_WORD": "search",
    "filters.transforms.line_cleaning._NESTED": "search",
    "filters.transforms.line_cleaning._SCRIPT_NOTICE": "search",
    "filters.transforms.line_cleaning._SUBJECTS": "search",
    "filters.transforms.line_edits._CITATION": "all",
    "filters.transforms.line_edits._COUNTER": "match",
    "filters.transforms.line_edits._FURNITURE[0]": "all",
    "filters.transforms.line_edits._FURNITURE[1]": "all",
    "filters.transforms.line_edits._FURNITURE[2]": "all",
    "filters.transforms.line_edits._NEWLINES": "all",
    "filters.transforms.pii._AMERICAN": "all",
    "filters.transforms.pii._ANY_NUMBER": "all",
    "filters.transforms.pii._DATE": "match",
    "filters.transforms.pii._DIGIT": "search",
    "filters.transforms.pii._DIGITS": "all",
    "filters.transforms.pii._EMAIL": "all",
    "filters.transforms.pii._INTERNATIONAL": "all",
    "filters.transforms.pii._IPV4": "all",
    "filters.transforms.pii._IPV6": "all",
    "filters.transforms.pii._LABEL": "search",
    "filters.transforms.pii._THOUSANDS": "match",
    "pipeline.dedup.urls._ESCAPE": "all",
    "pipeline.dedup.urls._SESSION_PATH": "all",
    "pipeline.dedup.urls._TRACKING": "match",
    "pipeline.dedup.urls._UNRESERVED": "match",
    "pipeline.extract.metadata._BETWEEN": "all",
    "pipeline.extract.metadata._DAY": "match",
    "pipeline.extract.metadata._LANGUAGE": "match",
    "pipeline.extract.metadata._LICENCE": "search",
    "pipeline.gate.gates._WORD": "all",
    "pipeline.read.charset._META": "search",
    "pipeline.read.charset._UKRAINIAN": "search",
    "pipeline.read.charset._XML": "match",
    "pipeline.read.bodies._CHUNK_SIZE": "match",
    "pipeline.read.http._BLANK_LINE": "search",
    "pipeline.read.http._STATUS": "match",
    "pipeline.read.jsonl._ARRAY": "match",
    "pipeline.read.jsonl._PRINTED": "match",
    "pipeline.read.jsonl._SPACE": "match",
    "pipeline.read.lz4.LZ4.starts": "all",
    "pipeline.read.media._CHARSET": "search",
    "pipeline.read.media._HTML_TAG": "match",
    "pipeline.read.media._ROOT": "match",
    "pipeline.read.media._SPACE": "match",
    "pipeline.read.media._TYPE": "match",
    "pipeline.read.lists._CONTROL": "search",
    "pipeline.read.names._AUTHORITY": "match",
    "pipeline.read.names._BETWEEN_PARAMETERS": "all",
    "pipeline.read.names._BETWEEN_PARTS": "all",
    "pipeline.read.names._CHAIN": "all",
    "pipeline.read.names._HEADER": "all",
    "pipeline.read.names._HUB_TOKEN": "all",
    "pipeline.read.names._INNER_USER": "all",
    "pipeline.read.names._LONG_WORD": "match",
    "pipeline.read.names._PARAMETER": "all",
    "pipeline.read.names._PLACE": "match",
    "pipeline.read.names._SIGNING_NAME": "match",
    "pipeline.read.names._URL": "all",
    "pipeline.read.records._SURROGATES": "all",
    "pipeline.read.sources._CONTROL": "search",
    "pipeline.read.warc._ARC_DATE": "match",
    "pipeline.read.warc._ARC_LENGTH": "match",
    "pipeline.read.warc._BLANK_LINE": "search",
    "pipeline.read.warc._LENGTH": "match",
    "pipeline.read.warc._NEXT_RECORD": "search",
    "pipeline.read.warc._SCHEME": "match",
    "pipeline.read.warc._TWO_LINE_ENDS": "match",
    "pipeline.read.warc._TYPE": "match",
    "pipeline.read.warc._WARC_LINE": "match",
    "classifiers.card_text._CONTROL": "all",
    "classifiers.card_text._MARKUP": "all",
    "classifiers.examples._SURROGATE": "all",
    "classifiers.fasttext_model._END_OF_SENTENCE": "all",
    "classifiers.fitting._LABEL_WORDS": "all",
    "classifiers.preparation._MARKS": "all",
    "classifiers.preparation._NEWLINES": "all",
}
"""How each is used: `match` at one place, `search` for one match, or `all` matches of a text."""

NEVER_OF_THE_WEB = {
    "filters.composed._PART": "recipes of composed texts, which the project writes",
    "filters.mending._COMMAND": "messages of libraries about packages",
    "filters.mending._NAMED[0]": "messages of libraries about packages",
    "filters.mending._NAMED[1]": "messages of libraries about packages",
    "filters.policy.check._NAME": "names in a policy",
    "filters.policy.check._REASON": "names in a policy",
    "pipeline.inspect.reasons._BYTE": "examples of reasons, which the project writes",
    "pipeline.guests._NAME": "a setting",
    "classifiers.registry_add._NAME": "a setting",
    "classifiers.scorers._NAME": "a setting",
    "classifiers.train._NAME": "a setting",
}

INLINE = {
    "pipeline/guests.py": "names of classes",
}
"""Modules that may call functions of `re` with a pattern, and on what."""

STEPS_PER_BYTE = 400
"""Of any pattern on its worst input; the dearest is charset._META, which is shown 4,096 bytes."""
CANDIDATE_BYTES = 4_000
SIZES = (64_000, 1_024_000)


def found_patterns():
    found = {}
    for folder in FOLDERS:
        package = importlib.import_module(f"thresher.{folder}")
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if module.name.endswith("__main__"):
                continue
            for name, value in vars(importlib.import_module(module.name)).items():
                if not name.startswith("__"):
                    _collect(f"{module.name.removeprefix('thresher.')}.{name}", value, found)
    first = {}
    for name, pattern in sorted(found.items()):
        # `re` gives equal patterns the same object, and modules import each other's.
        first.setdefault((name, id(pattern)), pattern)
    return {name: pattern for (name, _), pattern in first.items()}


def _collect(name, value, found):
    if isinstance(value, re.Pattern):
        found[name] = value
    elif isinstance(value, tuple | list):
        for i, each in enumerate(value):
            _collect(f"{name}[{i}]", each, found)
    elif isinstance(value, dict):
        for key, each in value.items():
            _collect(f"{name}[{key!r}]", each, found)
    elif hasattr(value, "__dataclass_fields__") and not isinstance(value, type):
        for key in value.__dataclass_fields__:
            _collect(f"{name}.{key}", getattr(value, key, None), found)


@cache
def patterns():
    return found_patterns()


def test_every_pattern_is_listed():
    known = PATTERNS.keys() | NEVER_OF_THE_WEB.keys()
    assert not patterns().keys() - known, "not listed: say how it is used"
    assert not known - patterns().keys(), "listed and gone"


def test_patterns_are_compiled_where_they_are_seen():
    inline = set()
    for folder in FOLDERS:
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if (
                    isinstance(node, ast.Call)
                    and isinstance(node.func, ast.Attribute)
                    and isinstance(node.func.value, ast.Name)
                    and node.func.value.id == "re"
                    and node.func.attr not in ("compile", "escape")
                ):
                    inline.add(path.relative_to(ROOT).as_posix())
    assert inline == INLINE.keys()


def worst_inputs(machine, how):
    """Prefix and repeated part of the three inputs of 4 kB that take most steps."""
    example = machine.example()[:200]
    alphabet = machine.alphabet()[:12]
    single = [bytes([code]) for code in alphabet]
    double = [bytes(pair) for pair in itertools.permutations(alphabet, 2)]
    beginnings = [example[:size] for size in range(len(example) + 1)]
    some = [beginnings[len(example) * k // 4] for k in range(5)]
    tried = [*itertools.product(beginnings, single), *itertools.product(some, double)]
    tried += [(b"", beginning) for beginning in beginnings[1:]]
    tried += itertools.product(some, machine.repeated())
    counted = []
    for start, part in tried:
        text = pumped(start, part, CANDIDATE_BYTES)
        counted.append(
            (machine.steps(text, how, 4 * STEPS_PER_BYTE * CANDIDATE_BYTES), start, part)
        )
    counted.sort(reverse=True)
    return [(start, part) for _, start, part in counted[:3]]


def pumped(start, part, size):
    return (start + part * (size // len(part) + 1))[:size] + b"\x01"


def problems(pattern, how):
    machine = backtracking.Machine(pattern)
    found = []
    for start, part in worst_inputs(machine, how):
        small, large = (
            machine.steps(pumped(start, part, size), how, 2 * STEPS_PER_BYTE * size) / size
            for size in SIZES
        )
        if large > STEPS_PER_BYTE or large > 1.1 * small + 1:
            found.append(f"{small:.1f}, then {large:.1f} steps a byte on {start!r} + {part!r} ...")
    return found


@pytest.mark.slow
@pytest.mark.parametrize("name", PATTERNS)
def test_steps_grow_no_faster_than_the_input(name):
    assert not problems(patterns()[name], PATTERNS[name])


@pytest.mark.parametrize(
    ("pattern", "how"),
    [
        (r"(?:\s|<!--.{0,20}?-->|<\?xml>)*<html", "match"),
        (r"charset=\s*\"?\s*(\w+)", "search"),
        (r"\s+$", "all"),
        (r"(a+)+b", "match"),
        (r"[0-9]*[0-9]*x", "match"),
        (r"<a.*>.*</a>", "search"),
    ],
)
def test_the_machine_notices(pattern, how):
    assert problems(re.compile(pattern), how)


@pytest.mark.parametrize(
    "pattern", [r"a+b", r"(?:ab?)*c", r"a++b|a+?c", r"(?<!a)a+b", r"(?=a)a{2,5}x"]
)
def test_the_machine_finds_what_re_finds(pattern):
    compiled = re.compile(pattern)
    machine = backtracking.Machine(compiled)
    for text in map("".join, itertools.product("abcx", repeat=5)):
        found = compiled.match(text)
        assert machine.end(text.encode()) == (found.end() if found else -1), text
