"""The reference pages are up to date, and nothing a person can name is without a text."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal

import msgspec
import pytest

from thresher.filters.policy import RESERVED_MEANINGS, shipped_policies, shipped_policy
from thresher.filters.signals import names
from thresher.filters.transforms.registry import TRANSFORMS
from thresher.jobs.docs import pages as docs
from thresher.jobs.docs.settings import settings_of
from thresher.pipeline.read import REASONS

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def pages():
    return docs.pages()


def test_nothing_is_without_a_text():
    assert docs.without_text() == []


def test_pages_are_up_to_date(pages):
    found = {path.name: path.read_text("utf-8") for path in docs.FOLDER.glob("*.md")}
    assert found.keys() >= docs.HANDWRITTEN
    written = {name: text for name, text in found.items() if name not in docs.HANDWRITTEN}
    stale = sorted(n for n in pages.keys() | written.keys() if pages.get(n) != written.get(n))
    assert not stale, f"stale: {stale}; `make docs` writes them again"


def test_everything_is_listed(pages):
    assert [name for name in names() if f"`{name}`" not in pages["signals.md"]] == []
    assert [n for n in (*REASONS, *RESERVED_MEANINGS) if f"`{n}`" not in pages["reasons.md"]] == []
    for name in shipped_policies():
        assert f"## {name}\n" in pages["policies.md"]
        for rule in shipped_policy(name).rules:
            assert f"`{rule.reason}`" in pages["policies.md"]
            assert f"`{rule.reason}`" in pages["reasons.md"]
    assert all(f"`{transform.name}`" in pages["transforms.md"] for transform in TRANSFORMS)
    for section in ("input", "gates", "guests[]", "curated", "curated.transforms[]", "run"):
        assert f"\n## {section}\n" in pages["recipe.md"]
    for command in ("run", "explain", "catalog rebuild", "train"):
        assert f"\n## thresher {command}\n" in pages["commands.md"]
    assert "| `--lake, -l` |" in pages["commands.md"]


def test_tables_are_whole(pages):
    for name, page in pages.items():
        for table in re.findall(r"(?m)(?:^\|.*\n?)+", page):
            columns = {len(re.findall(r"(?<!\\)\|", row)) for row in table.strip().split("\n")}
            assert len(columns) == 1, f"{name}: {table[:200]}"


def test_the_readme_links_to_every_page(pages):
    readme = (ROOT / "README.md").read_text("utf-8")
    every = [*pages, *sorted(docs.HANDWRITTEN)]
    assert [name for name in every if f"(docs/{name})" not in readme] == []


class Inner(msgspec.Struct, frozen=True):
    deep: bool = True


class Outer(msgspec.Struct, frozen=True):
    """An example."""

    first: Annotated[int, msgspec.Meta(ge=1, lt=10)]
    """What it says
    on two lines."""
    second: Literal["a", "b"] | None = None
    inner: Inner = Inner()
    """In here."""
    many: tuple[str | Inner, ...] = ("x",)
    table: dict[str, float] = {}


def test_settings_say_what_the_source_says():
    first, second, inner, many, table = settings_of(Outer)
    assert (first.text, first.kind, first.default) == (
        "What it says on two lines.",
        "whole number, at least 1, below 10",
        "required",
    )
    assert (second.text, second.kind, second.default) == ("", '`"a"` or `"b"`', "unset")
    assert (inner.structs, inner.many, inner.kind) == ((Inner,), False, "table")
    assert (many.structs, many.many, many.default) == ((Inner,), True, '`["x"]`')
    assert (table.kind, table.default) == ("table of number by name", "`{}`")
