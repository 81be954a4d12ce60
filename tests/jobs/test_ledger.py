"""A stage that loses or doubles a record stops the run, on every executor."""

from __future__ import annotations

import sys

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from ray import cloudpickle
from small_runs import Counting, run

from thresher.filters.errors import LedgerError
from thresher.jobs.executor import OnRay
from thresher.jobs.ledger import check_curated, check_handed_on
from thresher.jobs.stages import judge as judging
from thresher.manifests.manifest import Manifest, Output
from thresher.manifests.run import load_runs
from thresher.manifests.store import Store
from thresher.pipeline.documents import measure
from thresher.pipeline.gate.book import Book
from thresher.pipeline.judge import decide
from thresher.pipeline.materialize import curated, parts


def manifest(stage, key="a", rows=0, **ledger):
    outputs = [Output(f"{stage}/f/{key}.parquet", rows, 1, "")]
    return Manifest(stage=stage, fingerprint="f", key=key, ledger=ledger, outputs=outputs)


@pytest.mark.parametrize("records", [6, 8])
def test_what_is_handed_on_is_taken(records):
    before = {
        "a": manifest("documents", "a", records=9, documents=7),
        "b": manifest("documents", "b", records=3, documents=2),
    }
    after = {key: manifest("decisions", key, records=n) for key, n in (("a", 7), ("b", 2))}
    check_handed_on(before, "documents", after)
    after["a"] = manifest("decisions", "a", records=records)
    said = (
        rf"^decisions/a: has {records} records, and documents passed on 7 \(documents\); "
        r"with manifests/decisions/f/a\.json removed from the lake it is made again$"
    )
    with pytest.raises(LedgerError, match=said):
        check_handed_on(before, "documents", after)
    # Nor may one shard make up for another.
    after["b"] = manifest("decisions", "b", records=9 - records)
    with pytest.raises(LedgerError):
        check_handed_on(before, "documents", after)


@pytest.mark.parametrize("rows", [4, 6])
def test_what_is_curated_is_all_that_was_kept(rows):
    before = {key: manifest("parts", key, kept=n) for key, n in (("a", 2), ("b", 3))}
    check_curated(before, {"x": manifest("curated", "x", 1), "y": manifest("curated", "y", 4)})
    said = (
        rf"^curated: has {rows} documents, and parts passed on 5 \(kept\); "
        "with manifests/curated/f removed from the lake it is made again$"
    )
    with pytest.raises(LedgerError, match=said):
        check_curated(before, {"x": manifest("curated", "x", rows)})


def changing(module, name, change):
    """A function of a module that gives something else."""
    original = getattr(module, name)

    def other(*arguments):
        return change(original(*arguments))

    return module, name, other


def book_that(change):
    """The book, of which the first pages that it lets through are others."""
    return changing(Book, "admit", change)


def documents_that(change):
    """The stage of decisions, which sees other documents."""
    original = decide.register_documents

    def other(connection, *arguments):
        original(connection, *arguments)
        seen = connection.sql("SELECT * FROM documents").to_arrow_table()
        connection.unregister("documents")
        connection.register("documents", change(seen))

    return decide, "register_documents", other


def without_a_kept_row(tables):
    for table in tables:
        kept = pc.index(table["verdict"], "kept").as_py()
        rest = [n for n in range(table.num_rows) if n != kept]
        yield table.take(pa.array(rest, pa.int64()))


def twice(table):
    return pa.concat_tables([table, table])


IMBALANCES = {
    "a page is lost": (book_that(lambda pages: pages[1:]), "text", "do not balance"),
    "a page comes twice": (
        book_that(lambda pages: [*pages, *pages[:1]]),
        "text",
        "do not balance",
    ),
    "a reason is lost": (
        (Book, "total", lambda _, outcome: 1 if outcome == "failed" else 99),
        "text",
        "do not balance",
    ),
    "a decision is lost": (
        documents_that(lambda table: table.slice(1)),
        "decisions",
        "and text passed on",
    ),
    "a decision comes twice": (documents_that(twice), "decisions", "and text passed on"),
    "a part is lost": (
        changing(parts, "judged_rows", without_a_kept_row),
        "parts",
        "and decisions passed on",
    ),
    "a curated document is lost": (
        changing(curated, "_rows_in_range", lambda table: table.slice(1)),
        "curated",
        "and parts passed on",
    ),
    "a curated document comes twice": (
        changing(curated, "_rows_in_range", twice),
        "curated",
        "and parts passed on",
    ),
}
ORDER = ("text", "decisions", "parts", "curated")


@pytest.mark.parametrize("name", IMBALANCES)
def test_an_imbalance_stops_the_run(small, tmp_path, monkeypatch, name):
    (module, function, other), stage, said = IMBALANCES[name]
    recipe = small.copy(tmp_path, ORDER[ORDER.index(stage) :])
    monkeypatch.setattr(module, function, other)
    executor = Counting()
    with pytest.raises(LedgerError, match=said):
        run(recipe, executor)
    ran = [each for each, _ in executor.tasks]
    assert ran[-1] == stage
    (record,) = load_runs(Store(recipe["lake"]))
    assert record.status == "running"  # it came to no end


measured = measure.measure_shard


def loses_a_page(*arguments):
    """The stage of documents with a book that lets one page less through."""
    admit = Book.admit
    Book.admit = lambda book, chunk: admit(book, chunk)[1:]
    try:
        return measured(*arguments)
    finally:
        Book.admit = admit


def doubles_a_decision(*arguments):
    """The stage of decisions that sees all documents twice."""
    module, name, other = documents_that(twice)
    original = getattr(module, name)
    setattr(module, name, other)
    try:
        return decide.decide(*arguments)
    finally:
        setattr(module, name, original)


@pytest.mark.ray
@pytest.mark.slow
def test_an_imbalance_stops_the_run_on_ray(small, tmp_path, monkeypatch):
    executor = OnRay(workers=2)
    # Workers cannot import what this module imports.
    cloudpickle.register_pickle_by_value(sys.modules[__name__])
    try:
        for stage, where, function, other, said in (
            ("text", measure, "measure_shard", loses_a_page, "do not balance"),
            ("decisions", judging, "decide", doubles_a_decision, "and text passed on"),
        ):
            recipe = small.copy(tmp_path / stage, [stage])
            monkeypatch.setattr(where, function, other)
            with pytest.raises(LedgerError, match=rf"^{stage}/.* {said}"):
                run(recipe, executor)
            monkeypatch.undo()
    finally:
        cloudpickle.unregister_pickle_by_value(sys.modules[__name__])
        executor.close()
