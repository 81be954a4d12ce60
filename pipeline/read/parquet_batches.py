"""How many rows of a Parquet file fit into memory at once, however well they are encoded.

A dictionary of one text of 16 MB makes a million rows of it from a file of 1 kB. Arrow gives every
row its own copy, so what bounds a batch is the size of the dictionary, which only the header of its
page says.
"""

from __future__ import annotations

from typing import Protocol

import pyarrow.parquet as pq

_MOST_ROWS = 256
_BATCH_BYTES = 128 << 20
_LEAST_DELTA_ROWS = 16
_HEADER_BYTES = 32
_DICTIONARY_PAGE = 2
_FIELD_I32 = 0x15
"""Thrift's compact protocol: the next field by number, a 32-bit integer."""


class Readable(Protocol):
    """A binary file that can be read anywhere."""

    def seek(self, offset: int, whence: int = 0, /) -> int:
        """Go to an offset."""

    def read(self, size: int = -1, /) -> bytes:
        """Read at most so many bytes."""


def batch_rows(
    parquet: pq.ParquetFile, number: int, selected: list[str], leaves: list[int], file: Readable
) -> int:
    """Rows to read at once of a row group.

    Args:
        parquet: the file.
        number: of the row group.
        selected: names of the columns that are read.
        leaves: the same by `leaves_of`.
        file: the same file, to look at the headers of its dictionaries.

    Raises:
        pa.ArrowException: where the first row does not decode; an `OSError` too.
    """
    # What Arrow reads it checks first; of a damaged footer the accessors end the whole process.
    next(parquet.iter_batches(1, row_groups=[number], columns=selected), None)
    group = parquet.metadata.row_group(number)
    largest, least = 1, 1
    for i in leaves:
        chunk = group.column(i)
        size = max(0, chunk.total_uncompressed_size)
        row = size // max(1, chunk.num_values)
        if "DELTA_BYTE_ARRAY" in chunk.encodings:
            row, least = size, _LEAST_DELTA_ROWS  # a value may repeat all of the one before it
        elif size > _BATCH_BYTES // _MOST_ROWS and chunk.has_dictionary_page:
            row = max(row, _dictionary_bytes(chunk, file))
        largest += row
    return min(_MOST_ROWS, max(least, _BATCH_BYTES // largest))


def first_column(parquet: pq.ParquetFile) -> list[str]:
    """A column to count the rows by, for files that have none of those asked for."""
    return [parquet.schema.column(0).path] if len(parquet.schema) else []


def leaves_of(parquet: pq.ParquetFile, selected: list[str]) -> list[int]:
    """The places of those leaves of the schema that are read.

    Args:
        parquet: the file.
        selected: names of columns; a struct stands for all its leaves.
    """
    paths = [parquet.schema.column(i).path for i in range(len(parquet.schema))]
    return [
        i
        for i, path in enumerate(paths)
        if any(path == name or path.startswith(f"{name}.") for name in selected)
    ]


def _dictionary_bytes(chunk: pq.ColumnChunkMetaData, file: Readable) -> int:
    """The uncompressed size of the dictionary page of a column chunk; 0 where it has none."""
    starts = (chunk.data_page_offset, chunk.dictionary_page_offset or chunk.data_page_offset)
    file.seek(max(0, min(starts)))
    header = file.read(_HEADER_BYTES)
    # type, then uncompressed_page_size
    kind, at = _integer(header, 0)
    size, _ = _integer(header, at)
    return size if kind == _DICTIONARY_PAGE else 0


def _integer(header: bytes, at: int) -> tuple[int, int]:
    """A field of 32 bits and where the next one starts; -1 for what is none."""
    if header[at : at + 1] != bytes([_FIELD_I32]):
        return -1, at
    value = shift = 0
    for end in range(at + 1, min(at + 6, len(header))):
        value |= (header[end] & 0x7F) << shift
        shift += 7
        if header[end] < 0x80:
            return (value >> 1) ^ -(value & 1), end + 1
    return -1, at
