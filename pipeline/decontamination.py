"""Stage `evaluation_index`: the evaluation sets of a recipe as an index to measure documents with.

The files are read when a run is planned, which gives their hashes and finds wrong field names, and
once more to build the index; hashes of files, settings and versions are its identity, and so that
of the documents. It lies in the lake as plain arrays that workers map into memory: from a local
lake in place, from another one by way of a copy on each machine.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any

import fsspec
import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from thresher.filters.errors import ConfigError, InputError, did_you_mean, naming
from thresher.filters.evaluation_index import (
    BuildFacts,
    EvaluationIndex,
    build_index,
    entries,
    read_only,
)
from thresher.filters.kernels.likeness.overlap import LONGEST, Index
from thresher.filters.mending import broken_link
from thresher.manifests.manifest import Manifest, Output, commit, fingerprint
from thresher.manifests.store import Store
from thresher.pipeline.read.inputs import InputSettings, list_inputs
from thresher.pipeline.read.names import redact, redacted
from thresher.pipeline.read.rows import field_value
from thresher.pipeline.read.sources import Damage, open_source

STAGE = "evaluation_index"
VERSION = 1
KEY = "all"

_BATCH = 1000
_ARRAYS = ("keys", "checks", "lengths", "bits", "bit_starts", "bit_shifts", "buckets", "sizes")
_BESIDE = ("starts", "examples", "totals", "sets", "items")


class EvaluationSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An evaluation set; what documents share with it is measured as `contamination`."""

    name: str
    """What `contamination.set` says."""
    path: str
    """Path or fsspec URL, possibly with a glob: JSON Lines, JSON, CSV, TSV or Parquet, compressed
    or not."""
    fields: tuple[str, ...]
    """Fields that hold the texts of an example; a dot goes into nested objects. Of a list, such as
    choices, each text counts on its own."""
    ngram: Annotated[int, msgspec.Meta(ge=2, le=LONGEST)] = 13
    """Words that have to match in a row."""


class EvaluationSet(msgspec.Struct, frozen=True):
    """An evaluation set whose files were seen."""

    settings: EvaluationSettings
    files: tuple[tuple[str, str, str], ...]
    """URL, name and sha256 of each, in the order of their names."""


class EvaluationRef(msgspec.Struct, frozen=True):
    """Where the index is."""

    fingerprint: str
    names: tuple[str, ...]
    """Of the sets."""

    @property
    def folder(self) -> str:
        """Its folder inside the lake."""
        return f"{STAGE}/{self.fingerprint}"


def find_sets(chosen: Sequence[EvaluationSettings]) -> tuple[EvaluationSet, ...]:
    """Read the files of all sets.

    Raises:
        ConfigError: for a name that comes twice, or a field that no example has.
        InputError: for a file that is missing or cannot be read.
    """
    found: list[EvaluationSet] = []
    for i, settings in enumerate(chosen):
        where = f"decontaminate[{i}]"
        if settings.name in (other.settings.name for other in found):
            raise ConfigError(f"{where}.name", f"'{settings.name}' is the name of another set.")
        if not settings.fields:
            raise ConfigError(f"{where}.fields", "names no field.")
        files = []
        missing = dict.fromkeys(settings.fields)
        others: dict[str, None] = {}
        for shard in list_inputs(InputSettings(urls=[settings.path]), "", f"{where}.path"):
            with naming(f"{where}.path"):
                data = _read(shard.uri)
            files.append((shard.uri, shard.name, hashlib.sha256(data).hexdigest()))
            for row in _rows(redacted(shard.uri), data):
                others |= dict.fromkeys(row)
                for name in list(missing):
                    if field_value(row, name) is not None:
                        del missing[name]
        for name in missing:
            raise ConfigError(
                f"{where}.fields",
                f"no example has a value under '{name}'.",
                did_you_mean(name, [o for o in others if o != name]),
            )
        found.append(EvaluationSet(settings, tuple(files)))
    return tuple(found)


def index_of(sets: Sequence[EvaluationSet]) -> EvaluationRef | None:
    """Where the index of the sets is, or will be; None where there is none."""
    if not sets:
        return None
    identity = [
        [s.settings.name, s.settings.fields, s.settings.ngram, [digest for *_, digest in s.files]]
        for s in sets
    ]
    return EvaluationRef(
        fingerprint(STAGE, VERSION, identity), tuple(s.settings.name for s in sets)
    )


def evaluation_index(store: Store, sets: Sequence[EvaluationSet], fingerprint: str) -> Manifest:
    """Write the index of the sets; the facts say what became of their examples.

    Raises:
        InputError: where a file is not what it was when the run was planned.
    """
    began = time.perf_counter()
    facts = BuildFacts()
    parts = [entries(pa.array([], pa.string()), np.empty(0, np.int64), 2, facts)]
    owners: list[int] = []
    items: list[int] = []
    for number, each in enumerate(sets):
        item = 0
        for uri, name, digest in each.files:
            data = _read(uri)
            if hashlib.sha256(data).hexdigest() != digest:
                raise InputError(f"{name} has changed since the run was planned. Start it again.")
            for batch in _batches(_rows(name, data)):
                texts, examples = _texts(batch, each.settings.fields, len(owners))
                parts.append(entries(texts, examples, each.settings.ngram, facts))
                owners += [number] * len(batch)
                items += range(item, item + len(batch))
                item += len(batch)
    built = build_index(parts, owners, items, facts)
    arrays = {name: getattr(built.lookup, name) for name in _ARRAYS}
    arrays |= {name: getattr(built, name) for name in _BESIDE}
    folder = f"{STAGE}/{fingerprint}"
    return commit(
        store,
        Manifest(
            stage=STAGE,
            fingerprint=fingerprint,
            key=KEY,
            inputs=[name for each in sets for _, name, _ in each.files],
            outputs=[_write(store, f"{folder}/{name}.npy", arrays[name]) for name in arrays],
            facts=msgspec.to_builtins(facts),
            seconds=time.perf_counter() - began,
        ),
    )


@lru_cache(maxsize=1)
def load_index(lake: str, folder: str) -> EvaluationIndex:
    """The index in a folder of a lake, mapped into memory once per process."""
    store = Store(lake)
    arrays = {name: _mapped(store, f"{folder}/{name}.npy") for name in (*_ARRAYS, *_BESIDE)}
    index = Index(**{name: arrays[name] for name in _ARRAYS})
    found: EvaluationIndex = read_only(
        EvaluationIndex(index, **{name: arrays[name] for name in _BESIDE})
    )
    return found


def _write(store: Store, path: str, array: np.ndarray[Any, Any]) -> Output:
    file = io.BytesIO()
    np.save(file, array, allow_pickle=False)
    data = file.getvalue()
    store.write_bytes(path, data)
    return Output(path, len(array), len(data), hashlib.sha256(data).hexdigest())


def _mapped(store: Store, path: str) -> np.ndarray[Any, Any]:
    local = Path(store.url(path)) if store.is_local else _copied(store, path)
    array: np.ndarray[Any, Any] = np.load(local, mmap_mode="r", allow_pickle=False)
    return array


def _copied(store: Store, path: str) -> Path:
    """A copy on this machine; it is named by the fingerprint, so one that is there is right."""
    lake = hashlib.blake2b(store.url().encode(), digest_size=8).hexdigest()
    local = Path(tempfile.gettempdir()) / f"thresher-{os.getuid()}" / lake / path
    if not local.exists():
        local.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=local.parent, delete=False) as file:
            file.write(store.read_bytes(path))
        Path(file.name).replace(local)
    return local


def _texts(
    rows: Sequence[Mapping[str, Any]], fields: Sequence[str], first: int
) -> tuple[pa.Array, np.ndarray[Any, np.dtype[np.int64]]]:
    """The texts of examples, and the number of the example of each."""
    texts = [
        (text, first + place)
        for place, row in enumerate(rows)
        for name in fields
        for text in _strings(field_value(row, name))
    ]
    return (
        pa.array([text for text, _ in texts], pa.string()),
        np.array([example for _, example in texts], np.int64),
    )


def _strings(value: Any) -> Iterator[str]:
    """The texts in a value, which may be a list or an object; numbers are none."""
    if isinstance(value, str):
        yield value.encode("utf-8", "replace").decode()  # a lone surrogate is no text
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _strings(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _strings(inner)


def _batches(rows: Iterator[Mapping[str, Any]]) -> Iterator[list[Mapping[str, Any]]]:
    batch: list[Mapping[str, Any]] = []
    for row in rows:
        batch.append(row)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _read(uri: str) -> bytes:
    try:
        with fsspec.open(uri, "rb") as file:
            data: bytes = file.read()
            return data
    except OSError as error:
        link = broken_link(error.filename) if isinstance(error.filename, str) else ""
        problem = f"{redacted(uri)} cannot be read: {redact(str(error), uri)}"
        raise InputError(link or problem) from None


def _rows(uri: str, stored: bytes) -> Iterator[Mapping[str, Any]]:
    """The rows of a file: objects with named fields.

    Raises:
        InputError: if it is of no known format, or broken.
    """
    try:
        if stored.startswith(b"PAR1"):
            yield from pq.read_table(pa.BufferReader(stored)).to_pylist()
            return
        source = open_source(io.BytesIO(stored))
        data = b"".join(iter(source.read_chunk, b""))
        if source.truncated:
            raise InputError(f"{uri} ends inside a compressed member: it is not whole.")
        text = data.decode("utf-8-sig")
        name = uri.lower()
        if ".csv" in name or ".tsv" in name:
            between = "\t" if ".tsv" in name else ","
            yield from csv.DictReader(io.StringIO(text, newline=""), delimiter=between)
            return
        values = json.loads(text) if text.lstrip().startswith("[") else _lines(text)
        for value in values:
            if not isinstance(value, Mapping):
                raise InputError(f"{uri}: an example is no object but {type(value).__name__}.")
            yield value
    except (Damage, ValueError, csv.Error, pa.ArrowException) as error:
        raise InputError(f"{uri} is not JSON Lines, JSON, CSV, TSV or Parquet: {error}") from error


def _lines(text: str) -> Iterator[Any]:
    return (json.loads(line) for line in text.split("\n") if line.strip())
