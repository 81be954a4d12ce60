"""The cut of a share against sorting, and with hardly any memory."""

from __future__ import annotations

import math
import random

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from thresher.manifests.store import Store
from thresher.pipeline.judge import top
from thresher.pipeline.judge.top import Cut, cuts
from thresher.pipeline.measured import Columns, columns_of
from thresher.pipeline.shards import ShardRef

ROW = st.tuples(
    st.text("0123456789abcdef", min_size=1, max_size=6),
    st.sampled_from([None, -0.0, 0.0, 0.5, 1.0]) | st.floats(allow_nan=False, width=32),
    st.sampled_from([None, "en", "de"]),
)


def written(folder, rows, whole=False) -> Columns:
    store = Store(str(folder))
    shards = []
    for part in range(2):
        mine = rows[part::2]
        field, kind = ("words", pa.int64()) if whole else ("score", pa.float64())
        signal = pa.array([{field: value} for _, value, _ in mine], pa.struct([(field, kind)]))
        table = pa.table(
            {
                "id": pa.array([name for name, _, _ in mine], pa.string()),
                "length" if whole else "quality": signal,
                "language": pa.array(
                    [{"code": code} for _, _, code in mine], pa.struct([("code", pa.string())])
                ),
            }
        )
        path = f"part{part}.parquet"
        with store.writer(path) as file:
            pq.write_table(table, file)
        shards.append(ShardRef(str(part), path))
    return columns_of(store, shards)


def sorted_cut(rows, share):
    rows = sorted((-value, name) for name, value, _ in rows if value is not None)
    if not rows:
        return None
    value, name = rows[math.ceil(len(rows) * share) - 1]
    return Cut(-value + 0.0, name)


@pytest.mark.parametrize("held", [1, 4, 1 << 20])
@settings(deadline=None, max_examples=40)
@given(rows=st.lists(ROW, max_size=40), share=st.sampled_from([0.01, 0.1, 0.5, 0.99]))
def test_as_sorting_says(tmp_path_factory, held, rows, share):
    read = written(tmp_path_factory.mktemp("run"), rows)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(top, "HELD", held)
        whole = sorted_cut(rows, share)
        assert cuts(read, "quality.score", share, False) == ({"": whole} if whole else {})
        expected = {}
        for code in (None, "de", "en"):
            found = sorted_cut([row for row in rows if row[2] == code], share)
            if found:
                expected[code or ""] = found
        assert cuts(read, "quality.score", share, True) == expected


def test_whole_numbers_of_any_size(tmp_path):
    values = [2**63 - 1, -(2**63), 0, 5, 5, None]
    rows = [(f"{i}", value, "en") for i, value in enumerate(values)]
    read = written(tmp_path, rows, whole=True)
    assert cuts(read, "length.words", 0.5, False) == {"": Cut(5, "4")}
    assert cuts(read, "length.words", 0.01, False) == {"": Cut(2**63 - 1, "0")}


@pytest.mark.parametrize("held", [16, 1 << 20])
def test_one_tenth_of_many_ties_is_one_tenth(tmp_path, monkeypatch, held):
    monkeypatch.setattr(top, "HELD", held)
    draw = random.Random(1)
    rows = [(f"{draw.getrandbits(128):032x}", draw.choice([0.1, 0.2]), "en") for _ in range(5000)]
    read = written(tmp_path, rows)
    (cut,) = cuts(read, "quality.score", 0.1, False).values()
    kept = [v > cut.value or (v == cut.value and name <= cut.id) for name, v, _ in rows]
    assert sum(kept) == 500
