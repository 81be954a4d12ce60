"""Collapse: figures against plain Python, and the proof that growing shares of it are flagged."""

from __future__ import annotations

import gzip
import json
import math
import random
from collections import Counter
from itertools import combinations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from run_wide import Lake, document

from thresher.filters.shape import TYPE
from thresher.filters.signals.site import FIGURES
from thresher.jobs.sample.page import text_of
from thresher.jobs.sample.pages import ARTICLES
from thresher.manifests.shards import read_table
from thresher.pipeline.sites import SiteSettings
from thresher.pipeline.sites.deviation import deviations
from thresher.pipeline.sites.figures import FEW, MANY, figures, read_shapes

SHARES = (0.25, 0.5, 0.75, 1.0)
DOCUMENTS = 80
_KINDS = [name for _, name, _ in ARTICLES]


def articles(seed: str, count: int) -> list[str]:
    rng = random.Random(seed)
    return [text_of(rng.choice(_KINDS), seed, index=k).body for k in range(count)]


def slop(seed: str, count: int) -> list[str]:
    return [text_of("slop", seed, index=k).body for k in range(count)]


def of_one_template(seed: str, count: int) -> list[str]:
    """Pages of a directory: fixed sentences with a few words of their own."""
    rng = random.Random(seed)
    own = [text_of("essay", seed, index=k).body.split() for k in range(count)]
    return [
        f"Looking for {' '.join(words[:3])} near you? Our list of trusted local experts in "
        f"{words[5]} has {rng.randrange(99)} entries with reviews and prices. Compare offers "
        f"today, save time and money, and book online in under a minute. {' '.join(words[6:20])}. "
        "Call us now or fill in the form below, and one of our friendly advisers will be in touch."
        for words in own
    ]


def measured(folder, groups: dict[str, list[str]], level: str) -> tuple[dict, Lake]:
    """The deviation of each group, which is a shard or a site."""
    if level == "shard":
        rows = {
            k: [document(f"{k}-{i}", t, None) for i, t in enumerate(v)] for k, v in groups.items()
        }
    else:
        every = [
            document(f"{k}-{i}", t, f"{k}.com") for k, v in groups.items() for i, t in enumerate(v)
        ]
        rows = {"one": every[::2], "two": every[1::2]}
    lake = Lake(folder, rows)
    found = lake.rows("collapse")
    return {k: found[f"{k}-0"]["collapse"][f"{level}_deviation"] for k in groups}, lake


@pytest.mark.parametrize("level", ["shard", "site"])
@pytest.mark.parametrize("collapsed", [slop, of_one_template])
def test_growing_shares_are_flagged_in_order_and_unmixed_ones_not(tmp_path, collapsed, level):
    clean = {f"clean{k}": articles(f"c{k}", DOCUMENTS) for k in range(9)}
    mixed = {}
    for share in SHARES:
        count = int(DOCUMENTS * share)
        texts = collapsed(f"m{share}", count) + articles(f"a{share}", DOCUMENTS - count)
        mixed[f"mixed{share:.2f}".replace(".", "-")] = texts
    found, lake = measured(tmp_path, clean | mixed, level)
    limit = SiteSettings().flag_below
    assert min(found[name] for name in clean) > limit
    order = [found[name] for name in mixed]
    assert order == sorted(order, reverse=True)
    assert max(order[1:]) < limit
    (manifest,) = lake.stages["diversity"].values()
    table = read_table(lake.store, manifest.output().path)
    mine = table.filter(pc.equal(table["level"], level))
    flagged = {
        name.removesuffix(".com") for name in mine.filter(mine["flagged"])["name"].to_pylist()
    }
    assert set(list(mixed)[1:]) <= flagged <= set(mixed)
    assert manifest.facts["flagged"][level] == len(flagged)


@pytest.mark.slow
def test_shards_of_real_machine_text_are_flagged_and_other_human_text_is_not(tmp_path, real_data):
    def read(name: str) -> list[dict]:
        with gzip.open(real_data / name, "rt") as file:
            return [json.loads(line) for line in file]

    rng = random.Random(5)
    web = [row["text"] for row in read("text/weborganizer.jsonl.gz")]
    rng.shuffle(web)
    rows = read("slop/detectrl.jsonl.gz")
    human = [row["text"] for row in rows if row["label"] == "human"]
    machine = [row["text"] for row in rows if row["label"] != "human" and row["model"]]
    groups = {f"clean{k}": web[200 * k : 200 * k + 200] for k in range(16)}
    groups["human"] = rng.sample(human, 200)
    drawn = rng.sample(machine, 200)
    for percent in (50, 75, 100):  # more and more of the web text is replaced
        groups[f"mixed{percent}"] = drawn[: 2 * percent] + web[4000 + 2 * percent : 4200]
    found, _ = measured(tmp_path, groups, "shard")
    limit = SiteSettings().flag_below
    mixed = [found.pop(f"mixed{percent}") for percent in (50, 75, 100)]
    assert min(found.values()) > limit
    assert limit > mixed[0] > mixed[1] > mixed[2]


def test_a_small_site_is_not_flagged_for_being_small(tmp_path):
    groups = {f"large{k}": articles(f"l{k}", 60) for k in range(6)}
    groups |= {f"small{k}": articles(f"s{k}", 9) for k in range(6)}
    found, _ = measured(tmp_path, groups, "site")
    assert min(found.values()) > SiteSettings().flag_below


def test_two_groups_say_nothing_about_each_other(tmp_path):
    groups = {"a": articles("a", 20), "b": slop("b", 20)}
    found, _ = measured(tmp_path, groups, "site")
    assert found == {"a": None, "b": None}


def test_deviations_are_robust_and_forgive_what_one_document_can_do():
    spread = {"site": {figure.name: None for figure in FIGURES}}
    spread["site"]["opening_entropy"] = (0.9, 0.01)
    groups = pa.table(
        {
            "pages": [10_000, 10, 10_000, 10],
            **{figure.name: pa.nulls(4, pa.float64()) for figure in FIGURES},
        }
    )
    place = groups.column_names.index("opening_entropy")
    values = pa.array([0.8, 0.8, 0.95, None])
    groups = groups.set_column(place, "opening_entropy", values)
    deviation, name = (column.to_pylist() for column in deviations(groups, spread, "site"))
    assert deviation[0] == pytest.approx(-0.1 / math.hypot(0.014826, 0.001))
    assert deviation[0] < deviation[1] < 0
    assert deviation[2:] == [0.0, None]
    assert name == ["opening_entropy", "opening_entropy", None, None]


shape_values = st.sets(st.integers(0, 12), max_size=6).map(sorted)
shapes = st.fixed_dictionaries(
    {
        "tokens": st.just(9),
        "opening": st.one_of(st.none(), st.integers(0, 3)),
        "ending": st.integers(0, 3),
        "words": shape_values,
        "ngrams": shape_values,
    }
)


def growth(pages: list[set[int]]) -> float:
    expected = []
    for drawn in (FEW, MANY):
        draws = list(combinations(pages, drawn))
        expected.append(sum(len(set().union(*draw)) for draw in draws) / len(draws))
    return math.log2(expected[1] / expected[0]) / math.log2(MANY / FEW)


def shared(pages: list[set[int]]) -> float:
    total = sum(map(len, pages)) * (len(pages) - 1)
    return sum(2 * len(a & b) for a, b in combinations(pages, 2)) / total


def entropy(values: list[int]) -> float:
    """Of MANY of the values, on average, by the most that it can be."""
    draws = list(combinations(values, MANY))
    bits = 0.0
    for draw in draws:
        bits -= sum(n / MANY * math.log2(n / MANY) for n in Counter(draw).values())
    return bits / len(draws) / math.log2(MANY)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(shapes, min_size=1, max_size=10), min_size=1, max_size=3))
def test_figures_equal_plain_python(groups):
    flat = [shape for group in groups for shape in group]
    owner = np.repeat(np.arange(len(groups)), [len(group) for group in groups])
    found, _ = figures(read_shapes(pa.array(flat, TYPE)), owner, len(groups))
    for place, group in enumerate(groups):
        words = [set(shape["words"]) for shape in group]
        ngrams = [set(shape["ngrams"]) for shape in group]
        openings = [shape["opening"] for shape in group if shape["opening"] is not None]
        expected = {
            "growth_exponent": growth(words) if len(group) >= MANY and any(words) else None,
            "shared_ngram_fraction": shared(ngrams) if len(group) > 1 and any(ngrams) else None,
            "opening_entropy": entropy(openings) if len(openings) >= MANY else None,
        }
        for name, value in expected.items():
            mine = found[name][place]
            assert math.isnan(mine) if value is None else mine == pytest.approx(value, abs=1e-9)


@pytest.mark.parametrize(
    ("texts", "figure", "value"),
    [
        (["a b c d e f g h"] * 9, "growth_exponent", 0.0),
        (["a b c d e f g h"] * 9, "opening_entropy", 0.0),
        (["a b c d e f g h i j k l m n o p"] * 9, "template_fraction", 1.0),
        ([f"{w} opens {w} unlike others" for w in "abcdefghi"], "opening_entropy", 1.0),
    ],
)
def test_extremes(tmp_path, texts, figure, value):
    lake = Lake(tmp_path, {"s": [document(str(k), text, None) for k, text in enumerate(texts)]})
    found = lake.rows("collapse")["0"]["collapse"]
    assert found[f"shard_{figure}"] == pytest.approx(value)
