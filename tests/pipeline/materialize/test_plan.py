"""How kept documents are cut into shards and row groups, from counts alone."""

from __future__ import annotations

import itertools

import msgspec
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from thresher.filters.config import canonical_json
from thresher.filters.errors import ConfigError
from thresher.pipeline.materialize import KEY_SPACE, CuratedSettings, validation_low
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
    ("setting", "right", "wrong"),
    [
        ("shard_bytes", (1, 1_000_000_000), (0, 1_000_000_001)),
        ("row_group_rows", (1, 10**9), (0,)),
        ("min_row_groups", (1, 10**9), (0,)),
        ("validation_fraction", (0.0, 0.999), (-0.001, 1.0)),
        ("seed", (0, 2**64 - 1), (-1, 2**64)),
        ("compression_level", (1, 22), (0, 23)),
        ("transforms", ((), ("redact_pii",)), (("clean_line",), ("redact_pii", "redact_pii"))),
    ],
)
def test_settings_are_refused_just_beyond_their_bounds(setting, right, wrong):
    for value in right:
        msgspec.structs.replace(CuratedSettings(), **{setting: value}).check("curated")
    for value in wrong:
        with pytest.raises(ConfigError, match=rf"curated\.{setting}"):
            msgspec.structs.replace(CuratedSettings(), **{setting: value}).check("curated")


def test_an_identity_is_of_the_settings_and_of_the_versions_of_transforms():
    plain = CuratedSettings()
    redacting = CuratedSettings(transforms=("redact_pii",))
    seeded = CuratedSettings(seed=plain.seed + 1)
    assert len({canonical_json(each.identity) for each in (plain, redacting, seeded)}) == 3
    (transform,) = redacting.chosen()
    assert ["redact_pii", transform.version] in redacting.identity[1]


def test_a_histogram_counts_rows_and_bytes_where_they_belong():
    chosen = CuratedSettings(validation_fraction=0.25)
    low = validation_low(chosen)
    assert low == 3 * KEY_SPACE // 4
    width = low // BINS
    keys = [0, width - 1, width, low - 1, low, KEY_SPACE - 1]
    found = histogram(np.array(keys, np.uint64), np.array([1, 2, 4, 8, 16, 32]), chosen)
    rows, sizes = [0] * (BINS + 1), [0] * (BINS + 1)
    rows[0], rows[1], rows[BINS - 1], rows[BINS] = 2, 1, 1, 2
    sizes[0], sizes[1], sizes[BINS - 1], sizes[BINS] = 3, 4, 8, 48
    assert (found.rows, found.bytes) == (rows, sizes)
    whole = CuratedSettings(validation_fraction=0.0)
    assert validation_low(whole) == KEY_SPACE
    last = histogram(np.array([KEY_SPACE - 1], np.uint64), np.array([5]), whole)
    assert (last.rows[BINS - 1], last.rows[BINS]) == (1, 0)
    twice = add([found, found])
    assert (twice.rows[0], twice.bytes[BINS]) == (4, 96)


@pytest.mark.parametrize(("target", "shards"), [(20, 5), (40, 2), (41, 2), (66, 2), (67, 1)])
def test_the_number_of_shards_is_the_nearest_to_the_target(target, shards):
    rows = [1 if n < 100 else 0 for n in range(BINS + 1)]
    plan = plan_shards([Histogram(rows, rows)], CuratedSettings(shard_bytes=target))
    assert len(plan) == shards
    low = validation_low(CuratedSettings())
    bins = [-(-100 * n // shards) for n in range(shards)]  # a cell goes where its middle falls
    assert [r.low for r in plan] == [low * n // BINS for n in bins]
    assert plan[-1].high == low - 1
