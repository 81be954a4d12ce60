"""The reference pages are up to date, and nothing a person can name is without a text."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal

import msgspec
import pytest

from thresher.jobs.docs import pages as docs
from thresher.jobs.docs.settings import settings_of

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def pages():
    return docs.pages()


def found_pages():
    """All pages in `docs/`, by their path there."""
    paths = docs.FOLDER.rglob("*.md")
    return {path.relative_to(docs.FOLDER).as_posix(): path.read_text("utf-8") for path in paths}


def test_pages_are_up_to_date(pages):
    made = docs.NOTE + "\n"
    written = {name: text for name, text in found_pages().items() if text.startswith(made)}
    stale = sorted(n for n in pages.keys() | written.keys() if pages.get(n) != written.get(n))
    assert not stale, f"stale: {stale}; `make docs` writes them again"


def test_links_lead_somewhere(pages):
    """Every link of a page to a place on one of the pages has its heading."""
    places = {
        f"{name}#{re.sub(r'[^a-z0-9_ -]', '', heading.lower()).replace(' ', '-')}"
        for name, page in pages.items()
        for heading in re.findall(r"(?m)^##? (.+)$", page)
    }
    links = [
        (name, f"{target or name}#{place}")
        for name, page in pages.items()
        for target, place in re.findall(r"\]\(([\w.]*)#([^)]+)\)", page)
    ]
    assert [(name, link) for name, link in links if link not in places] == []
    assert {name for name, _ in links} == {"reasons.md", "junk.md", "policies.md", "glossary.md"}


def test_tables_are_whole(pages):
    for name, page in pages.items():
        for table in re.findall(r"(?m)(?:^\|.*\n?)+", page):
            columns = {len(re.findall(r"(?<!\\)\|", row)) for row in table.strip().split("\n")}
            assert len(columns) == 1, f"{name}: {table[:200]}"


def test_the_readme_links_to_every_page(pages):
    readme = (ROOT / "README.md").read_text("utf-8")
    every = [name for name in found_pages() if name != "index.md"]
    assert set(pages) < set(every)
    assert [name for name in every if f"(docs/{name})" not in readme] == []
    assert len(readme.splitlines()) < 120


def test_the_first_page_links_to_every_page():
    found = found_pages()
    assert [n for n in found if n != "index.md" and f"]({n})" not in found["index.md"]] == []


def test_the_two_commands_of_the_readme_are_there():
    readme = (ROOT / "README.md").read_text("utf-8")
    commands = re.findall(r"(?m)^    (\S.*?)  ", readme.partition("\n## ")[0])
    assert commands == ["make demo", "make test"]
    makefile = (ROOT / "Makefile").read_text("utf-8")
    assert all(f"\n{command.removeprefix('make ')}: " in makefile for command in commands)


def test_the_picture_is_small_and_shown():
    header = (docs.FOLDER / "report.png").read_bytes()
    assert header.startswith(b"\x89PNG")
    assert len(header) < 200_000
    assert "](docs/report.png)" in (ROOT / "README.md").read_text("utf-8")
    assert "](report.png)" in (docs.FOLDER / "index.md").read_text("utf-8")


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
