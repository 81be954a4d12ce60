"""Lines that many documents have in common, against a count by hand."""

from __future__ import annotations

import random
import re
from collections import defaultdict

import msgspec
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference_fold import fold

from thresher.filters.errors import ConfigError
from thresher.filters.measure import keyed_hash
from thresher.filters.transforms.cuts import drop_lines, without
from thresher.jobs.stages.lines import with_line_signals
from thresher.manifests.shards import ShardWriter, read_table
from thresher.manifests.store import Store
from thresher.pipeline.repeated_lines import NUMBERS, LinesSettings
from thresher.pipeline.repeated_lines.lines import split
from thresher.pipeline.shards import ShardRef

DOCUMENTS = pa.schema(
    [
        ("id", pa.string()),
        ("text", pa.string()),
        ("url_parts", pa.struct([("registered_domain", pa.string())])),
    ]
)
COPIES = pa.schema([("row", pa.int64()), ("cluster_id", pa.string())])


def normal(line: str) -> str | None:
    """What two lines that are the same have in common; None without a letter."""
    if not any(c.isalpha() for c in line):
        return None
    marked = []
    for place, character in enumerate(line):
        inner = character in ".," and line[place + 1 : place + 2] in tuple("0123456789")
        marked.append("\0" if inner else "0" if character.isdecimal() else fold(character))
    text = re.sub("0(?:0|\0)*", "0", "".join(marked)).replace("\0", " ")
    return " ".join(part for part in text.split(" ") if part)


pieces = st.sampled_from(
    ["Home", "home", " ", "  ", "\t", "é", "e", "É", "12", "1,234", "3.5", ".", ",", "|", "日本",
     "\u0301", "٣", "\x1c", "\u2028", "ß", "İ", "한", "x", "-"]
)  # fmt: skip
line_texts = st.lists(pieces, max_size=8).map("".join) | st.text(
    st.characters(exclude_characters="\n", exclude_categories=["Cs"]), max_size=8
)


@settings(max_examples=300, deadline=None)
@given(st.lists(line_texts, min_size=1, max_size=12))
def test_lines_are_the_same_if_their_normal_form_is(lines):
    found = split(pa.array(["\n".join(lines), ""]))
    assert found.rows.tolist() == [0] * len(lines) + [1]
    assert found.characters.tolist() == [*map(len, lines), 0]
    assert found.words.tolist() == [*(len(line.split()) for line in lines), 0]
    forms = [normal(line) for line in lines]
    assert found.counted.tolist() == [form is not None for form in forms] + [False]
    by_form, by_hash = defaultdict(set), defaultdict(set)
    for form, value in zip(forms, found.hashes.tolist(), strict=False):
        if form is not None:
            by_form[form].add(value)
            by_hash[value].add(form)
    assert all(len(values) == 1 for values in by_form.values())
    assert all(len(values) == 1 for values in by_hash.values())


def make_documents(rng: random.Random, count: int) -> list[dict]:
    """Pages of a few sites: headers, footers, lines of the whole web, lines of their own."""
    sites = {"a.com": 0.6, "b.org": 0.3, "few.net": 0.05, None: 0.05}
    menu = {site: [f"{site} menu {word}" for word in ("home", "Contact", "2")] for site in sites}
    pages = []
    for number in range(count):
        site = rng.choices(list(sites), sites.values())[0]
        body = [f"Own line {rng.random():.9f}x{chr(97 + number % 26)}{number:b}".replace("0", "o")]
        body += [rng.choice(["We use cookies.", "", "12 | 13", "Share THIS"]) for _ in range(3)]
        rng.shuffle(body)
        head = rng.sample(menu[site], rng.randrange(4))
        pages.append(
            {
                "id": f"{rng.getrandbits(128):032x}",
                "text": "\n".join([*head, *body, *(["© 2024 " + str(site)] * rng.randrange(2))]),
                "url_parts": {"registered_domain": site},
            }
        )
    return pages


def by_hand(pages: list[dict], names: list[str], chosen: LinesSettings) -> list[dict]:
    """The signals and the removable lines of each page, counted in dictionaries."""
    buckets = chosen.buckets(len(pages))
    bucket = keyed_hash(pa.array(names), 17).to_numpy() % np.uint64(buckets)
    in_run, in_site, totals = defaultdict(set), defaultdict(set), defaultdict(set)
    for place, (page, name) in enumerate(zip(pages, names, strict=True)):
        if page["id"] != name:
            continue
        site = page["url_parts"]["registered_domain"]
        totals[site].add(place)
        for line in page["text"].split("\n"):
            in_run[bucket[place], normal(line)].add(place)
            in_site[site, normal(line)].add(place)
    out = []
    for place, page in enumerate(pages):
        site = page["url_parts"]["registered_domain"]
        total = len(totals[site])
        known = site is not None and total >= chosen.site_least_documents
        kinds = []
        for line in page["text"].split("\n"):
            form = normal(line)
            run = form is not None and len(in_run[bucket[place], form]) >= chosen.least_documents
            here = len(in_site[site, form])
            local = form is not None and known and here >= chosen.site_least_documents
            kinds.append((run, local and here >= chosen.site_least_share * total, form, line))
        own = [at for at, (run, local, form, _) in enumerate(kinds) if form and not run | local]
        first, last = (own[0], own[-1]) if own else (len(kinds), -1)
        gone = {
            "run": [at for at, kind in enumerate(kinds) if kind[0]],
            "site": [at for at, kind in enumerate(kinds) if kind[1]],
            "site_edges": [
                at for at, kind in enumerate(kinds) if kind[1] and (at < first or at > last)
            ],
        }
        numbers = sorted({at for kind in chosen.remove for at in gone[kind]})
        solid = [kind for kind in kinds if kind[3].strip()]
        row = {
            "head_lines": sum(run | local for run, local, *_ in kinds[:first]),
            "foot_lines": sum(run | local for run, local, *_ in kinds[last + 1 :]) if own else 0,
            "removable_lines": len(numbers),
            "removable_characters": sum(len(kinds[at][3]) for at in numbers),
        }
        for unit, size in (("line", bool), ("character", len), ("word", lambda t: len(t.split()))):
            whole = sum(size(line) for *_, line in solid)
            for k, scope in enumerate(("run", "site")):
                part = sum(size(kind[3]) for kind in kinds if kind[k])
                defined = whole and (scope == "run" or known)
                row[f"{scope}_{unit}_fraction"] = part / whole if defined else None
        out.append({"repeated_lines": row, NUMBERS: numbers})
    return out


def run_stage(store: Store, order: int):
    """Runs a stage's work in some order."""

    def run(_, mark, function, work):
        keys = sorted(work)
        random.Random(order).shuffle(keys)
        return {key: function(store, *work[key], mark) for key in keys}

    return run


def write(store: Store, path: str, rows: list[dict], schema: pa.Schema) -> str:
    with ShardWriter(store, path, schema) as writer:
        writer.write(pa.Table.from_pylist(rows, schema), 50)
    return path


def measured(tmp_path, pages, copies, shards, chosen, order=0) -> tuple[list[dict], list[bytes]]:
    """Signals of the pages, dealt to shards, and the files in shard order."""
    store = Store(str(tmp_path))
    refs, duplicates = [], {}
    for number in range(shards):
        mine = pages[number::shards]
        key = f"{number:04x}"
        path = write(store, f"documents/d/{key}.parquet", mine, DOCUMENTS)
        refs.append(ShardRef(key, path))
        rows = [
            {"row": row, "cluster_id": copies[page["id"]]}
            for row, page in enumerate(mine)
            if page["id"] in copies
        ]
        if rows:
            duplicates[key] = write(store, f"duplicates/d/{key}.parquet", rows, COPIES)
    run, chosen = run_stage(store, order), msgspec.structs.replace(chosen, enabled=True)
    signals = with_line_signals(run, refs, len(pages), duplicates, chosen, "upstream")
    found: list[dict] = [{}] * len(pages)
    for number, ref in enumerate(signals):
        found[number::shards] = read_table(store, ref.signals[0]).to_pylist()
    files = [store.read_bytes(ref.signals[0]) for ref in signals]
    return found, files


@pytest.mark.parametrize(
    "chosen",
    [
        LinesSettings(),
        LinesSettings(per_documents=100, least_documents=5, remove=("run",)),
        LinesSettings(site_least_documents=20, site_least_share=0.4, remove=("site_edges",)),
        LinesSettings(memory_mb=0.05, remove=("site",)),
    ],
    ids=["defaults", "buckets", "edges", "ranges"],
)
def test_signals_are_those_of_a_count_by_hand(tmp_path, chosen):
    rng = random.Random(7)
    pages = make_documents(rng, 300)
    copies = {}
    for first in range(0, 60, 6):  # clusters of six, named by their smallest id
        members = sorted(page["id"] for page in pages[first : first + 6])
        copies |= dict.fromkeys(members, members[0])
    names = [copies.get(page["id"], page["id"]) for page in pages]
    wanted = by_hand(pages, names, chosen)
    found, files = measured(tmp_path / "one", pages, copies, 3, chosen)
    assert found == wanted
    assert sum(row["repeated_lines"]["removable_lines"] for row in found) > 100
    assert measured(tmp_path / "two", pages, copies, 3, chosen, order=5) == (found, files)
    dealt, _ = measured(tmp_path / "three", pages, copies, 7, chosen)
    assert dealt == found


def test_what_copies_repeat_is_no_furniture(tmp_path):
    text = "A story that forty mirrors tell.\nIts second line."
    pages = [
        {"id": f"{n:032x}", "text": text, "url_parts": {"registered_domain": "a.com"}}
        for n in range(40)
    ]
    copies = {page["id"]: pages[0]["id"] for page in pages}
    found, _ = measured(tmp_path / "copies", pages, copies, 2, LinesSettings())
    assert all(row[NUMBERS] == [] for row in found)
    found, _ = measured(tmp_path / "apart", pages, {}, 2, LinesSettings())
    assert all(row[NUMBERS] == [0, 1] for row in found)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.sampled_from(["", " ", "a", "bb", "c c"]), min_size=1, max_size=9),
    st.sets(st.integers(0, 8)),
)
def test_dropped_lines_leave_the_others_as_they_were(lines, numbers):
    gone = sorted(n for n in numbers if n < len(lines))
    text = "\n".join(lines)
    left = without(text, drop_lines(text, gone))
    kept = [line for n, line in enumerate(lines) if n not in numbers]
    assert [line for line in left.split("\n") if line.strip()] == [k for k in kept if k.strip()]
    assert len(left.split("\n")) <= max(len(kept), 1)
    if not gone:
        assert left == text


def test_a_paragraph_break_stays_one():
    text = "Menu\n\nOne.\n\nShare this\n\nTwo.\n\n© 2024"
    assert without(text, drop_lines(text, [0, 4, 8])) == "One.\n\nTwo."


def test_settings_that_make_no_sense_are_refused():
    for wrong in (
        LinesSettings(least_documents=1),
        LinesSettings(per_documents=3),
        LinesSettings(site_least_share=1.5),
        LinesSettings(memory_mb=1),
    ):
        with pytest.raises(ConfigError, match=r"^lines\."):
            wrong.check("lines")
