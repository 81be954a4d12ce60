"""The reference pages in `docs/`, made from the registries: `make docs` writes them.

Signals, reasons, policies, transforms, settings, commands and words all carry their own text; these
pages only arrange it. A test fails where a page is stale, and one for each thing without a text
(`thresher.jobs.docs.named`).
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from thresher.jobs.docs.configuration import commands_page, recipe_page, training_page
from thresher.jobs.docs.reasons import junk_page, reasons_page
from thresher.jobs.docs.registries import policies_page, signals_page, transforms_page
from thresher.jobs.docs.words import glossary_page

FOLDER = Path(__file__).resolve().parents[2] / "docs"

NOTE = "<!-- Made by `make docs` from the source. Do not edit. -->"
"""How a page begins that is made here."""


def pages() -> dict[str, str]:
    """Every page by its file name."""
    makers: dict[str, Callable[[], Iterator[str]]] = {
        "signals.md": signals_page,
        "policies.md": policies_page,
        "reasons.md": reasons_page,
        "junk.md": junk_page,
        "recipe.md": recipe_page,
        "training.md": training_page,
        "transforms.md": transforms_page,
        "commands.md": commands_page,
        "glossary.md": glossary_page,
    }
    return {name: "\n\n".join([NOTE, *make()]) + "\n" for name, make in makers.items()}


def main() -> None:
    """Write the pages into `docs/`."""
    FOLDER.mkdir(exist_ok=True)
    for name, text in pages().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
        sys.stdout.write(f"docs/{name}\n")
