"""The files a recipe names, listed: what cannot be read is said before anything is started."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator, Sequence

from thresher.filters.errors import ConfigError, InputError, ThresherError, no_such_field
from thresher.filters.mending import broken_link
from thresher.filters.tolerance import HOPELESS
from thresher.manifests.store import cause_of
from thresher.pipeline.decontamination import EvaluationSet, EvaluationSettings, find_sets
from thresher.pipeline.read import Rejected, read_shard
from thresher.pipeline.read.inputs import InputSettings, InputShard, list_inputs
from thresher.pipeline.read.kept import is_kept
from thresher.pipeline.read.look import Look, look_at

__all__ = ["ROWS", "check_kept_fields", "check_text_field", "evaluation_sets_of", "inputs_of"]

ROWS = ("jsonl", "parquet")
"""Formats whose text is a field that the recipe names."""


def inputs_of(settings: InputSettings, lake: str) -> tuple[InputShard, ...]:
    """The input shards of a recipe that writes to a lake.

    Raises:
        InputError: where one is missing, a link that leads nowhere, out of reach, or in the lake.
    """
    for index, url in enumerate(settings.urls):
        _check_link(f"input.urls[{index}]", url)
    if settings.list_:
        _check_link("input.list", settings.list_)
    with _listing("input.urls" if settings.urls else "input.list"):
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


def check_text_field(settings: InputSettings, shards: Sequence[InputShard]) -> None:
    """Look at the first rows of a few shards: where none has the field, the setting is wrong.

    Args:
        settings: which field has the text.
        shards: of any formats; those that are no rows have no fields.

    Raises:
        ConfigError: where files of rows have no field of the text's name.
    """
    rows = [shard for shard in shards if shard.format in ROWS]
    some = {0, len(rows) // 2, len(rows) - 1} if rows else set()
    said = [_without_text(rows[place], settings) for place in sorted(some)]
    if said and all(said):
        raise ConfigError("input.text_field", said[0])


def check_kept_fields(settings: InputSettings, shards: Sequence[InputShard]) -> None:
    """Look at the first rows of a few shards: a field to keep that none has is a wrong name.

    Args:
        settings: which fields go along.
        shards: of any formats.

    Raises:
        ConfigError: where no file of rows that is looked at has a field of the name, with those
            that there are; or where all are archives, whose records have no fields.
    """
    if not (settings.keep and shards):
        return
    rows = [shard for shard in shards if shard.format in (*ROWS, "auto")]
    some = {0, len(rows) // 2, len(rows) - 1} if rows else set()
    looks = [(rows[place].name, _look(rows[place], settings)) for place in sorted(some)]
    seen = [(name, found) for name, found in looks if found is not None]
    if not rows or (seen and all(found.format not in ROWS for _, found in seen)):
        problem = (
            f"'{shards[0].name}' is an archive, whose records have no fields: they are of JSON "
            "Lines and Parquet. Take the setting out."
        )
        raise ConfigError("input.keep", problem)
    there = list(dict.fromkeys(field for _, found in seen for field in found.names))
    for i, name in enumerate(settings.keep):
        if there and not any(is_kept(field, [name]) for field in there):
            shown = next(name for name, found in seen if found.names)
            raise ConfigError(f"input.keep[{i}]", f"{shown} {no_such_field(name, there)}.")


def _look(shard: InputShard, settings: InputSettings) -> Look | None:
    """What a shard is; None where it cannot be told, which the run says."""
    try:
        return look_at(shard, settings)
    except Exception:  # noqa: BLE001 - what is wrong with a file, the run tells
        return None


def _without_text(shard: InputShard, settings: InputSettings) -> str:
    """That the first rows of a shard have no field of the text, and which they have; else ""."""
    try:
        first = list(itertools.islice(read_shard(shard, settings), HOPELESS))
    except Exception:  # noqa: BLE001 - what is wrong with a file, the run tells
        return ""
    told = first[0].told if first and isinstance(first[0], Rejected) else ""
    same = all(isinstance(row, Rejected) and row.reason == "missing_text" for row in first)
    return f"{shard.name} {told}" if told and same else ""


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
