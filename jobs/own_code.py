"""The code that a recipe brings along: what runs on this machine and on every worker."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from thresher.jobs.recipe import Recipe


def code_of(recipe: Recipe) -> list[str]:
    """Every function of the recipe's own, as `setting = reference`, in the order of the recipe.

    Nothing is imported. A policy, a guest, a transform and a model are no code: rules compile to
    SQL, guests and formatters are datatrove's, and models are read as data.
    """
    found = []
    if recipe.extract.custom:
        found.append(f"extract.custom = {recipe.extract.custom}")
    for number, scorer in enumerate(recipe.scores):
        for setting in ("callable", "factory"):
            reference = getattr(scorer, setting)
            if reference:
                found.append(f"scores[{number}].{setting} = {reference}")
    return found
