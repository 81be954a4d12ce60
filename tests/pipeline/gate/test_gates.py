from __future__ import annotations

import gzip
import json
import random
import threading
from pathlib import Path

import numpy as np
import pytest

from thresher.pipeline.gate import gates
from thresher.pipeline.gate.gates import UrlBlocklist, UrlBlocklistSettings, hash_names

KINDS = {
    "domain": "domain",
    "subdomain": "subdomain",
    "url": "url",
    "hard_blacklisted": "hard_word",
    "soft_blacklisted": "soft_words",
    "blacklisted_subword": "subword",
}


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def blocklist(cache):
    return UrlBlocklist(UrlBlocklistSettings(cache_folder=str(cache)))


def test_ordinary_urls_pass(blocklist):
    urls = ["https://en.wikipedia.org/wiki/Threshing", "http://192.168.1.1/", "", "no url", "//"]
    assert blocklist.blocked(urls) == [None] * len(urls)
    assert blocklist.blocked([]) == []


def test_kinds(blocklist):
    word = sorted(blocklist._hard)[0]
    soft = sorted(blocklist._soft)[:2]
    part = blocklist._subword.pattern.partition("|")[0]
    found = {
        "http://www.0-1sex.com/": "domain",
        "http://0.0.0.0.09.free.fr/": "subdomain",
        "http://free.fr/": None,
        "1.168.20.184/.i": "url",
        "1.168.20.184/.j": None,
        f"http://example.org/{word}/": "hard_word",
        f"http://example.org/{word}x/": None,
        f"http://example.org/{soft[0]}-{soft[1]}": "soft_words",
        f"http://example.org/{soft[0]}-{soft[0]}": None,
        f"http://example.org/{soft[0]}": None,
        f"http://example.org/x{part[:2].upper()}-{part[2:]}x": "subword",
    }
    assert dict(zip(found, blocklist.blocked(list(found)), strict=True)) == found


@pytest.mark.parametrize(("least", "kind"), [(1, "soft_words"), (2, "soft_words"), (3, None)])
def test_so_many_soft_words_block(cache, least, kind):
    settings = UrlBlocklistSettings(soft_words=least, cache_folder=str(cache))
    soft = UrlBlocklist(settings)
    one, two = sorted(soft._soft)[:2]
    assert soft.blocked([f"http://example.org/{one}-{two}"]) == [kind]


@pytest.mark.filterwarnings("ignore:The 'registered_domain' property:DeprecationWarning")
def test_decisions_are_those_of_datatrove(blocklist, tmp_path, monkeypatch, request):
    pytest.importorskip("ahocorasick")
    pytest.importorskip("fasteners")
    from datatrove.data import Document
    from datatrove.pipeline.filters import url_filter

    monkeypatch.setattr(url_filter, "cached_assets_path", lambda **_: str(tmp_path))
    theirs = url_filter.URLFilter()
    theirs.tldextractor = blocklist._split  # theirs would ask the network for the suffix list
    theirs.download_data()

    def decide(url):
        answer = theirs.filter(Document(text="", id="", metadata={"url": url}))
        return None if answer is True else KINDS[answer[1]]

    rng = random.Random(5)
    soft = sorted(theirs.soft_banned_words)
    listed_domains = sorted(rng.sample(list(theirs.block_listed_domains), 3000))
    urls = [
        *(f"https://{rng.choice(['', 'www.', 'a.b.'])}{name}/a" for name in listed_domains),
        *(f"http://{name[1:]}" for name in listed_domains[:500]),
        *rng.sample(sorted(theirs.block_listed_url), 500),
        *(f"http://e.org/{word}-x" for word in theirs.banned_words),
        *(f"http://e.org/{word.upper()}" for word in theirs.banned_words),
        *(f"http://e.org/{word}/{rng.choice(soft)}/{word}" for word in soft),
        *(f"http://e.org/x-{word}-y" for word in theirs.banned_subwords),
        *("http://[::1]/", "x", "dns:x", "http://日本.jp/", "http://xn--wgv71a.jp/", "//x.com"),
        *("http://a b.com/", "http://u:p@0-1sex.com:80/", "HTTP://0-1SEX.COM", "y" * 5000),
        *real_urls(request),
    ]
    assert blocklist.blocked(urls) == [decide(url) for url in urls]


def real_urls(request):
    try:
        folder = request.getfixturevalue("real_data")
    except pytest.skip.Exception:
        return []
    with gzip.open(folder / "crawl" / "gold.jsonl.gz", "rt", encoding="utf-8") as file:
        return [row["url"] for row in map(json.loads, file) if row.get("url")]


def test_lists_are_mapped_from_the_cache(blocklist, cache):
    files = sorted(path.name.partition("-")[0] for path in cache.iterdir())
    assert files == ["domains", "urls"]
    assert isinstance(blocklist._domains, np.memmap)
    before = {path: path.stat().st_mtime_ns for path in cache.iterdir()}
    UrlBlocklist(UrlBlocklistSettings(cache_folder=str(cache)))
    assert {path: path.stat().st_mtime_ns for path in cache.iterdir()} == before


def small_archive(monkeypatch):
    """Builds from two short lists instead of the real ones."""
    lists = {"domains": b"bad.com\n# no\n spam.org \r\n", "urls": b"http://x.org/a\n"}

    class Tar:
        def __init__(self, _path):
            pass

        def __enter__(self):
            return self

        def __exit__(self, *_):
            pass

        def extractfile(self, name):
            import io

            return io.BytesIO(lists[name])

    monkeypatch.setattr(gates.tarfile, "open", Tar)


def test_a_torn_cache_is_rebuilt_and_builders_do_not_collide(tmp_path, monkeypatch):
    small_archive(monkeypatch)
    settings = UrlBlocklistSettings(cache_folder=str(tmp_path / "new" / "folder"))
    threads = [threading.Thread(target=UrlBlocklist, args=(settings,)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    files = sorted(Path(settings.cache_folder).iterdir())
    assert len(files) == 2
    files[0].write_bytes(files[0].read_bytes()[:-4])
    found = UrlBlocklist(settings).blocked(
        ["http://bad.com", "http://spam.org", "http://x.org/a", "http://x.org/b", "no url", ""]
    )
    assert found == ["domain", "domain", "url", None, None, None]


def test_lists_are_kept_in_the_users_cache(tmp_path, monkeypatch):
    small_archive(monkeypatch)
    monkeypatch.setattr(gates.sys, "platform", "linux")
    monkeypatch.setattr(Path, "home", lambda: tmp_path / "home")
    monkeypatch.setattr(gates.tempfile, "tempdir", str(tmp_path / "temporary"))
    for setting, folder in ((None, "home/.cache"), ("", "home/.cache"), ("own", "own")):
        if setting is None:
            monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
        else:
            monkeypatch.setenv("XDG_CACHE_HOME", setting and str(tmp_path / setting))
        UrlBlocklist()
        assert len(list((tmp_path / folder / "thresher").iterdir())) == 2
    assert not (tmp_path / "temporary").exists()


def test_a_home_that_cannot_be_written_to(tmp_path, monkeypatch):
    small_archive(monkeypatch)
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    monkeypatch.setenv("XDG_CACHE_HOME", str(blocked))
    monkeypatch.setattr(gates.tempfile, "tempdir", str(tmp_path))
    assert UrlBlocklist().blocked(["http://bad.com/"]) == ["domain"]
    with pytest.raises(OSError, match="file"):
        UrlBlocklist(UrlBlocklistSettings(cache_folder=str(blocked / "x")))


def test_hashes_depend_on_every_byte_and_the_length():
    rng = random.Random(1)
    names = {rng.randbytes(rng.randrange(40)) for _ in range(2000)}
    names |= {bytes(n) for n in range(40)}
    ordered = sorted(names)
    hashes = hash_names(ordered)
    assert len(set(hashes.tolist())) == len(ordered)
    assert hash_names(ordered[5:7]).tolist() == hashes[5:7].tolist()
    flips = []
    for _ in range(2000):
        name = bytearray(rng.randbytes(20))
        other = name.copy()
        other[rng.randrange(20)] ^= 1 << rng.randrange(8)
        a, b = hash_names([bytes(name), bytes(other)]).tolist()
        flips.append((a ^ b).bit_count())
    assert 30 < sum(flips) / len(flips) < 34


def test_hashes_are_those_of_the_caches_that_machines_hold():
    """Other ones need another `_FORMAT`, or no name would be found in a cache from before."""
    assert gates._FORMAT == 1
    names = [b"", b"a", b"example.com", b"a-long-name.of-a.domain.example"]
    assert hash_names(names).tolist() == [
        *(0x99BC41BE5CF586D5, 0x77CADE2AAA9316B8, 0x91DE56EF3EFBA6E4, 0xC62700D00D6E3420)
    ]
