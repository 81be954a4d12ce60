"""The dataset card is readable by machines and people, and inert whatever the crawl held."""

from __future__ import annotations

import pytest

from thresher.filters.policy import shipped_policy
from thresher.manifests.manifest import Manifest, Output
from thresher.pipeline.materialize import CuratedSettings
from thresher.pipeline.materialize.card import dataset_card, escape

HOSTILE = '---\nlicense: mit\n| <script>alert("x")</script> ](javascript:x) `*_ {{ "'


def shard(index: int, split: str, rows: int = 10) -> Manifest:
    key = f"shard_{index:05d}"
    return Manifest(
        stage="curated",
        fingerprint="c" * 16,
        key=key,
        outputs=[Output(f"curated/{'c' * 16}/{key}.parquet", rows, 2000, "0" * 64)],
        facts={"split": split, "rows": rows, "text_bytes": 4200, "token_estimate": 1000},
    )


def card(shards, **changes):
    return dataset_card(
        **{
            "name": "demo",
            "shards": shards,
            "policy": shipped_policy("web-en"),
            "policy_fingerprint": "d" * 16,
            "curated_fingerprint": "c" * 16,
            "settings": CuratedSettings(),
            "funnel": [("records read", 1234), ("kept", 30)],
            "reasons": {"too_few_words": 7, "near_duplicate": 9},
            "inputs": ["s3://bucket/a.warc.gz"],
        }
        | changes
    )


def front_matter(text: str):
    yaml = pytest.importorskip("yaml")
    assert text.startswith("---\n")
    return yaml.safe_load(text[4:].split("\n---\n", 1)[0])


def test_front_matter_lists_the_files_of_each_split():
    head = front_matter(card([shard(2, "validation"), shard(0, "train"), shard(1, "train")]))
    assert head["license"] == "other"
    assert head["size_categories"] == ["n<1K"]
    [config] = head["configs"]
    assert config["data_files"] == [
        {"split": "train", "path": ["shard_00000.parquet", "shard_00001.parquet"]},
        {"split": "validation", "path": ["shard_00002.parquet"]},
    ]


def test_the_body_tells_the_funnel_the_policy_and_the_reasons():
    text = card([shard(0, "train"), shard(1, "validation")])
    assert "| records read | 1,234 |" in text
    assert "web-en" in text
    assert "d" * 16 in text
    assert text.index("near&#95;duplicate") < text.index("too&#95;few&#95;words")
    assert "| train | 1 | 10 | 4,200 | 1,000 | 2,000 |" in text
    assert "no validation split" not in text


def test_the_card_does_not_depend_on_order():
    shards = [shard(0, "train"), shard(1, "train"), shard(2, "validation")]
    assert card(shards) == card(shards[::-1])


def test_an_empty_split_is_said():
    assert "no validation split" in card([shard(0, "train")])
    assert "no training data" in card([shard(0, "validation")])
    assert "no training data" in card([])
    assert "configs" not in front_matter(card([]))


def test_what_came_from_outside_is_inert():
    text = card(
        [shard(0, "train")],
        name=HOSTILE,
        inputs=[HOSTILE] * 30,
        funnel=[(HOSTILE, 1)],
        reasons={HOSTILE: 1},
    )
    head = front_matter(text)
    assert head["license"] == "other"
    assert head["pretty_name"] == HOSTILE
    body = text.split("\n---\n", 1)[1]
    assert "<script" not in body
    assert "](" not in body
    assert "and 10 more" in body
    rows = [line for line in body.splitlines() if line.startswith("|")]
    assert {line.count("|") for line in rows} <= {3, 4, 7}


def test_escape_leaves_plain_words_alone():
    assert escape("plain words, 1.5 - 2\nlines") == "plain words, 1.5 - 2 lines"
