"""The book of a shard: what is counted, what is kept aside, what is said of the file."""

from __future__ import annotations

import hashlib
import itertools

import pytest

from thresher.manifests.schemas import QUARANTINE
from thresher.pipeline.extract import Extracted
from thresher.pipeline.gate import book as books
from thresher.pipeline.gate.book import Book, document_id
from thresher.pipeline.read.reasons import REASONS
from thresher.pipeline.read.records import Page, reject
from thresher.pipeline.read.stretches import Loss


class Written:
    """A writer that keeps what it is given."""

    def __init__(self):
        self.tables = []

    def write(self, table):
        assert table.schema == QUARANTINE
        self.tables.append(table)

    @property
    def rows(self):
        return [row for table in self.tables for row in table.to_pylist()]


def page(record_id="r", url="u", content="text"):
    return Page(record_id, url, "", content, True, "")


def extracted(of):
    return Extracted(of, "text", "", "utf-8", "detected")


def test_an_id_is_of_record_url_and_content_and_of_their_bounds():
    pages = [
        page(*parts)
        for parts in itertools.product(("", "a", "ab"), ("", "b", "bc"), ("", "c", b"d", "bc"))
    ]
    assert len({document_id(each) for each in pages}) == len(pages)
    assert document_id(page(content="né")) == document_id(page(content="né".encode()))
    assert document_id(page(content="\ud800")), "as it may stand in JSON"
    digest = hashlib.blake2b(b"a\0b\0c", digest_size=16).hexdigest()
    assert document_id(page("a", "b", "c")) == digest
    assert document_id(reject("empty", "a", "b", "detail", b"c")) == digest


def test_every_stopped_record_is_counted_and_every_failed_one_is_kept():
    written = Written()
    book = Book("s3://b/shard", 0.0, written)
    for n, reason in enumerate([*REASONS, *REASONS]):
        book.stop(reject(reason, f"r{n}", f"u{n}", f"d{n}", b"s%d" % n))
    assert book.reasons == {f"{r.outcome}/{r.name}": 2 for r in REASONS.values()}
    failed = {name for name, reason in REASONS.items() if reason.outcome == "failed"}
    assert book.total("failed") == 2 * len(failed)
    assert book.total("gated") == 2 * (len(REASONS) - len(failed))
    assert written.rows == []
    book.flush()
    book.flush()
    assert [row["reason"] for row in written.rows] == [
        r for r in [*REASONS, *REASONS] if r in failed
    ]
    n = [*REASONS].index("undecodable")
    assert written.rows[0] == {
        "id": document_id(reject("undecodable", f"r{n}", f"u{n}", "", b"s%d" % n)),
        "record_id": f"r{n}",
        "url": f"u{n}",
        "source": "s3://b/shard",
        "outcome": "failed",
        "reason": "undecodable",
        "detail": f"d{n}",
        "sample": b"s%d" % n,
    }


@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
def test_of_gated_records_a_share_is_kept_by_their_ids(share):
    written = Written()
    book = Book("s", share, written)
    stopped = [reject("http_status", f"r{n}", "", "404", b"page") for n in range(400)]
    for each in stopped:
        book.stop(each)
    book.flush()
    kept = [document_id(each) for each in stopped if int(document_id(each)[:8], 16) < share * 2**32]
    assert [row["id"] for row in written.rows] == kept
    assert len(kept) == pytest.approx(400 * share, abs=60 * (0 < share < 1))
    assert book.total("gated") == 400


def test_rows_are_written_in_portions_once_each(monkeypatch):
    monkeypatch.setattr(books, "_ROWS_AT_ONCE", 3)
    written = Written()
    book = Book("s", 0.0, written)
    for n in range(7):
        book.stop(reject("missing_text", f"r{n}"))
        assert len(written.tables) == (n + 1) // 3
    book.flush()
    assert [table.num_rows for table in written.tables] == [3, 3, 1]
    assert [row["record_id"] for row in written.rows] == [f"r{n}" for n in range(7)]


def test_pages_are_admitted_in_order_and_the_rest_is_stopped():
    written = Written()
    book = Book("s", 0.0, written)
    pages = [page(f"r{n}", content=f"<p>{n}") for n in range(4)]
    admitted = book.admit([pages[0], reject("missing_text", "x"), pages[1], pages[2], pages[3]])
    assert admitted == pages
    crash = reject("extraction_crash", "r2", "u", "died", b"a sample that is not the content")
    items = [extracted(pages[0]), extracted(pages[1]), crash, extracted(pages[3])]
    assert book.admit_extracted(pages, items) == [items[0], items[1], items[3]]
    book.flush()
    assert book.reasons == {"failed/missing_text": 1, "failed/extraction_crash": 1}
    assert written.rows[1]["id"] == document_id(pages[2]), "the page's id, not the sample's"
    with pytest.raises(ValueError, match="zip"):
        book.admit_extracted(pages, items[:3])


def state_of(records, stopped, loss=None):
    book = Book("s", 0.0, Written())
    book.records = records
    for reason, detail in stopped:
        book.stop(reject(reason, detail=detail))
    return book.state(loss or Loss())


MALFORMED, CUT = ("malformed_record", "at 7"), ("truncated_archive", "in a member")
NO_FORMAT = ("unreadable_shard", "no known format")


@pytest.mark.parametrize(
    ("records", "stopped", "loss", "status", "why"),
    [
        (3, [], Loss(), "complete", ""),
        (0, [], Loss(), "complete", ""),
        (3, [("http_status", "404")] * 3, Loss(), "complete", ""),
        (3, [("missing_text", "x")], Loss(whole_bytes=5), "complete", ""),
        (3, [CUT], Loss(whole_bytes=1234), "truncated",
         "truncated_archive: in a member; 1,234 bytes read"),
        (1, [CUT], Loss(), "truncated", "truncated_archive: in a member; 0 bytes read"),
        (2, [CUT, NO_FORMAT], Loss(whole_bytes=9), "unreadable",
         "unreadable_shard: no known format; 9 bytes read"),
        (1, [NO_FORMAT], Loss(damaged=1), "unreadable",
         "unreadable_shard: no known format; 0 bytes read"),
        (4, [MALFORMED], Loss(damaged=1, _counted=1, lost_bytes=5000), "damaged",
         "malformed_record: at 7; about 1 record lost, 5,000 bytes without any"),
        (9, [MALFORMED, ("malformed_record", "at 9"), NO_FORMAT], Loss(damaged=3, _counted=1200),
         "damaged", "malformed_record: at 7; about 1,200 records lost, 0 bytes without any"),
        (9, [("missing_text", "x")] * 3 + [MALFORMED], Loss(damaged=1, _counted=2), "damaged",
         "malformed_record: at 7; about 2 records lost, 0 bytes without any"),
        (9, [CUT, MALFORMED], Loss(damaged=1, _counted=0), "truncated",
         "truncated_archive: in a member; about 0 records lost, 0 bytes without any"),
        (2, [MALFORMED, ("missing_text", "x")], Loss(damaged=1), "unreadable",
         "missing_text: x; 0 bytes read"),
    ],
)  # fmt: skip
def test_what_is_said_of_a_file(records, stopped, loss, status, why):
    state = state_of(records, stopped, loss)
    assert (state["status"], state["why"]) == (status, why)
    assert state["lost_records"] == loss.lost_records
    assert state["lost_bytes"] == loss.lost_bytes
    assert state["unverified"] == loss.unverified
    assert state_of(5, [], Loss(unverified=4))["unverified"] == 4
