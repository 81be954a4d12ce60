"""The book of a shard: what is no document is counted once, and kept where it matters."""

from __future__ import annotations

import hashlib

import pyarrow.parquet as pq
import pytest

from thresher.manifests.schemas import QUARANTINE
from thresher.manifests.shards import ShardWriter
from thresher.manifests.store import Store
from thresher.pipeline.extract import Extracted
from thresher.pipeline.gate.book import Book, document_id
from thresher.pipeline.read.reasons import REASONS
from thresher.pipeline.read.records import Page, reject
from thresher.pipeline.read.stretches import Loss

GATED = [name for name, reason in REASONS.items() if reason.outcome == "gated"]
FAILED = [name for name, reason in REASONS.items() if reason.outcome == "failed"]


def page(record_id="r", url="https://a.example/", content=b"text", **more):
    return Page(record_id, url, "2024", content, True, "", **more)


class Shard:
    """A book with its quarantine."""

    def __init__(self, folder, retain_fraction=1.0):
        self.store = Store(str(folder))
        self.writer = ShardWriter(self.store, "q.parquet", QUARANTINE)
        self.writer.__enter__()
        self.book = Book("a.warc", retain_fraction, self.writer)
        self.open = True

    def close(self):
        if self.open:
            self.book.flush()
            self.writer.__exit__(None, None, None)
        self.open = False

    def rows(self):
        self.close()
        return pq.read_table(self.store.url("q.parquet")).to_pylist()


@pytest.fixture
def shard(tmp_path):
    made = Shard(tmp_path)
    yield made
    made.close()


def test_an_id_is_of_the_record_its_url_and_its_content():
    digest = hashlib.blake2b(b"r\0https://a.example/\0text", digest_size=16).hexdigest()
    assert document_id(page()) == digest
    others = [
        page(record_id="s"),
        page(url="https://a.example/2"),
        page(content=b"text2"),
        page(content=b""),
        page(record_id="", url="r\0https://a.example/"),
        page(record_id="r\ud800"),
        page(content="text\ud800"),
    ]
    assert len({document_id(each) for each in (page(), *others)}) == 1 + len(others)
    # Neither when it was fetched nor how it came is part of it.
    for same in (
        page(content="text"),
        page(unverified=True),
        Page("r", "https://a.example/", "2025", b"text", False, "latin-1", {"x": "y"}),
        reject("empty", "r", "https://a.example/", "whatever", b"text"),
    ):
        assert document_id(same) == digest


@pytest.mark.parametrize("name", REASONS)
def test_what_is_stopped_is_counted_under_its_reason(shard, name):
    outcome = REASONS[name].outcome
    shard.book.stop(reject(name, "r", "https://a.example/", "why", b"sample"))
    assert shard.book.reasons == {f"{outcome}/{name}": 1}
    assert shard.book.total(outcome) == 1
    assert shard.book.total({"gated": "failed", "failed": "gated"}[outcome]) == 0
    assert shard.rows() == [
        {
            "id": document_id(reject(name, "r", "https://a.example/", "why", b"sample")),
            "record_id": "r",
            "url": "https://a.example/",
            "source": "a.warc",
            "outcome": outcome,
            "reason": name,
            "detail": "why",
            "sample": b"sample",
        }
    ]


def test_a_page_that_is_stopped_keeps_the_id_it_would_have_had(shard):
    whole = page(content=b"x" * 5000)
    shard.book.stop(reject("too_small", whole.record_id, whole.url, "", b"x"), whole)
    assert [row["id"] for row in shard.rows()] == [document_id(whole)]


@pytest.mark.parametrize("count", [0, 1, 1023, 1024, 1025, 2049])
def test_every_row_is_written_once(shard, count):
    for n in range(count):
        shard.book.stop(reject("malformed_record", str(n)))
    assert [row["record_id"] for row in shard.rows()] == [str(n) for n in range(count)]
    assert shard.book.total("failed") == count


@pytest.mark.parametrize("fraction", [0.0, 0.1, 0.5, 1.0])
def test_gated_records_are_sampled_by_their_ids_and_failed_ones_all_kept(tmp_path, fraction):
    shard = Shard(tmp_path, fraction)
    pages = [page(record_id=str(n)) for n in range(500)]
    for each in pages:
        shard.book.stop(reject("blocked_url", each.record_id, each.url), each)
        shard.book.stop(reject("extraction_crash", each.record_id, each.url), each)
    rows = shard.rows()
    assert shard.book.reasons == {"gated/blocked_url": 500, "failed/extraction_crash": 500}
    failed = [row["record_id"] for row in rows if row["outcome"] == "failed"]
    assert failed == [each.record_id for each in pages]
    gated = {row["record_id"] for row in rows if row["outcome"] == "gated"}
    low = fraction * 2**32
    assert gated == {p.record_id for p in pages if int(document_id(p)[:8], 16) < low}
    assert abs(len(gated) / 500 - fraction) < 0.06


def test_a_sample_ends_where_its_share_does(tmp_path):
    place = int(document_id(page())[:8], 16)
    for share, kept in (((place + 1) / 2**32, 1), (place / 2**32, 0)):
        shard = Shard(tmp_path / str(kept), share)
        shard.book.stop(reject("empty", "r"), page())
        assert len(shard.rows()) == kept


def test_a_chunk_is_parted_into_pages_and_what_is_stopped(shard):
    pages = [page(record_id=str(n)) for n in range(3)]
    chunk = [pages[0], reject("revisit", "x"), pages[1], reject("empty", "y"), pages[2]]
    assert shard.book.admit(chunk) == pages
    assert shard.book.admit([]) == []
    extracted = [Extracted(p, "text", "", "", "none") for p in pages]
    items = [extracted[0], reject("extraction_timeout", "1"), extracted[2]]
    assert shard.book.admit_extracted(pages, items) == [extracted[0], extracted[2]]
    assert shard.book.reasons == {
        "gated/revisit": 1,
        "gated/empty": 1,
        "failed/extraction_timeout": 1,
    }
    # The page, of which only its end came back, is known by the id it had.
    (timeout,) = (row for row in shard.rows() if row["reason"] == "extraction_timeout")
    assert timeout["id"] == document_id(pages[1])
    with pytest.raises(ValueError, match="shorter"):
        shard.book.admit_extracted(pages, items[:2])


def state(shard, whole=0, **stopped):
    """What is told of a shard of so many whole records of ten bytes, and so many stopped ones."""
    loss = Loss()
    for n in range(whole):
        loss.add(page(record_id=str(n)), 10)
    for name, count in stopped.items():
        for n in range(count):
            item = reject(name, detail=f"{name} {n}", lost_bytes=10 * REASONS[name].damage)
            loss.add(item, 10)
            shard.book.stop(item)
    shard.book.records = whole + sum(stopped.values())
    return shard.book.state(loss)


@pytest.mark.parametrize(
    ("whole", "stopped", "status", "why"),
    [
        (0, {}, "complete", ""),
        (3, {}, "complete", ""),
        (0, {"empty": 3}, "complete", ""),
        # A record that is hard to read is no damage to its file.
        (3, {"extraction_crash": 2, "undecodable": 1}, "complete", ""),
        (
            3,
            {"truncated_archive": 1},
            "truncated",
            "truncated_archive: truncated_archive 0; 40 byt",
        ),
        (
            0,
            {"truncated_archive": 1},
            "truncated",
            "truncated_archive: truncated_archive 0; 10 bytes",
        ),
        (
            1,
            {"malformed_record": 1, "truncated_archive": 1},
            "truncated",
            "truncated_archive: truncated_archive 0; about 1 record lost, 10 bytes without any",
        ),
        (
            2,
            {"malformed_record": 1, "extraction_crash": 5},
            "damaged",
            "malformed_record: malformed_record 0; about 1 record lost, 10 bytes without any",
        ),
        (
            20,
            {"malformed_record": 1, "unreadable_shard": 2},
            "damaged",
            "unreadable_shard: unreadable_shard 0; about 3 records lost, 30 bytes without any",
        ),
        # One gated record is a record that was read.
        (0, {"malformed_record": 1, "empty": 1}, "damaged", "malformed_record: malformed_record 0"),
        (0, {"malformed_record": 1}, "unreadable", "malformed_record: malformed_record 0; 0 bytes"),
        (0, {"missing_text": 2, "malformed_body": 2}, "unreadable", "missing_text: missing_text 0"),
        (0, {"malformed_record": 1, "truncated_archive": 1}, "unreadable", "truncated_archive: tr"),
    ],
)
def test_whether_a_shard_was_read_whole(shard, whole, stopped, status, why):
    found = state(shard, whole, **stopped)
    assert found["status"] == status
    assert found["why"].startswith(why)
    assert bool(found["why"]) == bool(why)
    assert found["lost_bytes"] == 10 * sum(n for name, n in stopped.items() if REASONS[name].damage)
