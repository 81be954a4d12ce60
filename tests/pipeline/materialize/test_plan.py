"""How kept documents are cut into shards and row groups, from counts alone."""

from __future__ import annotations

import itertools

import msgspec
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from thresher.filters.errors import ConfigError
from thresher.pipeline.materialize import KEY_SPACE, CuratedSettings
from thresher.pipeline.materialize.curated import group_sizes
from thresher.pipeline.materialize.parts import in_order
from thresher.pipeline.materialize.plan import BINS, Histogram, add, histogram, plan_shards


@given(rows=st.integers(1, 5000), full=st.integers(1, 1500), least=st.integers(1, 20))
def test_row_groups_as_promised(rows, full, least):
    sizes = group_sizes(rows, CuratedSettings(row_group_rows=full, min_row_groups=least))
    assert sum(sizes) == rows
    assert min(sizes) >= 1
    assert max(sizes) <= full
    assert len(sizes) >= min(least, rows)
    if rows >= full * least:
        assert set(sizes[:-1]) <= {full}


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    rows=st.integers(0, 400),
    target=st.integers(1, 200_000),
    fraction=st.sampled_from([0.0, 0.01, 0.1, 0.5, 0.999]),
)
def test_a_plan_covers_every_document_once_and_no_range_is_empty(seed, rows, target, fraction):
    rng = np.random.default_rng(seed)
    keys = rng.integers(0, KEY_SPACE, rows, np.uint64)
    sizes = rng.integers(1, 5000, rows)
    chosen = CuratedSettings(shard_bytes=target, validation_fraction=fraction)
    cut = rows // 3
    halves = [
        histogram(keys[:cut], sizes[:cut], chosen),
        histogram(keys[cut:], sizes[cut:], chosen),
    ]
    plan = plan_shards(halves, chosen)
    assert plan == plan_shards(halves[::-1], chosen)
    found = [int(((keys >= np.uint64(r.low)) & (keys <= np.uint64(r.high))).sum()) for r in plan]
    assert sum(found) == rows
    assert all(found)
    assert [r.split for r in plan].count("validation") <= 1
    train = [r for r in plan if r.split == "train"]
    assert all(a.high + 1 == b.low for a, b in itertools.pairwise(train))


def test_a_crowded_bin_is_cut_inside():
    summed = add([])
    rows, size = list(summed.rows), list(summed.bytes)
    for i in range(BINS):
        rows[i], size[i] = 10_000, 50_000_000
    plan = plan_shards([Histogram(rows, size)], CuratedSettings(shard_bytes=20_000_000))
    assert len(plan) == BINS * 50_000_000 // 20_000_000
    widths = np.array([float(r.high - r.low) for r in plan])
    assert widths.max() / widths.min() < 1.3


def test_ties_are_broken_by_id_and_provenance():
    rows = [
        {"text": "t", "id": i, "source": s, "url": u, "key": 5, "token_estimate": 1}
        | {"duplicates": 1, "language": None, "language_score": None, "quality_score": None}
        for i, s, u in (("b", "x", None), ("a", "y", "u"), ("a", "x", "v"), ("a", "x", "u"))
    ]
    tables = [pa.Table.from_pylist(order) for order in (rows, rows[::-1])]
    assert in_order(tables[0]).select(["id", "source", "url"]) == in_order(tables[1]).select(
        ["id", "source", "url"]
    )


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("shard_bytes", 0),
        ("row_group_rows", 0),
        ("min_row_groups", 0),
        ("validation_fraction", 1.0),
        ("seed", -1),
        ("compression_level", 30),
        ("transforms", ("clean_line",)),
    ],
)
def test_settings_that_make_no_sense_are_refused(setting, value):
    wrong = msgspec.structs.replace(CuratedSettings(), **{setting: value})
    with pytest.raises(ConfigError, match=rf"curated\.{setting}"):
        wrong.check("curated")
