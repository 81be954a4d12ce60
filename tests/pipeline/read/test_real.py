"""Archives as found in the projects that read them, many broken on purpose."""

from __future__ import annotations

from collections import Counter

import pytest

from thresher.pipeline.extract import Extractor, ExtractSettings
from thresher.pipeline.read import REASONS, InputSettings, Page, Rejected, list_inputs, read_shard


@pytest.fixture
def archives(real_data):
    folder = real_data / "crawl" / "real"
    if not folder.is_dir():
        pytest.skip("no real archives in the folder of real data")
    return folder


def test_every_real_archive_runs_and_balances(archives):
    settings = InputSettings(urls=["*"])
    shards = list_inputs(settings, str(archives))
    counts: Counter[str] = Counter()
    with Extractor(ExtractSettings()) as extractor:
        for shard in shards:
            items = list(read_shard(shard, settings))
            assert items, shard.uri
            pages = [item for item in items if isinstance(item, Page)]
            rejected = [item for item in items if isinstance(item, Rejected)]
            assert len(pages) + len(rejected) == len(items)
            extracted = extractor.extract(pages)
            assert len(extracted) == len(pages)
            counts.update(r.reason for r in [*rejected, *extracted] if isinstance(r, Rejected))
            counts["document"] += sum(not isinstance(r, Rejected) for r in extracted)
    assert set(counts) <= {"document", *REASONS}
    assert not {name for name in counts if name.startswith("extraction_")}
    assert counts["document"] > 450


def test_the_compressions_of_one_archive_agree(archives):
    settings = InputSettings(urls=["chatnoir-eu+chatnoir-resiliparse__warcfile.warc*"])
    plain, *others = [
        list(read_shard(shard, settings)) for shard in list_inputs(settings, str(archives))
    ]
    assert len(others) == 2
    assert all(other == plain for other in others)
