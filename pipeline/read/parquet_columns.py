"""Which columns of a Parquet file hold the fields that are asked for."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

from thresher.filters.errors import DataError
from thresher.pipeline.read.kept import Keep
from thresher.pipeline.read.rows import RowFields, prefixes

__all__ = ["AmbiguousColumns", "Columns", "leaf_paths"]


class AmbiguousColumns(DataError):  # noqa: N818 - data, not a fault
    """Two columns have the name that is asked for."""


@dataclass(frozen=True, slots=True)
class Columns:
    """Where each field is: the names from the column down through its structs; () if nowhere."""

    text: tuple[str, ...]
    id: tuple[str, ...]
    url: tuple[str, ...]
    date: tuple[str, ...]
    kept: dict[str, tuple[str, ...]]
    """Of each further field that goes along, by its dotted name."""

    @classmethod
    def find(cls, schema: pa.Schema, fields: RowFields, keep: Keep) -> Columns:
        """Look the fields up. Raises `AmbiguousColumns`."""
        names = (fields.text, fields.id, fields.url, fields.date)
        text, identity, url, date = (_path(schema, name) for name in names)
        return cls(text, identity, url, date, _kept_paths(schema, keep))

    def selected(self) -> list[str]:
        """The names by which Parquet selects these columns."""
        paths = (self.text, self.id, self.url, self.date, *self.kept.values())
        return list(dict.fromkeys(".".join(path) for path in paths if path))


def _path(parent: pa.Schema | pa.StructType, name: str) -> tuple[str, ...]:
    """The way to a dotted name; a name that has the dots in it goes before a struct."""
    for prefix in prefixes(name):
        indices = parent.get_all_field_indices(prefix)
        if len(indices) > 1:
            problem = f"{len(indices)} columns are called '{prefix}': rename all but one of them"
            raise AmbiguousColumns(problem)
        if not indices:
            continue
        if prefix == name:
            return (prefix,)
        kind = parent.field(indices[0]).type
        inner = _path(kind, name[len(prefix) + 1 :]) if pa.types.is_struct(kind) else ()
        if inner:
            return (prefix, *inner)
    return ()


def _kept_paths(schema: pa.Schema, keep: Keep) -> dict[str, tuple[str, ...]]:
    """The ways to the fields that go along, structs as all that they hold."""
    leaves = {".".join(path): path for path in reversed(leaf_paths(schema))}
    found: dict[str, tuple[str, ...]] = {}
    for name in keep.fields:
        path = _path(schema, name)
        found |= {
            ".".join((name, *leaf[len(path) :])): leaf
            for leaf in leaves.values()
            if path and leaf[: len(path)] == path
        }
    for before in keep.objects:
        found |= {name: leaf for name, leaf in leaves.items() if name.startswith(before)}
    return found


def leaf_paths(parent: pa.Schema | pa.StructType) -> list[tuple[str, ...]]:
    """The ways to all columns that are no structs, in their order."""
    return [
        (field.name, *inner)
        for field in parent
        for inner in (leaf_paths(field.type) if pa.types.is_struct(field.type) else [()])
    ]
