"""Texts from the hand-written bank: a small grammar, drawn with a seeded generator.

A grammar file names *facts* (drawn once per text, so that a town keeps its name), *parts* (lists
of sentences, none used twice in a text) and *plans* (a list of paragraphs, each a list of parts;
``history*3`` draws three). Inside a sentence ``{town}`` is a fact or a list of ``names.toml``,
``{upper|lower}`` a choice and ``{1790..1850}`` a number. So two texts of one kind share a few
turns of phrase and hardly ever a sentence, as texts by one author do.
"""

from __future__ import annotations

import random
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import Any

_BRACES = re.compile(r"\{([^{}]*)\}")
_RANGE = re.compile(r"(\d+)\.\.(\d+)")


def generator(*seed: object) -> random.Random:
    """A generator that depends on `seed` alone, not on the machine or the Python version."""
    return random.Random("/".join(map(str, seed)))  # noqa: S311 - sample text, not a secret


@dataclass(frozen=True)
class Text:
    """A title and the paragraphs below it."""

    title: str
    paragraphs: tuple[str, ...]

    @property
    def body(self) -> str:
        """The paragraphs as plain text."""
        return "\n".join(self.paragraphs)


@dataclass(frozen=True)
class Grammar:
    """Everything a text of one kind can be made of."""

    titles: Sequence[str]
    plans: Sequence[Sequence[str]]
    parts: Mapping[str, Sequence[str]]
    facts: Mapping[str, Sequence[str]]
    in_order: frozenset[str] = frozenset()

    def write(self, rng: random.Random) -> Text:
        """Draw one text."""
        return _Draft(self, rng).write()


class _Draft:
    """One text in the making: what has been drawn and may not be drawn again."""

    def __init__(self, grammar: Grammar, rng: random.Random) -> None:
        self._grammar = grammar
        self._rng = rng
        self._facts: dict[str, str] = {}
        self._unused: dict[str, list[str]] = {}

    def write(self) -> Text:
        plan = self._rng.choice(self._grammar.plans)
        paragraphs = tuple(self._paragraph(part) for part in plan)
        return Text(_capital(self._expand(self._rng.choice(self._grammar.titles))), paragraphs)

    def _paragraph(self, parts: str) -> str:
        sentences = []
        for part in parts.split():
            name, _, times = part.partition("*")
            for _ in range(int(times or 1)):
                pool = self._pool(name, self._grammar.parts[name])
                if pool:
                    sentences.append(_capital(self._expand(pool.pop())))
        return " ".join(sentences)

    def _pool(self, name: str, items: Sequence[str]) -> list[str]:
        """The items of a list that this text has not used, the next one last."""
        if name not in self._unused:
            pool = list(items)
            if name in self._grammar.in_order:
                pool.reverse()
            else:
                self._rng.shuffle(pool)
            self._unused[name] = pool
        return self._unused[name]

    def _expand(self, sentence: str) -> str:
        while "{" in sentence:
            sentence = _BRACES.sub(lambda match: self._value(match[1]), sentence)
        return sentence

    def _value(self, name: str) -> str:
        if "|" in name:
            return self._rng.choice(name.split("|"))
        if number := _RANGE.fullmatch(name):
            return str(self._rng.randint(int(number[1]), int(number[2])))
        if name in self._grammar.facts:
            if name not in self._facts:
                fact = self._rng.choice(self._grammar.facts[name])
                self._facts[name] = self._expand(fact)
            return self._facts[name]
        return self._pool(name, names()[name]).pop()


def _capital(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]


@cache
def bank(name: str) -> dict[str, Any]:
    """A file of the text bank, parsed."""
    return tomllib.loads((files("thresher.jobs.sample.bank") / f"{name}.toml").read_text("utf-8"))


def names() -> Mapping[str, Sequence[str]]:
    """The lists every grammar may draw from."""
    return bank("names")


@cache
def grammar(name: str, *, training: bool = False) -> tuple[Grammar, ...]:
    """The grammars of a bank file: one, or one per topic where the file has topics.

    Args:
        name: the file, without its extension.
        training: take the topics set aside for training instead of those of the crawl.
    """
    table = bank(name)
    base = Grammar(
        titles=table["title"],
        plans=table["plans"],
        parts=table["parts"],
        facts={
            key: [value] if isinstance(value, str) else value
            for key, value in table.get("facts", {}).items()
        },
        in_order=frozenset(table.get("in_order", ())),
    )
    if "topics" not in table:
        return (base,)
    return tuple(
        _about(base, topic) for topic in table["topics"] if topic.get("training", False) == training
    )


def _about(base: Grammar, topic: Mapping[str, Any]) -> Grammar:
    """The grammar of a file, narrowed to one of its topics."""
    facts = {key: [value] for key, value in topic.items() if isinstance(value, str)}
    parts = {key: value for key, value in topic.items() if isinstance(value, list)}
    return replace(base, facts={**base.facts, **facts}, parts={**base.parts, **parts})
