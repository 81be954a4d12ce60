"""The sample crawl: the same everywhere, full of every kind, and true to its truth."""

import gzip
import hashlib
import json
import re
from collections import Counter, defaultdict
from itertools import combinations
from pathlib import Path

import pytest
import tldextract
from fastwarc.warc import ArchiveIterator, WarcRecordType
from resiliparse.extract.html2text import extract_plain_text

from thresher.jobs.sample import write_sample
from thresher.jobs.sample.archives import gzip_member
from thresher.jobs.sample.pages import ARTICLES, BLOCKED_WORD, JUNK

# sha256 of all files of seed 0: a change of it must be a change of the sample that was meant.
DIGEST = "d2cd8d199f5e8f22addfdc37f3ee7fd292f39df847c09444d23516e34330e754"


@pytest.fixture(scope="module")
def crawl(tmp_path_factory):
    return write_sample(tmp_path_factory.mktemp("sample"))


def digest(folder):
    found = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        found.update(path.relative_to(folder).as_posix().encode() + path.read_bytes())
    return found.hexdigest()


def shingles(text):
    words = re.findall(r"\w+", text.lower())
    return {tuple(words[start : start + 5]) for start in range(len(words) - 4)}


def jaccard(left, right):
    return len(left & right) / len(left | right)


def records(path):
    with path.open("rb") as file:
        for record in ArchiveIterator(file, parse_http=True):
            body = record.reader.read()
            yield record, body


def kinds_of_articles():
    return {kind for kind, _, _ in ARTICLES}


def test_bytes_depend_on_the_seed_alone(crawl, tmp_path):
    assert digest(crawl.folder) == DIGEST
    assert digest(write_sample(tmp_path / "other", seed=1).folder) != DIGEST


def test_writing_twice_into_a_folder_changes_nothing(tmp_path):
    first = write_sample(tmp_path)
    before = digest(tmp_path)
    assert write_sample(tmp_path) == first
    assert digest(tmp_path) == before


@pytest.mark.parametrize("size", [0, 1, 65_534, 65_535, 65_536, 200_000])
def test_stored_gzip_members_decompress(size):
    data = bytes(index % 251 for index in range(size))
    assert gzip.decompress(gzip_member(data) + gzip_member(data)) == data + data


def test_all_hosts_are_invented_and_three_sites_are_registered_domains(crawl):
    split = tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None)
    kinds = defaultdict(Counter)
    for row in crawl.truth:
        host = row.url.split("/")[2] if row.url else "none.example"
        site = split(host).top_domain_under_public_suffix
        assert site in ("example.com", "example.net", "example.org") or host.endswith(".example")
        if site and row.text:
            kinds[site][row.kind] += 1
    assert set(kinds["example.com"]) == {"machine_slop", "machine_guide", "essay"}
    assert set(kinds["example.net"]) == {"directory"}
    assert set(kinds["example.org"]) == {"encyclopaedia"}
    assert all(site.total() >= 20 for site in kinds.values())


def test_every_kind_is_there(crawl):
    kinds = Counter(row.kind for row in crawl.truth)
    wanted = {kind for kind, _ in JUNK} | kinds_of_articles()
    wanted |= {"exact_copy", "near_copy", "mirror", "contact", "charset", "foreign", "empty"}
    wanted |= {"foreign_charset", "blocked_url", "truncated", "warcinfo", "request", "metadata"}
    wanted |= {"revisit", "redirect", "http_404", "image", "pdf"}
    wanted |= {"broken_unclosed", "broken_nesting", "broken_nul"}
    assert set(kinds) == wanted
    fates = Counter(row.fate for row in crawl.truth)
    assert fates["kept"] > 100
    assert fates["dropped"] > fates["kept"], "most of a crawl is junk"
    assert {row.language for row in crawl.truth} >= {"en", "de", "fr", "es", "ja", "ru"}


def test_whole_archives_hold_the_records_of_the_truth_in_order(crawl):
    for shard in crawl.shards[:4]:
        rows = [row for row in crawl.truth if row.shard == shard.name]
        found = list(records(shard))
        assert [record.record_id for record, _ in found] == [row.record_id for row in rows]
        assert found[0][0].record_type == WarcRecordType.warcinfo
        for (record, _), row in zip(found, rows, strict=True):
            assert (record.headers.get("WARC-Target-URI") or "") == row.url
            assert record.record_date is not None


def test_response_records_carry_http(crawl):
    types = Counter()
    for record, _ in records(crawl.shards[0]):
        if record.record_type == WarcRecordType.response:
            types[record.http_headers.status_code, record.http_content_type] += 1
    assert types[200, "text/html"] > 50
    assert {(404, "text/html"), (301, "text/html")} <= set(types)
    assert {(200, "image/png"), (200, "application/pdf")} <= set(types)


def test_text_shards_hold_their_pages(crawl):
    for row, (record, body) in zip(
        (row for row in crawl.truth if row.shard == crawl.shards[3].name),
        records(crawl.shards[3]),
        strict=True,
    ):
        if row.kind != "warcinfo":
            assert record.record_type == WarcRecordType.conversion
            assert row.text in body.decode("utf-8")
    with gzip.open(crawl.shards[4], "rt", encoding="utf-8") as file:
        found = [json.loads(line) for line in file]
    rows = [row for row in crawl.truth if row.shard == crawl.shards[4].name]
    assert [row.text for row in rows] == [line["text"] for line in found]
    assert [row.record_id for row in rows] == [line["id"] for line in found]


def test_the_last_shard_is_cut_in_the_middle_of_a_member(crawl):
    data = crawl.shards[-1].read_bytes()
    with pytest.raises(EOFError):
        gzip.decompress(data)
    rows = [row for row in crawl.truth if row.shard == crawl.shards[-1].name]
    assert rows[-1].fate == "failed"
    assert all(row.fate != "failed" for row in rows[:-1])
    found = [record.record_id for record, _ in records(crawl.shards[-1])]
    assert found[: len(rows) - 1] == [row.record_id for row in rows[:-1]]


def test_truth_is_consistent(crawl):
    lines = crawl.truth_file.read_text("utf-8").splitlines()
    assert [json.loads(line)["record_id"] for line in lines] == [
        row.record_id for row in crawl.truth
    ]
    assert len({row.record_id for row in crawl.truth}) == len(crawl.truth)
    documents = {row.url: row for row in crawl.truth if row.text}
    assert len(documents) == sum(bool(row.text) for row in crawl.truth)
    for row in crawl.truth:
        assert (row.fate == "duplicate") == bool(row.copy_of)
        assert (row.fate == "kept") == (not row.reason)
        if row.copy_of:
            assert documents[row.copy_of].fate == "kept"
        if row.fate == "kept":
            assert row.language == "en"


def test_copies_are_near_and_different_articles_are_not(crawl):
    text = {row.url: shingles(row.text) for row in crawl.truth if row.text}
    for row in crawl.truth:
        if row.kind == "exact_copy":
            assert text[row.url] == text[row.copy_of]
        elif row.copy_of:
            assert 0.85 < jaccard(text[row.url], text[row.copy_of]) < 1
    kept = [row for row in crawl.truth if row.fate == "kept"]
    for left, right in combinations(kept, 2):
        assert jaccard(text[left.url], text[right.url]) < 0.4, (left.title, right.title)


def test_articles_are_of_a_real_length(crawl):
    for row in crawl.truth:
        if row.kind in kinds_of_articles():
            assert 200 <= len(row.text.split()) <= 700, row.title
            assert not re.search(r"[{}|]|\s\s", row.text.replace("\n", " ")), row.text


def test_financial_news_names_tickers_and_figures(crawl):
    articles = [row.text for row in crawl.truth if row.kind == "finance"]
    assert articles
    for text in articles:
        assert len(set(re.findall(r"\((?:NYSE|NASDAQ|LSE): (\w+)\)", text))) == 3
        assert len(re.findall(r"\d[\d.,]*", text)) >= 10


def test_some_articles_hold_personal_data(crawl):
    for row in crawl.truth:
        if row.kind == "contact":
            assert re.search(r"\w+\.\w+@[\w-]+\.com", row.text)
            assert re.search(r"\d+\.\d+\.\d+\.\d+", row.text)
            assert re.search(r"\(202\) 555-01\d\d", row.text)


def test_charsets_differ_and_hold_the_text(crawl):
    rows = {row.record_id: row for row in crawl.truth if row.kind in ("charset", "foreign_charset")}
    codecs = {"en": ("utf-8", "cp1252"), "ja": ("shift_jis",), "ru": ("koi8-r",)}
    seen = Counter()
    for shard in (*crawl.shards[:3], crawl.shards[-1]):
        for record, body in records(shard):
            if row := rows.get(record.record_id):
                decoded = []
                for codec in codecs.get(row.language, ("cp1252",)):
                    try:
                        decoded.append(body.decode(codec))
                    except UnicodeDecodeError:
                        continue
                assert any(row.text.splitlines()[-1] in text for text in decoded)
                seen[record.http_charset, b"<meta charset" in body] += 1
    assert len(seen) >= 6


def test_main_text_can_be_extracted_from_the_furniture(crawl):
    rows = {row.record_id: row for row in crawl.truth if row.kind in kinds_of_articles()}
    checked = 0
    for shard in crawl.shards[:3]:
        for record, body in records(shard):
            row = rows.get(record.record_id)
            if row is None or record.record_type != WarcRecordType.response:
                continue
            html = body.decode("utf-8")
            text = extract_plain_text(html, main_content=True, alt_texts=False)
            want, got = Counter(row.text.split()), Counter(text.split())
            assert sum((want & got).values()) > 0.98 * want.total()
            assert "cookie" not in text.lower()
            assert len(html) > 1.2 * len(row.text)
            checked += 1
    assert checked > 30


def test_training_pages_are_not_in_the_crawl(crawl):
    in_crawl = {row.text for row in crawl.truth}
    for path in (crawl.positives, crawl.negatives):
        rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
        assert len(rows) > 200
        assert len({row["id"] for row in rows}) == len(rows)
        for row in rows:
            assert row["text"].partition("\n")[2] not in in_crawl
            assert len(row["text"]) > 60


def test_only_the_blocked_urls_hold_a_blocked_word(crawl):
    import_utils = pytest.importorskip("datatrove.utils._import_utils")
    assets = Path(import_utils.ASSETS_PATH)
    words = set((assets / "banned_words.txt").read_text().split())
    parts = set((assets / "banned_subwords.txt").read_text().split("\n")) - {""}
    assert BLOCKED_WORD in words
    for row in crawl.truth:
        blocked = bool(words & set(re.split("[^a-z0-9]+", row.url.lower())))
        assert blocked == (row.kind == "blocked_url"), row.url
        joined = re.sub("[^a-z0-9]", "", row.url.lower())
        hits = {part for part in parts if re.sub("[^a-z0-9]", "", part.lower()) in joined}
        assert blocked or not hits, (row.url, hits)


def test_published_heuristics_keep_the_articles_and_drop_the_junk(crawl):
    pytest.importorskip("spacy")
    data = pytest.importorskip("datatrove.data")
    filters = pytest.importorskip("datatrove.pipeline.filters")
    chain = (
        filters.GopherRepetitionFilter(),
        filters.GopherQualityFilter(),
        filters.C4QualityFilter(filter_no_terminal_punct=False),
        filters.FineWebQualityFilter(),
    )

    def passes(row):
        document = data.Document(text=row.text, id=row.record_id)
        return all(rule.filter(document) is True for rule in chain)

    for row in crawl.truth:
        if row.fate == "kept":
            assert passes(row), row.title
        elif row.reason == "rules":
            assert not passes(row), row.title
