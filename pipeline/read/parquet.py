"""Rows of a Parquet file: batch by batch, only the columns needed.

A row group that does not decode costs its own rows, and a value that does not decode its own row.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import BinaryIO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from thresher.pipeline.read.columns import Value, is_text, json_values, plain, printed, texts
from thresher.pipeline.read.kept import Keep
from thresher.pipeline.read.parquet_batches import batch_rows, first_column, leaves_of
from thresher.pipeline.read.parquet_columns import AmbiguousColumns, Columns
from thresher.pipeline.read.records import (
    SAMPLE_BYTES,
    Origin,
    Page,
    Rejected,
    reject,
    without_nuls,
)
from thresher.pipeline.read.rows import (
    RowFields,
    fields_there,
    missing_text,
    text_to_page,
)

_BUFFER = 1 << 20
_DAMAGE = (pa.ArrowException, OSError, UnicodeDecodeError)


def read_parquet(
    file: BinaryIO, fields: RowFields, max_record_bytes: int, keep: Keep | None = None
) -> Iterator[Page | Rejected]:
    """Yield every row; of a damaged row group one `Rejected` stands for what is lost.

    Args:
        file: a seekable binary file.
        fields: which columns hold what; a dot goes into structs.
        max_record_bytes: a longer text is `oversize`.
        keep: further columns that go along.

    Raises:
        OSError: where the file system fails; never for bad data.
    """
    keep = keep or Keep()
    watched = _Watched(file)
    try:
        # With a buffer and no pre-buffering, pages of a column are read as they are needed, so
        # that a row group of gigabytes does not enter memory.
        parquet = pq.ParquetFile(
            watched,
            buffer_size=_BUFFER,
            pre_buffer=False,
            page_checksum_verification=True,
            coerce_int96_timestamp_unit="us",  # in nanoseconds, far years become near ones
        )
        columns = Columns.find(parquet.schema_arrow, fields, keep)
        told = "" if columns.text else fields_there(fields.text, parquet.schema_arrow.names)
        selected = columns.selected() or first_column(parquet)
        leaves = leaves_of(parquet, selected)
    except AmbiguousColumns as error:
        yield reject("unreadable_shard", detail=str(error))
        return
    except _DAMAGE as error:
        watched.reraise()
        yield reject("unreadable_shard", detail=str(error))
        return
    before = 0
    for number in range(parquet.num_row_groups):
        done, promised, problem = 0, -1, ""
        try:
            promised = parquet.metadata.row_group(number).num_rows
            size = batch_rows(parquet, number, selected, leaves, watched)
            for batch in parquet.iter_batches(size, row_groups=[number], columns=selected):
                origins = [
                    Origin(before + row, None, None, None, None, number, row)
                    for row in range(done, done + batch.num_rows)
                ]
                extras = _extras(batch, columns.kept, keep)
                yield from _pages(batch, columns, fields, max_record_bytes, told, origins, extras)
                done += batch.num_rows
                if done > promised:
                    break
        except _DAMAGE as error:
            watched.reraise()
            problem = f": {error}"
        if problem or done != promised:
            detail = f"row group {number}: {done} of {promised} rows{problem}"
            lost = max(1, promised - done)
            yield reject("malformed_record", detail=detail, lost_records=lost)
        before += max(promised, done)


def _extras(
    batch: pa.RecordBatch, kept: Mapping[str, tuple[str, ...]], keep: Keep
) -> Sequence[str]:
    """What goes along with each row of a batch."""
    if not kept:
        return [""] * batch.num_rows
    columns = [json_values(_column(batch, path)) for path in kept.values()]
    return [keep.of_fields(dict(zip(kept, row, strict=True))) for row in zip(*columns, strict=True)]


def _pages(
    batch: pa.RecordBatch,
    columns: Columns,
    fields: RowFields,
    limit: int,
    told: str,
    origins: Sequence[Origin],
    extras: Sequence[str],
) -> Iterator[Page | Rejected]:
    nothing: list[Value] = [None] * batch.num_rows
    text = _Texts.of(_column(batch, columns.text), batch.num_rows, limit)
    beside = (_column(batch, path) for path in (columns.id, columns.url, columns.date))
    ids, urls, dates = (nothing if column is None else printed(column) for column in beside)
    for row, values in enumerate(zip(text.values, ids, urls, dates, strict=True)):
        content, record_id, url, date = values
        if (
            not isinstance(content, str)
            or isinstance(record_id, bytes)
            or isinstance(url, bytes)
            or isinstance(date, bytes)
        ):
            yield _refused(text, row, fields, values, told)
        else:
            yield text_to_page(
                without_nuls(content),
                without_nuls(record_id) if record_id else "",
                without_nuls(url) if url else "",
                without_nuls(date) if date else "",
                origins[row],
                extras[row],
            )


@dataclass(frozen=True, slots=True)
class _Texts:
    """The texts of a batch."""

    values: list[Value]
    oversize: dict[int, int]
    """Bytes of those texts, by row, that are too long; their value is None."""
    kinds: list[str]
    """By row the type of what is no text, "" of nothing; empty where the column is of texts."""

    @classmethod
    def of(cls, column: pa.Array | None, rows: int, limit: int) -> _Texts:
        if column is None:
            return cls([None] * rows, {}, [])
        column = plain(column)
        if not is_text(column.type):
            kind = str(column.type)
            present = column.is_valid().to_pylist()
            return cls([None] * rows, {}, [kind if there else "" for there in present])
        lengths = pc.binary_length(column)
        longer = pc.greater(lengths, limit)
        if not pc.any(longer).as_py():
            return cls(texts(column), {}, [])
        which = pc.indices_nonzero(longer.fill_null(False)).to_pylist()
        sizes = {row: lengths[row].as_py() for row in which}
        return cls(texts(pc.if_else(longer, None, column)), sizes, [])


def _column(batch: pa.RecordBatch, path: Sequence[str]) -> pa.Array | None:
    """The column at the end of a path; None of an empty one."""
    if not path:
        return None
    column = batch.column(path[0])
    for name in path[1:]:
        column = pc.struct_field(column, [name])
    return column


def _refused(
    text: _Texts,
    row: int,
    fields: RowFields,
    values: tuple[Value, Value, Value, Value],
    told: str,
) -> Rejected:
    """A row without a text, with one that is too long, or with a value that is not UTF-8."""
    names = (fields.text, fields.id, fields.url, fields.date)
    record_id, url = (value if isinstance(value, str) else "" for value in values[1:3])
    for name, value in zip(names, values, strict=True):
        if isinstance(value, bytes):
            detail, sample = f"'{name}' is not UTF-8", value[:SAMPLE_BYTES]
            return reject("undecodable", record_id, url, detail, sample)
    if row in text.oversize:
        return reject("oversize", record_id, url, f"a text of {text.oversize[row]} bytes")
    kind = text.kinds[row] if text.kinds else ""
    return missing_text(fields.text, kind, record_id, url, told)


class _Watched:
    """Tells an error of the file system from one of Parquet, which reads through it."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._error: BaseException | None = None
        self.closed = False

    def read(self, size: int = -1) -> bytes:
        """Read like the file itself, and keep what it raises."""
        try:
            return self._file.read(size)
        except BaseException as error:
            self._error = error
            raise

    def seek(self, offset: int, whence: int = 0) -> int:
        """Go to an offset."""
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        """Where the file is."""
        return self._file.tell()

    def reraise(self) -> None:
        """Raise what the file system raised, if it did."""
        if self._error is not None:
            raise self._error
