"""Signals of sites: against plain Python, whatever the shards, and as a policy sees them."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from itertools import combinations

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from run_wide import Lake, document

from thresher.filters.policy import parse_policy
from thresher.filters.shape import measure_shapes
from thresher.filters.signals import names, signal
from thresher.filters.signals.site import FAMILIES, FIGURES, MEANS
from thresher.manifests.shards import read_table
from thresher.pipeline.judge import KEY
from thresher.pipeline.judge.decide import decide
from thresher.pipeline.judge.thresholds import thresholds
from thresher.pipeline.sites import SiteSettings, merge, parts

WORDS = [a + b + c for a in "bdfgklm" for b in ("a", "ee", "o", "ui") for c in ("n", "rt", "st")]


def prose(rng: random.Random, words: int = 60) -> str:
    return " ".join(rng.choices(WORDS, k=words))


def a_run(seed: int, documents: int = 90) -> list[dict]:
    rng = random.Random(seed)
    template = prose(rng, 30)
    rows = []
    for number in range(documents):
        site = rng.choice(["one.com", "one.com", "two.org", "three.net", None, f"few{number}.de"])
        fixed = site == "two.org" and rng.random() < 0.7
        text = f"{template} {prose(rng, 20)}" if fixed else prose(rng, rng.randrange(0, 80))
        rows.append(
            document(
                f"{number:032x}",
                text,
                site,
                rng.choice(["2024-01-05T10:00:00Z", "2024-02", None, "never"]),
                slop__phrases_per_1000_words=rng.choice([None, 0.0, 0.1, 1 / 3, 1000.0]),
                length__words=rng.randrange(1000),
                copy_of=f"{0:032x}" if rng.random() < 0.2 and number else None,
            )
        )
    return rows


def cut(rows: list[dict], sizes: int) -> dict[str, list[dict]]:
    return {f"s{k}": rows[k::sizes] for k in range(sizes)}


def sampled_ngrams(rows: list[dict]) -> list[set[int]]:
    shapes = measure_shapes(pa.array([row["text"] for row in rows])).to_pylist()
    return [set(shape["ngrams"]) for shape in shapes]


def expected_template(ngrams: list[set[int]]) -> list[float]:
    """Of each page's n-grams, the share in most pages that hold the commonest one."""
    counts = Counter(value for page in ngrams for value in page)
    if not counts:
        return [0.0] * len(ngrams)
    commonest = min(counts, key=lambda value: (-counts[value], value))
    holders = [page for page in ngrams if commonest in page]
    within = Counter(value for page in holders for value in page)
    core = {v for v, n in within.items() if 2 * n > len(holders) and n > 1}
    return [len(page & core) / len(page) if page else 0.0 for page in ngrams]


def test_signals_of_sites_equal_plain_python(tmp_path):
    rows = a_run(1)
    lake = Lake(tmp_path, cut(rows, 3))
    found = lake.rows("site", "collapse")
    pages = defaultdict(list)
    for row in rows:
        pages[row["url_parts"]["registered_domain"]].append(row)
    assert len(pages["two.org"]) >= 8
    for site, mine in pages.items():
        for row in mine:
            values = found[row["id"]]["site"]
            if site is None or len(mine) < 5:
                assert set(values.values()) == {None}
                continue
            slop = [r["slop"]["phrases_per_1000_words"] for r in mine]
            slop = [value for value in slop if value is not None]
            assert values["pages"] == len(mine)
            assert values["slop_phrase_mean"] == pytest.approx(sum(slop) / len(slop), abs=1e-5)
            words = [r["length"]["words"] for r in mine]
            assert values["words_mean"] == pytest.approx(sum(words) / len(words))
            assert values["quality_mean"] is None
            copies = sum(r["copy_of"] is not None and r["copy_of"] != r["id"] for r in mine)
            assert values["near_duplicate_fraction"] == pytest.approx(copies / len(mine))
            ngrams = sampled_ngrams(mine)
            explained = expected_template(ngrams)
            assert values["template_fraction"] == pytest.approx(sum(explained) / len(mine))
            place = mine.index(row)
            own = values["page_template_fraction"]
            assert own == (pytest.approx(explained[place]) if ngrams[place] else None)
            pairs = list(combinations(ngrams, 2))
            total = sum(len(page) for page in ngrams) * (len(mine) - 1)
            shared = 2 * sum(len(a & b) for a, b in pairs) / total
            collapse = found[row["id"]]["collapse"]
            assert collapse["site_shared_ngram_fraction"] == pytest.approx(shared)


def test_a_mean_of_a_few_pages_is_undefined(tmp_path):
    rows = [
        document(f"{k:032x}", f"page {k}", "one.com", None, machine_text__score=score)
        for k, score in enumerate([0.9] * 4 + [None] * 4)
    ]
    rows += [
        document(f"{k + 8:032x}", f"page {k}", "two.org", None, machine_text__score=score)
        for k, score in enumerate([0.5] * 5 + [None] * 3)
    ]
    found = Lake(tmp_path, cut(rows, 2)).rows("site")
    assert found[f"{0:032x}"]["site"]["pages"] == 8
    assert found[f"{0:032x}"]["site"]["machine_text_mean"] is None
    assert found[f"{8:032x}"]["site"]["machine_text_mean"] == 0.5


def test_nothing_depends_on_how_the_run_is_cut_or_on_memory(tmp_path, monkeypatch):
    rows = a_run(2, 150)
    columns = ("site", "collapse")
    one = Lake(tmp_path / "one", {"s": rows}, SiteSettings(sample_documents=16)).rows(*columns)
    monkeypatch.setattr(merge, "_ENTRY_BYTES", 4_000_000)
    monkeypatch.setattr(merge, "_ROW_GROUP_ROWS", 8)
    monkeypatch.setattr(parts, "_SUMS_ROWS", 4)
    settings = SiteSettings(sample_documents=16, memory_mb=64)
    other = Lake(tmp_path / "other", cut(rows[::-1], 7), settings)
    assert len(other.stages[merge.STAGE]) > 3
    for name, row in other.rows(*columns).items():
        assert row["site"] == one[name]["site"]
        for field in ("growth_exponent", "opening_entropy", "ending_entropy", "deviation"):
            key = f"site_{field}"
            assert row["collapse"][key] == one[name]["collapse"][key]


def test_a_sample_bounds_what_a_task_reads(tmp_path):
    rows = a_run(3, 200)
    lake = Lake(tmp_path, cut(rows, 2), SiteSettings(sample_documents=16))
    for manifest in lake.stages[parts.STAGE].values():
        groups = read_table(lake.store, manifest.output(1).path)["group"]
        assert max(Counter(groups.to_pylist()).values()) == 16
    assert all(row["site"]["pages"] in (None, *range(5, 200)) for row in lake.rows("site").values())
    pages = {row["site"]["pages"] for row in lake.rows("site").values()} - {None}
    assert max(pages) > 16  # all are counted


def test_a_run_without_sites_or_documents_has_nulls(tmp_path):
    lake = Lake(tmp_path, {"a": [document("1", "one two", None)], "b": []})
    row = lake.rows("site", "collapse")["1"]
    assert set(row["site"].values()) == set(row["collapse"].values()) == {None}
    switched_off = Lake(tmp_path / "off", {"a": a_run(4)}, SiteSettings(measure=False))
    assert switched_off.shards[0].signals == ()
    assert switched_off.rows("site")[f"{1:032x}"]["site"] is None


def test_a_policy_uses_a_site_like_any_other_signal(tmp_path):
    rng = random.Random(5)
    template = prose(rng, 40)
    good = [
        document(f"g{k}", prose(rng), "good.com", market__ticker_word_fraction=0.0)
        for k in range(9)
    ]
    bad = [
        document(f"b{k}", f"{template} {k}", "bad.com", market__ticker_word_fraction=k / 10)
        for k in range(9)
    ]
    alone = [document("alone", f"{template} 1", "alone.com", market__ticker_word_fraction=1.0)]
    lake = Lake(tmp_path, {"a": good[:5] + bad[:3], "b": good[5:] + bad[3:] + alone})
    policy = parse_policy(
        """
        name = "sites"
        version = 1
        [[rules]]
        reason = "template_site"
        signal = "site.template_fraction"
        above = 0.5
        [[rules]]
        reason = "ticker_site"
        signal = "site.ticker_fraction"
        above = 0.3
        """,
        "test.toml",
    )
    assert thresholds(lake.store, lake.shards, policy, "f").key == KEY
    verdicts = {}
    for number, shard in enumerate(lake.shards):
        manifest = decide(lake.store, shard, number, [], policy, "f")
        for row in read_table(lake.store, manifest.output().path).to_pylist():
            verdicts[row["id"]] = row["reasons"]
    assert {tuple(verdicts[row["id"]]) for row in bad} == {("template_site", "ticker_site")}
    assert {tuple(verdicts[row["id"]]) for row in [*good, *alone]} == {()}


def test_what_feeds_the_signals_exists():
    for mean in MEANS:
        assert signal(mean.source).type in ("double", "int64")
    assert len({figure.name for figure in FIGURES}) == len(FIGURES)
    assert {one.name for family in FAMILIES for one in family.signals} <= set(names())


def test_months_are_groups_too(tmp_path):
    lake = Lake(tmp_path, cut(a_run(6), 2))
    (manifest,) = lake.stages["diversity"].values()
    table = read_table(lake.store, manifest.output().path)
    months = table.filter(pc.equal(table["level"], "month"))
    assert sorted(months["name"].to_pylist()) == ["2024-01", "2024-02"]
