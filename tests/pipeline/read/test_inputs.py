from __future__ import annotations

import zipfile

import fsspec
import pytest

from thresher.filters.errors import InputError
from thresher.pipeline.read import InputSettings, inputs, list_inputs, read_shard
from thresher.pipeline.read.inputs import is_inside


def listed(base, *urls, **settings):
    return list_inputs(InputSettings(urls=list(urls), **settings), str(base))


@pytest.fixture
def folder(tmp_path):
    for name in ("b.warc.gz", "a.warc", "c.wet.gz", "d.jsonl.zst", "e.parquet", "f.txt"):
        (tmp_path / "in" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "in" / name).write_bytes(name.encode())
    return tmp_path


def test_globs_are_sorted_and_every_file_comes_once(folder):
    shards = listed(folder, "in/*", "in/a.warc", f"file://{folder}/in/b*")
    assert [shard.uri.rpartition("/")[2] for shard in shards] == [
        "a.warc",
        "b.warc.gz",
        "c.wet.gz",
        "d.jsonl.zst",
        "e.parquet",
        "f.txt",
    ]
    formats = [shard.format for shard in shards]
    assert formats == ["warc", "warc", "wet", "jsonl", "parquet", "auto"]
    assert all(shard.uri.startswith("file://") for shard in shards)
    assert all(shard.bytes > 0 and shard.etag == "" for shard in shards)
    assert listed(folder, "in/f.txt", format="jsonl")[0].format == "jsonl"


def test_the_key_is_stable_and_tells_versions_apart(folder):
    first = listed(folder, "in/*")
    assert first == listed(folder / "in", "*")
    assert len({shard.key for shard in first}) == len(first)
    assert all(len(shard.key) == 16 for shard in first)
    (folder / "in" / "a.warc").write_bytes(b"longer than before")
    assert listed(folder, "in/a.warc")[0].key != first[0].key


@pytest.mark.parametrize(
    ("urls", "message"),
    [
        (["in/a.warc", "in/*.nothing"], r"input\.urls\[1\]: 'in/\*\.nothing' matches no file"),
        (["in/missing.warc"], r"input\.urls\[0\]: 'in/missing\.warc' is not there"),
        (["in"], r"input\.urls\[0\]: 'in' is a folder.*'/\*'"),
        (["nosuch://x/y"], r"input\.urls\[0\]: 'nosuch://x/y' cannot be listed"),
        ([], r"input\.urls: names no file"),
    ],
)
def test_what_cannot_be_found_is_named(folder, urls, message):
    with pytest.raises(InputError, match=message):
        listed(folder, *urls)


def test_what_lies_in_the_lake_is_no_input(folder):
    (folder / "other").symlink_to(folder / "in")
    inside = [str(folder / "in"), f"file://{folder}/in", str(folder / "other"), f"{folder}/in/"]
    for lake in [*inside, str(folder), f"{folder}/./in"]:
        with pytest.raises(InputError) as caught:
            list_inputs(InputSettings(urls=["in/b*", "in/*.warc"]), str(folder), lake=lake)
        assert str(caught.value).startswith("input.urls[0]: 'in/b*' matches 'file://")
        assert f"inside the lake '{lake}'" in str(caught.value)
    for lake in ("", str(folder / "i"), str(folder / "in2"), f"{folder}/in/a", "s3://bucket/in"):
        assert len(list_inputs(InputSettings(urls=["in/*"]), str(folder), lake=lake)) == 6


def test_places_of_all_kinds():
    assert is_inside("s3://bucket/lake/documents/x.parquet", "s3://bucket/lake")
    assert is_inside("zip://x::s3://bucket/lake/x.zip", "s3://bucket/lake/")
    assert is_inside("memory:///lake/x", "memory://lake")
    assert not is_inside("s3://bucket/lakes/x.parquet", "s3://bucket/lake")
    assert not is_inside("gs://bucket/lake/x.parquet", "s3://bucket/lake")
    assert not is_inside("simplecache::https://a.org/lake/x", "/lake")


def test_other_file_systems_and_chains(folder):
    memory = fsspec.filesystem("memory")
    memory.pipe("/inputs-test/x.jsonl", b'{"text": "from memory"}\n')
    memory.pipe("/inputs-test/y.jsonl", b'{"text": "more"}\n')
    archive = folder / "all.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("p/x.jsonl", '{"text": "from a zip"}\n')
    shards = [
        *listed("memory://inputs-test", "*.jsonl"),
        *listed(folder, f"zip://p/*.jsonl::file://{archive}"),
        *listed(folder, "simplecache::memory://inputs-test/*.jsonl"),
    ]
    assert [shard.uri for shard in shards] == [
        "memory:///inputs-test/x.jsonl",
        "memory:///inputs-test/y.jsonl",
        f"zip://p/x.jsonl::file://{archive}",
        "simplecache::memory:///inputs-test/x.jsonl",
        "simplecache::memory:///inputs-test/y.jsonl",
    ]
    texts = [read_shard(shard, InputSettings(urls=[])) for shard in shards]
    assert [page.content for pages in texts for page in pages] == [
        "from memory",
        "more",
        "from a zip",
        "from memory",
        "more",
    ]


@pytest.mark.parametrize("name", ["ETag", "etag", "md5Hash"])
def test_a_store_tells_whether_a_file_is_another(name):
    def shard(size=3, uri="s3://bucket/x.jsonl", **tags):
        return inputs._shard(uri, uri, {"size": size, **tags}, "auto")

    tagged = shard(**{name: '"a1b2"'})
    assert (tagged.etag, tagged.bytes, tagged.format) == ("a1b2", 3, "jsonl")
    assert shard(**{name: "a1b2"}) == tagged
    others = [
        shard(),
        shard(**{name: "a1b3"}),
        shard(size=4, **{name: "a1b2"}),
        shard(size=None, **{name: "a1b2"}),
        shard(uri="s3://bucket/y.jsonl", **{name: "a1b2"}),
    ]
    assert len({each.key for each in (tagged, *others)}) == 6
    assert [each.bytes for each in others] == [3, 3, 4, -1, 3]


@pytest.mark.parametrize("uri", ["{}/x", "file://{}/x", "local://{}/x", "zip://a::file://{}/x"])
def test_what_lies_in_a_folder_however_it_is_written(tmp_path, uri):
    (tmp_path / "lake").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "lake")
    for folder in ("lake", "link", "link/../lake"):
        for lake in (f"{tmp_path}/lake", f"{tmp_path}/link/", f"file://{tmp_path}/lake"):
            assert is_inside(uri.format(tmp_path / folder), lake)
    assert not is_inside(uri.format(tmp_path / "lake2"), f"{tmp_path}/lake")
    assert not is_inside(uri.format(f"s3://{tmp_path}/lake"), f"{tmp_path}/lake")
