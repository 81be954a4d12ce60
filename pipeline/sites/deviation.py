"""Stage `diversity`: how the figures of sites, shards and months spread; which fall far below.

A figure is held against the median of its level, in units of the median absolute deviation, which
a few collapsed groups cannot move. `FIGURES` says for each figure the least spread that is
believed, and how much one document can change it, which small groups are forgiven.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from thresher.filters.signals.site import FIGURES, LEVELS
from thresher.manifests.manifest import Manifest, commit
from thresher.manifests.shards import ShardWriter, read_table
from thresher.manifests.store import Store
from thresher.pipeline.sites import SiteSettings

STAGE = "diversity"
VERSION = 2
KEY = "all"

DIVERSITY = pa.schema(
    [
        ("level", pa.string()),
        ("name", pa.string()),
        ("pages", pa.int64()),
        *((figure.name, pa.float64()) for figure in FIGURES),
        ("deviation", pa.float64()),
        ("figure", pa.string()),
        ("flagged", pa.bool_()),
    ]
)
"""`figure` names the one that deviates most, by `deviation`. All shards and months are in it, of
the sites those that deviate most and the largest."""

_MOST_SITES = 1_000
_SITES_COMPARED = 1 << 18
_FEWEST = 3
_SIGMA = 1.4826
"""Standard deviation of a normal distribution by its median absolute deviation."""

Spread = Mapping[str, Mapping[str, tuple[float, float] | None]]
"""By level and figure: median and median absolute deviation, None of too few groups."""

F64 = npt.NDArray[np.float64]


def diversity(
    store: Store, group_paths: Sequence[str], settings: SiteSettings, fingerprint: str
) -> Manifest:
    """Find the spread of every figure, and write the table of the groups.

    Args:
        store: the lake.
        group_paths: files of groups, in the order of their ranges.
        settings: below which deviation a group is flagged.
        fingerprint: of this stage.
    """
    began = time.perf_counter()
    spread = {level: _spread(store, group_paths, level) for level in LEVELS}
    table = _shown(store, group_paths, spread, settings)
    with ShardWriter(store, f"{STAGE}/{fingerprint}/{KEY}.parquet", DIVERSITY) as writer:
        writer.write(table)
    flagged = table.filter(table["flagged"])["level"].to_pylist()
    return commit(
        store,
        Manifest(
            stage=STAGE,
            fingerprint=fingerprint,
            key=KEY,
            inputs=list(group_paths),
            outputs=[writer.output],
            facts={
                "spread": spread,
                "flagged": {level: flagged.count(level) for level in LEVELS},
            },
            seconds=time.perf_counter() - began,
        ),
    )


def deviations(groups: pa.Table, spread: Spread, level: str) -> tuple[pa.Array, pa.Array]:
    """How far the least diverse figure of each group lies below the median, and which it is.

    Args:
        groups: columns `pages` and the figures, of one level.
        spread: facts of this stage.
        level: of the groups.

    Returns:
        Deviations, at most 0, NULL where the run has too few groups; names, NULL for 0.
    """
    pages = groups["pages"].to_numpy().astype(float)
    lowest = np.zeros(groups.num_rows)
    which = np.full(groups.num_rows, -1)
    known = np.zeros(groups.num_rows, bool)
    for place, figure in enumerate(FIGURES):
        found = spread[level][figure.name]
        if found is None:
            continue
        median, absolute = found
        values = _numbers(groups[figure.name])
        grain = figure.grain / np.maximum(pages, 1) ** (2 if figure.of_pairs else 1)
        scale = np.sqrt((_SIGMA * absolute) ** 2 + figure.floor**2 + grain**2)
        score = (values - median) / scale * (1 if figure.falls else -1)
        known |= ~np.isnan(score)
        less = score < lowest
        lowest[less], which[less] = score[less], place
    names = np.array([figure.name for figure in FIGURES])[which]
    return pa.array(lowest, mask=~known), pa.array(names, pa.string(), mask=which < 0)


def _spread(
    store: Store, paths: Sequence[str], level: str
) -> dict[str, tuple[float, float] | None]:
    """Median and median absolute deviation of each figure; of sites over those first by hash."""
    parts = [np.empty((0, len(FIGURES)))]
    room = _SITES_COMPARED
    for groups in _of_level(store, paths, level):
        if level == "site":
            groups = groups.slice(0, room)
            room -= groups.num_rows
        parts.append(np.stack([_numbers(groups[figure.name]) for figure in FIGURES], axis=1))
    values = np.concatenate(parts)
    return {figure.name: robust(values[:, k]) for k, figure in enumerate(FIGURES)}


def robust(values: F64) -> tuple[float, float] | None:
    """Median and median absolute deviation of what is defined, None of too few values."""
    values = values[~np.isnan(values)]
    if len(values) < _FEWEST:
        return None
    median = float(np.median(values))
    return median, float(np.median(np.abs(values - median)))


def _of_level(store: Store, paths: Sequence[str], level: str) -> Iterator[pa.Table]:
    columns = ["level", "name", "pages", *(figure.name for figure in FIGURES)]
    for path in paths:
        table = read_table(store, path, columns)
        yield table.filter(pc.equal(table["level"], level))


def _shown(store: Store, paths: Sequence[str], spread: Spread, settings: SiteSettings) -> pa.Table:
    """The table of all shards and months, and of the sites worth a look."""
    found = [DIVERSITY.empty_table()]
    for level in LEVELS:
        rows = DIVERSITY.empty_table()
        for groups in _of_level(store, paths, level):
            deviation, figure = deviations(groups, spread, level)
            flagged = pc.fill_null(pc.less(deviation, settings.flag_below), False)
            more = pa.table([*groups.columns, deviation, figure, flagged], schema=DIVERSITY)
            rows = pa.concat_tables([rows, more])
            if level == "site":
                rows = _noteworthy(rows)
        found.append(rows.sort_by([("deviation", "ascending"), ("name", "ascending")]))
    return pa.concat_tables(found)


def _noteworthy(sites: pa.Table) -> pa.Table:
    """The sites that deviate most, and the largest."""
    if sites.num_rows <= _MOST_SITES:
        return sites
    by_deviation = pc.sort_indices(sites, [("deviation", "ascending"), ("name", "ascending")])
    by_pages = pc.sort_indices(sites, [("pages", "descending"), ("name", "ascending")])
    first = [rank.slice(0, _MOST_SITES) for rank in (by_deviation, by_pages)]
    return sites.take(pc.unique(pa.concat_arrays(first)))


def _numbers(column: pa.ChunkedArray) -> F64:
    numbers: F64 = pc.fill_null(column, float("nan")).to_numpy()
    return numbers
