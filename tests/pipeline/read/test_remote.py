"""Remote inputs: whatever a server does, all bytes are read or what is wrong is said by name."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import random
import socket
import time
import zipfile
import zlib
from types import SimpleNamespace

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fastwarc.stream_io import BrotliWriter, Lz4Writer
from servers import cut_off, serving, short, status

from thresher.filters.errors import InputError
from thresher.pipeline.read import InputSettings, Page, list_inputs, read_shard, remote

ROWS = [random.Random(i).randbytes(400).hex() for i in range(40)]
JSONL = b"".join(json.dumps({"text": row}).encode() + b"\n" for row in ROWS)


def parquet():
    file = io.BytesIO()
    pq.write_table(pa.table({"text": ROWS}), file, row_group_size=10)
    return file.getvalue()


def lz4(data):
    out = io.BytesIO()
    with Lz4Writer(out) as writer:
        writer.write(data)
    return out.getvalue()


def brotli(data):
    out = io.BytesIO()
    with BrotliWriter(out) as writer:
        writer.write(data)
    return out.getvalue()


FILES = {
    "a.jsonl": JSONL,
    "a.jsonl.gz": gzip.compress(JSONL),
    "a.jsonl.lz4": lz4(JSONL),
    "a.parquet": parquet(),
    "unnamed": parquet(),
    "unnamed2": gzip.compress(JSONL),
}


@pytest.fixture
def site():
    with serving() as site:
        yield site


@pytest.fixture
def pauses(monkeypatch):
    """The pauses that were asked for; nobody waits."""
    found = []
    monkeypatch.setattr(remote, "time", SimpleNamespace(sleep=found.append, time=lambda: 1e9))
    return found


@pytest.fixture
def small_blocks(monkeypatch):
    """Files are fetched in many requests."""
    monkeypatch.setattr(remote, "_BUFFER", 2000)
    monkeypatch.setitem(fsspec.config.conf, "http", {"block_size": 2000})


def read(url, **settings):
    given = InputSettings(urls=[url], **settings)
    (shard,) = list_inputs(given, "")
    sums = []
    items = list(read_shard(shard, given, sums.append))
    return items, sums[0]


def assert_whole(url, data):
    items, digest = read(url)
    assert [item.content for item in items if isinstance(item, Page)] == ROWS
    assert len(items) == len(ROWS)
    assert digest == hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize("name", FILES)
def test_a_well_behaved_server(site, pauses, name):
    assert_whole(site.url(name, FILES[name]), FILES[name])
    assert pauses == []


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("fault", ["no length", "no ranges", "ranges refused", "no head"])
def test_servers_that_lack_something(site, pauses, name, fault):
    site.lengths = fault != "no length"
    site.ranges = fault not in ("no ranges", "ranges refused")
    site.heads = fault != "no head"
    if fault == "ranges refused":
        site.headers = {"Accept-Ranges": "none"}
    assert_whole(site.url(name, FILES[name]), FILES[name])
    assert pauses == []


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("name", FILES)
def test_a_server_that_ignores_ranges_is_read_as_a_stream(site, pauses, name):
    site.ranges = False
    assert_whole(site.url(name, FILES[name]), FILES[name])
    assert pauses == []


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("name", ["a.jsonl.gz", "a.jsonl.lz4", "a.parquet"])
@pytest.mark.parametrize("fault", [status(503, 9), cut_off(500, 9), short(300, 9)])
def test_many_requests_may_each_go_wrong(site, pauses, name, fault):
    url = site.url(name, FILES[name])

    def misbehave(handler, data, count):
        return count % 3 == 1 and fault(handler, data, 0)

    site.misbehave = misbehave
    assert_whole(url, FILES[name])
    assert 1 < len(pauses) < remote.MOST_BREAKS
    assert set(pauses) == {1}


def test_ranges_that_come_short_are_asked_for_again_and_given_up(site, pauses):
    url = site.url("a.jsonl", JSONL)
    (shard,) = list_inputs(InputSettings(urls=[url]), "")
    site.misbehave = short(10**9)
    with pytest.raises(ConnectionError, match=f" 0 bytes came of {len(JSONL)} from 0 on"):
        list(read_shard(shard, InputSettings(urls=[])))
    assert len(pauses) == remote.MOST_TRIES - 1


def test_a_stream_is_asked_for_once(site):
    site.lengths = False
    url = site.url("a.jsonl.gz", FILES["a.jsonl.gz"])
    assert_whole(url, FILES["a.jsonl.gz"])
    sizing = 2  # fsspec looks for a size by GET where HEAD has none: once to list, once to open
    assert site.asked() == sizing + 1


ENCODED = [
    (name, encoding)
    for name in FILES
    for encoding in ("gzip", "deflate", "br")
    # A file inside gzip that nothing announces is not looked for.
    if (name, encoding) not in (("unnamed", "gzip"), ("a.jsonl.lz4", "gzip"))
]


@pytest.mark.parametrize(("name", "encoding"), ENCODED)
def test_content_encodings_are_undone(site, name, encoding):
    encode = {"gzip": gzip.compress, "deflate": zlib.compress, "br": brotli}[encoding]
    site.headers = {"Content-Encoding": encoding}
    url = site.url(name, encode(FILES[name]))
    if encoding == "gzip" and name in ("a.jsonl.gz", "unnamed2"):
        url = site.url(name, FILES[name])  # the usual mistake: the file's own gzip is announced
    items, _ = read(url)
    assert [item.content for item in items] == ROWS


def test_damage_under_a_content_encoding_is_seen_by_the_readers(site, pauses):
    site.headers = {"Content-Encoding": "gzip"}
    members = [gzip.compress(line) for line in JSONL.splitlines(keepends=True)]
    members[7] = members[7][:50] + bytes(60) + members[7][110:]
    items, digest = read(site.url("a.jsonl.gz", b"".join(members)))
    texts = [item.content for item in items if isinstance(item, Page)]
    assert texts == ROWS[:7] + ROWS[8:]
    assert [item.reason for item in items if not isinstance(item, Page)] == ["malformed_record"]
    assert digest == hashlib.sha256(b"".join(members)).hexdigest()
    assert pauses == []


FAULTS = {
    "429": status(429, 3),
    "500": status(500, 3),
    "503": status(503, 3),
    "408": status(408, 2),
    "reset before the first byte": cut_off(0, 3),
    "cut body": cut_off(1000, 3),
}


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("fault", FAULTS)
def test_what_passes_is_waited_for(site, pauses, name, fault):
    url = site.url(name, FILES[name])
    site.misbehave = FAULTS[fault]
    assert_whole(url, FILES[name])
    assert pauses[:3] == [1, 2, 4][: len(pauses)]
    assert 1 <= len(pauses) <= 3


@pytest.mark.parametrize("fault", FAULTS)
def test_a_stream_that_breaks_is_taken_up_again(site, pauses, fault):
    site.lengths = False
    url = site.url("a.jsonl", JSONL)
    (shard,) = list_inputs(InputSettings(urls=[url]), "")
    settled = site.asked() + 1  # opening looks for the size once more

    def misbehave(handler, data, count):
        return count >= settled and FAULTS[fault](handler, data, count - settled)

    site.misbehave = misbehave
    assert [page.content for page in read_shard(shard, InputSettings(urls=[]))] == ROWS
    assert pauses


def test_what_the_server_asks_to_wait_is_waited_but_not_for_ever(site, pauses):
    url = site.url("a.jsonl", JSONL)
    (shard,) = list_inputs(InputSettings(urls=[url]), "")
    waits = {"7": 7, "86400": remote.LONGEST_PAUSE_SECONDS, "soon": 1, "-3": 1}
    waits["Sun, 09 Sep 2001 01:47:10 GMT"] = 30  # the clock stands at 01:46:40
    waits["Sun, 09 Sep 2001 01:46:30 GMT"] = 0
    for asked, expected in waits.items():
        del pauses[:]
        before = site.asked()

        def misbehave(handler, data, count, before=before, asked=asked):
            return count == before and status(429, Retry_After=asked)(handler, data, 0)

        site.misbehave = misbehave
        assert len(list(read_shard(shard, InputSettings(urls=[])))) == len(ROWS)
        assert pauses == [expected], asked


@pytest.mark.parametrize("fault", [status(503), status(429), cut_off(10), cut_off(0)])
def test_what_does_not_pass_is_given_up_by_name(site, pauses, fault):
    url = site.url("a.jsonl", JSONL)
    (shard,) = list_inputs(InputSettings(urls=[url]), "")
    site.misbehave = fault
    with pytest.raises(ConnectionError, match="cannot be reached in 5 tries: ") as caught:
        list(read_shard(shard, InputSettings(urls=[])))
    assert url in str(caught.value)
    assert len(pauses) == remote.MOST_TRIES - 1


@pytest.mark.usefixtures("small_blocks")
def test_breaks_without_end_end(site, pauses, monkeypatch):
    monkeypatch.setattr(remote, "MOST_BREAKS", 6)
    url = site.url("a.jsonl", JSONL)
    (shard,) = list_inputs(InputSettings(urls=[url]), "")

    def misbehave(handler, data, count):
        return count % 2 == 1 and status(503)(handler, data, 0)

    site.misbehave = misbehave
    with pytest.raises(ConnectionError, match="cannot be reached: 503"):
        list(read_shard(shard, InputSettings(urls=[])))
    assert len(pauses) == 5


@pytest.mark.parametrize(
    ("code", "kind", "text"),
    [
        (403, PermissionError, "may not be read: 403 Forbidden"),
        (401, PermissionError, "may not be read: 401 Unauthorized"),
        (404, FileNotFoundError, "is not there: 404 Not Found"),
        (410, FileNotFoundError, "is not there: 410 Gone"),
        (400, OSError, "cannot be read: 400 Bad Request"),
        (501, OSError, "cannot be read: 501 Not Implemented"),
        (418, OSError, "cannot be read: 418 I'm a Teapot"),
    ],
)
def test_what_another_try_does_not_help_is_said_at_once(site, pauses, code, kind, text):
    url = site.url("a.jsonl", JSONL)
    (shard,) = list_inputs(InputSettings(urls=[url]), "")
    site.misbehave = status(code)
    with pytest.raises(kind) as caught:
        list(read_shard(shard, InputSettings(urls=[])))
    assert str(caught.value) == f"'{url}' {text}"
    assert pauses == []
    site.lengths = False
    with pytest.raises(InputError) as listed:
        list_inputs(InputSettings(urls=[url]), "")
    assert text in str(listed.value)
    assert pauses == []


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def test_a_plan_tells_not_there_from_not_reached(site, pauses):
    missing = f"{site.root}/missing.jsonl"
    with pytest.raises(InputError, match=r"'.*missing.jsonl' is not there: 404 Not Found\.$"):
        list_inputs(InputSettings(urls=[missing]), "")
    assert pauses == []
    nobody = f"http://127.0.0.1:{free_port()}/a.jsonl"
    with pytest.raises(InputError, match=r"reached in 3 tries: .*not known") as caught:
        list_inputs(InputSettings(urls=[nobody]), "")
    assert str(caught.value).startswith(f"input.urls[0]: '{nobody}' ")
    assert pauses == [1, 2]
    with pytest.raises(InputError, match="cannot be reached"):
        list_inputs(InputSettings(urls=[f"http://127.0.0.1:{free_port()}/*.jsonl"]), "")


def test_a_plan_names_what_may_not_be_listed(site):
    site.files["/"] = b"nobody may see"
    site.misbehave = status(403)
    with pytest.raises(InputError, match="may not be read: 403 Forbidden"):
        list_inputs(InputSettings(urls=[f"{site.root}/*.jsonl"]), "")


def test_a_query_is_no_pattern(site, pauses):
    url = site.url("a.jsonl", JSONL) + "?token=1"
    items, _ = read(url)
    assert len(items) == len(ROWS)
    site.misbehave = status(503)
    site.heads = False
    with pytest.raises(InputError, match="cannot be reached"):
        list_inputs(InputSettings(urls=[url]), "")
    assert len(pauses) == 2


def test_a_silent_server_is_given_up(site, monkeypatch, pauses):
    monkeypatch.setattr(remote, "SILENCE_SECONDS", 0.2)
    url = site.url("a.jsonl", JSONL)
    (shard,) = list_inputs(InputSettings(urls=[url]), "")

    def misbehave(_handler, _data, count):
        if count:
            return False
        time.sleep(0.6)
        return True

    site.misbehave = misbehave
    assert len(list(read_shard(shard, InputSettings(urls=[])))) == len(ROWS)
    assert pauses == [1]


def test_a_file_that_changes_while_it_is_read_is_no_mixture(site):
    url = site.url("a.jsonl", JSONL)
    with remote.open_input(url) as file:
        file.read(10)
        file.raw._drop()
        site.files["/a.jsonl"] = JSONL[:-100]
        with pytest.raises(OSError, match="has changed while it was read"):
            file.read()


def test_jumps_on_a_stream_go_to_a_temporary_file(site):
    site.lengths = False
    with remote.open_input(site.url("a", JSONL)) as file:
        start = file.read(300_000)
        assert file.seek(5) == 5
        assert start[5:9] == file.read(4)
        assert file.seek(0, io.SEEK_END) == len(JSONL)
        assert file.read(5) == b""
        file.seek(-7, io.SEEK_CUR)
        assert (file.tell(), file.read()) == (len(JSONL) - 7, JSONL[-7:])


def test_what_the_user_told_fsspec_stays(monkeypatch):
    told = {"headers": {"X-Key": "1"}, "client_kwargs": {"trust_env": True}}
    monkeypatch.setitem(fsspec.config.conf, "http", told)
    options = remote.options_for("zip://a::http://b/c.zip")["http"]
    assert options["headers"] == {"X-Key": "1", "Accept-Encoding": "identity"}
    assert options["client_kwargs"]["trust_env"] is True
    assert remote.options_for("s3://bucket/a") == remote.options_for("/a/b") == {}


def test_every_format_is_read_through_other_file_systems(site, tmp_path):
    memory = fsspec.filesystem("memory")
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        for name, data in FILES.items():
            file.writestr(name, data)
            memory.pipe(f"/remote-test/{name}", data)
    url = site.url("all.zip", archive.getvalue())
    (tmp_path / "all.zip").write_bytes(archive.getvalue())
    for name, data in FILES.items():
        assert_whole(f"memory://remote-test/{name}", data)
        assert_whole(f"zip://{name}::{url}", data)
        assert_whole(f"zip://{name}::file://{tmp_path}/all.zip", data)
        assert_whole(f"simplecache::memory://remote-test/{name}", data)


def test_a_driver_that_ends_early_is_not_believed(monkeypatch, pauses):
    class Early(io.BytesIO):
        size = 100

    opened = SimpleNamespace(fs=None, open=lambda: Early(b"x" * 40))
    monkeypatch.setattr(remote.fsspec, "open", lambda *_, **__: opened)
    with (
        remote.open_input("odd://bucket/a") as file,
        pytest.raises(ConnectionError, match="it ends after 40 of 100 bytes"),
    ):
        file.read()
    assert len(pauses) == remote.MOST_TRIES - 1
