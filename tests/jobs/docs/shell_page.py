"""Run the commands of a page in `docs/` as a reader types them, and compare what they print.

    python tests/jobs/docs/shell_page.py docs/tutorial.md    # writes what they print now

A block marked `sh` or `python` is run, unless its first line is a comment with the name of a file:
then it is written there, as is such a block of `toml`. A block marked `text` is what the block
before it prints to stdout. All blocks of a page share one shell and one folder. `make` is the
Makefile of this repository, with an environment that is ready. What is marked `bash` is not run.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FILE = re.compile(r"# ([\w.-]+\.(?:toml|py))\n")
_MARK = "==== block {} ===="


@dataclass
class Block:
    """Something that a page lets its reader run or write."""

    language: str
    code: str
    said: str | None = None
    """What the page says that it prints; None where it does not say."""

    @property
    def file(self) -> str:
        """The file that it is written to; empty where it is run."""
        found = FILE.match(self.code)
        return found[1] if found else ""


def blocks(text: str) -> list[Block]:
    """The blocks of a page that are run or written, in order."""
    found: list[Block] = []
    for language, code in BLOCK.findall(text):
        if language in ("sh", "python") or FILE.match(code):
            found.append(Block(language, code))
        elif language == "text":
            assert found, "what prints this?"
            assert found[-1].said is None, f"printed twice: {code}"
            found[-1].said = code
    return found


def run(
    found: list[Block], folder: Path, demo: Path | None = None, in_process: bool = False
) -> list[str]:
    """What each block prints, one after the other.

    Args:
        found: what `blocks` gives.
        folder: an empty one.
        demo: a finished demo, which the page takes as there.
        in_process: whether `thresher run` is without Ray.

    Raises:
        AssertionError: one of them fails, with what it said last.
    """
    shims, home = folder / "bin", folder / "project"
    (home / ".venv" / "bin").mkdir(parents=True)
    (home / ".venv" / "bin" / "activate").write_text("")
    for name in ("requirements.lock", "pyproject.toml"):
        (home / name).write_text("")
    if demo:
        shutil.copytree(demo, home / "demo")
    shims.mkdir()
    (shims / "ready").write_text("")
    given = f"-f {ROOT / 'Makefile'} BIN={shims} READY={shims / 'ready'}"
    thresher = f"exec {sys.executable} -m thresher.jobs.cli"
    alone = f'case "$1" in run) {thresher} "$@" --in-process;; esac\n' if in_process else ""
    for name, line in {
        "thresher": f'{alone}{thresher} "$@"',
        "python": f'exec {sys.executable} "$@"',
        "make": f'exec /usr/bin/make --no-print-directory {given} "$@"',
    }.items():
        (shims / name).write_text(f"#!/bin/sh\n{line}\n")
        (shims / name).chmod(0o755)
    environ = {k: v for k, v in os.environ.items() if not k.startswith("THRESHER_")}
    environ |= {"PATH": f"{shims}:{environ['PATH']}", "PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run(
        ["bash", "-c", script(found, shims)],
        cwd=home,
        env=environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
    printed = re.split(_MARK.format(r"\d+") + "\n", done.stdout)[1:]
    assert len(printed) == len(found)
    return printed


def script(found: list[Block], shims: Path) -> str:
    """What bash is given: all blocks, with a line before the output of each."""
    lines = ["set -eo pipefail"]
    for number, block in enumerate(found):
        lines.append(f"echo '{_MARK.format(number)}'")
        if block.language == "sh":
            lines.append(block.code)
            continue
        path = shims / f"block-{number}"
        path.write_text(block.code, "utf-8")
        lines.append(f"cp {path} {block.file}" if block.file else f"python {path}")
    return "\n".join(lines)


def rewritten(text: str, printed: list[str]) -> str:
    """The page with what its blocks print now."""
    place = -1

    def say(match: re.Match[str]) -> str:
        nonlocal place
        place += match[1] in ("sh", "python") or bool(FILE.match(match[2]))
        return f"```text\n{printed[place]}```" if match[1] == "text" else match[0]

    return BLOCK.sub(say, text)


if __name__ == "__main__":
    page = Path(sys.argv[1])
    before = page.read_text("utf-8")
    with tempfile.TemporaryDirectory() as scratch:
        page.write_text(rewritten(before, run(blocks(before), Path(scratch))), "utf-8")
