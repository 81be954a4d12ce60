"""The book counts every record once, and keeps what the settings say."""

from __future__ import annotations

import dataclasses
import hashlib

import pytest

from thresher.manifests.schemas import QUARANTINE
from thresher.manifests.shards import ShardWriter, read_table
from thresher.manifests.store import Store
from thresher.pipeline.gate import book as books
from thresher.pipeline.gate.book import Book, document_id
from thresher.pipeline.read import Loss
from thresher.pipeline.read.records import Page, reject

PAGE = Page("urn:1", "http://a.org/1", "", b"<p>one</p>", True, "")


def rows_of(tmp_path, retain_fraction, stop):
    store = Store(str(tmp_path))
    with ShardWriter(store, "q.parquet", QUARANTINE) as writer:
        book = Book("crawl.warc.gz", retain_fraction, writer)
        stop(book)
        book.flush()
    return book, read_table(store, "q.parquet").to_pylist()


@pytest.mark.parametrize(
    "change", [{"record_id": "urn:2"}, {"url": "http://a.org/2"}, {"content": b"<p>two</p>"}]
)
def test_an_id_is_of_the_record_its_url_and_its_content(change):
    other = dataclasses.replace(PAGE, **change)
    assert document_id(other) != document_id(PAGE)
    assert document_id(dataclasses.replace(PAGE, date="2026", charset="x")) == document_id(PAGE)
    assert document_id(dataclasses.replace(PAGE, content="<p>one</p>")) == document_id(PAGE)


def test_an_id_is_the_same_on_every_machine_and_parts_do_not_run_together():
    digest = hashlib.blake2b(b"urn:1\0http://a.org/1\0<p>one</p>", digest_size=16)
    assert document_id(PAGE) == digest.hexdigest()
    moved = dataclasses.replace(PAGE, record_id="urn:1http", url="://a.org/1")
    assert document_id(moved) != document_id(PAGE)


def test_a_record_that_never_was_a_page_has_an_id_of_what_is_known():
    rejected = reject("http_status", "urn:1", "http://a.org/1", "404", b"<p>one</p>")
    assert document_id(rejected) == document_id(PAGE)


def pages(count):
    return [Page(f"urn:{n}", f"http://a.org/{n}", "", b"x", True, "") for n in range(count)]


def test_failed_records_are_all_kept_and_gated_ones_by_their_share(tmp_path):
    many = pages(2_000)

    def stop(book):
        for page in many:
            book.stop(reject("http_status", page.record_id, page.url, "404"), page)
            book.stop(reject("extraction_error", page.record_id, page.url, "boom"), page)

    book, rows = rows_of(tmp_path, 0.1, stop)
    assert book.reasons == {"gated/http_status": 2_000, "failed/extraction_error": 2_000}
    assert (book.total("gated"), book.total("failed")) == (2_000, 2_000)
    failed = [row["id"] for row in rows if row["outcome"] == "failed"]
    assert failed == [document_id(page) for page in many]
    sampled = [row["id"] for row in rows if row["outcome"] == "gated"]
    chosen = [document_id(p) for p in many if int(document_id(p)[:8], 16) < 0.1 * 2**32]
    assert sampled == chosen
    assert 150 < len(sampled) < 250


@pytest.mark.parametrize(("share", "kept"), [(0.0, 0), (1.0, 50)])
def test_none_and_all_of_the_gated(tmp_path, share, kept):
    def stop(book):
        for page in pages(50):
            book.stop(reject("revisit", page.record_id, page.url), page)

    book, rows = rows_of(tmp_path, share, stop)
    assert (book.total("gated"), len(rows)) == (50, kept)


@pytest.mark.parametrize("count", [3, 4, 5, 8, 9])
def test_rows_are_written_once_however_many_there_are_at_once(tmp_path, monkeypatch, count):
    monkeypatch.setattr(books, "_ROWS_AT_ONCE", 4)

    def stop(book):
        for page in pages(count):
            book.stop(reject("extraction_error", page.record_id, page.url), page)
        book.flush()

    _, rows = rows_of(tmp_path, 0.0, stop)
    assert [row["record_id"] for row in rows] == [f"urn:{n}" for n in range(count)]


def test_a_row_says_what_and_why(tmp_path):
    def stop(book):
        book.stop(reject("extraction_error", "urn:1", "http://a.org/1", "boom", b"<p>"), PAGE)

    _, (row,) = rows_of(tmp_path, 0.0, stop)
    assert row == {
        "id": document_id(PAGE),
        "record_id": "urn:1",
        "url": "http://a.org/1",
        "source": "crawl.warc.gz",
        "outcome": "failed",
        "reason": "extraction_error",
        "detail": "boom",
        "sample": b"<p>",
    }


def test_admitting_takes_pages_and_stops_the_rest(tmp_path):
    wrong = reject("http_status", "urn:9", "http://a.org/9", "500")
    book, rows = rows_of(tmp_path, 1.0, Book.flush)
    assert rows == []
    one, two = pages(2)
    assert book.admit([one, wrong, two]) == [one, two]
    assert book.reasons == {"gated/http_status": 1}


def state(tmp_path, *reasons, pages=0, loss=None):
    def stop(book):
        book.records = pages + len(reasons)
        for number, reason in enumerate(reasons):
            book.stop(reject(reason, str(number), "", f"detail {number}"))

    book, _ = rows_of(tmp_path, 0.0, stop)
    loss = loss or Loss()
    for number, reason in enumerate(reasons):
        loss.add(reject(reason, str(number), lost_bytes=10 if reason == "malformed_record" else 0))
    found = book.state(loss)
    told = {name: found[name] for name in ("lost_records", "lost_bytes", "unverified")}
    assert told == {name: getattr(loss, name) for name in told}
    return found["status"], found["why"]


def test_a_shard_is_complete_where_nothing_is_damaged(tmp_path):
    assert state(tmp_path, pages=3) == ("complete", "")
    assert state(tmp_path, "extraction_error", "http_status", pages=1) == ("complete", "")


def test_a_shard_without_a_record_is_complete_and_one_of_failures_is_unreadable(tmp_path):
    assert state(tmp_path / "a") == ("complete", "")
    status, why = state(tmp_path / "b", "missing_text", "malformed_record", "missing_text")
    assert (status, why.split(";")[0]) == ("unreadable", "missing_text: detail 0")


def test_a_cut_file_is_truncated_unless_nothing_else_is_there(tmp_path):
    status, why = state(tmp_path / "a", "truncated_archive", pages=1)
    assert (status, why.split(";")[0]) == ("truncated", "truncated_archive: detail 0")
    # The first record was cut: what there is of the file is one cut record.
    assert state(tmp_path / "b", "truncated_archive")[0] == "truncated"
    assert state(tmp_path / "c", "malformed_record", "truncated_archive")[0] == "unreadable"


def test_what_was_not_verified_is_counted_of_a_whole_shard_too(tmp_path):
    assert state(tmp_path, pages=3, loss=Loss(unverified=2)) == ("complete", "")


def test_the_most_frequent_damage_is_named_and_ties_go_by_name(tmp_path):
    damage = ["malformed_record", "unreadable_shard"]
    status, why = state(tmp_path / "a", *damage, "extraction_error", pages=5)
    assert (status, why.split(":")[0]) == ("damaged", "unreadable_shard")
    status, why = state(tmp_path / "b", *damage, "malformed_record", pages=5)
    assert (status, why.split(":")[0]) == ("damaged", "malformed_record")
    assert "about 3 records lost, 20 bytes without any" in why
