"""The policy that someone names: a shipped one, a TOML file, or the policy itself."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import fsspec

from thresher.filters.config import plain
from thresher.filters.errors import ConfigError, did_you_mean
from thresher.filters.policy import (
    Policy,
    parse_policy,
    policy_from_mapping,
    shipped_policies,
    shipped_policy,
)
from thresher.manifests.store import cause_of

_MAX_BYTES = 16 << 20


def policy_of(policy: str | Path | Mapping[str, Any] | Policy) -> Policy:
    """A policy by its name, path or URL, as a mapping under the names of its TOML, or as it is.

    Of guests and scorers it may name any.

    Raises:
        ConfigError: if it does not exist or is wrong.
    """
    if isinstance(policy, Path):
        return _read(str(policy), "policy", None, None)
    if isinstance(policy, str):
        return find_policy(policy, "policy", None, None)
    given = plain(policy, "policy", "Give a name, a path, a mapping or a thresher.Policy.")
    return policy_from_mapping(given, "policy")


def find_policy(
    name: str, where: str, guests: Collection[str] | None, scores: Collection[str] | None
) -> Policy:
    """The shipped policy of a name, or that of a TOML file.

    Args:
        name: of a shipped policy, or path or URL of a file that ends in `.toml`.
        where: the setting that names it, used in errors.
        guests: names of the guests whose verdicts it may use; None allows any.
        scores: names of the scorers that it may use; None allows any.

    Raises:
        ConfigError: if it does not exist or is wrong.
    """
    if name in shipped_policies():
        return shipped_policy(name)
    if not name.endswith(".toml"):
        named = name.rsplit("/", 1)[-1]
        hint = did_you_mean(named, shipped_policies())
        raise ConfigError(f"{where} '{named}'", "no such policy.", hint)
    return _read(name, where, guests, scores)


def _read(
    name: str, where: str, guests: Collection[str] | None, scores: Collection[str] | None
) -> Policy:
    try:
        with fsspec.open(name, "rb") as file:
            text = file.read(_MAX_BYTES).decode("utf-8-sig")
    except Exception as error:  # every driver has its own tree of errors
        raise ConfigError(where, f"{name} cannot be read: {cause_of(error)}.") from error
    return parse_policy(text, name.rsplit("/", 1)[-1], guests, scores)
