"""Mutations of valid files: what every reader promises of damaged ones, tried with seeds.

For any prefix, flip, splice or padding of a valid file:

- records in front of the damage are all there, in order (of the damaged member itself too, unless
  it holds a single record: that is then the damaged one);
- where a record is lost, the status is not `complete`, unless the mutated file is a valid one too
  (or has no checksums, and the record counts as another);
- where the format has checksums, every page is one of the file's, or says that it is `unverified`;
- the counts add up, and nothing raises, hangs or takes much memory.

    python tests/pipeline/read/mutations.py --file jsonl.gz --count 1000 [--seed 7]

runs a thousand mutations of one kind of file and prints the seed of each that fails. `kinds` lists
the files, `mutate` and `check` are for other tests: a seed always makes the same mutation. Each
mutation has `DEADLINE_SECONDS` and the process `MEMORY_BYTES`; the kernel ends what exceeds them,
and the last seed on the screen is the culprit.
"""

from __future__ import annotations

import argparse
import gzip
import io
import json
import random
import re
import resource
import signal
import sys
import zlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from itertools import accumulate
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import zstandard
from fastwarc.stream_io import Lz4Reader, Lz4Writer

from thresher.pipeline.gate.book import Book
from thresher.pipeline.read import (
    InputSettings,
    InputShard,
    Loss,
    NotVerified,
    Page,
    Rejected,
    read_shard,
)

DEADLINE_SECONDS = 20
MEMORY_BYTES = 2 << 30
RECORDS = 24

_WORDS = """the river bridge carries a narrow road between two villages and every spring ice takes
part of it so that people wait for boats Grüße naïve façade 知者 Москва number letter paper"""


@dataclass(frozen=True)
class Valid:
    """A valid file.

    Args:
        name: what the tests call it; its suffix tells the reader the format.
        data: the file.
        contents: of its pages, in order.
        ends: decoded bytes after which each of them is whole.
        members: first stored byte of each compressed member, and the end of the file.
        decode: the decoded bytes of a file; raises `ValueError` unless it is a whole one.
        head: as many decoded bytes as a prefix of the file gives.
        is_whole: whether decoded bytes are a valid file of the format.
        checked: whether the format has checksums over all of its bytes.
    """

    name: str
    data: bytes
    contents: list[bytes | str]
    ends: list[int]
    members: list[int]
    decode: Callable[[bytes], bytes]
    head: Callable[[bytes], int]
    is_whole: Callable[[bytes], bool]
    checked: bool


@dataclass(frozen=True)
class Mutation:
    """A damaged file: equal to the valid one before `start`."""

    what: str
    data: bytes
    start: int


@dataclass
class Outcome:
    """What a reader made of a file."""

    pages: list[Page] = field(default_factory=list)
    rejected: Counter[str] = field(default_factory=Counter)
    records: int = 0
    state: dict[str, str | int] = field(default_factory=dict)


def mutate(valid: Valid, seed: int) -> Mutation:
    """The mutation of a seed."""
    source = random.Random(f"{valid.name} {seed}")
    data, size = valid.data, len(valid.data)
    kind = source.choice(("prefix", "flip", "flip", "splice", "splice", "padding"))
    at = source.randrange(size)
    if source.random() < 0.3:
        # Near the edges of members, where headers, sizes and checksums are.
        at = min(size - 1, max(0, source.choice(valid.members) + source.randrange(-12, 24)))
    if kind == "prefix":
        return Mutation(f"cut at {at}", data[:at], at)
    if kind == "flip":
        count = source.choice((1, 1, 1, 6))
        flipped = bytearray(data)
        for place in range(at, min(size, at + count)):
            flipped[place] ^= 1 << source.randrange(8) if count == 1 else source.randrange(1, 256)
        return Mutation(f"{count} bytes flipped at {at}", bytes(flipped), at)
    length = min(size - at, int(source.expovariate(1 / source.choice((4, 200, size / 4)))) + 1)
    if kind == "padding":
        pad = source.choice((b"\0", b"\n", b" ", b"\r\n")) * source.choice((1, 3, 600))
        place = source.choice(valid.members[1:]) if source.random() < 0.5 else size
        return Mutation(f"{pad[:2]!r}... at {place}", data[:place] + pad + data[place:], place)
    other = source.randrange(size)
    piece = {
        "removed": b"",
        "from elsewhere": data[other : other + length],
        "random": source.randbytes(length),
        "zeros": bytes(length),
    }
    what = source.choice(sorted(piece))
    kept = at if source.random() < 0.3 else at + length
    mutated = data[:at] + piece[what] + data[kept:]
    return Mutation(f"{length} bytes {what} at {at}", mutated, _first_difference(data, mutated))


def _first_difference(one: bytes, other: bytes) -> int:
    size = min(len(one), len(other))
    return next((i for i in range(size) if one[i] != other[i]), size)


def read(name: str, data: bytes, folder: Path) -> Outcome:
    """Read a file as the stage `documents` does, and a second time where it asks for that."""
    path = folder / f"mutated.{name}"
    path.write_bytes(data)
    shard = InputShard(str(path), len(data), "", _format(name), "0" * 16)
    distrusted: frozenset[int] = frozenset()
    while True:
        try:
            return _read(shard, distrusted)
        except NotVerified as damage:
            assert not distrusted, "it asks twice"
            distrusted = damage.members


def _format(name: str) -> str:
    return name.partition(".")[0].replace("arc", "warc").replace("wwarc", "warc")


def _read(shard: InputShard, distrusted: frozenset[int]) -> Outcome:
    outcome = Outcome()
    loss = Loss()
    book = Book(shard.uri, 0.0, _Nowhere())  # type: ignore[arg-type]
    for item in read_shard(shard, InputSettings(urls=[]), None, loss, distrusted):
        book.records += 1
        outcome.records += 1
        outcome.pages += book.admit([item])
        if isinstance(item, Rejected):
            outcome.rejected[item.reason] += 1
    outcome.state = book.state(loss)
    assert book.records == len(outcome.pages) + book.total("gated") + book.total("failed")
    return outcome


class _Nowhere:
    def write(self, table: pa.Table) -> None:
        table.validate(full=True)


def check(valid: Valid, mutation: Mutation, outcome: Outcome) -> list[str]:
    """What a reader got wrong, in sentences."""
    wrong = []
    there = [page.content for page in outcome.pages]
    before = _before(valid, mutation.start)
    if there[: len(before)] != before:
        got = sum(one == other for one, other in zip(there, before, strict=False))
        wrong.append(f"only {got} of the {len(before)} records before the damage are there")
    lost = Counter(valid.contents) - Counter(there)
    # In a file without checksums a changed header makes another record, which is counted.
    all_counted = not valid.checked and outcome.records >= len(valid.contents)
    valid_too = all_counted or _is_valid(valid, mutation.data)
    if lost and outcome.state["status"] == "complete" and not valid_too:
        wrong.append(f"complete, and {sum(lost.values())} records are lost")
    if outcome.state["status"] != "complete" and not outcome.state["why"]:
        wrong.append("no reason is given")
    if outcome.state["status"] == "damaged" and not outcome.state["lost_records"]:
        wrong.append("damaged, and nothing is counted as lost")
    harmless = mutation.what.startswith("b'") and len(valid.members) > 2
    if harmless and (there != valid.contents or outcome.state["status"] != "complete"):
        wrong.append(f"padding is taken for damage: {outcome.state['why']}")
    if valid.checked:
        known = set(valid.contents)
        phantoms = sum(page.content not in known and not page.unverified for page in outcome.pages)
        if phantoms:
            wrong.append(f"{phantoms} pages that are none of the file's")
    return wrong


def _before(valid: Valid, start: int) -> list[bytes | str]:
    decoded = valid.head(valid.data[:start])
    whole = sum(end <= decoded for end in valid.ends)
    if whole and valid.checked:
        # The record of a member that holds no other fails with its member.
        member = max(m for m in valid.members if m <= start) if start else 0
        first = valid.head(valid.data[:member])
        inside = sum(first < end for end in valid.ends[:whole])
        following = [m for m in valid.members if m > member]
        last = valid.head(valid.data[: following[0]]) if following else decoded
        if inside and sum(first < end <= last for end in valid.ends) == 1:
            whole -= inside
    return valid.contents[:whole]


def _is_valid(valid: Valid, data: bytes) -> bool:
    try:
        return valid.is_whole(valid.decode(data))
    except (ValueError, OSError, EOFError, zlib.error, zstandard.ZstdError):
        return False


@cache
def kinds() -> dict[str, Valid]:
    """The valid files by name."""
    made: list[Valid] = []
    for kind, rows, is_whole in (
        ("warc", _warc_records(), _is_whole_warc),
        ("wet", _wet_records(), _is_whole_warc),
        ("arc", _arc_records(), _is_whole_arc),
        ("jsonl", _json_rows(), _is_whole_jsonl),
    ):
        parts = [part for part, _ in rows]
        contents = [content for _, content in rows if content is not None]
        sizes = list(accumulate(map(len, parts)))
        ends = [sizes[i] for i, (_, content) in enumerate(rows) if content is not None]
        text = b"".join(parts)
        cut = [text[i : i + 7001] for i in range(0, len(text), 7001)]
        packings: dict[str, list[bytes]] = {"plain": [text]}
        packings["gz"] = [_gzip(part) for part in (parts if kind != "jsonl" else cut)]
        if kind == "jsonl":
            packings["rows.gz"] = [_gzip(part) for part in parts]
        if kind in ("warc", "jsonl"):
            packings["one.gz"] = [_gzip(text)]
            packings["zst"] = [_zstd(part) for part in parts]
            packings["one.zst"] = [_zstd(text)]
            packings["lz4"] = [_lz4(part) for part in parts]
        if kind == "jsonl":
            pieces = [_zstd(part) for part in cut]
            packings["pz.zst"] = [_skippable(len(p).to_bytes(4, "little")) + p for p in pieces]
        for packing, members in packings.items():
            codec = packing.rpartition(".")[2]
            starts = [sum(map(len, members[:i])) for i in range(len(members) + 1)]
            name = kind if packing == "plain" else f"{kind}.{packing}"
            decode, head = _CODECS[codec]
            checked = codec not in ("plain", "lz4")
            made.append(
                Valid(
                    name, b"".join(members), contents, ends, starts, decode, head, is_whole, checked
                )
            )
        if kind == "warc":
            made.append(_with_dictionary(parts, contents, ends))
    made.append(_parquet())
    return {valid.name: valid for valid in made}


def _text(number: int) -> str:
    source = random.Random(number)
    return f"{number} " + " ".join(source.choices(_WORDS.split(), k=source.randrange(60, 240)))


def _warc_records() -> list[tuple[bytes, bytes | None]]:
    rows: list[tuple[bytes, bytes | None]] = [(_warc(0, "warcinfo", b"software: x\r\n"), None)]
    for i in range(1, RECORDS + 1):
        body = f"<html><body><p>{_text(i)}</p></body></html>".encode()
        head = b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n\r\n"
        rows.append((_warc(i, "response", head + body), body))
    return rows


def _wet_records() -> list[tuple[bytes, str | None]]:
    texts = [_text(i) for i in range(RECORDS)]
    return [(_warc(i, "conversion", t.encode(), "text/plain"), t) for i, t in enumerate(texts)]


def _warc(number: int, kind: str, block: bytes, media: str = "application/http") -> bytes:
    head = (
        f"WARC/1.0\r\nWARC-Type: {kind}\r\nWARC-Record-ID: <urn:uuid:{number}>\r\n"
        f"WARC-Target-URI: http://example.org/{number}\r\nContent-Type: {media}\r\n"
        f"Content-Length: {len(block)}\r\n\r\n"
    )
    return head.encode() + block + b"\r\n\r\n"


def _arc_records() -> list[tuple[bytes, bytes | None]]:
    about = b"1 0 Someone\nURL IP-address Archive-date Content-type Archive-length\n"
    rows: list[tuple[bytes, bytes | None]] = [
        (b"filedesc://x.arc 0.0.0.0 20080430204825 text/plain %d\n%s\n" % (len(about), about), None)
    ]
    for i in range(RECORDS):
        body = f"<html><body><p>{_text(i)}</p></body></html>".encode()
        block = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n" + body
        line = b"http://example.org/%d 1.2.3.4 20080430204825 text/html %d\n" % (i, len(block))
        rows.append((line + block + b"\n", body))
    return rows


def _json_rows() -> list[tuple[bytes, str]]:
    texts = [_text(i) for i in range(RECORDS)]
    rows = [{"id": str(i), "text": text} for i, text in enumerate(texts)]
    return [
        (json.dumps(r, ensure_ascii=i % 2 == 0).encode() + b"\n", t)
        for i, (r, t) in enumerate(zip(rows, texts, strict=True))
    ]


def _is_whole_jsonl(data: bytes) -> bool:
    return all(isinstance(json.loads(line), dict) for line in data.split(b"\n") if line.strip())


def _is_whole_warc(data: bytes) -> bool:
    """By a pattern of its own: every length leads to two line ends and a record or the end."""
    at = 0
    head = re.compile(
        rb"(?:\r?\n)*WARC/1\.0\r\n(?:[^\r\n]+\r\n)*?Content-Length: (\d+)\r\n(?:[^\r\n]+\r\n)*\r\n"
    )
    while at < len(data):
        found = head.match(data, at)
        if found is None:
            return not data[at:].strip(b"\r\n")
        at = found.end() + int(found.group(1))
        if at > len(data) or not re.match(rb"\r?\n|WARC/|\r?$", data[at : at + 5]):
            return False
    return True


def _is_whole_arc(data: bytes) -> bool:
    at = 0
    head = re.compile(rb"\n*\w+:\S+ [\d.]+ \d{14} \S+ (\d+)\n")
    while at < len(data):
        found = head.match(data, at)
        if found is None:
            return not data[at:].strip(b"\r\n")
        at = found.end() + int(found.group(1))
        if at > len(data) or not re.match(rb"\n|http:|$", data[at : at + 5]):
            return False
    return True


def _gzip(data: bytes) -> bytes:
    return gzip.compress(data, mtime=0)


def _ungzip(data: bytes) -> bytes:
    parts = []
    while data.strip(b"\0 \r\n"):
        member = zlib.decompressobj(31)
        parts.append(member.decompress(data.lstrip(b"\0 \r\n")))
        if not member.eof:
            raise ValueError("cut")
        data = member.unused_data
    return b"".join(parts)


def _gzip_head(data: bytes) -> int:
    size = 0
    while data:
        member = zlib.decompressobj(31)
        size += len(member.decompress(data))
        data = member.unused_data
    return size


def _zstd(data: bytes, dictionary: zstandard.ZstdCompressionDict | None = None) -> bytes:
    return zstandard.ZstdCompressor(write_checksum=True, dict_data=dictionary).compress(data)


def _skippable(content: bytes, kind: int = 0) -> bytes:
    return bytes([0x50 + kind]) + b"\x2a\x4d\x18" + len(content).to_bytes(4, "little") + content


def _unzstd(data: bytes, strict: bool = True) -> bytes:
    parts = []
    decompressor = zstandard.ZstdDecompressor()
    while data.strip(b"\0 \r\n"):
        if data[1:4] == b"\x2a\x4d\x18" and 0x50 <= data[0] < 0x60:
            size = 8 + int.from_bytes(data[4:8], "little")
            content = data[8:size]
            if strict and len(data) < size:
                raise ValueError("cut")
            if data[0] == 0x5D and len(content) == size - 8:
                decompressor = zstandard.ZstdDecompressor(
                    dict_data=zstandard.ZstdCompressionDict(content)
                )
            data = data[size:]
            continue
        frame = decompressor.decompressobj()
        parts.append(frame.decompress(data))
        if strict and not frame.eof:
            raise ValueError("cut")
        data = frame.unused_data if frame.eof else b""
    return b"".join(parts)


def _lz4(data: bytes) -> bytes:
    out = io.BytesIO()
    with Lz4Writer(out) as writer:
        writer.write(data)
    return out.getvalue()


def _unlz4(data: bytes) -> bytes:
    reader = Lz4Reader(io.BytesIO(data))
    return b"".join(iter(lambda: reader.read(1 << 16), b""))


def _lz4_head(data: bytes) -> int:
    """Of whole frames only."""
    size = 0
    for frame in re.split(rb"(?=\x04\x22\x4d\x18)", data)[1:]:
        if not frame.endswith(bytes(4)):
            break
        reader = Lz4Reader(io.BytesIO(frame))
        while piece := reader.read(1 << 16):
            size += len(piece)
    return size


_CODECS: dict[str, tuple[Callable[[bytes], bytes], Callable[[bytes], int]]] = {
    "plain": (bytes, len),
    "gz": (_ungzip, _gzip_head),
    "zst": (_unzstd, lambda data: len(_unzstd(data, strict=False))),
    "lz4": (_unlz4, _lz4_head),
}


def _with_dictionary(parts: list[bytes], contents: list[bytes | str], ends: list[int]) -> Valid:
    """Two archives with a dictionary each, joined."""
    half = len(parts) // 2
    members = []
    for some in (parts[:half], parts[half:]):
        trained = zstandard.train_dictionary(2000, some * 8)
        members.append(_skippable(trained.as_bytes(), 13))
        members += [_zstd(part, trained) for part in some]
    starts = [sum(map(len, members[:i])) for i in range(len(members) + 1)]
    decode, head = _CODECS["zst"]
    data = b"".join(members)
    return Valid("warc.dict.zst", data, contents, ends, starts, decode, head, _is_whole_warc, True)


def _parquet() -> Valid:
    texts: list[bytes | str] = [_text(i) for i in range(RECORDS)]
    out = io.BytesIO()
    table = pa.table({"id": [str(i) for i in range(RECORDS)], "text": texts})
    pq.write_table(table, out, row_group_size=6, write_page_checksum=True)
    data = out.getvalue()

    def whole(mutated: bytes) -> bytes:
        try:
            pq.ParquetFile(io.BytesIO(mutated), page_checksum_verification=True).read()
        except pa.ArrowException as error:
            raise ValueError(str(error)) from error
        return mutated

    return Valid(
        "parquet",
        data,
        texts,
        [len(data) + 1] * RECORDS,
        [0, len(data)],
        whole,
        len,
        lambda _: True,
        False,
    )


def run(name: str, seeds: range, folder: Path) -> int:
    """Try the mutations of some seeds; prints those that fail and returns how many they are."""
    valid = kinds()[name]
    outcome = read(name, valid.data, folder)
    assert [page.content for page in outcome.pages] == valid.contents, "the valid file is not read"
    assert outcome.state["status"] == "complete", outcome.state
    failed = 0
    for seed in seeds:
        print(f"{name} {seed}", end="\r", file=sys.stderr, flush=True)
        mutation = mutate(valid, seed)
        signal.alarm(DEADLINE_SECONDS)
        try:
            wrong = check(valid, mutation, read(name, mutation.data, folder))
        except Exception as error:  # noqa: BLE001 - the finding
            wrong = [f"{type(error).__name__}: {error}"]
        signal.alarm(0)
        if wrong:
            failed += 1
            print(f"{name} seed {seed}: {mutation.what}: {'; '.join(wrong)}", flush=True)
    return failed


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--file", action="append", choices=sorted(kinds()))
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", type=Path, required=True)
    options = parser.parse_args()
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY_BYTES, resource.RLIM_INFINITY))
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    seeds = range(options.seed, options.seed + options.count)
    failed = sum(run(name, seeds, options.folder) for name in options.file or sorted(kinds()))
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
