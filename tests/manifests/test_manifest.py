"""Manifests: what makes a shard done, what balances, and what a fingerprint is of."""

from __future__ import annotations

import hashlib
import itertools
import json

import msgspec
import pytest

from thresher.filters.errors import LedgerError
from thresher.manifests.manifest import (
    Manifest,
    Output,
    commit,
    fingerprint,
    load,
    load_all,
    manifest_path,
)


def made(store, key="k", stage="s", mark="f", files=(b"one", b"three"), **changes):
    """A finished shard with several files."""
    outputs = []
    for number, content in enumerate(files):
        path = f"{stage}/{mark}/{key}.{number}"
        store.write_bytes(path, content)
        outputs.append(Output(path, 1, len(content), "sha"))
    return commit(
        store, Manifest(stage=stage, fingerprint=mark, key=key, outputs=outputs, **changes)
    )


def test_what_is_committed_is_loaded(store):
    facts = {"rows": 3, "names": ["ä", None], "share": 0.1}
    manifest = made(
        store,
        inputs=["x"],
        ledger={"records": 3, "documents": 1, "gated": 2, "failed": 0},
        reasons={"gated/empty": 2},
        facts=facts,
        seconds=0.5,
    )
    assert load(store, "s", "f", "k") == manifest
    assert manifest.output() == manifest.outputs[0] != manifest.output(1)


def test_other_programs_read_manifests(store):
    commit(store, Manifest(stage="s", fingerprint="f", key="k", outputs=[Output("p", 1, 2, "a")]))
    text = store.read_bytes("manifests/s/f/k.json")
    assert text.startswith(b'{\n "stage": "s",\n')
    assert json.loads(text) == {
        "stage": "s",
        "fingerprint": "f",
        "key": "k",
        "inputs": [],
        "outputs": [{"path": "p", "rows": 1, "bytes": 2, "sha256": "a"}],
        "ledger": {},
        "reasons": {},
        "facts": {},
        "seconds": 0.0,
        "format": 1,
    }


@pytest.mark.parametrize("number", [0, 1, 2])
@pytest.mark.parametrize("content", [None, b"", b"on", b"onee"])
def test_every_output_has_the_promised_size(store, number, content):
    made(store, files=(b"one", b"two", b"six"))
    path = f"s/f/k.{number}"
    if content is None:
        store.remove(path)
    else:
        store.write_bytes(path, content)
    assert load(store, "s", "f", "k") is None
    store.write_bytes(path, b"two")
    assert load(store, "s", "f", "k") is not None


@pytest.mark.parametrize(
    "data",
    [b"", b"{", b"null", b"[]", b'{"stage": "s"}', b"\xff\xfe", b'{"stage": "\xff"}', b"\0" * 100],
)
def test_what_is_no_manifest_counts_for_nothing(store, data):
    made(store, "other")
    made(store)
    store.write_bytes(manifest_path("s", "f", "k"), data)
    assert list(load_all(store, "s", "f")) == ["other"]
    assert load(store, "s", "f", "k") is None


@pytest.mark.parametrize("other", [("t", "f", "k"), ("s", "g", "k"), ("s", "f", "l")])
def test_a_manifest_counts_in_its_own_place_only(store, other):
    made(store)
    stage, mark, key = other
    store.write_bytes(manifest_path(*other), store.read_bytes(manifest_path("s", "f", "k")))
    for number in range(2):
        store.write_bytes(f"{stage}/{mark}/k.{number}", store.read_bytes(f"s/f/k.{number}"))
    assert load(store, stage, mark, key) is None
    assert list(load_all(store, "s", "f")) == ["k"]


def test_shards_come_in_the_order_of_their_keys_and_no_others(store):
    for key in ("c", "a", "b"):
        made(store, key)
    made(store, "m", mark="g")
    made(store, "m", stage="s2")
    assert list(load_all(store, "s", "f")) == ["a", "b", "c"]
    assert list(load_all(store, "s", "f", ["c", "a", "m"])) == ["a", "c"]
    for key in "hgfedlkji":
        made(store, key)
    assert "".join(load_all(store, "s", "f", list("lkjihgfedc"))) == "cdefghijkl"
    assert load_all(store, "s", "f", []) == {}
    assert load_all(store, "s", "h") == {}


LEDGER = {"records": 6, "documents": 1, "gated": 2, "failed": 3}
REASONS = {"gated/a": 1, "gated/b": 1, "failed/a": 3}


def test_a_ledger_that_balances_is_taken(store):
    made(store, ledger=LEDGER, reasons=REASONS)
    made(store, ledger={"records": 2, "kept": 1, "dropped": 1}, reasons={"dropped/a": 1})
    made(store, ledger={})
    made(store, ledger={"records": 0, "kept": 0, "dropped": 0})


@pytest.mark.parametrize(("part", "by"), list(itertools.product(LEDGER, (-1, 1))))
def test_one_more_or_fewer_of_any_part_is_not_taken(store, part, by):
    with pytest.raises(LedgerError, match=r"^s/k: .*documents"):
        made(store, ledger={**LEDGER, part: LEDGER[part] + by}, reasons=REASONS)
    assert load(store, "s", "f", "k") is None
    assert not store.exists(manifest_path("s", "f", "k"))


@pytest.mark.parametrize(("reason", "by"), list(itertools.product(REASONS, (-1, 1))))
def test_one_more_or_fewer_of_any_reason_is_not_taken(store, reason, by):
    with pytest.raises(LedgerError, match=r"^s/k: (gated is 2|failed is 3), but its reasons sum"):
        made(store, ledger=LEDGER, reasons={**REASONS, reason: REASONS[reason] + by})
    assert not store.exists(manifest_path("s", "f", "k"))


@pytest.mark.parametrize("outcome", ["gated", "failed", "dropped"])
def test_reasons_of_an_outcome_that_the_ledger_lacks_are_not_taken(store, outcome):
    with pytest.raises(LedgerError, match=f"{outcome} is 0, but its reasons sum up to 1"):
        made(store, ledger={"records": 1, "kept": 1}, reasons={f"{outcome}/a": 1})


class Settings(msgspec.Struct, frozen=True):
    name: str
    share: float = 0.5
    words: tuple[str, ...] = ()


def test_a_fingerprint_is_of_all_that_it_is_given():
    whole = ("s", 1, Settings("a"), ["x", 2], {"k": None})
    others = [
        ("t", *whole[1:]),
        ("s", 2, *whole[2:]),
        ("s", 1, Settings("b"), *whole[3:]),
        ("s", 1, Settings("a", share=0.25), *whole[3:]),
        ("s", 1, Settings("a", words=("w",)), *whole[3:]),
        (*whole[:3], ["x", 3], whole[4]),
        (*whole[:3], [2, "x"], whole[4]),
        (*whole[:4], {"k": 0}),
        (*whole[:4], {"l": None}),
        whole[:4],
        (*whole, None),
    ]
    marks = [fingerprint(*parameters) for parameters in (whole, *others)]
    assert len(set(marks)) == len(marks)
    assert all(len(mark) == 16 and int(mark, 16) >= 0 for mark in marks)
    assert fingerprint("s", 1, {"b": 1, "a": (2,)}) == fingerprint("s", 1, {"a": [2], "b": 1})
    text = b'["s",1,[{"name":"a","share":0.5,"words":[]}]]'
    assert fingerprint("s", 1, Settings("a")) == hashlib.sha256(text).hexdigest()[:16]


@pytest.mark.parametrize("parameter", [{1, 2}, float("nan"), float("inf"), object(), {1: 2}, b"x"])
def test_what_has_no_canonical_form_has_no_fingerprint(parameter):
    with pytest.raises(TypeError):
        fingerprint("s", 1, parameter)
