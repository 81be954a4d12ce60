"""Stage `site_signals`: the families `site` and `collapse` of one shard's documents."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from thresher.filters import shape
from thresher.filters.signals import family_type
from thresher.filters.signals.site import COLLAPSE, FAMILIES, FIGURES, MEANS, OF_SITE, SITE
from thresher.manifests.manifest import Manifest, commit
from thresher.manifests.shards import ShardWriter
from thresher.manifests.store import Store
from thresher.pipeline.measured import files_of, read_measured
from thresher.pipeline.shards import ShardRef
from thresher.pipeline.sites.deviation import Spread, deviations
from thresher.pipeline.sites.merge import rows_of_shard
from thresher.pipeline.sites.parts import group_hashes, site_names

_COLUMNS = ("url_parts.registered_domain", shape.COLUMN)

STAGE = "site_signals"
VERSION = 3

SCHEMA = pa.schema([pa.field(each.name, family_type(each.name)) for each in FAMILIES])

_ROW_GROUP_ROWS = 16_384


def site_signals(
    store: Store,
    shard: ShardRef,
    number: int,
    spread_paths: Sequence[str],
    spread: Spread,
    fingerprint: str,
) -> Manifest:
    """Write what is known of the site of each document of a shard, and of the shard.

    Args:
        store: the lake.
        shard: the measured shard.
        number: its place among the shards of the run.
        spread_paths: second outputs of stage `sites`.
        spread: facts of stage `diversity`.
        fingerprint: of this stage.
    """
    began = time.perf_counter()
    table = read_measured(store, shard, _COLUMNS)
    groups = rows_of_shard(store, spread_paths, number)
    sites = groups.filter(pc.equal(groups["level"], "site")).combine_chunks()
    own = groups.filter(pc.equal(groups["level"], "shard"))
    names = site_names(table)
    hashes = pa.array(group_hashes("site", pc.fill_null(names, "")))
    found = pc.index_in(hashes, value_set=sites["group"].combine_chunks())
    place = pc.if_else(names.is_valid().combine_chunks(), found, None)
    written = pa.table(
        [
            _site(sites, place, table[shape.COLUMN]),
            _collapse(sites, place, own, spread),
        ],
        schema=SCHEMA,
    )
    path = f"{STAGE}/{fingerprint}/{shard.key}.parquet"
    with ShardWriter(store, path, SCHEMA) as writer:
        writer.write(written, _ROW_GROUP_ROWS)
    return commit(
        store,
        Manifest(
            stage=STAGE,
            fingerprint=fingerprint,
            key=shard.key,
            inputs=[*files_of(shard, _COLUMNS), *spread_paths],
            outputs=[writer.output],
            seconds=time.perf_counter() - began,
        ),
    )


def _site(sites: pa.Table, place: pa.Array, shapes: pa.ChunkedArray) -> pa.StructArray:
    names = ["pages", *(mean.name for mean in MEANS)]
    names += [figure.name for figure in FIGURES if figure.name in OF_SITE]
    columns = {name: sites[name].take(place) for name in names}
    columns["page_template_fraction"] = _page_template(sites["template"], place, shapes)
    return _struct(SITE.name, columns)


def _collapse(sites: pa.Table, place: pa.Array, shard: pa.Table, spread: Spread) -> pa.StructArray:
    """Figures of the site and, the same for all documents, of the shard."""
    everywhere = pa.array(np.zeros(len(place), np.int64), mask=np.full(len(place), not shard))
    columns: dict[str, pa.Array] = {}
    for level, groups, rows in (("site", sites, place), ("shard", shard, everywhere)):
        for figure in FIGURES:
            columns[f"{level}_{figure.name}"] = groups[figure.name].take(rows)
        deviation, name = deviations(groups, spread, level)
        columns[f"{level}_deviation"] = deviation.take(rows)
        columns[f"{level}_figure"] = name.take(rows)
    return _struct(COLLAPSE.name, columns)


def _struct(name: str, columns: Mapping[str, pa.Array | pa.ChunkedArray]) -> pa.StructArray:
    kind = family_type(name)
    arrays = [pa.concat_arrays([*_chunks(columns[f.name]), pa.array([], f.type)]) for f in kind]
    return pa.StructArray.from_arrays(arrays, fields=list(kind))


def _chunks(column: pa.Array | pa.ChunkedArray) -> list[pa.Array]:
    return column.chunks if isinstance(column, pa.ChunkedArray) else [column]


def _page_template(
    templates: pa.ChunkedArray, place: pa.Array, shapes: pa.ChunkedArray
) -> pa.Array:
    """Of each document's word triples, the part that is in its site's template."""
    ngrams = pc.struct_field(pa.concat_arrays([*shapes.chunks, pa.array([], shape.TYPE)]), "ngrams")
    site = pc.fill_null(place, -1).to_numpy(zero_copy_only=False).astype(np.int64)
    document = pc.list_parent_indices(ngrams).to_numpy().astype(np.int64)
    owner = pc.list_parent_indices(templates).to_numpy().astype(np.uint64)
    known = owner << np.uint64(32) | pc.list_flatten(templates).to_numpy()
    mine = site[document].astype(np.uint64) << np.uint64(32) | ngrams.flatten().to_numpy()
    explained = np.bincount(document[np.isin(mine, known)], minlength=len(site))
    total = np.bincount(document, minlength=len(site))
    return pa.array(explained / np.maximum(total, 1), mask=(total == 0) | (site < 0))
