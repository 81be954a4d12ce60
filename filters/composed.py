"""Texts that are composed of named parts, so that an example says in a line how it is built.

`{name}` stands for a part, `{name*3}` for three of them on lines of their own, and
`{name:50 words}` for its first 50 words, begun again where the part ends; likewise `lines`,
`paragraphs` (a line each, blank lines between) and `characters`. `{{` and `}}` are braces.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping

_PART = re.compile(
    r"(?<!\{)\{(\w+)(?:\*(?P<times>\d+)|:(?P<size>\d+) "
    r"(?P<unit>words|lines|paragraphs|characters))?\}"
)
_SEPARATORS = {"words": " ", "lines": "\n", "paragraphs": "\n\n", "characters": ""}


def composed(text: str, parts: Mapping[str, str]) -> str:
    """A text with its parts in place.

    Raises:
        KeyError: for a part that there is not.
    """

    def part(match: re.Match[str]) -> str:
        whole = parts[match[1]].strip()
        if match["unit"]:
            return _first(whole, int(match["size"]), match["unit"])
        return "\n".join([whole] * int(match["times"] or 1))

    return with_braces(_PART.sub(part, text))


def with_braces(text: str) -> str:
    """A text with its braces as they are meant, for showing it without its parts in place."""
    return text.replace("{{", "{").replace("}}", "}")


def named_parts(text: str, parts: Mapping[str, str]) -> set[str]:
    """The names of the parts that a text is composed of."""
    return {match[1] for match in _PART.finditer(text)} & parts.keys()


def _first(text: str, size: int, unit: str) -> str:
    """The first so many units of a text that begins again at its end."""
    units: list[str] = list(text)
    if unit != "characters":
        units = text.split() if unit == "words" else text.splitlines()
    return _SEPARATORS[unit].join(itertools.islice(itertools.cycle(units), size))
