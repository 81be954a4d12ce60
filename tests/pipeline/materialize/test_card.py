"""The dataset card is readable by machines and people, and inert whatever the crawl held."""

from __future__ import annotations

import pytest
from huggingface_hub import DatasetCard

from thresher.filters.languages import LANGUAGES
from thresher.filters.policy import RESERVED_MEANINGS, policy_from_mapping, shipped_policy
from thresher.manifests.manifest import Manifest, Output
from thresher.pipeline.materialize import CuratedSettings
from thresher.pipeline.materialize.card import dataset_card
from thresher.pipeline.materialize.inert import code, escape, prose
from thresher.pipeline.read import REASONS

HOSTILE = '---\nlicense: mit\n| <script>alert("x")</script> ](javascript:x) `*_ {{ "'


def shard(index: int, split: str, rows: int = 10) -> Manifest:
    key = f"shard_{index:05d}"
    facts = {"split": split, "rows": rows, "words": 700, "text_bytes": 4200, "token_estimate": 1000}
    return Manifest(
        stage="curated",
        fingerprint="c" * 16,
        key=key,
        outputs=[Output(f"curated/{'c' * 16}/{key}.parquet", rows, 2000, "0" * 64)],
        facts=facts,
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
            "languages": ["en"],
            "funnel": [("records read", 1234), ("kept", 30)],
            "reasons": {
                "dropped/too_few_words": 7,
                "dropped/near_duplicate": 9,
                "failed/malformed_record": 2,
                "gated/http_status": 1,
            },
            "inputs": ["s3://bucket/a.warc.gz"],
        }
        | changes
    )


def front_matter(text: str):
    """As Hugging Face reads it."""
    assert text.startswith("---\n")
    return DatasetCard(text).data.to_dict()


def rows_of(text, heading):
    """The cells of each row of the table under a heading."""
    section = text.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [line.strip("| ").split(" | ") for line in lines[2:]]


def test_front_matter_lists_the_files_of_each_split():
    head = front_matter(card([shard(2, "validation"), shard(0, "train"), shard(1, "train")]))
    assert head["license"] == "other"
    assert head["size_categories"] == ["n<1K"]
    [config] = head["configs"]
    assert config["data_files"] == [
        {"split": "train", "path": ["shard_00000.parquet", "shard_00001.parquet"]},
        {"split": "validation", "path": ["shard_00002.parquet"]},
    ]


def test_front_matter_names_the_languages_as_text():
    assert front_matter(card([], languages=sorted(LANGUAGES)))["language"] == sorted(LANGUAGES)
    assert "no" in LANGUAGES  # which YAML takes for false
    assert "language" not in front_matter(card([], languages=[]))


def test_the_body_tells_the_funnel_the_policy_and_the_counts():
    text = card([shard(0, "train"), shard(1, "validation")])
    assert "| records read | 1,234 |" in text
    assert "the policy `web-en`, version" in text
    assert "d" * 16 in text
    assert "| train | 1 | 10 | 700 | 4,200 | 1,000 | 2,000 |" in text
    assert "Tokens are an estimate, bytes / 4.2" in text
    assert "no validation split" not in text


def test_every_reason_has_its_name_and_its_meaning():
    policy = shipped_policy("web-en")
    rules = {rule.reason: rule.meaning for rule in policy.rules}
    stages = {name: reason.meaning for name, reason in REASONS.items()}
    dropped = rules | RESERVED_MEANINGS
    reasons = {f"dropped/{name}": 1 for name in dropped}
    reasons |= {f"{REASONS[name].outcome}/{name}": 1 for name in stages}
    text = card([shard(0, "train")], reasons=reasons)
    found = {row[0]: row[-1] for row in rows_of(text, "Why documents were dropped")}
    assert found == {f"`{name}`": prose(meaning) for name, meaning in dropped.items()}
    found = {row[1]: row[-1] for row in rows_of(text, "Why records became no documents")}
    assert found == {f"`{name}`": prose(meaning) for name, meaning in stages.items()}
    assert "" not in found.values()


def test_what_transforms_changed_is_said_with_their_versions():
    text = card([shard(0, "train")], settings=CuratedSettings(transforms=("c4_lines",)))
    (transform,) = CuratedSettings(transforms=("c4_lines",)).chosen()
    (row,) = rows_of(text, "What was changed in the text")
    assert row[:2] == ["`c4_lines`", str(transform.version)]
    assert row[2].startswith("Keeps the lines that C4 keeps")
    assert "\n| transform | version | meaning |\n" in text


def test_reasons_are_sorted_by_outcome_and_how_many_have_them():
    text = card([shard(0, "train")])
    assert [row[:2] for row in rows_of(text, "Why documents were dropped")] == [
        ["`near_duplicate`", "9"],
        ["`too_few_words`", "7"],
    ]
    assert [row[:3] for row in rows_of(text, "Why records became no documents")] == [
        ["gated", "`http_status`", "1"],
        ["failed", "`malformed_record`", "2"],
    ]
    assert "dropped\n\nNone." in card([], reasons={})


def test_a_rule_that_does_not_say_what_it_means_says_what_it_asks():
    rule = {"reason": "short", "signal": "length.words", "below": 50}
    policy = policy_from_mapping({"name": "mine", "version": 1, "rules": [rule]}, "mine")
    text = card([shard(0, "train")], policy=policy, reasons={"dropped/short": 3})
    [row] = rows_of(text, "Why documents were dropped")
    assert row == ["`short`", "3", "Dropped where `length.words` &lt; 50."]


def test_what_was_not_read_is_said_with_why_and_how_much_it_cost():
    assert "Every input shard was read whole." in card([shard(0, "train")])
    many = [(f"{n:02}.warc", "damaged", "malformed_record: 3 bytes") for n in range(25)]
    text = card(
        [shard(0, "train")],
        inputs=[f"{n:02}.warc" for n in range(30)],
        shortfalls=[*many[:24], ("24.warc", "failed", "OSError: no")],
        lost_records=1200,
    )
    assert "Not read whole: 25 of 30 input shards (24 damaged, 1 failed)." in text
    assert "Damage cost about 1,200 records." in text
    assert len(rows_of(text, "What was not read")) == 20
    assert rows_of(text, "What was not read")[0] == [
        "`00.warc`",
        "damaged",
        "malformed&#95;record: 3 bytes",
    ]
    assert "And 5 more." in text


def test_the_card_does_not_depend_on_order():
    shards = [shard(0, "train"), shard(1, "train"), shard(2, "validation")]
    reasons = {"dropped/a": 1, "dropped/b": 1, "gated/empty": 2, "gated/oversize": 2}
    turned = dict(reversed(reasons.items()))
    assert card(shards, reasons=reasons) == card(shards[::-1], reasons=turned)


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
        reasons={f"{outcome}/{HOSTILE}": 1 for outcome in ("gated", "failed", "dropped")},
        shortfalls=[(HOSTILE, HOSTILE, HOSTILE)],
    )
    head = front_matter(text)
    assert head["license"] == "other"
    assert head["pretty_name"] == HOSTILE
    body = text.split("\n---\n", 1)[1]
    assert "<script" not in body
    assert "](" not in body
    assert "and 10 more" in body
    tables = [part for part in body.split("\n\n") if part.startswith("|")]
    assert len(tables) == 6
    for table in tables:
        assert len({line.count("|") for line in table.splitlines()}) == 1, table


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain words, 1.5 - 2\nlines", "plain words, 1.5 - 2 lines"),
        ('the model says: it\'s "junk" (so?)', 'the model says: it\'s "junk" (so?)'),
        ("a_b *c* `d` [e](f) <g> h|i &amp; $j$", None),
        ("see https://x.example or www.x.example, a@b.example", None),
        ("a\u202egnp.exe\x1b[31m\x00b\ud800c", "a gnp.exe &#91;31m b c"),
        ("", ""),
    ],
)
def test_escape(text, shown):
    escaped = escape(text)
    if shown is None:
        shown = escaped
        assert not set("_*`[]|<>$@") & set(escaped)
        assert "://" not in escaped
        assert "www." not in escaped
        assert "&amp;amp;" in escaped or "&amp;" not in text
    assert escaped == shown
    escaped.encode()


@pytest.mark.parametrize("name", ["link_farm", "a/b c.warc.gz", "s3://b/k?x=1&y=<2>*", "ü"])
def test_a_name_is_shown_as_code(name):
    assert code(name) == f"`{name}`"


@pytest.mark.parametrize("name", ["a`b", "a|b", "a\nb", "a\u202eb", " a", "", "a\ud800"])
def test_a_name_that_code_does_not_hold_is_escaped(name):
    assert code(name) == escape(name)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Above `a_b`, or *c*.", "Above `a_b`, or &#42;c&#42;."),
        ("`a` `b`", "`a` `b`"),
        ("one ` tick", "one &#96; tick"),
        ("`a|b` is <b>", "a&#124;b is &lt;b&gt;"),
        ("", ""),
    ],
)
def test_backticks_of_a_prose_enclose_code(text, shown):
    assert prose(text) == shown


@pytest.mark.parametrize(
    ("rows", "size"),
    [
        (999, "n<1K"),
        (1000, "1K<n<10K"),
        (9_999, "1K<n<10K"),
        (10_000, "10K<n<100K"),
        (10**6, "1M<n<10M"),
        (10**12 - 1, "100B<n<1T"),
        (10**12, "n>1T"),
    ],
)
def test_the_size_is_one_that_hugging_face_knows(rows, size):
    assert front_matter(card([shard(0, "train", rows)]))["size_categories"] == [size]
