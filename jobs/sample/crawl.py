"""The sample crawl on disk: shards, the truth about every record, and pages to train on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from thresher.jobs.sample import archives, html
from thresher.jobs.sample.grammar import bank, generator
from thresher.jobs.sample.junk import MAKERS
from thresher.jobs.sample.page import Fate, Page, text_of
from thresher.jobs.sample.pages import documents

WARC_SHARDS = 3
WET_PAGES = 60
JSONL_PAGES = 50
CUT_PAGES = 30
# file of the text bank (or maker of junk), pages
POSITIVES = (
    ("town", 40),
    ("person", 40),
    ("news", 40),
    ("story", 40),
    ("essay", 30),
    ("science", 8),
    ("howto", 6),
    ("finance", 4),
)
NEGATIVES = (
    ("ticker_table", 30),
    ("price_table", 15),
    ("product_grid", 20),
    ("navigation", 15),
    ("cookie_wall", 15),
    ("access_page", 20),
    ("seo_doorway", 40),
    ("machine_slop", 55),
)
_EVERY = 25
_PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(64))
_PDF = b"%PDF-1.4\n1 0 obj << /Type /Catalog >> endobj\ntrailer << /Root 1 0 R >>\n%%EOF\n"
_GONE = (
    "<html><body><h1>Not Found</h1><p>The requested page is not on this server.</p></body></html>"
)


@dataclass(frozen=True)
class Truth:
    """What a record of the crawl is and what ought to become of it."""

    url: str
    """Address of the page; empty for a warcinfo record."""
    record_id: str
    """WARC-Record-ID, or `id` in the JSON Lines shard."""
    shard: str
    """File name of the shard it is in."""
    kind: str
    """What it was made as: `news`, `ticker_table`, `near_copy`, `http_404` ..."""
    fate: Fate
    """kept, duplicate (its cluster keeps one, whichever that is), dropped (by whichever gate or
    rule comes first), gated (not wanted, or no document at all) or failed (cannot be read)."""
    reason: str
    """The reader's or the gate's reason where gated or failed; else what should see it: `rules`,
    `model` (heuristics let it pass), `site` (the page alone does not give it away) or `copy`."""
    copy_of: str
    """The URL of the page this is a copy of."""
    language: str
    """Of its text."""
    title: str
    """Headline."""
    text: str
    """The main text, which a perfect extraction would give; empty where there is none."""


@dataclass(frozen=True)
class SampleCrawl:
    """Where the sample crawl is, and the truth about it."""

    folder: Path
    shards: tuple[Path, ...]
    """In `crawl/`: WARC, WET and JSON Lines; the last one is cut in the middle of a record."""
    positives: Path
    """JSON Lines with `id`, `kind` and `text`: pages worth keeping, none of them in the crawl."""
    negatives: Path
    """JSON Lines with `id`, `kind` and `text`: junk, none of it in the crawl."""
    truth_file: Path
    truth: tuple[Truth, ...]


def write_sample(folder: Path, seed: int = 0) -> SampleCrawl:
    """Write the sample crawl into `folder`: the same bytes on every machine for one `seed`."""
    crawl, training = folder / "crawl", folder / "training"
    crawl.mkdir(parents=True, exist_ok=True)
    training.mkdir(exist_ok=True)
    pages = documents(seed)
    generator(seed, "order").shuffle(pages)
    text_pages = [page for page in pages if not page.html_only][: WET_PAGES + JSONL_PAGES]
    in_text = {page.url for page in text_pages}
    web_pages = [page for page in pages if page.url not in in_text]
    cut_pages, web_pages = web_pages[:CUT_PAGES], web_pages[CUT_PAGES:]

    truth: list[Truth] = []
    shards: list[Path] = []
    for number in range(WARC_SHARDS):
        name = f"sample-{number:05}.warc.gz"
        records = [_warcinfo(name)]
        records += _web_records(name, web_pages[number::WARC_SHARDS])
        records += _not_documents(name, number)
        shards.append(_write(crawl / name, records, truth))
    name = f"sample-{WARC_SHARDS:05}.warc.wet.gz"
    records = [_warcinfo(name), *_wet_records(name, text_pages[:WET_PAGES], seed)]
    shards.append(_write(crawl / name, records, truth))
    name = f"sample-{WARC_SHARDS + 1:05}.jsonl.gz"
    shards.append(_write_jsonl(crawl / name, text_pages[WET_PAGES:], truth))
    name = f"sample-{WARC_SHARDS + 2:05}.warc.gz"
    records = [_warcinfo(name), *_web_records(name, cut_pages), _cut_record(name, seed)]
    shards.append(_write(crawl / name, records, truth))

    truth_file = folder / "truth.jsonl"
    truth_file.write_bytes(archives.jsonl(asdict(row) for row in truth))
    positives, negatives = training / "positives.jsonl", training / "negatives.jsonl"
    positives.write_bytes(archives.jsonl(_positives(seed)))
    negatives.write_bytes(archives.jsonl(_negatives(seed)))
    return SampleCrawl(folder, tuple(shards), positives, negatives, truth_file, tuple(truth))


_Record = tuple[Truth, bytes]


def _write(path: Path, records: Sequence[_Record], truth: list[Truth]) -> Path:
    path.write_bytes(b"".join(data for _, data in records))
    truth += [row for row, _ in records]
    return path


def _write_jsonl(path: Path, pages: Sequence[Page], truth: list[Truth]) -> Path:
    found = [_truth(page, path.name) for page in pages]
    rows = [
        {"id": row.record_id, "url": row.url, "title": row.title, "text": "\n".join(page.lines)}
        for row, page in zip(found, pages, strict=True)
    ]
    path.write_bytes(archives.jsonl_gz(rows))
    truth += found
    return path


def _truth(page: Page, shard: str) -> Truth:
    return Truth(
        url=page.url,
        record_id=archives.record_id(shard, page.url),
        shard=shard,
        kind=page.kind,
        fate=page.fate,
        reason=page.reason,
        copy_of=page.copy_of,
        language=page.language,
        title=page.title,
        text="\n".join(page.lines),
    )


def _no_document(kind: str, reason: str, shard: str, url: str) -> Truth:
    identity = archives.record_id(shard, kind, url)
    return Truth(url, identity, shard, kind, "gated", reason, "", "", "", "")


def _warcinfo(name: str) -> _Record:
    row = _no_document("warcinfo", "not_a_response", name, "")
    return row, archives.warcinfo(name, row.record_id)


def _web_records(shard: str, pages: Sequence[Page]) -> Iterator[_Record]:
    """Responses, now and then between the request and the metadata that belong to them."""
    for number, page in enumerate(pages):
        if number % _EVERY == 0:
            row = _no_document("request", "not_a_response", shard, page.url)
            block = archives.http_request(page.url)
            yield row, archives.warc_record("request", row.record_id, page.url, block)
        yield _response(shard, page)
        if number % _EVERY == 0:
            row = _no_document("metadata", "not_a_response", shard, page.url)
            block = b"fetchTimeMs: 212\r\n"
            yield row, archives.warc_record("metadata", row.record_id, page.url, block)


def _response(shard: str, page: Page) -> _Record:
    row = _truth(page, shard)
    charset = f"; charset={page.declared}" if page.declared else ""
    body = page.html.encode(page.codec)
    message = archives.http_message(200, f"text/html{charset}", body)
    return row, archives.warc_record("response", row.record_id, page.url, message)


def _not_documents(shard: str, number: int) -> Iterator[_Record]:
    """Records that a crawl holds and a corpus does not."""
    host = f"https://odds{number}.example"
    gone = _GONE.encode()
    messages = [
        ("http_404", "http_status", archives.http_message(404, "text/html", gone)),
        ("http_404", "http_status", archives.http_message(404, "text/html; charset=utf-8", gone)),
        (
            "redirect",
            "http_status",
            archives.http_message(301, "text/html", b"", Location=f"{host}/new"),
        ),
        ("image", "not_html", archives.http_message(200, "image/png", _PNG)),
        ("pdf", "not_html", archives.http_message(200, "application/pdf", _PDF)),
    ]
    for index, (kind, reason, message) in enumerate(messages):
        row = _no_document(kind, reason, shard, f"{host}/{kind}/{index}")
        yield row, archives.warc_record("response", row.record_id, row.url, message)
    row = _no_document("revisit", "revisit", shard, f"{host}/again")
    more = {"WARC-Profile": "http://netpreserve.org/warc/1.1/revisit/identical-payload-digest"}
    message = archives.http_message(200, "text/html", b"")
    yield row, archives.warc_record("revisit", row.record_id, row.url, message, more)


def _wet_records(shard: str, pages: Sequence[Page], seed: int) -> Iterator[_Record]:
    """Text as a crawl that extracts none of it well: the menu comes along."""
    for page in pages:
        row = _truth(page, shard)
        rng = generator(seed, "wet", page.url)
        menu = " | ".join(rng.sample(bank("walls")["menu"], 5))
        lines = [menu, page.title, *page.lines]
        block = "\n".join(lines).encode("utf-8")
        yield row, archives.warc_record("conversion", row.record_id, page.url, block)


def _cut_record(shard: str, seed: int) -> _Record:
    """The last record of the crawl, of which half has been lost."""
    text = text_of("essay", seed, "cut")
    markup = html.page(text.title, html.article(text), generator(seed, "cut"))
    url = "https://www.interrupted.example/2024/last-page"
    page = Page(
        "truncated", url, text.title, text.paragraphs, markup, "failed", "truncated_archive"
    )
    row, data = _response(shard, page)
    return row, data[: len(data) // 2]


def _positives(seed: int) -> Iterator[dict[str, str]]:
    for name, count in POSITIVES:
        for index in range(count):
            training = name in ("science", "howto", "finance")
            text = text_of(name, seed, "training", index=index, training=training)
            identity = archives.record_id("training", name, index)
            yield {"id": identity, "kind": name, "text": f"{text.title}\n{text.body}"}


def _negatives(seed: int) -> Iterator[dict[str, str]]:
    for kind, count in NEGATIVES:
        for index in range(count):
            junk = MAKERS[kind](generator(seed, "training", kind, index))
            identity = archives.record_id("training", kind, index)
            text = "\n".join((junk.title, *junk.lines))
            yield {"id": identity, "kind": kind, "text": text}
