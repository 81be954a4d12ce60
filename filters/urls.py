"""The family `url_parts`: what a URL says by itself.

Arrow's own kernels count; tldextract, with the list of suffixes that comes inside it and so
without network, is asked once for each different host of a batch.
"""

from __future__ import annotations

import functools

import pyarrow as pa
import pyarrow.compute as pc
import tldextract

from thresher.filters.signals import family_type

_PARTS = (
    r"^(?:[A-Za-z][A-Za-z0-9+.-]*:)?(?://(?:[^/?#@]*@)?"
    r"(?P<host>\[[^\]/?#]*\]|[^:/?#]*)[^/?#]*)?(?P<path>[^?#]*)(?:\?(?P<query>[^#]*))?"
)


def measure_urls(urls: pa.Array) -> pa.StructArray:
    """The signals of `url_parts` for each URL.

    Args:
        urls: string; NULL where there is none, and then every signal is NULL.

    Raises:
        TypeError: if `urls` is not of strings.
    """
    if not (pa.types.is_string(urls.type) or pa.types.is_large_string(urls.type)):
        raise TypeError(f"urls must be string or large_string, not {urls.type}")
    parts = pc.extract_regex(urls, pattern=_PARTS)
    path = pc.struct_field(parts, "path")
    columns = {
        "characters": pc.utf8_length(urls),
        "path_depth": pc.count_substring_regex(path, pattern="[^/]+"),
        "query_characters": pc.utf8_length(pc.struct_field(parts, "query")),
        "digits": pc.count_substring_regex(urls, pattern="[0-9]"),
        **_domains(pc.struct_field(parts, "host")),
    }
    kind = family_type("url_parts")
    arrays = [columns[field.name].cast(field.type) for field in kind]
    return pa.StructArray.from_arrays(arrays, fields=list(kind))


def _domains(hosts: pa.Array) -> dict[str, pa.Array]:
    """The public suffix and the registered domain of each host, NULL where there is none."""
    encoded = pc.dictionary_encode(pc.utf8_lower(hosts))
    found = [_split(host) for host in encoded.dictionary.to_pylist()]
    return {
        name: pa.array([pair[k] or None for pair in found], pa.string()).take(encoded.indices)
        for k, name in enumerate(("top_level_domain", "registered_domain"))
    }


@functools.lru_cache(maxsize=65536)
def _split(host: str) -> tuple[str, str]:
    split = _extractor()(host)
    return split.suffix, split.top_domain_under_public_suffix


@functools.cache
def _extractor() -> tldextract.TLDExtract:
    return tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None)
