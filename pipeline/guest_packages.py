"""What datatrove's filters and formatters need beyond Thresher: packages, and files they fetch.

datatrove says it in two ways: classes list what they need, and functions ask for it when they are
called. So that a plan tells it and no run finds out, the source of a class is read for those calls.
"""

from __future__ import annotations

import inspect
from typing import Any, NamedTuple

from thresher.filters.errors import ConfigError
from thresher.filters.mending import to_install

COMES_ALONG = frozenset({"ftfy", "tldextract"})
"""What Thresher depends on itself."""
TOKENIZER = "spacy"
"""What datatrove cuts English into words by; other languages have tokenizers of their own."""
_CUTTING = ("split_into_words(", "split_into_sentences(")
_FETCHING = {
    "cached_asset_path_or_download(": ("fasteners",),
    "FT176LID(": ("fasteners",),
    "urlretrieve(": (),
}
"""Functions that download, and what they need for it."""


class Needs(NamedTuple):
    """What a class needs."""

    packages: tuple[str, ...]
    """As pip names them; for English, where that depends on the language."""
    tokenizes: bool
    """Whether it cuts texts into words."""
    downloads: bool
    """Whether it fetches a file when it is made or first used."""


def needs_of(kind: type[Any]) -> Needs:
    """What a filter or formatter of datatrove needs."""
    found: dict[str, None] = {}
    for base in kind.__mro__:
        for each in vars(base).get("_requires_dependencies", ()):
            found[each if isinstance(each, str) else each[1]] = None
    source = inspect.getsource(kind)
    fetching = [needed for call, needed in _FETCHING.items() if call in source]
    for needed in fetching:
        found |= dict.fromkeys(needed)
    tokenizes = any(call in source for call in _CUTTING)
    if tokenizes:
        found[TOKENIZER] = None
    packages = tuple(sorted(found.keys() - COMES_ALONG))
    return Needs(packages, tokenizes, bool(fetching))


def try_tokenizer(guest: Any) -> None:
    """Cut a sentence as the guest will, which may not come to that on a plain page.

    Raises:
        ImportError: where the tokenizer of its language is not installed.
        ValueError: where its language has none.
    """
    if needs_of(type(guest)).tokenizes and hasattr(guest, "language"):
        from datatrove.utils.word_tokenizers import load_word_tokenizer

        load_word_tokenizer(guest.language).word_tokenize("The old mill stands by the river.")


def failed(error: Exception, kind: str, doing: str, where: str) -> ConfigError:
    """What to say of a guest or formatter that fails before a run: what to install, if it is that.

    Args:
        error: what it raised.
        kind: name of its class.
        doing: what it did then, in words.
        where: the setting that names it.
    """
    if command := to_install(error):
        return ConfigError(where, f"{kind} needs what is not installed.", f"Install it: {command}")
    said = " ".join(str(error).split()).rstrip(".")
    return ConfigError(where, f"{kind} {doing}: {type(error).__name__}: {said}.")
