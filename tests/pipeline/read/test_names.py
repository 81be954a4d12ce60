"""Names of sources: no secrets, no folders of this machine, and one name for one file."""

from __future__ import annotations

import pytest
from servers import serving

from thresher.filters.errors import InputError
from thresher.pipeline import read as reading
from thresher.pipeline.read import InputSettings, InputShard, list_inputs, read_shard
from thresher.pipeline.read.faults import named
from thresher.pipeline.read.names import public, redact, redacted

SECRET = "SeCrEt0123456789abc"
PLACED = ("abfs", "abfss", "adl", "az", "github", "hf", "wasb", "wasbs")


@pytest.mark.parametrize(
    ("url", "name"),
    [
        (f"https://user:{SECRET}@host/x.warc.gz", "https://host/x.warc.gz"),
        (f"https://user:pa@{SECRET}@host:80/x", "https://host:80/x"),
        (f"https://user:pa/{SECRET}@host/x", "https://host/x"),
        (f"https://{SECRET}@host?sig={SECRET}", "https://host"),
        (f"https://host/x?X-Amz-Signature={SECRET}&X-Amz-Date=1", "https://host/x"),
        (f"https://host/x?Expires=1&Signature={SECRET}&Key-Pair-Id=K", "https://host/x"),
        (f"https://host/x?GoogleAccessId=a&Expires=1&Signature={SECRET}", "https://host/x"),
        (f"https://host/x?AWSAccessKeyId={SECRET}&Expires=1", "https://host/x"),
        (f"https://host/x?sv=1&se=2&sp=r&sr=b&sig={SECRET}", "https://host/x"),
        (f"https://host/x?%73ig={SECRET}", "https://host/x"),
        (f"https://host/x#access_token={SECRET}", "https://host/x"),
        (f"http://[::1]:80/x?token={SECRET}", "http://[::1]:80/x"),
        (f"zip://a/*.jsonl::https://u:{SECRET}@h/x?sig={SECRET}", "zip://a/*.jsonl::https://h/x"),
        (f"simplecache::s3://key:{SECRET}@bucket/a#1.jsonl", "simplecache::s3://bucket/a#1.jsonl"),
        (f"https://proxy/https://u:{SECRET}@h/x", "https://proxy/https://h/x"),
        ("https://host/x?file=7&of=2", "https://host/x?file=7&of=2"),
        ("abfs://box@account.dfs.core.windows.net/x", "abfs://box@account.dfs.core.windows.net/x"),
        ("github://owner:project@main/x.jsonl", "github://owner:project@main/x.jsonl"),
        ("hf://datasets/owner/set@main/x.jsonl", "hf://datasets/owner/set@main/x.jsonl"),
        ("file:///data/what?.jsonl", "file:///data/what?.jsonl"),
        ("file:///data/u:p@x/a#b.jsonl", "file:///data/u:p@x/a#b.jsonl"),
        ("local:///data/u:p@x/a#b.jsonl", "local:///data/u:p@x/a#b.jsonl"),
        ("s3a://bucket/a#b.jsonl", "s3a://bucket/a#b.jsonl"),
        *((f"{kind}://box@account/x", f"{kind}://box@account/x") for kind in PLACED),
    ],
)
def test_secrets_are_cut_and_what_names_the_file_stays(url, name):
    assert redacted(url) == name
    assert redacted(name) == name
    assert SECRET not in redact(f"Cannot connect (url='{url}'), giving up", url)
    assert SECRET not in redact(f"Cannot connect (url='{url}'), giving up")
    for error in (FileNotFoundError(url), ConnectionError(f"to {url}"), ValueError(f"no {url}")):
        assert SECRET not in str(named(error, url))


def test_signed_queries_that_name_files_stay_apart():
    first, again, second, unknown = (
        redacted(f"https://host/x?{query}")
        for query in ("id=7&sig=a", "sig=b&id=7", "id=8&sig=a", f"id=7&who={SECRET * 2}")
    )
    assert first == again
    assert len({first, second, unknown}) == 3
    assert SECRET not in unknown
    assert redacted(first) == first


def test_of_a_secret_that_another_begins_with_nothing_is_left():
    url = f"https://host/x?sig={SECRET}&token={SECRET}AndTheRest"
    text = redact(f"no {SECRET}AndTheRest, no {SECRET}", url)
    assert text == "no ***, no ***"


def test_parts_of_a_url_are_secret_without_it():
    url = f"https://user:{SECRET}%2F@host/x?sig={SECRET[::-1]}"
    text = redact(f"'user', '{SECRET}/' and /x?sig={SECRET[::-1]} and {SECRET[::-1]}", url)
    assert SECRET not in text
    assert SECRET[::-1] not in text
    assert SECRET not in redact(f"GET /x?sig={SECRET} Authorization: Bearer {SECRET}")


def test_settings_are_published_without_secrets_and_folders():
    told = public({"a": [f"https://u:{SECRET}@h/m.bin"], "b": "/home/jane/m.py:score", "c": 1})
    assert told == {"a": ["https://h/m.bin"], "b": "m.py:score", "c": 1}


def names(*urls, base=""):
    return {s.name: s.key for s in list_inputs(InputSettings(urls=list(urls)), str(base))}


def test_local_files_are_named_below_the_literal_part(tmp_path):
    for path in ("one/x.jsonl", "one/deep/y.jsonl", "two/x.jsonl"):
        (tmp_path / "jane" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "jane" / path).write_text('{"text": "a"}\n')
    one, two = tmp_path / "jane" / "one", tmp_path / "jane" / "two"
    before = names(f"{one}/**/*.jsonl", f"{two}/x.jsonl")
    assert list(before) == ["2//x.jsonl", "deep/y.jsonl", "x.jsonl"]
    assert len(set(before.values())) == 3
    (one / "a.jsonl").write_text("{}")
    (two / "a.jsonl").write_text("{}")
    after = names("one/**/*.jsonl", "two/*.jsonl", base=one.parent)
    assert after.items() >= before.items()
    assert after.keys() - before.keys() == {"a.jsonl", "2//a.jsonl"}
    assert list(names(f"{one}/../two/x*")) == ["x.jsonl"]
    # What was measured says "deep/y.jsonl", so under another name it is measured again.
    assert names(f"{one}/deep/y.jsonl")["y.jsonl"] != before["deep/y.jsonl"]
    (two / "x.jsonl").write_text('{"text": "ab"}\n')
    assert names(f"{one}/x.jsonl", f"{two}/x.jsonl")["2//x.jsonl"] != before["2//x.jsonl"]


def test_urls_that_differ_in_secrets_alone_are_refused():
    with serving() as site:
        url = site.url("x.jsonl", b'{"text": "a"}\n')
        with pytest.raises(InputError, match=r"input.urls\[1\]: .*named twice") as caught:
            names(f"{url}?sig={SECRET}", f"{url}?sig={SECRET[::-1]}")
        assert SECRET not in str(caught.value)
        assert len(names(f"{url}?sig={SECRET}", f"{url}?sig={SECRET}", f"{url}?id=1")) == 2


@pytest.mark.parametrize(
    "kind", [FileNotFoundError, PermissionError, ConnectionError, TimeoutError, OSError]
)
def test_an_error_keeps_its_kind_and_loses_its_secrets(monkeypatch, kind):
    uri = f"https://host/x.jsonl?sig={SECRET}"
    shard = InputShard(uri, 1, "", "jsonl", "0" * 16, "https://host/x.jsonl")

    def fail(_):
        raise kind(f"{uri} failed")

    monkeypatch.setattr(reading, "open_input", fail)
    with pytest.raises(OSError, match=r"^https://host/x\.jsonl failed$") as raised:
        list(reading.read_shard(shard, InputSettings(urls=[])))
    assert type(raised.value) is kind


def test_a_file_that_is_gone_is_told_by_its_name(tmp_path):
    (tmp_path / "x.jsonl").write_text("{}")
    settings = InputSettings(urls=[f"{tmp_path}/*.jsonl"])
    (shard,) = list_inputs(settings, "")
    (tmp_path / "x.jsonl").unlink()
    with pytest.raises(FileNotFoundError, match=r"x\.jsonl") as caught:
        list(read_shard(shard, settings))
    assert str(tmp_path) not in str(caught.value) + repr(shard)
