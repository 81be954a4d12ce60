"""The sample crawl that `thresher demo` runs: written by the project, on the spot, from a seed.

>>> from thresher.jobs.sample import write_sample
>>> crawl = write_sample(Path("demo"))          # doctest: +SKIP

A few hundred pages in six shards of real WARC, WET and JSON Lines, each with a known truth, and
two files of other pages to train a small quality model on. The model sees other draws from the
same bank of sentences, so its score in the demo shows that training works, not how well it would.

All hosts are invented: names under ``.example``, and three sites under example.com, example.net and
example.org, which are reserved for such use and belong to nobody (RFC 2606).
"""

from thresher.jobs.sample.crawl import SampleCrawl, Truth, write_sample

__all__ = ["SampleCrawl", "Truth", "write_sample"]
