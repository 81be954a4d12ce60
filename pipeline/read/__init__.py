"""Reading: input files to pages, and to rejected records with their reasons.

`read_shard` streams one file. Bad data never raises: every record of the file is yielded exactly
once, as a `Page` or as a `Rejected`, so that the counts of a shard can balance. Errors of the
file system do raise; they say nothing about the data and may be transient.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Iterator
from typing import BinaryIO, cast

from thresher.pipeline.read.checksum import ChecksumFile
from thresher.pipeline.read.inputs import InputSettings, InputShard, list_inputs
from thresher.pipeline.read.jsonl import read_jsonl
from thresher.pipeline.read.kept import Keep
from thresher.pipeline.read.look import PARQUET, format_of
from thresher.pipeline.read.names import redact
from thresher.pipeline.read.parquet import read_parquet
from thresher.pipeline.read.reasons import REASONS, Reason
from thresher.pipeline.read.records import Page, Rejected, reject
from thresher.pipeline.read.remote import open_input
from thresher.pipeline.read.rows import RowFields
from thresher.pipeline.read.sources import NotVerified, open_source
from thresher.pipeline.read.streams import ByteReader
from thresher.pipeline.read.stretches import Loss, settle
from thresher.pipeline.read.warc import read_warc

__all__ = [
    "REASONS",
    "InputSettings",
    "InputShard",
    "Loss",
    "NotVerified",
    "Page",
    "Reason",
    "Rejected",
    "list_inputs",
    "read_shard",
    "reject",
]


def read_shard(
    shard: InputShard,
    settings: InputSettings,
    checksum: Callable[[str], None] | None = None,
    loss: Loss | None = None,
    distrusted: Collection[int] | None = None,
) -> Iterator[Page | Rejected]:
    """Yield every record of a file once, in file order, in memory that the file does not grow.

    Args:
        shard: the file.
        settings: how to read it.
        checksum: called at the end with the sha256 of the whole file.
        loss: what damage cost is added to it.
        distrusted: places of members that an earlier reading found damaged; empty at first. Only
            for callers that read again on `NotVerified`.

    Raises:
        OSError: where the file system fails; never for bad data.
        NotVerified: with `distrusted`, where pages were given out of a member too large to be held
            back that failed its checks. What was read so far is to be forgotten, and the file read
            again with those members distrusted, so that their pages are marked.
    """
    loss = loss if loss is not None else Loss()
    with _by_name(shard), open_input(shard.uri) as opened:
        file = ChecksumFile(opened)
        yield from _records(shard.format, opened, file, settings, loss, distrusted)
        if checksum is not None:
            checksum(file.finish())


@contextlib.contextmanager
def _by_name(shard: InputShard) -> Iterator[None]:
    """Errors of the file system speak of the file by its name, and tell no secrets."""
    try:
        yield
    except OSError as error:
        said = str(error)
        told = redact(said, shard.uri, shard.name)
        if told == said:
            raise
        kinds = (FileNotFoundError, PermissionError, ConnectionError, TimeoutError, OSError)
        raise next(kind for kind in kinds if isinstance(error, kind))(told) from error


def _records(
    kind: str,
    opened: BinaryIO,
    file: ChecksumFile,
    settings: InputSettings,
    loss: Loss,
    distrusted: Collection[int] | None,
) -> Iterator[Page | Rejected]:
    fields = RowFields(
        settings.text_field, settings.id_field, settings.url_field, settings.date_field
    )
    keep = Keep(settings.keep, settings.text_field)
    limit = settings.max_record_bytes
    if kind == "auto" and file.peek(len(PARQUET)) == PARQUET:
        kind = "parquet"
    if kind == "parquet":
        for item in read_parquet(opened, fields, limit, keep):
            if isinstance(item, Rejected):
                loss.add(item)
            yield item
        loss.left_out += keep.left_out
        return
    source = open_source(cast(BinaryIO, file), settings.max_window_bytes, distrusted)
    reader = ByteReader(source)
    if kind == "auto":
        kind = format_of(reader)
    if kind == "jsonl":
        yield from settle(read_jsonl(reader, fields, limit, keep), reader, loss)
        loss.left_out += keep.left_out
    elif kind in ("warc", "wet"):
        yield from settle(read_warc(reader, limit), reader, loss)
    else:
        item = reject("unreadable_shard", detail="of no known format", sample=reader.peek(1024))
        loss.add(item)
        yield item
