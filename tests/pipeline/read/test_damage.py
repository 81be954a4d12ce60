"""Damaged members: good bytes first, then the damage; what is unverified; what is lost."""

from __future__ import annotations

import gzip
import io
import json
import random

import pytest
import zstandard

from thresher.pipeline.read import (
    InputSettings,
    InputShard,
    Loss,
    NotVerified,
    Page,
    Rejected,
    read_shard,
    stretches,
)
from thresher.pipeline.read import members as compressed
from thresher.pipeline.read.sources import Damage, open_source


def text(number, words=120):
    source = random.Random(number)
    return f"{number} " + " ".join(
        source.choices(["river", "bridge", "road", "village", "ice", "boat"], k=words)
    )


def rows(count, start=0):
    return [
        json.dumps({"id": str(i), "text": text(i)}).encode() + b"\n" for i in range(start, count)
    ]


def zst(data, **options):
    return zstandard.ZstdCompressor(write_checksum=True, **options).compress(data)


def gz(data):
    return gzip.compress(data, mtime=0)


def warc(number):
    block = f"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<p>{text(number)}".encode()
    head = f"WARC/1.0\r\nWARC-Type: response\r\nWARC-Record-ID: <{number}>\r\nContent-Length: "
    return head.encode() + b"%d\r\n\r\n" % len(block) + block + b"\r\n\r\n"


def read(folder, data, kind="jsonl", distrusted=None, **settings):
    path = folder / "file"
    path.write_bytes(data)
    loss = Loss()
    shard = InputShard(str(path), len(data), "", kind, "0" * 16)
    chosen = InputSettings(urls=[], **settings)
    items = list(read_shard(shard, chosen, None, loss, distrusted))
    pages = [item for item in items if isinstance(item, Page)]
    return pages, [item for item in items if isinstance(item, Rejected)], loss


def flipped(data, at, count=1):
    return data[:at] + bytes(byte ^ 0xFF for byte in data[at : at + count]) + data[at + count :]


def texts(pages):
    return [page.content for page in pages]


@pytest.mark.parametrize("pack", [gz, zst])
def test_only_the_damaged_member_fails(tmp_path, pack):
    members = [pack(warc(i)) for i in range(20)]
    for at in (len(members[11]) // 2, len(members[11]) - 6):
        broken = [*members[:11], flipped(members[11], at, 3), *members[12:]]
        pages, failed, loss = read(tmp_path, b"".join(broken), "warc")
        assert [page.record_id for page in pages] == [f"<{i}>" for i in range(20) if i != 11]
        assert not any(page.unverified for page in pages)
        assert [item.reason for item in failed] == ["malformed_record"]
        assert loss.lost_records == 1


@pytest.mark.parametrize(("pack", "check"), [(gz, 8), (zst, 4)])
def test_damage_stands_where_it_is_and_names_the_record_whose_check_failed(tmp_path, pack, check):
    members = [pack(warc(i)) for i in range(8)]
    members[3] = flipped(members[3], len(members[3]) - check, 3)
    (tmp_path / "file").write_bytes(b"".join(members))
    shard = InputShard(str(tmp_path / "file"), 1, "", "warc", "0" * 16)
    items = list(read_shard(shard, InputSettings(urls=[])))
    assert [item.record_id for item in items] == [f"<{i}>" for i in range(8)]
    assert [n for n, item in enumerate(items) if isinstance(item, Rejected)] == [3]
    # What is no member at all stands in its place too, and what comes behind it is told as before.
    broken = [*members[:1], b"no member" * 20, members[2], members[3], *members[4:]]
    (tmp_path / "file").write_bytes(b"".join(broken))
    items = list(read_shard(shard, InputSettings(urls=[])))
    assert [item.record_id for item in items] == ["<0>", "", *(f"<{i}>" for i in range(2, 8))]
    assert [n for n, item in enumerate(items) if isinstance(item, Rejected)] == [1, 3]


@pytest.mark.parametrize("pack", [gz, zst])
def test_rows_before_the_damage_of_one_member(tmp_path, pack):
    lines = rows(1500)
    packed = pack(b"".join(lines))
    pages, failed, loss = read(tmp_path, flipped(packed, len(packed) // 3, 6))
    expected = [json.loads(line)["text"] for line in lines]
    assert len(pages) > 200
    right = [page for page in pages if page.content in expected]
    assert right == pages[: len(right)]
    assert len(pages) - len(right) <= 1
    assert all(page.unverified for page in pages)
    assert len(failed) == 1
    assert loss.damaged == 1
    assert loss.lost_records == pytest.approx(1500 - len(pages), rel=0.2)


@pytest.mark.parametrize("pack", [gz, zst])
@pytest.mark.parametrize("pad", [b"\n", b"\0", b" \r\n", bytes(5000)])
def test_padding_is_no_damage(tmp_path, pack, pad):
    lines = rows(40)
    data = pack(b"".join(lines[:20])) + pad + pack(b"".join(lines[20:])) + pad
    pages, failed, loss = read(tmp_path, data)
    assert (len(pages), failed, loss.damaged) == (40, [], 0)
    assert not any(page.unverified for page in pages)


@pytest.mark.parametrize("pack", [gz, zst])
def test_bytes_behind_the_last_member_are_named(tmp_path, pack):
    pages, failed, _ = read(tmp_path, pack(b"".join(rows(40))) + b"trailing bytes")
    assert len(pages) == 40
    assert [item.reason for item in failed] == ["malformed_record"]
    assert "at byte" in failed[0].detail


@pytest.mark.parametrize("pack", [gz, zst])
def test_a_member_that_runs_on_does_not_swallow_the_next(tmp_path, pack):
    # Its end is cut off, so that the decoder takes the head of the next one for its own.
    members = [pack(warc(i)) for i in range(8)]
    members[3] = members[3][:-20]
    pages, failed, _ = read(tmp_path, b"".join(members), "warc")
    assert [page.record_id for page in pages] == [f"<{i}>" for i in range(8) if i != 3]
    assert len(failed) == 1


def test_a_cut_member_that_another_one_follows_is_no_end_of_the_file(tmp_path):
    # All that follows fits into the block that was cut, so the decoder meets the end of the file.
    first, second = zst(b"".join(warc(i) for i in range(100))), zst(warc(100))
    assert len(second) < len(first) // 2
    pages, failed, loss = read(tmp_path, first[: len(first) // 2] + second, "warc")
    assert pages[-1].record_id == "<100>"
    assert not pages[-1].unverified
    assert [item.reason for item in failed] == ["malformed_record"]
    assert "the zstd member at byte 0 does not end where it says" in failed[0].detail
    assert loss.damaged == 1


def test_a_second_dictionary(tmp_path):
    parts = []
    for start in (0, 30):
        records = [warc(i) for i in range(start, start + 30)]
        trained = zstandard.train_dictionary(3000, records)
        content = trained.as_bytes()
        parts.append(b"\x5d\x2a\x4d\x18" + len(content).to_bytes(4, "little") + content)
        parts += [zst(record, dict_data=trained) for record in records]
    pages, failed, _ = read(tmp_path, b"".join(parts), "warc")
    assert (len(pages), failed) == (60, [])
    compressed_too = zst(parts[0][8:])
    parts[0] = b"\x5d\x2a\x4d\x18" + len(compressed_too).to_bytes(4, "little") + compressed_too
    assert len(read(tmp_path, b"".join(parts), "warc")[0]) == 60
    broken = flipped(parts[0], 60, 30)
    pages, failed, _ = read(tmp_path, broken + b"".join(parts[1:]), "warc")
    assert [page.record_id for page in pages] == [f"<{i}>" for i in range(30, 60)]
    assert "damaged zstd dictionary" in failed[0].detail
    assert len(failed) == 31
    assert all("is damaged" in item.detail for item in failed[1:])


def test_long_windows_up_to_the_setting(tmp_path):
    lines = b"".join(rows(8000))
    parameters = zstandard.ZstdCompressionParameters(
        window_log=27, enable_ldm=True, write_content_size=False, write_checksum=True
    )
    writer = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    packed = writer.compress(lines) + writer.flush()
    assert len(read(tmp_path, packed)[0]) == 8000
    pages, failed, loss = read(tmp_path, packed, max_window_bytes=1 << 20)
    assert 0 < len(pages) < 8000
    assert "input.max_window_bytes" in failed[0].detail
    assert loss.lost_records > 100


def test_a_frame_that_says_it_is_too_large_gives_nothing(tmp_path):
    parameters = zstandard.ZstdCompressionParameters.from_level(
        3, window_log=27, write_content_size=True, write_checksum=True
    )
    data = zstandard.ZstdCompressor(compression_params=parameters).compress(b"".join(rows(3000)))
    pages, failed, loss = read(tmp_path, data, max_window_bytes=1 << 16)
    assert pages == []
    assert [item.reason for item in failed] == ["malformed_record"]
    assert "input.max_window_bytes is 65536" in failed[0].detail
    assert loss.lost_bytes > 0


def test_a_file_that_ends_in_the_first_line_of_a_record_loses_that_one_alone(tmp_path):
    for end in (b"W", b"WAR", b"WARC", b"WARC/1.0\r", b"\r\nWAR", b"\nW"):
        pages, failed, _ = read(tmp_path, warc(1) + warc(2).removesuffix(b"\r\n\r\n") + end, "warc")
        assert [page.record_id for page in pages] == ["<1>", "<2>"], end
        assert [item.reason for item in failed] == ["truncated_archive"], end


def test_a_dictionary_that_claims_gigabytes_takes_no_memory(tmp_path):
    frame = b"\x28\xb5\x2f\xfd\xe0" + (1 << 40).to_bytes(8, "little") + b"\x01\0\0"
    data = b"\x5d\x2a\x4d\x18" + len(frame).to_bytes(4, "little") + frame + zst(warc(1))
    pages, failed, _ = read(tmp_path, data, "warc")
    assert len(pages) == 1
    assert "dictionary" in failed[0].detail


@pytest.fixture
def small_holds(monkeypatch):
    """Members beyond 100 kB are given out as they come."""
    for module in (compressed, __import__("thresher.pipeline.read.sources", fromlist=["x"])):
        monkeypatch.setattr(module, "HELD_BYTES", 100_000)


@pytest.mark.usefixtures("small_holds")
@pytest.mark.parametrize("pack", [gz, zst])
def test_a_large_member_that_fails_is_read_again(tmp_path, pack):
    good, bad = pack(b"".join(rows(400))), pack(b"".join(rows(800, 400)))
    data = good + flipped(bad, len(bad) // 2, 4) + good
    with pytest.raises(NotVerified) as asked:
        read(tmp_path, data, distrusted=())
    assert asked.value.members == {len(good)}
    pages, failed, loss = read(tmp_path, data, distrusted=asked.value.members)
    marks = [page.unverified for page in pages]
    assert marks[:400] == [False] * 400
    assert marks[-400:] == [False] * 400
    assert all(marks[400:-400])
    assert marks[400:-400]
    assert len(failed) == 1
    assert loss.unverified == len(marks) - 800
    assert len(read(tmp_path, data)[0]) == len(pages)  # nobody would read again: unmarked


def test_a_malformed_row_in_a_damaged_member_is_not_garbage(tmp_path):
    lines = rows(300)
    lines[5] = b"{not json}\n"
    packed = gz(b"".join(lines))
    pages, failed, _ = read(tmp_path, flipped(packed, len(packed) - 6, 1))
    assert len(pages) == 299
    assert [item.sample[:9] for item in failed] == [b"{not json", b""]


@pytest.mark.parametrize("cut", [5, 9, 40, 2000, -9, -5, -1])
@pytest.mark.parametrize("pack", [gz, zst])
def test_a_cut_file_is_truncated(tmp_path, pack, cut):
    data = pack(b"".join(rows(100)))
    pages, failed, loss = read(tmp_path, data[:cut])
    assert [item.reason for item in failed] == ["truncated_archive"]
    assert texts(pages) == [text(i) for i in range(len(pages))]
    assert loss.damaged == 0


def test_a_cut_row_of_plain_json_lines_is_truncated(tmp_path):
    data = b"".join(rows(3))
    assert [i.reason for i in read(tmp_path, data[:-1])[1]] == []
    assert [i.reason for i in read(tmp_path, data[:-5])[1]] == ["truncated_archive"]
    assert [i.reason for i in read(tmp_path, data + b"junk")[1]] == ["malformed_record"]


def test_damage_says_how_much_it_lost():
    members = [gz(bytes(10) * 50 + bytes([i])) for i in range(9)]
    source = open_source(io.BytesIO(members[0] + b"x" * 1000 + members[1]))
    assert len(source.read_chunk()) == 501
    with pytest.raises(Damage) as damage:
        source.read_chunk()
    assert damage.value.lost > 1000
    assert len(source.read_chunk()) == 501


def test_losses_are_told_in_records():
    loss = Loss()
    for _ in range(10):
        loss.add(Page("", "", "", "x", False, ""), 100)
    loss.add(Rejected("malformed_record", "", "", "", b"", 1000))
    loss.add(Rejected("malformed_record", "", "", "", b""))
    loss.add(Rejected("unreadable_shard", "", "", "", b"", 0, 7))
    loss.add(Rejected("http_status", "", "", "", b""))
    assert (loss.damaged, loss.lost_bytes) == (3, 1000)
    assert 16 <= loss.lost_records <= 19
    assert stretches.Loss().lost_records == 0
