"""Every loop in Python that meets bytes or text of the web takes linear steps.

Lines of Python are counted, in the project's own modules, at 4, 64 and 1,024 kB of the worst input
known for each. What a line costs in C is bounded by `test_patterns` and by the sizes of pieces.
"""

from __future__ import annotations

import contextlib
import gzip
import io
import sys

import pytest
import zstandard

from thresher.filters.mended_text import mend
from thresher.filters.transforms.line_cleaning import clean
from thresher.filters.transforms.line_edits import c4_lines, dclm_lines
from thresher.filters.transforms.pii import redact
from thresher.pipeline.dedup.urls import canonical_url
from thresher.pipeline.read import bodies, http, media
from thresher.pipeline.read.charset import decode_html
from thresher.pipeline.read.jsonl import read_jsonl
from thresher.pipeline.read.rows import RowFields
from thresher.pipeline.read.sources import open_source
from thresher.pipeline.read.streams import ByteReader
from thresher.pipeline.read.stretches import Loss, settle
from thresher.pipeline.read.warc import read_warc

KB = 1000
LIMIT = 64 << 20
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"


def warc(data):
    reader = ByteReader(open_source(io.BytesIO(data)))
    return sum(1 for _ in settle(read_warc(reader, 16 << 20), reader, Loss()))


def jsonl(data):
    reader = ByteReader(open_source(io.BytesIO(data)))
    items = read_jsonl(reader, RowFields("text", "id", "url", "date"), 16 << 20)
    return sum(1 for _ in settle(items, reader, Loss()))


def body(data):
    response = http.parse_response(data)
    announced = [response.headers.get(f"{name}-encoding", "") for name in ("transfer", "content")]
    return bodies.undo_unannounced(bodies.undo_announced(response.body, *announced, LIMIT), LIMIT)


def head(data):
    with contextlib.suppress(http.MalformedHttp):  # beyond 256 kB
        http.parse_response(data)


def claims(size, length):
    head = b"WARC/1.0\r\nWARC-Type: response\r\nContent-Length: %d\r\n\r\nx\r\n\r\n" % length
    return head * (size // len(head))


def member(content):
    return zstandard.ZstdCompressor(write_checksum=True).compress(content)


INPUTS = {
    "records that claim 16 MB": (warc, lambda n: claims(n, 16 << 20)),
    "records that claim 1 MB": (warc, lambda n: claims(n, 1 << 20)),
    "headers without end": (warc, lambda n: b"WARC/1.0\r\n" * (n // 10)),
    "header lines": (warc, lambda n: b"WARC/1.0\r\n" + b"a: b\r\n" * (n // 6)),
    "arc headers of dates": (
        warc,
        lambda n: b"http://a " + b"20080430204825 " * (n // 15) + b"3\n",
    ),
    "arc headers": (warc, lambda n: b"http://a 1.2.3.4 20080430204825 a/b 9\n" * (n // 38)),
    "line ends": (warc, lambda n: b"\n" * n),
    "one line": (warc, lambda n: b"a" * n),
    "starts of gzip": (warc, lambda n: b"\x1f\x8b\x08\0" + b"\x1f\x8b\x08" * (n // 3)),
    "empty gzip members": (warc, lambda n: gzip.compress(b"") * (n // 20)),
    "gzip members that overlap": (
        warc,
        lambda n: (
            (b"\x1f\x8b\x08\0\0\0\0\0\0\0\0\0\x04\xff\xfb" + gzip.compress(b"") * 10) * (n // 215)
        ),
    ),
    "starts of zstd": (jsonl, lambda n: b"\x28\xb5\x2f\xfd" * (n // 4)),
    "damaged zstd frames": (jsonl, lambda n: (member(b"{}\n")[:-1] + b"x") * (n // 16)),
    "skippable frames": (jsonl, lambda n: b"\x50\x2a\x4d\x18\0\0\0\0" * (n // 8)),
    "starts of lz4": (jsonl, lambda n: b"\x04\x22\x4d\x18\x40\x40\xc0" * (n // 7)),
    "padding": (jsonl, lambda n: gzip.compress(b"{}\n") + bytes(n)),
    "empty objects": (jsonl, lambda n: b"{}\n" * (n // 3)),
    "open brackets": (jsonl, lambda n: b"[" * n),
    "garbage in a member": (jsonl, lambda n: gzip.compress(b"x\n" * (n // 2))[:-8]),
    "comments": (media.starts_like_html, lambda n: b"<!-- x -->" * (n // 10)),
    "HTTP headers": (head, lambda n: HEAD + b"X-Robots-Tag: a\r\n" * (n // 17)),
    "chunks of a byte": (
        body,
        lambda n: HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + b"1\r\na\r\n" * (n // 6),
    ),
    "gzip members in a body": (
        body,
        lambda n: HEAD + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(b"a") * (n // 21),
    ),
    "an unannounced body": (
        body,
        lambda n: HEAD + b"\r\n" + gzip.compress(gzip.compress(b"a")) * (n // 44),
    ),
    "media types": (media.parse_media_type, lambda n: 'text/html, "' * (n // 12)),
    "objects side by side": (jsonl, lambda n: b"{}" * (n // 2)),
    "a page of every byte": (
        lambda data: decode_html(data, ""),
        lambda n: bytes(range(256)) * (n // 256),
    ),
    "brackets": (clean, lambda n: "[" * n),
    "lines of one letter": (clean, lambda n: "a\n" * (n // 2)),
    "full stops": (c4_lines, lambda n: ". " * (n // 2)),
    "counters": (dclm_lines, lambda n: "1,1,1 likes\n" * (n // 12)),
    "cut words": (mend, lambda n: "tion-\n" * (n // 6)),
    "cut words of two lines": (mend, lambda n: "ab-\ntion ab-\n" * (n // 12)),
    "mojibake": (mend, lambda n: "Ã©â€™" * (n // 5)),
    "lines of mojibake": (mend, lambda n: "Ã©\n" * (n // 3)),
    "holes": (mend, lambda n: "don\ufffdt " + "\ufffda\ufffd " * (n // 4)),
    "soft hyphens": (mend, lambda n: "\u00ad" * n),
    "at signs": (redact, lambda n: "a@" * (n // 2)),
    "digits": (redact, lambda n: "212-555-0100 " * (n // 13)),
    "parameters": (canonical_url, lambda n: "http://a.org/?" + "b=%41&" * (n // 6)),
}


def steps(function, data):
    """Lines of this project's Python that a call runs through."""
    count = 0

    def trace(frame, event, _argument):
        nonlocal count
        if "thresher" not in frame.f_code.co_filename:
            return None
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        function(data)
    finally:
        sys.settrace(before)
    return count


def growth(function, make, sizes):
    small, large = (steps(function, make(size)) for size in sizes)
    return large / max(small, 500) / (sizes[1] / sizes[0])


@pytest.mark.parametrize("name", INPUTS)
def test_steps_grow_no_faster_than_the_input(name):
    assert growth(*INPUTS[name], (4 * KB, 64 * KB)) < 1.5


@pytest.mark.slow
@pytest.mark.parametrize("name", INPUTS)
def test_to_a_megabyte(name):
    assert growth(*INPUTS[name], (64 * KB, 1024 * KB)) < 1.1


def test_a_loop_in_a_loop_is_noticed():
    source = "def quadratic(data):\n    for _ in data:\n        for _ in data:\n            pass\n"
    scope = {}
    exec(compile(source, "thresher/made.py", "exec"), scope)
    assert growth(scope["quadratic"], bytes, (100, 1600)) > 1.5
