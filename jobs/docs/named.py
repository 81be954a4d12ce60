"""Everything that a person can name, with the texts that say what it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from thresher.classifiers.settings import TrainSettings
from thresher.filters.policy import Policy, shipped_policies, shipped_policy
from thresher.filters.signals import FAMILIES
from thresher.filters.transforms.cuts import CUTS
from thresher.filters.transforms.registry import TRANSFORMS
from thresher.jobs.docs.commands import commands
from thresher.jobs.docs.configuration import sections
from thresher.jobs.docs.entries import entries
from thresher.jobs.docs.settings import settings_of
from thresher.jobs.recipe import Recipe
from thresher.pipeline.inspect.reasons import reference


@dataclass(frozen=True)
class Named:
    """One thing with a name."""

    kind: str
    """What it is, in a word."""
    name: str
    """As a person writes it."""
    texts: Mapping[str, object]
    """What is to be said of it, by what that is; empty where nothing is."""
    page: str
    """The page that lists it."""
    listed: str
    """How the page lists it."""
    section: str = ""
    """The section that lists it, where a name means something in its section only."""

    @property
    def missing(self) -> list[str]:
        """What is not said of it."""
        return [what for what, text in self.texts.items() if not text]


def named() -> Iterator[Named]:
    """Families, signals, reasons, policies, transforms, cuts, settings, commands, options."""
    yield from _signals()
    yield from _reasons()
    for name in shipped_policies():
        source = shipped_policy(name).source
        yield Named("policy", name, {"source": source}, "policies.md", f"\n## {name}\n")
    for transform in TRANSFORMS:
        texts = {"meaning": transform.meaning}
        yield Named("transform", transform.name, texts, "transforms.md", f"| `{transform.name}` |")
    for cut in CUTS:
        texts = {"meaning": cut.meaning, "needs": cut.needs}
        yield Named("cut", cut.name, texts, "transforms.md", f"| `{cut.name}` |")
    yield from _settings()
    yield from _commands()


def _signals() -> Iterator[Named]:
    for family in FAMILIES:
        texts = {"summary": family.summary}
        yield Named("family", family.name, texts, "signals.md", f"\n## {family.name}\n")
        for signal in family.signals:
            said = {"meaning": signal.meaning, "null_when": signal.null_when}
            yield Named("signal", signal.name, said, "signals.md", f"| `{signal.name}` |")


def _reasons() -> Iterator[Named]:
    for each in entries():
        texts = {
            "meaning": each.meaning,
            "where it is from or what to do about it": each.told,
            "what has it and what has not": each.shown,
            "related reasons that exist": each.related and all(map(reference, each.related)),
            "reference": reference(each.reason),
        }
        page = reference(each.reason).rpartition("#")[0].rpartition("/")[2] or "reasons.md"
        yield Named("reason", each.reason, texts, page, f"\n## {each.reason}\n")


def _settings() -> Iterator[Named]:
    for kind, heading, page in (
        (Recipe, "recipe", "recipe.md"),
        (Policy, "policy", "policies.md"),
        (TrainSettings, "train", "training.md"),
    ):
        for path, struct in sections(kind, heading):
            texts = {"docstring": (struct.__doc__ or "").strip()}
            yield Named(f"table of {heading}", path, texts, page, f"\n## {path}\n")
            for setting in settings_of(struct):
                if setting.structs and not setting.many:
                    continue  # a table, which says what it is itself
                said = {"docstring": setting.text}
                name = f"{path}.{setting.name}"
                listed = f"| `{setting.name}` |"
                yield Named(f"setting of {heading}", name, said, page, listed, path)


def _commands() -> Iterator[Named]:
    for command in commands():
        texts = {"docstring": command.text, "example": command.example}
        yield Named("command", command.name, texts, "commands.md", f"\n## {command.name}\n")
        for each in command.parameters:
            name = f"{command.name} {each.name}"
            said, listed = {"help": each.text}, f"| `{each.name}` |"
            yield Named("option", name, said, "commands.md", listed, command.name)
