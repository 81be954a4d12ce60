"""Repeat real pages as a larger crawl: other addresses, and a sentence of its own in each copy.

    python tests/benchmarks/repeat_pages.py 4 FOLDER pages/*.warc.gz

For throughput: start-up costs of both sides weigh less on more pages.
"""

import gzip
import re
import sys
import uuid
from pathlib import Path

from fastwarc.warc import ArchiveIterator, WarcRecordType


def copies(file, number):
    for record in ArchiveIterator(file.open("rb"), parse_http=False):
        if record.record_type != WarcRecordType.response:
            continue
        url = record.headers["WARC-Target-URI"] + (f"?copy={number}" if number else "")
        head, _, body = record.reader.read().partition(b"\r\n\r\n")
        if number:
            own = (
                f"<p>Copy {number * 7919} of {url[-40:]} says so in words of its own.</p>".encode()
            )
            at = body.lower().rfind(b"</body>")
            body = body[:at] + own + body[at:] if at >= 0 else body + own
        head = re.sub(rb"(?im)^content-length:.*\r?\n?", b"", head).rstrip()
        block = head + b"\r\nContent-Length: %d\r\n\r\n" % len(body) + body
        yield gzip.compress(
            b"WARC/1.1\r\nWARC-Type: response\r\nWARC-Record-ID: <urn:uuid:%s>\r\n"
            b"WARC-Date: 2025-01-01T00:00:00Z\r\nWARC-Target-URI: %s\r\n"
            b"Content-Type: application/http; msgtype=response\r\nContent-Length: %d\r\n\r\n"
            % (str(uuid.uuid5(uuid.NAMESPACE_URL, url)).encode(), url.encode(), len(block))
            + block
            + b"\r\n\r\n",
            6,
        )


def main():
    times, out, *files = sys.argv[1:]
    folder = Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(int(times)):
        for file in map(Path, files):
            with (folder / f"{number:03d}-{file.name}").open("wb") as target:
                target.writelines(copies(file, number))


if __name__ == "__main__":
    main()
