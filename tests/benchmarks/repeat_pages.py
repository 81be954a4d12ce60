"""Repeat real pages as a larger crawl: other addresses, and a sentence of its own in each copy.

    python tests/benchmarks/repeat_pages.py --data DATA --work WORK --times 4

Writes DATA/crawl/pages so many times into WORK/pages, for `whole_job.py --pages`: start-up costs of
both sides weigh less on more pages.
"""

import re

import common
from fastwarc.warc import ArchiveIterator, WarcRecordType

from thresher.jobs.sample import archives

OURS = ("copy 0", "copy 1")


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
        yield archives.warc_record("response", archives.record_id(url), url, block)


def report(options):
    folder = options.work / "pages"
    folder.mkdir(exist_ok=True)
    for number in range(options.times):
        pages = 0
        for file in sorted((options.data / "crawl" / "pages").glob("*.warc.gz")):
            records = list(copies(file, number))
            (folder / f"{number:03d}-{file.name}").write_bytes(b"".join(records))
            pages += len(records)
        print(f"copy {number}: {pages} pages")


def main():
    parser = common.parser(__doc__)
    parser.add_argument("--times", type=int, default=4)
    with common.options(parser, times=2) as options:
        report(options)


if __name__ == "__main__":
    main()
