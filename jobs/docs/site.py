"""The documentation as a site: `make site` builds it in `build/site`, with every link checked.

Its pages are those of `docs/` and a few from elsewhere in the repository. All are written to be
read in the repository, so their links lead to files there; here these become links between pages.
What a link leads to must exist; a file that is no page is only named.
"""

from __future__ import annotations

import posixpath
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

ELSEWHERE: Mapping[str, str] = {
    "ARCHITECTURE.md": "architecture.md",
    "CHANGELOG.md": "changes.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
    "tests/benchmarks/README.md": "benchmarks.md",
}
"""Pages that do not lie in `docs/`, and what they are called on the site."""

CONTENTS: Mapping[str, Sequence[str]] = {
    "Start": ("tutorial", "how-to/install"),
    "How to": (
        "how-to/crawl-files",
        "how-to/write-a-policy",
        "how-to/train-a-model",
        "how-to/own-scorer",
        "how-to/decontaminate",
        "how-to/cluster",
        "how-to/when-a-run-stops",
        "how-to/ask-sql",
        "how-to/trainers",
    ),
    "Reference": (
        "recipe",
        "commands",
        "policies",
        "signals",
        "reasons",
        "junk",
        "transforms",
        "training",
        "python",
        "glossary",
    ),
    "Explanation": ("architecture", "tried", "benchmarks", "security"),
    "Project": ("contributing", "changes"),
}
"""Every page but the first, by what it is for. Sphinx fails for one that is not here."""

_FENCE = re.compile(r"^(```|~~~)")
_LINK = re.compile(r"(!?)\[((?:[^][`]|`[^`]*`)*)\]\(([^()\s]+)\)")
_REMOTE = re.compile(r"^(?:https?://[a-z0-9.-]+\.[a-z]+(?:/\S*)?|mailto:\S+@\S+)$")


def sources(root: Path) -> dict[str, str]:
    """By the path of a file in the repository, the path of its page on the site."""
    docs = root / "docs"
    found = {f"docs/{p.relative_to(docs).as_posix()}": p for p in sorted(docs.rglob("*.md"))}
    pages = {path: path.removeprefix("docs/") for path in found}
    return pages | {path: page for path, page in ELSEWHERE.items() if (root / path).is_file()}


def moved(text: str, path: str, root: Path, pages: Mapping[str, str]) -> tuple[str, list[str]]:
    """A page with its links as the site needs them, and what is wrong with its links.

    Args:
        text: the page, as Markdown.
        path: where it lies in the repository.
        root: the repository.
        pages: what `sources` gives.
    """
    problems = []

    def link(match: re.Match[str]) -> str:
        picture, words, target = match.groups()
        if ":" in target.partition("/")[0]:
            if not _REMOTE.match(target):
                problems.append(f"{path}: {target} is no address")
            return match[0]
        place, hash_, anchor = target.partition("#")
        if not place:
            return match[0]
        goal = posixpath.normpath(posixpath.join(posixpath.dirname(path), place))
        here = posixpath.dirname(pages[path])
        if goal in pages:
            return f"{picture}[{words}]({posixpath.relpath(pages[goal], here)}{hash_}{anchor})"
        if goal.startswith("../") or not (root / goal).exists():
            problems.append(f"{path}: {target} leads nowhere")
        if picture:
            return f"![{words}]({posixpath.relpath(goal.removeprefix('docs/'), here)})"
        return words

    lines = (line if code else _LINK.sub(link, line) for line, code in _lines(text))
    return "\n".join(lines), problems


def one_title(text: str) -> str:
    """A page whose later titles, with all behind them, are sections of its first one."""
    titles, lines = 0, []
    for line, code in _lines(text):
        titles += line.startswith("# ") and not code
        deeper = titles > 1 and line.startswith("#") and not code
        lines.append(f"#{line}" if deeper else line)
    return "\n".join(lines)


def _lines(text: str) -> Iterator[tuple[str, bool]]:
    """The lines of a page, and whether each stands in code."""
    fence = ""
    for line in text.split("\n"):
        found = _FENCE.match(line)
        if found and fence in ("", found[1]):
            fence = "" if fence else found[1]
        yield line, bool(fence or found) or line.startswith("    ")


def stage(root: Path, contents: Mapping[str, Sequence[str]], folder: Path) -> list[str]:
    """Write the pages and pictures of a site into a folder; what is wrong with their links."""
    pages = sources(root)
    problems = []
    for path, page in pages.items():
        text, wrong = moved((root / path).read_text("utf-8"), path, root, pages)
        problems += wrong
        text = one_title(text)
        if page == "index.md":
            text += "".join(_tree(title, names) for title, names in contents.items())
        target = folder / page
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, "utf-8")
    for picture in (root / "docs").glob("*.png"):
        shutil.copy(picture, folder)
    return problems


def _tree(title: str, names: Sequence[str]) -> str:
    listed = "\n".join(names)
    return f"\n```{{toctree}}\n:hidden:\n:titlesonly:\n:caption: {title}\n\n{listed}\n```\n"


def build(root: Path, contents: Mapping[str, Sequence[str]], out: Path) -> bool:
    """Build the site; whether nothing at all was wrong. What is wrong is on stderr."""
    shutil.rmtree(out, ignore_errors=True)
    problems = stage(root, contents, out / "source")
    sys.stderr.writelines(f"{problem}\n" for problem in problems)
    strict = ["-W", "--keep-going", "-q", "-c", str(root / "docs"), "-d", str(out / "cache")]
    command = [sys.executable, "-m", "sphinx", *strict, str(out / "source"), str(out / "html")]
    done = subprocess.run(command, check=False)  # noqa: S603 - our own interpreter
    return done.returncode == 0 and not problems


if __name__ == "__main__":
    folder = Path(sys.argv[1]).resolve()
    if not build(ROOT, CONTENTS, folder):
        sys.exit(1)
    sys.stdout.write(f"{folder / 'html' / 'index.html'}\n")
