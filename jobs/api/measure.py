"""`thresher.measure`: texts in, a table of every signal out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import pyarrow as pa

from thresher.classifiers.quality import ScoreRole, check_role, resolved
from thresher.classifiers.registry import Model
from thresher.filters.errors import InputError
from thresher.pipeline.documents.in_memory import measured, measured_schema
from thresher.pipeline.documents.measure import CHUNK_BYTES, CHUNK_PAGES
from thresher.pipeline.documents.settings import (
    MachineTextSettings,
    QualitySettings,
    SignalSettings,
)
from thresher.pipeline.extract import Extracted
from thresher.pipeline.extract.normal import normal_pages
from thresher.pipeline.gate.gating import language_model, with_languages
from thresher.pipeline.read.records import Page, clean_text

_MOST_FIELDS = 20
"""Fields of a row that an error names."""


def measure(
    texts: Iterable[str | Extracted] | pa.Array | pa.ChunkedArray,
    *,
    urls: Iterable[str | None] | None = None,
    ids: Iterable[str | int | None] | None = None,
    quality: str = QualitySettings().model,
    machine_text: str = MachineTextSettings().model,
) -> pa.Table:
    """Measure texts as a run measures documents, in this process and without any gate.

    As in a run the text that is measured, and is in the table, has plain ends of lines and is
    mended; `mending.*` say what was changed, and `id` and `raw_hash` are of the text as given.

    The first call on a machine compiles the kernels, which takes about a minute; later processes
    load them in two seconds.

    Args:
        texts: strings, or pages as `thresher.extract` gives them, which bring their URL, title and
            the signals `extract.*` and `metadata.*`. NULs and lone surrogates, which no Parquet
            file can hold, are left out.
        urls: the address of each text, for the signals `url_parts.*`.
        ids: the identity of each text in its source; without it equal texts have equal ids.
        quality: the model behind `quality.score`: `NAME@VERSION`, or the path or URL of its file;
            "" leaves it NULL.
        machine_text: the model behind `machine_text.score`, likewise.

    Returns:
        A row for each text, in their order, with the columns of the view `documents` of a lake:
        `id`, `url`, `text`, a struct column for each family of signals (docs/signals.md) and the
        MinHash signature. What takes more than one document to measure is not in it.

    Raises:
        InputError: if a text is no string, or there are not as many urls or ids as texts.
        ModelError: if a model is missing or is not sound.
    """
    language_model()  # if it is missing, that is said at once
    settings = SignalSettings(
        quality=_model(quality, "quality"), machine_text=_model(machine_text, "machine_text")
    )
    batches = [
        measured(with_languages(normal_pages(chunk)), settings)
        for chunk in _chunks(_items(texts, urls, ids))
    ]
    return pa.Table.from_batches(batches, measured_schema(settings))


def _model(reference: str, role: ScoreRole) -> Model | None:
    if not reference:
        return None
    model = resolved(reference)
    check_role(model, role)
    return model


def _items(
    texts: Iterable[Any] | pa.Array | pa.ChunkedArray,
    urls: Iterable[str | None] | None,
    ids: Iterable[str | int | None] | None,
) -> Iterator[Extracted]:
    beside = {
        which: _beside(which, values)
        for which, values in (("urls", urls), ("ids", ids))
        if values is not None
    }
    for i, text in enumerate(_values(texts)):
        mine = {which: next(values, None) for which, values in beside.items()}
        for which, value in mine.items():
            if value is None:
                raise InputError(f"there are fewer {which} than texts")
        yield _item(text, f"texts[{i}]", mine.get("urls"), mine.get("ids"))
    for which, values in beside.items():
        if next(values, None) is not None:
            raise InputError(f"there are more {which} than texts")


def _values(texts: Any) -> Iterator[Any]:
    if isinstance(texts, str | bytes | Extracted):
        raise InputError("texts is a single text: give a list, as in thresher.measure([text])")
    if isinstance(texts, Mapping) or hasattr(texts, "columns"):
        raise InputError("texts is a table: give the column of the texts")
    if isinstance(texts, pa.Array | pa.ChunkedArray):
        chunks = texts.chunks if isinstance(texts, pa.ChunkedArray) else [texts]
        return (
            value
            for chunk in chunks
            for start in range(0, len(chunk), CHUNK_PAGES)
            for value in chunk.slice(start, CHUNK_PAGES).to_pylist()
        )
    if not isinstance(texts, Iterable):
        raise InputError(f"texts is of type {type(texts).__name__}: give a list of strings")
    return iter(texts)


def _beside(which: str, values: Iterable[Any]) -> Iterator[str]:
    """What accompanies the texts, as strings; "" for each that is None."""
    if isinstance(values, str | bytes):
        raise InputError(f"{which} is a single string: give a list, one for each text")
    for i, value in enumerate(values):
        plain = value.as_py() if isinstance(value, pa.Scalar) else value
        if not isinstance(plain, str | int | None):
            raise InputError(f"{which}[{i}] is of type {type(plain).__name__}, and no string")
        yield "" if plain is None else clean_text(str(plain))


def _item(text: Any, where: str, url: str | None, name: str | None) -> Extracted:
    if isinstance(text, Extracted):
        if url is not None or name is not None:
            raise InputError(f"{where} is a page, which has its own URL: leave out urls and ids")
        return text
    if not isinstance(text, str):
        what = "None" if text is None else f"of type {type(text).__name__}"
        hint = "leave it out, or give ''"
        if isinstance(text, bytes):
            hint = "decode it, or give a page to thresher.extract"
        if isinstance(text, Mapping):
            what, hint = "a row", _row_hint(text)
        raise InputError(f"{where} is {what}, and no string: {hint}")
    text = clean_text(text)
    page = Page(name or "", url or "", "", text, is_html=False, charset="utf-8")
    return Extracted(page, text, "", "utf-8", "format")


def _row_hint(row: Mapping[Any, Any]) -> str:
    """How to get the texts out of rows: by the field `text`, or that of the longest text."""
    fields = [name for name, value in row.items() if isinstance(value, str)]
    if not fields:
        return "give the texts of the rows"
    longest = max(fields, key=lambda name: len(row[name]))
    name = "text" if "text" in fields else longest
    others = ", ".join(map(str, [*row][:_MOST_FIELDS]))
    return f"give the texts, as in [row[{name!r}] for row in rows]; its fields are {others}"


def _chunks(items: Iterator[Extracted]) -> Iterator[list[Extracted]]:
    chunk: list[Extracted] = []
    size = 0
    for item in items:
        chunk.append(item)
        size += len(item.text)
        if len(chunk) >= CHUNK_PAGES or size >= CHUNK_BYTES:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk
