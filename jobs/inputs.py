"""The files a recipe names, listed: what cannot be read is said before anything is started."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence

from thresher.filters.errors import InputError, ThresherError
from thresher.filters.mending import broken_link
from thresher.manifests.store import cause_of
from thresher.pipeline.decontamination import EvaluationSet, EvaluationSettings, find_sets
from thresher.pipeline.read.inputs import InputSettings, InputShard, list_inputs

__all__ = ["evaluation_sets_of", "inputs_of"]


def inputs_of(settings: InputSettings, lake: str) -> tuple[InputShard, ...]:
    """The input shards of a recipe that writes to a lake.

    Raises:
        InputError: where one is missing, a link that leads nowhere, out of reach, or in the lake.
    """
    for index, url in enumerate(settings.urls):
        _check_link(f"input.urls[{index}]", url)
    with _listing("input.urls"):
        shards = tuple(list_inputs(settings, "", lake=lake))
    for shard in shards:
        if shard.bytes == 0:  # what a link that leads nowhere is listed with
            _check_link("input.urls", shard.uri)
    return shards


def evaluation_sets_of(settings: Sequence[EvaluationSettings]) -> tuple[EvaluationSet, ...]:
    """The evaluation sets of a recipe.

    Raises:
        ConfigError: where their settings are wrong.
        InputError: where a file is missing or out of reach.
    """
    for index, each in enumerate(settings):
        _check_link(f"decontaminate[{index}].path", each.path)
    with _listing("decontaminate"):
        return find_sets(settings)


@contextlib.contextmanager
def _listing(setting: str) -> Iterator[None]:
    try:
        yield
    except ThresherError:
        raise
    except UnicodeEncodeError as error:
        problem = "is a name that is not UTF-8; rename the file"
        raise InputError(f"{setting}: {error.object!r} {problem}") from error
    except Exception as error:  # every driver has its own tree of errors
        raise InputError(f"{setting}: cannot be listed: {cause_of(error)}") from error


def _check_link(where: str, url: str) -> None:
    """Name a link that leads nowhere as such: a listing takes it for an empty or a missing file."""
    if "::" in url or ("://" in url and not url.startswith("file://")):
        return
    # fsspec does not escape what it makes a URL of.
    if link := broken_link(url.removeprefix("file://")):
        raise InputError(f"{where}: {link}")
