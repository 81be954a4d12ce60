"""The site: every link leads somewhere, every page is in the contents, nothing is fetched."""

from __future__ import annotations

import importlib.util
import re
import shutil

import pytest

from thresher.jobs.docs import site

needs_sphinx = pytest.mark.skipif(
    importlib.util.find_spec("sphinx") is None, reason="the group `docs` is not installed"
)


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    out = tmp_path_factory.mktemp("site")
    assert site.build(site.ROOT, site.CONTENTS, out)
    return out / "html"


@needs_sphinx
@pytest.mark.slow
def test_every_page_is_built(built):
    for page in site.sources(site.ROOT).values():
        assert (built / page).with_suffix(".html").is_file(), page
    assert (built / "_images" / "report.png").is_file()
    reasons = (built / "reasons.html").read_text("utf-8")
    assert 'id="too-few-words"' in reasons or 'id="too_few_words"' in reasons
    assert reasons.count("<h1>") == 1


def fetched(text):
    """What a browser that shows this HTML or CSS loads by itself from another host."""
    loaded = re.findall(r"<(?:link|script|img|iframe|source|video)\b[^>]*>", text)
    loaded += re.findall(r"url\((?!['\"]?data:)[^)]*\)|@import[^;]*", text)
    return [each for each in loaded if re.search(r"(https?:)?//\w", each)]


@needs_sphinx
@pytest.mark.slow
def test_nothing_is_fetched_from_elsewhere(built):
    files = [path for path in built.rglob("*") if path.suffix in (".html", ".css")]
    assert len(files) > 25
    assert {path.name: found for path in files if (found := fetched(path.read_text("utf-8")))} == {}


@pytest.mark.parametrize(
    "text",
    [
        '<link rel="stylesheet" href="https://fonts.example/inter.css">',
        '<script src="//cdn.example/x.js"></script>',
        "body { background: url('http://x.example/a.png') }",
        '@import "https://x.example/a.css";',
    ],
)
def test_what_is_fetched_is_found(text):
    assert fetched(f"<p>{text}</p>")
    assert not fetched('<a href="https://x.example">x</a><img src="a.png"> url(\'data:x//y\')')


def small_site(root, **pages):
    """A repository with a first page and these in `docs/`, and the contents that name them."""
    (root / "docs").mkdir()
    for name in ("conf.py", "site.css"):
        shutil.copy(site.ROOT / "docs" / name, root / "docs")
    (root / "docs" / "index.md").write_text("# First\n")
    (root / "ARCHITECTURE.md").write_text("# How\n\n## Parts\n\n[one](docs/one.md#a-part)\n")
    for name, text in pages.items():
        (root / "docs" / f"{name}.md").write_text(text)
    return {"All": [*pages, "architecture"]}


ONE = "# One\n\n## A part\n\n[how](../ARCHITECTURE.md#parts), [self](#a-part), `conf.py`\n"


@needs_sphinx
@pytest.mark.slow
def test_a_small_site_is_built(tmp_path):
    contents = small_site(tmp_path, one=ONE)
    assert site.build(tmp_path, contents, tmp_path / "out")
    page = (tmp_path / "out" / "html" / "one.html").read_text("utf-8")
    assert 'href="architecture.html#parts"' in page


@needs_sphinx
@pytest.mark.slow
@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("[x](#no-part)", "no-part"),
        ("[x](../ARCHITECTURE.md#no-part)", "no-part"),
        ("[x](http:/example.org)", "docs/one.md: http:/example.org is no address"),
    ],
)
def test_a_wrong_link_fails(tmp_path, capfd, wrong, said):
    contents = small_site(tmp_path, one=f"{ONE}\n{wrong}\n")
    assert not site.build(tmp_path, contents, tmp_path / "out")
    assert said in capfd.readouterr().err


@pytest.mark.parametrize("target", ["two.md", "../../secret.md", "how-to/two.md#x", "two.png"])
def test_a_link_to_nothing_is_found(tmp_path, target):
    root = tmp_path / "repository"
    root.mkdir()
    small_site(root, one="")
    (tmp_path / "secret.md").write_text("there, but not in the repository")
    pages = site.sources(root)
    for mark in ("", "!"):
        _, problems = site.moved(f"a {mark}[x]({target})", "docs/one.md", root, pages)
        assert problems == [f"docs/one.md: {target} leads nowhere"]


@needs_sphinx
@pytest.mark.slow
def test_a_page_that_the_contents_leave_out_fails(tmp_path, capfd):
    contents = small_site(tmp_path, one=ONE, two="# Two\n")
    contents["All"].remove("two")
    assert not site.build(tmp_path, contents, tmp_path / "out")
    assert "two.md" in capfd.readouterr().err


def test_the_contents_name_every_page_once():
    named = [name for names in site.CONTENTS.values() for name in names]
    pages = site.sources(site.ROOT).values()
    assert sorted(named) == sorted(p.removesuffix(".md") for p in pages if p != "index.md")


def test_links_are_moved_with_their_pages(tmp_path):
    small_site(tmp_path, one="", two="")
    (tmp_path / "docs" / "how-to").mkdir()
    (tmp_path / "docs" / "how-to" / "ask.md").write_text("")
    (tmp_path / "tests").mkdir()
    pages = site.sources(tmp_path)

    def moved(text, path="docs/how-to/ask.md"):
        found, problems = site.moved(text, path, tmp_path, pages)
        assert problems == []
        return found

    assert moved("[a](../one.md#b), [c](../two.md)") == "[a](../one.md#b), [c](../two.md)"
    assert moved("[a `b`](../../ARCHITECTURE.md)") == "[a `b`](../architecture.md)"
    assert moved("[a](docs/one.md#b)", "ARCHITECTURE.md") == "[a](one.md#b)"
    assert moved("see [the tests](../../tests), [x](https://example.org/a_b)") == (
        "see the tests, [x](https://example.org/a_b)"
    )
    for code in ("```sh\n[a](b.md)\n```", "    [a](b.md)", "~~~\n```\n[a](b.md)\n~~~"):
        assert moved(code) == code
    assert moved("```\n[a](b.md)\n```\n[a](../../tests)") == "```\n[a](b.md)\n```\na"


def test_later_titles_are_sections_of_the_first():
    text = "# A\n\n## B\n\n```\n# no title\n```\n\n# C\n\n## D\n\n    # no title"
    assert site.one_title(text) == text.replace("# C", "## C").replace("## D", "### D")
    assert site.one_title("# A\n\n## B") == "# A\n\n## B"
