"""Lists of input files: what they name is read as if it were named outright, and nothing listed."""

from __future__ import annotations

import gzip
import os
import threading
import time

import fsspec
import pytest
import zstandard
from servers import serving, status

from thresher.filters.errors import ConfigError, InputError
from thresher.jobs.inputs import inputs_of
from thresher.jobs.recipe import published, recipe_of
from thresher.pipeline.read import InputSettings, list_inputs, lists, read_shard, remote

NAMES = ("crawl/b.warc.gz", "crawl/deep/a.jsonl", "c.wet")


@pytest.fixture
def folder(tmp_path):
    for name in NAMES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(f'{{"text": "{name}"}}\n')
    return tmp_path


@pytest.fixture
def site():
    with serving() as site:
        yield site


def written(folder, *lines, name="paths.txt"):
    path = folder / name
    path.write_text("\n".join(lines))
    return str(path)


def named(place, prefix="", *urls, **more):
    return list_inputs(InputSettings(urls=list(urls), list_=place, prefix=prefix, **more), "")


def keys(shards):
    return {shard.name: shard.key for shard in shards}


def test_lines_start_at_the_folder_of_the_list_or_at_the_prefix(folder):
    shards = named(written(folder, *NAMES))
    assert [shard.name for shard in shards] == sorted(NAMES)
    assert [shard.format for shard in shards] == ["wet", "warc", "jsonl"]
    assert all(shard.uri == f"file://{folder}/{shard.name}" for shard in shards)
    assert [shard.bytes for shard in shards] == [(folder / n).stat().st_size for n in sorted(NAMES)]
    (folder / "elsewhere").mkdir()
    moved = written(folder / "elsewhere", *reversed(NAMES))
    for prefix in (str(folder), f"{folder}/", f"file://{folder}"):
        assert keys(named(moved, prefix)) == keys(shards)
    below = named(written(folder, "deep/a.jsonl"), f"{folder}/crawl")
    assert [shard.name for shard in below] == ["deep/a.jsonl"]


@pytest.mark.parametrize("compress", [gzip.compress, zstandard.compress, bytes])
def test_a_list_is_text_plain_or_compressed(folder, compress):
    lines = ["\ufeff# what there is", "", f"  {NAMES[0]}  ", "\t", f"./{NAMES[1]}\r", NAMES[0]]
    path = folder / "paths"
    path.write_bytes(compress("\n".join(lines).encode()))
    assert [shard.name for shard in named(str(path))] == sorted(NAMES[:2])


def test_gzip_members_side_by_side_are_one_list(folder):
    path = folder / "all.gz"
    path.write_bytes(b"".join(gzip.compress(f"{name}\n".encode()) for name in NAMES))
    assert len(named(str(path))) == 3


def test_a_file_that_is_named_twice_is_read_once(folder):
    whole = named(written(folder, *NAMES), "", f"{folder}/c.wet")
    assert len(whole) == 3
    assert [shard.name for shard in whole if "//" not in shard.name] == [
        "c.wet",
        "crawl/b.warc.gz",
        "crawl/deep/a.jsonl",
    ]
    absolute = named(written(folder, *(f"{folder}/{n}" for n in NAMES), f"file://{folder}/c.wet"))
    assert keys(absolute) == keys(named(written(folder, *NAMES)))


def test_no_line_is_a_pattern(folder):
    odd = folder / "a[1]*?.jsonl"
    odd.write_text("{}")
    (shard,) = named(written(folder, odd.name))
    assert shard.uri == f"file://{odd}"
    with pytest.raises(InputError, match=r"line 1: '\*\.wet' is not there"):
        named(written(folder, "*.wet"))


def test_common_crawls_list_is_read_as_published(site, monkeypatch):
    """Lines of the bucket's root, from a list deeper in it: each file is asked for once."""
    paths = [f"crawl-data/CC-MAIN-2026-30/segments/{n}/warc/{n}.warc.gz" for n in range(40)]
    for path in paths:
        site.url(path, path.encode())
    text = "".join(f"{path}\n" for path in paths).encode()
    listing = site.url("crawl-data/CC-MAIN-2026-30/warc.paths.gz", gzip.compress(text))
    monkeypatch.setattr(lists, "_ASKED_AHEAD", 7)
    shards = named(listing, f"{site.root}/")
    assert [shard.uri for shard in shards] == sorted(f"{site.root}/{path}" for path in paths)
    assert {shard.bytes for shard in shards} == {len(paths[0]), len(paths[-1])}
    asked = [path for method, path, _ in site.requests if method == "HEAD"]
    assert sorted(asked) == sorted(
        [f"/{path}" for path in paths] + [path for path in asked if path.endswith(".paths.gz")]
    )
    assert {path for method, path, _ in site.requests if method == "GET"} == {
        "/crawl-data/CC-MAIN-2026-30/warc.paths.gz"
    }
    urls = [f"{site.root}/{path}" for path in paths]
    assert keys(list_inputs(InputSettings(urls=urls), "")) == keys(shards)


def test_so_many_are_asked_for_at_once_and_no_more(folder, monkeypatch):
    for n in range(100):
        (folder / f"{n}.jsonl").write_text("{}")
    there, most, lock = set(), [], threading.Lock()
    info = fsspec.implementations.local.LocalFileSystem.info

    def slow(self, path, **options):
        with lock:
            there.add(threading.get_ident())
            most.append(len(there))
        time.sleep(0.003)
        with lock:
            there.discard(threading.get_ident())
        return info(self, path, **options)

    monkeypatch.setattr(fsspec.implementations.local.LocalFileSystem, "info", slow)
    place = written(folder, *(f"{n}.jsonl" for n in range(100)))
    assert len(list(lists.sized(lists.read_list(place, "", "list"), "list"))) == 100
    assert 8 < max(most) <= lists.ASKED_AT_ONCE


def test_whole_urls_need_no_prefix(site, folder):
    site.url("a.jsonl", b'{"text": "one"}\n')
    fsspec.filesystem("memory").pipe("/lists-test/m.jsonl", b'{"text": "two"}\n')
    place = written(folder, f"{site.root}/a.jsonl", "memory://lists-test/m.jsonl", NAMES[1])
    shards = named(place)
    assert [page.content for s in shards for page in read_shard(s, InputSettings())] == [
        NAMES[1],
        "one",
        "two",
    ]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("crawl/none.warc", "line 3: 'none.warc' is not there"),
        ("crawl", "line 3: 'crawl' is a folder, and no file."),
        ("../c.wet", "line 3 of 'paths.txt' climbs out of its folder, '../c.wet'"),
        ("crawl/../../c.wet", "line 3 of 'paths.txt' climbs out"),
        ("c.wet\t120", "line 3 of 'paths.txt' holds a tab or another control character"),
        ("<!DOCTYPE html>", "line 3 of 'paths.txt' is markup"),
        ("/etc/hostname", "line 3 of 'paths.txt' lies outside of '"),
        ("file:///etc/hostname", "line 3 of 'paths.txt' lies outside of '"),
        ("zip://a::file:///etc/a.zip", "line 3 of 'paths.txt' is a chain to a file of this"),
        ("nosuch://x/y", "line 3: "),
        ("x" * 8193, "line 3 of 'paths.txt' has more than 8,192 bytes."),
        (b"c\xff.wet", "line 3 of 'paths.txt' is no UTF-8 text at its byte 2."),
    ],
)
def test_a_bad_line_is_named_by_its_number(folder, line, said):
    path = folder / "paths.txt"
    raw = line if isinstance(line, bytes) else line.encode()
    path.write_bytes(b"c.wet\n# two\n" + raw + b"\nnext\n")
    with pytest.raises(InputError) as caught:
        named(str(path))
    assert str(caught.value).startswith(f"input.list: {said}")
    assert caught.value.__cause__ is None


def test_secrets_of_a_line_are_not_told(folder, site):
    place = written(folder, f"{site.root}/none.jsonl?X-Amz-Signature={'5' * 40}")
    with pytest.raises(InputError) as caught:
        named(place)
    assert "55555" not in str(caught.value)
    assert "none.jsonl" in str(caught.value)


def test_a_list_from_elsewhere_opens_no_file_of_this_machine(site, folder):
    for line in (f"{folder}/c.wet", f"file://{folder}/c.wet", f"zip://a::{folder}/c.zip"):
        listing = site.url("paths.txt", f"{line}\n".encode())
        for prefix in ("", "s3://bucket/"):
            with pytest.raises(InputError, match=r"line 1 of .* names a file of this machine"):
                named(listing, prefix)
    # A prefix on this machine is the user's word.
    listing = site.url("paths.txt", b"c.wet\n")
    assert [shard.name for shard in named(listing, str(folder))] == ["c.wet"]
    assert named(listing, str(folder))[0].uri == f"file://{folder}/c.wet"
    listing = site.url("paths.txt", b"/etc/hostname\n")
    with pytest.raises(InputError, match="names a file of this machine"):
        named(listing, str(folder))


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "'paths' names no file."),
        (b"# none\n\n", "'paths' names no file."),
        (gzip.compress(os.urandom(999))[:-20], "'paths' ends in the middle of its compressed"),
        (gzip.compress(b"c.wet\n")[:-8] + b"12345678", "'paths' is damaged ("),
    ],
)
def test_a_list_that_is_none_is_refused(folder, data, said):
    (folder / "paths").write_bytes(data)
    with pytest.raises(InputError) as caught:
        named(str(folder / "paths"))
    assert str(caught.value).startswith(f"input.list: {said}")


def test_what_a_list_may_hold_is_bounded(folder, monkeypatch):
    place = written(folder, *NAMES)
    monkeypatch.setattr(lists, "MOST_FILES", 2)
    with pytest.raises(InputError, match="names more than 2 files"):
        named(place)
    monkeypatch.setattr(lists, "MOST_LIST_BYTES", 10)
    with pytest.raises(InputError, match="decodes to more than 10 bytes"):
        named(place)


def test_a_list_that_is_not_there_is_named(folder, site, monkeypatch):
    with pytest.raises(InputError, match=r"^input\.list: 'none\.txt' cannot be read: "):
        named(f"{folder}/none.txt")
    with pytest.raises(InputError, match=r"^input\.list: .*none.txt.* is not there: 404"):
        named(f"{site.root}/none.txt")
    monkeypatch.setattr(remote, "pause", lambda _: None)
    site.misbehave = status(503)
    with pytest.raises(InputError, match="cannot be reached in 5 tries"):
        named(site.url("busy.txt", b"a\n"))
    (folder / "link.txt").symlink_to(folder / "gone.txt")
    with pytest.raises(InputError, match=r"^input\.list: .*gone\.txt"):
        inputs_of(InputSettings(list_=f"{folder}/link.txt"), "/nowhere")


def test_what_lies_in_the_lake_is_no_input(folder):
    place = written(folder, NAMES[2], NAMES[0])
    with pytest.raises(InputError, match=r"^input\.list: line 2 names 'file://.*inside the lake"):
        list_inputs(InputSettings(list_=place), "", lake=f"{folder}/crawl")


def test_a_recipe_states_a_list_with_its_paths_relative_to_itself(folder, monkeypatch):
    monkeypatch.chdir(folder)
    least = {"name": "r", "lake": "lake"}
    made = recipe_of({**least, "input": {"list": "paths.txt", "prefix": "crawl"}})
    assert made.input.list_ == f"{folder}/paths.txt"
    assert made.input.prefix == f"{folder}/crawl"
    told = published(made)["input"]
    assert (told["urls"], told["list"], told["prefix"]) == ([], "paths.txt", "crawl")
    with pytest.raises(ConfigError, match=r"input\.prefix: is of input\.list, which names no list"):
        recipe_of({**least, "input": {"urls": ["a.warc"], "prefix": "crawl"}})
    with pytest.raises(InputError, match=r"input\.urls: names no file, and input\.list no list"):
        inputs_of(recipe_of({**least, "input": {}}).input, "/nowhere")
