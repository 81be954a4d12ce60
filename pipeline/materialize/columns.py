"""Columns of a curated shard: those that all have, and those that `curated.columns` names.

A further column is found by its name alone: provenance (`date_utc`, `origin.digest`), the key of
the row (`row_id`), a signal (`quality.raw`), and else a field that `input.keep` carries along
(`licence`). One that has the name of another column is written `extra.title`. Such fields come as
text, since what is a number in one shard may be a word in the next; what is no text, as its JSON.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from thresher.filters import signals
from thresher.filters.errors import ConfigError, did_you_mean
from thresher.filters.policy.check import GUEST_PREFIX
from thresher.filters.signals import SCORE_PREFIX, signal_type
from thresher.manifests.schemas import PROVENANCE
from thresher.pipeline.read.kept import is_kept

__all__ = ["CURATED", "KEY", "ROW_ID", "ChosenColumns", "check_columns", "check_places"]

CURATED = pa.schema(
    [
        pa.field("text", pa.string(), nullable=False),
        pa.field("id", pa.string(), nullable=False),
        pa.field("url", pa.string()),
        pa.field("source", pa.string(), nullable=False),
        pa.field("language", pa.string()),
        pa.field("language_score", pa.float64()),
        pa.field("quality_score", pa.float64()),
        pa.field("token_estimate", pa.int64(), nullable=False),
        pa.field("duplicates", pa.int64(), nullable=False),
        pa.field("lines_removed", pa.int64(), nullable=False),
        pa.field("characters_removed", pa.int64(), nullable=False),
    ]
)
"""Columns of every curated shard. `token_estimate` is bytes of text / 4.2, rounded, the usual rate
of a BPE vocabulary of 50,000 on English; `duplicates` is how many documents of the run had this
content, itself included. `lines_removed` and `characters_removed` are how much shorter the
transforms made the text; negative where they made it longer."""

KEY = pa.field("key", pa.uint64(), nullable=False)
"""The shuffle key, which the files of parts have besides."""

_EXTRA = "extra"
ROW_ID = "row_id"
"""The column of the rows' keys, which no file holds."""
_OWN = (GUEST_PREFIX, SCORE_PREFIX)
_PROVENANCE = {field.name: field.type for field in PROVENANCE}


class _Place(NamedTuple):
    """Where the values of a column are."""

    root: str
    """`row_id`, a column of provenance or a family."""
    field: str
    """Of a struct; of `extra`, a name in its object. "" for the column itself."""
    kind: pa.DataType
    is_signal: bool = False


def _place(name: str) -> _Place:
    root, _, field = name.partition(".")
    if name == ROW_ID:
        return _Place(ROW_ID, "", pa.string())
    if name in _PROVENANCE:
        return _Place(name, "", _PROVENANCE[name])
    kind = _PROVENANCE.get(root)
    if kind is not None and pa.types.is_struct(kind) and kind.get_field_index(field) >= 0:
        return _Place(root, field, kind.field(field).type)
    if name.startswith(GUEST_PREFIX):
        return _Place(root, field, pa.string(), is_signal=True)
    if name in signals.names() or name.startswith(SCORE_PREFIX):
        return _Place(root, field, signal_type(name), is_signal=True)
    return _Place(_EXTRA, field if root == _EXTRA else name, pa.string())


def check_columns(names: Sequence[str], where: str) -> None:
    """Raise `ConfigError` for columns that a shard has anyway, or would have twice."""
    taken = {*CURATED.names, KEY.name}
    for i, name in enumerate(names):
        if name in taken:
            hint = f"Take it out; a field of the input of that name is '{_EXTRA}.{name}'."
            raise ConfigError(f"{where}[{i}]", f"a shard has a column '{name}' already.", hint)
        taken.add(name)


def check_places(names: Sequence[str], keep: Sequence[str], own: Sequence[str], where: str) -> None:
    """Raise `ConfigError` for columns that are nowhere.

    Args:
        names: of further columns.
        keep: fields that the input carries along, as `input.keep` has them.
        own: signals that the recipe brings along, such as `scores.mine`.
        where: what errors call the setting.
    """
    for i, name in enumerate(names):
        is_own = name.startswith(_OWN)
        place = None if is_own else _place(name)
        if name in own if place is None else place.root != _EXTRA or not place.field:
            continue
        if place is not None and is_kept(place.field, keep):
            continue
        known = [ROW_ID, *_PROVENANCE, *signals.names(), *own, *keep]
        known += [f"origin.{field.name}" for field in _PROVENANCE["origin"]]
        problem = f"'{name}' is no column, no signal and no field that input.keep names."
        raise ConfigError(f"{where}[{i}]", problem, did_you_mean(name, known))


class ChosenColumns:
    """Further columns of the shards of a run.

    Args:
        names: as `curated.columns` has them, checked.
    """

    def __init__(self, names: Sequence[str] = ()) -> None:
        self._places = {name: _place(name) for name in names}
        self.schema = pa.schema([*CURATED, *(pa.field(n, p.kind) for n, p in self._places.items())])
        """Of a curated shard."""
        roots = [place.root for place in self._places.values() if not place.is_signal]
        self.provenance = [root for root in dict.fromkeys(roots) if root != ROW_ID]
        """Columns that documents must be read with."""
        self.signals = [name for name, place in self._places.items() if place.is_signal]
        """Those that are signals."""
        self.keyed = ROW_ID in roots
        """Whether documents need the key of their row, `ROW_ID`."""

    def of(self, table: pa.Table) -> list[pa.ChunkedArray]:
        """The columns of documents that were read with `provenance` and `signals`, and keyed."""
        return [self._column(table, place) for place in self._places.values()]

    def _column(self, table: pa.Table, place: _Place) -> pa.ChunkedArray:
        column = table[place.root]
        if not place.field:
            return column
        if place.root != _EXTRA:
            return pc.struct_field(column, place.field)
        return pa.chunked_array([pa.array(_fields(column, place.field), pa.string())])


def _fields(objects: pa.ChunkedArray, name: str) -> list[str | None]:
    """A field of JSON objects, as text or as its JSON."""
    decoder = msgspec.json.Decoder(dict[str, msgspec.Raw])
    found: list[str | None] = []
    for text in objects.to_pylist():
        value = bytes(decoder.decode(text).get(name, b"")) if text else b""
        if value.startswith(b'"'):
            found.append(msgspec.json.decode(value, type=str))
        else:
            found.append(value.decode() or None)
    return found
