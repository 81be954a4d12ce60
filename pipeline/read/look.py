"""A first look at an input file: its format, and the fields of its rows, from its beginning."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from thresher.filters.errors import InputError
from thresher.pipeline.read.inputs import InputSettings, InputShard
from thresher.pipeline.read.jsonl import other_shape
from thresher.pipeline.read.parquet_columns import leaf_paths
from thresher.pipeline.read.remote import open_input
from thresher.pipeline.read.sources import Damage, open_source
from thresher.pipeline.read.streams import ByteReader

__all__ = ["Field", "Look", "format_of", "look_at"]

PARQUET = b"PAR1"
_HEAD_BYTES = 4096
_MOST_ROWS = 100
_MOST_BYTES = 4 << 20
_MOST_FIELDS = 500
_MOST_NAMES = 10_000
_DEEPEST = 5


@dataclass(frozen=True, slots=True)
class Field:
    """A field of the rows of a file."""

    name: str
    """As the settings name it: a dot goes into nested objects."""
    text_bytes: int
    """Of the texts it holds in what was looked at; -1 where it holds something else."""


@dataclass(frozen=True, slots=True)
class Look:
    """What a file is."""

    format: str
    """`warc`, `wet`, `jsonl` or `parquet`."""
    fields: tuple[Field, ...] = ()
    """Of a file of rows: those that its first rows have a value of, in their order."""
    names: tuple[str, ...] = ()
    """All that its first rows have, also lists and what is empty there."""


def format_of(reader: ByteReader) -> str:
    """The format of a file by its first bytes, once decompressed; "" where it is none."""
    head = reader.peek(_HEAD_BYTES).lstrip(b"\r\n\t \xef\xbb\xbf")
    if head.startswith((b"WARC/", b"filedesc:")):
        return "warc"
    return "jsonl" if head.startswith((b"{", b"[")) else ""


def look_at(shard: InputShard, settings: InputSettings) -> Look:
    """Look at the beginning of a file; of Parquet, at its footer.

    Args:
        shard: the file.
        settings: how it would be read; what they say of fields does not matter.

    Raises:
        InputError: if it is of no known format, or holds no row that parses where it begins.
        OSError: where the file system fails.
    """
    with open_input(shard.uri) as opened:
        kind = shard.format
        if kind == "auto":
            head = opened.read(len(PARQUET))
            opened.seek(0)
            kind = "parquet" if head == PARQUET else kind
        if kind == "parquet":
            return _columns(shard, opened)
        reader = ByteReader(open_source(opened, settings.max_window_bytes))
        if kind == "auto":
            kind = format_of(reader)
        if not kind:
            raise InputError(
                f"'{shard.name}' is of no known format: WARC, ARC, WET, JSON Lines and Parquet "
                "are read, the first four also compressed"
            )
        return _keys(shard, reader, settings) if kind == "jsonl" else Look(kind)


def _columns(shard: InputShard, file: BinaryIO) -> Look:
    """The columns of a Parquet file, with what their texts take in its first row group."""
    try:
        parquet = pq.ParquetFile(file)
        metadata = parquet.metadata
        schema = metadata.schema
        names = [".".join(path) for path in leaf_paths(parquet.schema_arrow)]
        sizes: Counter[str] = Counter()
        if metadata.num_row_groups:
            group = metadata.row_group(0)
            for place in range(min(group.num_columns, _MOST_FIELDS)):
                column = group.column(place)
                sizes[column.path_in_schema] = column.total_uncompressed_size
        found = [schema.column(place) for place in range(min(len(schema), _MOST_FIELDS))]
    except pa.ArrowException as error:
        raise InputError(f"'{shard.name}' is no sound Parquet file: {error}") from error
    fields = tuple(
        Field(each.path, sizes[each.path] if _holds_text(each) else -1)
        for each in found
        if not each.max_repetition_level  # within lists
    )
    return Look("parquet", fields, tuple(names[:_MOST_NAMES]))


def _holds_text(column: pq.ColumnSchema) -> bool:
    return bool(column.physical_type == "BYTE_ARRAY" and column.logical_type.type == "STRING")


def _keys(shard: InputShard, reader: ByteReader, settings: InputSettings) -> Look:
    """The keys of the first rows, with what their texts take."""
    if problem := other_shape(reader.peek(_HEAD_BYTES)):
        raise InputError(f"'{shard.name}' is {problem}")
    sizes: dict[str, int] = {}
    names: dict[str, None] = {}
    rows = 0
    for line in _lines(reader, settings.max_record_bytes):
        try:
            row = msgspec.json.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            continue
        if not isinstance(row, dict):
            continue
        rows += 1
        for name, value in _values(row, "", _DEEPEST):
            if len(names) < _MOST_NAMES:
                names[name] = None
            if value is None or isinstance(value, list):
                continue
            if name in sizes or len(sizes) < _MOST_FIELDS:
                before = max(0, sizes.get(name, 0))
                is_text = isinstance(value, str)
                sizes[name] = before + len(value.encode()) if is_text else sizes.get(name, -1)
    if not rows:
        raise InputError(f"'{shard.name}' begins with no row of JSON that parses")
    return Look("jsonl", tuple(Field(name, size) for name, size in sizes.items()), tuple(names))


def _lines(reader: ByteReader, longest: int) -> Iterator[bytes]:
    """The first lines, up to damage or a line that is too long."""
    try:
        for _ in range(_MOST_ROWS):
            line = reader.readline(longest)
            if not line or len(line) == longest:
                return
            if not line.isspace():
                yield line
            if reader.position > _MOST_BYTES:
                return
    except Damage:
        return


def _values(row: Mapping[str, Any], before: str, deeper: int) -> Iterator[tuple[str, Any]]:
    """Each value that is no object, by its dotted name."""
    for key, value in row.items():
        name = f"{before}{key}"
        if isinstance(value, dict):
            if deeper:
                yield from _values(value, f"{name}.", deeper - 1)
        else:
            yield name, value
